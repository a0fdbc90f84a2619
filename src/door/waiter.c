
/*
 * Somebody who asked over HTTP and waits: the request is held, no worker is.
 */


#include "door/audit.h"
#include "door/held.h"


/* after the request should have ended: nobody has told us */

#define NGX_UPLINK_WAITER_SLACK  2000

#define NGX_UPLINK_HTTP_GONE     410    /* core has no name for it */


typedef struct {
    ngx_uplink_held_t       held;
    ngx_uint_t              bits;
    ngx_uint_t              kind;
    size_t                  req_id_len;
    u_char                  req_id[NGX_UPLINK_REQ_MAX];
    unsigned                draining:1;
} ngx_uplink_waiter_t;


static ngx_uplink_waiter_t *ngx_uplink_waiter_create(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
static ngx_int_t ngx_uplink_waiter_refused(ngx_http_request_t *r,
    ngx_uint_t result);
static ngx_int_t ngx_uplink_waiter_accepted(ngx_http_request_t *r,
    ngx_uplink_view_t *view);
static ngx_int_t ngx_uplink_waiter_denied(ngx_http_request_t *r,
    ngx_uint_t reason);
static void ngx_uplink_waiter_notify(void *data, ngx_uint_t bits);
static void ngx_uplink_waiter_wake(ngx_event_t *ev);
static void ngx_uplink_waiter_timer(ngx_event_t *ev);
static void ngx_uplink_waiter_look(ngx_uplink_waiter_t *w);
static ngx_int_t ngx_uplink_waiter_reply(ngx_http_request_t *r,
    ngx_uplink_view_t *view);
static ngx_int_t ngx_uplink_waiter_leave(ngx_uplink_waiter_t *w);
static void ngx_uplink_waiter_cleanup(void *data);


/* by NGX_UPLINK_OPEN_...; NULL: it was not refused */

static const char  *ngx_uplink_waiter_codes[] = {
    NULL,
    NULL,
    "too_many_requests",
    "zone_full",
    "no_operator",
    "operator_unknown",
    NULL
};


ngx_int_t
ngx_uplink_waiter_open(ngx_http_request_t *r, ngx_uplink_call_t *call,
    ngx_uplink_ask_t *ask)
{
    ngx_int_t             rc;
    uint32_t              slot;
    ngx_uint_t            result;
    ngx_uplink_view_t     view;
    ngx_uplink_waiter_t  *w;

    w = NULL;
    slot = NGX_UPLINK_NO_SLOT;

    if (call->query.wait != 0 && ask->kind != NGX_UPLINK_KIND_HOOK_AFTER) {

        if (ngx_uplink_bus_leaving(call->fleet)) {
            return ngx_uplink_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                          "draining",
                                          "this worker is leaving, try again");
        }

        w = ngx_uplink_waiter_create(r, call);
        if (w == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        rc = ngx_uplink_slot_take(call->fleet, ngx_uplink_waiter_notify, w,
                                  &w->held.slot);
        if (rc != NGX_OK) {
            return ngx_uplink_call_failed(r, rc);
        }

        slot = w->held.slot;
    }

    rc = ngx_uplink_request_open(call->fleet, NULL, slot, ask, &view,
                                 &result);
    if (rc != NGX_OK) {
        return ngx_uplink_call_failed(r, rc);
    }

    if (result != NGX_UPLINK_OPEN_OK) {
        if (ngx_uplink_waiter_codes[result]) {
            ngx_uplink_audit_refused(call->fleet, ask,
                                     ngx_uplink_waiter_codes[result]);
        }

        return ngx_uplink_waiter_refused(r, result);
    }

    if (w == NULL) {
        return ngx_uplink_waiter_accepted(r, &view);
    }

    w->kind = view.kind;
    w->req_id_len = view.req_id_len;
    ngx_memcpy(w->req_id, view.req_id, view.req_id_len);

    ngx_add_timer(&w->held.timer, ask->timeout + NGX_UPLINK_WAITER_SLACK);

    return ngx_uplink_held_hold(&w->held, ngx_http_request_empty_handler);
}


static ngx_uplink_waiter_t *
ngx_uplink_waiter_create(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_http_cleanup_t   *cln;
    ngx_uplink_waiter_t  *w;

    w = ngx_pcalloc(r->pool, sizeof(ngx_uplink_waiter_t));
    if (w == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_uplink_waiter_cleanup;
    cln->data = w;

    ngx_uplink_held_init(&w->held, r, call, ngx_uplink_waiter_timer,
                         ngx_uplink_waiter_wake);

    return w;
}


static ngx_int_t
ngx_uplink_waiter_refused(ngx_http_request_t *r, ngx_uint_t result)
{
    switch (result) {

    case NGX_UPLINK_OPEN_UNKNOWN:
        return ngx_uplink_reply_error(r, NGX_HTTP_NOT_FOUND,
                                      "operator_unknown",
                                      "there is no such session");

    case NGX_UPLINK_OPEN_NO_OPERATOR:
        return ngx_uplink_waiter_denied(r, NGX_UPLINK_REASON_NO_OPERATOR);

    case NGX_UPLINK_OPEN_AWAY:
        return ngx_uplink_waiter_accepted(r, NULL);

    default:
        return ngx_uplink_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "zone_full",
                                      "there is no memory for the request");
    }
}


/* nobody waits; no view: nobody was there to be told either */

static ngx_int_t
ngx_uplink_waiter_accepted(ngx_http_request_t *r, ngx_uplink_view_t *view)
{
    ngx_uplink_out_t  out;

    if (ngx_uplink_page_init(r, &out, NGX_UPLINK_REQ_MAX
                                      + 3 * NGX_UPLINK_OUT_MEMBER)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_open(&out, NULL, '{');

    if (view) {
        ngx_uplink_out_string(&out, "req_id", view->req_id,
                              view->req_id_len);

    } else {
        ngx_uplink_out_null(&out, "req_id");
    }

    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, NGX_HTTP_ACCEPTED, &out);
}


static ngx_int_t
ngx_uplink_waiter_denied(ngx_http_request_t *r, ngx_uint_t reason)
{
    ngx_uplink_out_t  out;

    if (ngx_uplink_page_init(r, &out, 8 * NGX_UPLINK_OUT_MEMBER) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_bool(&out, "approved", 0);
    ngx_uplink_out_bool(&out, "always_allow", 0);
    ngx_uplink_out_str(&out, "reason", &ngx_uplink_reasons[reason]);
    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}


static void
ngx_uplink_waiter_notify(void *data, ngx_uint_t bits)
{
    ngx_uplink_waiter_t  *w;

    w = data;
    w->bits |= bits;

    ngx_post_event(&w->held.wake, &ngx_posted_events);
}


static void
ngx_uplink_waiter_wake(ngx_event_t *ev)
{
    ngx_int_t             rc;
    ngx_uint_t            bits;
    ngx_uplink_waiter_t  *w;

    w = ev->data;

    bits = w->bits;
    w->bits = 0;

    if (w->held.over) {
        return;
    }

    if (bits & NGX_UPLINK_BIT_VOID) {
        rc = ngx_uplink_call_failed(w->held.request, NGX_DECLINED);
        ngx_uplink_held_finish(&w->held, rc);
        return;
    }

    if (bits & NGX_UPLINK_BIT_DRAIN) {
        w->draining = 1;

        if (w->held.timer.timer_set
            && (ngx_msec_int_t) (w->held.timer.timer.key - ngx_current_msec
                                 - w->held.call->conf->drain_timeout)
               > 0)
        {
            ngx_add_timer(&w->held.timer, w->held.call->conf->drain_timeout);
        }
    }

    if (bits & NGX_UPLINK_BIT_DONE) {
        ngx_uplink_waiter_look(w);
    }
}


static void
ngx_uplink_waiter_timer(ngx_event_t *ev)
{
    ngx_uplink_waiter_t  *w;

    w = ev->data;

    if (w->draining) {
        ngx_uplink_held_finish(&w->held, ngx_uplink_waiter_leave(w));
        return;
    }

    ngx_uplink_waiter_look(w);
}


/* has it ended?  an operator may have given it more time, too */

static void
ngx_uplink_waiter_look(ngx_uplink_waiter_t *w)
{
    uint64_t           now;
    ngx_int_t          rc;
    ngx_uplink_view_t  view;

    rc = ngx_uplink_request_view(w->held.fleet, w->req_id, w->req_id_len, NULL,
                                 &view);

    if (rc != NGX_OK) {
        rc = ngx_uplink_call_failed(w->held.request, NGX_DECLINED);
        ngx_uplink_held_finish(&w->held, rc);
        return;
    }

    if (view.state != NGX_UPLINK_STATE_OPEN) {
        rc = ngx_uplink_waiter_reply(w->held.request, &view);
        ngx_uplink_held_finish(&w->held, rc);
        return;
    }

    now = ngx_uplink_now();

    ngx_add_timer(&w->held.timer, ((view.expires > now)
                              ? (ngx_msec_t) (view.expires - now) : 0)
                             + NGX_UPLINK_WAITER_SLACK);
}


static ngx_int_t
ngx_uplink_waiter_reply(ngx_http_request_t *r, ngx_uplink_view_t *view)
{
    ngx_uplink_out_t  out;

    if (view->reason == NGX_UPLINK_REASON_OPERATOR_GONE) {
        return ngx_uplink_reply_error(r, NGX_UPLINK_HTTP_GONE,
                                      "operator_gone",
                                      "the session was deleted");
    }

    if (view->kind != NGX_UPLINK_KIND_PERM
        && view->state != NGX_UPLINK_STATE_DECIDED)
    {
        return ngx_uplink_reply_error(r, NGX_HTTP_GATEWAY_TIME_OUT, "timeout",
                                      "nobody has answered in time");
    }

    if (ngx_uplink_page_init(r, &out, 2 * ngx_uplink_view_room(view))
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_view_decision(&out, NULL, view);

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}


/* the worker leaves: another one can be asked again, if there is one */

static ngx_int_t
ngx_uplink_waiter_leave(ngx_uplink_waiter_t *w)
{
    ngx_uint_t  successor;

    successor = 1;

    if (w->kind == NGX_UPLINK_KIND_PERM
        && ngx_uplink_lock(w->held.fleet) == NGX_OK)
    {
        successor = ngx_uplink_bus_successor(w->held.fleet);
        ngx_uplink_unlock(w->held.fleet);
    }

    if (!successor) {
        return ngx_uplink_waiter_denied(w->held.request,
                                        NGX_UPLINK_REASON_SHUTDOWN);
    }

    return ngx_uplink_reply_error(w->held.request, NGX_HTTP_SERVICE_UNAVAILABLE,
                                  "draining",
                                  "this worker is leaving, try again");
}


/*
 * Whatever way the HTTP request has ended.  The decision was delivered if it
 * was written to the last byte; what was not is withdrawn.
 */

static void
ngx_uplink_waiter_cleanup(void *data)
{
    ngx_uint_t            delivered;
    ngx_connection_t     *c;
    ngx_uplink_waiter_t  *w;

    w = data;
    c = w->held.request->connection;

    if (w->req_id_len) {
        delivered = w->held.over && w->held.request->out == NULL
                    && !c->error && !c->timedout;

        (void) ngx_uplink_waiter_end(w->held.fleet, w->req_id, w->req_id_len,
                                     delivered);
    }

    ngx_uplink_held_cleanup(&w->held);
}
