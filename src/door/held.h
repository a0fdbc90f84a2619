
/*
 * A request over HTTP that is held while somebody else is waited for: no
 * worker is.  First member of what its owner knows of it.
 */


#ifndef _NGX_UPLINK_HELD_H_INCLUDED_
#define _NGX_UPLINK_HELD_H_INCLUDED_


#include "door/api.h"


typedef struct {
    ngx_http_request_t      *request;
    ngx_uplink_fleet_t      *fleet;
    ngx_uplink_call_t       *call;
    ngx_socket_t             fd;        /* -1, for ngx_event_ident() */

    /* not cancelable: a leaving worker stays until the request has ended */

    ngx_event_t              timer;
    ngx_event_t              wake;

    uint32_t                 slot;
    unsigned                 over:1;    /* finalized: nothing may follow */
} ngx_uplink_held_t;


/* src/door/held.c */

/* the owner adds a cleanup that calls ngx_uplink_held_cleanup() */

void ngx_uplink_held_init(ngx_uplink_held_t *held, ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_event_handler_pt timer,
    ngx_event_handler_pt wake);

/*
 * From here on the client can only read, or go away: core tells by
 * finalizing the request, on HTTP/2 as well.  What it sends meanwhile is its
 * next request.  NGX_DONE, or what the content handler returns.
 */

ngx_int_t ngx_uplink_held_hold(ngx_uplink_held_t *held,
    ngx_http_event_handler_pt write);

/* from the event loop alone */

void ngx_uplink_held_finish(ngx_uplink_held_t *held, ngx_int_t rc);
void ngx_uplink_held_cleanup(ngx_uplink_held_t *held);


#endif /* _NGX_UPLINK_HELD_H_INCLUDED_ */
