/*
 * The view "Terminal": the shells of this tab, one of them in sight, and
 * where others can be had.
 */

import { fill, h, name } from './dom.js';
import { placeOf } from './terminal_memory.js';
import { createOpening } from './terminal_open.js';
import { createShell } from './terminal_shell.js';

/** @param {Object} app see README.md */
export function createTerminal(app) {
    const shells = new Map();         /* by place */
    const opening = createOpening(app);
    const strip = h('nav', { class: 'strip', 'aria-label': 'Shells' });
    const stage = h('div', { class: 'stage' });

    const element = h('section', { class: 'terminal', 'aria-label': 'Terminal' },
        strip, stage);

    let shown = null;
    let visible = false;
    let stripped = '';                /* what the strip shows */

    app.settings.on('screenReader', () => {
        for (const shell of shells.values()) {
            shell.reads();
        }
    });

    function show(params) {
        visible = true;

        if (!params.issue || !params.workspace) {
            const last = !params.list && !params.sled && shells.size
                ? [...shells.values()].at(-1) : null;

            if (last) {
                location.replace(app.link('terminal', last.params));
                return;
            }

            shown = null;
            fill(stage, opening.element);
            opening.load(params.sled ?? '');
            showStrip();
            return;
        }

        const place = placeOf(params);
        let shell = shells.get(place);

        if (!shell) {
            shell = createShell(app, params, () => {
                view.title = shown ? `${shown.title()}` : 'Terminal';
                showStrip();

                if (visible) {
                    app.sayTitle();
                }
            });
            shells.set(place, shell);
        }

        if (shown !== shell || !stage.contains(shell.element)) {
            shown = shell;
            fill(stage, shell.element);
        }

        showStrip();
        shell.shown();
    }

    function hide() {
        visible = false;
    }

    function showStrip() {
        const now = JSON.stringify([[...shells].map(([place, shell]) =>
            [place, shell.state()]), shown?.place]);

        if (now === stripped) {
            return;
        }

        stripped = now;
        fill(strip, [...shells].map(([place, shell]) => h('span', {
            class: 'tab', dataset: { state: shell.state() },
        },
        h('a', { href: app.link('terminal', shell.params),
            'aria-current': shell === shown ? 'page' : null },
        name(shell.params.issue),
        shell.params.mode === 'view' ? ' (read-only)' : null),
        h('button', { type: 'button', class: 'quiet icon',
            'aria-label': `Close ${shell.params.issue}`,
            onclick: () => close(place) }, '×'))),
        h('a', { class: 'new', href: app.link('terminal', { list: 1 }),
            'aria-current': shown ? null : 'page' }, 'All shells'));
    }

    /* what runs is ended: a shell that nobody can come back to is waste */

    function close(place) {
        const shell = shells.get(place);

        shell.link.end();
        shell.dispose();
        shells.delete(place);

        if (shell === shown) {
            app.navigate('terminal', { list: 1 });

        } else {
            showStrip();
        }
    }

    const view = { element, title: 'Terminal', show, hide };

    return view;
}
