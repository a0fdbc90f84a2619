/*
 * The sleds of the fleet as this page knows them: by name, in an order, and
 * those of them that fit what was typed.
 */

/** What stands in a column, and how one is compared with another. */
export const columns = [
    { id: 'sled', title: 'Sled', value: (s) => s.sled },
    { id: 'state', title: 'State', value: (s) => order[stateOf(s)] },
    { id: 'connections', title: 'Connections', number: true,
      value: (s) => s.connections },
    { id: 'version', title: 'Version', value: (s) => s.version ?? '' },
    { id: 'tasks', title: 'Tasks', number: true, value: (s) => s.tasks },
    { id: 'pending', title: 'In flight', number: true,
      value: (s) => s.pending },
    { id: 'seen', title: 'Last seen', value: (s) => seenAt(s) },
];

const order = { connected: 0, paused: 1, away: 2, gone: 3 };

/** @returns {'connected'|'paused'|'away'|'gone'} */
export function stateOf(sled) {
    return sled.connections === 0 ? sled.away ? 'away' : 'gone'
        : sled.paused === sled.connections ? 'paused' : 'connected';
}

/** Now, while it is connected. */
export function seenAt(sled) {
    return sled.connections ? Infinity : sled.lost ?? sled.since;
}

export class FleetList {
    constructor() {
        this.byName = new Map();
        this.words = [];
        this.sorting = { id: 'sled', down: false };
        this.shown = [];
    }

    /** All there are; what is not among them is gone. */
    replace(sleds) {
        this.byName = new Map(sleds.map((sled) => [sled.sled, entry(sled)]));
        this.sort();
    }

    /** One of them, or that there is no such. */
    put(id, sled) {
        if (sled) {
            this.byName.set(id, entry(sled));

        } else {
            this.byName.delete(id);
        }
    }

    /** Has what is shown changed?  By names alone. */
    filter(text) {
        this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
        this.pick();
    }

    sort(id = this.sorting.id, down = this.sorting.down) {
        const { value, number } = columns.find((c) => c.id === id);
        const sign = down ? -1 : 1;
        const compare = number || id === 'state' || id === 'seen'
            ? (a, b) => a.key - b.key || 0
            : (a, b) => collator.compare(a.key, b.key);

        this.sorting = { id, down };

        for (const one of this.byName.values()) {
            one.key = value(one.sled);
        }

        this.sorted = [...this.byName.values()].sort((a, b) =>
            sign * compare(a, b)
            || collator.compare(a.sled.sled, b.sled.sled));
        this.pick();
    }

    pick() {
        const { words } = this;

        this.shown = (words.length ? this.sorted.filter(({ text }) =>
            words.every((word) => text.includes(word))) : this.sorted)
            .map(({ sled }) => sled);
    }
}

const collator = new Intl.Collator('en', { numeric: true });

function entry(sled) {
    return {
        sled,
        text: [sled.sled, sled.name, sled.version, stateOf(sled)]
            .filter(Boolean).join('\n').toLowerCase(),
    };
}
