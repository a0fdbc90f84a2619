/*
 * Where a shell can be had: tasks that sleds have announced, shells that run,
 * and whatever a person knows by itself.
 */

import { fill, h, name } from './dom.js';
import { listAll } from './lists.js';

const SLEDS = 50;                     /* whose tasks are asked for at once */
const SHOWN = 200;

/** @param {object} app */
export function createOpening(app) {
    const list = h('div', { class: 'places' });
    const said = h('p', { class: 'saying', role: 'status' });

    let rows = [];
    let asked = 0;
    let only = '';

    const filter = h('input', {
        type: 'search', placeholder: 'Issue, sled, title, folder …',
        'aria-label': 'Filter', spellcheck: 'false',
        oninput: () => showRows(),
    });

    const issue = h('input', { type: 'text', name: 'issue', required: true,
        maxlength: 128, autocomplete: 'off', spellcheck: 'false' });
    const workspace = h('input', { type: 'text', name: 'workspace', required: true,
        maxlength: 128, autocomplete: 'off', spellcheck: 'false' });

    const form = h('form', { class: 'by-name', onsubmit: (event) => {
        event.preventDefault();
        go({ workspace: workspace.value, issue: issue.value,
             mode: event.submitter?.value || undefined });
    } },
    h('label', null, 'Issue ', issue),
    h('label', null, 'Workspace ', workspace),
    h('button', { type: 'submit', class: 'yes' }, 'Open a shell'),
    h('button', { type: 'submit', value: 'view' }, 'Look on'));

    const element = h('div', { class: 'opening' },
        h('div', { class: 'opening-head' },
            h('h2', null, 'Shells'), filter,
            h('button', { type: 'button', class: 'quiet',
                onclick: () => load() }, 'Refresh')),
        said, list,
        h('details', { class: 'other' },
            h('summary', null, 'Another issue'), form));

    const go = (params) => app.navigate('terminal', params);

    /** Asks anew; of one sled, where it is named. */
    async function load(sled = only) {
        const mine = ++asked;

        only = sled;
        said.textContent = 'Looking …';

        const [running, sleds] = await Promise.all([
            listAll(app, 'terminals', 'terminals', 2000),
            only ? { items: [{ sled: only, tasks: 1 }] }
                : listAll(app, 'sleds', 'sleds', 20000),
        ]);

        const busy = sleds.items.filter((s) => s.tasks > 0);
        const found = [];

        rows = running.items.filter((t) => t.session_id && t.issue_id
            && (!only || t.sled === only)).map(runningRow);

        /* a few at a time */

        for (let i = 0; i < Math.min(busy.length, SLEDS); i += 5) {
            found.push(...await Promise.all(busy.slice(i, i + 5).map((s) =>
                listAll(app, `sleds/${encodeURIComponent(s.sled)}/tasks`,
                    'tasks', 2000).then(({ items }) => items.map((task) =>
                    ({ ...task, sled: s.sled }))))));

            if (mine !== asked) {
                return;
            }
        }

        rows.push(...found.flat().filter((task) => task.issue_id
            && task.work_dir).map(taskRow));

        said.textContent = sleds.error || running.error
            || (busy.length > SLEDS ? `Tasks of ${SLEDS} of ${busy.length} `
                + 'sleds: the others are found by way of the fleet.' : '');

        if (only) {
            fill(said, 'Of ', name(only), ' alone. ', h('a', {
                href: app.link('terminal', { list: 1 }),
            }, 'Show all'));
        }

        showRows();
    }

    function runningRow(t) {
        const place = { workspace: t.workspace_id, issue: t.issue_id,
            session: t.session_id };

        return row('running', {
            issue: t.issue_id, sled: t.sled, workspace: t.workspace_id,
            folder: t.work_dir,
            about: `${t.state === 'sled_away' ? 'sled away' : 'running'}, `
                + `${t.browsers} looking${t.user ? `, opened by ${t.user}`
                    : ''}`,
        }, h('button', { type: 'button',
            onclick: () => go({ ...place, mode: 'view' }) }, 'Look on'));
    }

    function taskRow(task) {
        return row('task', {
            issue: task.issue_id, sled: task.sled,
            workspace: task.workspace_id, folder: task.work_dir,
            about: [task.title, task.owner && `of ${task.owner}`]
                .filter(Boolean).join(', '),
        }, h('button', { type: 'button', class: 'yes', onclick: () =>
            go({ workspace: task.workspace_id, issue: task.issue_id }) },
        'Open a shell'));
    }

    function row(kind, { issue, sled, workspace, folder, about }, ...buttons) {
        return {
            text: [issue, sled, workspace, folder, about].join('\n')
                .toLowerCase(),
            element: h('li', { class: `place ${kind}` },
                h('div', null,
                    h('strong', null, name(issue)),
                    h('span', { class: 'on' }, ' on ', name(sled)),
                    h('span', { class: 'in' }, ' in ', name(workspace)),
                    about && h('p', null, name(about)),
                    folder && h('p', { class: 'folder' }, name(folder))),
                h('div', { class: 'does' }, buttons)),
        };
    }

    function showRows() {
        const words = filter.value.toLowerCase().split(/\s+/)
            .filter(Boolean);
        const shown = rows.filter(({ text }) =>
            words.every((word) => text.includes(word)));

        fill(list, shown.length
            ? h('ul', null, shown.slice(0, SHOWN).map((r) => r.element))
            : h('p', { class: 'none' }, rows.length
                ? 'Nothing of that name.'
                : 'No sled has announced a task that a shell could be opened '
                    + 'for: start one with '
                    + '“sled run --task issue=…,dir=…”.'));

        if (shown.length > SHOWN) {
            list.append(h('p', { class: 'none' },
                `${shown.length - SHOWN} more: type to find them.`));
        }
    }

    return { element, load };
}
