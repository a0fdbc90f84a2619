
/*
 * An operator's WebSocket: whose session it is, what wakes it, how it ends.
 */


#include "door/operator.h"
#include "door/trail.h"


#define NGX_UPLINK_STRANGER_MAX  4096    /* a message before admission */


static ngx_int_t ngx_uplink_console_token(ngx_http_request_t *r,
    ngx_str_t *token);
static ngx_int_t ngx_uplink_console_check(ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_uint_t *admitted);
static ngx_int_t ngx_uplink_console_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *message);
static ngx_int_t ngx_uplink_console_start(ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_uint_t admitted);
static void ngx_uplink_console_notify(void *data, ngx_uint_t bits);
static void ngx_uplink_console_sent(ngx_uplink_conn_t *uc);
static void ngx_uplink_console_wake(ngx_uplink_conn_t *uc);
static void ngx_uplink_console_deadline(ngx_uplink_conn_t *uc);
static void ngx_uplink_console_drain(ngx_uplink_console_t *console);
static void ngx_uplink_console_closed(ngx_uplink_conn_t *uc, ngx_uint_t code);
static ngx_int_t ngx_uplink_console_take(ngx_uplink_console_t *console,
    ngx_connection_t *c);
static void ngx_uplink_console_begin(ngx_uplink_console_t *console);
static void ngx_uplink_console_leave(ngx_uplink_console_t *console);


static const ngx_uplink_conn_ops_t  ngx_uplink_console_ops = {
    NULL,
    ngx_uplink_console_message,
    ngx_uplink_console_sent,
    ngx_uplink_console_wake,
    ngx_uplink_console_deadline,
    ngx_uplink_console_closed,
    NULL                                   /* no pong of its own */
};


static ngx_str_t  ngx_uplink_console_protocol =
    ngx_string(NGX_UPLINK_PROTOCOL);
static ngx_str_t  ngx_uplink_console_bearer =
    ngx_string(NGX_UPLINK_PROTOCOL_BEARER);


