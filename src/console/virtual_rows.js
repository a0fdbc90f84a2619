/*
 * Rows of which only those in sight are in the page.  The grid has the focus
 * and names its active row, so that rows may come and go.
 */

import { h } from './dom.js';

const BEYOND = 6;                     /* rows above and below the sight */

let serial = 0;

/**
 * @param {object} option
 * @param {string} option.label
 * @param {number} option.columns
 * @param {HTMLElement} option.head     a row that stays
 * @param {() => number} option.height  of a row, in pixels
 * @param {(item: *, row: HTMLElement) => void} option.render
 * @param {(item: *) => void} option.enter    Enter, or a double click
 * @param {(item: *) => void} option.remove   Delete
 */
export function createRows(option) {
    const id = `rows-${++serial}`;
    const body = h('div', { role: 'rowgroup', class: 'rows-body' });

    const grid = h('div', {
        role: 'grid', class: 'rows', tabindex: '0',
        'aria-label': option.label, 'aria-colcount': option.columns,
        'aria-rowcount': 1,
        onkeydown: (event) => key(event),
        onscroll: () => draw(),
    }, h('div', { role: 'rowgroup', class: 'rows-head' }, option.head), body);

    const free = [];
    const used = new Map();           /* index => row */

    let items = [];
    let active = 0;
    let marked;                       /* the item that is active */

    const observer = new ResizeObserver(() => draw());

    observer.observe(grid);

    const moves = {
        ArrowDown: () => active + 1,
        ArrowUp: () => active - 1,
        PageDown: () => active + page(),
        PageUp: () => active - page(),
        Home: () => 0,
        End: () => items.length - 1,
    };

    const page = () => Math.max(1,
        Math.floor(grid.clientHeight / option.height()) - 2);

    function key(event) {
        if (event.target !== grid || event.ctrlKey || event.altKey
            || event.metaKey || !items.length)
        {
            return;
        }

        if (moves[event.key]) {
            event.preventDefault();
            activate(moves[event.key]());

        } else if (event.key === 'Enter') {
            event.preventDefault();
            option.enter(items[active]);

        } else if (event.key === 'Delete') {
            event.preventDefault();
            option.remove(items[active]);
        }
    }

    function activate(index) {
        const height = option.height();

        active = Math.min(Math.max(index, 0), items.length - 1);
        marked = items[active];

        const head = grid.firstChild.offsetHeight;
        const top = active * height;

        if (top < grid.scrollTop) {
            grid.scrollTop = top;

        } else if (top + height + head > grid.scrollTop + grid.clientHeight) {
            grid.scrollTop = top + height + head - grid.clientHeight;
        }

        draw();
    }

    function make() {
        const row = h('div', { role: 'row', class: 'row',
            onclick: (event) => {
                activate(Number(row.dataset.index));

                if (!event.target.closest('button, a')) {
                    grid.focus({ preventScroll: true });
                }
            },
            ondblclick: (event) => {
                if (!event.target.closest('button, a')) {
                    option.enter(items[Number(row.dataset.index)]);
                }
            },
        });

        body.append(row);

        return row;
    }

    function draw(anew = false) {
        const height = option.height();
        const top = Math.max(0, grid.scrollTop);
        const from = Math.max(0, Math.floor(top / height) - BEYOND);
        const to = Math.min(items.length, BEYOND
            + Math.ceil((top + grid.clientHeight) / height));

        body.style.setProperty('height', `${items.length * height}px`);

        for (const [index, row] of used) {
            if (index < from || index >= to) {
                used.delete(index);
                row.hidden = true;
                free.push(row);
            }
        }

        for (let index = from; index < to; index++) {
            let row = used.get(index);

            if (!row) {
                row = free.pop() ?? make();
                row.hidden = false;
                used.set(index, row);
                place(row, index, height);

            } else if (anew) {
                place(row, index, height);
            }

            row.toggleAttribute('data-active', index === active);
            row.setAttribute('aria-selected', String(index === active));
        }

        /* read in the order in which they are seen */

        for (let index = to - 1, next = null; index >= from; index--) {
            const row = used.get(index);

            if (row.nextSibling !== next) {
                body.insertBefore(row, next);
            }

            next = row;
        }

        /* what was left over by a larger window */

        while (free.length > BEYOND) {
            free.pop().remove();
        }

        if (used.has(active)) {
            grid.setAttribute('aria-activedescendant', `${id}-${active}`);

        } else {
            grid.removeAttribute('aria-activedescendant');
        }
    }

    function place(row, index, height) {
        row.id = `${id}-${index}`;
        row.dataset.index = index;
        row.setAttribute('aria-rowindex', index + 2);
        row.style.setProperty('transform', `translateY(${index * height}px)`);
        option.render(items[index], row);
    }

    return {
        element: grid,

        /** Others, or the same with other words; same: equal ones. */
        set(list, same) {
            const at = marked === undefined ? -1
                : list.findIndex((item) => same(item, marked));

            items = list;
            active = at >= 0 ? at : Math.min(active,
                Math.max(0, list.length - 1));
            marked = items[active];
            grid.setAttribute('aria-rowcount', list.length + 1);
            draw(true);
        },

        active: () => items[active],
        activate,
        draw: () => draw(true),
    };
}
