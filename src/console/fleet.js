/*
 * The view "Fleet".
 */

/** @param {Object} app see README.md */
export function createFleet(app) {
    return { element: app.h('section'), title: 'Fleet', show() {}, hide() {} };
}
