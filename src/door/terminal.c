
/*
 * The door of the browsers (uplink_terminal): who it is, which terminal it
 * gets, and how it ends.
 */


#include "door/audit.h"
#include "door/terminal.h"
#include "door/trail.h"


typedef struct {
    const char  *code;
    const char  *text;
} ngx_uplink_visit_refusal_t;


static ngx_int_t ngx_uplink_browser_who(ngx_http_request_t *r,
    ngx_uplink_browser_t *browser);
static ngx_int_t ngx_uplink_browser_start(ngx_http_request_t *r,
    ngx_uplink_browser_t *browser);
static ngx_int_t ngx_uplink_browser_upgrade(ngx_http_request_t *r,
    ngx_uplink_browser_t *browser);
static ngx_int_t ngx_uplink_browser_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *code, const char *message);
static ngx_int_t ngx_uplink_browser_secrets(ngx_http_request_t *r,
    ngx_uplink_browser_t *browser);
static ngx_int_t ngx_uplink_browser_visit(ngx_uplink_browser_t *browser,
    ngx_connection_t *c, ngx_uint_t *result);
static void ngx_uplink_browser_visited(ngx_uplink_browser_t *browser,
    ngx_int_t rc, ngx_uint_t result);
static void ngx_uplink_browser_notify(void *data, ngx_uint_t bits);
static void ngx_uplink_browser_sent(ngx_uplink_conn_t *uc);
static void ngx_uplink_browser_wake(ngx_uplink_conn_t *uc);
static void ngx_uplink_browser_drain(ngx_uplink_browser_t *browser);
static void ngx_uplink_browser_deadline(ngx_uplink_conn_t *uc);
static void ngx_uplink_browser_expiry(ngx_uplink_browser_t *browser);
static void ngx_uplink_browser_closed(ngx_uplink_conn_t *uc, ngx_uint_t code);
static void ngx_uplink_browser_leave(ngx_uplink_browser_t *browser);


static const ngx_uplink_conn_ops_t  ngx_uplink_browser_ops = {
    ngx_uplink_browser_ascii,
    ngx_uplink_browser_message,
    ngx_uplink_browser_sent,
    ngx_uplink_browser_wake,
    ngx_uplink_browser_deadline,
    ngx_uplink_browser_closed,
    NULL                                   /* no pong of its own */
};


static ngx_str_t  ngx_uplink_browser_text = ngx_string(NGX_UPLINK_PROTOCOL);
static ngx_str_t  ngx_uplink_browser_binary
                      = ngx_string(NGX_UPLINK_PROTOCOL_BINARY);
static ngx_str_t  ngx_uplink_browser_bearer
                      = ngx_string(NGX_UPLINK_PROTOCOL_BEARER);
static ngx_str_t  ngx_uplink_browser_resume
                      = ngx_string(NGX_UPLINK_PROTOCOL_RESUME);


/* by ngx_uplink_visit_e */

static const ngx_uplink_visit_refusal_t  ngx_uplink_visit_refusals[] = {
    { NULL, NULL },
    { "task_not_found", "no task of this issue can be attached to" },
    { "session_not_found", "there is no such session" },
    { "sled_offline", "the sled is not connected" },
    { "sled_paused", "the sled takes no new work" },
    { "unauthorized", "the resume token is not that of the session" },
    { "forbidden", "the task is somebody else's" },
    { "bad_request", "the offset is in the future" },
    { "too_many_terminals", "there are too many terminals already" },
    { "zone_full", "the gateway has no room for another terminal" }
};


