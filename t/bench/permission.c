
/*
 * sled -> operator -> sled: each sled asks, the one operator approves, the
 * sled asks again.  Who sits in which worker is read from X-Uplink-Port.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"


#define PERMISSION_RETRIES  500


typedef struct {
    conn_t          *conn;
    uint64_t         sent;
    unsigned         index;
    unsigned         seq;
    unsigned         shown;            /* the operator has seen this seq */
    unsigned         ready;
} asker_t;


static void permission_operator(void);
static void permission_sleds(void);
static void permission_leave(void);
static void permission_turns(double secs);
static void permission_ask(conn_t *c);
static void sled_open(conn_t *c);
static void sled_message(conn_t *c, int opcode, u_char *data, size_t len);
static void sled_response(conn_t *c, const u_char *data, size_t len);
static void sled_gone(conn_t *c);
static void operator_open(conn_t *c);
static void operator_message(conn_t *c, int opcode, u_char *data, size_t len);
static void operator_request(conn_t *c, const u_char *data, size_t len);


static const role_t  sled_role = { sled_open, sled_message, sled_gone };
static const role_t  operator_role = { operator_open, operator_message, NULL };

static conn_t       *operator;
static char          session[400];     /* its path, its header */
static char          token[512];
static asker_t      *askers;
static unsigned      operators;
static unsigned      retries;
static unsigned      ready;
static unsigned      stop;
static unsigned      stopped;
static unsigned      gone;
static unsigned      asked;
static unsigned      done;
static unsigned      pending;          /* frames perm_pending */
static unsigned      states;           /* frames request_state */
static unsigned      decided;          /* of these, decided */
static hist_t        hist;


void
permission_run(void)
{
    span_t    span;
    unsigned  before;

    permission_operator();
    permission_sleds();

    permission_turns(options.warm);

    memset(&hist, 0, sizeof(hist));
    before = done;
    span_begin(&span);

    permission_turns(options.secs);

    span_end(&span, done - before);

    stop = 1;
    net_until(&stopped, options.n, 10, "last decisions");
    net_until(&decided, asked, 10, "decisions the operator hears of");
    permission_leave();

    if (done != asked || decided != asked) {
        fail("%u requests, %u decisions, the operator heard of %u", asked,
             done, decided);
    }

    span_report(&span);
    hist_report(&hist);

    result("states", (double) states / done);
    result("pending", (double) pending / done);
}


/* nothing of this run stays for the next one */

static void
permission_leave(void)
{
    unsigned  i;

    permission_turns(0.1);

    for (i = 0; i < options.n; i++) {
        ws_close(askers[i].conn, 1000);
    }

    net_until(&gone, options.n, 10, "closed sleds");

    (void) net_http("DELETE", session, token, "");
}


static void
permission_turns(double secs)
{
    uint64_t  end;

    end = now() + (uint64_t) (secs * 1e9);

    while (now() < end) {
        net_turn(0);
    }
}


/* a session by REST, its socket with the token */

static void
permission_operator(void)
{
    char         sid[128], bearer[256], uri[256];
    char        *body;
    static char  path[512];

    snprintf(uri, sizeof(uri), "%s/operators", options.api);

    body = net_http("POST", uri, "", "{\"desc\":\"bench\"}");

    json_string((u_char *) body, strlen(body), "sid", sid, sizeof(sid));
    json_string((u_char *) body, strlen(body), "token", bearer,
                sizeof(bearer));

    snprintf(session, sizeof(session), "%s/%s", uri, sid);
    snprintf(path, sizeof(path), "%s/ws", session);
    snprintf(token, sizeof(token), "Authorization: Bearer %s\r\n", bearer);

    operator = net_connect(&operator_role, NULL, path, token);

    net_until(&operators, 1, 10, "operators");
}


static void
permission_sleds(void)
{
    unsigned  i;

    askers = grab(options.n * sizeof(asker_t));

    for (i = 0; i < options.n; i++) {
        askers[i].index = i;

        askers[i].conn = net_connect(&sled_role, &askers[i], options.uri,
                                     NULL);
    }

    net_until(&ready, options.n, 10, "sleds in their place");
}


