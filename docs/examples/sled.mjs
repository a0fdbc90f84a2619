#!/usr/bin/env node
// A sled: asks whether it may run a command, and runs it after a yes.
//
//     UPLINK_TOKEN=... sled.mjs wss://gateway/api/sled-uplink NAME COMMAND

import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from './ws.mjs';

const [url, name, command] = process.argv.slice(2);
const ask = randomUUID();
let ticket = null, asked = false;           // what it takes to resume

// one connection: the answer, or nothing if it is to dial again

async function session(ws, until) {
    ws.send({ type: 'register', req_id: 'hello', payload: {
        protocol_version: 2, agent_id: name, resume: ticket,
        auth_token: process.env.UPLINK_TOKEN,
        capabilities: { features: { resume: true, receipts: true } } } });
    for (let message; (message = await ws.receive(until)); ) {
        const { type, req_id, payload } = message;
        if (type === 'registered' && !payload.success)
            return { reason: payload.error };
        if (type === 'registered') {
            console.log('registered', payload.resumed ? 'again' : '');
            if (asked && !payload.resumed)
                return { reason: 'lost' };  // it ended with the old place
            ticket = { connection_id: payload.connection_id,
                resume_token: payload.resume_token };
            if (!asked)
                ws.send({ type: 'perm_request', req_id: ask, payload: {
                    tool_name: 'Bash', tool_input: { command } } });
            asked = true;
        } else if (type === 'perm_response' && req_id === ask) {
            ws.send({ type: 'perm_ack', req_id: ask });
            const tool = payload.updated_input ?? { command };
            const applied = payload.approved === true   // else it is a no
                && spawnSync(tool.command,
                    { shell: true, stdio: 'inherit' }).status === 0;
            ws.send({ type: 'perm_applied', req_id: ask,
                payload: { applied } });
            ws.close();
            return payload;
        } else if (type === 'drain')        // this worker leaves: go then
            until = Date.now() + payload.reconnect_after_ms;
    }
}

let answer;
while (!answer) {
    answer = await connect(url).then(session).catch(async e => {
        await sleep(100 + Math.random() * 1900);
        return [1008, 4003].includes(e.code) ? { reason: e.message } : null;
    });
}
console.log('answer:', JSON.stringify(answer));
process.exit(answer.approved === true ? 0 : 1);
