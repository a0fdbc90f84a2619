
/*
 * uplink_status: the numbers of a fleet, for people, load balancers and
 * scrapers.
 */


#include "door/metrics.h"
#include "door/trail.h"


/* names and numbers: how many there are at most */

#define NGX_UPLINK_STATUS_WORKER  (6 * NGX_UPLINK_OUT_MEMBER)

#define NGX_UPLINK_STATUS_MEMBERS                                             \
    (80 + NGX_UPLINK_NCOUNTERS + 2 * NGX_UPLINK_NFAMILIES                     \
     + NGX_UPLINK_NVALUES                                                     \
     + NGX_UPLINK_NHISTOGRAMS * (4 + 3 * NGX_UPLINK_BUCKETS))


typedef struct {
    const char  *reason;         /* why it is not ready */
    const char  *status;         /* the word of the page for that */
} ngx_uplink_unready_t;


static ngx_int_t ngx_uplink_status_restarted(ngx_http_request_t *r,
    ngx_uplink_loc_conf_t *ulcf);
static ngx_uint_t ngx_uplink_status_unready(ngx_uplink_loc_conf_t *ulcf,
    ngx_uplink_status_t *status);
static ngx_int_t ngx_uplink_status_prometheus(ngx_http_request_t *r,
    ngx_uplink_loc_conf_t *ulcf, ngx_uplink_status_t *status);
static void ngx_uplink_status_live(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status);
static void ngx_uplink_status_ready(ngx_uplink_out_t *out,
    ngx_uplink_loc_conf_t *ulcf, ngx_uplink_status_t *status,
    ngx_uint_t why);
static void ngx_uplink_status_write(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status, ngx_uint_t why);
static void ngx_uplink_status_workers(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status);
static void ngx_uplink_status_zone(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status);
static void ngx_uplink_status_counters(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status);
static void ngx_uplink_status_reasons(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status);
static void ngx_uplink_status_histograms(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status);


/* the first that is true has the word; bits, in this order */

static const ngx_uplink_unready_t  ngx_uplink_unready[] = {
    { "draining", "draining" },
    { "no_port", "degraded" },
    { "zone_full", "degraded" },
    { "min_sleds", "degraded" },
    { NULL, "ok" }
};

#define NGX_UPLINK_UNREADY_DRAINING  0x1
#define NGX_UPLINK_UNREADY_NO_PORT   0x2
#define NGX_UPLINK_UNREADY_FULL      0x4
#define NGX_UPLINK_UNREADY_SLEDS     0x8


/* for these the page itself is 503: what is full still serves what stands */

#define NGX_UPLINK_UNREADY_STATUS                                             \
    (NGX_UPLINK_UNREADY_DRAINING|NGX_UPLINK_UNREADY_SLEDS)


/* too large for the stack */

static ngx_uplink_status_t  ngx_uplink_status_now;


