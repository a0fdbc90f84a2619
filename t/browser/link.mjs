/*
 * The link of a terminal against a gateway that says what has to be said at
 * the moment it has to be: node link.mjs SOURCES.  Prints TAP.
 */

import { strict as assert } from 'node:assert';
import { pathToFileURL } from 'node:url';

const { TerminalLink } = await import(
    pathToFileURL(`${process.argv[2]}/terminal_link.js`));

const HANDLE = '0011223344556677';

let tests = 0;

function test(name, run) {
    tests++;

    try {
        run();
        console.log(`ok ${tests} - ${name}`);

    } catch (error) {
        console.log(`not ok ${tests} - ${name}`);
        console.log(error.stack.replace(/^/gm, '# '));
    }
}

/* sockets that the test holds the other end of, and a clock that it turns */

function gateway(options = {}) {
    const all = { sockets: [], shown: [], states: [], gaps: [], notices: [],
                  timers: new Map(), now: 0 };
    let serial = 0;

    all.link = new TerminalLink({
        dial(query, protocols) {
            const socket = {
                query, protocols, readyState: 1, bufferedAmount: 0, sent: [],
                send: (data) => socket.sent.push(data),
                close: (code) => {
                    socket.closed = code ?? 0;
                    socket.readyState = 2;
                },
            };

            all.sockets.push(socket);
            return socket;
        },
        size: () => ({ cols: 80, rows: 24 }),
        workspace: 'w',
        on: {
            data: (bytes, offset) => all.shown.push([offset,
                Buffer.from(bytes).toString()]),
            gap: (from, to) => all.gaps.push([from, to]),
            state: (state) => all.states.push(state),
            opened: () => {},
            notice: (text) => all.notices.push(text),
        },
        later(ms, run) {
            all.timers.set(++serial, [all.now + ms, run]);
            return serial;
        },
        never: (timer) => all.timers.delete(timer),
        random: () => 1,
        ...options,
    });

    all.turn = (ms) => {
        const until = all.now + ms;

        for ( ;; ) {
            const due = [...all.timers].filter(([, [at]]) => at <= until)
                .sort((a, b) => a[1][0] - b[1][0])[0];

            if (!due) {
                all.now = until;
                return;
            }

            all.timers.delete(due[0]);
            all.now = due[1][0];
            due[1][1]();
        }
    };

    all.socket = () => all.sockets.at(-1);
    all.say = (type, payload, socket = all.socket()) => socket.onmessage?.({
        data: JSON.stringify({ type, req_id: '', payload }) });
    all.opened = (offset = 0, mode = 'drive') => all.say('terminal.opened', {
        session_id: 's1', handle: HANDLE, offset, mode,
        ...(mode === 'drive' ? { resume_token: 'secret' } : {}) });
    all.show = (text, handle = HANDLE) => all.socket().onmessage({
        data: Uint8Array.from([1, ...Buffer.from(handle, 'hex'),
            ...Buffer.from(text)]).buffer });
    all.lose = (code = 1006, reason = '') => {
        const socket = all.socket();

        socket.readyState = 3;
        socket.onclose?.({ code, reason });
    };
    all.typed = (socket = all.socket()) => socket.sent
        .filter((data) => typeof data !== 'string')
        .map((data) => Buffer.from(data.subarray(9)).toString()).join('');
    all.last = () => all.states.at(-1);

    all.link.connect();

    return all;
}

test('asks for a shell in binary, of its own size', () => {
    const g = gateway();

    assert.equal(g.socket().query.toString(),
        'workspace_id=w&cols=80&rows=24');
    assert.deepEqual(g.socket().protocols, ['uplink.bin.v1']);
});

test('what is typed before it stands is sent when it does, framed', () => {
    const g = gateway();

    g.link.type('ls\r');
    assert.equal(g.socket().sent.length, 0);
    g.opened();
    assert.equal(Buffer.from(g.socket().sent[0]).toString('hex'),
        `01${HANDLE}6c730d`);
    assert.equal(g.last().state, 'open');
});

test('lost, it comes back for the byte that is next', () => {
    const g = gateway();

    g.opened();
    g.show('hello ');
    g.show('there');
    g.lose();
    assert.equal(g.last().state, 'waiting');
    g.turn(250);
    assert.equal(g.socket().query.get('session'), 's1');
    assert.equal(g.socket().query.get('offset'), '11');
    assert.deepEqual(g.socket().protocols,
        ['uplink.bin.v1', 'uplink.resume.secret']);
    g.opened(11);
    g.show('!');
    assert.deepEqual(g.shown, [[0, 'hello '], [6, 'there'], [11, '!']]);
});

test('what was shown before is not shown again', () => {
    const g = gateway();

    g.opened();
    g.show('abcdef');
    g.lose();
    g.turn(250);
    g.opened(2);
    g.show('cd');
    g.show('efgh');
    assert.deepEqual(g.shown, [[0, 'abcdef'], [6, 'gh']]);
});

test('a gap is told, and counted', () => {
    const g = gateway();

    g.opened();
    g.show('abc');
    g.lose();
    g.turn(250);
    g.opened(100);
    g.say('terminal.gap', { from: 3, to: 100 });
    g.show('xyz');
    assert.deepEqual(g.gaps, [[3, 100]]);
    assert.deepEqual(g.shown.at(-1), [100, 'xyz']);
    assert.equal(g.link.offset, 103);
});

