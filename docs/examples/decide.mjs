#!/usr/bin/env node
// An operator: shows what sleds ask for, and sends what is typed: y or n.
//
//     UPLINK_TOKEN=... decide.mjs https://gateway/v1

import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './ws.mjs';

const api = process.argv[2];
const headers = { Authorization: `Bearer ${process.env.UPLINK_TOKEN}` };
const created = await fetch(`${api}/operators`, { method: 'POST', headers });
if (created.status !== 201)
    throw Error(await created.text());
const { sid, token } = await created.json();

let link;
const questions = new Map();                // by req_id, oldest first
const show = ({ sled, tool_name, tool_input }) => console.log(sled, 'asks:',
    tool_name, JSON.stringify(tool_input), '[y/n]');

createInterface({ input: process.stdin }).on('line', line => {
    const [question] = questions.values();
    if (question && link && !link.closed)
        link.send({ type: 'perm_response', req_id: question.req_id,
            approved: line.trim() === 'y',
            input_sha256: question.input_sha256 });
});

// the token could be a header here; a browser has only the subprotocol

async function session(ws, until) {
    link = ws;
    questions.clear();                      // what is open comes again
    for (let message; (message = await ws.receive(until)); ) {
        const { type, req_id } = message;
        if (type === 'perm_request' && !questions.has(req_id)) {
            questions.set(req_id, message);
            if (questions.size === 1)
                show(message);
        } else if (type === 'request_state' || type === 'error') {
            console.log(type, JSON.stringify(message));
            if (type === 'request_state' && message.state !== 'open'
                && questions.delete(req_id) && questions.size)
                show(questions.values().next().value);
        } else if (type === 'drain')
            until = Date.now() + message.reconnect_after_ms;
    }
}

for (;;) {
    await connect(`ws${api.slice(4)}/operators/${sid}/ws`,
        { protocols: ['uplink.v1', `uplink.bearer.${token}`] })
        .then(session).catch(async e => {
            if ([1000, 1008, 4001].includes(e.code))
                throw e;                    // the session is over
            await sleep(100 + Math.random() * 1900);
        });
}
