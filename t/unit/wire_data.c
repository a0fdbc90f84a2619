/* sources: src/wire/data.c src/wire/base64.c src/wire/text.c */
/* sources: src/wire/scan.c src/wire/names.c */
/* again: -U__SSE2__ */

/*
 * terminal.data in one pass: what is taken, and what is left to others.
 */


#include "tap.h"
#include "wire/base64.h"
#include "wire/data.h"


#define OPEN   "{\"type\":\"terminal.data\",\"payload\":{"
#define CLOSE  "}}"


/*
 * In a block of just its size; with what was learnt from the messages before
 * it, and as the first one.
 */

static ngx_int_t
match(const char *text, size_t len, ngx_uplink_data_t *d, u_char **copy)
{
    ngx_int_t                 rc;
    ngx_uplink_data_t         first;
    ngx_uplink_data_shape_t   none;

    static ngx_uplink_data_shape_t  shape;

    *copy = malloc(len ? len : 1);
    memcpy(*copy, text, len);

    memset(&none, 0, sizeof(none));
    memset(&first, 0, sizeof(first));
    memset(d, 0, sizeof(ngx_uplink_data_t));

    rc = ngx_uplink_data_match(&shape, *copy, len, d);

    if (rc != ngx_uplink_data_match(&none, *copy, len, &first)
        || (rc == NGX_OK
            && (d->session_len != first.session_len
                || (d->session_len && d->session != first.session)
                || d->base64 != first.base64
                || d->base64_len != first.base64_len
                || d->raw != first.raw)))
    {
        return NGX_ERROR;
    }

    return rc;
}


static void
taken(void)
{
    int                 i;
    u_char             *copy;
    ngx_int_t           rc;
    ngx_uplink_data_t   d;

    static const struct {
        const char  *text;
        const char  *session;
        const char  *base64;
        size_t       raw;
    } cases[] = {
        { OPEN "\"session_id\":\"s-1\",\"data_b64\":\"aGVsbG8K\"" CLOSE,
          "s-1", "aGVsbG8K", 6 },
        { OPEN "\"data_b64\":\"Zg==\",\"session_id\":\"s\"" CLOSE,
          "s", "Zg==", 1 },
        { OPEN "\"data_b64\":\"Zm8=\"" CLOSE, "", "Zm8=", 2 },
        { OPEN "\"data_b64\":\"\"" CLOSE, "", "", 0 },
        { " { \"payload\" : { \"session_id\":\n\"s\" , \"data_b64\":\"+/+/\""
          "\t} , \"req_id\":\"r\", \"type\" : \"terminal.data\" }\r\n",
          "s", "+/+/", 3 },
        { NULL, NULL, NULL, 0 }
    };

    for (i = 0; cases[i].text; i++) {
        rc = match(cases[i].text, strlen(cases[i].text), &d, &copy);

        ok(rc == NGX_OK
           && d.session_len == strlen(cases[i].session)
           && (d.session_len == 0
               || memcmp(d.session, cases[i].session, d.session_len) == 0)
           && d.base64_len == strlen(cases[i].base64)
           && memcmp(d.base64, cases[i].base64, d.base64_len) == 0
           && d.raw == cases[i].raw,
           "taken: %s", cases[i].text);

        free(copy);
    }
}


static void
left(void)
{
    int                 i;
    u_char             *copy;
    ngx_uplink_data_t   d;

    static const char  *cases[] = {
        "", "{}", "[]", "{", "{\"type\":\"terminal.data\"}",
        "{\"type\":\"terminal.data\",\"payload\":{}}",
        "{\"type\":\"terminal.data\",\"payload\":null}",
        "{\"type\":\"terminal.dato\",\"payload\":{\"data_b64\":\"\"}}",
        "{\"payload\":{\"data_b64\":\"\"}}",
        "{\"type\":\"terminal.data\",\"data_b64\":\"\"}",
        OPEN "\"session_id\":\"s\"" CLOSE,
        OPEN "\"session_id\":\"\",\"data_b64\":\"\"" CLOSE,
        OPEN "\"session_id\":1,\"data_b64\":\"\"" CLOSE,
        OPEN "\"session_id\":\"a\\u0041\",\"data_b64\":\"\"" CLOSE,
        OPEN "\"session_id\":\"\xc3\xa4\",\"data_b64\":\"\"" CLOSE,
        OPEN "\"session_id\":\"a\x01\",\"data_b64\":\"\"" CLOSE,
        OPEN "\"data_b64\":\"a\"" CLOSE,
        OPEN "\"data_b64\":\"aa\"" CLOSE,
        OPEN "\"data_b64\":\"=\"" CLOSE,
        OPEN "\"data_b64\":\"====\"" CLOSE,
        OPEN "\"data_b64\":\"a===\"" CLOSE,
        OPEN "\"data_b64\":\"aa=a\"" CLOSE,
        OPEN "\"data_b64\":\"aaa-\"" CLOSE,
        OPEN "\"data_b64\":\"aaaa" CLOSE,
        OPEN "\"data_b64\":\"aaa\\/\"" CLOSE,
        OPEN "\"data_b64\":\"aaaa\",\"data_b64\":\"aaaa\"" CLOSE,
        OPEN "\"data_b64\":\"aaaa\",\"type\":\"x\"" CLOSE,
        OPEN "\"data_b64\":\"aaaa\",\"other\":\"x\"" CLOSE,
        OPEN "\"data_b64\":\"aaaa\"," CLOSE,
        OPEN "\"data_b64\":\"aaaa\"" CLOSE "x",
        OPEN "\"data_b64\":\"aaaa\"}",
        OPEN "\"data_b64\":\"aaaa\"},\"type\":\"terminal.data\"}",
        OPEN "\"data_b64\":\"aaaa\"},\"req_id\":null}",
        OPEN "\"data_b64\":\"aaaa\"},\"x\":1}",
        NULL
    };

    for (i = 0; cases[i]; i++) {
        ok(match(cases[i], strlen(cases[i]), &d, &copy) == NGX_DECLINED,
           "left: %s", cases[i]);
        free(copy);
    }
}


