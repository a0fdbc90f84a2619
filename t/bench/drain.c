
/*
 * load drain: a fleet under load, something happens to its nginx (action=, a
 * script), and everybody comes back: who had to say what, when, and whether
 * all bytes and decisions are there, once each.
 */


#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drain.h"


#define DRAIN_BATCH  128               /* handshakes at a time */


static void drain_fleet(void);
static void drain_action(void);
static void drain_wait(void);
static void drain_turns(double secs);
static void drain_turn(void);
static void drain_dial(uint64_t time);
static unsigned drain_settled(void);
static unsigned drain_workers(void);
static void drain_finish(void);
static void drain_verify(void);
static void drain_report(uint64_t last, uint64_t old);
static void drain_leave(void);


drain_t            drain;
sled_t            *sleds;
shell_t           *shells;

static unsigned    streaming;
static unsigned    leaving;
static uint64_t    decide;             /* when the next decision is due */
static uint64_t    old_gone;
static uint64_t    settled;


void
drain_run(void)
{
    if (options.terminals > options.n || options.requests > options.n) {
        fail("a terminal and a request at most for each sled");
    }

    shell_prepare();
    drain_fleet();

    streaming = 1;
    drain_turns(options.warm);

    drain_action();
    drain_wait();

    drain_finish();
    drain_verify();
    drain_report(settled, old_gone);
    drain_leave();
}


static void
drain_fleet(void)
{
    unsigned  i;

    sleds = grab(options.n * sizeof(sled_t));
    shells = grab((options.terminals + 1) * sizeof(shell_t));

    operator_create();
    operator_dial();

    for (i = 0; i < options.n; i++) {
        sleds[i].index = i;
        sled_dial(&sleds[i]);

        if (i % DRAIN_BATCH == DRAIN_BATCH - 1 || i == options.n - 1) {
            net_until(&sleds_up, i + 1, 20, "sleds");
        }
    }

    for (i = 0; i < options.terminals; i++) {
        shells[i].index = i;
        shells[i].sled = &sleds[i];
        shell_dial(&shells[i]);

        if (i % DRAIN_BATCH == DRAIN_BATCH - 1
            || i == options.terminals - 1)
        {
            net_until(&shells_up, i + 1, 20, "terminals");
        }
    }

    for (i = 0; i < options.requests; i++) {
        sled_ask(&sleds[i]);
    }

    net_until(&requests_shown, options.requests, 20, "requests");
}


static void
drain_action(void)
{
    drain.action = now();
    decide = drain.action;

    if (options.action && system(options.action) != 0) {
        fail("%s failed", options.action);
    }
}


/* until everybody is where he belongs; decisions are made meanwhile */

static void
drain_wait(void)
{
    uint64_t  end, time;

    end = drain.action + (uint64_t) (options.secs * 1e9);

    for ( ;; ) {
        drain_turn();

        time = now();

        if (old_gone == 0 && drain_workers() == 0) {
            old_gone = time;
        }

        if (settled == 0 && drain_settled()) {
            settled = time;
        }

        /* what a kill does not touch is not waited for */

        if (settled && old_gone && time - drain.action > 2000000000) {
            return;
        }

        if (time > end) {
            fail("after %g s %u of %u sleds, %u of %u terminals are there, "
                 "%u old workers", options.secs, sleds_up, options.n,
                 shells_up, options.terminals, drain_workers());
        }
    }
}


static void
drain_turns(double secs)
{
    uint64_t  end;

    end = now() + (uint64_t) (secs * 1e9);

    while (now() < end) {
        drain_turn();
    }
}


static void
drain_turn(void)
{
    uint64_t  time;

    net_turn(1);

    time = now();

    drain_dial(time);

    if (streaming) {
        shell_stream(time, 0);
    }

    if (decide && time >= decide) {
        operator_decide();
        decide = time + 50000000;
    }
}


static void
drain_dial(uint64_t time)
{
    unsigned  i;

    for (i = 0; i < options.n; i++) {
        if (sleds[i].seat.due && sleds[i].seat.due <= time) {
            sleds[i].seat.due = 0;
            sled_dial(&sleds[i]);
        }
    }

    for (i = 0; i < options.terminals; i++) {
        if (shells[i].seat.due && shells[i].seat.due <= time) {
            shells[i].seat.due = 0;
            shell_dial(&shells[i]);
        }
    }

    if (operator_seat.due && operator_seat.due <= time) {
        operator_seat.due = 0;
        operator_dial();
    }
}


static unsigned
drain_settled(void)
{
    unsigned  i;

    if (sleds_up != options.n || shells_up != options.terminals
        || !operator_seat.up || requests_answered < options.requests)
    {
        return 0;
    }

    if (!options.moves) {
        return 1;
    }

    for (i = 0; i < options.n; i++) {
        if (!sleds[i].seat.moved) {
            return 0;
        }
    }

    for (i = 0; i < options.terminals; i++) {
        if (!shells[i].seat.moved) {
            return 0;
        }
    }

    return operator_seat.moved;
}


/* of those that are to leave */

