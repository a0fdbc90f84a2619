/*
 * Who is here, and the connection to the fleet: the credential, the
 * operator's session, its WebSocket.
 *
 * The credential is a cookie or what nginx finds out by itself, or a token
 * that was typed in.  A token is in this object and nowhere else.
 */

import { parseExact } from './exact.js';

/** Seconds until another attempt: after the first failure, and at most. */
const first = 0.5;
const most = 30;

/** A connection that has held so long was a good one. */
const good = 5000;

/** Between two questions whether the other side is there. */
const beats = 25000;

/** Closes after which dialling again by itself makes no sense. */
const final = {
    1000: 'Your session was ended.',
    1008: 'Your session is not accepted any more.',
    4001: 'Your session was opened somewhere else.',
};

/**
 * Events: "state" (see .state), "message" (detail: a message of the gateway),
 * "attached" (a connection stands; all that is open follows).
 *
 * state: "new", "signin" (a token is needed), "forbidden" (may look at most),
 * "connecting", "online", "waiting" (until .retryAt), "ended" (see .why)
 */
export class Session extends EventTarget {
    constructor(config) {
        super();

        this.config = config;
        this.api = config.api.replace(/\/$/, '');
        this.state = 'new';
        this.why = '';
        this.token = null;
        this.own = null;            /* { sid, token } of the session */
        this.skew = 0;              /* the gateway's clock less ours */
        this.retryAt = 0;
        this.failures = 0;
        this.ws = null;

        addEventListener('online', () => this.hurry());
        addEventListener('pagehide', (event) => this.leave(event));
        addEventListener('pageshow', (event) => {
            if (event.persisted) {
                this.hurry();
            }
        });
    }

    setState(state, why = '') {
        this.state = state;
        this.why = why;
        this.dispatchEvent(new Event('state'));
    }

    /** milliseconds since 1970 by the gateway's clock */
    now() {
        return Date.now() + this.skew;
    }

    /**
     * One call.  path: of the API, or absolute where it begins with "/".
     * Without a response the status is 0.
     *
     * @param {string} method
     * @param {string} path
     * @param {*} [body]
     * @param {{own?: boolean, keepalive?: boolean}} [option] own: with the
     *     session's token instead of the person's credential
     * @returns {Promise<{status: number, body: *}>}
     */
    async request(method, path, body, option = {}) {
        const headers = {};
        const token = option.own ? this.own?.token : this.token;

        if (token) {
            headers.Authorization = `Bearer ${token}`;
        }

        if (body !== undefined) {
            headers['Content-Type'] = 'application/json';
        }

        try {
            const response = await fetch(
                path.startsWith('/') ? path : `${this.api}/${path}`,
                { method, headers, cache: 'no-store',
                  credentials: 'same-origin', keepalive: option.keepalive,
                  body: body === undefined ? undefined
                                           : JSON.stringify(body) });

            this.setClock(response.headers.get('Date'));

            const text = await response.text();

            return { status: response.status, body: parse(text) };

        } catch {
            return { status: 0, body: { error: {
                code: 'unreachable', message: 'the gateway is not reachable',
            } } };
        }
    }

    /** full seconds is all that a Date has */
    setClock(date) {
        const server = Date.parse(date ?? '');

        if (!Number.isNaN(server)) {
            const skew = server + 500 - Date.now();
            this.skew = Math.abs(skew) > 2000 ? skew : 0;
        }
    }

    /**
     * A WebSocket with the person's credential: what the browser sends by
     * itself, or else the token as the first message, which is what a
     * terminal's door waits for.
     *
     * @param {string} path absolute, or relative to the page
     * @param {string[]} protocols
     * @returns {WebSocket}
     */
    socket(path, protocols) {
        const url = new URL(path, location.href);
        url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

        const ws = new WebSocket(url, protocols);
        const token = this.token;

        if (token) {
            ws.addEventListener('open', () => ws.send(JSON.stringify(
                { type: 'auth', payload: { token } })), { once: true });
        }

        return ws;
    }

