/*
 * One shell: its link to the gateway, its screen, and what stands around it.
 */

import { fill, h } from './dom.js';
import { createBar } from './terminal_bar.js';
import { createKeys } from './terminal_keys.js';
import { TerminalLink } from './terminal_link.js';
import { forget, placeOf, recall, remember } from './terminal_memory.js';
import { createBeside } from './terminal_requests.js';
import { createScreen } from './terminal_screen.js';

const SETTLED = 60;                   /* ms without another size */
const TAKEN = '4001';                 /* another page has it now */

/**
 * @param {object} app
 * @param {{workspace: string, issue: string, session?: string,
 *          mode?: string}} params
 * @param {() => void} changed        its title, or whether it stands
 */
export function createShell(app, params, changed) {
    const place = placeOf(params);
    const view = params.mode === 'view';
    const old = view ? { session: params.session } : recall(place);

    let title = '';
    let sled = '';
    let state = { state: 'connecting', text: '' };
    let sizing;
    let ticking;

    const screen = createScreen({
        typed: (text) => link.type(keys.apply(text)),
        resized: () => {
            clearTimeout(sizing);
            sizing = setTimeout(() => {
                const { cols, rows } = screen.size();

                link.resize(cols, rows);
            }, SETTLED);
        },
        title: (text) => {
            title = text;
            say();
        },
        copy: (text) => view ? bar.offer(text) : bar.copy(text),
        refused: () => bar.notice('The shell asked for your clipboard: '
            + 'that is never given.'),
        found: (text) => bar.found(text),
        key: (event) => bar.key(event),
    });

    const link = new TerminalLink({
        dial: (query, protocols) => app.socket(
            `${app.config.terminal.replace('{issue}',
                encodeURIComponent(params.issue))}?${query}`, protocols),
        size: screen.size,
        workspace: params.workspace,
        view,
        session: old.session,
        token: old.token,
        on: {
            data: (bytes, offset) => screen.write(bytes, offset),
            gap: (from, to) => screen.tell(`${(to - from).toLocaleString()} `
                + 'bytes are missing here: the sled keeps no more'),
            notice: (text) => bar.notice(text),
            opened,
            state: (next) => turn(next),
        },
    });

    const keys = createKeys({
        typed: (text) => link.type(text),
        arrow: screen.arrow,
    });

    const beside = createBeside(app, (open) => bar.waiting(open));
    const bar = createBar(app, screen, {
        end: () => link.end(),
        beside: (on) => element.classList.toggle('with-beside', on),
    });

    const banner = h('div', { class: 'banner', hidden: true });
    const glass = h('div', { class: 'glass' });

    const element = h('div', { class: 'shell-room' },
        bar.element,
        h('div', { class: 'pane' }, glass, banner, bar.finder, keys.element),
        beside.element);

    function opened({ work_dir, shell }) {
        keep();
        bar.about([shell, work_dir && `in ${work_dir}`].filter(Boolean)
            .join(' '));
        screen.term.options.disableStdin = link.mode === 'view';
        keys.element.hidden = link.mode === 'view';
        link.resize(screen.term.cols, screen.term.rows);
        find();
    }

    /* which task it is of; a terminal is not told */

    async function find() {
        let after = '';

        for (let page = 0; page < 10; page++) {
            const { status, body } = await app.request('GET',
                `terminals?limit=1000${after}`);

            if (status !== 200) {
                return;
            }

            const found = body.terminals.find((t) =>
                t.session_id === link.session);

            if (found) {
                sled = found.sled;
                beside.set({ ...params, sled, task: found.task_id });
                say();
                return;
            }

            if (!body.next) {
                return;
            }

            after = `&after=${body.next}`;
        }
    }

    function keep() {
        if (!view && link.session && link.token && state.state !== 'ended') {
            remember(place, { session: link.session, token: link.token,
                offset: Math.max(screen.parsed(), old.offset ?? 0) });
        }
    }

    function turn(next) {
        const before = state.state;

        state = next;
        clearInterval(ticking);
        bar.state(next, link.mode, view);
        show();

        if (next.until) {
            ticking = setInterval(show, 1000);
        }

        if (next.state === 'ended') {
            if (!view && next.code !== TAKEN) {
                forget(place);
            }

            screen.term.options.disableStdin = true;

            if (next.code !== 'left') {
                screen.tell(next.text, true);
                app.announce(next.text, { urgent: true });
            }

        } else if (next.state !== before && before !== 'connecting') {
            app.announce(next.text, { urgent: next.state !== 'open' });
        }

        changed();
    }

    /* above the screen, which belongs to the shell: what is the matter */

    function show() {
        const { text, until } = state;
        const seconds = Math.ceil(((until ?? 0) - Date.now()) / 1000);

        banner.dataset.state = state.state;
        banner.hidden = state.state === 'open';

        if (banner.hidden) {
            return;
        }

        fill(banner, h('span', null, text),
            seconds > 0 && h('span', { class: 'until' },
                state.state === 'away' ? `It is given up in ${seconds} s.`
                    : `Dialling again in ${seconds} s.`),
            state.state === 'waiting' && h('button', { type: 'button',
                onclick: () => link.connect() }, 'Now'),
            state.code === TAKEN && h('button', { type: 'button',
                onclick: () => link.connect() }, 'Take it back'),
            state.state === 'ended' && h('button', { type: 'button',
                onclick: again }, view ? 'Look again' : 'New shell'));
    }

    function again() {
        screen.term.reset();
        screen.answered(0);
        link.session = params.session ?? '';
        link.token = '';
        link.offset = 0;
        link.connect();
        screen.term.focus();
    }

    function say() {
        bar.title(title || params.issue, sled);
        changed();
    }

    const theme = () => screen.theme(
        document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light');
    const watch = new MutationObserver(theme);

    watch.observe(document.documentElement, {
        attributes: true, attributeFilter: ['data-theme'],
    });

    addEventListener('pagehide', keep);

    return {
        element,
        place,
        params,
        link,
        screen,

        reads: bar.reads,
        title: () => title || params.issue,
        state: () => state.state,

        /** When it is in the page: a terminal wants to be seen. */
        shown() {
            if (!screen.element) {
                theme();
                screen.open(glass);
                screen.answered(old.offset ?? 0);
                beside.set(params);
                say();
                link.connect();
            }

            screen.fit();
            screen.term.focus();
        },

        dispose() {
            link.leave();
            removeEventListener('pagehide', keep);
            watch.disconnect();
            clearInterval(ticking);
            beside.dispose();
            screen.dispose();
        },
    };
}
