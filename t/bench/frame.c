
/*
 * Frames of a terminal and their verification.  Every frame starts with its
 * number and its session, the rest comes from one of several random texts:
 * a byte lost, doubled, changed or out of order is found in its own frame.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>

#include "terminal.h"


#define FRAME_TEXTS  16


static void frame_head(const session_t *s, uint64_t number, u_char *raw,
    char *b64);
static const u_char *frame_member(const u_char *data, size_t len,
    const char *name, size_t n, size_t *at);


static u_char    raw_text[FRAME_TEXTS][FRAME_MAX];
static char      b64_text[FRAME_TEXTS][FRAME_MAX / 3 * 4 + 8];
static size_t    b64_len;


void
frame_prepare(unsigned raw)
{
    unsigned  i, n;

    if (raw < FRAME_HEAD || raw > FRAME_MAX) {
        fail("frame= must be between %d and %d", FRAME_HEAD, FRAME_MAX);
    }

    for (i = 0; i < FRAME_TEXTS; i++) {

        for (n = 0; n < raw; n++) {
            raw_text[i][n] = (u_char) mix((uint64_t) i << 32 | (n + 1));
        }

        b64_len = base64(b64_text[i], raw_text[i] + FRAME_HEAD,
                         raw - FRAME_HEAD);
    }
}


/* a keystroke is a frame of nothing but its head */

void
frame_send(conn_t *c, session_t *s, unsigned raw, uint64_t number)
{
    char     b64[FRAME_HEAD_B64];
    size_t   len, id, rest;
    u_char  *p, *start, head[FRAME_HEAD];

    static const char  before[] = "{\"type\":\"terminal.data\",\"payload\":{"
                                  "\"session_id\":\"";
    static const char  between[] = "\",\"data_b64\":\"";
    static const char  after[] = "\"}}";

    frame_head(s, number, head, b64);

    if (options.binary) {
        start = ws_begin(c, 1 + FRAME_HANDLE + raw);

        p = start;
        *p++ = 0x01;
        p = mempcpy(p, s->handle, FRAME_HANDLE);
        p = mempcpy(p, head, FRAME_HEAD);
        memcpy(p, raw_text[number % FRAME_TEXTS] + FRAME_HEAD,
               raw - FRAME_HEAD);

        ws_end(c, BENCH_BINARY, start, 1 + FRAME_HANDLE + raw);
        return;
    }

    id = strlen(s->id);
    rest = (raw == FRAME_HEAD) ? 0 : b64_len;
    len = sizeof(before) - 1 + id + sizeof(between) - 1 + FRAME_HEAD_B64 + rest
          + sizeof(after) - 1;

    start = ws_begin(c, len);

    p = mempcpy(start, before, sizeof(before) - 1);
    p = mempcpy(p, s->id, id);
    p = mempcpy(p, between, sizeof(between) - 1);
    p = mempcpy(p, b64, FRAME_HEAD_B64);
    p = mempcpy(p, b64_text[number % FRAME_TEXTS], rest);
    memcpy(p, after, sizeof(after) - 1);

    ws_end(c, BENCH_TEXT, start, len);
}


static void
frame_head(const session_t *s, uint64_t number, u_char *raw, char *b64)
{
    int  i;

    for (i = 0; i < 8; i++) {
        raw[i] = (u_char) (number >> (56 - 8 * i));
    }

    for (i = 0; i < 4; i++) {
        raw[8 + i] = (u_char) (s->index >> (24 - 8 * i));
    }

    base64(b64, raw, FRAME_HEAD);
}


void
frame_check(session_t *s, unsigned raw, uint64_t number, int opcode,
    const u_char *data, size_t len)
{
    char           b64[FRAME_HEAD_B64];
    u_char         head[FRAME_HEAD];
    size_t         id, rest;
    const u_char  *p;

    static size_t  id_at, data_at;

    frame_head(s, number, head, b64);

    if (options.binary) {

        if (opcode != BENCH_BINARY || len != 1 + FRAME_HANDLE + raw
            || data[0] != 0x01
            || memcmp(data + 1, s->handle, FRAME_HANDLE) != 0
            || memcmp(data + 1 + FRAME_HANDLE, head, FRAME_HEAD) != 0
            || memcmp(data + 1 + FRAME_HANDLE + FRAME_HEAD,
                      raw_text[number % FRAME_TEXTS] + FRAME_HEAD,
                      raw - FRAME_HEAD)
               != 0)
        {
            goto bad;
        }

        return;
    }

    id = strlen(s->id);
    rest = (raw == FRAME_HEAD) ? 0 : b64_len;

    p = frame_member(data, len, "\"session_id\":\"", 14, &id_at);

    if (opcode != BENCH_TEXT || p == NULL
        || (size_t) (data + len - p) < id + 1
        || memcmp(p, s->id, id) != 0 || p[id] != '"')
    {
        goto bad;
    }

    p = frame_member(data, len, "\"data_b64\":\"", 12, &data_at);

    if (p == NULL
        || (size_t) (data + len - p) < FRAME_HEAD_B64 + rest + 3
        || memcmp(p, b64, FRAME_HEAD_B64) != 0
        || memcmp(p + FRAME_HEAD_B64, b64_text[number % FRAME_TEXTS], rest)
           != 0
        || p[FRAME_HEAD_B64 + rest] != '"')
    {
        goto bad;
    }

    return;

bad:

    fail("session %u, frame %llu: a wrong one came: %.*s", s->index,
         (unsigned long long) number, (int) bench_min(len, 200), data);
}


/* mostly it is where it was the last time */

static const u_char *
frame_member(const u_char *data, size_t len, const char *name, size_t n,
    size_t *at)
{
    const u_char  *p;

    if (*at + n <= len && memcmp(data + *at, name, n) == 0) {
        return data + *at + n;
    }

    p = memmem(data, len, name, n);

    if (p == NULL) {
        return NULL;
    }

    *at = p - data;

    return p + n;
}
