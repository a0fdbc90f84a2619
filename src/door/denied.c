
/*
 * What every door answers to whom it does not admit.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_uplink.h"


static ngx_int_t
ngx_uplink_reply_unauthorized(ngx_http_request_t *r, const char *code,
    const char *message)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    ngx_str_set(&h->key, "WWW-Authenticate");
    ngx_str_set(&h->value, "Bearer");

    r->headers_out.www_authenticate = h;

    return ngx_uplink_reply_error(r, NGX_HTTP_UNAUTHORIZED, code, message);
}


ngx_int_t
ngx_uplink_reply_denied(ngx_http_request_t *r, ngx_int_t rc)
{
    /* frames may follow a refused handshake, they are not a request */

    if (r->headers_in.upgrade) {
        r->keepalive = 0;
    }

    switch (rc) {

    case NGX_DECLINED:
        return ngx_uplink_reply_unauthorized(r, "auth_required",
                                             "a credential is required");

    case NGX_HTTP_UNAUTHORIZED:
        return ngx_uplink_reply_unauthorized(r, "auth_failed",
                                             "the credential is not valid");

    case NGX_HTTP_FORBIDDEN:
        return ngx_uplink_reply_error(r, NGX_HTTP_FORBIDDEN, "forbidden",
                                      "the credential or the origin is not "
                                      "allowed here");

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}
