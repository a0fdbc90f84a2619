/*
 * What is asked before something that cannot be taken back.
 */

import { h } from './dom.js';

/**
 * @param {object} app
 * @param {{title: string, text: *, verb: string, run: () => void}} question
 */
export function confirm(app, { title, text, verb, run }) {
    app.dialog(() => {
        const dialog = h('dialog', { class: 'confirm', 'aria-label': title },
            h('header', null, h('h2', null, title)),
            h('p', null, text),
            h('div', { class: 'choices' },
                h('button', { type: 'button', autofocus: true,
                    onclick: () => dialog.close() }, 'Cancel'),
                h('button', { type: 'button', class: 'no',
                    onclick: () => {
                        dialog.close();
                        run();
                    } }, verb)));

        return dialog;
    });
}
