/*
 * The view "Health".
 */

/** @param {Object} app see README.md */
export function createHealth(app) {
    return { element: app.h('section'), title: 'Health', show() {}, hide() {} };
}
