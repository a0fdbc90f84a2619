
/*
 * How browsers come to their sleds: through the tunnel each to a connection of
 * its own, through the module all to the sessions of one sled.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "terminal.h"


#define ATTACH_RETRIES  5000
#define ATTACH_TASKS    128            /* in one message */


static void tunnel_open(conn_t *c);
static void tunnel_browser(conn_t *c, int opcode, u_char *data, size_t len);
static void tunnel_sled(conn_t *c, int opcode, u_char *data, size_t len);
static void browser_connect(session_t *s);
static void browser_open(conn_t *c);
static void browser_message(conn_t *c, int opcode, u_char *data, size_t len);
static void browser_gone(conn_t *c);
static void sled_open(conn_t *c);
static void sled_message(conn_t *c, int opcode, u_char *data, size_t len);
static void sled_tasks(conn_t *c);
static void sled_terminal_open(conn_t *c, const u_char *data, size_t len);
static void sled_flow(const u_char *data, size_t len, unsigned paused);
static session_t *session_of(int opcode, const u_char *data, size_t len);
static void session_handle(session_t *s, const u_char *data, size_t len);


static const role_t  tunnel_browser_role = {
    tunnel_open, tunnel_browser, NULL
};
static const role_t  tunnel_sled_role = { NULL, tunnel_sled, NULL };

static const role_t  browser_role = {
    browser_open, browser_message, browser_gone
};
static const role_t  sled_role = { sled_open, sled_message, NULL };

static const char    binary_header[] =
    "Sec-WebSocket-Protocol: uplink.bin.v1\r\n";

static conn_t       *sled;
static unsigned      registered;
static unsigned      announced;         /* answers to messages of tasks */
static unsigned      retries;


void
attach_tunnel(void)
{
    unsigned  i;

    net_listen(options.backend, &tunnel_sled_role);

    for (i = 0; i < options.n; i++) {
        sessions[i].browser = net_connect(&tunnel_browser_role, &sessions[i],
                                          options.uri, NULL);
    }

    net_until(&attached, options.n, 10, "terminals");
}


/* the first message tells the sled's end whose it is */

static void
tunnel_open(conn_t *c)
{
    int         n;
    char        text[32];
    session_t  *s;

    s = c->data;

    n = snprintf(text, sizeof(text), "%u", s->index);
    ws_send(c, BENCH_TEXT, text, n);
}


static void
tunnel_browser(conn_t *c, int opcode, u_char *data, size_t len)
{
    terminal_at_browser(c->data, opcode, data, len);
}


static void
tunnel_sled(conn_t *c, int opcode, u_char *data, size_t len)
{
    char      text[32];
    unsigned  i;

    if (c->data) {
        terminal_at_sled(c->data, opcode, data, len);
        return;
    }

    snprintf(text, sizeof(text), "%.*s", (int) len, data);
    i = atoi(text);

    if (i >= options.n || sessions[i].sled) {
        fail("a wrong beginning came through the tunnel: %s", text);
    }

    c->data = &sessions[i];
    sessions[i].sled = c;
    attached++;
}


void
attach_module(void)
{
    unsigned  i;

    sled = net_connect(&sled_role, NULL, options.uri,
                       options.binary ? binary_header : NULL);

    net_until(&registered, 1, 10, "sleds");

    /* another worker knows of a task when the sled has heard that it is one */

    net_until(&announced, (options.n + ATTACH_TASKS - 1) / ATTACH_TASKS, 10,
              "messages of tasks");

    for (i = 0; i < options.n; i++) {
        browser_connect(&sessions[i]);
    }

    net_until(&attached, options.n, 10, "terminals");
}


static void
browser_connect(session_t *s)
{
    snprintf(s->uri, sizeof(s->uri), "%s/issue-%u/terminal?workspace_id=ws-A",
             options.issues, s->index);

    s->browser = net_connect(&browser_role, s, s->uri,
                             options.binary ? binary_header : NULL);
}


/*
 * Asked for across workers, and not: what sits in the wrong worker goes, and
 * another port leads to another worker.
 */

static void
browser_open(conn_t *c)
{
    unsigned  same;

    if (options.nworkers == 1) {
        return;
    }

    if (c->port == -1 || sled->port == -1) {
        fail("no X-Uplink-Port came");
    }

    same = (c->port == sled->port);

    if (same == options.across) {

        if (++retries == ATTACH_RETRIES) {
            fail("no browser comes into the wanted worker");
        }

        ws_close(c, 1000);
    }
}


static void
browser_gone(conn_t *c)
{
    if (!c->close_sent || !c->close_seen) {
        fail("a browser was lost");
    }

    browser_connect(c->data);
}


static void
browser_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    char        type[64];
    session_t  *s;

    s = c->data;

    if (c->close_sent) {
        return;
    }

    if (s->sled) {
        terminal_at_browser(s, opcode, data, len);
        return;
    }

    json_string(data, len, "type", type, sizeof(type));

    if (strcmp(type, "terminal.opened") != 0) {
        fail("an unexpected message for a browser: %.*s", (int) len, data);
    }

    json_string(data, len, "session_id", s->id, sizeof(s->id));

    if (options.binary) {
        session_handle(s, data, len);
    }

    if (session_of(BENCH_TEXT, data, len) != s) {
        fail("a browser is at the wrong session: %.*s", (int) len, data);
    }

    s->sled = sled;
    attached++;
}


