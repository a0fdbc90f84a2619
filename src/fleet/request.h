
/*
 * The life of a request, shared by the files that move it: request.c (its
 * steps), decide.c (what is said about it), outbox.c (on its way to the
 * sled), view.c (as others see it).  All of it is called under the lock.
 */


#ifndef _NGX_UPLINK_REQUEST_H_INCLUDED_
#define _NGX_UPLINK_REQUEST_H_INCLUDED_


#include "fleet/fleet.h"


/* steps of a life; request.c */

void ngx_uplink_request_change(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uint_t change);
void ngx_uplink_request_close(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q);
void ngx_uplink_request_end(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q);
void ngx_uplink_request_settle(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q);
void ngx_uplink_request_delivered(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q);
void ngx_uplink_request_news(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uint_t news);

/* the one of this sled and req_id, or NULL */

ngx_uplink_request_t *ngx_uplink_request_named(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled, u_char *ref, size_t len);

/* view.c */

ngx_uplink_request_t *ngx_uplink_request_find(ngx_uplink_fleet_t *fleet,
    u_char *req_id, size_t len);
ngx_uplink_request_t *ngx_uplink_request_by_id(ngx_uplink_fleet_t *fleet,
    u_char *id);
ngx_uint_t ngx_uplink_request_may(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uplink_actor_t *actor);

size_t ngx_uplink_view_id(u_char *dst, ngx_uplink_request_t *q);

#define NGX_UPLINK_VIEW_PAYLOAD  0x01
#define NGX_UPLINK_VIEW_ANSWER   0x02

/*
 * NGX_OK, or NGX_BUSY: the buffers of this process are too small; release
 * the lock, call ngx_uplink_view_grow(), and begin again.
 */

ngx_int_t ngx_uplink_view_fill(ngx_uplink_view_t *view,
    ngx_uplink_request_t *q, ngx_uint_t what);
ngx_int_t ngx_uplink_view_grow(void);


#endif /* _NGX_UPLINK_REQUEST_H_INCLUDED_ */
