/*
 * Which lines of a text go and which come.
 */

/** Lines around a change that are shown as well. */
const around = 3;

/** Beyond so many pairs of lines no common ones are looked for. */
const effort = 400000;

/**
 * @param {string} before
 * @param {string} after
 * @returns {Array<{op: string, text: string}>} op: "-", "+", " ", or "…"
 *     where equal lines (as many as the text says) are left out
 */
export function diff(before, after) {
    const a = lines(before);
    const b = lines(after);

    let head = 0;
    let tail = 0;

    while (head < a.length && head < b.length && a[head] === b[head]) {
        head++;
    }

    while (tail < a.length - head && tail < b.length - head
           && a[a.length - 1 - tail] === b[b.length - 1 - tail])
    {
        tail++;
    }

    return shorten([
        ...a.slice(0, head).map((text) => ({ op: ' ', text })),
        ...middle(a.slice(head, a.length - tail),
                  b.slice(head, b.length - tail)),
        ...a.slice(a.length - tail).map((text) => ({ op: ' ', text })),
    ]);
}

function lines(text) {
    return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** by the longest common subsequence */
function middle(a, b) {
    const gone = (text) => ({ op: '-', text });
    const come = (text) => ({ op: '+', text });

    if (a.length * b.length > effort) {
        return [...a.map(gone), ...b.map(come)];
    }

    const width = b.length + 1;
    const length = new Uint32Array((a.length + 1) * width);

    for (let i = a.length - 1; i >= 0; i--) {
        for (let j = b.length - 1; j >= 0; j--) {
            length[i * width + j] = a[i] === b[j]
                ? length[(i + 1) * width + j + 1] + 1
                : Math.max(length[(i + 1) * width + j],
                           length[i * width + j + 1]);
        }
    }

    const result = [];
    let i = 0;
    let j = 0;

    while (i < a.length && j < b.length) {
        if (a[i] === b[j]) {
            result.push({ op: ' ', text: a[i] });
            i++;
            j++;

        } else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) {
            result.push(gone(a[i++]));

        } else {
            result.push(come(b[j++]));
        }
    }

    return [...result, ...a.slice(i).map(gone), ...b.slice(j).map(come)];
}

function shorten(all) {
    const near = (i) => {
        for (let k = i - around; k <= i + around; k++) {
            if (all[k] && all[k].op !== ' ') {
                return true;
            }
        }

        return false;
    };

    const result = [];
    let left = 0;

    all.forEach((line, i) => {
        if (line.op !== ' ' || near(i)) {
            if (left) {
                result.push({ op: '…', text: String(left) });
                left = 0;
            }

            result.push(line);

        } else {
            left++;
        }
    });

    if (left) {
        result.push({ op: '…', text: String(left) });
    }

    return result;
}
