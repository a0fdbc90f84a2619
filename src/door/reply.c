
/*
 * JSON over HTTP, for every door.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_uplink.h"


/* json: static, or from r->pool */

ngx_int_t
ngx_uplink_reply_json(ngx_http_request_t *r, ngx_uint_t status, u_char *json,
    size_t len)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t   out;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = len;

    ngx_str_set(&r->headers_out.content_type, "application/json");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = json;
    b->last = json + len;
    b->memory = (len != 0);
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;
    b->sync = (len == 0 && r != r->main);

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_uplink_reply_code(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *code, ngx_str_t *message)
{
    size_t   size;
    u_char  *json, *p;

    /* whoever waits for a "100 Continue" need not send the body */

    r->expect_tested = 1;

    /* an escaped character is 6 bytes long at most */

    size = sizeof("{\"error\":{\"code\":\"\",\"message\":\"\"}}\n")
           + 6 * (code->len + message->len);

    json = ngx_pnalloc(r->pool, size);
    if (json == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    p = ngx_cpymem(json, "{\"error\":{\"code\":\"",
                   sizeof("{\"error\":{\"code\":\"") - 1);
    p = (u_char *) ngx_escape_json(p, code->data, code->len);
    p = ngx_cpymem(p, "\",\"message\":\"", sizeof("\",\"message\":\"") - 1);
    p = (u_char *) ngx_escape_json(p, message->data, message->len);
    p = ngx_cpymem(p, "\"}}\n", sizeof("\"}}\n") - 1);

    return ngx_uplink_reply_json(r, status, json, p - json);
}


ngx_int_t
ngx_uplink_reply_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *message)
{
    ngx_str_t  c, m;

    c.data = (u_char *) code;
    c.len = ngx_strlen(code);

    m.data = (u_char *) message;
    m.len = ngx_strlen(message);

    return ngx_uplink_reply_code(r, status, &c, &m);
}


ngx_int_t
ngx_uplink_reply_readonly(ngx_http_request_t *r, const char *message)
{
    ngx_str_t  allow;

    ngx_str_set(&allow, "GET, HEAD");

    if (ngx_uplink_reply_header(r, "Allow", &allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_uplink_reply_error(r, NGX_HTTP_NOT_ALLOWED,
                                  "method_not_allowed", message);
}


/*
 * What was refused may have been followed by frames already: they must not
 * be taken for a request.
 */

ngx_int_t
ngx_uplink_reply_refusal(ngx_http_request_t *r,
    ngx_uplink_refusal_t *refusal)
{
    r->keepalive = 0;

    return ngx_uplink_reply_code(r, refusal->status, &refusal->code,
                                 &refusal->message);
}


/* name: a constant; value: static, or from r->pool */

ngx_int_t
ngx_uplink_reply_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    return ngx_uplink_reply_known(r, name, value, &h);
}


ngx_int_t
ngx_uplink_reply_known(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value, ngx_table_elt_t **known)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;

    *known = h;

    return NGX_OK;
}
