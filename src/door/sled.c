
/*
 * The door of the sleds (uplink_sled): handshake, and which message goes
 * where.
 */


#include "door/sled_terminal.h"
#include "door/trail.h"


#define NGX_UPLINK_SLED_OPENING  0x01   /* says who it is: comes first */


typedef struct {
    ngx_str_t                    type;
    ngx_uplink_sled_message_pt   handler;
    ngx_uint_t                   flags;
} ngx_uplink_sled_type_t;


static ngx_int_t ngx_uplink_sled_credentials(ngx_http_request_t *r,
    ngx_uplink_sled_conn_t *sc);
static ngx_int_t ngx_uplink_sled_name(ngx_http_request_t *r,
    ngx_uplink_sled_conn_t *sc);
static ngx_int_t ngx_uplink_sled_reply(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *message);
static ngx_int_t ngx_uplink_sled_start(ngx_http_request_t *r,
    ngx_uplink_sled_conn_t *sc);
static ngx_int_t ngx_uplink_sled_ascii(ngx_uplink_conn_t *uc, u_char *data,
    size_t len);
static void ngx_uplink_sled_message(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len);
static void ngx_uplink_sled_dispatch(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
static const ngx_uplink_sled_type_t *ngx_uplink_sled_find(
    ngx_uplink_envelope_t *env);
static ngx_int_t ngx_uplink_sled_first(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, const ngx_uplink_sled_type_t *type);
static void ngx_uplink_sled_hold(ngx_uplink_sled_conn_t *sc);
static void ngx_uplink_sled_sent(ngx_uplink_conn_t *uc);
static void ngx_uplink_sled_wake(ngx_uplink_conn_t *uc);
static void ngx_uplink_sled_deadline(ngx_uplink_conn_t *uc);
static void ngx_uplink_sled_closed(ngx_uplink_conn_t *uc, ngx_uint_t code);
static void ngx_uplink_sled_notify(void *data, ngx_uint_t bits);


static const ngx_uplink_conn_ops_t  ngx_uplink_sled_ops = {
    ngx_uplink_sled_ascii,
    ngx_uplink_sled_message,
    ngx_uplink_sled_sent,
    ngx_uplink_sled_wake,
    ngx_uplink_sled_deadline,
    ngx_uplink_sled_closed,
    ngx_uplink_sled_pong
};


/* every type a sled may send */

static const ngx_uplink_sled_type_t  ngx_uplink_sled_types[] = {

    { ngx_string("register"), ngx_uplink_sled_register,
      NGX_UPLINK_SLED_OPENING },

    { ngx_string("identity"), ngx_uplink_sled_identity,
      NGX_UPLINK_SLED_OPENING },

    { ngx_string("heartbeat"), ngx_uplink_sled_heartbeat, 0 },
    { ngx_string("flow_control"), ngx_uplink_sled_flow_control, 0 },
    { ngx_string("perm_request"), ngx_uplink_sled_perm_request, 0 },
    { ngx_string("ask"), ngx_uplink_sled_ask_request, 0 },
    { ngx_string("hook_before"), ngx_uplink_sled_hook_before, 0 },
    { ngx_string("hook_after"), ngx_uplink_sled_hook_after, 0 },
    { ngx_string("spawn"), ngx_uplink_sled_spawn, 0 },
    { ngx_string("perm_cancel"), ngx_uplink_sled_perm_cancel, 0 },
    { ngx_string("perm_ack"), ngx_uplink_sled_perm_ack, 0 },
    { ngx_string("perm_applied"), ngx_uplink_sled_perm_applied, 0 },
    { ngx_string("tasks"), ngx_uplink_sled_tasks, 0 },
    { ngx_string("terminal.opened"), ngx_uplink_sled_opened, 0 },
    { ngx_string("terminal.data"), ngx_uplink_sled_terminal_data, 0 },
    { ngx_string("terminal.exit"), ngx_uplink_sled_exit, 0 },
    { ngx_string("terminal.error"), ngx_uplink_sled_failed, 0 },
    { ngx_string("terminal.close"), ngx_uplink_sled_closed_by, 0 },

    { ngx_null_string, NULL, 0 }
};


ngx_int_t
ngx_uplink_sled_handler(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_uplink_refusal_t    *refusal;
    ngx_uplink_loc_conf_t   *ulcf;
    ngx_uplink_sled_conn_t  *sc;

    if (ngx_uplink_trail(r, "sled") == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    refusal = ngx_uplink_ws_check(r);

    if (refusal) {
        return ngx_uplink_reply_refusal(r, refusal);
    }

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    if (ngx_uplink_auth_origin(r, &ulcf->auth, 0) != NGX_OK) {
        return ngx_uplink_reply_denied(r, NGX_HTTP_FORBIDDEN);
    }

    sc = ngx_pcalloc(r->pool, sizeof(ngx_uplink_sled_conn_t));
    if (sc == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sc->fleet = ulcf->fleet;
    sc->conf = ulcf;

    rc = ngx_uplink_sled_credentials(r, sc);

    if (rc == NGX_DECLINED) {
        rc = ngx_uplink_sled_name(r, sc);
    }

    if (rc == NGX_DECLINED) {
        rc = ngx_uplink_sled_start(r, sc);
    }

    return rc;
}


/*
 * NGX_DECLINED: go on; or what the content handler returns.  Who brings no
 * credential may still bring one in its first message.
 */

static ngx_int_t
ngx_uplink_sled_credentials(ngx_http_request_t *r, ngx_uplink_sled_conn_t *sc)
{
    ngx_int_t  rc;

    rc = ngx_uplink_auth_request(r, &sc->conf->auth, NGX_UPLINK_ROLE_SLED,
                                 &sc->who);

    switch (rc) {

    case NGX_OK:
        return NGX_DECLINED;

    case NGX_DECLINED:
        sc->stranger = 1;
        return NGX_DECLINED;

    default:
        return ngx_uplink_reply_denied(r, rc);
    }
}


/* ?sled=ID is for one that will not register: no token can come later */

static ngx_int_t
ngx_uplink_sled_name(ngx_http_request_t *r, ngx_uplink_sled_conn_t *sc)
{
    u_char     *src, *dst;
    ngx_str_t   value;

    if (ngx_http_arg(r, (u_char *) "sled", sizeof("sled") - 1, &value)
        != NGX_OK
        || value.len == 0)
    {
        return NGX_DECLINED;
    }

    if (sc->stranger) {
        return ngx_uplink_reply_denied(r, NGX_DECLINED);
    }

    dst = ngx_pnalloc(r->pool, value.len);
    if (dst == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sc->agent.data = dst;
    src = value.data;

    ngx_unescape_uri(&dst, &src, value.len, 0);

    sc->agent.len = dst - sc->agent.data;

    if (!ngx_uplink_agent_id(&sc->agent)) {
        return ngx_uplink_sled_reply(r, NGX_HTTP_BAD_REQUEST,
                                     "agent_id_invalid",
                                     "a sled's name is 1 to 128 characters "
                                     "of A-Z a-z 0-9 . _ : -");
    }

    if (!ngx_uplink_sled_may_be(sc, &sc->agent)) {
        return ngx_uplink_sled_reply(r, NGX_HTTP_FORBIDDEN,
                                     "agent_not_allowed",
                                     "this name is not allowed here");
    }

    return NGX_DECLINED;
}


/* frames may follow already: they must not be taken for a request */

static ngx_int_t
ngx_uplink_sled_reply(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *message)
{
    r->keepalive = 0;

    return ngx_uplink_reply_error(r, status, code, message);
}


static ngx_int_t
ngx_uplink_sled_start(ngx_http_request_t *r, ngx_uplink_sled_conn_t *sc)
{
    ngx_str_t               binary, *protocol;
    ngx_uplink_conn_t      *uc;
    ngx_uplink_loc_conf_t  *ulcf;

    ulcf = sc->conf;

    ngx_str_set(&binary, NGX_UPLINK_PROTOCOL_BINARY);

    sc->binary = ngx_uplink_ws_offers(r, &binary, NULL);
    protocol = sc->binary ? &binary : NULL;

    switch (ngx_uplink_slot_take(sc->fleet, ngx_uplink_sled_notify, sc,
                                 &sc->slot))
    {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_uplink_sled_reply(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "unavailable",
                                     "this worker has no port in its fleet");

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    uc = ngx_uplink_conn_upgrade(r, &ngx_uplink_sled_ops, sc, &ulcf->conn,
                                 protocol);
    if (uc == NULL) {
        ngx_uplink_slot_leave(sc->fleet, sc->slot);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sc->conn = uc;
    ngx_uplink_trail_of(r)->conn = uc;

    if (sc->stranger
        || ulcf->registration == NGX_UPLINK_REGISTRATION_REQUIRED)
    {
        uc->max_message = ngx_min(NGX_UPLINK_SLED_STRANGER,
                                  ulcf->conn.max_message);
        sc->expected = 1;
        ngx_uplink_conn_deadline(uc, ulcf->handshake_timeout);

    } else {
        ngx_uplink_sled_expiry(sc);
    }

    if (ngx_uplink_bus_leaving(sc->fleet)) {
        ngx_uplink_sled_drain(sc);
    }

    return NGX_DONE;
}


/* the traffic of its terminals */

static ngx_int_t
ngx_uplink_sled_ascii(ngx_uplink_conn_t *uc, u_char *data, size_t len)
{
    ngx_uplink_sled_conn_t  *sc;

    sc = uc->data;

    if (uc->closing || ngx_uplink_sled_data(sc, data, len) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_messages_in);
    ngx_uplink_sled_hold(sc);

    return NGX_OK;
}


static void
ngx_uplink_sled_message(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len)
{
    size_t                   n;
    u_char                   text[NGX_UPLINK_JSON_ERROR];
    ngx_uplink_envelope_t    env;
    ngx_uplink_sled_conn_t  *sc;

    sc = uc->data;

    if (uc->closing) {
        return;
    }

    ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_messages_in);

    if (opcode == NGX_UPLINK_WS_BINARY && sc->binary && sc->link) {
        ngx_uplink_sled_binary(sc, data, len);
        ngx_uplink_sled_hold(sc);
        return;
    }

    if (opcode == NGX_UPLINK_WS_BINARY) {
        ngx_log_error(NGX_LOG_INFO, uc->connection->log, 0,
                      "client sent binary uplink message");
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_BINARY,
                              "binary messages were not agreed");
        return;
    }

    if (ngx_uplink_envelope(data, len, &env, text, sizeof(text), &n)
               == NGX_OK)
    {
        ngx_uplink_sled_dispatch(sc, &env);

    } else if (sc->link == NULL
               && sc->conf->registration == NGX_UPLINK_REGISTRATION_REQUIRED)
    {
        ngx_uplink_count_word(sc->fleet, NGX_UPLINK_FAMILY_bad_messages,
                              "sled");
        ngx_uplink_sled_refuse(sc, NULL, 0, NULL,
                               NGX_UPLINK_SLED_REGISTRATION_REQUIRED);

    } else {
        (void) ngx_uplink_sled_bad(sc, (char *) text, n);
    }

    ngx_uplink_sled_hold(sc);
}


static void
ngx_uplink_sled_dispatch(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    const ngx_uplink_sled_type_t  *type;

    type = ngx_uplink_sled_find(env);

    if (sc->link == NULL && ngx_uplink_sled_first(sc, env, type) != NGX_OK) {
        return;
    }

    if (type->handler == NULL) {
        ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_unknown_type);
        sc->bad = 0;
        return;
    }

    if (type->handler(sc, env) == NGX_OK) {
        sc->bad = 0;
    }
}


/* its row in the table: the last one if it is unknown */

static const ngx_uplink_sled_type_t *
ngx_uplink_sled_find(ngx_uplink_envelope_t *env)
{
    const ngx_uplink_sled_type_t  *type;

    for (type = ngx_uplink_sled_types; type->handler; type++) {
        if (type->type.len == env->type_len
            && ngx_memcmp(type->type.data, env->type, env->type_len) == 0)
        {
            break;
        }
    }

    return type;
}


/*
 * The first message of one that has no place yet: NGX_OK if it may be
 * handled, be it because it says who the sled is, or because the sled was
 * admitted without that.
 */

static ngx_int_t
ngx_uplink_sled_first(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env,
    const ngx_uplink_sled_type_t *type)
{
    ngx_uplink_sled_refusal_e  refusal;

    if (type->flags & NGX_UPLINK_SLED_OPENING) {
        return NGX_OK;
    }

    if (sc->conf->registration == NGX_UPLINK_REGISTRATION_REQUIRED) {
        ngx_uplink_sled_refuse(sc, NULL, 0, NULL,
                               NGX_UPLINK_SLED_REGISTRATION_REQUIRED);
        return NGX_DECLINED;
    }

    if (sc->stranger) {
        ngx_uplink_sled_refuse(sc, NULL, 0, NULL,
                               NGX_UPLINK_SLED_AUTH_REQUIRED);
        return NGX_DECLINED;
    }

    refusal = ngx_uplink_sled_admit_unregistered(sc);

    if (refusal == NGX_UPLINK_SLED_ADMITTED) {
        return NGX_OK;
    }

    if (refusal == NGX_UPLINK_SLED_ZONE_FULL
        && type->handler == ngx_uplink_sled_perm_request
        && env->req_id_len)
    {
        ngx_uplink_request_refused(sc->fleet, NGX_UPLINK_KIND_PERM,
                                   "zone_full");
        ngx_uplink_sled_deny(sc, env, NGX_UPLINK_REASON_ZONE_FULL, NULL);
    }

    ngx_uplink_sled_refuse(sc, NULL, 0, NULL, refusal);

    return NGX_DECLINED;
}


/* who does not read what it gets is not heard either, until it does */

static void
ngx_uplink_sled_hold(ngx_uplink_sled_conn_t *sc)
{
    ngx_uplink_conn_t  *uc;

    uc = sc->conn;

    if (sc->held
        || uc->closing
        || uc->queued - uc->written <= uc->conf->send_buffer / 2)
    {
        return;
    }

    sc->held = 1;
    uc->want_sent = 1;

    ngx_uplink_conn_pause(uc);
}


static void
ngx_uplink_sled_sent(ngx_uplink_conn_t *uc)
{
    ngx_uplink_sled_conn_t  *sc;

    sc = uc->data;

    if (sc->held
        && uc->queued - uc->written <= uc->conf->send_buffer / 4)
    {
        sc->held = 0;
        ngx_uplink_conn_resume(uc);
    }

    ngx_uplink_sled_written(sc);

    if (sc->stalled) {
        ngx_uplink_sled_outbox(sc);
    }

    if (sc->errands) {
        ngx_uplink_sled_errands(sc);
    }

    ngx_uplink_sled_room(sc);

    if (!sc->held && !sc->stalled && sc->awaited == 0 && !sc->errands
        && !sc->thirsty)
    {
        uc->want_sent = 0;
    }
}


static void
ngx_uplink_sled_wake(ngx_uplink_conn_t *uc)
{
    ngx_uplink_sled_outbox(uc->data);
    ngx_uplink_sled_errands(uc->data);
}


static void
ngx_uplink_sled_deadline(ngx_uplink_conn_t *uc)
{
    ngx_uplink_sled_conn_t  *sc;

    sc = uc->data;

    if (sc->draining) {
        ngx_uplink_sled_drain_deadline(sc);
        return;
    }

    if (!sc->expected) {
        ngx_uplink_sled_expiry(sc);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, uc->connection->log, NGX_ETIMEDOUT,
                  "client did not register in time");

    ngx_uplink_sled_refuse(sc, NULL, 0, NULL,
                           NGX_UPLINK_SLED_HANDSHAKE_TIMEOUT);
}


static void
ngx_uplink_sled_closed(ngx_uplink_conn_t *uc, ngx_uint_t code)
{
    ngx_uplink_link_t       *link;
    ngx_uplink_sled_conn_t  *sc;

    sc = uc->data;
    link = sc->link;

    ngx_uplink_trail_closed(sc->fleet, uc, code);
    ngx_uplink_sled_routes_free(sc);

    if (sc->later.timer_set) {
        ngx_del_timer(&sc->later);
    }

    if (link) {
        sc->link = NULL;

        (void) ngx_uplink_link_release(sc->fleet, link,
                                       code == NGX_UPLINK_CLOSE_DONE,
                                       uc->written);
    }

    ngx_uplink_slot_leave(sc->fleet, sc->slot);
}


/* from the bus: something is to be told, or has happened to the place */

static void
ngx_uplink_sled_notify(void *data, ngx_uint_t bits)
{
    ngx_uplink_sled_conn_t *sc = data;

    if (bits & NGX_UPLINK_BIT_VOID) {
        ngx_uplink_sled_routes_free(sc);
        sc->link = NULL;
        sc->awaited = 0;
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_RESTART,
                              "the fleet was rebuilt");
        return;
    }

    if (sc->conn->closing) {
        return;
    }

    if (bits & NGX_UPLINK_BIT_REVOKED) {
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_POLICY, "revoked");
        return;
    }

    if (bits & NGX_UPLINK_BIT_KICKED) {
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_KICKED, "kicked");
        return;
    }

    if (bits & NGX_UPLINK_BIT_REPLACED) {
        ngx_uplink_sled_close(sc, sc->draining ? NGX_UPLINK_CLOSE_RESTART
                                               : NGX_UPLINK_CLOSE_REPLACED,
                              "replaced");
        return;
    }

    if (bits & NGX_UPLINK_BIT_DRAIN) {
        ngx_uplink_sled_drain(sc);
    }

    if (bits & NGX_UPLINK_BIT_OUTBOX) {
        ngx_uplink_sled_outbox(sc);
    }

    if (bits & NGX_UPLINK_BIT_PENDING) {
        ngx_uplink_sled_outbox_later(sc);
    }

    if (bits & NGX_UPLINK_BIT_TERMINAL) {
        ngx_uplink_sled_errands(sc);
    }
}