ngx_int_t
ngx_uplink_status_handler(ngx_http_request_t *r)
{
    u_char                 *p;
    size_t                  size;
    ngx_int_t               rc;
    ngx_uint_t              why;
    ngx_uplink_who_t        who;
    ngx_uplink_out_t        out;
    ngx_uplink_trail_t     *trail;
    ngx_uplink_status_t    *status;
    ngx_uplink_loc_conf_t  *ulcf;

    trail = ngx_uplink_trail(r, "status");
    if (trail == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_uplink_reply_readonly(r, "the status can only be read");
    }

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    rc = ngx_uplink_auth_request(r, &ulcf->auth, NGX_UPLINK_ROLE_ANY, &who);

    if (rc != NGX_OK) {
        return ngx_uplink_reply_denied(r, rc);
    }

    trail->user = who.name;

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    status = &ngx_uplink_status_now;

    if (ngx_uplink_status(ulcf->fleet, status) != NGX_OK) {
        return ngx_uplink_status_restarted(r, ulcf);
    }

    why = ngx_uplink_status_unready(ulcf, status);
    status->ready = (why == 0);

    if (ulcf->view == NGX_UPLINK_STATUS_PROMETHEUS) {
        return ngx_uplink_status_prometheus(r, ulcf, status);
    }

    size = NGX_UPLINK_STATUS_MEMBERS * NGX_UPLINK_OUT_MEMBER
           + status->ports * NGX_UPLINK_STATUS_WORKER;

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_init(&out, p, size);

    switch (ulcf->view) {

    case NGX_UPLINK_STATUS_LIVE:
        ngx_uplink_status_live(&out, status);
        why = 0;
        break;

    case NGX_UPLINK_STATUS_READY:
        ngx_uplink_status_ready(&out, ulcf, status, why);
        break;

    default: /* NGX_UPLINK_STATUS_JSON */
        ngx_uplink_status_write(&out, status, why);
        why &= NGX_UPLINK_UNREADY_STATUS;
    }

    ngx_uplink_out_raw(&out, "\n", 1);

    if (out.over) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "uplink status is longer than its room");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_uplink_reply_json(r, why ? NGX_HTTP_SERVICE_UNAVAILABLE
                                        : NGX_HTTP_OK,
                                 out.start, ngx_uplink_out_len(&out));
}


/* the zone was rebuilt, and this process has still to leave the old one */

static ngx_int_t
ngx_uplink_status_restarted(ngx_http_request_t *r,
    ngx_uplink_loc_conf_t *ulcf)
{
    ngx_str_t   json;
    ngx_uint_t  code;

    code = NGX_HTTP_SERVICE_UNAVAILABLE;

    switch (ulcf->view) {

    case NGX_UPLINK_STATUS_LIVE:
        code = NGX_HTTP_OK;

        if (ngx_uplink_bus_leaving(ulcf->fleet)) {
            ngx_str_set(&json, "{\"live\":true,\"draining\":true}\n");

        } else {
            ngx_str_set(&json, "{\"live\":true,\"draining\":false}\n");
        }

        break;

    case NGX_UPLINK_STATUS_READY:
        ngx_str_set(&json, "{\"ready\":false,\"reasons\":[\"restarted\"]}\n");
        break;

    default:
        return ngx_uplink_reply_error(r, code, "restarted",
                                      "the fleet was restarted, try again");
    }

    return ngx_uplink_reply_json(r, code, json.data, json.len);
}


static ngx_uint_t
ngx_uplink_status_unready(ngx_uplink_loc_conf_t *ulcf,
    ngx_uplink_status_t *status)
{
    ngx_uint_t  why;

    why = 0;

    if (status->draining) {
        why |= NGX_UPLINK_UNREADY_DRAINING;
    }

    if (!ngx_uplink_bus_claimed(ulcf->fleet)) {
        why |= NGX_UPLINK_UNREADY_NO_PORT;
    }

    if (status->full) {
        why |= NGX_UPLINK_UNREADY_FULL;
    }

    if (status->agents < (uint64_t) ulcf->min_sleds) {
        why |= NGX_UPLINK_UNREADY_SLEDS;
    }

    return why;
}


/* always 200: a scraper would take anything else for an answer without it */

static ngx_int_t
ngx_uplink_status_prometheus(ngx_http_request_t *r,
    ngx_uplink_loc_conf_t *ulcf, ngx_uplink_status_t *status)
{
    size_t              size;
    ngx_int_t           rc;
    ngx_buf_t          *b;
    ngx_chain_t         out;
    ngx_uplink_text_t   text;

    size = ngx_uplink_metrics_size(&ulcf->fleet->name);

    text.start = ngx_palloc(r->pool, size);
    if (text.start == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.pos = text.start;
    text.last = text.start + size;

    ngx_uplink_metrics_write(&text, &ulcf->fleet->name, status);

    if (text.pos == text.last) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "uplink metrics are longer than their room");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&r->headers_out.content_type, NGX_UPLINK_METRICS_TYPE);
    r->headers_out.content_type_len = sizeof("text/plain") - 1;
    r->headers_out.content_type_lowcase = NULL;

    if (ulcf->by_sled) {
        return ngx_uplink_scrape(r, ulcf->fleet, &text);
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = text.pos - text.start;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->temporary = 1;
    b->pos = text.start;
    b->last = text.pos;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_output_filter(r, &out);
}


