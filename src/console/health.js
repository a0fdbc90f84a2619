/*
 * The view "Health": the numbers of the status, over the last hour.
 */

import { fill, h, name } from './dom.js';
import { createChart, figure } from './health_chart.js';
import { History } from './health_history.js';

const SEEN = 5000;                    /* ms between samples, while it is shown */
const UNSEEN = 20000;
const HIDDEN = 60000;                 /* the page as a whole */

const sum = (workers, member) => (workers ?? []).reduce((n, worker) =>
    n + (worker[member] ?? 0), 0);

const many = (n, one, more) => `${figure(n)} ${n === 1 ? one : more}`;

const mib = (bytes) => `${figure(bytes / 1048576)} MiB`;

/* what a status has that is worth a line */

const charts = [
    { title: 'Sleds', of: (s) => s.sleds?.agents,
      more: (s) => many(s.sleds.connections, 'connection', 'connections')
          + (s.sleds.paused ? `, ${s.sleds.paused} paused` : '') },
    { title: 'Requests waiting', of: (s) => s.requests?.pending,
      more: (s) => s.requests.ended === undefined ? ''
          : `${figure(s.requests.ended)} remembered` },
    { title: 'Terminals', of: (s) => s.terminals?.sessions,
      more: (s) => many(s.terminals.browsers, 'browser', 'browsers') },
    { title: 'Operators', of: (s) => s.operators?.connected,
      more: (s) => many(s.operators.sessions, 'session', 'sessions') },
    { title: 'Connections', of: (s) => sum(s.workers, 'connections'),
      more: (s) => many(s.workers.length, 'worker', 'workers') },
    { title: 'Memory of the fleet', unit: ' %', top: 100,
      of: (s) => s.zone && s.zone.used / s.zone.size * 100,
      more: (s) => `${mib(s.zone.used)} of ${mib(s.zone.size)}` },
    { title: 'Messages in', unit: ' /s', rate: true,
      of: (s) => s.counters?.messages_in },
    { title: 'Messages out', unit: ' /s', rate: true,
      of: (s) => s.counters?.messages_out },
];

const words = {
    ok: 'All is well', degraded: 'Too few sleds', draining: 'A worker leaves',
};

/** @param {Object} app see README.md */
export function createHealth(app) {
    const history = new History();
    const drawn = charts.map((chart) => ({ ...chart, ...createChart(chart) }));

    const state = h('p', { class: 'health-state', role: 'status' });
    const since = h('p', { class: 'since' });
    const workers = h('tbody');
    const counters = h('tbody');

    const table = (caption, heads, body) => h('div', {
        class: 'table', tabindex: '0', role: 'region', 'aria-label': caption,
    }, h('table', null, h('caption', null, caption),
        h('thead', null, h('tr', null, heads.map((head) =>
            h('th', { scope: 'col' }, head)))), body));

    const element = h('section', { class: 'health', 'aria-label': 'Health' },
        h('div', { class: 'health-head' }, state, since),
        h('div', { class: 'charts' }, drawn.map((chart) => chart.element)),
        h('div', { class: 'tables' },
            table('Workers', ['Worker', 'Process', 'Connections', ''],
                workers),
            table('Counters', ['Counter', 'Now', 'In all'], counters)));

    let shown = false;
    let timer;
    let said = '';

    document.addEventListener('visibilitychange', () => {
        if (!document.hidden) {
            sample();
        }
    });

    /* a 503 is a status as well */

    async function sample() {
        clearTimeout(timer);

        const { status, body } = app.config.status
            ? await app.request('GET', app.config.status)
            : { status: 0 };
        const good = typeof body?.status === 'string';

        history.add(Date.now(), good ? body : null);
        draw(good ? '' : unread(status, body));

        clearTimeout(timer);
        timer = setTimeout(sample, document.hidden ? HIDDEN
            : shown ? SEEN : UNSEEN);
    }

    function unread(status, body) {
        return !app.config.status
            ? 'This gateway has no status: it needs a location with '
                + '“uplink_status”.'
            : status === 0 ? 'The status cannot be read: the gateway is not '
                + 'reachable.'
                : status === 401 || status === 403
                    ? 'The status cannot be read: you may not.'
                    : 'The status cannot be read: '
                        + `${body?.error?.message ?? `it is a ${status}`}.`;
    }

    function draw(trouble) {
        const { status } = history.last();

        state.dataset.state = trouble ? 'unread' : status.status;
        say(trouble || words[status.status] || status.status);

        if (!shown) {
            return;
        }

        for (const chart of drawn) {
            chart.draw(history.series(chart.of, chart.rate),
                status && chart.more ? chart.more(status) : '');
        }

        if (!status) {
            return;
        }

        fill(since, 'uplink ', name(status.version), ', the fleet is ',
            age(status.uptime), ' old');
        drawWorkers(status);
        drawCounters(status);
    }

    /* told to those who cannot see it only when it is another */

    function say(text) {
        if (text !== said) {
            said = text;
            state.textContent = text;
        }
    }

    function drawWorkers(status) {
        fill(workers, (status.workers ?? []).map((worker) => h('tr', null,
            h('th', { scope: 'row' }, String(worker.slot)),
            h('td', null, String(worker.pid)),
            h('td', null, figure(worker.connections)),
            h('td', null, worker.leaving ? 'leaves' : ''))));
    }

    function drawCounters(status) {
        const all = status.counters ?? {};
        const names = Object.keys(all).sort((a, b) =>
            Number(all[a] === 0) - Number(all[b] === 0) || (a < b ? -1 : 1));

        fill(counters, names.map((counter) => {
            const rate = history.series((s) => s.counters?.[counter], true)
                .at(-1).value;

            return h('tr', { class: all[counter] ? '' : 'zero' },
                h('th', { scope: 'row' }, name(counter)),
                h('td', null, rate ? figure(rate, ' /s') : ''),
                h('td', null, figure(all[counter])));
        }));
    }

    function age(ms) {
        const minutes = Math.floor(ms / 60000);

        return minutes < 1 ? 'less than a minute'
            : minutes < 120 ? `${minutes} minutes`
                : minutes < 2880 ? `${Math.floor(minutes / 60)} hours`
                    : `${Math.floor(minutes / 1440)} days`;
    }

    timer = setTimeout(sample, 0);    /* the hour begins before it is seen */

    return {
        element,
        title: 'Health',

        show() {
            shown = true;
            sample();
        },

        hide() {
            shown = false;
        },
    };
}
