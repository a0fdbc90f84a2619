/* sources: src/wire/scan.c src/wire/names.c src/wire/text.c */
/* sources: src/wire/value.c */
/* again: -U__SSE2__ */

/*
 * What is found in a message: exactly the bytes that were sent.
 */


#include "tap.h"
#include "wire/wire.h"


static ngx_uplink_json_error_t  err;


/* the value of a text that is known to be good */

static ngx_uplink_value_t
parse(const char *text)
{
    ngx_uplink_value_t  value;

    if (ngx_uplink_json_check((u_char *) text, strlen(text), &value, &err)
        != NGX_OK)
    {
        ok(0, "%s: %s at %d", text, err.what, (int) err.offset);
        exit(1);
    }

    return value;
}


static int
same(ngx_uplink_value_t *value, const char *text)
{
    size_t  len;

    len = strlen(text);

    return (size_t) (value->end - value->start) == len
           && memcmp(value->start, text, len) == 0;
}


static void
outermost(void)
{
    int                 i;
    ngx_uplink_value_t  value;

    static const struct {
        const char         *text;
        const char         *span;
        ngx_uplink_json_e   kind;
    } cases[] = {
        { "null",          "null",     NGX_UPLINK_JSON_NULL },
        { " true\n",       "true",     NGX_UPLINK_JSON_TRUE },
        { "\tfalse ",      "false",    NGX_UPLINK_JSON_FALSE },
        { " -0 ",          "-0",       NGX_UPLINK_JSON_NUMBER },
        { "1e999",         "1e999",    NGX_UPLINK_JSON_NUMBER },
        { " \" a \" ",     "\" a \"",  NGX_UPLINK_JSON_STRING },
        { "\n[ 1 , 2 ] ",  "[ 1 , 2 ]", NGX_UPLINK_JSON_ARRAY },
        { " { } ",         "{ }",      NGX_UPLINK_JSON_OBJECT },
        { NULL, NULL, 0 }
    };

    for (i = 0; cases[i].text; i++) {
        value = parse(cases[i].text);

        ok(value.kind == cases[i].kind && same(&value, cases[i].span),
           "outermost: %s", cases[i].span);
    }
}


/* what is passed on is spliced out of the message: not a byte may change */

static void
spans(void)
{
    int                  i;
    char                 text[4096];
    u_char              *pos;
    ngx_int_t            rc;
    ngx_uplink_value_t   object, array, key, value;

    static const char *const  values[] = {
        "1e999", "12345678901234567890", "-0", "1.0", "1E+2", "0.10",
        "-1.5e-07", "100000000000000000000000000000000000000000000001",
        "null", "true", "false", "\"\"", "\"\\u0041\\/\\n\\uD83D\\uDE00\"",
        "\"\xc3\xa9\\u00e9\"", "\"\\\\\"", "\"\\\"\"", "\"]},{[:\\\"\"",
        "\"0123456789abcdef0123456789abcdef\\\\\"",
        "[]", "[ ]", "{}", "{ }", "[[],[[1,2]],{}]", "{\"z\":1,\"a\":2}",
        "{ \"z\" : { \"]\" : \"}\" } , \"a\" : [ \"\\\"\" ] }",
        "[\"]\",\"[\",\"\\\"]\"]", "{\"a\":{\"b\":{\"c\":[{}]}}}", NULL
    };

    static const char *const  spaces[] = { "", " ", "\n\t \r", NULL };

    for (i = 0; spaces[i]; i++) {
        int    n;
        char  *p;

        p = text + sprintf(text, "{");

        for (n = 0; values[n]; n++) {
            p += sprintf(p, "%s%s\"k\\u0030%d\"%s:%s%s%s", n ? "," : "",
                         spaces[i], n, spaces[i], spaces[i], values[n],
                         spaces[i]);
        }

        sprintf(p, "}");

        object = parse(text);
        pos = NULL;

        for (n = 0; values[n]; n++) {
            char  name[32];

            rc = ngx_uplink_json_next(&object, &pos, &key, &value);

            sprintf(name, "\"k\\u0030%d\"", n);

            ok(rc == NGX_OK && same(&value, values[n]) && same(&key, name)
               && key.kind == NGX_UPLINK_JSON_STRING,
               "member %s", values[n]);

            sprintf(name, "k0%d", n);

            ok(ngx_uplink_json_get(&object, name, &value) == value.kind
               && same(&value, values[n]),
               "member %s by name", values[n]);
        }

        ok(ngx_uplink_json_next(&object, &pos, &key, &value) == NGX_DONE
           && ngx_uplink_json_next(&object, &pos, &key, &value) == NGX_DONE,
           "then no more");

        p = text + sprintf(text, "[");

        for (n = 0; values[n]; n++) {
            p += sprintf(p, "%s%s%s%s", n ? "," : "", spaces[i], values[n],
                         spaces[i]);
        }

        sprintf(p, "]");

        array = parse(text);
        pos = NULL;

        for (n = 0; values[n]; n++) {
            rc = ngx_uplink_json_next(&array, &pos, NULL, &value);
            ok(rc == NGX_OK && same(&value, values[n]), "element %s",
               values[n]);
        }

        ok(ngx_uplink_json_next(&array, &pos, NULL, &value) == NGX_DONE,
           "then no more");
    }
}


