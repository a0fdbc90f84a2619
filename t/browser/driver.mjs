/*
 * Chromium for the perl tests: reads one command a line from stdin, as JSON,
 * does it, writes one line with what came of it.  See Uplink::Browser.
 *
 * Every page watches itself: violations of the Content-Security-Policy,
 * errors, and requests to other hosts are collected from its first moment.
 */

import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const [modules, chromium, profile] = process.argv.slice(2);
const require = createRequire(join(modules, 'x.js'));
const playwright = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const AsyncFunction = (async () => {}).constructor;

const browser = await playwright.chromium.launch({
    executablePath: chromium,
    handleSIGTERM: false,            /* it ends when its pipe is closed */
    handleSIGINT: false,
    handleSIGHUP: false,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
           '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync',
           '--disable-dev-shm-usage', `--crash-dumps-dir=${profile}`],
});

const pages = new Map();
const complaints = [];

const commands = {

    async page({ id, url, width, height, dark, phone, reduced, headers }) {
        const context = await browser.newContext({
            viewport: { width, height },
            colorScheme: dark ? 'dark' : 'light',
            reducedMotion: reduced ? 'reduce' : 'no-preference',
            deviceScaleFactor: phone ? 2 : 1,
            isMobile: !!phone,
            hasTouch: !!phone,
            extraHTTPHeaders: headers,
        });

        await context.grantPermissions(['clipboard-read', 'clipboard-write'],
            { origin: new URL(url).origin });
        context.setDefaultTimeout(10000);

        await context.exposeBinding('__complain', (source, text) => {
            complaints.push(text);
        });

        await context.addInitScript(() => {
            document.addEventListener('securitypolicyviolation', (e) => {
                window.__complain(`CSP: ${e.violatedDirective} `
                    + `${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`);
            });
        });

        const page = await context.newPage();
        const host = new URL(url).host;

        page.on('pageerror', (error) => {
            complaints.push(`error: ${error.stack ?? error}`);
        });

        /* what the browser itself says of failed calls is part of tests */

        page.on('console', (message) => {
            if (message.type() === 'error'
                && !/^Failed to load resource|^WebSocket connection to/
                    .test(message.text()))
            {
                complaints.push(`console: ${message.text()}`);
            }
        });

        page.on('request', (request) => {
            const to = new URL(request.url());

            if (/^(?:http|ws)s?:$/.test(to.protocol) && to.host !== host) {
                complaints.push(`other host: ${request.url()}`);
            }
        });

        pages.set(id, page);
        await page.goto(url);
    },

    async run({ id, code, arg }) {
        const page = pages.get(id);

        return await new AsyncFunction('page', 'arg', 'sleep', code)(page,
            arg, (ms) => new Promise((done) => setTimeout(done, ms)));
    },

    /* clicks at the same time, in several pages; one may find nothing */

    async both({ list }) {
        await Promise.all(list.map(({ id, selector }) =>
            pages.get(id).locator(selector).first().evaluate((button) =>
                button.click(), null, { timeout: 1000 }).catch(() => {})));
    },

    async axe({ id, options }) {
        const page = pages.get(id);

        /* not as a script element, which the page's policy forbids */

        await page.evaluate(axe);

        const { violations } = await page.evaluate((o) =>
            window.axe.run(document, o), options ?? {});

        return violations.filter(({ impact }) => impact === 'serious'
            || impact === 'critical').map(({ id: rule, help, nodes }) => ({
            rule, help, nodes: nodes.map(({ html, failureSummary }) =>
                `${html}\n${failureSummary}`),
        }));
    },

    async shot({ id, path, full }) {
        await pages.get(id).screenshot({ path, fullPage: !!full,
                                         animations: 'disabled' });
    },

    /*
     * as a person does: the page hears of it; what it still says must find
     * its browser there, so the blank page stays
     */

    async close({ id }) {
        const page = pages.get(id);

        pages.delete(id);
        await page?.goto('about:blank');
    },

    async leave() {
        for (const id of [...pages.keys()]) {
            await commands.close({ id });
        }
    },

    complaints: async () => complaints.splice(0),
};

for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...arg } = JSON.parse(line);
    let answer;

    try {
        answer = { result: await commands[command](arg) ?? null };
    } catch (error) {
        answer = { error: String(error.message ?? error) };
    }

    process.stdout.write(`${JSON.stringify(answer)}\n`);
}

await browser.close();
