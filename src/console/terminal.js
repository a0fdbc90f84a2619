/*
 * The view "Terminal".
 */

/** @param {Object} app see README.md */
export function createTerminal(app) {
    return { element: app.h('section'), title: 'Terminal', show() {}, hide() {} };
}