static void
no_container(void)
{
    int                  i;
    u_char              *pos;
    ngx_uplink_value_t   container, value;

    static const char *const  texts[] = {
        "[]", "{}", " [ ] ", " {\n} ", "null", "\"[1]\"", "12", NULL
    };

    for (i = 0; texts[i]; i++) {
        container = parse(texts[i]);
        pos = NULL;

        ok(ngx_uplink_json_next(&container, &pos, NULL, &value) == NGX_DONE,
           "nothing in %s", texts[i]);
        ok(ngx_uplink_json_get(&container, "a", &value)
           == NGX_UPLINK_JSON_NONE,
           "no member of %s", texts[i]);
    }

    container = parse("{\"a\":1}");
    container.kind = NGX_UPLINK_JSON_NONE;
    pos = NULL;

    ok(ngx_uplink_json_get(&container, "a", &value) == NGX_UPLINK_JSON_NONE
       && ngx_uplink_json_next(&container, &pos, NULL, &value) == NGX_DONE,
       "nothing in what is not there");

    container = parse("[\"a\",1]");

    ok(ngx_uplink_json_get(&container, "a", &value) == NGX_UPLINK_JSON_NONE,
       "an array has no names");

    container = parse("{\"a\":1,\"b\":[2]}");
    pos = NULL;

    ok(ngx_uplink_json_next(&container, &pos, NULL, &value) == NGX_OK
       && same(&value, "1")
       && ngx_uplink_json_next(&container, &pos, NULL, &value) == NGX_OK
       && same(&value, "[2]"),
       "members without their names");
}


static void
members(void)
{
    ngx_uplink_value_t  object, value, values[5];

    static const ngx_str_t  names[] = {
        ngx_string("b"), ngx_string("a/b"), ngx_string("nothing"),
        ngx_string(""), ngx_string("\xc3\xa9")
    };

    object = parse("{\"\\u00e9\":[1],\"x\":{\"b\":0},\"\\u0062\":null,"
                   "\"a\\/b\":2,\"\":{}}");

    ngx_uplink_json_members(&object, names, 5, values);

    ok(values[0].kind == NGX_UPLINK_JSON_NULL, "written with an escape");
    ok(same(&values[1], "2"), "with a slash");
    ok(values[2].kind == NGX_UPLINK_JSON_NONE && values[2].start == NULL,
       "not there");
    ok(same(&values[3], "{}"), "of the empty name");
    ok(same(&values[4], "[1]"), "beyond ASCII");

    ok(ngx_uplink_json_get(&object, "x", &value) == NGX_UPLINK_JSON_OBJECT
       && ngx_uplink_json_get(&value, "b", &value) == NGX_UPLINK_JSON_NUMBER
       && same(&value, "0"),
       "a member of a member, into the same place");

    ok(ngx_uplink_json_get(&object, "B", &value) == NGX_UPLINK_JSON_NONE
       && ngx_uplink_json_get(&object, "a\\/b", &value)
          == NGX_UPLINK_JSON_NONE,
       "names are what they mean, not how they are written");
}


