
/*
 * The operator of a drain: it sees every request, decides one after the other
 * while the workers leave, and its session outlives its sockets.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>

#include "drain.h"


typedef struct {
    char             id[160];
    char             digest[80];
    unsigned         shown:1;
    unsigned         decided:1;
} ask_t;


static void operator_open(conn_t *c);
static void operator_message(conn_t *c, int opcode, u_char *data, size_t len);
static void operator_gone(conn_t *c);
static void operator_request(const u_char *data, size_t len);
static void operator_answer(unsigned index);


static const role_t  operator_role = {
    operator_open, operator_message, operator_gone
};

static char          session[400];
static char          path[512];
static char          token[512];
static ask_t        *asks;
static unsigned      next;

unsigned             requests_shown;
seat_t               operator_seat;


void
operator_create(void)
{
    char   sid[128], bearer[256], uri[256];
    char  *body;

    asks = grab((options.requests + 1) * sizeof(ask_t));

    snprintf(uri, sizeof(uri), "%s/operators", options.api);

    body = net_http("POST", uri, "", "{\"desc\":\"drain\"}");

    json_string((u_char *) body, strlen(body), "sid", sid, sizeof(sid));
    json_string((u_char *) body, strlen(body), "token", bearer,
                sizeof(bearer));

    snprintf(session, sizeof(session), "%s/%s", uri, sid);
    snprintf(path, sizeof(path), "%s/ws", session);
    snprintf(token, sizeof(token), "Authorization: Bearer %s\r\n", bearer);
}


void
operator_dial(void)
{
    operator_seat.up = 0;
    operator_seat.told = 0;
    operator_seat.conn = net_connect(&operator_role, NULL, path, token);
    operator_seat.conn->patient = 1;
}


static void
operator_open(conn_t *c)
{
    (void) c;

    seat_up(&operator_seat);
}


static void
operator_gone(conn_t *c)
{
    (void) seat_gone(&operator_seat, c);
}


static void
operator_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    (void) opcode;

    if (operator_seat.conn != c) {
        return;
    }

    if (message_is(data, len, "perm_request")) {
        operator_request(data, len);

    } else if (message_is(data, len, "drain")) {
        seat_told(&operator_seat, data, len);

    } else if (message_is(data, len, "request_state")) {
        return;

    } else if (!message_is(data, len, "error")
               || memmem(data, len, "already_decided", 15) == NULL)
    {
        fail("an unexpected message for the operator: %.*s", (int) len, data);
    }
}


static void
operator_request(const u_char *data, size_t len)
{
    ask_t     *ask;
    u_char    *p;
    unsigned   index, seq;

    p = memmem(data, len, " check #", 8);

    if (p == NULL || sscanf((char *) p, " check #%u-%u\"", &index, &seq) != 2
        || index >= options.requests)
    {
        fail("a wrong request for the operator: %.*s", (int) len, data);
    }

    ask = &asks[index];

    json_string(data, len, "req_id", ask->id, sizeof(ask->id));
    json_string(data, len, "input_sha256", ask->digest, sizeof(ask->digest));

    if (!ask->shown) {
        ask->shown = 1;
        requests_shown++;
    }

    /* told once more: what was said on the old connection did not arrive */

    if (ask->decided) {
        operator_answer(index);
    }
}


unsigned
operator_approves(unsigned index)
{
    return index % 3 != 0;
}


/* one, on whatever connection there is */

void
operator_decide(void)
{
    if (next == options.requests || !operator_seat.up) {
        return;
    }

    operator_answer(next++);
}


void
operator_delete(void)
{
    (void) net_http("DELETE", session, token, "");
}


static void
operator_answer(unsigned index)
{
    int     n;
    char    text[512];
    ask_t  *ask;

    ask = &asks[index];
    ask->decided = 1;

    n = snprintf(text, sizeof(text),
                 "{\"type\":\"perm_response\",\"req_id\":\"%s\","
                 "\"approved\":%s,\"input_sha256\":\"%s\"}", ask->id,
                 operator_approves(index) ? "true" : "false", ask->digest);

    ws_send(operator_seat.conn, BENCH_TEXT, text, n);
}
