/*
 * Makes the bundle: npm run build, or ./dev console, which leaves no
 * node_modules in the tree.  What stands in dist is part of the module; the
 * same sources give the same bytes (t/console_bundle.t).
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const dist = join(here, 'dist');
const xterm = join(here, 'node_modules/@xterm/xterm');

/*
 * xterm.js from its own TypeScript: what webpack makes of it is larger.  Its
 * renderer writes style elements and attributes, which the page's
 * Content-Security-Policy does not allow; styles.js has what takes the place of
 * the former, the latter are properties of their elements here.
 */

const fromSource = {
    name: 'xterm',

    setup(b) {
        b.onResolve({ filter: /^@xterm\/xterm$/ }, () => ({
            path: join(xterm, 'src/browser/public/Terminal.ts'),
        }));

        b.onResolve({ filter: /^(browser|common)\// }, ({ path }) => {
            const file = join(xterm, 'src', path);

            return { path: existsSync(`${file}.ts`) ? `${file}.ts`
                                                    : `${file}.d.ts` };
        });

        b.onLoad({ filter: /\/DomRendererRowFactory\.ts$/ }, ({ path }) => {
            const text = readFileSync(path, 'utf8');
            const attribute = "element.setAttribute('style', "
                + "`${element.getAttribute('style') || ''}${style};`)";

            if (!text.includes(attribute)) {
                throw new Error(`${path}: no style attribute`);
            }

            return {
                contents: text.replace(attribute,
                    () => 'element.style.cssText += `${style};`'),
                loader: 'ts',
                resolveDir: dirname(path),
            };
        });

        b.onLoad({ filter: /\/DomRenderer\.ts$/ }, ({ path }) => {
            const text = readFileSync(path, 'utf8');
            const parts = text.split("this._document.createElement('style')");

            if (parts.length !== 3) {
                throw new Error(`${path}: ${parts.length - 1} style elements`);
            }

            const from = JSON.stringify(join(here, 'styles.js'));

            return {
                contents: `import { styleElement } from ${from};\n`
                    + parts.join('styleElement(this._document)'),
                loader: 'ts',
                resolveDir: dirname(path),
            };
        });
    },
};

const license = readFileSync(join(xterm, 'LICENSE'), 'utf8').trim();

const options = {
    absWorkingDir: here,
    bundle: true,
    minify: true,
    write: false,
    target: ['chrome105', 'firefox110', 'safari16.4'],
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
};

const [js, css] = await Promise.all([
    build({
        ...options,
        entryPoints: ['main.js'],
        format: 'esm',
        plugins: [fromSource],
        mangleProps: /^_./,          /* private ones of xterm.js: 50 KB */
        banner: { js: `/*! with xterm.js\n\n${license}\n*/` },
        tsconfigRaw: { compilerOptions: {
            experimentalDecorators: true, useDefineForClassFields: false,
        } },
    }),
    build({ ...options, entryPoints: ['style.css'] }),
]);

const files = {
    'index.html': readFileSync(join(here, 'index.html')),
    'console.js': Buffer.from(js.outputFiles[0].contents),
    'console.css': Buffer.from(css.outputFiles[0].contents),
};

let header = `
/*
 * Digests of the files here, which are their ETags.  Written by
 * src/console/build.mjs, not by hand.
 */


`;

mkdirSync(dist, { recursive: true });

for (const [name, bytes] of Object.entries(files)) {
    const digest = createHash('sha256').update(bytes).digest('hex');
    const symbol = name.replace(/\W/g, '_').toUpperCase();

    writeFileSync(join(dist, name), bytes);
    writeFileSync(join(dist, `${name}.gz`), gzipSync(bytes, { level: 9 }));

    header += `#define NGX_UPLINK_BUNDLE_${symbol}  "${digest.slice(0, 32)}"\n`;
}

writeFileSync(join(dist, 'bundle.h'), header);
