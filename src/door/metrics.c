
/*
 * Numbers as Prometheus reads them.  What is counted stands in
 * fleet/metrics.h, what is there at the moment of asking stands here.
 */


#include "door/metrics.h"


#define NGX_UPLINK_METRICS_PREFIX  "nginx_uplink_"

/* of a metric: its name, what is said of it, and a value */

#define NGX_UPLINK_METRICS_HEAD    384
#define NGX_UPLINK_METRICS_VALUE   160


typedef struct {
    const char  *name;
    const char  *labels;     /* with their braces, or "" */
    const char  *help;       /* NULL: as in the line above */
    size_t       offset;     /* in what it is a member of */
    ngx_uint_t   milli;      /* a thousandth of the unit */
} ngx_uplink_gauge_t;


static void ngx_uplink_metrics_print(ngx_uplink_text_t *text,
    const char *fmt, ...);
static void ngx_uplink_metrics_head(ngx_uplink_text_t *text,
    const char *name, const char *suffix, const char *type,
    const char *help);
static void ngx_uplink_metrics_info(ngx_uplink_text_t *text, ngx_str_t *name);
static void ngx_uplink_metrics_gauges(ngx_uplink_text_t *text,
    ngx_uplink_status_t *status);
static void ngx_uplink_metrics_families(ngx_uplink_text_t *text,
    ngx_uplink_status_t *status);
static void ngx_uplink_metrics_histogram(ngx_uplink_text_t *text,
    const ngx_uplink_histogram_row_t *row, ngx_uplink_histogram_t *h);
static void ngx_uplink_metrics_seconds(ngx_uplink_text_t *text,
    uint64_t usec);
static void ngx_uplink_metrics_label(ngx_uplink_text_t *text, u_char *data,
    size_t len);


#define NGX_UPLINK_GAUGE(member)  offsetof(ngx_uplink_status_t, member)

static const ngx_uplink_gauge_t  ngx_uplink_gauges[] = {

    { "uptime_seconds", "", "time since the zone was made",
      NGX_UPLINK_GAUGE(uptime), 1 },

    { "ready", "", "1 if this worker takes new work, as \"ready\" says",
      NGX_UPLINK_GAUGE(ready), 0 },

    { "workers", "{state=\"serving\"}",
      "worker processes with a port in the fleet",
      NGX_UPLINK_GAUGE(workers_serving), 0 },

    { "workers", "{state=\"draining\"}", NULL,
      NGX_UPLINK_GAUGE(workers_leaving), 0 },

    { "connections", "{state=\"serving\"}",
      "connections of all kinds, by what their workers do",
      NGX_UPLINK_GAUGE(connections_serving), 0 },

    { "connections", "{state=\"draining\"}", NULL,
      NGX_UPLINK_GAUGE(connections_leaving), 0 },

    { "sleds", "", "logical sleds, connected or awaited",
      NGX_UPLINK_GAUGE(agents), 0 },

    { "sled_connections", "", "connections of sleds",
      NGX_UPLINK_GAUGE(links), 0 },

    { "sled_connections_paused", "", "of these, paused by the sled",
      NGX_UPLINK_GAUGE(paused), 0 },

    { "operator_sessions", "", "sessions of operators",
      NGX_UPLINK_GAUGE(sessions), 0 },

    { "operators_connected", "", "of these, with a socket",
      NGX_UPLINK_GAUGE(attached), 0 },

    { "terminals", "", "terminals, opening or open",
      NGX_UPLINK_GAUGE(terminals), 0 },

    { "terminal_browsers", "", "browsers at terminals",
      NGX_UPLINK_GAUGE(browsers), 0 },

    { "requests_open", "", "requests that wait for a decision",
      NGX_UPLINK_GAUGE(open), 0 },

    { "requests_remembered", "", "ended requests that are remembered",
      NGX_UPLINK_GAUGE(ended), 0 },

    { "zone_size_bytes", "", "size of the zone",
      NGX_UPLINK_GAUGE(size), 0 },

    { "zone_used_bytes", "", "pages in use",
      NGX_UPLINK_GAUGE(used), 0 },

    { "zone_free_bytes", "", "pages that are free",
      NGX_UPLINK_GAUGE(free), 0 },

    { "zone_entries", "", "sleds, connections, sessions and requests",
      NGX_UPLINK_GAUGE(entries), 0 },

    { "bus_queue", "", "notices between workers that wait to be read",
      NGX_UPLINK_GAUGE(queued), 0 },

    { "audit_failing", "", "workers that cannot write the audit log",
      NGX_UPLINK_GAUGE(audit_failing), 0 },

    { NULL, NULL, NULL, 0, 0 }
};


