/*
 * The input of a tool, laid out for somebody who has to say yes or no to it:
 * commands as commands, changes of files as what goes and what comes, all
 * else by name and value.  All of it is shown, whatever it is.
 */

import { diff } from './diff.js';
import { h, name, plain } from './dom.js';
import { isExact } from './exact.js';

/** Members that say which file it is. */
const paths = ['file_path', 'path', 'filename', 'notebook_path'];

/** Pairs of members: what stood there, what shall stand there. */
const changes = [['old_string', 'new_string'], ['old_str', 'new_str'],
                 ['old_text', 'new_text']];

/** Members with the whole text of a file. */
const contents = ['content', 'file_text', 'new_source'];

/** Members with a patch. */
const patches = ['patch', 'diff'];

/** Never shown: it is a secret of the worker. */
const secret = new Set(['capability_token']);

/**
 * @param {*} input any JSON
 * @param {Set<string>} [without] members that stand elsewhere
 * @returns {HTMLElement}
 */
export function layout(input, without = new Set()) {
    const root = h('div', { class: 'input' });

    if (input === null || typeof input !== 'object' || Array.isArray(input)) {
        root.append(typeof input === 'string'
            ? block(input, 'Input') : block(json(input), 'Input'));
        return root;
    }

    const shown = new Set(without);
    const take = (names) => names.find((n) =>
        typeof input[n] === 'string' && !shown.has(n));

    command(root, input, shown);

    const path = take(paths);

    for (const part of fileParts(input, shown)) {
        root.append(file(path ? input[path] : '', part));

        if (path) {
            shown.add(path);
        }
    }

    const rest = Object.entries(input).filter(([n]) => !shown.has(n));

    if (rest.length) {
        root.append(h('dl', { class: 'values' }, rest.map(([n, value]) => [
            h('dt', null, name(n)), h('dd', null, secret.has(n)
                ? h('em', null, 'a secret, not shown') : valueOf(value, n)),
        ])));
    }

    return root;
}

function command(root, input, shown) {
    let text = input.command;

    if (Array.isArray(text) && text.length
        && text.every((word) => typeof word === 'string'))
    {
        text = text.map(quote).join(' ');
    }

    if (typeof text === 'string') {
        shown.add('command');
        root.append(block(text, 'Command', 'command'));
    }
}

/** as one would type it into a shell */
function quote(word) {
    return /^[\w@%+=:,./-]+$/.test(word) ? word
                                         : `'${word.replace(/'/g, "'\\''")}'`;
}

/** what is done to a file: lists of lines with a title */
function fileParts(input, shown) {
    const parts = [];

    const pair = (object, drop) => {
        for (const [before, after] of changes) {
            if (typeof object[before] === 'string'
                && typeof object[after] === 'string')
            {
                drop?.(before, after);
                return diff(object[before], object[after]);
            }
        }

        return null;
    };

    const one = pair(input, (...names) => names.forEach((n) => shown.add(n)));

    if (one) {
        parts.push({ title: 'Change', lines: one });
    }

    if (Array.isArray(input.edits) && input.edits.length
        && input.edits.every((edit) => edit && typeof edit === 'object'
            && pair(edit) && Object.keys(edit).every((n) =>
                changes.flat().includes(n) || n === 'replace_all')))
    {
        shown.add('edits');
        input.edits.forEach((edit, i) => parts.push({
            title: `Change ${i + 1} of ${input.edits.length}`
                + (edit.replace_all ? ', everywhere' : ''),
            lines: pair(edit),
        }));
    }

    if (!one && paths.some((n) => typeof input[n] === 'string')) {
        for (const n of contents) {
            if (typeof input[n] === 'string') {
                shown.add(n);
                parts.push({ title: 'New content',
                             lines: diff('', input[n]) });
            }
        }
    }

    for (const n of patches) {
        if (typeof input[n] === 'string' && input[n].includes('\n')) {
            shown.add(n);
            parts.push({ title: 'Patch', lines: patchLines(input[n]) });
        }
    }

    return parts;
}

function patchLines(text) {
    return text.replace(/\n$/, '').split('\n').map((line) => {
        const op = /^(?:\+\+\+|---|\*\*\*|@@|diff |index )/.test(line)
            ? '@' : /^[+-]/.test(line) ? line[0] : ' ';

        return { op, text: op === '@' ? line : line.slice(1),
                 raw: op === ' ' && line !== '' && line[0] !== ' '
                    ? line : null };
    });
}

const words = { '-': 'removed', '+': 'added' };

function file(path, { title, lines }) {
    const count = (op) => lines.filter((line) => line.op === op).length;

    return h('figure', { class: 'file' },
        h('figcaption', null,
            h('span', null, path ? [`${title} of `, name(path, 'path')]
                                 : title),
            h('span', { class: 'counts' },
                h('ins', null, `+${count('+')}`), ' ',
                h('del', null, `−${count('-')}`))),
        scroll(h('code', { class: 'diff' }, lines.map(({ op, text, raw }) =>
            op === '…'
                ? h('span', { class: 'line left-out' },
                    `… ${text} equal ${text === '1' ? 'line' : 'lines'}\n`)
                : h('span', { class: 'line', dataset: { op } },
                    words[op] && h('span', { class: 'hear' },
                                   `${words[op]}: `),
                    h('span', { class: 'op', 'aria-hidden': 'true' },
                      op === '@' ? ' ' : op),
                    plain(raw ?? text), '\n'))), `${title} of a file`));
}

function block(text, title, className) {
    return h('figure', { class: className ?? 'text' },
        scroll(h('code', null, plain(text)), title));
}

/** what is long can be scrolled by the keyboard, too */
function scroll(code, title) {
    return h('pre', { tabindex: '0', role: 'group', 'aria-label': title,
                      dir: 'ltr' }, code);
}

function valueOf(value, title) {
    if (typeof value === 'string') {
        return value.includes('\n') || value.length > 120
            ? block(value, title) : h('span', { class: 'string', dir: 'ltr' },
                                      plain(value));
    }

    const short = JSON.stringify(value, (n, v) => secret.has(n) ? '…' : v);

    return short.length <= 60 || isExact(value)
        ? h('code', null, plain(short)) : block(json(value), title);
}

export function json(value) {
    return JSON.stringify(value, (n, v) => secret.has(n) ? '…' : v, 2);
}
