/*
 * The event stream of the API, as long as somebody wants it.
 */

const LONGEST = 15000;
const FIRST = 500;

/**
 * @param {object} app
 * @param {(event: string, data: object) => void} on
 * @param {AbortSignal} signal
 */
export async function follow(app, on, signal) {
    let delay = FIRST;
    let last = '';

    while (!signal.aborted) {
        try {
            for await (const block of blocks(await open(app, last, signal))) {
                delay = FIRST;
                last = block.id ?? last;

                if (block.data) {
                    on(block.event, JSON.parse(block.data));
                }
            }

        } catch {
            /* it ends in many ways, and begins anew in one */
        }

        await pause(delay, signal);
        delay = Math.min(delay * 2, LONGEST);
    }
}

async function open(app, last, signal) {
    const { api, token } = app.session;
    const headers = { Accept: 'text/event-stream' };

    if (token) {
        headers.Authorization = `Bearer ${token}`;
    }

    if (last) {
        headers['Last-Event-ID'] = last;
    }

    const response = await fetch(`${api}/events`, {
        headers, signal, cache: 'no-store', credentials: 'same-origin',
    });

    if (!response.ok) {
        throw new Error(String(response.status));
    }

    return response.body.pipeThrough(new TextDecoderStream()).getReader();
}

async function* blocks(reader) {
    let text = '';

    for ( ;; ) {
        const { value, done } = await reader.read();

        if (done) {
            return;
        }

        const parts = (text + value).split('\n\n');

        text = parts.pop();

        for (const part of parts) {
            yield Object.fromEntries(part.split('\n').map((line) =>
                /^(\w+): ?(.*)$/.exec(line)?.slice(1)).filter(Boolean));
        }
    }
}

function pause(ms, signal) {
    return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);

        signal.addEventListener('abort', () => {
            clearTimeout(timer);
            resolve();
        }, { once: true });
    });
}
