/*
 * Where a token is typed in, and what is said when a session has ended.
 */

import { h } from './dom.js';

/**
 * @param {Object} app
 * @param {string} why what has happened, or ""
 * @returns {HTMLElement}
 */
export function signInForm(app, why) {
    const problem = h('p', { class: 'error', role: 'alert', hidden: !why },
                      why);

    if (app.session.state === 'ended') {
        return h('section', { class: 'signin' }, h('h2', null, 'Session over'),
            problem,
            h('button', { type: 'button', class: 'yes', onclick: () =>
                app.session.signIn(app.session.token) }, 'Sign in again'));
    }

    const field = h('input', { type: 'password', id: 'token', name: 'token',
        autocomplete: 'off', required: true, spellcheck: 'false',
        'aria-describedby': 'token-help' });
    const button = h('button', { class: 'yes' }, 'Sign in');

    const submit = async (event) => {
        event.preventDefault();
        button.disabled = true;

        const token = field.value.trim();
        const error = /^[\x21-\x7e]+$/.test(token)
            ? await app.session.signIn(token)
            : 'A token has no spaces and only ASCII characters.';

        /* the form may be another one by now */

        const shown = document.querySelector('.signin .error');

        button.disabled = false;

        if (shown && error) {
            shown.textContent = error;
            shown.hidden = false;
        }
    };

    return h('section', { class: 'signin', 'aria-labelledby': 'signin' },
        h('h2', { id: 'signin' }, 'Sign in'),
        h('form', { onsubmit: submit },
            h('label', { for: 'token' }, 'Token'), field,
            h('p', { id: 'token-help', class: 'faint' },
              'It is kept in this page only, until you close or reload it.'),
            problem, button));
}