/* it serves, whatever else is true */

static void
ngx_uplink_status_live(ngx_uplink_out_t *out, ngx_uplink_status_t *status)
{
    ngx_uplink_out_open(out, NULL, '{');
    ngx_uplink_out_bool(out, "live", 1);
    ngx_uplink_out_bool(out, "draining", status->draining != 0);
    ngx_uplink_out_number(out, "pid", ngx_pid);
    ngx_uplink_out_number(out, "uptime", status->uptime);
    ngx_uplink_out_shut(out, '}');
}


static void
ngx_uplink_status_ready(ngx_uplink_out_t *out, ngx_uplink_loc_conf_t *ulcf,
    ngx_uplink_status_t *status, ngx_uint_t why)
{
    ngx_uint_t  i;

    ngx_uplink_out_open(out, NULL, '{');
    ngx_uplink_out_bool(out, "ready", why == 0);
    ngx_uplink_out_open(out, "reasons", '[');

    for (i = 0; ngx_uplink_unready[i].reason; i++) {
        if (why & (1 << i)) {
            ngx_uplink_out_text(out, NULL, ngx_uplink_unready[i].reason);
        }
    }

    ngx_uplink_out_shut(out, ']');
    ngx_uplink_out_bool(out, "draining", status->draining != 0);
    ngx_uplink_out_number(out, "sleds", status->agents);
    ngx_uplink_out_number(out, "min_sleds", ulcf->min_sleds);
    ngx_uplink_status_zone(out, status);
    ngx_uplink_out_shut(out, '}');
}


static void
ngx_uplink_status_write(ngx_uplink_out_t *out, ngx_uplink_status_t *status,
    ngx_uint_t why)
{
    ngx_uint_t  i;

    for (i = 0; ngx_uplink_unready[i].reason && !(why & (1 << i)); i++) {
        /* void */
    }

    ngx_uplink_out_open(out, NULL, '{');

    ngx_uplink_out_text(out, "status", ngx_uplink_unready[i].status);
    ngx_uplink_out_text(out, "version", NGX_UPLINK_VERSION);
    ngx_uplink_out_number(out, "uptime", status->uptime);

    ngx_uplink_status_workers(out, status);

    ngx_uplink_out_open(out, "sleds", '{');
    ngx_uplink_out_number(out, "agents", status->agents);
    ngx_uplink_out_number(out, "connections", status->links);
    ngx_uplink_out_number(out, "paused", status->paused);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "operators", '{');
    ngx_uplink_out_number(out, "sessions", status->sessions);
    ngx_uplink_out_number(out, "connected", status->attached);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "terminals", '{');
    ngx_uplink_out_number(out, "sessions", status->terminals);
    ngx_uplink_out_number(out, "browsers", status->browsers);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "requests", '{');
    ngx_uplink_out_number(out, "pending", status->open);
    ngx_uplink_out_number(out, "ended", status->ended);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_status_zone(out, status);

    ngx_uplink_out_open(out, "drain", '{');
    ngx_uplink_out_number(out, "workers", status->workers_leaving);
    ngx_uplink_out_number(out, "connections", status->connections_leaving);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "bus", '{');
    ngx_uplink_out_number(out, "queued", status->queued);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "audit", '{');
    ngx_uplink_out_number(out, "failing", status->audit_failing);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_status_counters(out, status);
    ngx_uplink_status_reasons(out, status);
    ngx_uplink_status_histograms(out, status);

    ngx_uplink_out_shut(out, '}');
}


