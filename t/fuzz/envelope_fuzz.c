/* sources: src/wire/scan.c src/wire/names.c src/wire/text.c */
/* sources: src/wire/value.c src/wire/envelope.c */
/* libs: -ljansson */
/* options: -max_len=2048 -dict=t/fuzz/json.dict t/fuzz/json */

/*
 * The envelope beside jansson, and the sentence about a bad one: it is
 * UTF-8, fits, and shows no control bytes.
 */


#include "wire/wire.h"

#include <jansson.h>


#define must(condition)                                                      \
    if (!(condition)) {                                                      \
        fprintf(stderr, "line %d: %s\n", __LINE__, #condition);              \
        abort();                                                             \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* of a member that is to be a string of min to max bytes: is it one? */

static ngx_uint_t
fits(json_t *json, size_t min, size_t max)
{
    size_t  len;

    if (!json_is_string(json)) {
        return 0;
    }

    len = json_string_length(json);

    return len >= min && len <= max
           && memchr(json_string_value(json), '\0', len) == NULL;
}


static void
agree(json_t *json, ngx_int_t rc, ngx_uplink_envelope_t *env)
{
    json_t      *type, *req_id, *payload;
    ngx_uint_t   good;

    type = json_object_get(json, "type");
    req_id = json_object_get(json, "req_id");
    payload = json_object_get(json, "payload");

    good = fits(type, 1, NGX_UPLINK_TYPE_MAX)
           && (req_id == NULL || json_is_null(req_id)
               || fits(req_id, 0, NGX_UPLINK_REQ_ID_MAX))
           && (payload == NULL || json_is_null(payload)
               || json_is_object(payload));

    must(good == (rc == NGX_OK));

    if (!good) {
        return;
    }

    must(env->type_len == json_string_length(type));
    must(memcmp(env->type, json_string_value(type), env->type_len) == 0);

    if (req_id == NULL || json_is_null(req_id)) {
        must(env->req_id_len == 0);

    } else {
        must(env->req_id_len == json_string_length(req_id));
        must(memcmp(env->req_id, json_string_value(req_id), env->req_id_len)
             == 0);
    }

    must((env->payload.kind == NGX_UPLINK_JSON_OBJECT)
         == (payload != NULL && json_is_object(payload)));
}


static void
sentence(u_char *data, size_t size, size_t room)
{
    u_char                 *text;
    json_t                 *json;
    size_t                  i, len;
    ngx_uplink_envelope_t   env;

    text = malloc(room ? room : 1);

    if (ngx_uplink_envelope(data, size, &env, text, room, &len) != NGX_OK) {
        must(len <= room);

        for (i = 0; i < len; i++) {
            must(text[i] >= ' ' && text[i] != 0x7f);
        }

        json = json_stringn((char *) text, len);
        must(json != NULL);
        json_decref(json);
    }

    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t                 *json;
    u_char                 *copy, text[NGX_UPLINK_JSON_ERROR];
    size_t                  len;
    ngx_int_t               rc;
    json_error_t            jerr;
    ngx_uplink_envelope_t   env;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);

    rc = ngx_uplink_envelope(copy, size, &env, text, sizeof(text), &len);

    json = json_loadb((char *) copy, size,
                      JSON_REJECT_DUPLICATES|JSON_ALLOW_NUL, &jerr);

    if (rc == NGX_OK) {
        must(env.message.kind == NGX_UPLINK_JSON_OBJECT);
        must(json || json_error_code(&jerr) == json_error_numeric_overflow);

    } else {
        must(len > 0 && len < sizeof(text));
    }

    /* where jansson takes what is no JSON for us, see scan_fuzz.c */

    if (json && (rc == NGX_OK || memcmp(text, "invalid", 7) != 0)) {
        agree(json, rc, &env);
    }

    sentence(copy, size, sizeof(text));
    sentence(copy, size, size % 64);

    json_decref(json);
    free(copy);

    return 0;
}
