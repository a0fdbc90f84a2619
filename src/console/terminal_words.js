/*
 * What the gateway says about terminals by a code, in words.
 */

/**
 * By code of terminal.error.  notice: told, and the terminal goes on; again:
 * a shell that stands is tried again.
 *
 * @type {Record<string, {text: string, notice?: boolean, again?: boolean}>}
 */
export const refusals = {
    bad_request: { text: 'The gateway refused what the page asked for.' },
    forbidden: { text: 'You may not open a shell there.' },
    idle_timeout: { text: 'The shell was ended: nothing happened in it.' },
    internal: { text: 'The sled could not open a shell.', again: true },
    open_timeout: { text: 'The sled did not answer in time.', again: true },
    session_not_found: { text: 'That shell is no more.' },
    sled_away: {
        text: 'No more is kept until the sled is back.', notice: true,
    },
    sled_offline: { text: 'The sled is not connected.' },
    sled_paused: { text: 'The sled takes no new work at the moment.' },
    slow_consumer: {
        text: 'The shell was ended: its output was not read in time.',
    },
    spawn_failed: { text: 'The sled could not start a shell.' },
    task_not_found: {
        text: 'No sled has announced a task of this issue in this workspace.',
    },
    too_many_terminals: { text: 'There are too many terminals already.' },
    unauthorized: { text: 'You are not signed in for this.' },
    unsupported_os: { text: 'The sled’s system has no terminals.' },
    workspace_mismatch: { text: 'The task is of another workspace.' },
    zone_full: { text: 'The gateway has no room just now.', again: true },
};

/** By code of the close, those after which dialling again is of no use. */
export const closes = {
    1000: () => 'The shell was closed.',
    1008: (reason) => reason === 'expired' || reason === 'revoked'
        ? `Your credential was ${reason}: sign in again.`
        : 'The gateway closed the connection by its rules.',
    1009: () => 'A message was too big for the gateway.',
    4001: () => 'The shell was taken over by another page of yours.',
    4004: () => 'The shell was ended: nothing happened in it.',
};