/* every length of what is between, cut off anywhere, spoiled anywhere */

static void
lengths(void)
{
    char                text[512], spoiled[512];
    u_char             *copy, raw[128];
    size_t              n, len, i, head;
    ngx_uint_t          good, cut, bad;
    ngx_uplink_data_t   d;

    good = cut = bad = 0;

    for (n = 0; n < sizeof(raw); n++) {
        raw[n] = (u_char) (n * 151);

        head = sprintf(text, OPEN "\"session_id\":\"s\",\"data_b64\":\"");
        len = (char *) ngx_uplink_base64_encode((u_char *) text + head, raw,
                                                n)
              - text;
        len += sprintf(text + len, "\"" CLOSE);

        good += (match(text, len, &d, &copy) == NGX_OK && d.raw == n
                 && d.base64 == copy + head);
        free(copy);

        for (i = 0; i < len; i++) {
            cut += (match(text, i, &d, &copy) != NGX_DECLINED);
            free(copy);
        }

        for (i = head; i < len - 3; i++) {
            memcpy(spoiled, text, len);
            spoiled[i] = (i % 2) ? '\x80' : '-';
            bad += (match(spoiled, len, &d, &copy) != NGX_DECLINED);
            free(copy);
        }
    }

    ok(good == sizeof(raw), "data of every length: %d", (int) good);
    ok(cut == 0, "nothing that is cut off");
    ok(bad == 0, "nothing with a byte that is not of the alphabet");
}


/* one byte of all of it changed: the shape says what the parser says */

static void
shapes(void)
{
    char                text[256], other[256];
    u_char             *copy;
    size_t              i, len;
    ngx_int_t           rc;
    ngx_uint_t          ch, wrong;
    ngx_uplink_data_t   d;

    wrong = 0;

    len = sprintf(text, "{\"type\":\"terminal.data\",\"req_id\":\"r\","
                  "\"payload\":{\"session_id\":\"session-1\","
                  "\"data_b64\":\"aGVsbG8K\"}}");

    for (i = 0; i < len; i++) {
        for (ch = 0; ch < 256; ch++) {
            wrong += (match(text, len, &d, &copy) != NGX_OK);
            free(copy);

            memcpy(other, text, len);
            other[i] = (char) ch;

            rc = match(other, len, &d, &copy);
            wrong += (rc == NGX_ERROR);
            free(copy);
        }
    }

    ok(wrong == 0, "what was learnt changes nothing");
}


/* names as programs make them: in a table of twice as many places */

static void
hashes(void)
{
    char        name[64];
    u_char      taken[1024];
    size_t      len;
    ngx_uint_t  form, i, n, place, worst;

    static const char  *forms[] = {
        "%08x-0000-4000-8000-%012x", "session-%u", "pty%05u",
        "%08x-0000-4000-8000-000000000000",
        "00000000-0000-4000-8000-%012u", "%u"
    };

    worst = 1024;

    for (form = 0; form < sizeof(forms) / sizeof(char *); form++) {
        for (n = 32; n <= 512; n *= 2) {
            memset(taken, 0, sizeof(taken));
            place = 0;

            for (i = 0; i < n; i++) {
                len = sprintf(name, forms[form], (unsigned) i, (unsigned) i);
                taken[ngx_uplink_data_hash((u_char *) name, len)
                      & (2 * n - 1)] = 1;
            }

            for (i = 0; i < 2 * n; i++) {
                place += taken[i];
            }

            /* of a thousand; by chance it would be 787 */

            worst = ngx_min(worst, place * 1000 / n);
        }
    }

    ok(worst >= 600, "sessions have places of their own: %u of 1000",
       (unsigned) worst);
}


static void
alphabet(void)
{
    int         ch;
    u_char      text[80], *p;
    ngx_uint_t  wrong, in;

    wrong = 0;

    for (ch = 0; ch < 256; ch++) {
        memset(text, 'A', sizeof(text));

        in = (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z')
             || (ch >= '0' && ch <= '9') || ch == '+' || ch == '/';

        for (p = text; p < text + sizeof(text); p++) {
            *p = (u_char) ch;
            wrong += (ngx_uplink_base64_run(text, text + sizeof(text))
                      != (in ? text + sizeof(text) : p));
            *p = 'A';
        }
    }

    ok(wrong == 0, "every byte, in every place");
}


int
main(void)
{
    taken();
    left();
    lengths();
    shapes();
    hashes();
    alphabet();

    return done();
}
