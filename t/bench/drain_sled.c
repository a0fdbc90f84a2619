
/*
 * The sleds of a drain: they register, ask once, and resume.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>

#include "drain.h"


static void sled_open(conn_t *c);
static void sled_message(conn_t *c, int opcode, u_char *data, size_t len);
static void sled_gone(conn_t *c);
static void sled_registers(sled_t *s, const u_char *data, size_t len);
static void sled_tasks(sled_t *s);
static void sled_answer(sled_t *s, const u_char *data, size_t len);


static const role_t  sled_role = { sled_open, sled_message, sled_gone };

unsigned             sleds_up;
unsigned             requests_answered;


/* a new connection; the old one, if there is one, stands until it is closed */

void
sled_dial(sled_t *s)
{
    if (s->seat.up) {
        s->seat.up = 0;
        sleds_up--;
    }

    s->seat.conn = net_connect(&sled_role, s, options.uri,
                               "Sec-WebSocket-Protocol: uplink.bin.v1\r\n");
    s->seat.conn->patient = 1;
    s->seat.told = 0;
}


static void
sled_open(conn_t *c)
{
    int      n;
    char     text[1024], resume[320];
    sled_t  *s;

    s = c->data;
    resume[0] = '\0';

    if (s->ticket[0]) {
        snprintf(resume, sizeof(resume), ",\"resume\":{\"connection_id\":"
                 "\"%s\",\"resume_token\":\"%s\"}", s->connection, s->ticket);
    }

    n = snprintf(text, sizeof(text),
                 "{\"type\":\"register\",\"req_id\":\"r\",\"payload\":{"
                 "\"protocol_version\":2,\"agent_id\":\"drain-%u\","
                 "\"capabilities\":{\"name\":\"bench\","
                 "\"features\":[\"resume\",\"receipts\",\"terminal.flow\","
                 "\"terminal.replay\",\"uplink.bin.v1\"]}%s}}",
                 s->index, resume);

    ws_send(c, BENCH_TEXT, text, n);
}


static void
sled_gone(conn_t *c)
{
    sled_t    *s;
    unsigned   up;

    s = c->data;
    up = s->seat.up;

    if (seat_gone(&s->seat, c)) {
        sleds_up -= up;
        shell_hold(s);
    }
}


static void
sled_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    sled_t  *s;

    s = c->data;

    /* what the old connection still says counts as long as it stands */

    if (opcode == BENCH_BINARY) {
        shell_sled_message(s, opcode, data, len);
        return;
    }

    if (message_is(data, len, "registered")) {
        sled_registers(s, data, len);

    } else if (message_is(data, len, "perm_response")) {
        sled_answer(s, data, len);

    } else if (message_is(data, len, "drain")) {

        if (s->seat.conn == c) {
            seat_told(&s->seat, data, len);
        }

    } else if (message_is(data, len, "perm_pending")
               || message_is(data, len, "tasks_ok"))
    {
        return;

    } else {
        shell_sled_message(s, opcode, data, len);
    }
}


static void
sled_registers(sled_t *s, const u_char *data, size_t len)
{
    unsigned  second, resumed;

    sled_registered(data, len);

    resumed = (memmem(data, len, "\"resumed\":true", 14) != NULL);

    json_string(data, len, "connection_id", s->connection,
                sizeof(s->connection));
    json_string(data, len, "resume_token", s->ticket, sizeof(s->ticket));

    seat_up(&s->seat);
    sleds_up++;

    if (!resumed) {

        if (drain.action) {
            drain.anew++;
        }

        sled_tasks(s);

    } else {
        drain.resumed++;
        shell_hold(s);
    }

    if (drain.action) {
        second = (now() - drain.action) / 1000000000;
        drain.seconds[bench_min(second, DRAIN_SECONDS - 1)]++;
    }
}


static void
sled_tasks(sled_t *s)
{
    int   n;
    char  text[512];

    if (s->index >= options.terminals) {
        return;
    }

    n = snprintf(text, sizeof(text),
                 "{\"type\":\"tasks\",\"req_id\":\"t\",\"payload\":{"
                 "\"tasks\":[{\"task_id\":\"task-%u\","
                 "\"workspace_id\":\"ws-A\",\"issue_id\":\"issue-%u\","
                 "\"work_dir\":\"/srv/work\"}]}}", s->index, s->index);

    ws_send(s->seat.conn, BENCH_TEXT, text, n);
}


void
sled_ask(sled_t *s)
{
    char    text[1024];
    size_t  len;

    len = sled_request(text, sizeof(text), s->index, 1);

    ws_send(s->seat.conn, BENCH_TEXT, text, len);
}


/* as it was decided; once more only if the receipt was lost */

static void
sled_answer(sled_t *s, const u_char *data, size_t len)
{
    int          n;
    char         id[64], wanted[64], text[128];
    const char  *approved;

    json_string(data, len, "req_id", id, sizeof(id));
    snprintf(wanted, sizeof(wanted), "q-%u-1", s->index);

    approved = operator_approves(s->index) ? "\"approved\":true"
                                           : "\"approved\":false";

    if (strcmp(id, wanted) != 0
        || memmem(data, len, approved, strlen(approved)) == NULL
        || memmem(data, len, "\"reason\":\"operator\"", 19) == NULL)
    {
        fail("a wrong decision for %s: %.*s", wanted, (int) len, data);
    }

    if (s->answers++) {
        drain.repeated++;

    } else {
        requests_answered++;
    }

    if (s->seat.conn == NULL || !s->seat.up) {
        return;
    }

    n = snprintf(text, sizeof(text),
                 "{\"type\":\"perm_ack\",\"req_id\":\"%s\"}", id);
    ws_send(s->seat.conn, BENCH_TEXT, text, n);
}