test('data of another handle, or before it stands, is not its own', () => {
    const g = gateway();

    g.show('early');
    g.opened();
    g.show('foreign', 'ffffffffffffffff');
    assert.deepEqual(g.shown, []);
});

test('waits longer and longer, and at once when told', () => {
    const g = gateway();
    const waits = [];

    for (let i = 0; i < 9; i++) {
        const before = g.sockets.length;
        const from = g.now;

        g.lose();

        while (g.sockets.length === before) {
            g.turn(1);
        }

        waits.push(g.now - from);
    }

    assert.deepEqual(waits, [250, 500, 1000, 2000, 4000, 8000, 15000, 15000,
        15000]);
    g.lose();
    g.link.connect();
    assert.equal(g.sockets.length, 11);
    g.turn(60000);
    assert.equal(g.sockets.length, 11);
});

test('a worker that leaves: all that was typed is read there', () => {
    const g = gateway();

    g.opened();
    g.link.type('one');
    g.say('drain', { grace_ms: 30000, reconnect_after_ms: 500 });
    g.link.type('two');
    g.turn(499);
    assert.equal(g.socket().closed, undefined);

    g.socket().bufferedAmount = 10;
    g.turn(1);
    g.link.type('three');
    assert.equal(g.socket().closed, undefined);

    g.socket().bufferedAmount = 0;
    g.turn(20);
    assert.equal(g.socket().closed, 1000);
    assert.equal(g.typed(), 'onetwo');

    g.lose(1000);
    assert.equal(g.sockets.length, 2);
    g.opened();
    assert.equal(g.typed(), 'three');
});

test('one that does not close is left', () => {
    const g = gateway();

    g.opened();
    g.say('drain', { grace_ms: 30000, reconnect_after_ms: 0 });
    g.turn(0);
    assert.equal(g.sockets.length, 1);
    g.turn(5000);
    assert.equal(g.sockets.length, 2);
});

test('no more is kept than can be told', () => {
    const g = gateway();

    g.link.type('x'.repeat(65536));
    g.link.type('y');
    assert.equal(g.notices.length, 1);
    g.opened();
    assert.equal(g.typed(), 'x'.repeat(65536));
    assert.ok(g.socket().sent.every((frame) => frame.length <= 16393));
});

test('a socket that does not drain is not filled', () => {
    const g = gateway();

    g.opened();
    g.socket().bufferedAmount = 300000;
    g.link.type('later');
    g.turn(100);
    assert.equal(g.typed(), '');
    g.socket().bufferedAmount = 0;
    g.turn(20);
    assert.equal(g.typed(), 'later');
});

test('one who looks on types nothing', () => {
    const g = gateway({ view: true });

    assert.equal(g.socket().query.get('mode'), 'view');
    g.opened(0, 'view');
    g.link.type('x');
    g.link.resize(10, 10);
    g.link.end();
    assert.deepEqual(g.socket().sent, []);
});

for (const [what, run, code] of [
    ['exit', (g) => g.say('terminal.exit', { exit_code: 3, reason: 'exited' }),
        'exit'],
    ['a lost sled', (g) => g.say('terminal.exit', { exit_code: -1,
        reason: 'sled_lost' }), 'sled_lost'],
    ['no such shell', (g) => {
        g.say('terminal.error', { code: 'session_not_found', message: '' });
        g.lose(1011);
    }, 'session_not_found'],
    ['an unknown code', (g) => {
        g.say('terminal.error', { code: 'new_one', message: '' });
        g.lose(1011);
    }, 'new_one'],
    ['taken over', (g) => g.lose(4001), '4001'],
    ['revoked', (g) => g.lose(1008, 'revoked'), '1008'],
    ['idle', (g) => g.lose(4004), '4004'],
]) {
    test(`${what}: the end`, () => {
        const g = gateway();

        g.opened();
        run(g);
        assert.equal(g.last().state, 'ended');
        assert.equal(g.last().code, code);
        g.turn(100000);
        assert.equal(g.sockets.length, 1);
        g.link.type('x');
        assert.equal(g.typed(), '');
    });
}

for (const code of [1001, 1006, 1012, 1013]) {
    test(`close ${code}: once more`, () => {
        const g = gateway();

        g.opened();
        g.lose(code);
        g.turn(250);
        assert.equal(g.sockets.length, 2);
    });
}

test('an error that something else follows is not the end', () => {
    const g = gateway();

    g.opened();
    g.say('terminal.error', { code: 'bad_request', message: '' });
    g.show('x');
    g.lose();
    assert.equal(g.last().state, 'waiting');
});

test('a sled that is away, and back', () => {
    const g = gateway();

    g.opened();
    g.say('terminal.state', { state: 'sled_away', until_ms: 5 });
    assert.equal(g.last().state, 'away');
    assert.equal(g.last().until, 5);
    g.say('terminal.state', { state: 'attached' });
    assert.equal(g.last().state, 'open');
});

test('data may be JSON, and rubbish is nothing', () => {
    const g = gateway();

    g.opened();
    g.say('terminal.data', { session_id: 's1', data_b64: 'w7/DvwA=' });
    g.socket().onmessage({ data: 'no json' });
    g.socket().onmessage({ data: 'null' });
    g.socket().onmessage({ data: new ArrayBuffer(3) });
    assert.equal(g.link.offset, 5);
});

test('left, it is silent', () => {
    const g = gateway();

    g.opened();
    g.link.leave();
    assert.equal(g.socket().closed, 0);
    g.turn(100000);
    assert.equal(g.sockets.length, 1);
});

console.log(`1..${tests}`);
