/*
 * The colours of a terminal, by the page's theme.
 */

export const themes = {
    dark: {
        background: '#12161c', foreground: '#d8dee6',
        cursor: '#7fd1ae', cursorAccent: '#12161c',
        selectionBackground: '#35506b',
        black: '#2a313a', red: '#f07178', green: '#8fd18a', yellow: '#e6c06a',
        blue: '#6cb2f0', magenta: '#cf9bef', cyan: '#6fd0cf',
        white: '#c5ccd6',
        brightBlack: '#7d8894', brightRed: '#ff9a9e', brightGreen: '#b1e8a8',
        brightYellow: '#f6db98', brightBlue: '#9ccdfa',
        brightMagenta: '#e2bdf8', brightCyan: '#9be6e4',
        brightWhite: '#f5f7fa',
    },

    light: {
        background: '#fbfcfd', foreground: '#1f2730',
        cursor: '#0b6e4f', cursorAccent: '#fbfcfd',
        selectionBackground: '#b9d7f5',
        black: '#1f2730', red: '#b3261e', green: '#1f6f3a', yellow: '#7a5800',
        blue: '#0b57b0', magenta: '#7b2fa8', cyan: '#0a6a74',
        white: '#6b7580',
        brightBlack: '#56616d', brightRed: '#c8372f', brightGreen: '#2a7d47',
        brightYellow: '#8a6500', brightBlue: '#1a67c4',
        brightMagenta: '#8d41ba', brightCyan: '#147a85',
        brightWhite: '#3c4650',
    },

    /* of a search; six digits each */

    found: {
        matchBackground: '#7a5800',
        matchBorder: '#c79a2c',
        matchOverviewRuler: '#c79a2c',
        activeMatchBackground: '#b3541e',
        activeMatchBorder: '#ffb27a',
        activeMatchColorOverviewRuler: '#ffb27a',
    },
};