ngx_int_t
ngx_uplink_call_socket(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t              rc;
    ngx_uint_t             admitted;
    ngx_uplink_refusal_t  *refusal;

    if (ngx_uplink_trail(r, "operator") == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    refusal = ngx_uplink_ws_check(r);

    if (refusal) {
        return ngx_uplink_reply_refusal(r, refusal);
    }

    if (ngx_uplink_auth_origin(r, &call->conf->auth, 1) != NGX_OK) {
        return ngx_uplink_reply_denied(r, NGX_HTTP_FORBIDDEN);
    }

    rc = ngx_uplink_console_check(r, call, &admitted);

    return (rc == NGX_DECLINED) ? ngx_uplink_console_start(r, call, admitted)
                                : rc;
}


/*
 * Without a token it can still come in a first message, but only from those
 * who speak our subprotocol.  NGX_DECLINED: go on; or what the content
 * handler returns.
 */

static ngx_int_t
ngx_uplink_console_check(ngx_http_request_t *r, ngx_uplink_call_t *call,
    ngx_uint_t *admitted)
{
    ngx_int_t  rc;
    ngx_str_t  token;

    *admitted = (ngx_uplink_console_token(r, &token) == NGX_OK);

    if (*admitted) {
        rc = ngx_uplink_session_check(r->connection->log, call->fleet,
                                      &call->id, &token, &call->session);

    } else if (ngx_uplink_ws_offers(r, &ngx_uplink_console_protocol, NULL)) {
        rc = ngx_uplink_operator_view(call->fleet, &call->id, 0,
                                      &call->session);

    } else {
        return ngx_uplink_reply_denied(r, NGX_DECLINED);
    }

    switch (rc) {

    case NGX_OK:
        return NGX_DECLINED;

    case NGX_ABORT:
        return ngx_uplink_console_refuse(r, NGX_HTTP_NOT_FOUND,
                                         "operator_unknown",
                                         "there is no such session");

    case NGX_DECLINED:
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent wrong token of an uplink session");

        return ngx_uplink_reply_denied(r, NGX_HTTP_UNAUTHORIZED);

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}


static ngx_int_t
ngx_uplink_console_token(ngx_http_request_t *r, ngx_str_t *token)
{
    if (ngx_uplink_auth_bearer(r, token) == NGX_OK
        || ngx_uplink_ws_offers(r, &ngx_uplink_console_bearer, token))
    {
        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* frames may have followed already: they must not be taken for a request */

static ngx_int_t
ngx_uplink_console_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *message)
{
    r->keepalive = 0;

    return ngx_uplink_reply_error(r, status, code, message);
}


static ngx_int_t
ngx_uplink_console_start(ngx_http_request_t *r, ngx_uplink_call_t *call,
    ngx_uint_t admitted)
{
    ngx_int_t              rc;
    ngx_uplink_conn_t     *uc;
    ngx_uplink_console_t  *console;

    console = ngx_pcalloc(r->pool, sizeof(ngx_uplink_console_t));
    if (console == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    console->fleet = call->fleet;
    console->conf = call->conf;
    console->sid_len = call->session.sid_len;
    console->by_len = call->session.by_len;
    ngx_memcpy(console->sid, call->session.sid, console->sid_len);
    ngx_memcpy(console->by, call->session.by, console->by_len);

    switch (ngx_uplink_slot_take(call->fleet, ngx_uplink_console_notify,
                                 console, &console->slot))
    {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_uplink_console_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                         "unavailable",
                                         "this worker has no port in its "
                                         "fleet");

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /*
     * the place is taken before the client can know of it: of two sockets,
     * the one that was answered last is the one that stays
     */

    rc = admitted ? ngx_uplink_console_take(console, r->connection) : NGX_OK;

    if (rc != NGX_OK) {
        ngx_uplink_slot_leave(call->fleet, console->slot);

        return (rc == NGX_ABORT)
                   ? ngx_uplink_console_refuse(r, NGX_HTTP_NOT_FOUND,
                                               "operator_unknown",
                                               "there is no such session")
                   : ngx_uplink_console_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                               "unavailable",
                                               "the fleet is being rebuilt");
    }

    uc = ngx_uplink_conn_upgrade(r, &ngx_uplink_console_ops, console,
                                 &call->conf->conn,
                                 ngx_uplink_ws_offers(r,
                                                &ngx_uplink_console_protocol,
                                                NULL)
                                 ? &ngx_uplink_console_protocol : NULL);
    if (uc == NULL) {
        ngx_uplink_console_leave(console);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    console->conn = uc;

    ngx_uplink_trail_of(r)->conn = uc;

    if (admitted) {
        ngx_uplink_console_begin(console);
        return NGX_DONE;
    }

    uc->max_message = ngx_min(uc->max_message, NGX_UPLINK_STRANGER_MAX);
    ngx_uplink_conn_deadline(uc, call->conf->handshake_timeout);

    return NGX_DONE;
}


/* its token came in a first message */

void
ngx_uplink_console_attach(ngx_uplink_console_t *console)
{
    switch (ngx_uplink_console_take(console, console->conn->connection)) {

    case NGX_OK:
        ngx_uplink_console_begin(console);
        break;

    case NGX_ABORT:
        ngx_uplink_conn_close(console->conn, NGX_UPLINK_CLOSE_DONE, NULL);
        break;

    default:
        ngx_uplink_conn_close(console->conn, NGX_UPLINK_CLOSE_RESTART, NULL);
    }
}


static ngx_int_t
ngx_uplink_console_take(ngx_uplink_console_t *console, ngx_connection_t *c)
{
    ngx_int_t            rc;
    ngx_str_t            sid;
    ngx_uplink_origin_t  origin;

    console->admitted = 1;

    sid.data = console->sid;
    sid.len = console->sid_len;

    ngx_uplink_origin(&origin, NGX_UPLINK_DOOR_OPERATOR, c, NULL);

    rc = ngx_uplink_operator_attach(console->fleet, &sid, console->slot,
                                    &origin, &console->feed);

    console->attached = (rc == NGX_OK);

    return rc;
}


static void
ngx_uplink_console_begin(ngx_uplink_console_t *console)
{
    ngx_uplink_conn_t   *uc;
    ngx_uplink_trail_t  *trail;

    uc = console->conn;

    trail = ngx_uplink_trail_of(uc->request);

    trail->user.data = console->by;
    trail->user.len = console->by_len;
    trail->session.data = console->sid;
    trail->session.len = console->sid_len;

    uc->max_message = console->conf->conn.max_message;
    ngx_uplink_conn_deadline(uc, 0);

    if (ngx_uplink_bus_leaving(console->fleet)) {
        console->bits |= NGX_UPLINK_BIT_DRAIN;
    }

    ngx_uplink_conn_wake(uc);
}


/* from the bus, in the middle of others: acted on in a turn of our own */

static void
ngx_uplink_console_notify(void *data, ngx_uint_t bits)
{
    ngx_uplink_console_t  *console;

    console = data;
    console->bits |= bits;

    if (bits & NGX_UPLINK_BIT_DRAIN) {
        console->after = ngx_uplink_drain_after(console->fleet,
                                          console->conf->drain_timeout / 2);
    }

    ngx_uplink_conn_wake(console->conn);
}


static void
ngx_uplink_console_sent(ngx_uplink_conn_t *uc)
{
    ngx_uplink_console_feed(uc->data);
}


static void
ngx_uplink_console_wake(ngx_uplink_conn_t *uc)
{
    ngx_uint_t             bits;
    ngx_uplink_console_t  *console;

    console = uc->data;

    bits = console->bits;
    console->bits = 0;

    if (bits & NGX_UPLINK_BIT_VOID) {
        ngx_uplink_conn_close(uc, NGX_UPLINK_CLOSE_RESTART, NULL);
        return;
    }

    if (!console->attached) {

        /* one that is not admitted yet leaves by its handshake timeout */

        return;
    }

    if (bits & NGX_UPLINK_BIT_DRAIN) {
        ngx_uplink_console_drain(console);
    }

    ngx_uplink_console_feed(console);
}


/* each is asked to come back at another time, within half of the grace */

static void
ngx_uplink_console_drain(ngx_uplink_console_t *console)
{
    ngx_msec_t        grace;
    ngx_uplink_out_t  out;

    if (console->draining) {
        return;
    }

    console->draining = 1;

    grace = console->conf->drain_timeout;

    if (ngx_uplink_message_flat(&out, console->conn, "drain",
                                2 * NGX_UPLINK_OUT_MEMBER)
        == NGX_OK)
    {
        ngx_uplink_out_number(&out, "grace_ms", grace);
        ngx_uplink_out_number(&out, "reconnect_after_ms",
                              console->after);
        (void) ngx_uplink_message_send(&out);
    }

    /* 0 would be no deadline at all */

    ngx_uplink_conn_deadline(console->conn, ngx_max(grace, 1));
}


static void
ngx_uplink_console_deadline(ngx_uplink_conn_t *uc)
{
    ngx_str_t              reason;
    ngx_uplink_console_t  *console;

    console = uc->data;

    if (console->admitted) {
        ngx_str_set(&reason, "restart");
        ngx_uplink_conn_close(uc, NGX_UPLINK_CLOSE_RESTART, &reason);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, uc->connection->log, NGX_ETIMEDOUT,
                  "client sent no \"auth\" message in time");

    ngx_str_set(&reason, "handshake_timeout");
    ngx_uplink_conn_close(uc, NGX_UPLINK_CLOSE_POLICY, &reason);
}


static void
ngx_uplink_console_closed(ngx_uplink_conn_t *uc, ngx_uint_t code)
{
    ngx_uplink_console_t  *console;

    console = uc->data;

    ngx_uplink_trail_closed(console->fleet, uc, code);
    ngx_uplink_console_leave(console);
}


static void
ngx_uplink_console_leave(ngx_uplink_console_t *console)
{
    if (console->attached) {
        (void) ngx_uplink_operator_detach(console->fleet, &console->feed,
                                          console->slot);
    }

    ngx_uplink_slot_leave(console->fleet, console->slot);
}
