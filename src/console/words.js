/*
 * What states, people and times are called on this page.
 */

/**
 * @param {import('./requests.js').Request} request
 * @param {import('./session.js').Session} session
 * @returns {string} who decided
 */
export function who(request, session) {
    const by = request.by;

    if (by?.sid && by.sid === session.own?.sid) {
        return 'you';
    }

    if (by?.name) {
        return by.name;
    }

    return by?.sid ? `operator ${by.sid.slice(0, 8)}…` : 'somebody';
}

const withdrawn = {
    cancelled: 'the sled does not wait any more.',
    operator_gone: 'the session it was meant for has ended.',
    sled_lost: 'the sled was lost.',
    timeout: 'nobody answered in time.',
};

const verbs = {
    perm_request: (request) => request.approved === null ? 'Decided'
        : request.approved ? 'Approved' : 'Denied',
    ask: () => 'Answered',
    hook_before: (request) => request.approved === false ? 'Stopped'
        : request.approved ? 'Let through' : 'Answered',
    spawn: (request) => request.approved === false ? 'Halted' : 'Answered',
};

const progress = {
    decided: 'on its way to the sled',
    delivered: 'delivered',
    applied: 'applied',
    failed: 'but it could not be applied',
};

const endings = {
    expired: (request) => request.kind === 'perm_request'
        ? 'Expired: nobody answered in time, it counts as denied.'
        : 'Expired: nobody answered in time.',
    withdrawn: (request) => 'Withdrawn: '
        + (withdrawn[request.reason] ?? 'the sled does not wait any more.'),
    lost: () => 'It ended while this page was not connected.',
    told: () => 'For your information, no answer is needed.',
};

/**
 * One sentence about where a request is; empty while it is open.
 *
 * @param {import('./requests.js').Request} request
 * @param {import('./session.js').Session} session
 */
export function status(request, session) {
    if (request.state === 'open') {
        return '';
    }

    if (endings[request.state]) {
        return endings[request.state](request);
    }

    const verb = verbs[request.kind]?.(request) ?? 'Decided';

    return `${verb} by ${who(request, session)}, `
        + `${progress[request.state] ?? request.state}.`;
}

/** what colour that has */
export function tone(request) {
    if (request.state === 'failed' || request.state === 'expired') {
        return 'bad';
    }

    if (request.state === 'withdrawn' || request.state === 'lost'
        || request.state === 'told' || request.approved === null)
    {
        return 'none';
    }

    return request.approved ? 'good' : 'denied';
}

const kinds = {
    ask: 'Question',
    hook_before: 'Before an attempt',
    hook_after: 'After an attempt',
    spawn: 'Spawn',
};

/** what stands at the top of a card */
export function title(request) {
    return kinds[request.kind] ?? String(request.fields.tool_name ?? 'Tool');
}

/** seconds as 1:05, or 1:02:05 */
export function clock(seconds) {
    const s = Math.max(0, Math.ceil(seconds));
    const two = (n) => String(n).padStart(2, '0');
    const minutes = `${Math.floor(s / 60) % 60}:${two(s % 60)}`;

    return s < 3600 ? minutes
        : `${Math.floor(s / 3600)}:${minutes.padStart(5, '0')}`;
}