static void
ngx_uplink_status_workers(ngx_uplink_out_t *out, ngx_uplink_status_t *status)
{
    ngx_uint_t  i;

    ngx_uplink_out_open(out, "workers", '[');

    for (i = 0; i < status->ports; i++) {
        ngx_uplink_out_open(out, NULL, '{');
        ngx_uplink_out_number(out, "slot", status->port[i].slot);
        ngx_uplink_out_number(out, "port", status->port[i].port);
        ngx_uplink_out_number(out, "pid", status->port[i].pid);
        ngx_uplink_out_number(out, "connections",
                              status->port[i].connections);
        ngx_uplink_out_bool(out, "leaving", status->port[i].leaving);
        ngx_uplink_out_shut(out, '}');
    }

    ngx_uplink_out_shut(out, ']');
}


static void
ngx_uplink_status_zone(ngx_uplink_out_t *out, ngx_uplink_status_t *status)
{
    ngx_uplink_out_open(out, "zone", '{');
    ngx_uplink_out_number(out, "size", status->size);
    ngx_uplink_out_number(out, "used", status->used);
    ngx_uplink_out_number(out, "free", status->free);
    ngx_uplink_out_number(out, "entries", status->entries);
    ngx_uplink_out_shut(out, '}');
}


/* a family is its sum here */

static void
ngx_uplink_status_counters(ngx_uplink_out_t *out, ngx_uplink_status_t *status)
{
    ngx_uint_t  i;

    ngx_uplink_out_open(out, "counters", '{');

    for (i = 0; i < NGX_UPLINK_NCOUNTERS; i++) {
        ngx_uplink_out_number(out,
                          (const char *) ngx_uplink_counter_rows[i].name.data,
                          status->tally.counters[i]);
    }

    for (i = 0; i < NGX_UPLINK_NFAMILIES; i++) {
        ngx_uplink_out_number(out,
                          (const char *) ngx_uplink_family_rows[i].name.data,
                          ngx_uplink_status_family(status, i));
    }

    ngx_uplink_out_shut(out, '}');
}


static void
ngx_uplink_status_reasons(ngx_uplink_out_t *out, ngx_uplink_status_t *status)
{
    ngx_uint_t                     i, n;
    const ngx_uplink_value_row_t  *row;

    ngx_uplink_out_open(out, "reasons", '{');

    for (i = 0; i < NGX_UPLINK_NFAMILIES; i++) {

        ngx_uplink_out_open(out,
                          (const char *) ngx_uplink_family_rows[i].name.data,
                          '{');

        for (n = 0; n < NGX_UPLINK_NVALUES; n++) {
            row = &ngx_uplink_value_rows[n];

            if (row->family == i) {
                ngx_uplink_out_number(out, (const char *) row->value.data,
                                      status->values[n]);
            }
        }

        ngx_uplink_out_shut(out, '}');
    }

    ngx_uplink_out_shut(out, '}');
}


/* buckets as Prometheus has them: each with all below it */

static void
ngx_uplink_status_histograms(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status)
{
    uint64_t                           n;
    ngx_uint_t                         i, k;
    ngx_uplink_histogram_t            *h;
    const ngx_uplink_histogram_row_t  *row;

    ngx_uplink_out_open(out, "histograms", '{');

    for (i = 0; i < NGX_UPLINK_NHISTOGRAMS; i++) {
        row = &ngx_uplink_histogram_rows[i];
        h = &status->tally.histograms[i];
        n = 0;

        ngx_uplink_out_open(out, (const char *) row->name.data, '{');
        ngx_uplink_out_open(out, "buckets", '[');

        for (k = 0; k < NGX_UPLINK_BUCKETS; k++) {
            n += h->bucket[k];

            ngx_uplink_out_open(out, NULL, '{');
            ngx_uplink_out_number(out, "le_us", row->bounds[k]);
            ngx_uplink_out_number(out, "count", n);
            ngx_uplink_out_shut(out, '}');
        }

        ngx_uplink_out_shut(out, ']');
        ngx_uplink_out_number(out, "count", n + h->bucket[k]);
        ngx_uplink_out_number(out, "sum_us", h->sum);
        ngx_uplink_out_shut(out, '}');
    }

    ngx_uplink_out_shut(out, '}');
}
