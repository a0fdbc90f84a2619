
/*
 * One WebSocket connection: its events, its one timer, its end.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "engine.h"


/* a worker that quits waits for timers: there is always one */

#define NGX_UPLINK_CONN_FAR  3600000


static void ngx_uplink_conn_read_handler(ngx_http_request_t *r);
static void ngx_uplink_conn_write_handler(ngx_http_request_t *r);
static void ngx_uplink_conn_flush(ngx_uplink_conn_t *uc);
static void ngx_uplink_conn_tell(ngx_uplink_conn_t *uc);
static void ngx_uplink_conn_begin_close(ngx_uplink_conn_t *uc,
    ngx_uint_t code, ngx_str_t *reason);
static void ngx_uplink_conn_finish(ngx_uplink_conn_t *uc);
static void ngx_uplink_conn_release(void *data);

static void ngx_uplink_conn_timer(ngx_uplink_conn_t *uc);
static ngx_uint_t ngx_uplink_conn_expired(ngx_uplink_conn_t *uc);
static ngx_msec_t ngx_uplink_conn_next(ngx_uplink_conn_t *uc);
static void ngx_uplink_conn_arm(ngx_uplink_conn_t *uc);


/* idle connections are many: this is what each of them costs us */

typedef char  ngx_uplink_conn_size_check_t
    [sizeof(ngx_uplink_conn_t) <= 512 ? 1 : -1];


#define ngx_uplink_conn_later(a, b)  ((ngx_msec_int_t) ((a) - (b)) > 0)


