/*
 * One request: what it wants, how long it waits, and what can be said to it.
 */

import { fill, h, name, plain } from './dom.js';
import { parseExact } from './exact.js';
import { json, layout } from './input.js';
import { clock, status, title, tone } from './words.js';

/** Seconds by which a deadline is put off. */
const more = 120;

/** From here on it is urgent, in seconds. */
const urgent = 20;

let serial = 0;

export class Card {
    /**
     * @param {Object} app
     * @param {import('./requests.js').Request} request
     */
    constructor(app, request) {
        this.app = app;
        this.request = request;
        this.form = null;               /* deny, edit, halt … or null */
        this.shown = '';                /* what the foot shows now */
        this.id = `card-${++serial}`;

        this.from = h('span', { class: 'from' });
        this.left = h('span', { class: 'left', role: 'timer' });
        this.foot = h('div', { class: 'foot' });
        this.error = h('p', { class: 'error', hidden: true });

        this.element = h('article', {
            class: 'card', tabindex: '-1', 'aria-labelledby': this.id,
            dataset: { kind: request.kind, id: request.id },
        }, this.head(), this.body(), this.error, this.foot);

        this.update();
    }

    head() {
        const { request } = this;

        return h('header', null,
            h('h3', { id: this.id }, plain(title(request), { line: true }),
              this.from),
            h('p', { class: 'about' }, this.about()),
            this.left);
    }

    about() {
        const { workspace, issue, task } = this.request;
        const part = (label, value) => value
            && h('span', null, `${label} `, name(value));

        const terminal = issue && workspace && this.app.config.terminal
            && h('a', { class: 'shell', href: this.app.link('terminal',
                { issue, workspace }) }, 'open a terminal');

        return [part('issue', issue), part('task', task),
                part('workspace', workspace), terminal];
    }

    body() {
        const { fields, kind } = this.request;
        const without = new Set(['workspace_id', 'issue_id', 'task_id',
                                 'operator', 'description']);
        const description = typeof fields.description === 'string'
            && fields.description !== ''
            && h('p', { class: 'description', dir: 'auto' },
                 plain(fields.description));

        if (kind === 'perm_request') {
            without.add('tool_name').add('tool_input');
            const { tool_input: input } = fields;

            return [description, input && typeof input === 'object'
                && Object.keys(input).length === 0
                ? h('p', { class: 'faint' }, 'Without an input.')
                : layout(input),
                    this.rest(fields, without)];
        }

        if (kind === 'ask') {
            without.add('question');
            return [description, this.question(fields.question),
                    this.rest(fields, without)];
        }

        return [description, layout(fields, without)];
    }

    /** what else came with it */
    rest(fields, without) {
        const rest = Object.keys(fields).filter((n) => !without.has(n));

        return rest.length > 0 && h('details', { class: 'rest' },
            h('summary', null, 'More that came with it'),
            layout(fields, without));
    }

    question(question) {
        const text = typeof question === 'string' ? question
            : question?.text ?? question?.question;

        return typeof text === 'string'
            ? [h('p', { class: 'question', dir: 'auto' }, plain(text)),
               typeof question === 'object'
                   && this.rest(question, new Set(['text', 'question',
                                                   'options']))]
            : layout(question);
    }

    /** keeps up with the request */
    update() {
        const { request } = this;
        const mode = request.state !== 'open' ? `state-${request.state}`
            : request.mine ? `mine-${request.mine.phase}`
            : this.form ? `form-${this.form}` : 'open';
        const key = `${mode} ${request.by?.sid} ${request.approved}`;

        this.element.dataset.state = request.mine?.phase === 'held'
            ? 'held' : request.state;
        this.element.dataset.tone = tone(request);

        if (key !== this.shown) {
            const inside = this.foot.contains(document.activeElement);

            this.shown = key;
            fill(this.foot, this.footOf(mode));

            if (inside && !this.foot.contains(document.activeElement)) {
                this.element.focus();
            }
        }

        fill(this.from, request.sled
            && [' from ', name(request.sled, 'sled')]);
        this.error.hidden = request.error === '';
        fill(this.error, plain(request.error));
        this.tick();
    }

