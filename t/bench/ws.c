
/*
 * RFC 6455 for both ends.  What comes is checked: the accept key, who masks
 * and who does not, lengths, opcodes.  Nobody here fragments.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bench.h"


static size_t ws_response(conn_t *c, u_char *data, size_t len);
static size_t ws_answer(conn_t *c, u_char *data, size_t len);
static int ws_header(const char *text, const char *name, char *value,
    size_t size);
static size_t ws_frame(conn_t *c, u_char *p, size_t len);
static void ws_deliver(conn_t *c, int opcode, u_char *data, size_t len);
static void ws_key(uint64_t serial, char key[BENCH_KEY_LEN + 1]);
static void ws_accept(const char *key, char accept[BENCH_ACCEPT_LEN + 1]);
static void ws_mask(u_char *data, size_t len, uint32_t mask);


/* returns how much of the input has been used */

size_t
ws_input(conn_t *c, u_char *data, size_t len)
{
    size_t  n, used;

    used = 0;

    if (!c->opened) {
        used = c->server ? ws_answer(c, data, len) : ws_response(c, data, len);

        if (used == 0) {
            return 0;
        }

        c->opened = 1;

        if (c->role->open) {
            c->role->open(c);
        }
    }

    while (used < len && !c->dead) {
        n = ws_frame(c, data + used, len - used);

        if (n == 0) {
            break;
        }

        used += n;
    }

    return used;
}


void
ws_request(conn_t *c)
{
    int   n;
    char  key[BENCH_KEY_LEN + 1], text[1024];

    ws_key(c->serial, key);

    n = snprintf(text, sizeof(text),
                 "GET %s HTTP/1.1\r\n"
                 "Host: %s\r\n"
                 "Upgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Key: %s\r\n"
                 "Sec-WebSocket-Version: 13\r\n"
                 "%s\r\n",
                 c->uri, options.host, key, c->headers ? c->headers : "");

    if (n >= (int) sizeof(text)) {
        fail("the request is too long");
    }

    net_write(c, text, n);
}


