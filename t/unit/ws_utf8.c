/* sources: src/ws/utf8.c */

/*
 * UTF-8: every character, every sequence of up to three bytes and the ones
 * of four that matter, against a decoder that knows nothing of ranges.
 */


#include "tap.h"
#include "ws/utf8.h"


/* computes the number, and then asks whether that form was right for it */

static int
reference(const u_char *p, size_t len)
{
    int            n, i;
    unsigned long  value;

    static const unsigned long  least[] = { 0, 0x80, 0x800, 0x10000 };

    while (len) {

        for (n = 0; n < 8 && (*p & (0x80 >> n)); n++) { /* void */ }

        if (n == 0) {
            p++;
            len--;
            continue;
        }

        if (n == 1 || n > 4 || (size_t) n > len) {
            return 0;
        }

        value = *p & (0x7f >> n);

        for (i = 1; i < n; i++) {
            if ((p[i] & 0xc0) != 0x80) {
                return 0;
            }

            value = value << 6 | (p[i] & 0x3f);
        }

        if (value < least[n - 1] || value > 0x10ffff
            || (value >= 0xd800 && value <= 0xdfff))
        {
            return 0;
        }

        p += n;
        len -= n;
    }

    return 1;
}


static int
whole(u_char *p, size_t len)
{
    ngx_uplink_utf8_t  u;

    memset(&u, 0, sizeof(u));

    return ngx_uplink_utf8_check(&u, p, len) == NGX_OK
           && ngx_uplink_utf8_complete(&u);
}


static int
parts(u_char *p, size_t len, size_t cut)
{
    ngx_uplink_utf8_t  u;

    memset(&u, 0, sizeof(u));

    return ngx_uplink_utf8_check(&u, p, cut) == NGX_OK
           && ngx_uplink_utf8_check(&u, p + cut, len - cut) == NGX_OK
           && ngx_uplink_utf8_complete(&u);
}


/* counts through all from the one to the other, cut in two at every byte */

static unsigned long
sequences(size_t len, const u_char *from, const u_char *to)
{
    size_t         i, cut;
    u_char         seq[4];
    unsigned long  bad;
    int            good;

    bad = 0;
    memcpy(seq, from, len);

    for ( ;; ) {

        good = reference(seq, len);
        bad += whole(seq, len) != good;

        for (cut = 1; cut < len; cut++) {
            bad += parts(seq, len, cut) != good;
        }

        for (i = len; i > 0; i--) {
            if (seq[i - 1] != to[i - 1]) {
                seq[i - 1]++;
                break;
            }

            seq[i - 1] = from[i - 1];
        }

        if (i == 0) {
            return bad;
        }
    }
}


static void
exhaustive(void)
{
    size_t         before, len, cut;
    u_char         text[64];
    unsigned long  bad;

    static const u_char  all[] = { 0, 0 };
    static const u_char  three[] = { 0xc0, 0, 0 };
    static const u_char  end[] = { 0xff, 0xff, 0xff, 0xff };
    static const u_char  four[] = { 0xef, 0x7f, 0x7f, 0x7f };
    static const u_char  five[] = { 0xf8, 0xc0, 0xc0, 0xc0 };

    ok(sequences(1, all, end) == 0, "every byte");
    ok(sequences(2, all, end) == 0, "every two bytes");
    ok(sequences(3, three, end) == 0, "every three that do not begin plain");
    ok(sequences(4, four, five) == 0, "the four bytes that matter");

    bad = 0;

    for (before = 0; before < 48; before++) {
        memset(text, 'a', sizeof(text));
        memcpy(text + before, "\xe2\x82\xac", 3);

        for (len = before; len <= sizeof(text); len++) {
            for (cut = 0; cut <= len; cut++) {
                bad += parts(text, len, cut) != reference(text, len);
            }
        }

        text[before + 1] = 0xff;

        for (cut = 0; cut <= sizeof(text); cut++) {
            bad += parts(text, sizeof(text), cut);
        }
    }

    ok(bad == 0, "behind ASCII of every length");
}


/* the first byte that makes it hopeless, not the end of the character */

static void
early(void)
{
    int                i, n, len;
    u_char            *p;
    ngx_int_t          rc;
    ngx_uplink_utf8_t  u;

    static const char * const  cases[] = {
        "\x80", "\xc0", "\xc1", "\xf5", "\xff", "\xc2 ", "\xe0\x9f",
        "\xed\xa0", "\xe2\x82 ", "\xf0\x8f", "\xf4\x90", "\xf0\x9f\x98 ",
        NULL
    };

    for (i = 0; cases[i]; i++) {
        memset(&u, 0, sizeof(u));

        p = (u_char *) cases[i];
        len = (int) strlen(cases[i]);
        rc = NGX_OK;

        for (n = 0; n < len && rc == NGX_OK; n++) {
            rc = ngx_uplink_utf8_check(&u, p + n, 1);
        }

        ok(rc == NGX_ERROR && n == len, "case %d is told at byte %d of %d",
           i, n, len);
    }
}


int
main(void)
{
    exhaustive();
    early();

    return done();
}
