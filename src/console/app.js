/*
 * The frame around the views: who is here, is there a connection, which view
 * is shown.  README.md says what a view may expect of it.
 */

import { Alerts } from './alerts.js';
import { Card } from './card.js';
import { createDecisions } from './decisions.js';
import { createFleet } from './fleet.js';
import { createHealth } from './health.js';
import { createTerminal } from './terminal.js';
import { keysDialog, settingsDialog } from './dialogs.js';
import { fill, h, name, plain } from './dom.js';
import { Requests } from './requests.js';
import { Session } from './session.js';
import { Settings } from './settings.js';
import { signInForm } from './signin.js';

/** In the order of their tabs. */
const views = [
    ['decisions', 'Decisions', createDecisions],
    ['fleet', 'Fleet', createFleet],
    ['terminal', 'Terminal', createTerminal],
    ['health', 'Health', createHealth],
];

export class App {
    /** @param {Object} config as in config.json */
    constructor(config) {
        this.config = config;
        this.h = h;
        this.settings = new Settings();
        this.session = new Session(config);
        this.requests = new Requests(this.session, this.settings);
        this.alerts = new Alerts(this);
        this.cards = new Set();
        this.views = new Map();
        this.current = null;

        this.build();
        this.theme();
        this.settings.on('theme', () => this.theme());
        matchMedia('(prefers-color-scheme: dark)')
            .addEventListener('change', () => this.theme());

        this.session.addEventListener('state', () => this.state());
        this.requests.addEventListener('added', ({ detail }) =>
            this.added(detail));
        this.requests.addEventListener('change', ({ detail }) =>
            this.changed(detail));

        addEventListener('hashchange', () => this.route());
        document.addEventListener('keydown', (event) => this.key(event));
        setInterval(() => this.tick(), 500);
    }

    /** @returns {Promise<string>} */
    start() {
        return this.session.signIn(null);
    }

    // ---- what views use

    request(method, path, body) {
        return this.session.request(method, path, body);
    }

    socket(path, protocols) {
        return this.session.socket(path, protocols);
    }

    /** false where this credential may only look */
    mayDecide() {
        return this.session.state !== 'forbidden';
    }

    /** the address of a view */
    link(view, params = {}) {
        const query = new URLSearchParams(Object.entries(params)
            .filter(([, value]) => value !== undefined && value !== null))
            .toString();

        return `#/${view}${query && '?'}${query}`;
    }

    navigate(view, params) {
        const link = this.link(view, params);

        if (location.hash === link) {
            this.route();

        } else {
            location.hash = link;
        }
    }

    /** says it to those who cannot see it */
    announce(text, { urgent = false } = {}) {
        const region = urgent ? this.alert : this.polite;

        /* the same words again are news as well */

        region.textContent = region.textContent === text ? `${text}\u00a0`
                                                         : text;
    }

    /**
     * A card for this request that is kept up to date as long as it is in
     * the page.
     */
    renderCard(request) {
        return this.card(request).element;
    }

    card(request) {
        const card = new Card(this, request);

        this.cards.add(card);

        return card;
    }

    // ---- the frame

    build() {
        const { config } = this;

        this.polite = h('div', { class: 'hear', role: 'status',
                                 'aria-live': 'polite' });
        this.alert = h('div', { class: 'hear', role: 'alert' });
        this.link_ = h('p', { class: 'link' });
        this.badge = h('span', { class: 'badge', hidden: true });
        this.main = h('main', { id: 'main', tabindex: '-1' });

        this.tabs = new Map(views.map(([id, title]) => [id,
            h('a', { href: this.link(id), dataset: { view: id } }, title,
              id === 'decisions' && this.badge)]));

        this.nav = h('nav', { 'aria-label': 'Views' }, [...this.tabs.values()]);

        this.out = h('button', { type: 'button', class: 'quiet', hidden: true,
            onclick: () => this.session.signOut() }, 'Sign out');

        this.element = h('div', { class: 'app' },
            h('a', { class: 'skip', href: '#main', onclick: (event) => {
                event.preventDefault();
                this.main.focus();
            } }, 'To the content'),
            h('header', { class: 'top' },
                h('h1', null, h('span', { class: 'logo',
                    'aria-hidden': 'true' }), name(config.fleet)),
                this.nav,
                h('div', { class: 'tools' }, this.link_,
                    h('button', { type: 'button', class: 'quiet icon',
                        'aria-label': 'Keys', title: 'Keys (?)',
                        onclick: () => this.dialog(keysDialog) }, '?'),
                    h('button', { type: 'button', class: 'quiet',
                        onclick: () => this.dialog(settingsDialog) },
                      'Settings'),
                    this.out)),
            this.main, this.polite, this.alert);
    }

    dialog(make) {
        const dialog = make(this);

        dialog.addEventListener('close', () => dialog.remove());
        this.element.append(dialog);
        dialog.showModal();
    }

