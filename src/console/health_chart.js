/*
 * One number over the last hour: its name, what it is now, and a line.
 */

import { fill, h } from './dom.js';
import { HOUR } from './health_history.js';

const LEAST = 5 * 60 * 1000;          /* what is shown when little is known */
const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 300;
const HEIGHT = 56;

function shape(tag, attributes) {
    const element = document.createElementNS(SVG, tag);

    for (const [name, value] of Object.entries(attributes)) {
        element.setAttribute(name, value);
    }

    return element;
}

/** @param {number|null} value */
export function figure(value, unit = '') {
    if (value === null) {
        return '–';
    }

    const digits = Number.isInteger(value) ? 0 : value < 10 ? 2
        : value < 100 ? 1 : 0;

    return `${value.toLocaleString('en', { minimumFractionDigits: 0,
        maximumFractionDigits: digits })}${unit}`;
}

/**
 * @param {object} chart
 * @param {string} chart.title
 * @param {string} [chart.unit]
 * @param {number} [chart.top]     the highest there can be
 */
export function createChart({ title, unit = '', top }) {
    const area = shape('path', { class: 'below' });
    const line = shape('path', { class: 'curve' });
    const mark = shape('line', { class: 'cursor', y1: 0, y2: HEIGHT });
    const svg = shape('svg', {
        viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none',
        role: 'img',
    });

    svg.append(area, line, mark);

    const now = h('span', { class: 'now' }, '–');
    const more = h('span', { class: 'more' });
    const range = h('span', { class: 'range' });

    const element = h('figure', { class: 'chart' },
        h('figcaption', null, h('span', { class: 'title' }, title), now, more),
        svg, range);

    let points = [];
    let end = 0;
    let span = LEAST;

    svg.addEventListener('pointermove', (event) => {
        const box = svg.getBoundingClientRect();
        const at = end - span
            + (event.clientX - box.left) / box.width * span;

        point(points.reduce((best, p) => p.value !== null
            && (!best || Math.abs(p.at - at) < Math.abs(best.at - at))
            ? p : best, null));
    });

    svg.addEventListener('pointerleave', () => point(null));

    function point(p) {
        element.toggleAttribute('data-pointed', !!p);

        if (p) {
            const x = across(p.at);

            mark.setAttribute('x1', x);
            mark.setAttribute('x2', x);
            range.textContent = `${figure(p.value, unit)} at `
                + new Date(p.at).toLocaleTimeString('en-GB');

        } else {
            say();
        }
    }

    const across = (at) => Math.round((at - end + span) / span
        * (WIDTH - 3) * 100) / 100;

    function say() {
        const values = points.map((p) => p.value).filter((v) => v !== null);

        if (!values.length) {
            range.textContent = 'nothing known yet';
            return;
        }

        const low = figure(Math.min(...values), unit);
        const high = figure(Math.max(...values), unit);

        range.textContent = `${low === high ? low : `${low} to ${high}`}, `
            + `last ${Math.round(span / 60000)} min`;
    }

    return {
        element,

        /**
         * @param {{at: number, value: number|null}[]} series
         * @param {string} [about]  what else there is to say of it now
         */
        draw(series, about = '') {
            const values = series.map((p) => p.value).filter((v) =>
                v !== null);
            const high = top ?? Math.max(1, ...values) * 1.1;
            const up = (value) => Math.round((HEIGHT - 2
                - Math.min(value / high, 1) * (HEIGHT - 4)) * 100) / 100;

            points = series;
            end = series.at(-1)?.at ?? Date.now();
            span = Math.min(Math.max(end - (series[0]?.at ?? end), LEAST),
                HOUR);

            let path = '';
            let filled = '';
            let run = [];

            /* where nothing is known there is no line */

            for (const p of [...series, { value: null }]) {
                if (p.value !== null) {
                    run.push(`${across(p.at)} ${up(p.value)}`);
                    continue;
                }

                if (run.length) {
                    const x = (i) => run.at(i).split(' ')[0];

                    path += `M${run.join('L')}${run.length === 1 ? 'h0.01'
                        : ''}`;
                    filled += `M${x(0)} ${HEIGHT}L${run.join('L')}`
                        + `L${x(-1)} ${HEIGHT}Z`;
                }

                run = [];
            }

            line.setAttribute('d', path);
            area.setAttribute('d', filled);

            const last = series.at(-1)?.value ?? null;

            now.textContent = figure(last, unit);
            fill(more, about);

            say();
            svg.setAttribute('aria-label', `${title}: ${figure(last, unit)} `
                + `now, ${range.textContent}`);
        },
    };
}
