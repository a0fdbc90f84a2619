
/*
 * Connect, upgrade, close, and again: handshakes per second and what one of
 * them costs the workers.  A sled registers in between.
 */


#include <stdint.h>
#include <string.h>

#include "bench.h"


static void handshake_start(void);
static void handshake_open(conn_t *c);
static void handshake_message(conn_t *c, int opcode, u_char *data, size_t len);
static void handshake_gone(conn_t *c);


static const role_t  handshake_role = {
    handshake_open, handshake_message, handshake_gone
};

static unsigned      sleds;
static unsigned      agent;
static unsigned      stop;
static unsigned      stopped;
static uint64_t      done;


void
handshake_run(void)
{
    span_t    span;
    unsigned  i;
    uint64_t  end, before;

    sleds = (strcmp(options.subject, "sled") == 0);

    if (options.backend) {
        net_listen(options.backend, &echo_backend);
    }

    for (i = 0; i < options.n; i++) {
        handshake_start();
    }

    end = now() + (uint64_t) (options.warm * 1e9);

    while (now() < end) {
        net_turn(0);
    }

    before = done;
    span_begin(&span);
    end = span.start + (uint64_t) (options.secs * 1e9);

    while (now() < end) {
        net_turn(0);
    }

    span_end(&span, done - before);

    stop = 1;
    net_until(&stopped, options.n, 10, "connections closed at the end");

    span_report(&span);
}


static void
handshake_start(void)
{
    (void) net_connect(&handshake_role, NULL, options.uri, NULL);
}


static void
handshake_open(conn_t *c)
{
    if (sleds) {
        sled_register(c, agent++);
        return;
    }

    ws_close(c, 1000);
}


static void
handshake_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    (void) opcode;

    if (!sleds) {
        fail("an unexpected message");
    }

    sled_registered(data, len);
    ws_close(c, 1000);
}


static void
handshake_gone(conn_t *c)
{
    if (!c->close_sent || !c->close_seen) {
        fail("%s: lost without a closing handshake", c->uri);
    }

    done++;

    if (stop) {
        stopped++;
        return;
    }

    handshake_start();
}
