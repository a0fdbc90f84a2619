
/*
 * A scrape with a series for every sled.  They may be very many: some of
 * them are copied and written in each turn of the event loop, when the
 * client has taken what was before, into the one buffer that a scrape has.
 */


#include "door/metrics.h"


typedef struct {
    ngx_http_request_t  *request;
    ngx_uplink_fleet_t  *fleet;
    ngx_event_t          wake;
    ngx_buf_t           *buf;
    ngx_chain_t          out;
    ngx_uint_t           metric;     /* which of the series with sleds */
    size_t               after_len;  /* written up to this sled */
    u_char               after[NGX_UPLINK_AGENT_MAX];
    unsigned             blocked:1;  /* the client reads slowly */
} ngx_uplink_scrape_t;


static ngx_uplink_scrape_t *ngx_uplink_scrape_create(ngx_http_request_t *r,
    ngx_uplink_fleet_t *fleet, ngx_uplink_text_t *text);
static void ngx_uplink_scrape_wake(ngx_event_t *ev);
static void ngx_uplink_scrape_write(ngx_http_request_t *r);
static void ngx_uplink_scrape_run(ngx_uplink_scrape_t *s);
static ngx_int_t ngx_uplink_scrape_flush(ngx_uplink_scrape_t *s,
    ngx_chain_t *out);
static ngx_int_t ngx_uplink_scrape_fill(ngx_uplink_scrape_t *s);
static ngx_int_t ngx_uplink_scrape_batch(ngx_uplink_scrape_t *s,
    ngx_uplink_text_t *text, ngx_uint_t *n);
static void ngx_uplink_scrape_finish(ngx_uplink_scrape_t *s, ngx_int_t rc);
static void ngx_uplink_scrape_cleanup(void *data);


/* too many for the stack; of one turn */

static ngx_uplink_status_sled_t
    ngx_uplink_scrape_sleds[NGX_UPLINK_STATUS_SLEDS];


