/*
 * The requests of this fleet as this page knows them, from the moment they
 * come until it is known how they ended.
 */

/** How many that are not open any more are kept. */
const memory = 200;

/** How long one may take back what was clicked, in milliseconds. */
export const undoWindow = 2000;

/** Between two looks at the list, in milliseconds. */
const pause = 3000;

/** After which nothing more comes. */
const final = new Set(['applied', 'failed', 'expired', 'withdrawn', 'lost',
                       'told']);

/** Members of a message that are not the payload's own. */
const own = new Set(['type', 'req_id', 'sled', 'created_ms', 'expires_ms',
                     'input_sha256']);

/**
 * @typedef {Object} Request
 * @property {string} id
 * @property {string} kind perm_request, ask, hook_before, hook_after, spawn
 * @property {string} sled the agent that asks
 * @property {Object} fields the payload as it came
 * @property {?string} workspace
 * @property {?string} issue
 * @property {?string} task
 * @property {number} created by the gateway's clock, milliseconds
 * @property {?number} expires
 * @property {?string} sha256 digest of the input that is shown
 * @property {string} state open, decided, delivered, applied, failed,
 *     expired, withdrawn; lost: ended while this page was not connected;
 *     told: needs no answer
 * @property {?string} reason
 * @property {?{sid: ?string, name: ?string}} by who decided
 * @property {?boolean} approved
 * @property {?{reply: Object, phase: string, sendAt: number}} mine what was
 *     said here; phase: held (may be taken back), sent
 * @property {string} error why what was said here does not count
 * @property {?number} endedAt when it stopped being open, by this page's
 *     clock
 */

/**
 * Events: "change" (detail: the request), "added" (detail: the request)
 */
export class Requests extends EventTarget {
    constructor(session, settings) {
        super();

        this.session = session;
        this.settings = settings;
        this.byId = new Map();

        session.addEventListener('message',
            ({ detail }) => this.receive(detail));
        session.addEventListener('attached', () => this.reconcile());
        session.addEventListener('state', () =>
            session.state === 'forbidden' && this.watch());
    }

    /** @returns {Request[]} open ones first, the oldest deadline first */
    list() {
        return [...this.byId.values()].sort((a, b) =>
            Number(b.state === 'open') - Number(a.state === 'open')
            || (a.expires ?? Infinity) - (b.expires ?? Infinity)
            || a.created - b.created);
    }

    /** @returns {Request[]} those of one task of one sled */
    forTask(agentId, taskId) {
        return this.list().filter((request) => request.task === taskId
            && (!agentId || request.sled === agentId));
    }

    /** @returns {Request[]} those that wait for somebody */
    open() {
        return this.list().filter((request) => request.state === 'open');
    }

    get(id) {
        return this.byId.get(id);
    }

    changed(request) {
        if (request.state !== 'open' && !request.endedAt) {
            request.endedAt = Date.now();
            clearTimeout(request.timer);
            this.forget();
        }

        this.dispatchEvent(new CustomEvent('change', { detail: request }));
    }

    /** the oldest of those that have ended, when there are too many */
    forget() {
        const list = [...this.byId.values()].filter((r) => r.endedAt)
            .sort((a, b) => a.endedAt - b.endedAt);

        for (const request of list.slice(0, Math.max(0,
            list.length - memory)))
        {
            this.remove(request);
        }
    }

    /** one that has ended, and was seen */
    remove(request) {
        this.byId.delete(request.id);
        request.removed = true;
        this.dispatchEvent(new CustomEvent('change', { detail: request }));
    }

    receive(message) {
        switch (message.type) {
        case 'perm_request':
        case 'ask':
        case 'hook_before':
        case 'hook_after':
        case 'spawn':
            this.add(message);
            break;

        case 'request_state':
            this.advance(message);
            break;

        case 'error':
            this.refused(message);
            break;
        }
    }

    add(message) {
        const known = this.byId.get(message.req_id);

        if (known) {
            /* delivered again: it is open, whatever we believed */

            known.expires = message.expires_ms ?? known.expires;

            if (known.state !== 'open') {
                known.state = 'open';
                known.endedAt = null;
            }

            if (known.mine?.phase === 'sent') {
                known.mine = null;
                known.error = 'Your answer did not arrive.';
            }

            this.changed(known);
            return;
        }

        const fields = {};

        for (const [name, value] of Object.entries(message)) {
            if (!own.has(name)) {
                fields[name] = value;
            }
        }

        const text = (value) => typeof value === 'string' ? value : null;

        const request = {
            id: message.req_id,
            kind: message.type,
            sled: text(message.sled) ?? '',
            fields,
            workspace: text(message.workspace_id),
            issue: text(message.issue_id),
            task: text(message.task_id),
            created: message.created_ms ?? this.session.now(),
            expires: message.expires_ms ?? null,
            sha256: message.input_sha256 ?? null,
            state: message.type === 'hook_after' ? 'told' : 'open',
            reason: null,
            by: null,
            approved: null,
            mine: null,
            error: '',
            endedAt: null,
        };

        this.byId.set(request.id, request);
        this.dispatchEvent(new CustomEvent('added', { detail: request }));
        this.changed(request);

        if (request.state === 'open' && request.expires === null) {
            clearTimeout(this.asking);
            this.asking = setTimeout(() => this.complete(), 50);
        }
    }

