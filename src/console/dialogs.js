/*
 * What is asked and told in a window of its own: settings, keys.
 */

import { h } from './dom.js';

function dialog(title, ...content) {
    const element = h('dialog', { 'aria-label': title },
        h('header', null, h('h2', null, title),
            h('button', { type: 'button', class: 'quiet icon',
                'aria-label': 'Close', onclick: () => element.close() },
              '×')),
        content);

    /* a click beside it */

    element.addEventListener('click', (event) => {
        if (event.target === element) {
            element.close();
        }
    });

    return element;
}

const keys = [
    [['j'], 'next request'],
    [['k'], 'request before'],
    [['a'], 'approve'],
    [['d'], 'deny, with a reason'],
    [['e'], 'edit the input and approve'],
    [['x'], 'two minutes more'],
    [['u'], 'take back what was not sent yet'],
    [['Enter'], 'into the request: its answer, or its input'],
    [['1', '2', '3', '4'], 'decisions, fleet, terminal, health'],
    [['?'], 'this'],
];

/** @returns {HTMLDialogElement} */
export function keysDialog() {
    return dialog('Keys', h('dl', { class: 'keys' }, keys.map(([k, text]) => [
        h('dt', null, k.map((key) => [h('kbd', null, key), ' '])),
        h('dd', null, text),
    ])));
}

/** @returns {HTMLDialogElement} */
export function settingsDialog({ config, settings }) {
    const check = (key, label, help) => h('label', { class: 'check' },
        h('input', { type: 'checkbox', checked: settings.get(key),
            onchange: ({ target }) => settings.set(key, target.checked) }),
        h('span', null, label, h('small', null, help)));

    const theme = h('select', { onchange: ({ target }) =>
        settings.set('theme', target.value) },
        [['auto', 'as the system'], ['light', 'light'], ['dark', 'dark']]
            .map(([value, label]) => h('option', { value,
                selected: settings.get('theme') === value }, label)));

    return dialog('Settings',
        check('undo', 'Two seconds to take it back',
            'What you say is sent after two seconds.'),
        check('sound', 'Sound', 'When somebody is needed.'),
        check('notify', 'Notifications',
            'When somebody is needed and this page is not in sight.'),
        h('label', { class: 'choice' }, 'Colours ', theme),
        h('p', { class: 'faint' }, `ngx_uplink_module ${config.version}`));
}
