/* sources: src/ws/utf8.c */
/* options: -max_len=256 */

/*
 * Text is taken or refused as a plain decoder says, whole or in parts, and
 * refused at the first byte that makes it hopeless.
 */


#include "ws/utf8.h"


#define must(condition)                                                      \
    if (!(condition)) {                                                      \
        fprintf(stderr, "line %d: %s\n", __LINE__, #condition);              \
        abort();                                                             \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* the number of a character of n bytes, or -1 */

static long
decode(const u_char *p, int n)
{
    int   i;
    long  value;

    static const long  least[] = { 0, 0, 0x80, 0x800, 0x10000 };

    if (n == 1) {
        return p[0] < 0x80 ? p[0] : -1;
    }

    /* n ones and a zero */

    if (p[0] >> (7 - n) != (1 << (n + 1)) - 2) {
        return -1;
    }

    value = p[0] & (0xff >> (n + 1));

    for (i = 1; i < n; i++) {
        if (p[i] >> 6 != 2) {
            return -1;
        }

        value = value << 6 | (p[i] & 0x3f);
    }

    if (value < least[n] || value > 0x10ffff
        || (value >= 0xd800 && value <= 0xdfff))
    {
        return -1;
    }

    return value;
}


/* can these bytes be the beginning of a character? */

static int
begins(const u_char *p, size_t len)
{
    int     n, i;
    u_char  seq[4];
    static const u_char  rest[] = { 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf };

    for (n = (int) len + 1; n <= 4; n++) {
        memset(seq, 0x80, sizeof(seq));
        memcpy(seq, p, len);

        for (i = 0; i < 6; i++) {
            seq[len] = rest[i];

            if (decode(seq, n) >= 0) {
                return 1;
            }
        }
    }

    return 0;
}


/* how many bytes are good, and whether a character is complete then */

static size_t
reference(const u_char *p, size_t size, int *complete)
{
    int     n;
    size_t  i, left;

    for (i = 0; i < size; i += n) {
        left = size - i;

        for (n = 1; n <= 4; n++) {
            if ((size_t) n <= left && decode(p + i, n) >= 0) {
                break;
            }
        }

        if (n <= 4) {
            continue;
        }

        for (n = 0; n < 3 && (size_t) n < left && begins(p + i, n + 1); n++) {
            /* void */
        }

        *complete = 0;

        return i + n;
    }

    *complete = 1;

    return size;
}


static void
check(const u_char *data, size_t size, size_t step)
{
    int                 complete;
    size_t              i, n, good;
    u_char             *copy;
    ngx_int_t           rc;
    ngx_uplink_utf8_t   u;

    good = reference(data, size, &complete);

    memset(&u, 0, sizeof(u));
    rc = NGX_OK;

    for (i = 0; i < size; i += n) {
        n = step;

        if (step > 2) {
            step = step * 5 + 3;
            n = step % 37;
        }

        n = n && n < size - i ? n : size - i;

        copy = malloc(n);
        memcpy(copy, data + i, n);

        rc = ngx_uplink_utf8_check(&u, copy, n);

        free(copy);

        /* not before the bad byte, and as soon as it is there */

        must((rc == NGX_OK) == (i + n <= good));

        if (rc != NGX_OK) {
            return;
        }
    }

    must(good == size);
    must(ngx_uplink_utf8_complete(&u) == complete);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    check(data + 1, size - 1, 0);
    check(data + 1, size - 1, 1);
    check(data + 1, size - 1, 3 + data[0]);

    return 0;
}