    /** a question is passed on as it was: who asks, until when, is in lists */
    async complete() {
        const { status, body } = await this.session.request('GET',
            'requests?limit=1000', undefined, { own: true });

        for (const item of (status === 200 && body.requests) || []) {
            const request = this.byId.get(item.req_id);

            if (request && request.expires === null) {
                request.sled = item.sled ?? request.sled;
                request.created = item.created_ms ?? request.created;
                request.expires = item.expires_ms ?? null;
                this.changed(request);
            }
        }
    }

    /**
     * Where there is no session, which is who may only look, lists take the
     * place of messages.
     */
    async watch() {
        const { status, body } = await this.session.request('GET',
            'requests?limit=1000');

        if (this.session.state !== 'forbidden') {
            return;
        }

        if (status === 200) {
            const there = new Set(body.requests.map((item) => item.req_id));

            for (const item of body.requests) {
                if (this.byId.get(item.req_id)?.expires !== item.expires_ms) {
                    this.add(item);
                }
            }

            await this.reconcile((request) => !there.has(request.id));
        }

        setTimeout(() => this.watch(), pause);
    }

    advance(message) {
        const request = this.byId.get(message.req_id);

        if (!request) {
            return;
        }

        if (message.state === 'open') {
            const before = request.expires ?? 0;

            request.expires = message.expires_ms ?? request.expires;
            request.error = request.extending
                && request.expires - before < 1000
                ? 'It cannot wait any longer than that.' : '';
            request.extending = false;
            this.changed(request);
            return;
        }

        request.state = message.state;
        request.reason = message.reason ?? request.reason;
        request.by = message.by ?? request.by;
        request.approved = message.approved ?? request.approved;

        if (request.approved === null && request.mine
            && this.isOurs(request))
        {
            const { reply } = request.mine;

            request.approved = reply.ok ?? reply.type !== 'spawn_halt';
        }

        this.overtaken(request);
        this.changed(request);
    }

    /** what was held or sent here is not what decided it */
    overtaken(request) {
        const mine = request.mine;

        if (!mine) {
            return;
        }

        clearTimeout(request.timer);

        if (mine.phase === 'held' || !this.isOurs(request)) {
            request.mine = null;
            request.error = mine.phase === 'held'
                ? 'It ended before your answer was sent.'
                : 'Your answer came too late and does not count.';
        }
    }

    /** was it decided by this page? */
    isOurs(request) {
        return !!request.by?.sid && request.by.sid === this.session.own?.sid;
    }

    refused(message) {
        const request = this.byId.get(message.req_id);

        if (!request) {
            return;
        }

        if (message.code === 'already_decided') {
            request.state = request.state === 'open'
                ? message.state ?? 'decided' : request.state;
            request.by = message.by ?? request.by;
            request.approved = message.decision?.approved ?? request.approved;
            this.overtaken(request);

        } else if (message.code === 'operator_gone'
                   || message.code === 'timeout')
        {
            request.state = 'withdrawn';
            request.reason = message.code;

        } else {
            request.mine = null;
            request.error = `Refused: ${message.message ?? message.code}`;

            if (message.code === 'unknown_req' && request.state === 'open') {
                request.state = 'lost';
            }
        }

        this.changed(request);
    }

    /**
     * Says something about a request: after the time for second thoughts,
     * unless that is switched off.
     *
     * @param {Request} request
     * @param {Object} reply a message of protocol.md 5.2 without its req_id
     */
    reply(request, reply) {
        if (request.state !== 'open' || request.mine) {
            return;
        }

        const left = (request.expires ?? Infinity) - this.session.now();
        const hold = this.settings.get('undo') && left > undoWindow + 1000
            ? undoWindow : 0;

        request.error = '';
        request.mine = { reply, phase: 'held', sendAt: Date.now() + hold };

        if (hold) {
            request.timer = setTimeout(() => this.send(request), hold);
            this.changed(request);
            return;
        }

        this.send(request);
    }

    /** takes back what has not been sent */
    undo(request) {
        if (request.mine?.phase !== 'held') {
            return false;
        }

        clearTimeout(request.timer);
        request.mine = null;
        this.changed(request);

        return true;
    }

    send(request) {
        const message = { ...request.mine.reply, req_id: request.id };

        if (message.type === 'perm_response' && request.sha256) {
            message.input_sha256 = request.sha256;
        }

        if (this.session.send(message)) {
            request.mine.phase = 'sent';

        } else {
            request.mine = null;
            request.error = 'There is no connection: nothing was sent.';
        }

        this.changed(request);
    }

    /** more time for it */
    extend(request, seconds) {
        request.extending = true;

        if (request.state === 'open'
            && !this.session.send({ type: 'extend', req_id: request.id,
                                    seconds }))
        {
            request.error = 'There is no connection: nothing was sent.';
            this.changed(request);
        }
    }

    /**
     * What has become, meanwhile, of those that we last saw without an end.
     * Those that are still open come by themselves.
     */
    async reconcile(which = () => true) {
        const waiting = [...this.byId.values()].filter((request) =>
            !final.has(request.state) && which(request));

        for (const request of waiting) {
            const { status, body } = await this.session.request('GET',
                `requests/${encodeURIComponent(request.id)}`, undefined,
                { own: !!this.session.own });

            if (status === 404) {
                request.state = 'lost';
                request.mine = null;
                this.changed(request);
                continue;
            }

            if (status !== 200 || !body) {
                return;
            }

            if (body.state !== 'open') {
                this.advance({ req_id: request.id, state: body.state,
                    reason: body.reason, by: body.by,
                    approved: body.decision?.approved });
            }
        }
    }
}
