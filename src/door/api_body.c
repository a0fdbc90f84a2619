
/*
 * What comes with a call, and what goes back.
 */


#include "door/api.h"


static void ngx_uplink_body_begin(ngx_http_request_t *r);
static void ngx_uplink_body_continue(ngx_http_request_t *r);
static ngx_int_t ngx_uplink_body_take(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
static ngx_int_t ngx_uplink_body_room(ngx_http_request_t *r,
    ngx_uplink_call_t *call, size_t size);
static ngx_int_t ngx_uplink_body_too_large(ngx_http_request_t *r, off_t len);
static ngx_int_t ngx_uplink_body_parse(ngx_http_request_t *r,
    ngx_uplink_call_t *call);


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


/*
 * Core would buffer the body, in a file if it is long, and say in HTML that
 * it is too long.  Nothing of it is needed but its bytes in one piece.
 */

ngx_int_t
ngx_uplink_body_read(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t  rc;

    if (call->conf->max_body
        && r->headers_in.content_length_n > call->conf->max_body)
    {
        return ngx_uplink_body_too_large(r, r->headers_in.content_length_n);
    }

    r->request_body_no_buffering = 1;
    r->request_body_in_file_only = 0;

    rc = ngx_http_read_client_request_body(r, ngx_uplink_body_begin);

    return (rc >= NGX_HTTP_SPECIAL_RESPONSE) ? rc : NGX_DONE;
}


static void
ngx_uplink_body_begin(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_uplink_body_continue;

    ngx_uplink_body_continue(r);
}


static void
ngx_uplink_body_continue(ngx_http_request_t *r)
{
    ngx_int_t           rc;
    ngx_uplink_call_t  *call;

    call = ngx_http_get_module_ctx(r, ngx_uplink_module);

    for ( ;; ) {
        rc = ngx_uplink_body_take(r, call);

        if (rc != NGX_DECLINED) {
            break;
        }

        if (!r->reading_body) {
            r->read_event_handler = ngx_http_block_reading;

            rc = ngx_uplink_body_parse(r, call);

            if (rc == NGX_DECLINED) {
                rc = call->route->handler(r, call);
            }

            break;
        }

        rc = ngx_http_read_unbuffered_request_body(r);

        if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
            break;
        }

        if (rc == NGX_AGAIN && r->request_body->bufs == NULL) {
            return;
        }
    }

    ngx_http_finalize_request(r, rc);
}


/* what has come so far; NGX_DECLINED: go on */

static ngx_int_t
ngx_uplink_body_take(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    size_t        size;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    while (r->request_body->bufs) {
        cl = r->request_body->bufs;
        r->request_body->bufs = cl->next;

        b = cl->buf;
        size = b->last - b->pos;

        ngx_free_chain(r->pool, cl);

        if (size == 0) {
            continue;
        }

        if (call->conf->max_body
            && (off_t) (call->text.len + size) > call->conf->max_body)
        {
            return ngx_uplink_body_too_large(r, call->text.len + size);
        }

        if (ngx_uplink_body_room(r, call, size) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_memcpy(call->text.data + call->text.len, b->pos, size);

        call->text.len += size;
        b->pos = b->last;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_uplink_body_room(ngx_http_request_t *r, ngx_uplink_call_t *call,
    size_t size)
{
    u_char  *p;

    if (call->size - call->text.len >= size) {
        return NGX_OK;
    }

    if (call->size == 0 && r->headers_in.content_length_n > 0) {
        size = ngx_max(size, (size_t) r->headers_in.content_length_n);
    }

    size = 2 * call->size + size;

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    if (call->text.len) {
        ngx_memcpy(p, call->text.data, call->text.len);
        (void) ngx_pfree(r->pool, call->text.data);
    }

    call->text.data = p;
    call->size = size;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_body_too_large(ngx_http_request_t *r, off_t len)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "client intended to send too large body: %O bytes", len);

    r->keepalive = 0;

    return ngx_uplink_reply_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                  "too_large", "the body is longer than "
                                               "client_max_body_size");
}


/* no body at all is an empty object; NGX_DECLINED: go on */

static ngx_int_t
ngx_uplink_body_parse(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    size_t                    len;
    u_char                    text[NGX_UPLINK_JSON_ERROR + 1];
    ngx_uplink_json_error_t   err;

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


/* what the next page begins behind; the last one has null */

ngx_int_t
ngx_uplink_page_next(ngx_http_request_t *r, ngx_uplink_out_t *out,
    ngx_str_t *after)
{
    if (ngx_uplink_page_room(r, out, NGX_UPLINK_JSON_QUOTED(after->len)
                                     + 2 * NGX_UPLINK_OUT_MEMBER)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (after->len) {
        ngx_uplink_out_str(out, "next", after);

    } else {
        ngx_uplink_out_null(out, "next");
    }

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
