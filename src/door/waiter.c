
/*
 * Somebody who asked over HTTP and waits: the request is held, no worker is.
 */


#include "door/api.h"
#include "door/audit.h"


/* after the request should have ended: nobody has told us */

#define NGX_UPLINK_WAITER_SLACK  2000

#define NGX_UPLINK_HTTP_GONE     410    /* core has no name for it */


typedef struct {
    ngx_http_request_t     *request;
    ngx_uplink_fleet_t     *fleet;
    ngx_uplink_loc_conf_t  *conf;
    ngx_socket_t            fd;           /* -1, for ngx_event_ident() */

    /* not cancelable: a leaving worker stays for it */

    ngx_event_t             timer;
    ngx_event_t             wake;

    uint32_t                slot;
    ngx_uint_t              bits;
    ngx_uint_t              kind;
    size_t                  req_id_len;
    u_char                  req_id[NGX_UPLINK_REQ_MAX];
    unsigned                answered:1;
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
static ngx_int_t ngx_uplink_waiter_hold(ngx_uplink_waiter_t *w);
static void ngx_uplink_waiter_notify(void *data, ngx_uint_t bits);
static void ngx_uplink_waiter_wake(ngx_event_t *ev);
static void ngx_uplink_waiter_timer(ngx_event_t *ev);
static void ngx_uplink_waiter_look(ngx_uplink_waiter_t *w);
static ngx_int_t ngx_uplink_waiter_reply(ngx_http_request_t *r,
    ngx_uplink_view_t *view);
static ngx_int_t ngx_uplink_waiter_leave(ngx_uplink_waiter_t *w);
static void ngx_uplink_waiter_finish(ngx_uplink_waiter_t *w, ngx_int_t rc);
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
                                  &w->slot);
        if (rc != NGX_OK) {
            return ngx_uplink_call_failed(r, rc);
        }

        slot = w->slot;
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

    ngx_add_timer(&w->timer, ask->timeout + NGX_UPLINK_WAITER_SLACK);

    return ngx_uplink_waiter_hold(w);
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

    w->request = r;
    w->fleet = call->fleet;
    w->conf = call->conf;
    w->fd = (ngx_socket_t) -1;
    w->slot = NGX_UPLINK_NO_SLOT;

    w->timer.handler = ngx_uplink_waiter_timer;
    w->timer.data = w;
    w->timer.log = r->connection->log;

    w->wake.handler = ngx_uplink_waiter_wake;
    w->wake.data = w;
    w->wake.log = r->connection->log;

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


/*
 * From here on the client can only go away: core tells by finalizing the
 * request, on HTTP/2 as well.  What it sends meanwhile is its next request.
 */

static ngx_int_t
ngx_uplink_waiter_hold(ngx_uplink_waiter_t *w)
{
    ngx_event_t         *rev;
    ngx_http_request_t  *r;

    r = w->request;
    rev = r->connection->read;

    r->main->count++;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

#if (NGX_HTTP_V2)

    if (r->stream) {
        return NGX_DONE;
    }

#endif

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        r->main->count--;
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


static void
ngx_uplink_waiter_notify(void *data, ngx_uint_t bits)
{
    ngx_uplink_waiter_t  *w;

    w = data;
    w->bits |= bits;

    ngx_post_event(&w->wake, &ngx_posted_events);
}


static void
ngx_uplink_waiter_wake(ngx_event_t *ev)
{
    ngx_uint_t            bits;
    ngx_uplink_waiter_t  *w;

    w = ev->data;

    bits = w->bits;
    w->bits = 0;

    if (w->answered) {
        return;
    }

    if (bits & NGX_UPLINK_BIT_VOID) {
        ngx_uplink_waiter_finish(w, ngx_uplink_call_failed(w->request,
                                                           NGX_DECLINED));
        return;
    }

    if (bits & NGX_UPLINK_BIT_DRAIN) {
        w->draining = 1;

        if (w->timer.timer_set
            && (ngx_msec_int_t) (w->timer.timer.key - ngx_current_msec
                                 - w->conf->drain_timeout)
               > 0)
        {
            ngx_add_timer(&w->timer, w->conf->drain_timeout);
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
        ngx_uplink_waiter_finish(w, ngx_uplink_waiter_leave(w));
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

    rc = ngx_uplink_request_view(w->fleet, w->req_id, w->req_id_len, NULL,
                                 &view);

    if (rc != NGX_OK) {
        ngx_uplink_waiter_finish(w, ngx_uplink_call_failed(w->request,
                                                           NGX_DECLINED));
        return;
    }

    if (view.state != NGX_UPLINK_STATE_OPEN) {
        ngx_uplink_waiter_finish(w, ngx_uplink_waiter_reply(w->request,
                                                            &view));
        return;
    }

    now = ngx_uplink_now();

    ngx_add_timer(&w->timer, ((view.expires > now)
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

    if (w->kind == NGX_UPLINK_KIND_PERM && ngx_uplink_lock(w->fleet) == NGX_OK)
    {
        successor = ngx_uplink_bus_successor(w->fleet);
        ngx_uplink_unlock(w->fleet);
    }

    if (!successor) {
        return ngx_uplink_waiter_denied(w->request,
                                        NGX_UPLINK_REASON_SHUTDOWN);
    }

    return ngx_uplink_reply_error(w->request, NGX_HTTP_SERVICE_UNAVAILABLE,
                                  "draining",
                                  "this worker is leaving, try again");
}


static void
ngx_uplink_waiter_finish(ngx_uplink_waiter_t *w, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = w->request;
    c = r->connection;

    w->answered = 1;

    if (w->timer.timer_set) {
        ngx_del_timer(&w->timer);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
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
    c = w->request->connection;

    if (w->timer.timer_set) {
        ngx_del_timer(&w->timer);
    }

    if (w->wake.posted) {
        ngx_delete_posted_event(&w->wake);
    }

    if (w->req_id_len) {
        delivered = w->answered && w->request->out == NULL
                    && !c->error && !c->timedout;

        (void) ngx_uplink_waiter_end(w->fleet, w->req_id, w->req_id_len,
                                     delivered);
    }

    if (w->slot != NGX_UPLINK_NO_SLOT) {
        ngx_uplink_slot_leave(w->fleet, w->slot);
    }
}
