/*
 * What a person likes: kept in localStorage, where nothing secret goes.
 */

const key = 'uplink-console';

/** Every setting, and what it is by default. */
const defaults = {
    undo: true,
    sound: false,
    notify: false,
    theme: 'auto',
};

export class Settings {
    constructor() {
        this.values = {};
        this.listeners = [];

        try {
            const stored = JSON.parse(localStorage.getItem(key) ?? '{}');

            if (stored && typeof stored === 'object') {
                this.values = stored;
            }
        } catch {
            /* no storage, or not ours: the defaults */
        }
    }

    /**
     * @param {string} name
     * @param {*} [fallback] for a setting that has no default here
     */
    get(name, fallback) {
        const value = this.values[name];
        const like = defaults[name] ?? fallback;

        return like === undefined || typeof value === typeof like
            ? value ?? like : like;
    }

    set(name, value) {
        this.values[name] = value;

        try {
            localStorage.setItem(key, JSON.stringify(this.values));
        } catch {
            /* it holds until the page is closed */
        }

        for (const [wanted, listener] of this.listeners) {
            if (wanted === name) {
                listener(value);
            }
        }
    }

    /** listener(value) whenever this setting changes */
    on(name, listener) {
        this.listeners.push([name, listener]);
    }
}