static void
permission_ask(conn_t *c)
{
    char      text[1024];
    size_t    len;
    asker_t  *a;

    a = c->data;

    len = sled_request(text, sizeof(text), a->index, ++a->seq);
    a->sent = now();
    asked++;

    ws_send(c, BENCH_TEXT, text, len);
}


/* a sled in the wrong worker tries again: another port, another worker */

static void
sled_open(conn_t *c)
{
    asker_t  *a;

    a = c->data;

    if (options.across) {

        if (c->port == -1 || operator->port == -1) {
            fail("no X-Uplink-Port came");
        }

        if (c->port == operator->port) {

            if (++retries == PERMISSION_RETRIES) {
                fail("all sleds come into the operator's worker");
            }

            ws_close(c, 1000);
            return;
        }
    }

    if (options.anonymous) {
        a->ready = 1;
        ready++;
        permission_ask(c);
        return;
    }

    sled_register(c, a->index);
}


static void
sled_gone(conn_t *c)
{
    asker_t  *a;

    a = c->data;

    if (!c->close_sent || !c->close_seen) {
        fail("a sled was lost");
    }

    if (a->ready) {
        gone++;
        return;
    }

    a->conn = net_connect(&sled_role, a, options.uri, NULL);
}


static void
sled_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    char      type[64];
    asker_t  *a;

    a = c->data;

    if (opcode != BENCH_TEXT) {
        fail("a binary message for a sled");
    }

    if (!a->ready) {
        sled_registered(data, len);
        a->ready = 1;
        ready++;
        permission_ask(c);
        return;
    }

    json_string(data, len, "type", type, sizeof(type));

    if (strcmp(type, "perm_response") == 0) {
        sled_response(c, data, len);

    } else if (strcmp(type, "perm_pending") == 0) {
        pending++;

    } else {
        fail("an unexpected message for a sled: %.*s", (int) len, data);
    }
}


static void
sled_response(conn_t *c, const u_char *data, size_t len)
{
    char      id[64], wanted[64];
    asker_t  *a;

    a = c->data;

    json_string(data, len, "req_id", id, sizeof(id));
    snprintf(wanted, sizeof(wanted), "q-%u-%u", a->index, a->seq);

    if (strcmp(id, wanted) != 0 || a->shown != a->seq
        || memmem(data, len, "\"approved\":true", 15) == NULL)
    {
        fail("a wrong decision for %s: %.*s", wanted, (int) len, data);
    }

    done++;

    if (stop) {
        stopped++;
        return;
    }

    hist_add(&hist, now() - a->sent);

    permission_ask(c);
}


static void
operator_open(conn_t *c)
{
    (void) c;

    operators++;
}


static void
operator_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    char  type[64];

    if (opcode != BENCH_TEXT) {
        fail("a binary message for an operator");
    }

    json_string(data, len, "type", type, sizeof(type));

    if (strcmp(type, "perm_request") == 0) {
        operator_request(c, data, len);

    } else if (strcmp(type, "request_state") == 0) {
        states++;

        if (memmem(data, len, "\"state\":\"decided\"", 17)) {
            decided++;
        }

    } else {
        fail("an unexpected message for an operator: %.*s", (int) len, data);
    }
}


/* what is approved is what is shown: the digest goes back with the answer */

static void
operator_request(conn_t *c, const u_char *data, size_t len)
{
    int       n;
    char      id[160], digest[80], text[512];
    u_char   *p;
    unsigned  index, seq;

    json_string(data, len, "req_id", id, sizeof(id));
    json_string(data, len, "input_sha256", digest, sizeof(digest));

    p = memmem(data, len, " check #", 8);

    if (p == NULL || sscanf((char *) p, " check #%u-%u\"", &index, &seq) != 2
        || index >= options.n || seq != askers[index].seq
        || askers[index].shown != seq - 1)
    {
        fail("a wrong request for the operator: %.*s", (int) len, data);
    }

    askers[index].shown = seq;

    n = snprintf(text, sizeof(text),
                 "{\"type\":\"perm_response\",\"req_id\":\"%s\","
                 "\"approved\":true,\"input_sha256\":\"%s\"}", id, digest);

    ws_send(c, BENCH_TEXT, text, n);
}
