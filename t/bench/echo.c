
/*
 * One message to the other end and back, one at a time on each connection:
 * the yardstick for everything that asks and is answered.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <stdint.h>
#include <string.h>

#include "bench.h"


typedef struct {
    uint64_t         sent;
    unsigned         index;
    unsigned         seq;
    char             text[1024];
    size_t           len;
} echo_t;


static void echo_send(conn_t *c);
static void echo_open(conn_t *c);
static void echo_message(conn_t *c, int opcode, u_char *data, size_t len);
static void echo_backend_message(conn_t *c, int opcode, u_char *data,
    size_t len);
static void echo_backend_gone(conn_t *c);


static const role_t  echo_role = { echo_open, echo_message, NULL };

const role_t  echo_backend = { NULL, echo_backend_message, echo_backend_gone };


static unsigned      up;
static unsigned      stop;
static unsigned      stopped;
static uint64_t      done;
static hist_t        hist;


void
echo_run(void)
{
    span_t    span;
    echo_t   *e;
    unsigned  i;
    uint64_t  end, before;

    if (options.backend) {
        net_listen(options.backend, &echo_backend);
    }

    for (i = 0; i < options.n; i++) {
        e = grab(sizeof(echo_t));
        e->index = i;

        (void) net_connect(&echo_role, e, options.uri, NULL);
    }

    net_until(&up, options.n, 10, "connections");

    end = now() + (uint64_t) (options.warm * 1e9);

    while (now() < end) {
        net_turn(0);
    }

    memset(&hist, 0, sizeof(hist));
    before = done;
    span_begin(&span);
    end = span.start + (uint64_t) (options.secs * 1e9);

    while (now() < end) {
        net_turn(0);
    }

    span_end(&span, done - before);

    stop = 1;
    net_until(&stopped, options.n, 10, "last echoes");

    span_report(&span);
    hist_report(&hist);
}


/* as long as a permission request */

static void
echo_send(conn_t *c)
{
    echo_t  *e;

    e = c->data;

    e->len = sled_request(e->text, sizeof(e->text), e->index, ++e->seq);
    e->sent = now();

    ws_send(c, BENCH_TEXT, e->text, e->len);
}


static void
echo_open(conn_t *c)
{
    up++;
    echo_send(c);
}


static void
echo_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    echo_t  *e;

    e = c->data;

    if (opcode != BENCH_TEXT || len != e->len
        || memcmp(data, e->text, len) != 0)
    {
        fail("the echo is wrong: %.*s", (int) len, data);
    }

    if (stop) {
        stopped++;
        return;
    }

    hist_add(&hist, now() - e->sent);
    done++;

    echo_send(c);
}


static void
echo_backend_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    ws_send(c, opcode, data, len);
}


static void
echo_backend_gone(conn_t *c)
{
    (void) c;
}
