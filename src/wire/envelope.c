
/*
 * The envelope of protocol.md, section 2, and what is said about a message
 * that is none.
 */


#include "wire/text.h"
#include "wire/wire.h"


/* of a hostile name so much is shown */

#define NGX_UPLINK_ENVELOPE_NAME  32


enum {
    NGX_UPLINK_ENVELOPE_TYPE = 0,
    NGX_UPLINK_ENVELOPE_REQ_ID,
    NGX_UPLINK_ENVELOPE_PAYLOAD,
    NGX_UPLINK_ENVELOPE_MEMBERS
};


/* where a sentence goes */

typedef struct {
    u_char  *start;
    size_t   size;
    size_t  *len;
} ngx_uplink_envelope_text_t;


static ngx_int_t ngx_uplink_envelope_string(ngx_uplink_value_t *value,
    const char *name, u_char *dst, size_t max, size_t *len,
    ngx_uplink_envelope_text_t *text);
static ngx_int_t ngx_uplink_envelope_error(ngx_uplink_envelope_text_t *text,
    const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static size_t ngx_uplink_envelope_copy(u_char *dst, size_t size,
    const char *src, size_t len);


static const ngx_str_t  ngx_uplink_envelope_names[] = {
    ngx_string("type"),
    ngx_string("req_id"),
    ngx_string("payload")
};


ngx_int_t
ngx_uplink_envelope(u_char *data, size_t len, ngx_uplink_envelope_t *env,
    u_char *text, size_t size, size_t *text_len)
{
    ngx_uplink_value_t          values[NGX_UPLINK_ENVELOPE_MEMBERS], *value;
    ngx_uplink_json_error_t     err;
    ngx_uplink_envelope_text_t  t;

    t.start = text;
    t.size = size;
    t.len = text_len;

    if (ngx_uplink_json_check(data, len, &env->message, &err) != NGX_OK) {
        *text_len = ngx_uplink_json_explain(data, &err, text, size);
        return NGX_ERROR;
    }

    if (env->message.kind != NGX_UPLINK_JSON_OBJECT) {
        return ngx_uplink_envelope_error(&t, "message must be an object");
    }

    ngx_uplink_json_members(&env->message, ngx_uplink_envelope_names,
                            NGX_UPLINK_ENVELOPE_MEMBERS, values);

    value = &values[NGX_UPLINK_ENVELOPE_TYPE];

    if (value->kind == NGX_UPLINK_JSON_NONE) {
        return ngx_uplink_envelope_error(&t, "\"type\" is missing");
    }

    if (ngx_uplink_envelope_string(value, "type", env->type,
                                   NGX_UPLINK_TYPE_MAX, &env->type_len, &t)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (env->type_len == 0) {
        return ngx_uplink_envelope_error(&t, "\"type\" is empty");
    }

    value = &values[NGX_UPLINK_ENVELOPE_REQ_ID];

    env->req_id_len = 0;

    if (value->kind > NGX_UPLINK_JSON_NULL
        && ngx_uplink_envelope_string(value, "req_id", env->req_id,
                                      NGX_UPLINK_REQ_ID_MAX,
                                      &env->req_id_len, &t)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    env->payload = values[NGX_UPLINK_ENVELOPE_PAYLOAD];

    if (env->payload.kind == NGX_UPLINK_JSON_NULL) {
        env->payload.kind = NGX_UPLINK_JSON_NONE;
    }

    if (env->payload.kind != NGX_UPLINK_JSON_NONE
        && env->payload.kind != NGX_UPLINK_JSON_OBJECT)
    {
        return ngx_uplink_envelope_error(&t,
                                         "\"payload\" must be an object");
    }

    return NGX_OK;
}


size_t
ngx_uplink_json_explain(u_char *data, ngx_uplink_json_error_t *err,
    u_char *text, size_t size)
{
    size_t   i, len;
    u_char  *name;
    char     shown[NGX_UPLINK_ENVELOPE_NAME + 1];
    char     line[NGX_UPLINK_JSON_ERROR];

    if (err->named == 0) {
        len = snprintf(line, sizeof(line), "invalid JSON: %s at %zu",
                       err->what, err->offset);

        return ngx_uplink_envelope_copy(text, size, line, len);
    }

    /* as it stands in the message: valid, so DEL is all that could hurt */

    name = data + err->offset + 1;
    len = ngx_uplink_text_fit(name, err->named - 2, NGX_UPLINK_ENVELOPE_NAME);

    for (i = 0; i < len; i++) {
        shown[i] = (name[i] == 0x7f) ? '?' : (char) name[i];
    }

    shown[len] = '\0';

    len = snprintf(line, sizeof(line), "%s \"%s%s\" at %zu", err->what, shown,
                   (len < err->named - 2) ? "..." : "", err->offset);

    return ngx_uplink_envelope_copy(text, size, line, len);
}


static ngx_int_t
ngx_uplink_envelope_string(ngx_uplink_value_t *value, const char *name,
    u_char *dst, size_t max, size_t *len, ngx_uplink_envelope_text_t *text)
{
    if (value->kind != NGX_UPLINK_JSON_STRING) {
        return ngx_uplink_envelope_error(text, "\"%s\" must be a string",
                                         name);
    }

    switch (ngx_uplink_json_string(value, dst, max, len)) {

    case NGX_OK:
        return NGX_OK;

    case NGX_DECLINED:
        return ngx_uplink_envelope_error(text,
                                         "\"%s\" is longer than %zu bytes",
                                         name, max);

    default:
        return ngx_uplink_envelope_error(text, "\"%s\" contains U+0000",
                                         name);
    }
}


static ngx_int_t
ngx_uplink_envelope_error(ngx_uplink_envelope_text_t *text, const char *fmt,
    ...)
{
    char     line[NGX_UPLINK_JSON_ERROR];
    size_t   len;
    va_list  args;

    va_start(args, fmt);
    len = vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);

    *text->len = ngx_uplink_envelope_copy(text->start, text->size, line, len);

    return NGX_ERROR;
}


static size_t
ngx_uplink_envelope_copy(u_char *dst, size_t size, const char *src,
    size_t len)
{
    len = ngx_uplink_text_fit((u_char *) src, len, size);

    ngx_memcpy(dst, src, len);

    return len;
}