    /** every now and then: how long is it still open */
    tick() {
        const { request, app } = this;
        const open = request.state === 'open' && request.expires !== null;

        this.left.hidden = !open;

        if (!open) {
            return;
        }

        const left = Math.max(0, request.expires - app.session.now()) / 1000;
        const all = (request.expires - request.created) / 1000;

        this.left.textContent = clock(left);
        this.left.setAttribute('aria-label', `${clock(left)} left`);
        this.element.classList.toggle('urgent', left < urgent);
        this.element.style.setProperty('--left',
            String(Math.min(1, all > 0 ? left / all : 0)));
    }

    footOf(mode) {
        const { request } = this;

        if (mode === 'mine-held') {
            return [h('p', { class: 'said' }, this.said()),
                this.button('Undo', 'u', () => this.undo(), 'quiet'),
                h('span', { class: 'fuse', 'aria-hidden': 'true' })];
        }

        if (mode === 'mine-sent') {
            return h('p', { class: 'said' }, 'Sent …');
        }

        if (mode.startsWith('form-')) {
            return this[this.form]();
        }

        if (mode !== 'open') {
            return h('p', { class: 'end' },
                h('span', { class: 'mark', 'aria-hidden': 'true' }),
                plain(status(request, this.app.session), { line: true }));
        }

        if (!this.app.mayDecide()) {
            return h('p', { class: 'faint' }, 'You may look, not answer.');
        }

        return this.actions();
    }

    said() {
        const { reply } = this.request.mine;

        switch (reply.type) {
        case 'perm_response':
            return reply.approved
                ? reply.always_allow ? 'Approving, always …' : 'Approving …'
                : 'Denying …';
        case 'hook_ack':
            return reply.ok ? 'Letting it through …' : 'Stopping it …';
        case 'spawn_halt':
            return 'Halting it …';
        default:
            return 'Answering …';
        }
    }

    button(text, key, onclick, className) {
        return h('button', { type: 'button', class: className, onclick,
                             'aria-keyshortcuts': key,
                             title: key ? `key: ${key}` : null }, text);
    }

    actions() {
        const b = (...args) => this.button(...args);

        switch (this.request.kind) {
        case 'ask':
            return this.answer();

        case 'hook_before':
            return [b('Let it through', 'a', () => this.approve(), 'yes'),
                    b('Stop it …', 'd', () => this.open('deny'), 'no')];

        case 'spawn':
            return [b('Acknowledge', 'a', () => this.approve(), 'yes'),
                    b('Halt …', 'd', () => this.open('deny'), 'no'),
                    b('Answer with a value …', 'e', () => this.open('edit'),
                      'quiet')];

        default:
            return [b('Approve', 'a', () => this.approve(), 'yes'),
                    b('Deny …', 'd', () => this.open('deny'), 'no'),
                    b('Always', null, () => this.approve({
                        always_allow: true }), 'quiet'),
                    b('Edit …', 'e', () => this.open('edit'), 'quiet'),
                    b(`+${more / 60} min`, 'x', () => this.extend(),
                      'quiet')];
        }
    }

    /** the field that answers a question, and its choices */
    answer() {
        const { question } = this.request.fields;
        const options = Array.isArray(question?.options)
            ? question.options : [];
        const field = h('textarea', { rows: '2', 'aria-label': 'Your answer',
            placeholder: 'Your answer', onkeydown: sendOnEnter });

        return [
            options.map((option) => this.button(
                plain(option?.label ?? option, { line: true }), null,
                () => this.reply({ type: 'answer',
                                   value: option?.value ?? option }))),
            h('form', { class: 'answer', onsubmit: (event) => {
                event.preventDefault();
                this.reply({ type: 'answer', value: field.value });
            } }, field, h('button', { class: 'yes' }, 'Answer')),
        ];
    }

    /** a form in the foot, and the cursor in it */
    open(form) {
        this.form = form;
        this.update();
        this.foot.querySelector('textarea, input')?.focus();
    }

    close() {
        this.form = null;
        this.update();
        this.element.focus();
    }