static void
is(void)
{
    int                 i;
    ngx_uplink_value_t  value;

    static const struct {
        const char  *text;
        const char  *with;
        int          len;
        int          is;
    } cases[] = {
        { "\"\"",                     "",          0,  1 },
        { "\"\"",                     "a",         1,  0 },
        { "\"a\"",                    "",          0,  0 },
        { "\"abc\"",                  "abc",       3,  1 },
        { "\"abc\"",                  "abd",       3,  0 },
        { "\"abc\"",                  "ab",        2,  0 },
        { "\"ab\"",                   "abc",       3,  0 },
        { "\"\\n\"",                  "\n",        1,  1 },
        { "\"\\n\"",                  "\\n",       2,  0 },
        { "\"\\u0061bc\"",            "abc",       3,  1 },
        { "\"ab\\u0063\"",            "abc",       3,  1 },
        { "\"ab\\u0063\"",            "ab",        2,  0 },
        { "\"ab\\u0063\"",            "abcd",      4,  0 },
        { "\"ab\\u0063\"",            "ab\\u0063", 8,  0 },
        { "\"\\u0000\"",              "\0",        1,  1 },
        { "\"\\u0000\"",              "",          0,  0 },
        { "\"a\\u0000b\"",            "a\0b",      3,  1 },
        { "\"\\u00e9\"",              "\xc3\xa9",  2,  1 },
        { "\"\\u00e9\"",              "\xc3",      1,  0 },
        { "\"\\ud83d\\ude00\"",       "\xf0\x9f\x98\x80", 4, 1 },
        { "\"\\ud83d\\ude00\"",       "\xf0\x9f\x98", 3, 0 },
        { "\"\\ud83d\\ude00\"",       "\xf0\x9f\x98\x80x", 5, 0 },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8, 1 },
        { "null",                     "null",      4,  0 },
        { "12",                       "1",         1,  0 },
        { NULL, NULL, 0, 0 }
    };

    for (i = 0; cases[i].text; i++) {
        value = parse(cases[i].text);

        ok(ngx_uplink_json_is(&value, cases[i].with, cases[i].len)
           == (ngx_uint_t) cases[i].is,
           "%s is %s%s", cases[i].text, cases[i].is ? "" : "not ",
           cases[i].with[0] == '\n' ? "a line feed" : cases[i].with);
    }
}


