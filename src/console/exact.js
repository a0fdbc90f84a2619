/*
 * JSON whose numbers stay as they were written: 12345678901234567890 is not
 * to be shown, or sent back, as something near it.
 */

/**
 * @param {string} text
 * @returns {*} numbers that would be changed are what JSON.rawJSON makes
 */
export function parseExact(text) {
    return JSON.parse(text, (key, value, context) =>
        typeof value === 'number' && context?.source !== undefined
        && JSON.rawJSON && String(value) !== context.source
            ? JSON.rawJSON(context.source) : value);
}

/** is it such a number? */
export function isExact(value) {
    return JSON.isRawJSON?.(value) ?? false;
}
