/*
 * Keys that a phone does not have, as buttons under the terminal.
 */

import { h } from './dom.js';

/**
 * @param {object} on
 * @param {(text: string) => void} on.typed
 * @param {(letter: string, ctrl: boolean) => string} on.arrow
 */
export function createKeys(on) {
    let held = false;

    const ctrl = key('Ctrl', 'Ctrl, for the next key', () => hold(!held));

    const element = h('div', {
        class: 'term-keys', role: 'toolbar', 'aria-label': 'Keys',
    },
    key('Esc', 'Esc, the escape key', () => on.typed('\x1b')),
    ctrl,
    key('Tab', 'Tab', () => on.typed('\t')),
    key('↑', 'Up', () => arrow('A')),
    key('↓', 'Down', () => arrow('B')),
    key('←', 'Left', () => arrow('D')),
    key('→', 'Right', () => arrow('C')));

    ctrl.setAttribute('aria-pressed', 'false');

    function key(text, label, run) {
        return h('button', {
            type: 'button', 'aria-label': label, onclick: run,

            /* what has the focus keeps it, and the keyboard stays */

            onpointerdown: (event) => event.preventDefault(),
        }, text);
    }

    function hold(on) {
        held = on;
        ctrl.setAttribute('aria-pressed', String(on));
    }

    function arrow(letter) {
        on.typed(on.arrow(letter, held));
        hold(false);
    }

    return {
        element,

        /** What was typed, with Control if that is held. */
        apply(text) {
            if (!held || text.length !== 1) {
                return text;
            }

            hold(false);

            const code = text.toUpperCase().charCodeAt(0);

            return text === '?' ? '\x7f'
                : text === ' ' ? '\0'
                    : code >= 0x40 && code < 0x60
                        ? String.fromCharCode(code & 0x1f) : text;
        },
    };
}
