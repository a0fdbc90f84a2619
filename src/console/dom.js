/*
 * Elements, and text in them.  There is no other way to either in this page:
 * what comes from outside is text, never HTML.
 */

/**
 * h('button', { class: 'quiet', onclick: f, 'aria-label': 'x' }, 'text', node)
 *
 * A property beginning with "on" is a listener, "class", "dataset" and
 * "style" (an object) are what they say, a boolean is an attribute that is
 * there or not, undefined and null are left out.  Children: strings, nodes,
 * arrays of them; null, undefined and false are left out.
 *
 * @param {string} tag
 * @param {Object<string, *>|null} [props]
 * @param {...*} children
 * @returns {HTMLElement}
 */
export function h(tag, props, ...children) {
    const element = document.createElement(tag);

    for (const [name, value] of Object.entries(props ?? {})) {
        if (value === undefined || value === null || value === false) {
            continue;
        }

        if (name.startsWith('on')) {
            element.addEventListener(name.slice(2), value);

        } else if (name === 'dataset') {
            Object.assign(element.dataset, value);

        } else if (name === 'style') {
            for (const [property, v] of Object.entries(value)) {
                element.style.setProperty(property, v);
            }

        } else if (name === 'href') {
            if (/^(?:#|https?:\/\/)/i.test(value)) {
                element.setAttribute('href', value);
            }

        } else {
            element.setAttribute(name, value === true ? '' : String(value));
        }
    }

    append(element, children);

    return element;
}

/**
 * @param {Node} parent
 * @param {Array} children
 */
export function append(parent, children) {
    for (const child of children.flat(Infinity)) {
        if (child !== undefined && child !== null && child !== false) {
            parent.append(child);
        }
    }
}

/**
 * Replaces all that is in an element.
 *
 * @param {Element} element
 * @param {...*} children
 */
export function fill(element, ...children) {
    element.replaceChildren();
    append(element, children);
}

/*
 * What is not seen, or turns what is seen around: controls, marks of
 * direction, spaces without width, tags.  A command must look as it is.
 */

const odd = new RegExp('[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad'
    + '\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f'
    + '\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0'
    + '\\ufff0-\\ufffb\\u{e0000}-\\u{e0fff}\\p{Surrogate}]', 'gu');

const oddInLine = new RegExp(`${odd.source}|[\\n\\t]`, 'gu');

/**
 * Text with its invisible characters made visible.  In one line a line feed
 * and a tab are shown, too.
 *
 * @param {*} text
 * @param {{line?: boolean}} [option]
 * @returns {Array<string|HTMLElement>}
 */
export function plain(text, option = {}) {
    const string = String(text);
    const parts = [];
    const pattern = option.line ? oddInLine : odd;
    let from = 0;

    if (/^[ -~]*$/.test(string)) {
        return [string];              /* as nearly everything is */
    }

    for (const match of string.matchAll(pattern)) {
        const code = match[0].codePointAt(0).toString(16).toUpperCase()
            .padStart(4, '0');

        parts.push(string.slice(from, match.index),
            h('span', { class: 'odd', title: 'a character that is not seen' },
              `U+${code}`));
        from = match.index + match[0].length;
    }

    parts.push(string.slice(from));

    return parts;
}

/**
 * A name of whatever: one line, set apart from the text around it.
 *
 * @param {*} text
 * @param {string} [className]
 * @returns {HTMLElement}
 */
export function name(text, className) {
    return h('bdi', { class: className, dir: 'ltr' },
             plain(text, { line: true }));
}
