
/*
 * A stream of events to one client.  Events wait in the zone's ring, never
 * here: a stream owns one buffer, filled again when all of it was sent, and
 * who reads too slowly is told of a gap or cut.
 */


#include "door/stream.h"
#include "door/held.h"


#define NGX_UPLINK_STREAM_BUFFER    8192
#define NGX_UPLINK_STREAM_COMMENT   15000   /* ms between signs of life */
#define NGX_UPLINK_STREAM_RETRY     1000    /* ms, for who is cut off */
#define NGX_UPLINK_STREAM_RETRIES   64      /* "retry: N", and a blank line */


typedef struct {
    ngx_uplink_held_t       held;
    ngx_uint_t              bits;
    uint64_t                after;        /* the last one that was written */
    ngx_msec_t              again;        /* draining: to come back */
    ngx_buf_t              *buf;
    ngx_chain_t             out;
    unsigned                blocked:1;    /* the client reads slowly */
} ngx_uplink_stream_t;


static ngx_uplink_stream_t *ngx_uplink_stream_create(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
static ngx_int_t ngx_uplink_stream_hold(ngx_uplink_stream_t *s);
static void ngx_uplink_stream_notify(void *data, ngx_uint_t bits);
static void ngx_uplink_stream_wake(ngx_event_t *ev);
static void ngx_uplink_stream_timer(ngx_event_t *ev);
static ngx_msec_t ngx_uplink_stream_rest(ngx_uplink_stream_t *s);
static void ngx_uplink_stream_write(ngx_http_request_t *r);
static void ngx_uplink_stream_run(ngx_uplink_stream_t *s);
static ngx_int_t ngx_uplink_stream_flush(ngx_uplink_stream_t *s,
    ngx_chain_t *out);
static ngx_uint_t ngx_uplink_stream_over(ngx_uplink_stream_t *s);
static void ngx_uplink_stream_end(ngx_uplink_stream_t *s);
static void ngx_uplink_stream_cleanup(void *data);


/* NGX_DONE, or what the content handler returns */

ngx_int_t
ngx_uplink_stream_open(ngx_http_request_t *r, ngx_uplink_call_t *call,
    uint64_t after)
{
    ngx_int_t             rc;
    ngx_uplink_stream_t  *s;

    s = ngx_uplink_stream_create(r, call);
    if (s == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    s->after = after;

    rc = ngx_uplink_slot_take(call->fleet, ngx_uplink_stream_notify, s,
                              &s->held.slot);
    if (rc != NGX_OK) {
        return ngx_uplink_call_failed(r, rc);
    }

    if (ngx_uplink_lock(call->fleet) != NGX_OK) {
        return ngx_uplink_call_failed(r, NGX_DECLINED);
    }

    ngx_uplink_watch(call->fleet, s->held.slot, 1);
    ngx_uplink_unlock(call->fleet);

    rc = ngx_uplink_events_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    return ngx_uplink_stream_hold(s);
}


static ngx_uplink_stream_t *
ngx_uplink_stream_create(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_http_cleanup_t   *cln;
    ngx_uplink_stream_t  *s;

    s = ngx_pcalloc(r->pool, sizeof(ngx_uplink_stream_t));
    if (s == NULL) {
        return NULL;
    }

    s->buf = ngx_create_temp_buf(r->pool, NGX_UPLINK_STREAM_BUFFER);
    if (s->buf == NULL) {
        return NULL;
    }

    s->buf->tag = (ngx_buf_tag_t) &ngx_uplink_module;
    s->buf->flush = 1;
    s->out.buf = s->buf;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_uplink_stream_cleanup;
    cln->data = s;

    ngx_uplink_held_init(&s->held, r, call, ngx_uplink_stream_timer,
                         ngx_uplink_stream_wake);

    return s;
}


static ngx_int_t
ngx_uplink_stream_hold(ngx_uplink_stream_t *s)
{
    ngx_int_t   rc;
    ngx_buf_t  *b;

    rc = ngx_uplink_held_hold(&s->held, ngx_uplink_stream_write);

    if (rc != NGX_DONE) {
        return rc;
    }

    ngx_add_timer(&s->held.timer, ngx_uplink_stream_rest(s));

    b = s->buf;
    b->last = ngx_sprintf(b->last, "retry: %d\n\n",
                          NGX_UPLINK_STREAM_RETRY);

    /* in a turn of its own: the request may end in it */

    ngx_post_event(&s->held.wake, &ngx_posted_events);

    return NGX_DONE;
}


/*
 * When the worker leaves, what is posted here would wait for another event:
 * a timer does not.
 */

static void
ngx_uplink_stream_notify(void *data, ngx_uint_t bits)
{
    ngx_uplink_stream_t    *s;
    ngx_uplink_loc_conf_t  *conf;

    s = data;
    s->bits |= bits;

    if (bits & NGX_UPLINK_BIT_DRAIN) {
        conf = s->held.call->conf;
        s->again = ngx_uplink_drain_after(s->held.fleet,
                                          conf->drain_timeout / 2);
        ngx_add_timer(&s->held.timer, 1);
        return;
    }

    ngx_post_event(&s->held.wake, &ngx_posted_events);
}


static void
ngx_uplink_stream_wake(ngx_event_t *ev)
{
    ngx_uplink_stream_t  *s;

    s = ev->data;

    if (!s->held.over) {
        ngx_uplink_stream_run(s);
    }
}


static void
ngx_uplink_stream_timer(ngx_event_t *ev)
{
    ngx_int_t             rc;
    ngx_buf_t            *b;
    ngx_uplink_call_t    *call;
    ngx_uplink_stream_t  *s;

    s = ev->data;
    b = s->buf;
    call = s->held.call;

    if (s->held.over) {
        return;
    }

    ngx_add_timer(ev, ngx_uplink_stream_rest(s));

    /* a session lives as long as somebody listens in its name */

    if (call->actor.sid.len) {
        rc = ngx_uplink_operator_view(s->held.fleet, &call->actor.sid, 1,
                                      &call->session);
        if (rc != NGX_OK) {
            ngx_uplink_stream_end(s);
            return;
        }
    }

    if (!s->blocked && b->pos == b->last) {
        b->pos = b->start;
        b->last = ngx_cpymem(b->start, ":\n\n",
                             sizeof(":\n\n") - 1);
    }

    ngx_uplink_stream_run(s);
}


/* until the next comment, or until the credential ends */

static ngx_msec_t
ngx_uplink_stream_rest(ngx_uplink_stream_t *s)
{
    time_t  left;

    left = s->held.call->who.expires - ngx_time();

    if (s->held.call->who.expires && left < NGX_UPLINK_STREAM_COMMENT / 1000) {
        return (ngx_msec_t) ngx_max(left, 0) * 1000;
    }

    return NGX_UPLINK_STREAM_COMMENT;
}


static void
ngx_uplink_stream_write(ngx_http_request_t *r)
{
    ngx_event_t          *wev;
    ngx_connection_t     *c;
    ngx_uplink_call_t    *call;
    ngx_uplink_stream_t  *s;

    c = r->connection;
    wev = c->write;

    call = ngx_http_get_module_ctx(r, ngx_uplink_module);
    s = call->held;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out");
        c->timedout = 1;

        ngx_uplink_held_finish(&s->held, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    ngx_uplink_stream_run(s);
}


/* what is still to be sent, then what has come meanwhile: one buffer a turn */

static void
ngx_uplink_stream_run(ngx_uplink_stream_t *s)
{
    ngx_int_t   rc;
    ngx_buf_t  *b;

    b = s->buf;

    if (s->blocked) {
        rc = ngx_uplink_stream_flush(s, NULL);

        if (rc != NGX_OK) {
            if (rc != NGX_AGAIN) {
                ngx_uplink_held_finish(&s->held, rc);
            }

            return;
        }
    }

    if (ngx_uplink_stream_over(s)) {
        ngx_uplink_stream_end(s);
        return;
    }

    if (b->pos == b->last) {
        b->pos = b->start;
        b->last = b->start;
    }

    rc = ngx_uplink_events_write(s->held.call, &s->after, b);

    if (rc == NGX_ERROR) {
        ngx_uplink_stream_end(s);
        return;
    }

    if (rc == NGX_AGAIN) {
        ngx_post_event(&s->held.wake, &ngx_posted_next_events);
    }

    if (b->pos == b->last) {
        return;
    }

    s->out.next = NULL;

    rc = ngx_uplink_stream_flush(s, &s->out);

    if (rc != NGX_OK && rc != NGX_AGAIN) {
        ngx_uplink_held_finish(&s->held, rc);
    }
}


/* NGX_OK: all of it is sent, NGX_AGAIN: the client reads slowly */

static ngx_int_t
ngx_uplink_stream_flush(ngx_uplink_stream_t *s, ngx_chain_t *out)
{
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = s->held.request;
    c = r->connection;
    wev = c->write;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed
        && ngx_http_output_filter(r, out) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    s->blocked = (s->buf->pos != s->buf->last
                  || r->buffered || r->postponed || c->buffered);

    if (!s->blocked) {
        if (wev->timer_set && !wev->delayed) {
            ngx_del_timer(wev);
        }

        return NGX_OK;
    }

    /* for the whole of the buffer: who reads slower than that is cut */

    if (!wev->timer_set) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


/* is there somebody to tell it to, and may he still hear it? */

static ngx_uint_t
ngx_uplink_stream_over(ngx_uplink_stream_t *s)
{
    time_t  expires;

    expires = s->held.call->who.expires;

    return (s->bits & (NGX_UPLINK_BIT_DRAIN|NGX_UPLINK_BIT_VOID))
           || (expires && ngx_time() >= expires);
}


/* a complete response: the client comes back with what it has heard last */

static void
ngx_uplink_stream_end(ngx_uplink_stream_t *s)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_http_request_t  *r;

    r = s->held.request;
    b = s->buf;
    rc = NGX_OK;

    if (!s->blocked && b->pos == b->last) {
        b->pos = b->start;
        b->last = b->start;
    }

    if (s->again && !s->blocked
        && b->end - b->last >= NGX_UPLINK_STREAM_RETRIES)
    {
        b->last = ngx_sprintf(b->last, "retry: %M\n\n",
                              ngx_max(s->again, NGX_UPLINK_STREAM_RETRY));

        if (ngx_http_output_filter(r, &s->out) == NGX_ERROR) {
            rc = NGX_ERROR;
        }
    }

    if (rc == NGX_OK) {
        rc = ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    ngx_uplink_held_finish(&s->held, rc);
}


static void
ngx_uplink_stream_cleanup(void *data)
{
    ngx_uplink_stream_t  *s;

    s = data;

    ngx_uplink_held_cleanup(&s->held);
}