static size_t
ws_response(conn_t *c, u_char *data, size_t len)
{
    char    key[BENCH_KEY_LEN + 1], accept[BENCH_ACCEPT_LEN + 1], value[64];
    char   *end;
    size_t  n;

    end = memmem(data, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    n = end + 4 - (char *) data;

    if (strncmp((char *) data, "HTTP/1.1 101 ", 13) != 0) {
        fail("%s: %.*s", c->uri, (int) len, data);
    }

    end[2] = '\0';

    ws_key(c->serial, key);
    ws_accept(key, accept);

    if (!ws_header((char *) data, "Sec-WebSocket-Accept", value, sizeof(value))
        || strcmp(value, accept) != 0)
    {
        fail("%s: wrong Sec-WebSocket-Accept", c->uri);
    }

    if (!ws_header((char *) data, "Upgrade", value, sizeof(value))
        || strcasecmp(value, "websocket") != 0
        || !ws_header((char *) data, "Connection", value, sizeof(value))
        || strcasecmp(value, "upgrade") != 0)
    {
        fail("%s: the 101 does not upgrade", c->uri);
    }

    if (ws_header((char *) data, "X-Uplink-Port", value, sizeof(value))) {
        c->port = atoi(value);
    }

    return n;
}


/* the other side of it: where the tunnel ends */

static size_t
ws_answer(conn_t *c, u_char *data, size_t len)
{
    int     n;
    char    key[64], accept[BENCH_ACCEPT_LEN + 1], text[256];
    char   *end;
    size_t  used;

    end = memmem(data, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }

    used = end + 4 - (char *) data;
    end[2] = '\0';

    if (!ws_header((char *) data, "Sec-WebSocket-Key", key, sizeof(key))) {
        fail("no Sec-WebSocket-Key came through the tunnel");
    }

    ws_accept(key, accept);

    n = snprintf(text, sizeof(text),
                 "HTTP/1.1 101 Switching Protocols\r\n"
                 "Upgrade: websocket\r\n"
                 "Connection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n\r\n", accept);

    net_write(c, text, n);

    return used;
}


static int
ws_header(const char *text, const char *name, char *value, size_t size)
{
    size_t       n;
    const char  *p, *end;

    n = strlen(name);

    for (p = strstr(text, "\r\n"); p && p[2]; p = strstr(p + 2, "\r\n")) {

        if (strncasecmp(p + 2, name, n) != 0 || p[2 + n] != ':') {
            continue;
        }

        p += 3 + n;
        p += strspn(p, " ");
        end = strstr(p, "\r\n");

        if (end == NULL || (size_t) (end - p) >= size) {
            return 0;
        }

        memcpy(value, p, end - p);
        value[end - p] = '\0';

        return 1;
    }

    return 0;
}


static void
ws_key(uint64_t serial, char key[BENCH_KEY_LEN + 1])
{
    uint64_t  bytes[2];

    bytes[0] = mix(serial + 1);
    bytes[1] = mix(bytes[0] + serial);

    key[base64(key, (u_char *) bytes, sizeof(bytes))] = '\0';
}


static void
ws_accept(const char *key, char accept[BENCH_ACCEPT_LEN + 1])
{
    int     n;
    char    text[128];
    u_char  digest[20];

    n = snprintf(text, sizeof(text),
                 "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);

    sha1(text, n, digest);
    accept[base64(accept, digest, sizeof(digest))] = '\0';
}


/* one frame, or 0 while it is not whole */

static size_t
ws_frame(conn_t *c, u_char *p, size_t len)
{
    int       opcode;
    size_t    head, size;
    uint32_t  mask;

    if (len < 2) {
        return 0;
    }

    opcode = p[0] & 0x0f;
    size = p[1] & 0x7f;
    head = 2 + (size == 126 ? 2 : size == 127 ? 8 : 0) + (c->server ? 4 : 0);

    if ((p[0] & 0xf0) != 0x80 || (p[1] >> 7) != c->server) {
        fail("a bad frame came: %02x %02x", p[0], p[1]);
    }

    if (len < head) {
        return 0;
    }

    if (size == 126) {
        size = (size_t) p[2] << 8 | p[3];

    } else if (size == 127) {
        size = (size_t) p[6] << 24 | (size_t) p[7] << 16
               | (size_t) p[8] << 8 | p[9];
    }

    if (size > BENCH_MAX_MESSAGE - 32) {
        fail("a frame of %zu bytes came", size);
    }

    if (len < head + size) {
        return 0;
    }

    if (c->server) {
        memcpy(&mask, p + head - 4, 4);
        ws_mask(p + head, size, mask);
    }

    ws_deliver(c, opcode, p + head, size);

    return head + size;
}


static void
ws_deliver(conn_t *c, int opcode, u_char *data, size_t len)
{
    unsigned  code;

    switch (opcode) {

    case BENCH_TEXT:
    case BENCH_BINARY:

        if (c->role->message == NULL) {
            fail("%s: an unexpected message: %.*s", c->uri ? c->uri : "tunnel",
                 (int) len, data);
        }

        c->role->message(c, opcode, data, len);
        return;

    case BENCH_PING:
        ws_send(c, BENCH_PONG, data, len);
        return;

    case BENCH_PONG:
        return;

    case BENCH_CLOSE:
        code = (len < 2) ? 1005 : (unsigned) data[0] << 8 | data[1];
        c->close_seen = 1;

        if (c->role->gone == NULL) {
            fail("%s was closed: %u %.*s", c->uri ? c->uri : "tunnel", code,
                 len > 2 ? (int) len - 2 : 0, data + 2);
        }

        if (!c->close_sent) {
            ws_close(c, code == 1005 ? 1000 : code);
        }

        return;
    }

    fail("a frame with opcode %d came", opcode);
}


void
ws_send(conn_t *c, int opcode, const void *data, size_t len)
{
    u_char  *p;

    p = ws_begin(c, len);
    memcpy(p, data, len);
    ws_end(c, opcode, p, len);
}


/* room for a payload of exactly len bytes in the connection's output */

u_char *
ws_begin(conn_t *c, size_t len)
{
    size_t  head;

    head = 2 + (len > 65535 ? 8 : len > 125 ? 2 : 0) + (c->server ? 0 : 4);

    return net_room(c, head + len) + head;
}


/* the frame header before it, and the mask over it */

void
ws_end(conn_t *c, int opcode, u_char *data, size_t len)
{
    int              i;
    u_char          *p;
    uint32_t         mask;
    static uint64_t  seed;

    p = data;

    if (!c->server) {
        mask = (uint32_t) mix(++seed) | 0x01010101;
        p -= 4;
        memcpy(p, &mask, 4);
        ws_mask(data, len, mask);
    }

    if (len > 65535) {
        for (i = 0; i < 8; i++) {
            *--p = (u_char) ((uint64_t) len >> (8 * i));
        }

        *--p = 127;

    } else if (len > 125) {
        *--p = (u_char) len;
        *--p = (u_char) (len >> 8);
        *--p = 126;

    } else {
        *--p = (u_char) len;
    }

    if (!c->server) {
        *p |= 0x80;
    }

    *--p = 0x80 | opcode;
}


void
ws_close(conn_t *c, unsigned code)
{
    u_char  data[2];

    data[0] = (u_char) (code >> 8);
    data[1] = (u_char) code;

    ws_send(c, BENCH_CLOSE, data, 2);
    c->close_sent = 1;
}


static void
ws_mask(u_char *data, size_t len, uint32_t mask)
{
    size_t    i;
    uint64_t  wide, word;

    wide = (uint64_t) mask << 32 | mask;

    for (i = 0; i + 8 <= len; i += 8) {
        memcpy(&word, data + i, 8);
        word ^= wide;
        memcpy(data + i, &word, 8);
    }

    for ( /* void */ ; i < len; i++) {
        data[i] ^= ((u_char *) &mask)[i & 3];
    }
}