ngx_int_t
ngx_uplink_scrape(ngx_http_request_t *r, ngx_uplink_fleet_t *fleet,
    ngx_uplink_text_t *text)
{
    ngx_int_t             rc;
    ngx_uplink_scrape_t  *s;

    s = ngx_uplink_scrape_create(r, fleet, text);
    if (s == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = -1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    r->main->count++;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_uplink_scrape_write;

    if (ngx_uplink_scrape_flush(s, &s->out) == NGX_ERROR) {
        r->main->count--;
        return NGX_ERROR;
    }

    return NGX_DONE;
}


static ngx_uplink_scrape_t *
ngx_uplink_scrape_create(ngx_http_request_t *r, ngx_uplink_fleet_t *fleet,
    ngx_uplink_text_t *text)
{
    ngx_http_cleanup_t   *cln;
    ngx_uplink_scrape_t  *s;

    s = ngx_pcalloc(r->pool, sizeof(ngx_uplink_scrape_t));
    if (s == NULL) {
        return NULL;
    }

    s->buf = ngx_calloc_buf(r->pool);
    if (s->buf == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_uplink_scrape_cleanup;
    cln->data = s;

    /* the first turn sends what is there, the next ones fill it again */

    s->buf->temporary = 1;
    s->buf->flush = 1;
    s->buf->tag = (ngx_buf_tag_t) &ngx_uplink_module;
    s->buf->start = text->start;
    s->buf->pos = text->start;
    s->buf->last = text->pos;
    s->buf->end = text->last;
    s->out.buf = s->buf;

    s->request = r;
    s->fleet = fleet;

    s->wake.handler = ngx_uplink_scrape_wake;
    s->wake.data = s;
    s->wake.log = r->connection->log;

    return s;
}


static void
ngx_uplink_scrape_wake(ngx_event_t *ev)
{
    ngx_connection_t     *c;
    ngx_uplink_scrape_t  *s;

    s = ev->data;
    c = s->request->connection;

    ngx_http_set_log_request(c->log, s->request);

    ngx_uplink_scrape_run(s);

    ngx_http_run_posted_requests(c);
}


static void
ngx_uplink_scrape_write(ngx_http_request_t *r)
{
    ngx_connection_t     *c;
    ngx_http_cleanup_t   *cln;
    ngx_uplink_scrape_t  *s;

    c = r->connection;

    for (cln = r->cleanup; cln->handler != ngx_uplink_scrape_cleanup;
         cln = cln->next)
    {
        /* it was added there */
    }

    s = cln->data;

    if (c->write->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out");
        c->timedout = 1;

        ngx_uplink_scrape_finish(s, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (s->blocked) {
        ngx_uplink_scrape_run(s);
    }
}


static void
ngx_uplink_scrape_run(ngx_uplink_scrape_t *s)
{
    ngx_int_t  rc;

    if (s->blocked) {
        rc = ngx_uplink_scrape_flush(s, NULL);

    } else {
        rc = ngx_uplink_scrape_fill(s);

        if (rc == NGX_OK) {
            s->out.next = NULL;
            rc = ngx_uplink_scrape_flush(s, &s->out);

        } else if (rc == NGX_DONE) {
            rc = ngx_http_send_special(s->request, NGX_HTTP_LAST);
            ngx_uplink_scrape_finish(s, rc);
            return;
        }
    }

    if (rc == NGX_ERROR) {
        ngx_uplink_scrape_finish(s, rc);
    }
}


/* goes on in another turn: when it can be written, or when others had theirs */

static ngx_int_t
ngx_uplink_scrape_flush(ngx_uplink_scrape_t *s, ngx_chain_t *out)
{
    ngx_event_t               *wev;
    ngx_http_request_t        *r;
    ngx_http_core_loc_conf_t  *clcf;

    r = s->request;
    wev = r->connection->write;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed && ngx_http_output_filter(r, out) == NGX_ERROR) {
        return NGX_ERROR;
    }

    s->blocked = (s->buf->pos != s->buf->last
                  || r->buffered || r->postponed || r->connection->buffered);

    /* always: a worker that leaves waits for timers */

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (!s->blocked) {
        ngx_post_event(&s->wake, &ngx_posted_next_events);
        return NGX_OK;
    }

    return ngx_handle_write_event(wev, clcf->send_lowat);
}


/* NGX_OK; NGX_DONE: there is nothing more; NGX_ERROR: the fleet is another */

static ngx_int_t
ngx_uplink_scrape_fill(ngx_uplink_scrape_t *s)
{
    ngx_uint_t         n, room;
    ngx_uplink_text_t  text;

    text.start = s->buf->start;
    text.pos = s->buf->start;
    text.last = s->buf->end;

    do {
        if (s->after_len == 0
            && ngx_uplink_metrics_sled_head(&text, s->metric) == 0)
        {
            return NGX_DONE;
        }

        room = ngx_min(NGX_UPLINK_STATUS_SLEDS,
                       (text.last - text.pos) / NGX_UPLINK_METRICS_LINE);
        n = room;

        if (ngx_uplink_scrape_batch(s, &text, &n) != NGX_OK) {
            return NGX_ERROR;
        }

        if (n < room) {

            /* those were all: the next metric begins with the first one */

            s->after_len = 0;
            s->metric++;
        }

    } while (text.pos == text.start);

    s->buf->pos = text.start;
    s->buf->last = text.pos;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_scrape_batch(ngx_uplink_scrape_t *s, ngx_uplink_text_t *text,
    ngx_uint_t *n)
{
    ngx_str_t                  after;
    ngx_uint_t                 i;
    ngx_uplink_status_sled_t  *sled;

    after.data = s->after;
    after.len = s->after_len;

    if (ngx_uplink_status_sleds(s->fleet, &after, ngx_uplink_scrape_sleds, n)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < *n; i++) {
        sled = &ngx_uplink_scrape_sleds[i];

        ngx_uplink_metrics_sled(text, s->metric, sled);

        s->after_len = sled->agent_len;
        ngx_memcpy(s->after, sled->agent, sled->agent_len);
    }

    return NGX_OK;
}


static void
ngx_uplink_scrape_finish(ngx_uplink_scrape_t *s, ngx_int_t rc)
{
    ngx_event_t  *wev;

    wev = s->request->connection->write;

    if (wev->timer_set) {
        ngx_del_timer(wev);
    }

    ngx_uplink_scrape_cleanup(s);
    ngx_http_finalize_request(s->request, rc);
}


static void
ngx_uplink_scrape_cleanup(void *data)
{
    ngx_uplink_scrape_t  *s;

    s = data;

    if (s->wake.posted) {
        ngx_delete_posted_event(&s->wake);
    }
}