#define NGX_UPLINK_SLED_GAUGE(member)                                         \
    offsetof(ngx_uplink_status_sled_t, member)

/* with labels=sled, one series a sled */

static const ngx_uplink_gauge_t  ngx_uplink_sled_gauges[] = {

    { "by_sled_connections", "", "connections of this sled",
      NGX_UPLINK_SLED_GAUGE(links), 0 },

    { "by_sled_connections_paused", "", "of these, paused",
      NGX_UPLINK_SLED_GAUGE(paused), 0 },

    { "by_sled_requests", "", "requests of this sled in flight",
      NGX_UPLINK_SLED_GAUGE(inflight), 0 },

    { "by_sled_terminals", "", "terminals on this sled",
      NGX_UPLINK_SLED_GAUGE(terminals), 0 },

    { NULL, NULL, NULL, 0, 0 }
};


#define ngx_uplink_gauge_value(base, gauge)                                   \
    (*(uint64_t *) ((u_char *) (base) + (gauge)->offset))


size_t
ngx_uplink_metrics_size(ngx_str_t *name)
{
    ngx_uint_t  heads, values;

    heads = 1 + sizeof(ngx_uplink_gauges) / sizeof(ngx_uplink_gauge_t)
            + NGX_UPLINK_NCOUNTERS + NGX_UPLINK_NFAMILIES
            + NGX_UPLINK_NHISTOGRAMS;

    values = NGX_UPLINK_NVALUES
             + NGX_UPLINK_NHISTOGRAMS * (NGX_UPLINK_BUCKETS + 3);

    return heads * (NGX_UPLINK_METRICS_HEAD + NGX_UPLINK_METRICS_VALUE)
           + values * NGX_UPLINK_METRICS_VALUE + 2 * name->len;
}


void
ngx_uplink_metrics_write(ngx_uplink_text_t *text, ngx_str_t *name,
    ngx_uplink_status_t *status)
{
    ngx_uint_t                       i;
    const ngx_uplink_counter_row_t  *row;

    ngx_uplink_metrics_info(text, name);
    ngx_uplink_metrics_gauges(text, status);

    for (i = 0; i < NGX_UPLINK_NCOUNTERS; i++) {
        row = &ngx_uplink_counter_rows[i];

        ngx_uplink_metrics_head(text, (char *) row->name.data, "_total",
                                "counter", row->help);
        ngx_uplink_metrics_print(text,
                                 NGX_UPLINK_METRICS_PREFIX "%V_total %uL\n",
                                 &row->name, status->tally.counters[i]);
    }

    ngx_uplink_metrics_families(text, status);

    for (i = 0; i < NGX_UPLINK_NHISTOGRAMS; i++) {
        ngx_uplink_metrics_histogram(text, &ngx_uplink_histogram_rows[i],
                                     &status->tally.histograms[i]);
    }
}


static void
ngx_uplink_metrics_print(ngx_uplink_text_t *text, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    text->pos = ngx_vslprintf(text->pos, text->last, fmt, args);
    va_end(args);
}


static void
ngx_uplink_metrics_head(ngx_uplink_text_t *text, const char *name,
    const char *suffix, const char *type, const char *help)
{
    ngx_uplink_metrics_print(text,
                             "# HELP " NGX_UPLINK_METRICS_PREFIX "%s%s %s\n"
                             "# TYPE " NGX_UPLINK_METRICS_PREFIX "%s%s %s\n",
                             name, suffix, help, name, suffix, type);
}


static void
ngx_uplink_metrics_info(ngx_uplink_text_t *text, ngx_str_t *name)
{
    ngx_uplink_metrics_head(text, "info", "", "gauge",
                            "1; which fleet this is, and of which version");

    ngx_uplink_metrics_print(text, NGX_UPLINK_METRICS_PREFIX
                                   "info{fleet=\"");
    ngx_uplink_metrics_label(text, name->data, name->len);
    ngx_uplink_metrics_print(text, "\",version=\"" NGX_UPLINK_VERSION
                                   "\"} 1\n");
}


static void
ngx_uplink_metrics_gauges(ngx_uplink_text_t *text,
    ngx_uplink_status_t *status)
{
    uint64_t                   n;
    const ngx_uplink_gauge_t  *gauge;

    for (gauge = ngx_uplink_gauges; gauge->name; gauge++) {

        if (gauge->help) {
            ngx_uplink_metrics_head(text, gauge->name, "", "gauge",
                                    gauge->help);
        }

        n = ngx_uplink_gauge_value(status, gauge);

        ngx_uplink_metrics_print(text, NGX_UPLINK_METRICS_PREFIX "%s%s ",
                                 gauge->name, gauge->labels);

        if (gauge->milli) {
            ngx_uplink_metrics_seconds(text, n * 1000);

        } else {
            ngx_uplink_metrics_print(text, "%uL", n);
        }

        ngx_uplink_metrics_print(text, "\n");
    }
}


