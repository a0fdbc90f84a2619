/*
 * Lists of the API, which come in pages.
 */

/**
 * All of a list, up to a number of elements.
 *
 * @param {object} app
 * @param {string} path
 * @param {string} member  the array in the answer
 * @param {number} most
 * @param {(items: object[]) => void} [page]  each page as it comes
 * @returns {Promise<{items: object[], error: string}>}
 */
export async function listAll(app, path, member, most, page) {
    const items = [];
    let after = '';

    do {
        const { status, body } = await app.request('GET',
            `${path}?limit=1000${after}`);

        if (status !== 200) {
            return { items, error: status === 0
                ? 'The gateway cannot be reached.'
                : body?.error?.message ?? `The gateway said ${status}.` };
        }

        items.push(...body[member]);
        page?.(body[member]);
        after = body.next === null ? ''
            : `&after=${encodeURIComponent(body.next)}`;

    } while (after && items.length < most);

    return { items, error: '' };
}
