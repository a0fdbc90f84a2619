/*
 * One terminal of the gateway as its browser holds it: a socket that comes
 * back, and an offset by which no byte is lost or shown twice.  Knows nothing
 * of the page.
 */

import { refusals, closes } from './terminal_words.js';

const KIND = 0x01;
const HEAD = 9;                       /* the kind, then the handle */
const PIECE = 16384;                  /* of what is typed, in a message */
const QUEUE = 65536;                  /* typed while nobody can take it */
const PASTE = 8 * 1024 * 1024;        /* the same while somebody can */
const AHEAD = 256 * 1024;             /* in the socket's own buffer */
const PATIENCE = 5000;                /* for a socket to close by itself */
const DELAY_MAX = 15000;

const encoder = new TextEncoder();

/**
 * @typedef {object} LinkOptions
 * @property {(query: URLSearchParams, protocols: string[]) => WebSocket} dial
 * @property {() => {cols: number, rows: number}} size
 * @property {string} workspace
 * @property {boolean} [view]          to look only
 * @property {string} [session]        an older one, by its id
 * @property {string} [token]          by which it was ours
 * @property {LinkEvents} on
 * @property {(ms: number, run: () => void) => number} [later]
 * @property {(timer: number) => void} [never]
 * @property {() => number} [random]
 */

/**
 * @typedef {object} LinkEvents
 * @property {(bytes: Uint8Array, offset: number) => void} data
 * @property {(from: number, to: number) => void} gap
 * @property {(state: LinkState) => void} state
 * @property {(opened: object) => void} opened
 * @property {(text: string) => void} notice
 */

/**
 * connecting, open, away (the sled), waiting (to dial again) or ended.
 *
 * @typedef {object} LinkState
 * @property {'connecting'|'open'|'away'|'waiting'|'ended'} state
 * @property {string} text             why, in words
 * @property {number} [until]          when it dials again, or the sled is lost
 * @property {string} [code]           of what ended it
 */

export class TerminalLink {
    /** @param {LinkOptions} options */
    constructor(options) {
        this.options = options;
        this.on = options.on;
        this.later = options.later ?? ((ms, run) => setTimeout(run, ms));
        this.never = options.never ?? ((timer) => clearTimeout(timer));
        this.random = options.random ?? Math.random;

        this.session = options.session ?? '';
        this.token = options.token ?? '';
        this.view = options.view ?? false;

        this.offset = 0;              /* of the next byte to be shown */
        this.position = 0;            /* of the next byte of this socket */
        this.mode = this.view ? 'view' : 'drive';
        this.state = 'connecting';

        this.socket = null;
        this.handle = null;
        this.opened = false;
        this.leaving = false;
        this.queue = [];
        this.queued = 0;
        this.tries = 0;
        this.timer = undefined;
        this.pump = undefined;
        this.failed = '';
    }

    /** Dials; also at once what would be dialled later. */
    connect() {
        this.calm();
        this.drop();

        const { cols, rows } = this.options.size();
        const query = new URLSearchParams({
            workspace_id: this.options.workspace, cols, rows,
        });

        if (this.view) {
            query.set('mode', 'view');
        }

        if (this.session) {
            query.set('session', this.session);
            query.set('offset', this.offset);
        }

        const protocols = ['uplink.bin.v1'];

        if (this.session && this.token && !this.view) {
            protocols.push(`uplink.resume.${this.token}`);
        }

        this.opened = false;
        this.leaving = false;
        this.failed = '';
        this.handle = null;

        const socket = this.options.dial(query, protocols);

        socket.binaryType = 'arraybuffer';
        socket.onmessage = (event) => this.message(event.data);
        socket.onclose = (event) => this.closed(event);
        this.socket = socket;

        this.tell('connecting', this.session ? 'Connecting again…'
            : 'Opening a shell…');
    }

    /** What is typed or pasted: to the sled now, or when it can be. */
    type(text) {
        if (this.state === 'ended' || this.mode === 'view') {
            return;
        }

        const bytes = typeof text === 'string' ? encoder.encode(text) : text;
        const most = this.ready() ? PASTE : QUEUE;

        if (this.queued + bytes.length > most) {
            this.on.notice(this.ready()
                ? 'That was too much at once: it was not sent.'
                : 'No more is kept until the shell is back.');
            return;
        }

        for (let i = 0; i < bytes.length; i += PIECE) {
            this.queue.push(bytes.subarray(i, i + PIECE));
        }

        this.queued += bytes.length;
        this.flush();
    }

    resize(cols, rows) {
        if (this.ready() && this.mode === 'drive') {
            this.say('terminal.resize', { cols, rows });
        }
    }

    /** Ends the shell, where it is ours. */
    end() {
        if (this.ready() && this.mode === 'drive') {
            this.say('terminal.close', { reason: 'client_close' });
        }
    }

    /** Leaves without ending it; what lingers can be had again. */
    leave() {
        this.calm();
        this.drop();
        this.finish('left', 'Left.');
    }

    /* ---- what goes out */

    ready() {
        return this.opened && !this.leaving && this.socket?.readyState === 1;
    }

    say(type, payload) {
        this.socket.send(JSON.stringify({ type, req_id: '', payload }));
    }

