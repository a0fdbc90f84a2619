
/*
 * The numbers of a fleet for Prometheus.  Private to status.c, metrics.c and
 * scrape.c.
 */


#ifndef _NGX_UPLINK_DOOR_METRICS_H_INCLUDED_
#define _NGX_UPLINK_DOOR_METRICS_H_INCLUDED_


#include "door/door.h"
#include "fleet/status.h"


/* text exposition format 0.0.4 */

#define NGX_UPLINK_METRICS_TYPE  "text/plain; version=0.0.4; charset=utf-8"


/*
 * Text in memory of known size.  What does not fit is not written: pos has
 * come to last, then.
 */

typedef struct {
    u_char              *start;
    u_char              *pos;
    u_char              *last;
} ngx_uplink_text_t;


/* src/door/metrics.c */

/* no more than that, in a fleet of this name, all series of sleds apart */

size_t ngx_uplink_metrics_size(ngx_str_t *name);
void ngx_uplink_metrics_write(ngx_uplink_text_t *text, ngx_str_t *name,
    ngx_uplink_status_t *status);

/*
 * Series with a label "sled", one metric after the other: its header, and
 * one line for one sled, neither longer than this.  0: there are no more.
 */

#define NGX_UPLINK_METRICS_LINE  384

ngx_uint_t ngx_uplink_metrics_sled_head(ngx_uplink_text_t *text,
    ngx_uint_t n);
void ngx_uplink_metrics_sled(ngx_uplink_text_t *text, ngx_uint_t n,
    ngx_uplink_status_sled_t *sled);


/*
 * src/door/scrape.c: text, and then all sleds behind it, some in each turn
 * of the event loop
 */

ngx_int_t ngx_uplink_scrape(ngx_http_request_t *r, ngx_uplink_fleet_t *fleet,
    ngx_uplink_text_t *text);


#endif /* _NGX_UPLINK_DOOR_METRICS_H_INCLUDED_ */
