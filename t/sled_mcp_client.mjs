// The client of the MCP TypeScript SDK as a peer of `sled mcp`:
// node sled_mcp_client.mjs SDK SLED.  One JSON line per result.

import { pathToFileURL } from 'node:url';

const [sdk, sled] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${sdk}/dist/esm/client/${name}`));

const { Client } = await load('index.js');
const { StdioClientTransport } = await load('stdio.js');

const say = (what, value) =>
    process.stdout.write(JSON.stringify({ what, value }) + '\n');

const client = new Client({ name: 'test', version: '1' });

await client.connect(new StdioClientTransport({
    command: sled, args: ['mcp'], env: process.env,
}));

say('server', client.getServerVersion());
say('tools', (await client.listTools()).tools);

for (const path of ['/yes', '/no']) {
    const result = await client.callTool({ name: 'approve',
        arguments: { tool_name: 'Edit', input: { path } } });
    say(path, JSON.parse(result.content[0].text));
}

const stop = new AbortController();
const call = client.callTool({ name: 'approve',
    arguments: { tool_name: 'Edit', input: { path: '/never' } } },
    undefined, { signal: stop.signal });

setTimeout(() => stop.abort('changed my mind'), 300);
await call.catch((error) => say('aborted', String(error)));

await client.ping();
await client.close();
say('closed', true);
