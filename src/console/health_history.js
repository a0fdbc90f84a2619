/*
 * The numbers of the last hour, as long as this page has kept them.
 */

export const HOUR = 3600 * 1000;

const MOST = 1500;                    /* samples, whatever their distance */

export class History {
    constructor() {
        this.samples = [];            /* { at, status or null } */
    }

    /** @param {number} at  @param {object|null} status  null: not read */
    add(at, status) {
        this.samples.push({ at, status });

        while (this.samples.length > MOST
            || this.samples[0].at < at - HOUR)
        {
            this.samples.shift();
        }
    }

    last() {
        return this.samples.at(-1);
    }

    /**
     * What a number was; null where it is not known.  Of a counter: by how
     * much it went up in a second.
     *
     * @param {(status: object) => number|undefined} of
     * @param {boolean} [rate]
     * @returns {{at: number, value: number|null}[]}
     */
    series(of, rate = false) {
        return this.samples.map(({ at, status }, i) => {
            const value = status ? of(status) : undefined;

            if (typeof value !== 'number') {
                return { at, value: null };
            }

            return { at, value: rate ? this.rate(of, i, value) : value };
        });
    }

    rate(of, i, value) {
        const before = this.samples[i - 1];
        const was = before?.status ? of(before.status) : undefined;

        /* a fleet that was made anew counts anew */

        if (typeof was !== 'number' || value < was) {
            return null;
        }

        return (value - was) * 1000 / (this.samples[i].at - before.at);
    }
}
