// A WebSocket client: as much of RFC 6455 as the examples need.
//
// Node 18 or later and nothing else.  Any library does as well, "ws" for
// one; a browser, and node 22, have a WebSocket of their own, which sends no
// Authorization: tokens travel in the first message or as a subprotocol.

import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';

const SILENCE = 75000;      // the gateway pings every 25 s, then it is gone
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

export async function connect(url, { protocols = [], token } = {}) {
    const key = randomBytes(16).toString('base64');
    const headers = {
        Upgrade: 'websocket', Connection: 'Upgrade',
        'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Key': key,
    };
    if (protocols.length)
        headers['Sec-WebSocket-Protocol'] = protocols.join(', ');
    if (token)
        headers.Authorization = `Bearer ${token}`;
    const request = (url.startsWith('wss') ? https : http)
        .get(url.replace(/^ws/, 'http'), { headers, timeout: 10000 });
    const [answer, socket, head] = await new Promise((resolve, reject) => {
        request.on('upgrade', (...all) => resolve(all));
        request.on('response', r => reject(Error(`status ${r.statusCode}`)));
        request.on('timeout', () => request.destroy(Error('no answer')));
        request.on('error', reject);
    });
    const proof = createHash('sha1').update(key + GUID).digest('base64');
    if (answer.headers['sec-websocket-accept'] !== proof)
        throw Error('that is no WebSocket server');
    return new Link(socket, head);
}

class Link {
    constructor(socket, head) {
        Object.assign(this, { socket, buffer: head, text: Buffer.alloc(0),
            messages: [], wake: () => { } });
        const end = e => {
            this.closed ??= Object.assign(Error(e?.message ?? 'lost'),
                { code: 1006 });
            this.wake();
        };
        socket.setTimeout(SILENCE, () => socket.destroy(Error('silence')));
        socket.on('data', data => {
            this.buffer = Buffer.concat([this.buffer, data]);
            this.parse();
        });
        socket.on('error', end).on('close', end);
        this.parse();
    }

    frame(opcode, data) {
        const n = data.length, mask = randomBytes(4);
        const size = n < 126 ? 2 : n < 65536 ? 4 : 10;
        const head = Buffer.alloc(size);
        head[0] = 128 | opcode;
        head[1] = 128 | (size === 2 ? n : size === 4 ? 126 : 127);
        if (size === 4)
            head.writeUInt16BE(n, 2);
        if (size === 10)
            head.writeBigUInt64BE(BigInt(n), 2);
        this.socket.write(Buffer.concat([head, mask,
            data.map((byte, i) => byte ^ mask[i % 4])]));
    }

    send(message) {
        this.frame(1, Buffer.from(JSON.stringify(message)));
    }

    close(code = 1000) {
        this.frame(8, Buffer.from([code >> 8, code & 255]));
        this.socket.end();
    }

    parse() {
        for (let b = this.buffer; b.length >= 2; b = this.buffer) {
            const at = b[1] < 126 ? 2 : b[1] === 126 ? 4 : 10;
            if (b.length < at)
                return;
            const n = at === 2 ? b[1] : at === 4 ? b.readUInt16BE(2)
                : Number(b.readBigUInt64BE(2));
            if (b.length < at + n)
                return;
            this.buffer = b.subarray(at + n);
            this.take(b[0] & 15, b[0] & 128, b.subarray(at, at + n));
        }
    }

    take(opcode, last, data) {
        if (opcode === 9)
            this.frame(10, data);
        if (opcode === 8) {
            const code = data.length ? data.readUInt16BE(0) : 1005;
            this.closed = Object.assign(
                Error(`closed: ${code} ${data.subarray(2)}`), { code });
            this.socket.end();
        }
        if (opcode < 2) {
            this.text = Buffer.concat([this.text, data]);
            if (last) {
                this.messages.push(JSON.parse(this.text));
                this.text = Buffer.alloc(0);
            }
        }
        this.wake();
    }

    // the next message, or undefined when it is that time

    async receive(until = Infinity) {
        while (!this.messages.length) {
            if (this.closed)
                throw this.closed;
            const left = until - Date.now();
            if (left <= 0)
                return undefined;
            let timer;
            await new Promise(resolve => {
                this.wake = resolve;
                if (left < Infinity)
                    timer = setTimeout(resolve, left);
            });
            clearTimeout(timer);
        }
        return this.messages.shift();
    }
}