ngx_uplink_conn_t *
ngx_uplink_conn_upgrade(ngx_http_request_t *r,
    const ngx_uplink_conn_ops_t *ops, void *data,
    const ngx_uplink_conn_conf_t *conf, ngx_str_t *protocol)
{
    ngx_connection_t          *c;
    ngx_uplink_conn_t         *uc;
    ngx_http_cleanup_t        *cln;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;

    uc = ngx_pcalloc(r->pool, sizeof(ngx_uplink_conn_t));
    if (uc == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    if (ngx_uplink_ws_accept(r, protocol) != NGX_OK) {
        return NULL;
    }

    uc->request = r;
    uc->connection = c;
    uc->ops = ops;
    uc->conf = conf;
    uc->data = data;
    uc->max_message = conf->max_message;
    uc->send_buffer = conf->send_buffer;
    uc->heard = ngx_current_msec;
    uc->pinged = ngx_current_msec;
    uc->progress = ngx_current_msec;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    r->keepalive = 0;

    /* it is for responses */

    r->limit_rate = 0;
    r->limit_rate_set = 1;

    if ((clcf->tcp_nodelay && ngx_tcp_nodelay(c) != NGX_OK)
        || ngx_http_send_header(r) == NGX_ERROR
        || ngx_http_send_special(r, NGX_HTTP_FLUSH) == NGX_ERROR)
    {
        if (!r->header_sent) {
            return NULL;
        }

        uc->lost = 1;
        uc->closing = 1;
        uc->code = NGX_UPLINK_CLOSE_LOST;
    }

    cln->handler = ngx_uplink_conn_release;
    cln->data = uc;

    ngx_http_set_ctx(r, uc, ngx_uplink_module);

    r->main->count++;

    r->read_event_handler = ngx_uplink_conn_read_handler;
    r->write_event_handler = ngx_uplink_conn_write_handler;

    c->log->action = "serving uplink connection";

    ngx_uplink_conn_arm(uc);

    /* what came behind the handshake; what of the 101 is not out yet */

    ngx_post_event(c->read, &ngx_posted_events);
    ngx_post_event(c->write, &ngx_posted_events);

    return uc;
}


void
ngx_uplink_conn_close(ngx_uplink_conn_t *uc, ngx_uint_t code,
    ngx_str_t *reason)
{
    ngx_uplink_conn_begin_close(uc, code, reason);
}


void
ngx_uplink_conn_abort(ngx_uplink_conn_t *uc)
{
    if (!uc->closing) {
        uc->closing = 1;
        uc->code = NGX_UPLINK_CLOSE_LOST;
    }

    uc->lost = 1;

    ngx_uplink_conn_post(uc);
}


void
ngx_uplink_conn_wake(ngx_uplink_conn_t *uc)
{
    if (!uc->closing) {
        uc->woken = 1;
        ngx_post_event(uc->connection->write,
                       uc->running ? &ngx_posted_next_events
                                   : &ngx_posted_events);
    }
}


void
ngx_uplink_conn_deadline(ngx_uplink_conn_t *uc, ngx_msec_t after)
{
    uc->has_deadline = (after != 0);
    uc->deadline = ngx_current_msec + after;

    ngx_uplink_conn_arm(uc);
}


size_t
ngx_uplink_conn_unread(ngx_uplink_conn_t *uc)
{
#if (NGX_HAVE_FIONREAD)

    int  n;

    if (ngx_socket_nread(uc->connection->fd, &n) == 0 && n > 0) {
        return n;
    }

#endif

    return 0;
}


void
ngx_uplink_conn_pause(ngx_uplink_conn_t *uc)
{
    uc->paused = 1;
}


void
ngx_uplink_conn_resume(ngx_uplink_conn_t *uc)
{
    if (uc->paused) {
        uc->paused = 0;

        /* nobody could be heard meanwhile */

        uc->heard = ngx_current_msec;
        ngx_uplink_conn_arm(uc);

        /* what drains may be filled again, and so on: others come first */

        ngx_post_event(uc->connection->read, &ngx_posted_next_events);
    }
}


/*
 * Everything that is sent in this turn goes out in one write at its end.
 * What a connection sends because it could write waits for the next turn:
 * others have events, too.
 */

void
ngx_uplink_conn_post(ngx_uplink_conn_t *uc)
{
    if (!uc->flushing) {
        ngx_post_event(uc->connection->write,
                       uc->running ? &ngx_posted_next_events
                                   : &ngx_posted_events);
    }
}


void
ngx_uplink_conn_peer_close(ngx_uplink_conn_t *uc, ngx_uint_t code)
{
    uc->peer_closed = 1;

    ngx_uplink_conn_begin_close(uc, code, NULL);
}


void
ngx_uplink_conn_fail(ngx_uplink_conn_t *uc, ngx_uint_t code,
    const char *fault)
{
    uc->failed = 1;
    uc->fault = fault;

    ngx_uplink_conn_begin_close(uc, code, NULL);
}


static void
ngx_uplink_conn_begin_close(ngx_uplink_conn_t *uc, ngx_uint_t code,
    ngx_str_t *reason)
{
    ngx_uplink_conn_post(uc);

    if (uc->closing) {
        return;
    }

    uc->closing = 1;
    uc->code = (uint16_t) code;

    /* the close frame of the client is what is waited for now */

    ngx_uplink_conn_resume(uc);

    if (ngx_uplink_output_close(uc, code, reason) != NGX_OK) {
        uc->lost = 1;
    }
}


static void
ngx_uplink_conn_read_handler(ngx_http_request_t *r)
{
    ngx_event_t        *rev;
    ngx_uplink_conn_t  *uc;

    uc = ngx_http_get_module_ctx(r, ngx_uplink_module);
    rev = r->connection->read;

    if (rev->timedout) {
        rev->timedout = 0;
        ngx_uplink_conn_timer(uc);
        return;
    }

    if (ngx_uplink_input_read(uc) != NGX_OK) {
        ngx_uplink_conn_abort(uc);
    }

    if (uc->lost) {
        ngx_uplink_conn_finish(uc);
    }
}


static void
ngx_uplink_conn_write_handler(ngx_http_request_t *r)
{
    uint64_t            written;
    ngx_uplink_conn_t  *uc;

    uc = ngx_http_get_module_ctx(r, ngx_uplink_module);

    uc->running = 1;
    uc->flushing = 1;

    if (uc->woken && !uc->closing) {
        uc->woken = 0;
        uc->ops->wake(uc);
    }

    if (uc->closing) {
        ngx_uplink_conn_tell(uc);
    }

    uc->flushing = 0;

    written = uc->written;

    if (!uc->lost) {
        ngx_uplink_conn_flush(uc);
    }

    if (uc->lost || (uc->close_written && (uc->peer_closed || uc->failed))) {
        ngx_uplink_conn_finish(uc);
        return;
    }

    if (uc->want_sent && !uc->closing && uc->written != written) {
        uc->ops->sent(uc);
    }

    uc->running = 0;
}


static void
ngx_uplink_conn_flush(ngx_uplink_conn_t *uc)
{
    switch (ngx_uplink_output_flush(uc)) {

    case NGX_OK:
        uc->blocked = 0;

        if (uc->closing && !uc->close_written) {
            uc->close_written = 1;
            uc->close_time = ngx_current_msec;
            ngx_uplink_conn_arm(uc);
        }

        break;

    case NGX_AGAIN:

        if (!uc->blocked) {
            uc->blocked = 1;
            uc->progress = ngx_current_msec;
            ngx_uplink_conn_arm(uc);
        }

        break;

    default: /* NGX_ERROR */
        ngx_uplink_conn_abort(uc);
    }
}


static void
ngx_uplink_conn_tell(ngx_uplink_conn_t *uc)
{
    if (!uc->told) {
        uc->told = 1;
        uc->ops->closed(uc, uc->code);
    }
}


/*
 * Only ever called last in an event handler of this connection.  A client
 * who broke the rules may be sending still, and would lose our close frame
 * to a reset: core's lingering close is for this.
 */

static void
ngx_uplink_conn_finish(ngx_uplink_conn_t *uc)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    c = uc->connection;
    r = uc->request;
    rc = NGX_OK;

    if (uc->lost) {
        c->error = 1;
        rc = NGX_ERROR;
    }

    r->lingering_close = uc->failed;

    ngx_uplink_conn_release(uc);

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    c->log->action = "closing uplink connection";

    ngx_http_finalize_request(r, rc);
}


