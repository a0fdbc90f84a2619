/*
 * Where the page begins: what the gateway says about itself, then the rest.
 */

import { App } from './app.js';
import { fill, h } from './dom.js';

async function begin() {
    const response = await fetch('config.json', { cache: 'no-store' });

    if (!response.ok) {
        throw new Error(`the gateway said ${response.status}`);
    }

    const app = new App(await response.json());

    fill(document.body, app.element);
    await app.start();
}

begin().catch((error) => {
    fill(document.body, h('main', { class: 'broken', role: 'alert' },
        h('h1', null, 'The console could not be started'),
        h('p', null, error.message),
        h('p', null, h('a', { href: '#/decisions',
            onclick: () => location.reload() }, 'Try again'))));
});
