/*
 * The view "Fleet": which sleds there are, and what can be done with one.
 */

import { confirm } from './confirm.js';
import { fill, h, name } from './dom.js';
import { follow } from './events.js';
import { columns, FleetList, stateOf } from './fleet_list.js';
import { listAll } from './lists.js';
import { createRows } from './virtual_rows.js';

const MOST = 100000;
const GATHER = 300;                   /* ms of events, looked at together */
const EACH = 20;                      /* sleds asked for one by one */
const EVERY = 10000;                  /* ms between lists, of 1000 sleds */

const states = {
    connected: 'connected', paused: 'paused', away: 'away', gone: 'gone',
};

/** @param {Object} app see README.md */
export function createFleet(app) {
    const list = new FleetList();
    const narrow = matchMedia('(max-width: 46rem)');
    const touched = new Set();

    let stop = null;                  /* of what goes on while it is shown */
    let timer;
    let gathering;
    let loading = false;

    /* ---- what is in the page */

    const count = h('p', { class: 'fleet-count', role: 'status' });
    const error = h('p', { class: 'error', hidden: true, role: 'alert' });

    const field = h('input', {
        type: 'search', placeholder: 'Filter by name, version, state',
        'aria-label': 'Filter sleds', spellcheck: 'false', autocomplete: 'off',
        oninput: () => {
            list.filter(field.value);
            refresh();
        },
        onkeydown: (event) => {
            if (event.key === 'ArrowDown') {
                event.preventDefault();
                rows.element.focus();
            }
        },
    });

    const heads = columns.map((column) => h('div', {
        role: 'columnheader', class: `cell ${column.id}`,
        'aria-sort': column.id === 'sled' ? 'ascending' : 'none',
    }, h('button', { type: 'button', class: 'quiet',
        onclick: () => sort(column.id) }, column.title)));

    const rows = createRows({
        label: 'Sleds',
        columns: columns.length + 1,
        head: h('div', { role: 'row', class: 'row head', 'aria-rowindex': 1 },
            heads, h('div', { role: 'columnheader', class: 'cell does' },
                h('span', { class: 'hear' }, 'Actions'))),
        height: () => narrow.matches ? 76 : 40,
        render,
        enter: (sled) => shell(sled),
        remove: (sled) => kick(sled),
    });

    const nobody = h('div', { class: 'nobody', hidden: true });

    const element = h('section', { class: 'fleet', 'aria-label': 'Fleet' },
        h('div', { class: 'fleet-head' }, field, count),
        error, rows.element, nobody,
        h('p', { class: 'hint' }, 'Arrow keys choose a sled, Enter opens a '
            + 'shell on it, Delete sends it away.'));

    narrow.addEventListener('change', () => rows.draw());

    /* ---- a row */

    function render(sled, row) {
        const state = stateOf(sled);

        row.dataset.state = state;
        fill(row,
            cell('sled', name(sled.sled)),
            cell('state', h('span', { class: 'chip' }, states[state])),
            cell('connections', number(sled.connections,
                sled.paused > 0 && sled.paused < sled.connections
                    && `${sled.paused} paused`)),
            cell('version', sled.name || sled.version
                ? [sled.name, sled.version].filter(Boolean).map((text) =>
                    [name(text), ' ']) : '–'),
            cell('tasks', number(sled.tasks)),
            cell('pending', number(sled.pending)),
            cell('seen', seen(sled)),
            cell('does', [
                h('button', { type: 'button', class: 'quiet', tabindex: '-1',
                    disabled: !sled.connections,
                    'aria-label': `Shell: ${sled.sled}`,
                    onclick: () => shell(sled) }, 'Shell'),
                h('button', { type: 'button', class: 'quiet', tabindex: '-1',
                    'aria-label': `Send away: ${sled.sled}`,
                    onclick: () => kick(sled) }, 'Send away'),
            ]));
    }

    const cell = (id, content) => h('div', {
        role: 'gridcell', class: `cell ${id}`,
    }, content);

    const number = (n, more) => [h('span', { class: n ? 'n' : 'n zero' },
        String(n)), more && h('small', null, ` ${more}`)];

    function seen(sled) {
        if (sled.connections) {
            return ['now', h('small', null, ` for ${span(sled.since)}`)];
        }

        return sled.lost ? `${span(sled.lost)} ago` : '–';
    }

    function span(since) {
        const s = Math.max(0, (app.session.now() - since) / 1000);

        return s < 60 ? `${Math.floor(s)} s`
            : s < 3600 ? `${Math.floor(s / 60)} min`
                : s < 86400 ? `${Math.floor(s / 3600)} h`
                    : `${Math.floor(s / 86400)} d`;
    }

    /* ---- what can be done */

    function sort(id) {
        list.sort(id, list.sorting.id === id && !list.sorting.down);

        heads.forEach((head, i) => head.setAttribute('aria-sort',
            columns[i].id !== id ? 'none'
                : list.sorting.down ? 'descending' : 'ascending'));

        refresh();
    }

    function shell(sled) {
        if (sled.connections) {
            app.navigate('terminal', { sled: sled.sled });
        }
    }

    function kick(sled) {
        confirm(app, {
            title: 'Send a sled away',
            text: [name(sled.sled), ' is disconnected: what it asks is '
                + 'withdrawn, its shells end. It may dial again by itself.'],
            verb: 'Send it away',
            run: async () => {
                const { status, body } = await app.request('DELETE',
                    `sleds/${encodeURIComponent(sled.sled)}`);

                if (status === 204 || status === 404) {
                    say('');
                    app.announce(`${sled.sled} was sent away.`);

                } else {
                    say(body?.error?.message ?? `The gateway said ${status}.`);
                }

                touch(sled.sled);
            },
        });
    }

    /* ---- where it comes from */

    function say(text) {
        error.hidden = text === '';
        error.textContent = text;
    }

    function refresh() {
        const { shown, byName } = list;

        rows.set(shown, (a, b) => a.sled === b.sled);

        count.textContent = shown.length === byName.size
            ? `${byName.size.toLocaleString('en')} `
                + (byName.size === 1 ? 'sled' : 'sleds')
            : `${shown.length.toLocaleString('en')} of `
                + `${byName.size.toLocaleString('en')} sleds`;

        nobody.hidden = shown.length > 0 || loading;
        nobody.textContent = byName.size ? 'No sled of that kind.'
            : 'No sled has come yet.';
    }

    async function load() {
        const { signal } = stop;

        clearTimeout(timer);
        loading = true;

        const { items, error } = await listAll(app, 'sleds', 'sleds', MOST);

        loading = false;

        if (signal.aborted) {
            return;
        }

        say(error);

        if (!error) {
            touched.clear();
            list.replace(items);
        }

        refresh();

        timer = setTimeout(load, EVERY * Math.max(1, items.length / 1000));
    }

    /* something was heard of it: a few are looked at, many are all of them */

    function touch(id) {
        touched.add(id);
        gathering ??= setTimeout(gather, GATHER);
    }

    async function gather() {
        const ids = [...touched];

        gathering = undefined;
        touched.clear();

        if (!stop || loading) {
            return;
        }

        if (ids.length > EACH) {
            load();
            return;
        }

        await Promise.all(ids.map(async (id) => {
            const { status, body } = await app.request('GET',
                `sleds/${encodeURIComponent(id)}`);

            if (status === 200 || status === 404) {
                list.put(id, status === 200 ? body : null);
            }
        }));

        list.sort();
        refresh();
    }

    return {
        element,
        title: 'Fleet',
        list,
        refresh,

        show() {
            if (stop) {
                return;
            }

            stop = new AbortController();
            load();
            follow(app, (event, { sled }) => {
                if (sled && (event === 'sled' || event === 'request')) {
                    touch(sled);

                } else if (event === 'gap') {
                    load();
                }
            }, stop.signal);
        },

        hide() {
            stop?.abort();
            stop = null;
            clearTimeout(timer);
        },

        key(key) {
            if (key !== '/') {
                return false;
            }

            field.focus();

            return true;
        },
    };
}