/*
 * From above, or as the request's cleanup: core ends requests itself when
 * worker_shutdown_timeout is over.
 */

static void
ngx_uplink_conn_release(void *data)
{
    ngx_uplink_conn_t  *uc = data;

    if (!uc->closing) {
        uc->closing = 1;
        uc->code = NGX_UPLINK_CLOSE_LOST;
    }

    ngx_uplink_conn_tell(uc);

    ngx_uplink_input_free(uc);
    ngx_uplink_output_free(uc);
}


static void
ngx_uplink_conn_timer(ngx_uplink_conn_t *uc)
{
    ngx_msec_t                     now;
    const ngx_uplink_conn_conf_t  *conf;

    now = ngx_current_msec;
    conf = uc->conf;

    if (ngx_uplink_conn_expired(uc)) {
        ngx_log_error(NGX_LOG_INFO, uc->connection->log, NGX_ETIMEDOUT,
                      "client timed out");

        uc->connection->timedout = 1;

        ngx_uplink_conn_abort(uc);
        ngx_uplink_conn_finish(uc);
        return;
    }

    if (uc->has_deadline && !uc->closing
        && !ngx_uplink_conn_later(uc->deadline, now))
    {
        uc->has_deadline = 0;
        uc->ops->deadline(uc);
    }

    if (conf->ping_interval && !uc->closing
        && !ngx_uplink_conn_later(uc->pinged + conf->ping_interval, now))
    {
        uc->pinged = now;

        /* no use while what is before it cannot go out */

        if (!uc->blocked) {
            ngx_uplink_output_ping(uc);
        }
    }

    ngx_uplink_conn_arm(uc);
}


static ngx_uint_t
ngx_uplink_conn_expired(ngx_uplink_conn_t *uc)
{
    ngx_msec_t                     now;
    const ngx_uplink_conn_conf_t  *conf;

    now = ngx_current_msec;
    conf = uc->conf;

    if (uc->blocked) {
        return !ngx_uplink_conn_later(uc->progress + conf->send_timeout, now);
    }

    if (uc->close_written) {
        return !ngx_uplink_conn_later(uc->close_time + conf->close_timeout,
                                      now);
    }

    return conf->ping_timeout && !uc->closing && !uc->paused
           && !ngx_uplink_conn_later(uc->heard + conf->ping_timeout, now);
}


/* when something is to be decided; traffic before may put it off */

static ngx_msec_t
ngx_uplink_conn_next(ngx_uplink_conn_t *uc)
{
    ngx_msec_t                     next;
    const ngx_uplink_conn_conf_t  *conf;

    conf = uc->conf;
    next = ngx_current_msec + NGX_UPLINK_CONN_FAR;

#define ngx_uplink_conn_earliest(time)                                       \
    if (ngx_uplink_conn_later(next, time)) {                                 \
        next = time;                                                         \
    }

    if (uc->blocked) {
        ngx_uplink_conn_earliest(uc->progress + conf->send_timeout);

    } else if (uc->close_written) {
        ngx_uplink_conn_earliest(uc->close_time + conf->close_timeout);
    }

    if (uc->closing) {
        return next;
    }

    if (uc->has_deadline) {
        ngx_uplink_conn_earliest(uc->deadline);
    }

    if (conf->ping_interval) {
        ngx_uplink_conn_earliest(uc->pinged + conf->ping_interval);
    }

    if (conf->ping_timeout && !uc->paused && !uc->blocked) {
        ngx_uplink_conn_earliest(uc->heard + conf->ping_timeout);
    }

    return next;
}


/* a timer that is early enough stays as it is */

static void
ngx_uplink_conn_arm(ngx_uplink_conn_t *uc)
{
    ngx_msec_t    next;
    ngx_event_t  *rev;

    rev = uc->connection->read;
    next = ngx_uplink_conn_next(uc);

    if (rev->timer_set) {

        if (!ngx_uplink_conn_later(rev->timer.key, next)) {
            return;
        }

        /* without this core keeps a timer that is only a little late */

        ngx_del_timer(rev);
    }

    ngx_add_timer(rev, ngx_uplink_conn_later(next, ngx_current_msec)
                       ? next - ngx_current_msec : 0);
}