ngx_int_t
ngx_uplink_terminal_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    const char             *wrong;
    ngx_uplink_refusal_t   *refusal;
    ngx_uplink_browser_t   *browser;
    ngx_uplink_loc_conf_t  *ulcf;

    if (ngx_uplink_trail(r, "terminal") == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    refusal = ngx_uplink_ws_check(r);

    if (refusal) {
        return ngx_uplink_reply_refusal(r, refusal);
    }

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    if (ngx_uplink_auth_origin(r, &ulcf->auth, 1) != NGX_OK) {
        return ngx_uplink_reply_denied(r, NGX_HTTP_FORBIDDEN);
    }

    browser = ngx_pcalloc(r->pool, sizeof(ngx_uplink_browser_t));
    if (browser == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    browser->visit = ngx_pcalloc(r->pool, sizeof(ngx_uplink_visit_t));
    if (browser->visit == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    browser->fleet = ulcf->fleet;
    browser->conf = ulcf;

    /* the role that is asked for depends on it; it is refused behind that */

    wrong = ngx_uplink_browser_query(r, browser);

    rc = ngx_uplink_browser_who(r, browser);

    if (rc != NGX_OK) {
        return ngx_uplink_reply_denied(r, rc);
    }

    if (wrong) {
        return ngx_uplink_browser_refuse(r, NGX_HTTP_BAD_REQUEST,
                                         "bad_request", wrong);
    }

    if (browser->admitted && !ngx_uplink_browser_member(browser)) {
        return ngx_uplink_browser_refuse(r, NGX_HTTP_FORBIDDEN, "forbidden",
                                         "the workspace is not one of yours");
    }

    browser->unresolved = ngx_uplink_resolved(r, browser->visit);

    return ngx_uplink_browser_start(r, browser);
}


/* NGX_OK: admitted, or it will say who it is; or what denied() wants */

static ngx_int_t
ngx_uplink_browser_who(ngx_http_request_t *r, ngx_uplink_browser_t *browser)
{
    ngx_int_t                rc;
    ngx_str_t                token;
    ngx_uint_t               role;
    ngx_uplink_auth_conf_t  *conf;

    conf = &browser->conf->auth;
    role = ngx_uplink_browser_roles(browser->visit->view);

    rc = ngx_uplink_auth_request(r, conf, role, &browser->who);

    if (rc == NGX_DECLINED) {

        if (!ngx_uplink_ws_offers(r, &ngx_uplink_browser_bearer, &token)) {
            return NGX_OK;
        }

        rc = ngx_uplink_auth_token(r->pool, conf, role, &token,
                                   &browser->who);
    }

    browser->admitted = (rc == NGX_OK);

    return rc;
}


ngx_uint_t
ngx_uplink_browser_member(ngx_uplink_browser_t *browser)
{
    return ngx_uplink_who_workspace(&browser->who,
                                    &browser->visit->workspace);
}


/* frames may follow already: they must not be taken for a request */

static ngx_int_t
ngx_uplink_browser_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *message)
{
    r->keepalive = 0;

    return ngx_uplink_reply_error(r, status, code, message);
}


static ngx_int_t
ngx_uplink_browser_start(ngx_http_request_t *r, ngx_uplink_browser_t *browser)
{
    ngx_int_t   rc;
    ngx_uint_t  result;

    if (ngx_uplink_browser_secrets(r, browser) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    switch (ngx_uplink_slot_take(browser->fleet, ngx_uplink_browser_notify,
                                 browser, &browser->slot))
    {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_uplink_browser_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                         "unavailable",
                                         "this worker has no port in its "
                                         "fleet");

    default:
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = NGX_OK;
    result = NGX_UPLINK_VISIT_OK;

    if (browser->admitted) {
        rc = ngx_uplink_browser_visit(browser, r->connection, &result);

        if (rc == NGX_OK && result == NGX_UPLINK_VISIT_FULL) {
            ngx_uplink_count_word(browser->fleet,
                                  NGX_UPLINK_FAMILY_terminals_refused,
                                  "zone_full");
            ngx_uplink_slot_leave(browser->fleet, browser->slot);

            return ngx_uplink_browser_refuse(r,
                                   NGX_HTTP_SERVICE_UNAVAILABLE, "zone_full",
                                   ngx_uplink_visit_refusals[result].text);
        }
    }

    if (ngx_uplink_browser_upgrade(r, browser) != NGX_OK) {
        ngx_uplink_browser_leave(browser);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (browser->admitted) {
        ngx_uplink_browser_visited(browser, rc, result);
        return NGX_DONE;
    }

    browser->conn->max_message = ngx_min(NGX_UPLINK_BROWSER_STRANGER,
                                         browser->conf->conn.max_message);
    ngx_uplink_conn_deadline(browser->conn,
                             browser->conf->handshake_timeout);

    return NGX_DONE;
}


static ngx_int_t
ngx_uplink_browser_upgrade(ngx_http_request_t *r,
    ngx_uplink_browser_t *browser)
{
    ngx_str_t                     *protocol;
    ngx_uplink_conn_t             *uc;
    const ngx_uplink_conn_conf_t  *conf;

    conf = &browser->conf->conn;
    protocol = NULL;

    if (ngx_uplink_ws_offers(r, &ngx_uplink_browser_binary, NULL)) {
        browser->binary = 1;
        protocol = &ngx_uplink_browser_binary;

    } else if (ngx_uplink_ws_offers(r, &ngx_uplink_browser_text, NULL)) {
        protocol = &ngx_uplink_browser_text;
    }

    uc = ngx_uplink_conn_upgrade(r, &ngx_uplink_browser_ops, browser, conf,
                                 protocol);
    if (uc == NULL) {
        return NGX_ERROR;
    }

    browser->conn = uc;
    ngx_uplink_trail_of(r)->conn = uc;

    ngx_uplink_browser_widen(browser, 0);

    return NGX_OK;
}


/* behind the pause there is room for what was on the way, and for us */

void
ngx_uplink_browser_widen(ngx_uplink_browser_t *browser, size_t in_socket)
{
    size_t              size;
    ngx_uplink_conn_t  *uc;

    uc = browser->conn;

    size = ngx_uplink_browser_high(uc) + ngx_uplink_under_way(browser->conf)
           + in_socket + NGX_UPLINK_PAUSED_MAX + 2 * uc->conf->max_message
           + NGX_UPLINK_BROWSER_CONTROL;

    uc->send_buffer = ngx_max(uc->send_buffer, size);
}


static ngx_int_t
ngx_uplink_browser_secrets(ngx_http_request_t *r,
    ngx_uplink_browser_t *browser)
{
    ngx_log_t           *log;
    ngx_str_t            token;
    ngx_uplink_visit_t  *visit;

    log = r->connection->log;
    visit = browser->visit;

    if (ngx_uplink_ws_offers(r, &ngx_uplink_browser_resume, &token)) {
        visit->resuming = 1;

        if (ngx_uplink_digest(log, token.data, token.len, visit->resume)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (ngx_uplink_random(log, visit->request, sizeof(visit->request))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (visit->resuming && visit->session.len
        && token.len == sizeof(browser->secret))
    {
        /*
         * It keeps the one that it has.  A new one may be lost on its way,
         * and then nobody could ever come back.
         */

        ngx_memcpy(browser->secret, token.data, token.len);

    } else if (ngx_uplink_random_hex(log, browser->secret,
                                     sizeof(browser->secret) / 2)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_uplink_digest(log, browser->secret, sizeof(browser->secret),
                             visit->token);
}


static ngx_int_t
ngx_uplink_browser_visit(ngx_uplink_browser_t *browser, ngx_connection_t *c,
    ngx_uint_t *result)
{
    ngx_int_t               rc;
    ngx_uplink_visit_t     *visit;
    ngx_uplink_loc_conf_t  *ulcf;

    ulcf = browser->conf;
    visit = browser->visit;

    ngx_uplink_origin(&visit->origin, NGX_UPLINK_DOOR_TERMINAL, c,
                      &browser->who.name);

    if (browser->unresolved) {
        ngx_uplink_audit_visit(browser->fleet, visit, browser->unresolved);
        *result = NGX_UPLINK_VISIT_TASK_NOT_FOUND;
        return NGX_OK;
    }

    visit->user = browser->who.name;
    visit->digest = browser->who.digest;
    visit->admin = ((browser->who.roles & NGX_UPLINK_ROLE_ADMIN) != 0);
    visit->max_sled = ulcf->max_terminals;
    visit->max_user = ulcf->max_terminals_per_user;
    visit->open_timeout = ulcf->open_timeout;
    visit->idle = ulcf->idle_timeout;
    visit->linger = ulcf->terminal_linger;

    rc = ngx_uplink_terminal_visit(browser->fleet, visit, browser->slot,
                                   &browser->seat, result);

    if (rc == NGX_OK && *result != NGX_UPLINK_VISIT_OK) {
        ngx_uplink_audit_visit(browser->fleet, visit,
                               ngx_uplink_visit_refusals[*result].code);
    }

    return rc;
}


/* its credential came in a first message */

void
ngx_uplink_browser_begin(ngx_uplink_browser_t *browser)
{
    ngx_int_t   rc;
    ngx_uint_t  result;

    browser->admitted = 1;
    browser->conn->max_message = browser->conf->conn.max_message;

    ngx_uplink_conn_deadline(browser->conn, 0);

    rc = ngx_uplink_browser_visit(browser, browser->conn->connection, &result);

    ngx_uplink_browser_visited(browser, rc, result);
}


static void
ngx_uplink_browser_visited(ngx_uplink_browser_t *browser, ngx_int_t rc,
    ngx_uint_t result)
{
    ngx_uplink_trail_t  *trail;

    if (rc != NGX_OK) {
        ngx_uplink_browser_close(browser, NGX_UPLINK_CLOSE_RESTART,
                                 "the fleet was rebuilt");
        return;
    }

    if (browser->unresolved) {
        ngx_uplink_count_word(browser->fleet,
                              NGX_UPLINK_FAMILY_terminals_refused,
                              browser->unresolved);
        ngx_uplink_browser_fail(browser, browser->unresolved,
                                "the issue could not be resolved");
        return;
    }

    if (result != NGX_UPLINK_VISIT_OK) {
        ngx_uplink_count_word(browser->fleet,
                              NGX_UPLINK_FAMILY_terminals_refused,
                              ngx_uplink_visit_refusals[result].code);
        ngx_uplink_browser_fail(browser,
                                ngx_uplink_visit_refusals[result].code,
                                ngx_uplink_visit_refusals[result].text);
        return;
    }

    trail = ngx_uplink_trail_of(browser->conn->request);

    trail->user = browser->who.name;
    trail->sled.data = browser->visit->agent;
    trail->sled.len = browser->visit->agent_len;

    ngx_uplink_browser_expiry(browser);

    if (ngx_uplink_bus_leaving(browser->fleet)) {
        ngx_uplink_browser_notify(browser, NGX_UPLINK_BIT_DRAIN);
    }
}


/* from the bus, in the middle of others: acted on in a turn of our own */

static void
ngx_uplink_browser_notify(void *data, ngx_uint_t bits)
{
    ngx_uplink_browser_t  *browser = data;

    browser->bits |= bits;

    if (bits & NGX_UPLINK_BIT_DRAIN) {
        browser->after = ngx_uplink_drain_after(browser->fleet,
                                          browser->conf->drain_timeout / 2);
    }

    if (bits & NGX_UPLINK_BIT_VOID) {
        browser->seat = NULL;
        browser->route = NULL;
    }

    ngx_uplink_conn_wake(browser->conn);
}


static void
ngx_uplink_browser_wake(ngx_uplink_conn_t *uc)
{
    ngx_uint_t             bits;
    ngx_uplink_browser_t  *browser;

    browser = uc->data;

    bits = browser->bits;
    browser->bits = 0;

    if (bits & NGX_UPLINK_BIT_VOID) {
        ngx_uplink_browser_close(browser, NGX_UPLINK_CLOSE_RESTART,
                                 "the fleet was rebuilt");
        return;
    }

    if (bits & NGX_UPLINK_BIT_REVOKED) {
        ngx_uplink_browser_close(browser, NGX_UPLINK_CLOSE_POLICY, "revoked");
        return;
    }

    if (bits & NGX_UPLINK_BIT_REPLACED) {
        ngx_uplink_browser_close(browser,
                                 ngx_uplink_bus_leaving(browser->fleet)
                                 ? NGX_UPLINK_CLOSE_RESTART
                                 : NGX_UPLINK_CLOSE_REPLACED,
                                 "replaced");
        return;
    }

    if (browser->seat == NULL) {

        /* one that is not admitted yet leaves by its handshake timeout */

        return;
    }

    if (bits & NGX_UPLINK_BIT_DRAIN) {
        ngx_uplink_browser_drain(browser);
    }

    ngx_uplink_browser_show(browser);

    if (browser->held && !uc->closing) {
        ngx_uplink_browser_room(browser);
    }
}


static void
ngx_uplink_browser_sent(ngx_uplink_conn_t *uc)
{
    ngx_uplink_browser_show(uc->data);
}


/* each is asked to come back at another time, within half of the grace */

static void
ngx_uplink_browser_drain(ngx_uplink_browser_t *browser)
{
    ngx_msec_t        grace;
    ngx_uplink_out_t  out;

    if (browser->draining) {
        return;
    }

    browser->draining = 1;

    grace = browser->conf->drain_timeout;

    if (ngx_uplink_message_enveloped(&out, browser->conn, "drain", NULL, 0,
                                     2 * NGX_UPLINK_OUT_MEMBER)
        == NGX_OK)
    {
        ngx_uplink_out_number(&out, "grace_ms", grace);
        ngx_uplink_out_number(&out, "reconnect_after_ms", browser->after);
        (void) ngx_uplink_message_send(&out);
    }

    /* 0 would be no deadline at all */

    ngx_uplink_conn_deadline(browser->conn, ngx_max(grace, 1));
}


/* a JWT that ends takes the browser with it, see sled_admit.c */

static void
ngx_uplink_browser_expiry(ngx_uplink_browser_t *browser)
{
    time_t  left;

    if (browser->who.expires == 0) {
        return;
    }

    left = browser->who.expires - ngx_time();

    if (left <= 0) {
        ngx_uplink_browser_close(browser, NGX_UPLINK_CLOSE_POLICY, "expired");
        return;
    }

    ngx_uplink_conn_deadline(browser->conn,
                             (ngx_msec_t) ngx_min(left,
                                                  NGX_UPLINK_BROWSER_EXPIRY)
                             * 1000);
}


static void
ngx_uplink_browser_deadline(ngx_uplink_conn_t *uc)
{
    ngx_uplink_browser_t  *browser;

    browser = uc->data;

    if (browser->draining) {
        ngx_uplink_browser_close(browser, NGX_UPLINK_CLOSE_RESTART,
                                 "restart");
        return;
    }

    if (browser->admitted) {
        ngx_uplink_browser_expiry(browser);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, uc->connection->log, NGX_ETIMEDOUT,
                  "client sent no \"auth\" message in time");

    ngx_uplink_browser_fail(browser, "unauthorized",
                            "no \"auth\" message came in time");
}


static void
ngx_uplink_browser_closed(ngx_uplink_conn_t *uc, ngx_uint_t code)
{
    ngx_uplink_browser_t  *browser;

    browser = uc->data;

    ngx_uplink_trail_closed(browser->fleet, uc, code);
    ngx_uplink_browser_leave(browser);
}


static void
ngx_uplink_browser_leave(ngx_uplink_browser_t *browser)
{
    /* whoever looks for it by its slot finds nobody from here on */

    ngx_uplink_slot_leave(browser->fleet, browser->slot);

    if (browser->seat) {
        (void) ngx_uplink_seat_leave(browser->fleet, browser->seat);
        browser->seat = NULL;
    }

    ngx_uplink_outlet_free(&browser->outlet);

    if (browser->kept) {
        ngx_free(browser->kept);
        browser->kept = NULL;
    }
}