static void
sled_open(conn_t *c)
{
    sled_register(c, 0);
}


static void
sled_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    char        type[64];
    session_t  *s;

    if (!registered) {
        sled_registered(data, len);
        sled_tasks(c);
        registered = 1;
        return;
    }

    if (opcode == BENCH_BINARY) {
        s = session_of(opcode, data, len);
        terminal_at_sled(s, opcode, data, len);
        return;
    }

    json_string(data, len, "type", type, sizeof(type));

    if (strcmp(type, "terminal.data") == 0) {
        s = session_of(opcode, data, len);
        terminal_at_sled(s, opcode, data, len);

    } else if (strcmp(type, "terminal.open") == 0) {
        sled_terminal_open(c, data, len);

    } else if (strcmp(type, "terminal.pause") == 0) {
        sled_flow(data, len, 1);

    } else if (strcmp(type, "terminal.resume") == 0) {
        sled_flow(data, len, 0);

    } else if (strcmp(type, "tasks_ok") == 0) {
        announced++;

    } else if (strcmp(type, "terminal.close") != 0) {
        fail("an unexpected message for a sled: %.*s", (int) len, data);
    }
}


static void
sled_tasks(conn_t *c)
{
    char     *p, *last;
    unsigned  i;

    static char  text[BENCH_MAX_MESSAGE];

    last = text + sizeof(text);

    for (i = 0; i < options.n; i++) {

        if (i % ATTACH_TASKS == 0) {
            p = text + snprintf(text, sizeof(text),
                                "{\"type\":\"tasks\",\"req_id\":\"t\","
                                "\"payload\":{\"replace\":%s,\"tasks\":[",
                                i ? "false" : "true");
        }

        p += snprintf(p, last - p,
                      "%s{\"task_id\":\"task-%u\",\"workspace_id\":\"ws-A\","
                      "\"issue_id\":\"issue-%u\",\"work_dir\":\"/srv/work\"}",
                      i % ATTACH_TASKS ? "," : "", i, i);

        if (i % ATTACH_TASKS == ATTACH_TASKS - 1 || i == options.n - 1) {
            p += snprintf(p, last - p, "]}}");
            ws_send(c, BENCH_TEXT, text, p - text);
        }
    }
}


static void
sled_terminal_open(conn_t *c, const u_char *data, size_t len)
{
    int         n;
    char        request[128], task[64], text[512];
    unsigned    i;
    session_t  *s;

    static unsigned  opened;

    json_string(data, len, "request_id", request, sizeof(request));
    json_string(data, len, "task_id", task, sizeof(task));

    if (sscanf(task, "task-%u", &i) != 1 || i >= options.n) {
        fail("a wrong terminal.open: %.*s", (int) len, data);
    }

    /* a browser that has to try again gets another session of its task */

    s = &sessions[i];
    snprintf(s->id, sizeof(s->id), "%08x-0000-4000-8000-%012x", i, ++opened);

    if (options.binary) {
        session_handle(s, data, len);
    }

    n = snprintf(text, sizeof(text),
                 "{\"type\":\"terminal.opened\",\"payload\":{"
                 "\"request_id\":\"%s\",\"session_id\":\"%s\","
                 "\"work_dir\":\"/srv/work\",\"shell\":\"sh\"}}",
                 request, s->id);

    ws_send(c, BENCH_TEXT, text, n);
}


static void
sled_flow(const u_char *data, size_t len, unsigned paused)
{
    session_of(BENCH_TEXT, data, len)->paused = paused;
}


static session_t *
session_of(int opcode, const u_char *data, size_t len)
{
    char      id[64];
    unsigned  i;

    if (opcode == BENCH_BINARY) {

        for (i = 0; i < options.n; i++) {
            if (len > FRAME_HANDLE
                && memcmp(data + 1, sessions[i].handle, FRAME_HANDLE) == 0)
            {
                return &sessions[i];
            }
        }

        fail("a frame for no handle");
    }

    json_string(data, len, "session_id", id, sizeof(id));

    if (sscanf(id, "%8x-", &i) != 1 || i >= options.n) {
        fail("a message for no session: %.*s", (int) len, data);
    }

    return &sessions[i];
}


static void
session_handle(session_t *s, const u_char *data, size_t len)
{
    char      hex[32];
    unsigned  i, byte;

    json_string(data, len, "handle", hex, sizeof(hex));

    if (strlen(hex) != 2 * FRAME_HANDLE) {
        fail("a wrong handle: %s", hex);
    }

    for (i = 0; i < FRAME_HANDLE; i++) {

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) {
            fail("a wrong handle: %s", hex);
        }

        s->handle[i] = (u_char) byte;
    }
}