static void
ngx_uplink_metrics_families(ngx_uplink_text_t *text,
    ngx_uplink_status_t *status)
{
    ngx_uint_t                      i, n;
    const ngx_uplink_family_row_t  *row;

    for (i = 0; i < NGX_UPLINK_NFAMILIES; i++) {
        row = &ngx_uplink_family_rows[i];

        ngx_uplink_metrics_head(text, (char *) row->name.data, "_total",
                                "counter", row->help);

        for (n = 0; n < NGX_UPLINK_NVALUES; n++) {

            if (ngx_uplink_value_rows[n].family != i) {
                continue;
            }

            ngx_uplink_metrics_print(text, NGX_UPLINK_METRICS_PREFIX
                                     "%V_total{%s=\"%V\"} %uL\n",
                                     &row->name, row->label,
                                     &ngx_uplink_value_rows[n].value,
                                     status->values[n]);
        }
    }
}


static void
ngx_uplink_metrics_histogram(ngx_uplink_text_t *text,
    const ngx_uplink_histogram_row_t *row, ngx_uplink_histogram_t *h)
{
    uint64_t    n;
    ngx_uint_t  i;

    ngx_uplink_metrics_head(text, (char *) row->name.data, "", "histogram",
                            row->help);
    n = 0;

    for (i = 0; i < NGX_UPLINK_BUCKETS; i++) {
        n += h->bucket[i];

        ngx_uplink_metrics_print(text, NGX_UPLINK_METRICS_PREFIX
                                       "%V_bucket{le=\"", &row->name);
        ngx_uplink_metrics_seconds(text, row->bounds[i]);
        ngx_uplink_metrics_print(text, "\"} %uL\n", n);
    }

    n += h->bucket[i];

    ngx_uplink_metrics_print(text, NGX_UPLINK_METRICS_PREFIX
                             "%V_bucket{le=\"+Inf\"} %uL\n"
                             NGX_UPLINK_METRICS_PREFIX "%V_sum ",
                             &row->name, n, &row->name);
    ngx_uplink_metrics_seconds(text, h->sum);
    ngx_uplink_metrics_print(text, "\n" NGX_UPLINK_METRICS_PREFIX
                                   "%V_count %uL\n", &row->name, n);
}


/* as many places as it needs */

static void
ngx_uplink_metrics_seconds(ngx_uplink_text_t *text, uint64_t usec)
{
    ngx_uplink_metrics_print(text, "%uL", usec / 1000000);

    usec %= 1000000;

    if (usec == 0) {
        return;
    }

    ngx_uplink_metrics_print(text, ".%06uL", usec);

    while (text->pos[-1] == '0') {
        text->pos--;
    }
}


/* a fleet may have any name */

static void
ngx_uplink_metrics_label(ngx_uplink_text_t *text, u_char *data, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {

        switch (data[i]) {

        case '\\':
            ngx_uplink_metrics_print(text, "\\\\");
            break;

        case '"':
            ngx_uplink_metrics_print(text, "\\\"");
            break;

        case '\n':
            ngx_uplink_metrics_print(text, "\\n");
            break;

        default:
            ngx_uplink_metrics_print(text, "%c", data[i]);
        }
    }
}


ngx_uint_t
ngx_uplink_metrics_sled_head(ngx_uplink_text_t *text, ngx_uint_t n)
{
    const ngx_uplink_gauge_t  *gauge;

    gauge = &ngx_uplink_sled_gauges[n];

    if (gauge->name == NULL) {
        return 0;
    }

    ngx_uplink_metrics_head(text, gauge->name, "", "gauge", gauge->help);

    return 1;
}


void
ngx_uplink_metrics_sled(ngx_uplink_text_t *text, ngx_uint_t n,
    ngx_uplink_status_sled_t *sled)
{
    const ngx_uplink_gauge_t  *gauge;

    gauge = &ngx_uplink_sled_gauges[n];

    ngx_uplink_metrics_print(text, NGX_UPLINK_METRICS_PREFIX "%s{sled=\"",
                             gauge->name);
    ngx_uplink_metrics_label(text, sled->agent, sled->agent_len);
    ngx_uplink_metrics_print(text, "\"} %uL\n",
                             ngx_uplink_gauge_value(sled, gauge));
}
