/* sources: src/wire/scan.c src/wire/names.c src/wire/text.c */
/* sources: src/wire/value.c src/wire/envelope.c */
/* again: -U__SSE2__ */

/*
 * What is JSON and what is not, and where it stops being it.
 */


#include "tap.h"
#include "wire/wire.h"


typedef struct {
    const char         *text;
    size_t              len;
} good_t;

typedef struct {
    const char         *text;
    size_t              len;
    const char         *what;
    size_t              offset;
} bad_t;


#define GOOD(text)                { text, sizeof(text) - 1 }
#define BAD(text, what, offset)   { text, sizeof(text) - 1, what, offset }

#define BYTE       "unexpected byte"
#define END        "unexpected end"
#define ESCAPE     "invalid escape"
#define SURROGATE  "lone surrogate"
#define CONTROL    "control byte in string"
#define UTF8       "invalid UTF-8"
#define TWICE      "duplicate member"
#define ZERO       "U+0000 in name of member"


static const good_t  goods[] = {

    /* scalars, with and without space */

    GOOD("null"), GOOD("true"), GOOD("false"), GOOD("0"), GOOD("\"\""),
    GOOD(" null"), GOOD("null "), GOOD(" \t\r\n null\n\r\t "),
    GOOD("\n1\n"), GOOD(" \"a\" "),

    /* numbers */

    GOOD("-0"), GOOD("1"), GOOD("-1"), GOOD("10"), GOOD("9876543210"),
    GOOD("0.0"), GOOD("-0.0"), GOOD("1.5"), GOOD("0.000001"),
    GOOD("1e1"), GOOD("1E1"), GOOD("1e+1"), GOOD("1e-1"), GOOD("0e0"),
    GOOD("-0e-0"), GOOD("1.25e+10"), GOOD("1e999"), GOOD("-1e-999"),
    GOOD("1e00000000000000000001"), GOOD("12345678901234567890"),
    GOOD("0.1000000000000000055511151231257827021181583404541015625"),

    /* strings */

    GOOD("\"a\""), GOOD("\"abcdefg\""), GOOD("\"abcdefgh\""),
    GOOD("\"abcdefghijklmnopqrstuvwxyz0123456789\""),
    GOOD("\" !#$%&'()*+,-./:;<=>?@[]^_`{|}~\x7f\""),
    GOOD("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    GOOD("\"\\u0000\""), GOOD("\"\\u001f\\u00e9\\u4e2d\\uFFFF\\ufdd0\""),
    GOOD("\"\\uD83D\\uDE00\""), GOOD("\"\\ud800\\udc00\\udbff\\udfff\""),
    GOOD("\"\\\\u00zz\""), GOOD("\"\\\\\\\\\""), GOOD("\"\\\"\""),

    /* UTF-8: first and last of each length, what is left of surrogates */

    GOOD("\"\xc2\x80\xdf\xbf\""), GOOD("\"\xe0\xa0\x80\xef\xbf\xbf\""),
    GOOD("\"\xed\x9f\xbf\xee\x80\x80\""), GOOD("\"\xef\xbb\xbf\""),
    GOOD("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
    GOOD("\"\xe2\x80\xa8\xe2\x80\xa9\""), GOOD("{\"\xc3\xa9\":1}"),
    GOOD("\"0123456789abcde\xc3\xa9\""), GOOD("\"0123456\xc3\xa9""89\""),

    /* arrays and objects */

    GOOD("[]"), GOOD("{}"), GOOD("[ ]"), GOOD("{ }"), GOOD(" [ ] "),
    GOOD("[1]"), GOOD("[1,2]"), GOOD("[ 1 , 2 ]"), GOOD("[[]]"),
    GOOD("[[],[]]"), GOOD("[{},{}]"), GOOD("[[[1],2],3]"),
    GOOD("[null,true,false,0,\"\",[],{}]"), GOOD("[\"]\"]"),
    GOOD("{\"\":0}"), GOOD("{\"a\":1}"), GOOD("{\"a\":1,\"b\":2}"),
    GOOD("{ \"a\" : 1 , \"b\" : [ ] }"), GOOD("\t{\r\n\"a\"\t:\t1}\n"),
    GOOD("{\"a\":{\"b\":{\"c\":{}}}}"), GOOD("{\"a\":{},\"b\":{}}"),
    GOOD("{\"}\":\"{\",\",\":\":\"}"),

    /* names that only look the same */

    GOOD("{\"a\":{\"a\":{\"a\":1}}}"), GOOD("[{\"a\":1},{\"a\":1}]"),
    GOOD("{\"a\":1,\"A\":1}"), GOOD("{\"a\":1,\"aa\":1,\"\":1}"),
    GOOD("{\"b\":{\"a\":1},\"a\":{\"b\":1},\"c\":{\"a\":1,\"b\":1}}"),
    GOOD("{\"\\\\n\":1,\"\\n\":1,\"n\":1}"),
    GOOD("{\"\\u00e9\":1,\"e\\u0301\":1}"),
    GOOD("{\"abcdefgh\":1,\"abcdefghi\":1,\"abcdefghj\":1}"),
    GOOD("{\"abcdefgh\\u0061\":1,\"abcdefgh\\u0062\":1}"),
    GOOD("{\"\\u0001\":1,\"\\u0001\\u0001\":1}")
};


static const bad_t  bads[] = {

    /* nothing, or not all */

    BAD("", END, 0), BAD(" ", END, 1), BAD("\n\n", END, 2),
    BAD("[", END, 1), BAD("{", END, 1), BAD("[1", END, 2),
    BAD("[1,", END, 3), BAD("[[]", END, 3), BAD("{\"a\"", END, 4),
    BAD("{\"a\":", END, 5), BAD("{\"a\":1", END, 6),
    BAD("{\"a\":1,", END, 7), BAD("{\"a", END, 3), BAD("\"", END, 1),
    BAD("\"abc", END, 4), BAD("\"abcdefghijklmnopq", END, 18),
    BAD("t", END, 1), BAD("tru", END, 3), BAD("nul", END, 3),
    BAD("fals", END, 4), BAD("-", END, 1), BAD("1.", END, 2),
    BAD("1e", END, 2), BAD("1e+", END, 3), BAD("1.5E-", END, 5),

    /* too much */

    BAD("1 2", BYTE, 2), BAD("{}{}", BYTE, 2), BAD("[]]", BYTE, 2),
    BAD("[],", BYTE, 2), BAD("{}}", BYTE, 2), BAD("null,", BYTE, 4),
    BAD("\"a\"\"b\"", BYTE, 3), BAD("1\0", BYTE, 1), BAD("{} \0", BYTE, 3),
    BAD("truetrue", BYTE, 4), BAD("nulll", BYTE, 4), BAD("{}#", BYTE, 2),

    /* what other languages allow */

    BAD("'a'", BYTE, 0), BAD("{a:1}", BYTE, 1), BAD("{'a':1}", BYTE, 1),
    BAD("{1:1}", BYTE, 1), BAD("{null:1}", BYTE, 1), BAD("[1,]", BYTE, 3),
    BAD("{\"a\":1,}", BYTE, 7), BAD("[,1]", BYTE, 1), BAD("[,]", BYTE, 1),
    BAD("{,}", BYTE, 1), BAD("[1,,2]", BYTE, 3), BAD("[1;2]", BYTE, 2),
    BAD("[1 2]", BYTE, 3), BAD("[\"a\" \"b\"]", BYTE, 5),
    BAD("{\"a\" 1}", BYTE, 5), BAD("{\"a\"=1}", BYTE, 4),
    BAD("{\"a\",1}", BYTE, 4), BAD("{\"a\":1 \"b\":2}", BYTE, 7),
    BAD("{\"a\":1;\"b\":2}", BYTE, 6), BAD("{\"a\"::1}", BYTE, 5),
    BAD("{\"a\":}", BYTE, 5), BAD("{:1}", BYTE, 1), BAD("[1:2]", BYTE, 2),
    BAD("[1}", BYTE, 2), BAD("{\"a\":1]", BYTE, 6), BAD("[}", BYTE, 1),
    BAD("{]", BYTE, 1), BAD("]", BYTE, 0), BAD("}", BYTE, 0),
    BAD(",", BYTE, 0), BAD(":", BYTE, 0), BAD("{\"a\":{]}", BYTE, 6),
    BAD("/" "/ c\n1", BYTE, 0), BAD("/**/1", BYTE, 0), BAD("1/" "/", BYTE, 1),
    BAD("#1", BYTE, 0), BAD("(1)", BYTE, 0), BAD("undefined", BYTE, 0),
    BAD("NaN", BYTE, 0), BAD("nan", BYTE, 1), BAD("Infinity", BYTE, 0),
    BAD("-Infinity", BYTE, 1), BAD("inf", BYTE, 0), BAD("True", BYTE, 0),
    BAD("TRUE", BYTE, 0), BAD("NULL", BYTE, 0), BAD("nuLl", BYTE, 2),
    BAD("fa1se", BYTE, 2), BAD("[tru]", BYTE, 4),

    /* space that is none */

    BAD("\xef\xbb\xbf{}", BYTE, 0), BAD("\v1", BYTE, 0),
    BAD("\f1", BYTE, 0), BAD("[\xc2\xa0]", BYTE, 1),
    BAD("[\xe2\x80\xa8]", BYTE, 1), BAD("[\0]", BYTE, 1), BAD("\0", BYTE, 0),
    BAD("{\x1f}", BYTE, 1), BAD("[1\x1e]", BYTE, 2), BAD("\xff", BYTE, 0),
    BAD("{\"a\"\x01:1}", BYTE, 4), BAD("[\x80]", BYTE, 1),

    /* numbers */

    BAD("01", BYTE, 1), BAD("-01", BYTE, 2), BAD("00", BYTE, 1),
    BAD("+1", BYTE, 0), BAD("--1", BYTE, 1), BAD("-a", BYTE, 1),
    BAD(".5", BYTE, 0), BAD("-.5", BYTE, 1), BAD("1.e1", BYTE, 2),
    BAD("1.a", BYTE, 2), BAD("[1.]", BYTE, 3), BAD("1.2.3", BYTE, 3),
    BAD("1e1.5", BYTE, 3), BAD("1ee1", BYTE, 2), BAD("1e1e1", BYTE, 3),
    BAD("1e+-1", BYTE, 3), BAD("[1e]", BYTE, 3), BAD("0x10", BYTE, 1),
    BAD("1_000", BYTE, 1), BAD("1,000", BYTE, 1), BAD("1a", BYTE, 1),
    BAD("1-", BYTE, 1), BAD("1+1", BYTE, 1), BAD("0e", END, 2),
    BAD("\xef\xbc\x91", BYTE, 0), BAD("2.", END, 2),

    /* strings */

    BAD("\"\n\"", CONTROL, 1), BAD("\"\t\"", CONTROL, 1),
    BAD("\"\0\"", CONTROL, 1), BAD("\"a\x1f\"", CONTROL, 2),
    BAD("\"0123456789abcdef\x01\"", CONTROL, 17),
    BAD("\"0123456789abcdef0\r\"", CONTROL, 18),
    BAD("{\"a\nb\":1}", CONTROL, 3),
    BAD("\"\\\"", END, 3), BAD("\"\\", ESCAPE, 1),
    BAD("\"\\a\"", ESCAPE, 1), BAD("\"\\x41\"", ESCAPE, 1),
    BAD("\"\\'\"", ESCAPE, 1), BAD("\"\\0\"", ESCAPE, 1),
    BAD("\"\\ \"", ESCAPE, 1), BAD("\"\\\0\"", ESCAPE, 1),
    BAD("\"\\U0041\"", ESCAPE, 1), BAD("\"\\N\"", ESCAPE, 1),
    BAD("\"\\\n\"", ESCAPE, 1), BAD("\"\\\xc3\xa9\"", ESCAPE, 1),
    BAD("\"\\u\"", ESCAPE, 1), BAD("\"\\u0\"", ESCAPE, 1),
    BAD("\"\\u004\"", ESCAPE, 1), BAD("\"\\u004g\"", ESCAPE, 1),
    BAD("\"\\u00 4\"", ESCAPE, 1), BAD("\"\\u-041\"", ESCAPE, 1),
    BAD("\"\\u+041\"", ESCAPE, 1), BAD("\"\\u{41}\"", ESCAPE, 1),
    BAD("\"\\u00\x11\x11\"", ESCAPE, 1), BAD("\"\\u0@41\"", ESCAPE, 1),
    BAD("\"\\u0`41\"", ESCAPE, 1), BAD("\"ab\\u004", ESCAPE, 3),

    /* surrogates without their other half */

    BAD("\"\\ud800\"", SURROGATE, 1), BAD("\"\\udfff\"", SURROGATE, 1),
    BAD("\"\\udc00\\ud800\"", SURROGATE, 1),
    BAD("\"\\ud800\\ud800\\udc00\"", SURROGATE, 1),
    BAD("\"\\uD83Dx\"", SURROGATE, 1), BAD("\"a\\uD83D\\n\"", SURROGATE, 2),
    BAD("\"\\uD83D\\u0041\"", SURROGATE, 1),
    BAD("\"\\uD83D\\uDE0\"", SURROGATE, 1),
    BAD("\"\\uD83D\\", SURROGATE, 1), BAD("\"\\uD83D", SURROGATE, 1),
    BAD("\"\\uD83Dxude00\"", SURROGATE, 1),
    BAD("\"\\uD83D\\xde00\"", SURROGATE, 1),
    BAD("{\"\\udead\":1}", SURROGATE, 2),

    /* UTF-8: stray, cut off, overlong, surrogates, beyond the end */

    BAD("\"\x80\"", UTF8, 1), BAD("\"\xbf\"", UTF8, 1),
    BAD("\"\xc3\"", UTF8, 1), BAD("\"\xc3", UTF8, 1),
    BAD("\"\xe2\x82\"", UTF8, 1), BAD("\"\xe2\x82", UTF8, 1),
    BAD("\"\xf0\x9f\x98\"", UTF8, 1), BAD("\"\xf0\x9f", UTF8, 1),
    BAD("\"\xc3\xc3\xa9\"", UTF8, 1), BAD("\"\xe2\x28\xa1\"", UTF8, 1),
    BAD("\"\xf0\x9f\x98z\"", UTF8, 1), BAD("\"\xc0\x80\"", UTF8, 1),
    BAD("\"\xc0\xaf\"", UTF8, 1), BAD("\"\xc1\xbf\"", UTF8, 1),
    BAD("\"\xe0\x80\xaf\"", UTF8, 1), BAD("\"\xe0\x9f\xbf\"", UTF8, 1),
    BAD("\"\xf0\x80\x80\xaf\"", UTF8, 1),
    BAD("\"\xf0\x8f\xbf\xbf\"", UTF8, 1),
    BAD("\"\xed\xa0\x80\"", UTF8, 1), BAD("\"\xed\xbf\xbf\"", UTF8, 1),
    BAD("\"\xed\xa0\xbd\xed\xb8\x80\"", UTF8, 1),
    BAD("\"\xf4\x90\x80\x80\"", UTF8, 1),
    BAD("\"\xf5\x80\x80\x80\"", UTF8, 1),
    BAD("\"\xf8\x88\x80\x80\x80\"", UTF8, 1),
    BAD("\"\xfe\"", UTF8, 1), BAD("\"\xff\"", UTF8, 1),
    BAD("\"\xc3\xa9\xe9\"", UTF8, 3), BAD("\"0123456789abcdefg\xe9\"", UTF8,
                                          18),
    BAD("{\"\xff\":1}", UTF8, 2), BAD("[\"a\",\"\xc3\"]", UTF8, 6),

    /* names */

    BAD("{\"a\":1,\"a\":1}", TWICE, 7), BAD("{\"\":1,\"\":2}", TWICE, 6),
    BAD("{\"a\":1,\"b\":1,\"a\":1}", TWICE, 13),
    BAD("{\"a\":{\"b\":1,\"b\":1}}", TWICE, 12),
    BAD("[[{\"a\":{},\"a\":[]}]]", TWICE, 10),
    BAD("{\"a\":{\"a\":1},\"a\":1}", TWICE, 13),
    BAD("{\"a\":1,\"\\u0061\":1}", TWICE, 7),
    BAD("{\"\\u0061\":1, \"a\":1}", TWICE, 13),
    BAD("{\"\\/\":1,\"/\":1}", TWICE, 8),
    BAD("{\"\\n\":1,\"\\u000a\":1}", TWICE, 8),
    BAD("{\"\\u00E9\":1,\"\xc3\xa9\":1}", TWICE, 12),
    BAD("{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}", TWICE, 18),
    BAD("{\"abcdefghijk\":1,\"abcdefghijk\":1}", TWICE, 17),
    BAD("{\"abcdefghijk\":1,\"abcdefghij\\u006b\":1}", TWICE, 17),
    BAD("{\"abcdefghij\\u006b\":1,\"abcdefghijk\":1}", TWICE, 22),
    BAD("{\"abcdefgh\\u0069\":1,\"abcdefghi\":1}", TWICE, 20),
    BAD("{\"abcdefg\\u0068\":1,\"abcdefgh\":1}", TWICE, 19),
    BAD("{\"\\u0000\":1}", ZERO, 1), BAD("{\"a\":1,\"b\\u0000\":1}", ZERO, 7),
    BAD("{\"abcdefghijk\\u0000\":1}", ZERO, 1)
};


static ngx_uplink_value_t       value;
static ngx_uplink_json_error_t  err;


/* in a block of its own, so that a byte read beyond it is seen */

static ngx_int_t
check(const char *text, size_t len)
{
    u_char     *p;
    ngx_int_t   rc;

    p = malloc(len ? len : 1);
    memcpy(p, text, len);

    rc = ngx_uplink_json_check(p, len, &value, &err);

    free(p);

    return rc;
}


static void
tables(void)
{
    char        shown[80];
    size_t      len;
    ngx_int_t   rc;
    ngx_uint_t  i;

    for (i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
        rc = check(goods[i].text, goods[i].len);

        if (!ok(rc == NGX_OK, "good %d", (int) i)) {
            note("%s: %s at %d", goods[i].text, err.what, (int) err.offset);
        }

        /* cut anywhere it must not be read beyond the cut */

        for (len = 0; len < goods[i].len; len++) {
            (void) check(goods[i].text, len);
        }
    }

    for (i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        rc = check(bads[i].text, bads[i].len);

        snprintf(shown, sizeof(shown), "%s at %d", bads[i].what,
                 (int) bads[i].offset);

        if (!ok(rc == NGX_ERROR
                && strcmp(err.what, bads[i].what) == 0
                && err.offset == bads[i].offset,
                "bad %d: %s", (int) i, shown))
        {
            note("%s: %d, %s at %d", bads[i].text, (int) rc, err.what,
                 (int) err.offset);
        }
    }
}


/* every byte at every place of a vector's width, alone in plain text */

static void
every_byte(void)
{
    int     ch, i, wrong, want;
    char    text[40];

    wrong = 0;

    for (ch = 0; ch < 256; ch++) {
        for (i = 1; i < 37; i++) {
            memset(text, 'x', sizeof(text));
            text[0] = '"';
            text[38] = '"';
            text[i] = (char) ch;

            want = (ch >= 0x20 && ch < 0x80 && ch != '"' && ch != '\\');

            wrong += (check(text, 39) == NGX_OK) != want;
        }
    }

    ok(wrong == 0, "every byte at every place of a string");
}


static void
depth(void)
{
    int    i, n;
    char   text[512];

    for (n = 63; n <= 66; n++) {
        memset(text, '[', n);
        memset(text + n, ']', n);

        ok((check(text, 2 * n) == NGX_OK) == (n <= 64), "%d arrays", n);

        for (i = 0; i < n; i++) {
            memcpy(text + i * 5, "{\"\":1", 4);
            text[i * 5 + 4] = ' ';
        }

        memset(text + n * 5 - 1, '}', n + 1);
        memcpy(text + n * 5 - 5, "{    ", 5);

        ok((check(text, n * 6) == NGX_OK) == (n <= 64), "%d objects", n);
    }

    memset(text, '[', 512);

    ok(check(text, 512) == NGX_ERROR && err.offset == 64
       && strcmp(err.what, "nested too deeply") == 0,
       "512 brackets stop at the 65th");

    ok(check("[[],[],[],[[[]]],{}]", 20) == NGX_OK,
       "depth is given back");
}


/* told by the length alone */

static void
too_long(void)
{
    ok(ngx_uplink_json_check((u_char *) "1", (size_t) 1 << 31, &value, &err)
       == NGX_ERROR
       && strcmp(err.what, "message too long") == 0,
       "two gigabytes are not even looked at");
}


int
main(void)
{
    tables();
    every_byte();
    depth();
    too_long();

    ngx_uplink_json_cleanup();

    return done();
}
