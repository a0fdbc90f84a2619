
/*
 * Terminals: streams from the sled as fast as they go (stream), keystrokes
 * one by one (echo), and keystrokes by the clock beside a stream by the clock
 * (keys).  The time of a keystroke by the clock counts from when it was due.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"


#define TERMINAL_AHEAD     65536       /* bytes waiting for the kernel */
#define TERMINAL_MOST      1048576     /* of all sessions of one connection */
#define TERMINAL_KEY_RATE  1000        /* a second */


typedef enum { MODE_STREAM, MODE_ECHO, MODE_KEYS } run_mode_t;


static void terminal_sessions(void);
static void terminal_turns(double secs);
static void terminal_fill(void);
static void terminal_by_clock(void);
static void terminal_key(session_t *s, uint64_t due);
static void terminal_drain(void);


session_t         *sessions;
unsigned           attached;

static run_mode_t     mode;
static unsigned    stop;
static unsigned    first;              /* of the sessions that stream */
static unsigned    turn;               /* whose frame is the next */
static uint64_t    start;
static uint64_t    frames;
static uint64_t    paced;
static uint64_t    keys;
static uint64_t    echoes;
static hist_t      hist;


void
terminal_run(void)
{
    span_t    span;
    unsigned  i;
    uint64_t  before;

    mode = strcmp(options.mode, "echo") == 0 ? MODE_ECHO
           : strcmp(options.mode, "keys") == 0 ? MODE_KEYS : MODE_STREAM;

    first = (mode == MODE_KEYS);

    if (mode == MODE_KEYS && options.rate && options.n < 2) {
        fail("a stream beside the keystrokes needs a second session");
    }

    frame_prepare(options.frame);
    terminal_sessions();

    if (strcmp(options.subject, "tunnel") == 0) {
        attach_tunnel();

    } else {
        attach_module();
    }

    start = now();

    for (i = 0; mode == MODE_ECHO && i < options.n; i++) {
        terminal_key(&sessions[i], now());
    }

    terminal_turns(options.warm);

    memset(&hist, 0, sizeof(hist));
    before = (mode == MODE_STREAM) ? frames : echoes;
    span_begin(&span);

    terminal_turns(options.secs);

    span_end(&span, (mode == MODE_STREAM ? frames : echoes) - before);

    stop = 1;
    terminal_drain();

    span_report(&span);

    if (mode != MODE_STREAM) {
        hist_report(&hist);
    }
}


/* names for those of the tunnel; the module's get theirs from the sled */

static void
terminal_sessions(void)
{
    unsigned    i;
    session_t  *s;

    sessions = grab(options.n * sizeof(session_t));

    for (i = 0; i < options.n; i++) {
        s = &sessions[i];
        s->index = i;

        snprintf(s->id, sizeof(s->id), "%08x-0000-4000-8000-%012x", i, i);
        memcpy(s->handle, s->id, FRAME_HANDLE);
    }
}


static void
terminal_turns(double secs)
{
    uint64_t  end;

    end = now() + (uint64_t) (secs * 1e9);

    while (now() < end) {

        if (mode == MODE_STREAM) {
            terminal_fill();

        } else if (mode == MODE_KEYS) {
            terminal_by_clock();
        }

        net_turn(0);
    }
}


/* all the sockets take; where one carries all sessions, a frame in turn */

static void
terminal_fill(void)
{
    size_t      ahead;
    unsigned    i;
    session_t  *s;

    if (strcmp(options.subject, "tunnel") == 0) {

        for (i = 0; i < options.n; i++) {
            s = &sessions[i];

            while (net_pending(s->sled) < TERMINAL_AHEAD) {
                frame_send(s->sled, s, options.frame, s->sent++);
            }
        }

        return;
    }

    ahead = bench_min(options.n * TERMINAL_AHEAD, TERMINAL_MOST);

    for (i = 0; i < options.n; /* void */ ) {
        s = &sessions[turn++ % options.n];

        if (net_pending(s->sled) >= ahead) {
            break;
        }

        if (s->paused) {
            i++;
            continue;
        }

        i = 0;
        frame_send(s->sled, s, options.frame, s->sent++);
    }
}


static void
terminal_by_clock(void)
{
    uint64_t    t, due;
    session_t  *s;

    t = now();

    for ( ;; ) {
        due = start + (uint64_t) (keys * (1e9 / TERMINAL_KEY_RATE));

        if (due > t) {
            break;
        }

        terminal_key(&sessions[0], due);
        keys++;
    }

    if (options.rate == 0) {
        return;
    }

    while (start + (uint64_t) (paced * (1e9 / options.rate)) <= t) {
        s = &sessions[first + paced++ % (options.n - first)];

        if (s->paused) {
            fail("the stream does not keep its pace");
        }

        frame_send(s->sled, s, options.frame, s->sent++);
    }
}


static void
terminal_key(session_t *s, uint64_t due)
{
    if (s->keys - s->echoes == SESSION_KEYS) {
        fail("%d keystrokes without an echo", SESSION_KEYS);
    }

    s->due[s->keys % SESSION_KEYS] = due;

    frame_send(s->browser, s, FRAME_HEAD, s->keys++);
}


/* a PTY that echoes */

void
terminal_at_sled(session_t *s, int opcode, u_char *data, size_t len)
{
    frame_check(s, FRAME_HEAD, s->echoed, opcode, data, len);
    frame_send(s->sled, s, FRAME_HEAD, s->echoed++);
}


void
terminal_at_browser(session_t *s, int opcode, u_char *data, size_t len)
{
    uint64_t  due;

    if (mode == MODE_STREAM || (mode == MODE_KEYS && s->index >= first)) {
        frame_check(s, options.frame, s->seen++, opcode, data, len);
        frames++;
        return;
    }

    frame_check(s, FRAME_HEAD, s->echoes, opcode, data, len);

    due = s->due[s->echoes++ % SESSION_KEYS];
    echoes++;

    if (stop) {
        return;
    }

    hist_add(&hist, now() - due);

    if (mode == MODE_ECHO) {
        terminal_key(s, now());
    }
}


/* to the last byte, or there is no result */

static void
terminal_drain(void)
{
    unsigned    i;
    uint64_t    end;
    session_t  *s;

    end = now() + 20000000000;

    for (i = 0; i < options.n; /* void */ ) {
        s = &sessions[i];

        if (s->seen == s->sent && s->echoes == s->keys) {
            i++;
            continue;
        }

        if (now() > end) {
            fail("session %u: %llu frames sent, %llu came; "
                 "%llu keystrokes, %llu echoes", i,
                 (unsigned long long) s->sent, (unsigned long long) s->seen,
                 (unsigned long long) s->keys, (unsigned long long) s->echoes);
        }

        net_turn(100);
    }
}
