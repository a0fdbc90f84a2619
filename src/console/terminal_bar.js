/*
 * Above a shell: what it is, and what can be done with it.
 */

import { fill, h, name } from './dom.js';

const words = {
    connecting: 'Connecting', open: 'Connected', away: 'Sled away',
    waiting: 'Disconnected', ended: 'Ended',
};

/**
 * @param {object} app
 * @param {object} screen
 * @param {{end: () => void, beside: (on: boolean) => void}} on
 */
export function createBar(app, screen, on) {
    const heading = h('h2', null);
    const where = h('span', { class: 'where' });
    const chip = h('span', { class: 'chip', role: 'status' });
    const note = h('div', { class: 'note', hidden: true });
    const count = h('span', { class: 'badge', hidden: true });
    const found = h('span', { class: 'found', role: 'status' });

    let beside = app.settings.get('beside', innerWidth >= 1100);
    let noting;

    const button = (text, run, props = {}) => h('button', {
        type: 'button', class: 'quiet', onclick: run, ...props,
    }, text);

    const requests = button(['Requests', count], () => aside(!beside));
    const end = button('End shell', on.end);
    const reader = button('Screen reader', () => {
        app.settings.set('screenReader', !reading());
    });

    /* ---- searching */

    const field = h('input', {
        type: 'search', placeholder: 'Find in the scrollback',
        'aria-label': 'Find in the scrollback', spellcheck: 'false',
        oninput: () => screen.find(field.value),
        onkeydown: (event) => {
            if (event.key === 'Enter') {
                event.preventDefault();
                screen.find(field.value, event.shiftKey);

            } else if (event.key === 'Escape') {
                event.preventDefault();
                seek(false);
            }
        },
    });

    const finder = h('div', { class: 'finder', role: 'search', hidden: true },
        field, found,
        button('↑', () => screen.find(field.value, true),
            { 'aria-label': 'Match before' }),
        button('↓', () => screen.find(field.value),
            { 'aria-label': 'Next match' }),
        button('×', () => seek(false), { 'aria-label': 'Close the search' }));

    const find = button('Find', () => seek(finder.hidden),
        { title: 'Ctrl+Shift+F' });

    function seek(open) {
        finder.hidden = !open;
        find.setAttribute('aria-expanded', String(open));

        if (open) {
            field.select();
            field.focus();

        } else {
            screen.find('');
            screen.term.focus();
        }
    }

    /* ---- the clipboard */

    async function copy(text) {
        try {
            await navigator.clipboard.writeText(text);
            notice('Copied.');

        } catch {
            offer(text);
        }
    }

    /* a browser may want a click for it, and so may a person */

    function offer(text) {
        notice(`${[...text].length} characters are to be copied.`,
            button('Copy them', () => notice(select(text) ? 'Copied.'
                : 'The browser does not let this page copy.')));
    }

    /* the old way, which works without TLS as well */

    function select(text) {
        const area = h('textarea', { class: 'hear', 'aria-label': 'Copied' });

        area.value = text;
        element.append(area);
        area.select();

        const done = document.execCommand('copy');

        area.remove();

        return done;
    }

    async function paste() {
        try {
            screen.term.paste(await navigator.clipboard.readText());

        } catch {
            notice('The browser does not give the clipboard to a page: '
                + 'use Ctrl+Shift+V.');
        }

        screen.term.focus();
    }

    function notice(text, ...more) {
        clearTimeout(noting);
        note.hidden = false;
        fill(note, h('span', null, text), more,
            button('×', () => {
                note.hidden = true;
            }, { 'aria-label': 'Close the notice' }));
        app.announce(text);
        noting = setTimeout(() => {
            note.hidden = true;
        }, more.length ? 30000 : 6000);
    }

    /* ---- the rest */

    function aside(open) {
        beside = open;
        app.settings.set('beside', open);
        requests.setAttribute('aria-pressed', String(open));
        on.beside(open);
    }

    const reading = () => app.settings.get('screenReader', false);

    function reads() {
        reader.setAttribute('aria-pressed', String(reading()));
        screen.term.options.screenReaderMode = reading();
    }

    requests.setAttribute('aria-pressed', String(beside));
    find.setAttribute('aria-expanded', 'false');
    find.setAttribute('aria-keyshortcuts', 'Control+Shift+F');
    reads();
    queueMicrotask(() => on.beside(beside));

    const element = h('div', { class: 'bar' },
        h('div', { class: 'shell-about' }, heading, where, chip),
        h('div', { class: 'shell-tools', role: 'toolbar', 'aria-label': 'Shell' },
            find,
            button('Copy', () => copy(screen.term.getSelection()),
                { title: 'What is selected (Ctrl+Shift+C)' }),
            button('Paste', paste, { title: 'Ctrl+Shift+V' }),
            requests, reader, end),
        note);

    /* what the page takes for itself, with Ctrl and Shift so that no shell
       misses it, and F6 with Ctrl to leave the terminal by keyboard */

    const shortcuts = {
        KeyA: () => screen.term.selectAll(),
        KeyC: () => copy(screen.term.getSelection()),
        KeyF: () => seek(true),
    };

    return {
        element,
        finder,
        copy,
        offer,
        notice,
        reads,

        title(text, sled) {
            fill(heading, name(text));
            where.replaceChildren(...sled ? [' on ', name(sled)] : []);
        },

        about(text) {
            heading.title = text;
        },

        state({ state }, mode, view) {
            chip.dataset.state = state;
            chip.textContent = state === 'open' && mode === 'view'
                ? 'Read-only' : words[state];
            end.hidden = view || state !== 'open' || mode === 'view';
        },

        found(text) {
            found.textContent = text;
        },

        waiting(open) {
            count.hidden = open === 0;
            fill(count, String(open), h('span', { class: 'hear' },
                ' waiting'));
        },

        key(event) {
            if (!event.ctrlKey || event.altKey || event.metaKey) {
                return false;
            }

            const run = event.shiftKey && shortcuts[event.code];

            if (run || event.code === 'F6') {
                event.preventDefault();

                if (event.type === 'keydown') {
                    run ? run() : find.focus();
                }

                return true;
            }

            /* the browser's own paste */

            return event.shiftKey && event.code === 'KeyV';
        },
    };
}