    theme() {
        const wanted = this.settings.get('theme');
        const dark = matchMedia('(prefers-color-scheme: dark)').matches;

        document.documentElement.dataset.theme
            = wanted === 'auto' ? dark ? 'dark' : 'light' : wanted;
    }

    /** the session's state has changed */
    state() {
        const { state, why } = this.session;

        this.nav.hidden = state === 'signin' || state === 'new';
        this.out.hidden = !this.session.token;
        this.sayLink();

        if (state === 'signin' || state === 'ended') {
            this.hideView();
            fill(this.main, signInForm(this, why));
            this.main.querySelector('input, button')?.focus();

        } else if (state === 'waiting' && !this.current) {
            fill(this.main, h('section', { class: 'signin' },
                h('h2', null, 'The gateway does not let you in'),
                h('p', null, plain(why)),
                h('p', { class: 'faint' }, 'This page tries again by '
                  + 'itself.')));

        } else if (state === 'online' || state === 'forbidden') {
            if (!this.current) {
                this.route();
            }
        }

        if (state === 'online' && !this.views.has('health')) {

            /* it keeps numbers for an hour: from now on */

            this.views.set('health', createHealth(this));
        }

        if (state === 'online' && this.before === 'waiting') {
            this.announce('Connected again.');
        }

        if (state === 'waiting' && this.before === 'online') {
            this.announce('The connection was lost.', { urgent: true });
        }

        if (state === 'online' || state === 'waiting') {
            this.before = state;
        }
    }

    sayLink() {
        const { state, retryAt, failures } = this.session;
        const seconds = Math.ceil((retryAt - Date.now()) / 1000);

        const words = {
            new: 'Starting …',
            signin: 'Not signed in',
            forbidden: 'Read only',
            connecting: failures ? 'Reconnecting …' : 'Connecting …',
            online: 'Connected',
            waiting: seconds > 0 ? `Reconnecting in ${seconds} s`
                                 : 'Reconnecting …',
            ended: 'Ended',
        };

        if (this.link_.textContent !== words[state]) {
            this.link_.textContent = words[state];
        }

        this.link_.dataset.state = state;
    }

    route() {
        const { state } = this.session;

        if (state === 'signin' || state === 'ended' || state === 'new') {
            return;
        }

        const [, id, query] = /^#\/(\w+)\??(.*)$/.exec(location.hash)
            ?? [null, 'decisions', ''];
        const entry = views.find(([view]) => view === id) ?? views[0];

        this.showView(entry, Object.fromEntries(new URLSearchParams(query)));
    }

    showView([id, , create], params) {
        let view = this.views.get(id);

        if (!view) {
            view = create(this);
            this.views.set(id, view);
        }

        if (this.current !== view) {
            this.hideView();
            this.current = view;
            fill(this.main, view.element);
        }

        for (const [tab, link] of this.tabs) {
            if (tab === id) {
                link.setAttribute('aria-current', 'page');
            } else {
                link.removeAttribute('aria-current');
            }
        }

        this.main.dataset.view = id;
        view.show(params);
        this.sayTitle();
    }

    hideView() {
        this.current?.hide();
        this.current = null;
    }

    sayTitle() {
        const open = this.requests.open().length;
        const count = open ? `(${open}) ` : '';

        document.title = `${count}${this.current?.title ?? 'Console'} – `
            + this.config.fleet;

        this.badge.hidden = open === 0;
        fill(this.badge, String(open),
            h('span', { class: 'hear' }, ' waiting'));
    }

    added(request) {
        this.sayTitle();

        if (request.state === 'open') {
            this.alerts.needed(request);
        }
    }

    changed(request) {
        for (const card of this.cards) {
            if (card.request === request) {
                card.update();
            }
        }

        this.sayTitle();
        this.alerts.changed(request);
    }

    /** clocks go on; cards that are nowhere any more are forgotten */
    tick() {
        for (const card of this.cards) {
            if (card.element.isConnected) {
                card.seen = true;
                card.tick();

            } else if (card.request.removed
                       || (card.seen && !this.holds(card)))
            {
                this.cards.delete(card);
            }
        }

        if (this.session.state === 'waiting') {
            this.sayLink();
        }
    }

    /** is it in a view that is just not shown? */
    holds(card) {
        return [...this.views.values()].some((view) =>
            view.element.contains(card.element));
    }

    key(event) {
        if (event.defaultPrevented || event.ctrlKey || event.altKey
            || event.metaKey || event.isComposing
            || document.querySelector('dialog[open]')
            || event.target.closest?.('input, textarea, select, '
                + '[contenteditable], .xterm'))
        {
            return;
        }

        /* Enter presses the button or follows the link that has the focus */

        if (event.key === 'Enter'
            && event.target.closest?.('a, button, summary'))
        {
            return;
        }

        if (event.key === '?') {
            event.preventDefault();
            this.dialog(keysDialog);
            return;
        }

        const tab = views[Number(event.key) - 1];

        if (tab && this.current) {
            event.preventDefault();
            this.navigate(tab[0]);
            return;
        }

        if (this.current?.key?.(event.key)) {
            event.preventDefault();
        }
    }
}
