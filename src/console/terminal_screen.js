/*
 * The screen of a terminal: xterm.js, and what a shell may do to the page.
 * Titles, links and the clipboard are the sled's words: never more than text.
 */

import { Terminal } from '@xterm/xterm';
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { WebLinksAddon } from '@xterm/addon-web-links';

import { themes } from './terminal_theme.js';

const CLIPBOARD = 1024 * 1024;        /* longest text that a shell copies */
const TITLE = 120;

/*
 * Given to xterm.js at once, and kept for it: more than that is output that
 * nobody reads, of which the latest is shown.  One that is given everything
 * would throw some of it away without a word.
 */

const FED = 512 * 1024;
const KEPT = 32 * 1024 * 1024;
const SCROLLS = /^(?:Page|Arrow)(?:Up|Down)$|^Home$|^End$/;
const HAND = 1000;                    /* ms in which a hand's doing shows */

/* leaves the other screen, mouse, paste and keypad modes; CAN ends a sequence */

const SANE = '\x18\x1b[?1049l\x1b[?1000;1002;1003;1004;1006;2004l\x1b[?1l'
    + '\x1b>\x1b[?25h\x1b[0m';

/* answers of a terminal to the shell's questions, never typed by anyone */

// eslint-disable-next-line no-control-regex
const REPLY = /^\x1b(?:\[[?>=]?[\d;]*[cnRtuy]|\[\?[\d;]*\$y|\[[IO]$|[\]P])/;

/* what could pass for other text: controls, and those of direction */

// eslint-disable-next-line no-control-regex
const TRICKS = /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * One line of text for the terminal itself.
 *
 * @param {string} text
 */
function oneLine(text, most) {
    const chars = [...String(text).replace(TRICKS, ' ')];

    return chars.length > most ? `${chars.slice(0, most - 1).join('')}…`
        : chars.join('');
}

/**
 * @param {object} on
 * @param {(text: string) => void} on.typed
 * @param {(cols: number, rows: number) => void} on.resized
 * @param {(title: string) => void} on.title
 * @param {(text: string) => void} on.copy      the shell wants this copied
 * @param {() => void} on.refused               it wanted to read
 * @param {(text: string) => void} on.found     of a search, how many
 * @param {(event: KeyboardEvent) => boolean} on.key  taken, if true
 */
export function createScreen(on) {
    const term = new Terminal({
        allowProposedApi: true,       /* decorations of what was found */
        cursorBlink: false,
        fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, '
            + '"DejaVu Sans Mono", "Liberation Mono", monospace',
        fontSize: 13,
        lineHeight: 1.15,
        linkHandler: { activate: (event, uri) => follow(uri) },
        minimumContrastRatio: 4.5,
        scrollback: 10000,
    });

    const fit = new FitAddon();
    const search = new SearchAddon();
    const observer = new ResizeObserver(() => screen.fit());
    const closing = new AbortController();

    let replaying = 0;                /* bytes that were answered before */
    let parsed = 0;
    let fed = 0;                      /* given and not parsed yet */
    let kept = 0;
    let waiting = [];

    term.loadAddon(fit);
    term.loadAddon(search);
    term.loadAddon(new WebLinksAddon((event, uri) => follow(uri)));

    term.onResize(({ cols, rows }) => on.resized(cols, rows));
    term.onTitleChange((title) => on.title(oneLine(title, TITLE)));
    term.onBinary((text) => on.typed(Uint8Array.from(text,
        (c) => c.charCodeAt(0))));

    term.onData((text) => {
        following = true;

        if (parsed >= replaying || !REPLY.test(text)) {
            on.typed(text);
        }
    });

    term.attachCustomKeyEventHandler((event) => !on.key(event));

    search.onDidChangeResults(({ resultIndex, resultCount }) => {
        on.found(resultCount === 0 ? 'Not found'
            : `${resultIndex < 0 ? '1000+' : `${resultIndex + 1} of `
                + resultCount}`);
    });

    term.parser.registerOscHandler(52, (text) => {
        clipboard(text);
        return true;
    });

    function clipboard(text) {
        const data = text.slice(text.indexOf(';') + 1);

        if (parsed < replaying) {
            return;
        }

        if (data === '?') {
            on.refused();
            return;
        }

        if (data.length > CLIPBOARD) {
            return;
        }

        try {
            on.copy(new TextDecoder().decode(Uint8Array.from(atob(data),
                (c) => c.charCodeAt(0))));

        } catch {
            /* not base64: nothing to copy */
        }
    }

    /*
     * A screen follows what comes, unless a person has scrolled away from it.
     * xterm.js takes a scroll event of its own that comes late for such a
     * person: here only what follows a hand's doing counts.
     */

    let following = true;
    let handAt = 0;

    const atEnd = () => term.buffer.active.viewportY
        >= term.buffer.active.baseY;

    function watchHands(viewport) {
        const touched = () => {
            handAt = performance.now();
        };

        for (const type of ['wheel', 'touchmove']) {
            viewport.parentElement.addEventListener(type, touched,
                { capture: true, passive: true });
        }

        addEventListener('pointerup', () => {
            if (handAt === Infinity) {
                touched();

            } else if (term.hasSelection()) {
                following = atEnd();  /* it was dragged beyond the edge */
            }
        }, { signal: closing.signal });

        viewport.parentElement.addEventListener('keydown', (event) => {
            if (event.shiftKey && SCROLLS.test(event.key)) {
                touched();
            }
        }, { capture: true });

        viewport.addEventListener('pointerdown', () => {
            handAt = Infinity;        /* until it lets go of the scroll bar */
        });

        viewport.addEventListener('scroll', () => {
            if (performance.now() - handAt < HAND) {
                following = atEnd();

            } else {
                keepUp();
            }
        });
    }

    function keepUp() {
        if (following && !atEnd()) {
            term.scrollToBottom();
        }
    }

    function feed() {
        while (fed < FED && waiting.length) {
            const { bytes, offset } = waiting.shift();

            kept -= bytes.length;
            fed += bytes.length;

            term.write(bytes, () => {
                parsed = offset + bytes.length;
                fed -= bytes.length;
                keepUp();
                feed();
            });
        }
    }

    function skip() {
        const from = waiting[0].offset;
        let n = 0;

        while (kept > KEPT / 8) {
            kept -= waiting[n++].bytes.length;
        }

        waiting = waiting.slice(n);

        const to = waiting.length ? waiting[0].offset : from;

        screen.tell(`${(to - from).toLocaleString()} bytes were not shown: `
            + 'they came faster than they can be');
    }

    const screen = {
        term,
        element: undefined,

        /** Where it is seen from now on. */
        open(element) {
            screen.element = element;
            term.open(element);
            watchHands(element.querySelector('.xterm-viewport'));
            observer.observe(element);
            screen.fit();
        },

        /** Bytes of the sled, the first of them at this offset. */
        write(bytes, offset) {
            const old = Math.min(Math.max(replaying - offset, 0),
                bytes.length);

            for (const [from, to] of [[0, old], [old, bytes.length]]) {
                if (from < to) {
                    waiting.push({ bytes: bytes.subarray(from, to),
                                   offset: offset + from });
                }
            }

            kept += bytes.length;

            if (kept > KEPT) {
                skip();
            }

            feed();
        },

        /** A word of ours between the sled's; last: nothing of it follows. */
        tell(text, last = false) {
            term.write(`${last ? SANE : '\x18\x1b[0m'}\r\n`
                + `\x1b[7m ${oneLine(text, 400)} \x1b[0m\r\n`);
        },

        /** What stands before this offset has been answered already. */
        answered(offset) {
            replaying = offset;
        },

        parsed: () => parsed,

        fit() {
            if (screen.element?.clientWidth && screen.element.clientHeight) {
                fit.fit();
            }
        },

        size: () => ({ cols: term.cols, rows: term.rows }),

        theme(name) {
            term.options.theme = themes[name];
        },

        find(text, back = false) {
            const options = { decorations: themes.found };

            if (text === '') {
                search.clearDecorations();
                on.found('');

            } else {
                back ? search.findPrevious(text, options)
                    : search.findNext(text, options);
                following = atEnd();
            }
        },

        /** Arrows and the like, as the shell wants them at the moment. */
        arrow(letter, ctrl) {
            return ctrl ? `\x1b[1;5${letter}`
                : `\x1b${term.modes.applicationCursorKeysMode ? 'O' : '['}`
                    + letter;
        },

        dispose() {
            closing.abort();
            observer.disconnect();
            term.dispose();
        },
    };

    return screen;
}

/* only where a browser would go by a click of its own */

function follow(uri) {
    if (/^(?:https?|mailto):/i.test(uri)) {
        window.open(uri, '_blank', 'noopener,noreferrer');
    }
}