static unsigned
drain_workers(void)
{
    unsigned  i, n;

    for (n = 0, i = 0; i < options.nworkers; i++) {
        if (kill(options.workers[i], 0) == 0 || errno != ESRCH) {
            n++;
        }
    }

    return n;
}


/* every stream comes to an end, and every shell still hears its browser */

static void
drain_finish(void)
{
    unsigned  i;
    uint64_t  end;

    streaming = 0;
    shell_stream(now(), 1);

    for (i = 0; i < options.terminals; i++) {
        shell_key(&shells[i]);
    }

    end = now() + 10000000000;

    for (i = 0; i < options.terminals || shells_keyed < options.terminals; ) {

        if (i < options.terminals && shells[i].seen == shells[i].end) {
            i++;
            continue;
        }

        if (now() > end) {
            fail("terminal %u: %llu of %llu bytes; %u keys of %u", i,
                 i < options.terminals ? (long long) shells[i].seen : 0,
                 i < options.terminals ? (long long) shells[i].end : 0,
                 shells_keyed, options.terminals);
        }

        drain_turn();
        shell_stream(now(), 1);
    }
}


static void
drain_verify(void)
{
    unsigned  i;

    drain_turns(0.3);

    for (i = 0; i < options.requests; i++) {
        if (sleds[i].answers == 0) {
            fail("request %u has no answer", i);
        }
    }

    for (i = 0; i < options.terminals; i++) {
        if (shells[i].keys != 1) {
            fail("the shell of %u got its key %u times", i, shells[i].keys);
        }
    }
}


static void
drain_report(uint64_t last, uint64_t old)
{
    unsigned  i, most;
    uint64_t  bytes;

    for (most = 0, i = 0; i < DRAIN_SECONDS; i++) {
        most = bench_max(most, drain.seconds[i]);
    }

    for (bytes = 0, i = 0; i < options.terminals; i++) {
        bytes += shells[i].seen;
    }

    result("sleds", options.n);
    result("resumed", drain.resumed);
    result("anew", drain.anew);
    result("most", most);
    result("lost", drain.lost);
    result("told_s", drain.told ? (drain.told - drain.action) / 1e9 : 0);
    result("settled_s", (last - drain.action) / 1e9);
    result("old_s", (old - drain.action) / 1e9);
    result("terminals", options.terminals);
    result("reattached", drain.reattached);
    result("gaps", drain.gaps);
    result("away_s", drain.away / 1e9);
    result("mb", bytes / 1e6);
    result("requests", options.requests);
    result("answered", requests_answered);
    result("repeated", drain.repeated);

    for (i = 0; i < DRAIN_SECONDS && i <= (last - drain.action) / 1000000000;
         i++)
    {
        printf("second%u %u\n", i, drain.seconds[i]);
    }
}


/* nothing of this run stays for the next one */

static void
drain_leave(void)
{
    unsigned  i;
    uint64_t  end;

    leaving = 1;

    for (i = 0; i < options.terminals; i++) {
        ws_close(shells[i].seat.conn, 1000);
        shells[i].seat.conn = NULL;
    }

    for (i = 0; i < options.n; i++) {
        ws_close(sleds[i].seat.conn, 1000);
    }

    end = now() + 10000000000;

    while (sleds_up && now() < end) {
        net_turn(1);
    }

    operator_delete();
}


/* a drain: everybody has another time */

void
seat_told(seat_t *seat, const u_char *data, size_t len)
{
    seat->told = 1;
    seat->due = now() + message_number(data, len, "reconnect_after_ms")
                        * 1000000 + 1;
}


/* true: this was its connection, and it has no other */

int
seat_gone(seat_t *seat, conn_t *c)
{
    if (seat->conn != c) {
        return 0;
    }

    seat->conn = NULL;
    seat->up = 0;
    seat->lost = now();

    if (leaving) {
        return 1;
    }

    if (drain.action == 0) {
        fail("a connection was lost before anything happened");
    }

    if (seat->due == 0) {

        if (!c->close_seen) {
            drain.lost++;
            drain.told = seat->lost;
        }

        /* at once, but not all in the same moment */

        seat->due = seat->lost + mix(c->serial) % 500000000 + 1;
    }

    return 1;
}


void
seat_up(seat_t *seat)
{
    seat->up = 1;
    seat->lost = 0;
    seat->moved = (drain.action != 0);
}


int
message_is(const u_char *data, size_t len, const char *type)
{
    char  name[64];

    json_string(data, len, "type", name, sizeof(name));

    return strcmp(name, type) == 0;
}


uint64_t
message_number(const u_char *data, size_t len, const char *name)
{
    int            n;
    char           member[64];
    uint64_t       value;
    const u_char  *p, *last;

    n = snprintf(member, sizeof(member), "\"%s\":", name);
    last = data + len;

    p = memmem(data, len, member, n);
    if (p == NULL) {
        fail("no \"%s\" in %.*s", name, (int) len, data);
    }

    for (value = 0, p += n; p < last && *p >= '0' && *p <= '9'; p++) {
        value = value * 10 + (*p - '0');
    }

    return value;
}
