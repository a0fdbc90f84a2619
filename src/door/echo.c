
/*
 * uplink_echo: a door that says everything back, for conformance suites.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "door/trail.h"


/* a message that did not fit, while the client is not read */

typedef struct {
    u_char         *data;
    size_t          len;
    ngx_uint_t      opcode;
} ngx_uplink_echo_t;


static void ngx_uplink_echo_message(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len);
static void ngx_uplink_echo_keep(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len);
static void ngx_uplink_echo_sent(ngx_uplink_conn_t *uc);
static void ngx_uplink_echo_closed(ngx_uplink_conn_t *uc, ngx_uint_t code);


static const ngx_uplink_conn_ops_t  ngx_uplink_echo_ops = {
    NULL,
    ngx_uplink_echo_message,
    ngx_uplink_echo_sent,
    NULL,                                  /* never woken */
    NULL,                                  /* no deadline */
    ngx_uplink_echo_closed,
    NULL                                   /* no pong of its own */
};


ngx_int_t
ngx_uplink_echo_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_uplink_who_t        who;
    ngx_uplink_echo_t      *echo;
    ngx_uplink_trail_t     *trail;
    ngx_uplink_refusal_t   *refusal;
    ngx_uplink_loc_conf_t  *ulcf;

    trail = ngx_uplink_trail(r, "echo");
    if (trail == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    refusal = ngx_uplink_ws_check(r);

    if (refusal) {
        return ngx_uplink_reply_refusal(r, refusal);
    }

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    rc = ngx_uplink_auth_origin(r, &ulcf->auth, 1);

    if (rc == NGX_OK) {
        rc = ngx_uplink_auth_request(r, &ulcf->auth, NGX_UPLINK_ROLE_ANY,
                                     &who);
    }

    if (rc != NGX_OK) {
        return ngx_uplink_reply_denied(r, rc);
    }

    trail->user = who.name;

    echo = ngx_pcalloc(r->pool, sizeof(ngx_uplink_echo_t));
    if (echo == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    trail->conn = ngx_uplink_conn_upgrade(r, &ngx_uplink_echo_ops, echo,
                                          &ulcf->conn, NULL);
    if (trail->conn == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


static void
ngx_uplink_echo_message(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len)
{
    switch (ngx_uplink_conn_send(uc, opcode, data, len)) {

    case NGX_OK:
        break;

    case NGX_BUSY:
        ngx_uplink_echo_keep(uc, opcode, data, len);
        break;

    default: /* NGX_ERROR */
        ngx_uplink_conn_close(uc, NGX_UPLINK_CLOSE_INTERNAL, NULL);
    }
}


static void
ngx_uplink_echo_keep(ngx_uplink_conn_t *uc, ngx_uint_t opcode, u_char *data,
    size_t len)
{
    ngx_uplink_echo_t  *echo;

    echo = uc->data;

    echo->data = ngx_alloc(ngx_max(len, 1), uc->connection->log);
    if (echo->data == NULL) {
        ngx_uplink_conn_close(uc, NGX_UPLINK_CLOSE_INTERNAL, NULL);
        return;
    }

    ngx_memcpy(echo->data, data, len);
    echo->len = len;
    echo->opcode = opcode;

    uc->want_sent = 1;

    ngx_uplink_conn_pause(uc);
}


static void
ngx_uplink_echo_sent(ngx_uplink_conn_t *uc)
{
    ngx_int_t           rc;
    ngx_uplink_echo_t  *echo;

    echo = uc->data;

    rc = ngx_uplink_conn_send(uc, echo->opcode, echo->data, echo->len);

    if (rc == NGX_BUSY) {
        return;
    }

    ngx_free(echo->data);
    echo->data = NULL;

    uc->want_sent = 0;

    if (rc != NGX_OK) {
        ngx_uplink_conn_close(uc, NGX_UPLINK_CLOSE_INTERNAL, NULL);
        return;
    }

    ngx_uplink_conn_resume(uc);
}


static void
ngx_uplink_echo_closed(ngx_uplink_conn_t *uc, ngx_uint_t code)
{
    ngx_uplink_echo_t  *echo;

    echo = uc->data;

    ngx_uplink_trail_closed(NULL, uc, code);

    if (echo->data) {
        ngx_free(echo->data);
    }
}