static void
decode(void)
{
    int                 i;
    u_char              dst[64];
    size_t              len, size, wrong;
    ngx_int_t           rc;
    ngx_uplink_value_t  value;

    static const struct {
        const char  *text;
        const char  *decoded;
    } cases[] = {
        { "\"\"", "" }, { "\"abc\"", "abc" }, { "\"\\u0041\"", "A" },
        { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
        { "\"a\\nb\\nc\"", "a\nb\nc" }, { "\"\\u00e9\"", "\xc3\xa9" },
        { "\"\\u007f\\u0080\"", "\x7f\xc2\x80" },
        { "\"\\u07ff\\u0800\"", "\xdf\xbf\xe0\xa0\x80" },
        { "\"\\uFFFF\"", "\xef\xbf\xbf" },
        { "\"x\\uD83D\\uDE00y\"", "x\xf0\x9f\x98\x80y" },
        { "\"\\uD800\\uDC00\\uDBFF\\uDFFF\"",
          "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
        { "\"\xc3\xa9\xe4\xb8\xad\"", "\xc3\xa9\xe4\xb8\xad" },
        { "\"\\\\u0041\"", "\\u0041" }, { "\"\\u005cn\"", "\\n" },
        { "\"0123456789abcdef0123456789\\t\"",
          "0123456789abcdef0123456789\t" },
        { NULL, NULL }
    };

    for (i = 0; cases[i].text; i++) {
        value = parse(cases[i].text);
        wrong = 0;

        /* every size from nothing to one more than needed */

        for (size = 0; size <= strlen(cases[i].decoded) + 1; size++) {
            memset(dst, '#', sizeof(dst));

            rc = ngx_uplink_json_string(&value, dst, size, &len);

            if (size < strlen(cases[i].decoded)) {
                wrong += (rc != NGX_DECLINED);

            } else {
                wrong += rc != NGX_OK || len != strlen(cases[i].decoded)
                         || memcmp(dst, cases[i].decoded, len) != 0;
            }

            wrong += dst[size] != '#';
        }

        ok(wrong == 0, "decode %s", cases[i].text);

        /* in its own place */

        strcpy((char *) dst, cases[i].text);

        value.end = dst + (value.end - value.start);
        value.start = dst;

        rc = ngx_uplink_json_string(&value, dst, sizeof(dst), &len);

        ok(rc == NGX_OK && len == strlen(cases[i].decoded)
           && memcmp(dst, cases[i].decoded, len) == 0,
           "decode %s in its place", cases[i].text);
    }

    value = parse("\"ab\\u0000\"");

    ok(ngx_uplink_json_string(&value, dst, sizeof(dst), &len) == NGX_ERROR,
       "U+0000 is told");
}


static void
integers(void)
{
    int                 i;
    int64_t             n;
    ngx_int_t           rc;
    ngx_uplink_value_t  value;

    static const struct {
        const char  *text;
        int64_t      min;
        int64_t      max;
        ngx_int_t    rc;
        int64_t      n;
    } cases[] = {
        { "0", 0, 0, NGX_OK, 0 },
        { "-0", 0, 0, NGX_OK, 0 },
        { "12", 0, 100, NGX_OK, 12 },
        { "-3", -10, 10, NGX_OK, -3 },
        { "10000", 1, 10000, NGX_OK, 10000 },
        { "10001", 1, 10000, NGX_ERROR, 0 },
        { "0", 1, 10000, NGX_ERROR, 0 },
        { "-11", -10, 10, NGX_ERROR, 0 },
        { "9223372036854775807", INT64_MIN, INT64_MAX, NGX_OK, INT64_MAX },
        { "-9223372036854775808", INT64_MIN, INT64_MAX, NGX_OK, INT64_MIN },
        { "9223372036854775808", INT64_MIN, INT64_MAX, NGX_ERROR, 0 },
        { "-9223372036854775809", INT64_MIN, INT64_MAX, NGX_ERROR, 0 },
        { "18446744073709551616", INT64_MIN, INT64_MAX, NGX_ERROR, 0 },
        { "99999999999999999999999999", INT64_MIN, INT64_MAX, NGX_ERROR, 0 },
        { "1.0", 0, 10, NGX_ERROR, 0 },
        { "1e3", 0, 10000, NGX_ERROR, 0 },
        { "1E3", 0, 10000, NGX_ERROR, 0 },
        { "0e0", 0, 10000, NGX_ERROR, 0 },
        { "\"1\"", 0, 10, NGX_ERROR, 0 },
        { "null", 0, 10, NGX_ERROR, 0 },
        { "true", 0, 10, NGX_ERROR, 0 },
        { "[1]", 0, 10, NGX_ERROR, 0 },
        { NULL, 0, 0, 0, 0 }
    };

    for (i = 0; cases[i].text; i++) {
        value = parse(cases[i].text);
        n = 77;

        rc = ngx_uplink_json_integer(&value, cases[i].min, cases[i].max, &n);

        ok(rc == cases[i].rc && n == (rc == NGX_OK ? cases[i].n : 77),
           "integer %s: %s", cases[i].text, rc == NGX_OK ? "yes" : "no");
    }

    value.kind = NGX_UPLINK_JSON_NONE;
    value.start = NULL;

    ok(ngx_uplink_json_integer(&value, 0, 1, &n) == NGX_ERROR,
       "nothing is no integer");
}


static void
quote(void)
{
    int                 i, ch, wrong;
    u_char              dst[512], back[64], src[64], *end;
    size_t              len;
    ngx_uplink_value_t  value;

    static const struct {
        const char  *text;
        int          len;
        const char  *quoted;
    } cases[] = {
        { "", 0, "\"\"" }, { "abc", 3, "\"abc\"" },
        { "a\"b\\c/d", 7, "\"a\\\"b\\\\c/d\"" },
        { "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"" },
        { "\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\"" },
        { "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80", 9,
          "\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\"" },
        { "\xff", 1, "\"\xef\xbf\xbd\"" },
        { "a\x80z", 3, "\"a\xef\xbf\xbdz\"" },
        { "\xc3", 1, "\"\xef\xbf\xbd\"" },
        { "\xc3(", 2, "\"\xef\xbf\xbd(\"" },
        { "\xe4\xb8", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "\xc0\x80", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "\xed\xa0\x80", 3,
          "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
        { "0123456789abcdef\"0123456789abcdef", 33,
          "\"0123456789abcdef\\\"0123456789abcdef\"" },
        { NULL, 0, NULL }
    };

    for (i = 0; cases[i].text; i++) {
        end = ngx_uplink_json_quote(dst, (u_char *) cases[i].text,
                                    cases[i].len);

        ok((size_t) (end - dst) == strlen(cases[i].quoted)
           && memcmp(dst, cases[i].quoted, end - dst) == 0
           && (size_t) (end - dst)
              <= (size_t) NGX_UPLINK_JSON_QUOTED(cases[i].len),
           "quote to %s", cases[i].quoted);
    }

    wrong = 0;

    for (ch = 0; ch < 0x80; ch++) {
        for (i = 0; i < 40; i++) {
            memset(src, 'x', 40);
            src[i] = (u_char) ch;

            end = ngx_uplink_json_quote(dst, src, 40);

            if (ngx_uplink_json_check(dst, end - dst, &value, &err)
                != NGX_OK)
            {
                wrong++;
                continue;
            }

            if (ch == 0) {
                wrong += !ngx_uplink_json_is(&value, (char *) src, 40);
                continue;
            }

            wrong += ngx_uplink_json_string(&value, back, 40, &len) != NGX_OK
                     || len != 40 || memcmp(back, src, 40) != 0;
        }
    }

    ok(wrong == 0, "every byte of ASCII, quoted and decoded, is itself");
}


int
main(void)
{
    outermost();
    spans();
    no_container();
    members();
    is();
    decode();
    integers();
    quote();

    ngx_uplink_json_cleanup();

    return done();
}
