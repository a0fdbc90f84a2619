/* sources: src/wire/scan.c src/wire/names.c src/wire/text.c */
/* sources: src/wire/value.c src/wire/envelope.c */

/*
 * The envelope, and the sentence that the sender of a bad one gets.
 */


#include "tap.h"
#include "wire/wire.h"


static ngx_uplink_envelope_t    env;
static u_char                   text[NGX_UPLINK_JSON_ERROR];
static size_t                   text_len;


static ngx_int_t
envelope(const char *message)
{
    memset(&env, 0x55, sizeof(env));

    return ngx_uplink_envelope((u_char *) message, strlen(message), &env,
                               text, sizeof(text), &text_len);
}


static void
good(void)
{
    int          i;
    const char  *p;

    static const struct {
        const char         *message;
        const char         *type;
        const char         *req_id;
        ngx_uplink_json_e   kind;
        const char         *payload;
    } cases[] = {
        { "{\"type\":\"a\"}", "a", "", NGX_UPLINK_JSON_NONE, "" },
        { "{\"type\":\"a\",\"req_id\":\"\"}", "a", "",
          NGX_UPLINK_JSON_NONE, "" },
        { "{\"type\":\"a\",\"req_id\":null,\"payload\":null}", "a", "",
          NGX_UPLINK_JSON_NONE, "" },
        { "{\"type\":\"a\",\"req_id\":\"r\",\"payload\":{}}", "a", "r",
          NGX_UPLINK_JSON_OBJECT, "{}" },
        { " { \"payload\" : { \"a\" : 1.0 } , \"x\" : [ ] , \"req_id\" : "
          "\"q\\u0031\" , \"t\\u0079pe\" : \"\\u0061:b\" } ", "a:b", "q1",
          NGX_UPLINK_JSON_OBJECT, "{ \"a\" : 1.0 }" },
        { "{\"type\":\"a\",\"TYPE\":1,\"x\":{\"type\":2,\"req_id\":3}}",
          "a", "", NGX_UPLINK_JSON_NONE, "" },
        { "{\"req_id\":\"\xc3\xa9\\ud83d\\ude00\\n\",\"type\":\"a\"}", "a",
          "\xc3\xa9\xf0\x9f\x98\x80\n", NGX_UPLINK_JSON_NONE, "" },
        { "{\"type\":\"0123456789012345678901234567890123456789"
          "012345678901234567890123\"}",
          "0123456789012345678901234567890123456789"
          "012345678901234567890123", "", NGX_UPLINK_JSON_NONE, "" },
        { NULL, NULL, NULL, 0, NULL }
    };

    for (i = 0; cases[i].message; i++) {
        p = cases[i].message;

        ok(envelope(p) == NGX_OK, "good: %s", p);

        ok(env.type_len == strlen(cases[i].type)
           && memcmp(env.type, cases[i].type, env.type_len) == 0,
           "its type");

        ok(env.req_id_len == strlen(cases[i].req_id)
           && memcmp(env.req_id, cases[i].req_id, env.req_id_len) == 0,
           "its req_id");

        ok(env.payload.kind == cases[i].kind
           && (env.payload.kind == NGX_UPLINK_JSON_NONE
               || ((size_t) (env.payload.end - env.payload.start)
                   == strlen(cases[i].payload)
                   && memcmp(env.payload.start, cases[i].payload,
                             env.payload.end - env.payload.start) == 0)),
           "its payload");

        ok(env.message.kind == NGX_UPLINK_JSON_OBJECT
           && env.message.start == (u_char *) strchr(p, '{')
           && env.message.end == (u_char *) strrchr(p, '}') + 1,
           "the whole of it");
    }
}


