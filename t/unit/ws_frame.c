/* sources: src/ws/frame.c */

/*
 * Frame headers there and back, masking at every offset, close codes.
 */


#include "tap.h"
#include "ws/frame.h"


static const size_t  sizes[] = {
    0, 1, 2, 124, 125, 126, 127, 128, 255, 256, 65534, 65535, 65536, 65537,
    0xffffff, 0x7fffffff, 0xffffffff, 0x100000000
};

#define SIZES  (sizeof(sizes) / sizeof(sizes[0]))

#define MAX_HEAD  10    /* without a mask */


/* a client's header: what we write, with the bit and a mask */

static size_t
client_head(u_char *p, int opcode, size_t len, const char *mask)
{
    u_char  *last;

    last = ngx_uplink_frame_head(p, opcode, len);
    p[1] |= 0x80;
    memcpy(last, mask, 4);

    return last + 4 - p;
}


static void
heads(void)
{
    size_t              i, n, cut;
    u_char              buf[32], *p;
    ngx_int_t           rc;
    ngx_uplink_frame_t  f;

    for (i = 0; i < SIZES; i++) {

        p = ngx_uplink_frame_head(buf, NGX_UPLINK_FRAME_BINARY, sizes[i]);

        ok((size_t) (p - buf) == ngx_uplink_frame_head_size(sizes[i])
           && p - buf <= MAX_HEAD,
           "size of the header for %zu", sizes[i]);

        n = client_head(buf, NGX_UPLINK_FRAME_BINARY, sizes[i], "mask");
        rc = NGX_OK;

        /* cut in two at every byte; all its bytes are needed */

        for (cut = 0; cut < n && rc == NGX_OK; cut++) {
            memset(&f, 0, sizeof(f));

            p = buf;
            rc = ngx_uplink_frame_parse(&f, &p, buf + cut);

            if (rc != NGX_AGAIN || p != buf + cut) {
                rc = NGX_ERROR;
                break;
            }

            rc = ngx_uplink_frame_parse(&f, &p, buf + n);

            if (p != buf + n || f.length != sizes[i] || f.left != sizes[i]
                || f.opcode != NGX_UPLINK_FRAME_BINARY || !f.fin
                || memcmp(f.mask, "mask", 4) != 0
                || !ngx_uplink_frame_in_payload(&f))
            {
                rc = NGX_ERROR;
            }
        }

        ok(rc == NGX_OK, "read back, in two parts: %zu", sizes[i]);
    }
}


static void
refused(void)
{
    int                 i, n;
    u_char             *p;
    ngx_int_t           rc;
    ngx_uplink_frame_t  f;

    /* each with the number of bytes after which it is clear */

    static const struct {
        const char  *bytes;
        int          len;
        int          message;
        const char  *error;
    } cases[] = {
        { "\xc1", 1, 0, "frame with reserved bits set" },
        { "\x91", 1, 0, "frame with reserved bits set" },
        { "\xa2", 1, 0, "frame with reserved bits set" },
        { "\x83", 1, 0, "frame with reserved opcode" },
        { "\x87", 1, 0, "frame with reserved opcode" },
        { "\x8b", 1, 0, "frame with reserved opcode" },
        { "\x8f", 1, 0, "frame with reserved opcode" },
        { "\x08", 1, 0, "fragmented control frame" },
        { "\x09", 1, 1, "fragmented control frame" },
        { "\x80", 1, 0, "continuation frame without a message" },
        { "\x00", 1, 0, "continuation frame without a message" },
        { "\x81", 1, 1, "new message inside a fragmented one" },
        { "\x02", 1, 2, "new message inside a fragmented one" },
        { "\x81\x05", 2, 0, "unmasked frame" },
        { "\x88\x00", 2, 0, "unmasked frame" },
        { "\x89\xfe", 2, 0, "too long control frame" },
        { "\x88\xff", 2, 0, "too long control frame" },
        { "\x81\xfe\x00\x00", 4, 0,
          "frame with length not in the shortest form" },
        { "\x81\xfe\x00\x7d", 4, 0,
          "frame with length not in the shortest form" },
        { "\x81\xff\x00\x00\x00\x00\x00\x00", 8, 0,
          "frame with length not in the shortest form" },
        { "\x81\xff\x80", 3, 0, "frame with length over 63 bits" },
        { NULL, 0, 0, NULL }
    };

    for (i = 0; cases[i].bytes; i++) {

        memset(&f, 0, sizeof(f));
        f.message = cases[i].message;

        rc = NGX_AGAIN;

        for (n = 0; n < cases[i].len && rc == NGX_AGAIN; n++) {
            p = (u_char *) cases[i].bytes + n;
            rc = ngx_uplink_frame_parse(&f, &p, p + 1);
        }

        ok(rc == NGX_ERROR && n == cases[i].len
           && strcmp(f.error, cases[i].error) == 0,
           "%s, at byte %d of %d", cases[i].error, n, cases[i].len);
    }
}


static void
masks(void)
{
    u_char              plain[200], masked[200], out[200];
    size_t              i, len, cut;
    ngx_uint_t          bad;
    ngx_uplink_frame_t  f;

    static const u_char  mask[4] = { 0x12, 0xff, 0x00, 0x80 };

    bad = 0;

    for (i = 0; i < sizeof(plain); i++) {
        plain[i] = (u_char) (i * 37 + 11);
        masked[i] = plain[i] ^ mask[i % 4];
    }

    for (len = 0; len <= sizeof(plain); len++) {
        for (cut = 0; cut <= len; cut++) {

            memset(&f, 0, sizeof(f));
            memcpy(f.mask, mask, 4);
            f.left = len;

            memset(out, 0xee, sizeof(out));

            ngx_uplink_frame_unmask(&f, out, masked, cut);
            ngx_uplink_frame_unmask(&f, out + cut, masked + cut, len - cut);

            bad += memcmp(out, plain, len) != 0 || f.left != 0
                   || (len < sizeof(out) && out[len] != 0xee);

            /* in place, the first part only consumed */

            memcpy(f.mask, mask, 4);
            f.left = len;
            memcpy(out, masked, len);

            ngx_uplink_frame_unmask(&f, NULL, out, cut);
            ngx_uplink_frame_unmask(&f, out + cut, out + cut, len - cut);

            bad += memcmp(out, masked, cut) != 0
                   || memcmp(out + cut, plain + cut, len - cut) != 0;
        }
    }

    ok(bad == 0, "unmasking, every length in every two parts");
}


/* RFC 6455, 7.4, and the registry: a list, not the ranges of the code */

static void
codes(void)
{
    int         i;
    ngx_uint_t  code, good, bad;

    static const ngx_uint_t  defined[] = {
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013,
        1014, 0
    };

    bad = 0;

    for (code = 0; code <= 65535; code++) {
        good = code >= 3000 && code < 5000;

        for (i = 0; defined[i]; i++) {
            good = good || defined[i] == code;
        }

        bad += ngx_uplink_frame_close_code(code) != good;
    }

    ok(bad == 0, "all close codes");
}


int
main(void)
{
    heads();
    refused();
    masks();
    codes();

    return done();
}