    /**
     * Begins a session, with this token or without any.
     *
     * @param {string|null} token
     * @returns {Promise<string>} what went wrong, or ""
     */
    async signIn(token) {
        this.token = token;
        this.setState('connecting');

        const { status, body } = await this.request('POST', 'operators',
            { desc: 'console' });

        if (status === 201) {
            this.own = { sid: body.sid, token: body.token };
            this.failures = 0;
            this.dial();
            return '';
        }

        const message = body?.error?.message ?? `the gateway said ${status}`;

        if (status === 401) {
            this.token = null;
            this.setState('signin');
            return token ? 'This token is not accepted.' : '';
        }

        if (status === 403) {
            const list = await this.request('GET', 'requests?limit=1');

            this.setState(list.status === 200 ? 'forbidden' : 'signin',
                          message);
            return message;
        }

        this.later(() => this.signIn(this.token), message);

        return message;
    }

    /** forgets who was here */
    signOut() {
        this.leave({ persisted: false });
        this.token = null;
        this.setState('signin');
    }

    dial() {
        const { sid, token } = this.own;
        const url = new URL(`${this.api}/operators/${sid}/ws`, location.href);
        url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';

        const ws = new WebSocket(url, ['uplink.v1', `uplink.bearer.${token}`]);
        let opened = 0;
        let beat = 0;
        let heard = true;

        clearTimeout(this.timer);

        if (!this.ws || this.ws.readyState !== WebSocket.OPEN) {
            this.setState('connecting');
        }

        ws.addEventListener('open', () => {
            opened = Date.now();
            this.ws = ws;
            this.setState('online');
            this.dispatchEvent(new Event('attached'));

            /* a page does not hear of a cable that was pulled */

            beat = setInterval(() => {
                if (!heard) {
                    ws.close();
                }

                heard = false;
                ws.send('{"type":"heartbeat","req_id":"h"}');
            }, beats);
        });

        ws.addEventListener('message', ({ data }) => {
            const message = parse(data, parseExact);

            heard = true;

            if (ws !== this.ws || !message) {
                return;
            }

            if (message.type === 'drain') {
                this.timer = setTimeout(() => this.dial(),
                    message.reconnect_after_ms ?? 0);
                return;
            }

            this.dispatchEvent(new CustomEvent('message',
                { detail: message }));
        });

        ws.addEventListener('close', ({ code }) => {
            clearInterval(beat);

            if (this.ws === ws) {
                this.ws = null;
            }

            /* of two the newer one is to go on, or nobody is here any more */

            if (!this.own || ws !== this.latest) {
                return;
            }

            if (opened && Date.now() - opened > good) {
                this.failures = 0;
            }

            if (opened && final[code]) {
                this.own = null;
                this.setState('ended', final[code]);
                return;
            }

            /* whether it was refused is nothing a page is told */

            this.later(opened ? () => this.dial() : () => this.look());
        });

        this.latest = ws;
    }

    /** is there still such a session?  If not: a new one */
    async look() {
        const { status } = await this.request('GET',
            `operators/${this.own?.sid}`, undefined, { own: true });

        if (!this.own) {
            return;
        }

        if (status === 401 || status === 404) {
            this.own = null;
            await this.signIn(this.token);
            return;
        }

        if (status === 0) {
            this.later(() => this.look());
            return;
        }

        this.dial();
    }

    /** with a pause that grows, and is never the same for two pages */
    later(again, why = '') {
        const seconds = Math.min(most, first * 2 ** this.failures)
            * (0.5 + Math.random() / 2);

        this.failures = Math.min(this.failures + 1, 10);
        this.retryAt = Date.now() + seconds * 1000;
        this.again = again;

        clearTimeout(this.timer);
        this.timer = setTimeout(() => {
            this.again = null;
            again();
        }, seconds * 1000);

        this.setState('waiting', why);
    }

    /** not to wait any longer */
    hurry() {
        const again = this.again;

        if (again) {
            clearTimeout(this.timer);
            this.again = null;
            again();
        }
    }

    /**
     * @param {Object} message
     * @returns {boolean} false: there is no connection, nothing was sent
     */
    send(message) {
        if (this.ws?.readyState !== WebSocket.OPEN) {
            return false;
        }

        this.ws.send(JSON.stringify(message));

        return true;
    }

    /** a page that may come back (from the history) keeps its session */
    leave({ persisted }) {
        const own = this.own;

        if (persisted || !own) {
            return;
        }

        this.request('DELETE', `operators/${own.sid}`, undefined,
            { own: true, keepalive: true });

        clearTimeout(this.timer);
        this.again = null;
        this.own = null;
        this.ws?.close(1000);
        this.ws = null;
    }
}

function parse(text, how = JSON.parse) {
    try {
        return how(text);
    } catch {
        return null;
    }
}