static void
bad(void)
{
    int  i;

    static const struct {
        const char  *message;
        const char  *text;
    } cases[] = {
        { "", "invalid JSON: unexpected end at 0" },
        { "hello", "invalid JSON: unexpected byte at 0" },
        { "{\"type\":\"a\",}", "invalid JSON: unexpected byte at 12" },
        { "{\"type\":\"\xff\"}", "invalid JSON: invalid UTF-8 at 9" },
        { "{\"type\":\"\\ud800\"}", "invalid JSON: lone surrogate at 9" },
        { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
          "invalid JSON: nested too deeply at 64" },
        { "[]", "message must be an object" },
        { "\"type\"", "message must be an object" },
        { "null", "message must be an object" },
        { "{}", "\"type\" is missing" },
        { "{\"req_id\":\"r\",\"payload\":{}}", "\"type\" is missing" },
        { "{\"type\":null}", "\"type\" must be a string" },
        { "{\"type\":1}", "\"type\" must be a string" },
        { "{\"type\":[\"a\"]}", "\"type\" must be a string" },
        { "{\"type\":\"\"}", "\"type\" is empty" },
        { "{\"type\":\"0123456789012345678901234567890123456789"
          "0123456789012345678901234\"}",
          "\"type\" is longer than 64 bytes" },
        { "{\"type\":\"a\\u0000\"}", "\"type\" contains U+0000" },
        { "{\"type\":\"a\",\"req_id\":7}", "\"req_id\" must be a string" },
        { "{\"type\":\"a\",\"req_id\":{}}", "\"req_id\" must be a string" },
        { "{\"type\":\"a\",\"req_id\":false}",
          "\"req_id\" must be a string" },
        { "{\"type\":\"a\",\"req_id\":\"\\u0000\"}",
          "\"req_id\" contains U+0000" },
        { "{\"type\":\"a\",\"payload\":[]}",
          "\"payload\" must be an object" },
        { "{\"type\":\"a\",\"payload\":\"{}\"}",
          "\"payload\" must be an object" },
        { "{\"type\":\"a\",\"payload\":0}",
          "\"payload\" must be an object" },
        { "{\"a\":1,\"type\":\"x\",\"a\":1}",
          "duplicate member \"a\" at 18" },
        { "{\"type\":\"a\",\"type\":\"a\"}",
          "duplicate member \"type\" at 12" },
        { "{\"type\":\"a\",\"payload\":{\"\":0,\"\":0}}",
          "duplicate member \"\" at 28" },
        { "{\"a\\n\\\"\":1,\"a\\n\\\"\":1}",
          "duplicate member \"a\\n\\\"\" at 11" },
        { "{\"a\x7f\":1,\"a\x7f\":1}", "duplicate member \"a?\" at 8" },
        { "{\"01234567890123456789012345678901\":1,"
          "\"01234567890123456789012345678901\":1}",
          "duplicate member \"01234567890123456789012345678901\" at 38" },
        { "{\"012345678901234567890123456789\xc3\xa9+\":1,"
          "\"012345678901234567890123456789\xc3\xa9+\":1}",
          "duplicate member \"012345678901234567890123456789\xc3\xa9...\""
          " at 39" },
        { "{\"0123456789012345678901234567890\xc3\xa9\":1,"
          "\"0123456789012345678901234567890\xc3\xa9\":1}",
          "duplicate member \"0123456789012345678901234567890...\" at 39" },
        { "{\"a\\u0000b\":1}",
          "U+0000 in name of member \"a\\u0000b\" at 1" },
        { NULL, NULL }
    };

    for (i = 0; cases[i].message; i++) {
        ok(envelope(cases[i].message) == NGX_ERROR
           && text_len == strlen(cases[i].text)
           && memcmp(text, cases[i].text, text_len) == 0,
           "bad: %s", cases[i].text);
    }
}


/* 128 bytes are what it decodes to, however it is written */

static void
req_id(void)
{
    int    i, n;
    char   message[2048], *p;

    for (n = 127; n <= 129; n++) {
        p = message + sprintf(message, "{\"type\":\"a\",\"req_id\":\"");

        for (i = 0; i < n; i++) {
            p += sprintf(p, (i % 2) ? "\\u0061" : "a");
        }

        sprintf(p, "\"}");

        ok((envelope(message) == NGX_OK) == (n <= 128)
           && (n > 128 || env.req_id_len == (size_t) n),
           "req_id of %d bytes", n);
    }

    ok(text_len == strlen("\"req_id\" is longer than 128 bytes")
       && memcmp(text, "\"req_id\" is longer than 128 bytes", text_len) == 0,
       "the sentence");
}


/* a sentence that does not fit is cut, between characters */

static void
little_room(void)
{
    u_char       small[96];
    size_t       size, len, wrong;
    ngx_int_t    rc;

    static const char  message[] =
        "{\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\":1,"
        "\"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\":1}";
    static const char  whole[] =
        "duplicate member \"\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80\" at 15";

    wrong = 0;

    for (size = 0; size < sizeof(whole) + 2; size++) {
        memset(small, '#', sizeof(small));

        rc = ngx_uplink_envelope((u_char *) message, sizeof(message) - 1,
                                 &env, small, size, &len);

        wrong += rc != NGX_ERROR || len > size
                 || (size - len > 3 && size < sizeof(whole))
                 || memcmp(small, whole, len) != 0
                 || (whole[len] & 0xc0) == 0x80
                 || small[size] != '#';
    }

    ok(wrong == 0, "a sentence in too little room");
}


static void
samples(void)
{
    int                       n;
    FILE                     *file;
    char                      line[4096];
    ngx_uplink_value_t        value, frame, type;
    ngx_uplink_json_error_t   err;

    file = fopen("t/unit/samples.jsonl", "r");

    if (!ok(file != NULL, "samples.jsonl")) {
        return;
    }

    for (n = 0; fgets(line, sizeof(line), file); n++) {

        if (ngx_uplink_json_check((u_char *) line, strlen(line), &value,
                                  &err)
            != NGX_OK
            || ngx_uplink_json_get(&value, "frame", &frame)
               != NGX_UPLINK_JSON_OBJECT)
        {
            ok(0, "line %d of samples.jsonl", n + 1);
            continue;
        }

        ok(ngx_uplink_envelope(frame.start, frame.end - frame.start, &env,
                               text, sizeof(text), &text_len) == NGX_OK
           && ngx_uplink_json_get(&frame, "type", &type)
              == NGX_UPLINK_JSON_STRING
           && ngx_uplink_json_is(&type, (char *) env.type, env.type_len),
           "sample: %.*s", (int) env.type_len, env.type);
    }

    ok(n == 26, "all of them");

    fclose(file);
}


int
main(void)
{
    good();
    bad();
    req_id();
    little_room();
    samples();

    ngx_uplink_json_cleanup();

    return done();
}
