/*
 * Which shells are ours, for this tab and until it is closed: a page that is
 * loaded again goes on with them.  The resume token is kept here and nowhere
 * else; alone, without the person's credential, it opens nothing.
 */

const KEY = 'uplink-terminals';

function all() {
    try {
        const list = JSON.parse(sessionStorage.getItem(KEY));

        return list && typeof list === 'object' ? list : {};

    } catch {
        return {};
    }
}

function write(list) {
    try {
        sessionStorage.setItem(KEY, JSON.stringify(list));

    } catch {
        /* no storage: a page that is loaded again begins anew */
    }
}

/**
 * @param {string} place   of a shell, see placeOf()
 * @returns {{session?: string, token?: string, offset?: number}}
 */
export function recall(place) {
    return all()[place] ?? {};
}

/** @param {{session: string, token: string, offset: number}} shell */
export function remember(place, shell) {
    write({ ...all(), [place]: shell });
}

export function forget(place) {
    const list = all();

    delete list[place];
    write(list);
}

/** One shell of an issue in a tab, and one to look at it. */
export function placeOf({ workspace, issue, session, mode }) {
    return JSON.stringify(mode === 'view'
        ? [workspace, issue, 'view', session ?? ''] : [workspace, issue]);
}
