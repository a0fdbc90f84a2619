
/*
 * What comes with a call, and what goes back.
 */


#include "door/api.h"


static ngx_int_t ngx_uplink_body_copy(ngx_http_request_t *r, ngx_str_t *text);


static const ngx_str_t  ngx_uplink_body_json =
    ngx_string("application/json");

static u_char  ngx_uplink_body_empty[] = "{}";


ngx_int_t
ngx_uplink_body_type(ngx_http_request_t *r)
{
    u_char     *p, *last;
    ngx_str_t  *type;

    if (r->headers_in.content_type == NULL) {
        return NGX_OK;
    }

    type = &r->headers_in.content_type->value;

    if (type->len < ngx_uplink_body_json.len
        || ngx_strncasecmp(type->data, ngx_uplink_body_json.data,
                           ngx_uplink_body_json.len)
           != 0)
    {
        return NGX_DECLINED;
    }

    /* parameters may follow */

    p = type->data + ngx_uplink_body_json.len;
    last = type->data + type->len;

    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    return (p == last || *p == ';') ? NGX_OK : NGX_DECLINED;
}


/* no body at all is an empty object */

ngx_int_t
ngx_uplink_body_read(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    size_t                    len;
    u_char                    text[NGX_UPLINK_JSON_ERROR + 1];
    ngx_uplink_json_error_t   err;

    if (ngx_uplink_body_copy(r, &call->text) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (call->text.len == 0) {
        ngx_str_set(&call->text, ngx_uplink_body_empty);
    }

    if (ngx_uplink_json_check(call->text.data, call->text.len, &call->body,
                              &err)
        != NGX_OK)
    {
        len = ngx_uplink_json_explain(call->text.data, &err, text,
                                      NGX_UPLINK_JSON_ERROR);
        text[len] = '\0';

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent invalid body of uplink call: %s", text);

        return ngx_uplink_reply_error(r, NGX_HTTP_BAD_REQUEST, "bad_request",
                                      (char *) text);
    }

    if (call->body.kind != NGX_UPLINK_JSON_OBJECT) {
        return ngx_uplink_reply_error(r, NGX_HTTP_BAD_REQUEST, "bad_request",
                                      "the body must be an object");
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_uplink_body_copy(ngx_http_request_t *r, ngx_str_t *text)
{
    u_char       *p;
    size_t        len;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    text->len = 0;

    if (r->request_body == NULL || r->request_body->bufs == NULL) {
        return NGX_OK;
    }

    len = 0;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        len += (size_t) ngx_buf_size(cl->buf);
    }

    p = ngx_pnalloc(r->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, b->last - b->pos);
            continue;
        }

        if (!b->in_file) {
            continue;
        }

        len = (size_t) (b->file_last - b->file_pos);

        n = ngx_read_file(b->file, p, len, b->file_pos);

        if (n == NGX_ERROR || (size_t) n != len) {
            return NGX_ERROR;
        }

        p += len;
    }

    text->len = p - text->data;

    return NGX_OK;
}


ngx_int_t
ngx_uplink_page_init(ngx_http_request_t *r, ngx_uplink_out_t *out,
    size_t size)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_uplink_out_init(out, p, size);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_page_room(ngx_http_request_t *r, ngx_uplink_out_t *out,
    size_t size)
{
    u_char  *p;
    size_t   len;

    if ((size_t) (out->last - out->pos) >= size) {
        return NGX_OK;
    }

    len = ngx_uplink_out_len(out);

    size = 2 * (out->last - out->start) + size;

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, out->start, len);

    (void) ngx_pfree(r->pool, out->start);

    out->start = p;
    out->pos = p + len;
    out->last = p + size;

    return NGX_OK;
}


ngx_int_t
ngx_uplink_page_reply(ngx_http_request_t *r, ngx_uint_t status,
    ngx_uplink_out_t *out)
{
    ngx_uplink_out_raw(out, "\n", 1);

    if (out->over) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "uplink reply is longer than its room");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_uplink_reply_json(r, status, out->start,
                                 ngx_uplink_out_len(out));
}
