
/*
 * Small sums: SHA-1 and base64 for the handshake, a mixer for pseudo-random
 * numbers, and the reading of one string out of a JSON text whose form the
 * tool knows.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>

#include "bench.h"


static void sha1_block(uint32_t state[5], const u_char *p);


static const char  base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


/* of short texts: the padding must fit into two blocks with the last bytes */

void
sha1(const void *data, size_t len, u_char digest[20])
{
    u_char         last[128];
    size_t         i, rest, total;
    uint32_t       state[5] = { 0x67452301, 0xefcdab89, 0x98badcfe,
                                0x10325476, 0xc3d2e1f0 };
    const u_char  *p;

    p = data;

    for (rest = len; rest >= 64; rest -= 64) {
        sha1_block(state, p);
        p += 64;
    }

    total = (rest < 56) ? 64 : 128;

    memset(last, 0, sizeof(last));
    memcpy(last, p, rest);
    last[rest] = 0x80;

    for (i = 0; i < 8; i++) {
        last[total - 1 - i] = (u_char) (((uint64_t) len << 3) >> (8 * i));
    }

    for (i = 0; i < total; i += 64) {
        sha1_block(state, last + i);
    }

    for (i = 0; i < 20; i++) {
        digest[i] = (u_char) (state[i / 4] >> (24 - 8 * (i % 4)));
    }
}


static void
sha1_block(uint32_t state[5], const u_char *p)
{
    int       i;
    uint32_t  a, b, c, d, e, f, k, t, w[80];

#define rol(x, n)  (((x) << (n)) | ((x) >> (32 - (n))))

    for (i = 0; i < 16; i++) {
        w[i] = (uint32_t) p[4 * i] << 24 | (uint32_t) p[4 * i + 1] << 16
               | (uint32_t) p[4 * i + 2] << 8 | p[4 * i + 3];
    }

    for ( /* void */ ; i < 80; i++) {
        t = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
        w[i] = rol(t, 1);
    }

    a = state[0];
    b = state[1];
    c = state[2];
    d = state[3];
    e = state[4];

    for (i = 0; i < 80; i++) {

        if (i < 20) {
            f = (b & c) | (~b & d);
            k = 0x5a827999;

        } else if (i < 40) {
            f = b ^ c ^ d;
            k = 0x6ed9eba1;

        } else if (i < 60) {
            f = (b & c) | (b & d) | (c & d);
            k = 0x8f1bbcdc;

        } else {
            f = b ^ c ^ d;
            k = 0xca62c1d6;
        }

        t = rol(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rol(b, 30);
        b = a;
        a = t;
    }

#undef rol

    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}


size_t
base64(char *dst, const u_char *src, size_t len)
{
    char      *p;
    uint32_t   n;

    p = dst;

    while (len >= 3) {
        n = (uint32_t) src[0] << 16 | (uint32_t) src[1] << 8 | src[2];

        *p++ = base64_alphabet[n >> 18];
        *p++ = base64_alphabet[(n >> 12) & 63];
        *p++ = base64_alphabet[(n >> 6) & 63];
        *p++ = base64_alphabet[n & 63];

        src += 3;
        len -= 3;
    }

    if (len) {
        n = (uint32_t) src[0] << 16 | (len == 2 ? (uint32_t) src[1] << 8 : 0);

        *p++ = base64_alphabet[n >> 18];
        *p++ = base64_alphabet[(n >> 12) & 63];
        *p++ = (len == 2) ? base64_alphabet[(n >> 6) & 63] : '=';
        *p++ = '=';
    }

    return p - dst;
}


uint64_t
mix(uint64_t x)
{
    x ^= x >> 30;
    x *= 0xbf58476d1ce4e5b9;
    x ^= x >> 27;
    x *= 0x94d049bb133111eb;

    return x ^ (x >> 31);
}


/*
 * the value of the first member of this name, wherever it is; the values
 * asked for hold no escapes, and a text without the member ends the run
 */

void
json_string(const u_char *data, size_t len, const char *name, char *value,
    size_t size)
{
    int            n;
    char           member[64];
    const u_char  *p, *last, *quote;

    n = snprintf(member, sizeof(member), "\"%s\":\"", name);
    last = data + len;

    p = memmem(data, len, member, n);
    if (p == NULL) {
        fail("no \"%s\" in %.*s", name, (int) len, data);
    }

    p += n;

    quote = memchr(p, '"', last - p);
    if (quote == NULL || (size_t) (quote - p) >= size) {
        fail("bad \"%s\" in %.*s", name, (int) len, data);
    }

    memcpy(value, p, quote - p);
    value[quote - p] = '\0';
}
