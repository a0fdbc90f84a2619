
/*
 * The terminals of a drain.  What a shell writes is a function of its number
 * and the offset, so that a sled can replay all of it, and each byte that a
 * browser gets is compared with the one that belongs there.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>

#include "drain.h"


#define SHELL_TEXT    65521            /* repeats after so many bytes */
#define SHELL_STEP    977              /* where the next shell begins */
#define SHELL_FRAME   16384


static void shell_open(conn_t *c);
static void shell_message(conn_t *c, int opcode, u_char *data, size_t len);
static void shell_gone(conn_t *c);
static void shell_opened(shell_t *s, const u_char *data, size_t len);
static void shell_data(shell_t *s, const u_char *data, size_t len);
static void shell_frame(shell_t *s, size_t len);
static void shell_sled_open(sled_t *sled, const u_char *data, size_t len);
static void shell_sled_attach(shell_t *s, const u_char *data, size_t len);
static void shell_handle(u_char *handle, const u_char *data, size_t len);


static const role_t  shell_role = { shell_open, shell_message, shell_gone };

static u_char        text[SHELL_TEXT + SHELL_FRAME];

unsigned             shells_up;
unsigned             shells_keyed;


void
shell_prepare(void)
{
    unsigned  i;

    if (options.frame > SHELL_FRAME) {
        fail("frame= must be %d at most", SHELL_FRAME);
    }

    for (i = 0; i < sizeof(text); i++) {
        text[i] = (u_char) mix(i % SHELL_TEXT + 1);
    }
}


/* a browser drops what it had: it comes back by the offset that is next */

void
shell_dial(shell_t *s)
{
    int  n;

    if (s->seat.up) {
        s->seat.up = 0;
        s->seat.lost = now();
        shells_up--;
    }

    n = snprintf(s->path, sizeof(s->path),
                 "%s/issue-%u/terminal?workspace_id=ws-A", options.issues,
                 s->index);

    if (s->token[0]) {
        snprintf(s->path + n, sizeof(s->path) - n, "&session=%s&offset=%llu",
                 s->id, (long long) s->seen);
    }

    snprintf(s->headers, sizeof(s->headers),
             "Sec-WebSocket-Protocol: uplink.bin.v1%s%s\r\n",
             s->token[0] ? ", uplink.resume." : "", s->token);

    if (s->seat.conn) {
        ws_close(s->seat.conn, 1000);
        s->seat.conn = NULL;
    }

    s->seat.told = 0;
    s->seat.conn = net_connect(&shell_role, s, s->path, s->headers);
    s->seat.conn->patient = 1;
}


static void
shell_open(conn_t *c)
{
    (void) c;
}


static void
shell_gone(conn_t *c)
{
    shell_t   *s;
    unsigned   up;

    s = c->data;
    up = s->seat.up;

    if (seat_gone(&s->seat, c)) {
        shells_up -= up;
    }
}


static void
shell_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    shell_t  *s;

    s = c->data;

    if (s->seat.conn != c) {
        return;
    }

    if (opcode == BENCH_BINARY) {
        shell_data(s, data, len);

    } else if (message_is(data, len, "terminal.opened")) {
        shell_opened(s, data, len);

    } else if (message_is(data, len, "drain")) {
        seat_told(&s->seat, data, len);

    } else if (message_is(data, len, "terminal.gap")) {
        drain.gaps++;
        fail("terminal %u: %.*s", s->index, (int) len, data);

    } else if (!message_is(data, len, "terminal.state")) {
        fail("terminal %u: %.*s", s->index, (int) len, data);
    }
}


static void
shell_opened(shell_t *s, const u_char *data, size_t len)
{
    uint64_t  offset;

    offset = message_number(data, len, "offset");

    if (offset != s->seen
        || memmem(data, len, "\"mode\":\"drive\"", 14) == NULL)
    {
        fail("terminal %u, back for %llu: %.*s", s->index,
             (long long) s->seen, (int) len, data);
    }

    json_string(data, len, "session_id", s->id, sizeof(s->id));
    json_string(data, len, "resume_token", s->token, sizeof(s->token));
    shell_handle(s->at_browser, data, len);

    if (s->seat.lost) {
        drain.reattached++;
        drain.away = bench_max(drain.away, now() - s->seat.lost);
    }

    seat_up(&s->seat);
    shells_up++;
}


static void
shell_data(shell_t *s, const u_char *data, size_t len)
{
    size_t  n, at;

    if (len < 1 + DRAIN_HANDLE || data[0] != 0x01
        || memcmp(data + 1, s->at_browser, DRAIN_HANDLE) != 0)
    {
        fail("terminal %u: a frame that is not its own", s->index);
    }

    data += 1 + DRAIN_HANDLE;
    len -= 1 + DRAIN_HANDLE;

    while (len) {
        at = (s->seen + s->index * SHELL_STEP) % SHELL_TEXT;
        n = bench_min(len, SHELL_FRAME);

        if (memcmp(data, text + at, n) != 0) {
            fail("terminal %u: wrong bytes behind %llu", s->index,
                 (long long) s->seen);
        }

        s->seen += n;
        data += n;
        len -= n;
    }
}


/* what is due; last: up to where all of them stand now, and no more */

