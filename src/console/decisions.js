/*
 * The view of what waits for somebody, and of what has become of it.
 */

import { fill, h } from './dom.js';

/** How long a card stays where it is after it ended, in milliseconds. */
const linger = 4000;

/** @param {Object} app see README.md */
export function createDecisions(app) {
    return new Decisions(app);
}

class Decisions {
    constructor(app) {
        this.app = app;
        this.title = 'Decisions';
        this.cards = new Map();
        this.selected = null;
        this.visible = false;

        this.waiting = h('ol', { class: 'cards', role: 'list' });
        this.recent = h('ol', { class: 'cards recent', role: 'list' });
        this.count = h('span', { class: 'count' });
        this.nothing = h('div', { class: 'nothing' },
            h('p', null, 'Nothing waits for you.'),
            h('p', { class: 'faint' }, 'What agents want to do appears here '
              + 'by itself, the one with the least time left first.'));
        this.past = h('section', { class: 'past', hidden: true,
                                   'aria-labelledby': 'past' },
            h('header', null, h('h2', { id: 'past' }, 'Before'),
              h('button', { type: 'button', class: 'quiet',
                            onclick: () => this.clear() }, 'Clear')),
            this.recent);

        this.element = h('div', { class: 'decisions' },
            h('section', { 'aria-labelledby': 'waiting' },
                h('header', null,
                    h('h2', { id: 'waiting' }, 'Waiting ', this.count),
                    h('p', { class: 'faint hint' }, 'Press ',
                      h('kbd', null, '?'), ' for the keys.')),
                this.nothing, this.waiting),
            this.past);

        app.requests.addEventListener('added', ({ detail }) =>
            this.added(detail));
        app.requests.addEventListener('change', ({ detail }) =>
            this.changed(detail));

        for (const request of app.requests.list()) {
            this.added(request);
        }

        this.arrange();
    }

    show() {
        this.visible = true;
        this.arrange();
    }

    hide() {
        this.visible = false;
    }

    added(request) {
        if (!this.cards.has(request.id)) {
            const card = this.app.card(request);
            const item = h('li', null, card.element);

            card.element.addEventListener('focusin', () =>
                this.mark(request.id));

            this.cards.set(request.id, { card, item, request });
        }
    }

    changed(request) {
        if (request.removed) {
            this.cards.get(request.id)?.item.remove();
            this.cards.delete(request.id);

        } else if (request.endedAt) {
            setTimeout(() => this.arrange(), linger + 50);
        }

        /* on to the next one, as soon as something was said about this one */

        if (request.id === this.selected && this.visible
            && (request.mine || request.endedAt))
        {
            this.step(1, true);
        }

        this.arrange();
    }

    /** one that is not open any more stays for a moment where it was */
    stays({ endedAt, state }) {
        return !endedAt
            || (state !== 'told' && Date.now() - endedAt < linger);
    }

    arrange() {
        const list = this.app.requests.list();
        const open = list.filter((request) => request.state === 'open');
        const waiting = list.filter((request) => this.stays(request))
            .sort((a, b) => (a.expires ?? Infinity) - (b.expires ?? Infinity)
                || a.created - b.created);
        const past = list.filter((request) => !this.stays(request))
            .sort((a, b) => b.endedAt - a.endedAt);

        place(this.waiting, waiting.map(({ id }) => this.cards.get(id).item));
        place(this.recent, past.map(({ id }) => this.cards.get(id).item));

        this.nothing.hidden = waiting.length > 0;
        this.past.hidden = past.length === 0;
        fill(this.count, String(open.length));

        this.mark(this.selected);
    }

    /** shows which one keys are for */
    mark(id) {
        this.selected = id;

        for (const { card, request } of this.cards.values()) {
            card.element.toggleAttribute('data-selected', request.id === id);
        }
    }

    clear() {
        for (const request of this.app.requests.list()) {
            if (!this.stays(request)) {
                this.app.requests.remove(request);
            }
        }
    }

    select(id, focus) {
        this.mark(id);

        if (focus) {
            const { element } = this.cards.get(id).card;

            element.focus({ preventScroll: true });
            element.scrollIntoView({ block: 'nearest' });
        }
    }

    /** the next (1) or the one before (-1) of those that wait */
    step(by, answerable = false) {
        const ids = [...this.waiting.children].map((item) =>
            item.firstChild.dataset.id);
        const at = ids.indexOf(this.selected);
        const fits = (id) => {
            const { request } = this.cards.get(id);
            return !answerable || (request.state === 'open' && !request.mine);
        };

        const after = ids.slice(at + 1).find(fits);
        const before = ids.slice(0, Math.max(at, 0)).findLast(fits);

        /* who stands on one that is over begins again */

        const over = at < 0 || this.app.requests.get(ids[at]).endedAt;
        const id = by > 0
            ? after ?? (answerable ? before : over ? ids[0] : undefined)
            : before ?? (over ? ids.at(-1) : undefined);

        if (id !== undefined) {
            this.select(id, !document.activeElement?.matches(
                'textarea, input'));
        }
    }

    /** @returns {boolean} was this key for this view? */
    key(key) {
        if (key === 'j' || key === 'k') {
            this.step(key === 'j' ? 1 : -1);
            return true;
        }

        if (key === 'u') {
            const held = this.app.requests.list().filter((request) =>
                request.mine?.phase === 'held')
                .sort((a, b) => b.mine.sendAt - a.mine.sendAt)[0];

            if (held) {
                this.cards.get(held.id).card.undo();
                this.select(held.id, true);
            }

            return !!held;
        }

        return this.cards.get(this.selected)?.card.key(key) ?? false;
    }
}

/** brings the children into this order, and moves only what has to move */
function place(list, items) {
    const wanted = new Set(items);

    for (const item of [...list.children]) {
        if (!wanted.has(item)) {
            item.remove();
        }
    }

    items.forEach((item, i) => {
        if (list.children[i] !== item) {
            const focused = item.contains(document.activeElement)
                ? document.activeElement : null;

            list.insertBefore(item, list.children[i] ?? null);
            focused?.focus({ preventScroll: true });
        }
    });
}