    /** a no, with words for whoever asked */
    deny() {
        const field = h('input', { type: 'text', maxlength: '1000',
            'aria-label': 'Reason, for the agent',
            placeholder: 'Reason, for the agent (may be empty)',
            onkeydown: (event) => this.escape(event) });

        const words = { hook_before: 'Stop it', spawn: 'Halt' };

        return h('form', { class: 'words', onsubmit: (event) => {
            event.preventDefault();
            this.form = null;
            this.refuse(field.value);
        } },
        field,
        h('button', { class: 'no' }, words[this.request.kind] ?? 'Deny'),
        this.button('Cancel', null, () => this.close(), 'quiet'));
    }

    /** another input, or the value of a spawn */
    edit() {
        const { request } = this;
        const input = request.fields.tool_input;
        const simple = request.kind === 'perm_request'
            && typeof input?.command === 'string';
        const problem = h('p', { class: 'error', role: 'alert',
                                 hidden: true });

        const field = h('textarea', {
            class: 'code', spellcheck: 'false', dir: 'ltr',
            'aria-label': simple ? 'Command'
                : request.kind === 'spawn' ? 'Value, as JSON'
                                           : 'Input, as JSON',
            onkeydown: (event) => this.escape(event),
        });

        field.value = simple ? input.command
            : request.kind === 'spawn' ? 'null' : json(input);
        field.rows = Math.min(16, field.value.split('\n').length + 1);

        const submit = (event) => {
            let value;

            event.preventDefault();

            try {
                value = simple ? { ...input, command: field.value }
                               : parseExact(field.value);
            } catch (error) {
                problem.hidden = false;
                problem.textContent = `This is not JSON: ${error.message}`;
                return;
            }

            this.form = null;
            this.approve(request.kind === 'spawn' ? { value }
                                                  : { updated_input: value });
        };

        return h('form', { class: 'editor', onsubmit: submit }, field,
            problem,
            h('button', { class: 'yes' }, request.kind === 'spawn'
                ? 'Answer' : 'Approve this instead'),
            this.button('Cancel', null, () => this.close(), 'quiet'));
    }

    escape(event) {
        if (event.key === 'Escape') {
            event.stopPropagation();
            this.close();
        }
    }

    reply(message) {
        this.app.requests.reply(this.request, message);
    }

    /** a yes, whatever that is for this kind */
    approve(extra = {}) {
        switch (this.request.kind) {
        case 'perm_request':
            return this.reply({ type: 'perm_response', approved: true,
                                ...extra });
        case 'hook_before':
            return this.reply({ type: 'hook_ack', ok: true });
        case 'spawn':
            return this.reply({ type: 'spawn_ack', ok: true, ...extra });
        default:
            return this.enter();
        }
    }

    refuse(reason) {
        const more = reason === '' ? {} : { reason };

        switch (this.request.kind) {
        case 'hook_before':
            return this.reply({ type: 'hook_ack', ok: false, ...more });
        case 'spawn':
            return this.reply({ type: 'spawn_halt', ...more });
        default:
            return this.reply({ type: 'perm_response', approved: false,
                                ...more });
        }
    }

    extend() {
        this.app.requests.extend(this.request, more);
    }

    undo() {
        if (this.app.requests.undo(this.request)) {
            this.app.announce('Taken back, nothing was sent.');
        }
    }

    /** to what there is to fill in, or to read */
    enter() {
        (this.foot.querySelector('textarea, input')
            ?? this.element.querySelector('pre, summary')
            ?? this.foot.querySelector('button'))?.focus();
    }

    /** @returns {boolean} was this key for a card? */
    key(key) {
        const { state, mine, kind } = this.request;

        if (key === 'Enter') {
            this.enter();
            return true;
        }

        if (key === 'u' && mine) {
            this.undo();
            return true;
        }

        if (state !== 'open' || mine || !this.app.mayDecide()) {
            return false;
        }

        switch (key) {
        case 'a':
            this.approve();
            return true;

        case 'd':
            if (kind !== 'ask') {
                this.open('deny');
            }

            return true;

        case 'e':
            if (kind === 'perm_request' || kind === 'spawn') {
                this.open('edit');
            }

            return true;

        case 'x':
            if (kind === 'perm_request') {
                this.extend();
            }

            return true;
        }

        return false;
    }
}

/** Shift+Enter is a new line */
function sendOnEnter(event) {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        event.target.form.requestSubmit();
    }
}
