/* sources: src/wire/data.c src/wire/base64.c src/wire/text.c */
/* sources: src/wire/scan.c src/wire/names.c src/wire/value.c */
/* sources: src/wire/envelope.c */
/* options: -max_len=1024 -dict=t/fuzz/json.dict t/fuzz/json */

/*
 * The fast way for terminal.data beside the careful one: what it takes, that
 * one takes, too, and means the same by it.
 */


#include "wire/base64.h"
#include "wire/data.h"


#define must(condition)                                                      \
    if (!(condition)) {                                                      \
        fprintf(stderr, "line %d: %s\n", __LINE__, #condition);              \
        abort();                                                             \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static void
agree(ngx_uplink_data_t *d, ngx_uplink_envelope_t *env)
{
    u_char              session[NGX_UPLINK_DATA_SESSION];
    size_t              len, raw;
    ngx_uplink_value_t  value;

    must(env->type_len == 13 && memcmp(env->type, "terminal.data", 13) == 0);
    must(env->payload.kind == NGX_UPLINK_JSON_OBJECT);

    ngx_uplink_json_get(&env->payload, "data_b64", &value);

    must(ngx_uplink_base64_check_value(&value, &raw) == NGX_OK);
    must(raw == d->raw);
    must(d->base64 == value.start + 1);
    must(d->base64 + d->base64_len == value.end - 1);

    if (ngx_uplink_json_get(&env->payload, "session_id", &value)
        == NGX_UPLINK_JSON_NONE)
    {
        must(d->session_len == 0);
        return;
    }

    must(ngx_uplink_json_string(&value, session, sizeof(session), &len)
         == NGX_OK);
    must(len == d->session_len);
    must(memcmp(session, d->session, len) == 0);
}


/* the input is the message, and once more the inside of one */

static void
both(u_char *copy, size_t size)
{
    u_char                   text[NGX_UPLINK_JSON_ERROR];
    size_t                   len;
    ngx_int_t                rc;
    ngx_uplink_data_t        d;
    ngx_uplink_envelope_t    env;
    ngx_uplink_data_shape_t  none;

    static ngx_uplink_data_shape_t  shape;

    memset(&none, 0, sizeof(none));

    rc = ngx_uplink_data_match(&none, copy, size, &d);

    must(rc == ngx_uplink_data_match(&shape, copy, size, &d));

    must(rc == NGX_OK || rc == NGX_DECLINED);

    if (rc == NGX_OK) {
        must(ngx_uplink_envelope(copy, size, &env, text, sizeof(text), &len)
             == NGX_OK);
        agree(&d, &env);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t   head, tail;
    u_char  *copy;

    static const char  before[] = "{\"type\":\"terminal.data\",\"payload\":"
                                  "{\"session_id\":\"s\",\"data_b64\":\"";
    static const char  behind[] = "\"}}";

    head = sizeof(before) - 1;
    tail = sizeof(behind) - 1;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    both(copy, size);
    free(copy);

    copy = malloc(head + size + tail);
    memcpy(copy, before, head);
    memcpy(copy + head, data, size);
    memcpy(copy + head + size, behind, tail);
    both(copy, head + size + tail);
    free(copy);

    return 0;
}
