/* sources: src/wire/base64.c src/wire/text.c src/wire/scan.c */
/* sources: src/wire/names.c */

/*
 * Base64: the vectors of RFC 4648, what is refused, there and back.
 */


#include "tap.h"
#include "wire/base64.h"


/* in blocks of their own, of just the size that was promised */

static ngx_int_t
decode(const char *text, size_t len, u_char *out, size_t *n)
{
    size_t      checked;
    u_char     *src, *dst;
    ngx_int_t   rc, crc;

    src = malloc(len ? len : 1);
    dst = malloc(NGX_UPLINK_BASE64_DECODED(len) + (len == 0));
    memcpy(src, text, len);

    crc = ngx_uplink_base64_check(src, len, &checked);
    rc = ngx_uplink_base64_decode(dst, src, len, n);

    if (rc == NGX_OK) {
        memcpy(out, dst, *n);
    }

    if (crc != rc || (rc == NGX_OK && checked != *n)) {
        ok(0, "check and decode agree: %.*s", (int) len, text);
    }

    free(src);
    free(dst);

    return rc;
}


static void
vectors(void)
{
    int      i;
    u_char   out[64], *end;
    size_t   n;

    static const struct {
        const char  *text;
        const char  *base64;
    } cases[] = {
        { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" }, { "hello\n", "aGVsbG8K" },
        { "\xfb\xff\xbf", "+/+/" }, { "\xff", "/w==" },
        { NULL, NULL }
    };

    for (i = 0; cases[i].text; i++) {
        end = ngx_uplink_base64_encode(out, (u_char *) cases[i].text,
                                       strlen(cases[i].text));

        ok((size_t) (end - out) == strlen(cases[i].base64)
           && memcmp(out, cases[i].base64, end - out) == 0,
           "encode \"%s\"", cases[i].base64);

        ok(decode(cases[i].base64, strlen(cases[i].base64), out, &n)
           == NGX_OK
           && n == strlen(cases[i].text) && memcmp(out, cases[i].text, n) == 0,
           "decode \"%s\"", cases[i].base64);
    }

    ok(decode("Zh==", 4, out, &n) == NGX_OK && n == 1 && out[0] == 'f'
       && decode("Zm9=", 4, out, &n) == NGX_OK && n == 2,
       "bits beyond the last byte do not matter");
}


static void
refused(void)
{
    int     i;
    u_char  out[64];
    size_t  n;

    static const struct {
        const char  *text;
        size_t       len;
    } cases[] = {
        { "Z", 1 }, { "Zg", 2 }, { "Zg=", 3 }, { "Zm9vY", 5 }, { "=", 1 },
        { "==", 2 }, { "===", 3 }, { "====", 4 }, { "Z===", 4 },
        { "Zg==Zg==", 8 }, { "Zm8=Zm9v", 8 }, { "Z=g=", 4 }, { "=Zg=", 4 },
        { "Zg=v", 4 }, { "Zm9v====", 8 }, { "Zm9vZ===", 8 },
        { "*m9=", 4 }, { "Z*9=", 4 }, { "Zm*=", 4 }, { "*g==", 4 },
        { "Z*==", 4 }, { "Zm 9", 4 }, { "Zm9v\n", 5 }, { "Zm9\n", 4 },
        { "Zm-v", 4 },
        { "Zm_v", 4 }, { "Zm9\0", 4 }, { "Zm9\x80", 4 }, { "Zm9\xff", 4 },
        { "\xc3\xa9""aa", 4 }, { "Zm9vZm9vZm9*", 12 }, { "Zm9vZ\\/v", 8 },
        { NULL, 0 }
    };

    for (i = 0; cases[i].text; i++) {
        ok(decode(cases[i].text, cases[i].len, out, &n) == NGX_ERROR,
           "refused %d", i);
    }
}


static void
every_byte(void)
{
    int      ch, i, wrong;
    char     text[16];
    u_char   out[16];
    size_t   n;

    static const char  chars[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    wrong = 0;

    for (ch = 0; ch < 256; ch++) {
        for (i = 0; i < 11; i++) {
            memset(text, 'A', 12);
            text[i] = (char) ch;

            wrong += (decode(text, 12, out, &n) == NGX_OK)
                     != (memchr(chars, ch, 64) != NULL);
        }
    }

    ok(wrong == 0, "every byte at every place");
}


static void
round_trip(void)
{
    int        i, wrong;
    u_char     raw[300], text[400], back[300], *end;
    size_t     len, n;
    uint32_t   x;

    wrong = 0;
    x = 1;

    for (len = 0; len < sizeof(raw); len++) {
        for (i = 0; i < (int) len; i++) {
            x = x * 1664525 + 1013904223;
            raw[i] = (u_char) (x >> 24);
        }

        end = ngx_uplink_base64_encode(text, raw, len);

        wrong += (size_t) (end - text) != NGX_UPLINK_BASE64_ENCODED(len);

        wrong += decode((char *) text, end - text, back, &n) != NGX_OK
                 || n != len || memcmp(back, raw, n) != 0;

        /* in its own place */

        wrong += ngx_uplink_base64_decode(text, text, end - text, &n)
                 != NGX_OK
                 || n != len || memcmp(text, raw, n) != 0;
    }

    ok(wrong == 0, "0 to 299 bytes, there and back");
}


static void
values(void)
{
    int                       i;
    u_char                    out[64];
    size_t                    n, checked;
    ngx_int_t                 rc;
    ngx_uplink_value_t        value;
    ngx_uplink_json_error_t   err;

    static const struct {
        const char  *json;
        const char  *decoded;
    } cases[] = {
        { "\"\"", "" }, { "\"Zm9v\"", "foo" },
        { "\"\\/\\/79\"", "\xff\xfe\xfd" },
        { "\"+\\/+\\/\"", "\xfb\xff\xbf" }, { "\"\\u005am9v\"", "foo" },
        { "\"Zg\\u003D\\u003d\"", "f" }, { "\"Zm8\\u003D\"", "fo" },
        { "\"Zm9\"", NULL }, { "\"Zm9\\n\"", NULL }, { "\"Zm\\/\"", NULL },
        { "\"Zm\\u00e9\"", NULL }, { "\"Zg=\\u003dZg==\"", NULL },
        { "\"Z\\u003d==\"", NULL }, { "\"Zg\\u003dg\"", NULL },
        { "\"Zm9\\u0000\"", NULL }, { "\"\\u003d\"", NULL },
        { "\"Zm9vZm9v\\u003d=\"", NULL },
        { "null", NULL }, { "1234", NULL }, { "[]", NULL },
        { NULL, NULL }
    };

    for (i = 0; cases[i].json; i++) {
        (void) ngx_uplink_json_check((u_char *) cases[i].json,
                                     strlen(cases[i].json), &value, &err);

        rc = ngx_uplink_base64_decode_value(out, &value, &n);

        if (cases[i].decoded == NULL) {
            ok(rc == NGX_ERROR
               && ngx_uplink_base64_check_value(&value, &checked)
                  == NGX_ERROR,
               "refused: %s", cases[i].json);
            continue;
        }

        ok(rc == NGX_OK && n == strlen(cases[i].decoded)
           && memcmp(out, cases[i].decoded, n) == 0
           && ngx_uplink_base64_check_value(&value, &checked) == NGX_OK
           && checked == n,
           "value %s", cases[i].json);
    }
}


int
main(void)
{
    vectors();
    refused();
    every_byte();
    round_trip();
    values();

    return done();
}