void
shell_stream(uint64_t time, unsigned last)
{
    unsigned   i;
    shell_t   *s;

    for (i = 0; i < options.terminals; i++) {
        s = &shells[i];

        if (!s->open || s->held || s->paused || !s->sled->seat.up) {
            continue;
        }

        /* after a replay it writes until it has made up for it */

        while (s->sent < s->end && net_pending(s->sled->seat.conn) < 65536) {
            shell_frame(s, bench_min(s->end - s->sent, options.frame));
        }

        if (last || time < s->due) {
            continue;
        }

        s->due = bench_max(s->due + 1000000000 / bench_max(options.rate, 1),
                           time);
        shell_frame(s, options.frame);
        s->end = bench_max(s->end, s->sent);
    }
}


static void
shell_frame(shell_t *s, size_t len)
{
    u_char  *p;

    p = ws_begin(s->sled->seat.conn, 1 + DRAIN_HANDLE + len);

    p[0] = 0x01;
    memcpy(p + 1, s->at_sled, DRAIN_HANDLE);
    memcpy(p + 1 + DRAIN_HANDLE,
           text + (s->sent + s->index * SHELL_STEP) % SHELL_TEXT, len);

    ws_end(s->sled->seat.conn, BENCH_BINARY, p, 1 + DRAIN_HANDLE + len);

    s->sent += len;
}


void
shell_key(shell_t *s)
{
    u_char  frame[1 + DRAIN_HANDLE + 1];

    frame[0] = 0x01;
    memcpy(frame + 1, s->at_browser, DRAIN_HANDLE);
    frame[1 + DRAIN_HANDLE] = 'k';

    ws_send(s->seat.conn, BENCH_BINARY, frame, sizeof(frame));
}


/* a sled that lost its connection writes nothing before it is asked to */

void
shell_hold(sled_t *sled)
{
    if (sled->index < options.terminals) {
        shells[sled->index].held = shells[sled->index].open;
    }
}


void
shell_sled_message(sled_t *sled, int opcode, u_char *data, size_t len)
{
    shell_t  *s;

    s = &shells[sled->index];

    if (sled->index >= options.terminals) {
        fail("an unexpected message for a sled: %.*s", (int) len, data);
    }

    if (opcode == BENCH_BINARY) {

        if (len != 1 + DRAIN_HANDLE + 1 || data[1 + DRAIN_HANDLE] != 'k'
            || memcmp(data + 1, s->at_sled, DRAIN_HANDLE) != 0)
        {
            fail("a key that is not for shell %u", s->index);
        }

        s->keys++;
        shells_keyed++;
        return;
    }

    if (message_is(data, len, "terminal.open")) {
        shell_sled_open(sled, data, len);

    } else if (message_is(data, len, "terminal.attach")) {
        shell_sled_attach(s, data, len);

    } else if (message_is(data, len, "terminal.pause")) {
        s->paused = 1;

    } else if (message_is(data, len, "terminal.resume")) {
        s->paused = 0;

    } else {
        fail("an unexpected message for a sled: %.*s", (int) len, data);
    }
}


static void
shell_sled_open(sled_t *sled, const u_char *data, size_t len)
{
    int       n;
    char      request[128], answer[512];
    shell_t  *s;

    s = &shells[sled->index];

    if (s->open) {
        fail("a second terminal.open for shell %u", s->index);
    }

    json_string(data, len, "request_id", request, sizeof(request));
    shell_handle(s->at_sled, data, len);
    s->open = 1;

    n = snprintf(answer, sizeof(answer),
                 "{\"type\":\"terminal.opened\",\"payload\":{"
                 "\"request_id\":\"%s\","
                 "\"session_id\":\"%08x-0000-4000-8000-000000000000\","
                 "\"work_dir\":\"/srv/work\",\"shell\":\"sh\"}}",
                 request, s->index);

    ws_send(sled->seat.conn, BENCH_TEXT, answer, n);
}


static void
shell_sled_attach(shell_t *s, const u_char *data, size_t len)
{
    int   n;
    char  request[128], answer[512];

    json_string(data, len, "request_id", request, sizeof(request));

    s->sent = message_number(data, len, "offset");
    s->held = 0;
    s->paused = 0;

    if (s->sent > s->end) {
        fail("shell %u is asked for what it has not written", s->index);
    }

    n = snprintf(answer, sizeof(answer),
                 "{\"type\":\"terminal.opened\",\"payload\":{"
                 "\"request_id\":\"%s\","
                 "\"session_id\":\"%08x-0000-4000-8000-000000000000\","
                 "\"work_dir\":\"/srv/work\",\"shell\":\"sh\","
                 "\"offset\":%llu}}",
                 request, s->index, (long long) s->sent);

    ws_send(s->sled->seat.conn, BENCH_TEXT, answer, n);
}


static void
shell_handle(u_char *handle, const u_char *data, size_t len)
{
    char      hex[32];
    unsigned  i, byte;

    json_string(data, len, "handle", hex, sizeof(hex));

    for (i = 0; i < DRAIN_HANDLE; i++) {

        if (sscanf(hex + 2 * i, "%2x", &byte) != 1) {
            fail("a wrong handle: %s", hex);
        }

        handle[i] = (u_char) byte;
    }
}
