/*
 * Beside a shell: what the task that it belongs to waits for.
 */

import { fill, h } from './dom.js';

/**
 * @param {object} app
 * @param {(open: number) => void} counted
 */
export function createBeside(app, counted) {
    const made = new Map();           /* request => its card */
    const cards = h('div', { class: 'cards' });
    const element = h('aside', {
        class: 'beside', 'aria-label': 'Requests of this task',
    }, cards);

    let of = null;

    /* of the task itself, or of its issue where it says no more than that */

    const mine = (request) => request.task && request.task === of.task
        ? !of.sled || request.sled === of.sled
        : request.issue === of.issue
            && (!request.workspace || request.workspace === of.workspace);

    function update() {
        const list = of ? app.requests.list().filter(mine) : [];

        for (const request of made.keys()) {
            if (!list.includes(request)) {
                made.delete(request);
            }
        }

        for (const request of list) {
            if (!made.has(request)) {
                made.set(request, app.renderCard(request));
            }
        }

        const wanted = list.map((request) => made.get(request));

        if (!wanted.length) {
            fill(cards, h('p', { class: 'none' }, 'Nothing waits for you here. '
                + 'What this task asks is shown beside its shell.'));

        } else if (wanted.length !== cards.children.length
            || wanted.some((card, i) => card !== cards.children[i]))
        {
            fill(cards, wanted);
        }

        counted(list.filter((request) => request.state === 'open').length);
    }

    app.requests.addEventListener('change', update);

    return {
        element,

        /** @param {{workspace: string, issue: string, sled?: string,
                     task?: string}} place */
        set(place) {
            of = place;
            update();
        },

        dispose() {
            app.requests.removeEventListener('change', update);
        },
    };
}