    flush() {
        while (this.queue.length && this.ready() && this.mode === 'drive') {

            if (this.socket.bufferedAmount > AHEAD) {
                this.pump ??= this.later(20, () => {
                    this.pump = undefined;
                    this.flush();
                });
                return;
            }

            const bytes = this.queue.shift();
            const frame = new Uint8Array(HEAD + bytes.length);

            frame[0] = KIND;
            frame.set(this.handle, 1);
            frame.set(bytes, HEAD);

            this.queued -= bytes.length;
            this.socket.send(frame);
        }
    }

    /* ---- what comes in */

    message(data) {
        this.failed = '';             /* only the last message counts */

        if (typeof data === 'string') {
            this.text(data);

        } else {
            this.binary(new Uint8Array(data));
        }
    }

    binary(frame) {
        if (!this.opened || frame.length < HEAD || frame[0] !== KIND
            || this.handle.some((byte, i) => byte !== frame[i + 1]))
        {
            return;
        }

        this.shown(frame.subarray(HEAD));
    }

    /* what stands before our offset was shown already */

    shown(bytes) {
        const start = this.position;

        this.position += bytes.length;

        const again = Math.min(Math.max(this.offset - start, 0),
            bytes.length);

        if (again === bytes.length) {
            return;
        }

        const at = start + again;

        this.offset = this.position;
        this.on.data(bytes.subarray(again), at);
    }

    text(data) {
        let message;

        try {
            message = JSON.parse(data);

        } catch {
            return;
        }

        const handler = handlers[message?.type];

        if (handler) {
            handler.call(this, message.payload ?? {});
        }
    }

    /* ---- how a socket ends */

    closed({ code, reason }) {
        const opened = this.opened;

        this.socket = null;
        this.opened = false;

        if (this.state === 'ended') {
            return;
        }

        const word = closes[code];

        if (this.failed) {
            this.refused(this.failed);

        } else if (this.leaving) {
            this.connect();

        } else if (word) {
            this.finish(String(code), word(String(reason ?? '')));

        } else {
            this.again(opened ? 'The connection was lost.'
                : 'The gateway cannot be reached.');
        }
    }

    /* terminal.error came, and then the close */

    refused(code) {
        const refusal = refusals[code];

        if (refusal?.again && this.session) {
            this.again(refusal.text);

        } else {
            this.finish(code, refusal?.text ?? `Refused: ${code}.`);
        }
    }

    again(why) {
        const half = Math.min(250 * 2 ** this.tries, DELAY_MAX) / 2;
        const delay = Math.round(half + half * this.random());

        this.tries++;
        this.calm();
        this.timer = this.later(delay, () => this.connect());
        this.tell('waiting', why, { until: Date.now() + delay });
    }

    finish(code, text) {
        this.calm();
        this.queue = [];
        this.queued = 0;
        this.tell('ended', text, { code });
    }

    tell(state, text, more = {}) {
        this.state = state;
        this.on.state({ state, text, ...more });
    }

    calm() {
        this.never(this.timer);
        this.never(this.pump);
        this.timer = undefined;
        this.pump = undefined;
    }

    drop() {
        const socket = this.socket;

        this.socket = null;

        if (socket) {
            socket.onmessage = null;
            socket.onclose = null;
            socket.close();
        }
    }

    /*
     * This worker leaves.  All that was typed is read before our close is
     * answered, and what is not shown by then comes from the next worker.
     */

    depart(since = Date.now()) {
        this.leaving = true;
        this.calm();

        if (this.socket.bufferedAmount && Date.now() - since < PATIENCE) {
            this.timer = this.later(20, () => this.depart(since));
            return;
        }

        this.timer = this.later(PATIENCE, () => this.connect());
        this.socket.close(1000);
    }
}

/* ---- messages of the gateway, by type */

const handlers = {
    'terminal.opened'(payload) {
        const { session_id, handle, offset, mode, resume_token } = payload;

        this.handle = Uint8Array.from(handle.match(/../g),
            (hex) => parseInt(hex, 16));
        this.position = offset;
        this.offset = Math.max(this.offset, offset);
        this.session = session_id;
        this.token = resume_token ?? this.token;
        this.mode = mode;
        this.opened = true;
        this.tries = 0;
        this.on.opened(payload);
        this.tell('open', this.mode === 'view' ? 'Read-only.'
            : 'Connected.');
        this.flush();
    },

    'terminal.data'({ data_b64 }) {
        this.shown(Uint8Array.from(atob(data_b64), (c) => c.charCodeAt(0)));
    },

    'terminal.gap'({ from, to }) {
        this.position = to;
        this.offset = Math.max(this.offset, to);
        this.on.gap(from, to);
    },

    'terminal.state'({ state, until_ms }) {
        if (state === 'sled_away') {
            this.tell('away', 'The sled has lost its connection.',
                { until: until_ms });

        } else {
            this.tell('open', this.mode === 'view' ? 'Read-only.'
                : 'Connected.');
        }
    },

    'terminal.exit'({ exit_code, reason }) {
        this.finish(reason === 'sled_lost' ? 'sled_lost' : 'exit',
            reason === 'sled_lost'
                ? 'The sled is lost, and the shell with it.'
                : `The shell has ended (${reason ?? 'exit'}`
                    + `${exit_code >= 0 ? `, code ${exit_code}` : ''}).`);
    },

    'terminal.error'({ code, message }) {
        const refusal = refusals[code];

        if (refusal?.notice) {
            this.on.notice(refusal.text);

        } else {
            this.failed = String(code);
            this.reason = String(message ?? '');
        }
    },

    drain({ reconnect_after_ms }) {
        this.calm();
        this.timer = this.later(reconnect_after_ms, () => this.depart());
    },
};
