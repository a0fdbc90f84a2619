
/*
 * JSON as it goes out: into memory of known size, without a tree.
 */


#include "door/door.h"


static u_char *ngx_uplink_out_take(ngx_uplink_out_t *out, const char *name,
    size_t len);


void
ngx_uplink_out_init(ngx_uplink_out_t *out, u_char *start, size_t size)
{
    out->conn = NULL;
    out->start = start;
    out->pos = start;
    out->last = start + size;
    out->braces = 0;
    out->comma = 0;
    out->over = 0;
}


/*
 * Writes what stands before a value, and tells where the value of at most
 * len bytes goes; NULL if they do not fit.
 */

static u_char *
ngx_uplink_out_take(ngx_uplink_out_t *out, const char *name, size_t len)
{
    u_char  *p;
    size_t   n;

    n = name ? ngx_strlen(name) : 0;

    if (out->over
        || (size_t) (out->last - out->pos) < sizeof(",\"\":") - 1 + n + len)
    {
        out->over = 1;
        return NULL;
    }

    p = out->pos;

    if (out->comma) {
        *p++ = ',';
    }

    out->comma = 1;

    if (name) {
        *p++ = '"';
        p = ngx_cpymem(p, name, n);
        *p++ = '"';
        *p++ = ':';
    }

    return p;
}


void
ngx_uplink_out_raw(ngx_uplink_out_t *out, const void *data, size_t len)
{
    if (out->over || (size_t) (out->last - out->pos) < len) {
        out->over = 1;
        return;
    }

    out->pos = ngx_cpymem(out->pos, data, len);
}


void
ngx_uplink_out_open(ngx_uplink_out_t *out, const char *name, u_char ch)
{
    u_char  *p;

    p = ngx_uplink_out_take(out, name, 1);

    if (p) {
        *p++ = ch;
        out->pos = p;
        out->comma = 0;
    }
}


void
ngx_uplink_out_shut(ngx_uplink_out_t *out, u_char ch)
{
    ngx_uplink_out_raw(out, &ch, 1);
    out->comma = 1;
}


void
ngx_uplink_out_string(ngx_uplink_out_t *out, const char *name,
    const void *data, size_t len)
{
    u_char  *p;

    p = ngx_uplink_out_take(out, name, ngx_uplink_out_quoted(data, len));

    if (p) {
        out->pos = ngx_uplink_json_quote(p, data, len);
    }
}


void
ngx_uplink_out_number(ngx_uplink_out_t *out, const char *name, uint64_t n)
{
    u_char  *p;

    p = ngx_uplink_out_take(out, name, NGX_UPLINK_OUT_NUMBER);

    if (p) {
        out->pos = ngx_sprintf(p, "%uL", n);
    }
}


void
ngx_uplink_out_bool(ngx_uplink_out_t *out, const char *name, ngx_uint_t on)
{
    ngx_str_t  word;

    if (on) {
        ngx_str_set(&word, "true");

    } else {
        ngx_str_set(&word, "false");
    }

    ngx_uplink_out_value(out, name, word.data, word.len);
}


void
ngx_uplink_out_null(ngx_uplink_out_t *out, const char *name)
{
    ngx_uplink_out_value(out, name, "null", sizeof("null") - 1);
}


void
ngx_uplink_out_value(ngx_uplink_out_t *out, const char *name,
    const void *json, size_t len)
{
    u_char  *p;

    p = ngx_uplink_out_take(out, name, len);

    if (p) {
        out->pos = ngx_cpymem(p, json, len);
    }
}


void
ngx_uplink_out_hex(ngx_uplink_out_t *out, const char *name, u_char *data,
    size_t len)
{
    u_char  *p;

    p = ngx_uplink_out_take(out, name, 2 + 2 * len);

    if (p) {
        *p++ = '"';
        p = ngx_hex_dump(p, data, len);
        *p++ = '"';
        out->pos = p;
    }
}


void
ngx_uplink_out_members(ngx_uplink_out_t *out, ngx_str_t *members)
{
    if (members->len) {
        ngx_uplink_out_value(out, NULL, members->data, members->len);
    }
}


/* most texts are plain: no need to ask for six times of them */

size_t
ngx_uplink_out_quoted(const void *data, size_t len)
{
    size_t         i;
    const u_char  *p;

    p = data;

    for (i = 0; i < len; i++) {
        if (p[i] < ' ' || p[i] >= 0x7f || p[i] == '"' || p[i] == '\\') {
            return i + NGX_UPLINK_JSON_QUOTED(len - i);
        }
    }

    return len + 2;
}


ngx_int_t
ngx_uplink_message_enveloped(ngx_uplink_out_t *out, ngx_uplink_conn_t *uc,
    const char *type, const u_char *req_id, size_t len, size_t room)
{
    size_t   size;
    u_char  *p;

    size = sizeof("{\"type\":\"\",\"req_id\":,\"payload\":{}}")
           + ngx_strlen(type) + ngx_uplink_out_quoted(req_id, len)
           + NGX_UPLINK_OUT_MEMBER + room;

    p = ngx_uplink_conn_reserve(uc, size);
    if (p == NULL) {
        return uc->closing ? NGX_ERROR : NGX_BUSY;
    }

    ngx_uplink_out_init(out, p, size);
    out->conn = uc;

    ngx_uplink_out_open(out, NULL, '{');
    ngx_uplink_out_text(out, "type", type);
    ngx_uplink_out_string(out, "req_id", req_id, len);
    ngx_uplink_out_open(out, "payload", '{');

    out->braces = 2;
    out->last -= out->braces;

    return NGX_OK;
}


ngx_int_t
ngx_uplink_message_flat(ngx_uplink_out_t *out, ngx_uplink_conn_t *uc,
    const char *type, size_t room)
{
    size_t   size;
    u_char  *p;

    size = sizeof("{\"type\":\"\"}") + ngx_strlen(type)
           + NGX_UPLINK_OUT_MEMBER + room;

    p = ngx_uplink_conn_reserve(uc, size);
    if (p == NULL) {
        return uc->closing ? NGX_ERROR : NGX_BUSY;
    }

    ngx_uplink_out_init(out, p, size);
    out->conn = uc;

    ngx_uplink_out_open(out, NULL, '{');
    ngx_uplink_out_text(out, "type", type);

    out->braces = 1;
    out->last -= out->braces;

    return NGX_OK;
}


ngx_int_t
ngx_uplink_message_send(ngx_uplink_out_t *out)
{
    if (out->over) {
        ngx_log_error(NGX_LOG_ALERT, out->conn->connection->log, 0,
                      "uplink message is longer than its room");
        return NGX_ERROR;
    }

    out->last += out->braces;

    while (out->braces) {
        *out->pos++ = '}';
        out->braces--;
    }

    ngx_uplink_conn_commit(out->conn, NGX_UPLINK_WS_TEXT,
                           ngx_uplink_out_len(out));

    return NGX_OK;
}
