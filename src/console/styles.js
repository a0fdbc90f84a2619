/*
 * Styles that are made while the page runs, without a style element: those
 * need 'unsafe-inline' in the Content-Security-Policy, a constructed sheet
 * does not.  xterm.js is bundled with this in the place of its own.
 */

/**
 * An element that holds a sheet as a style element would: its textContent is
 * the sheet, and both leave together.
 *
 * @param {Document} document
 * @returns {HTMLElement}
 */
export function styleElement(document) {
    const element = document.createElement('span');
    const sheet = new CSSStyleSheet();
    let text = '';

    element.hidden = true;
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

    Object.defineProperty(element, 'textContent', {
        get: () => text,
        set: (value) => {
            text = String(value);
            sheet.replaceSync(text);
        },
    });

    element.remove = () => {
        document.adoptedStyleSheets
            = document.adoptedStyleSheets.filter((s) => s !== sheet);
        Element.prototype.remove.call(element);
    };

    return element;
}
