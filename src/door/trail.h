
/*
 * What a request leaves behind for the access log: who it was, and how its
 * connection ended.
 */


#ifndef _NGX_UPLINK_TRAIL_H_INCLUDED_
#define _NGX_UPLINK_TRAIL_H_INCLUDED_


#include "ngx_uplink.h"


/*
 * In r->pool, found from there: variables are read when contexts are gone
 * already.  Strings are of that pool, or of the configuration.
 */

typedef struct {
    ngx_str_t            role;       /* at which door, or as what */
    ngx_str_t            sled;
    ngx_str_t            user;
    ngx_str_t            session;
    ngx_uint_t           close;      /* close code; 0: none */
    ngx_uplink_conn_t   *conn;       /* NULL: no WebSocket */
} ngx_uplink_trail_t;


/* at the door; NULL: no memory */

ngx_uplink_trail_t *ngx_uplink_trail(ngx_http_request_t *r,
    const char *role);

/* later on, while there is a door: it has been made */

ngx_uplink_trail_t *ngx_uplink_trail_of(ngx_http_request_t *r);

/* a copy of its own: what has no longer life elsewhere */

void ngx_uplink_trail_copy(ngx_http_request_t *r, ngx_str_t *dst,
    const void *data, size_t len);

/*
 * A WebSocket has ended, with this code: counted in its fleet (or in none:
 * NULL), and kept.
 */

void ngx_uplink_trail_closed(ngx_uplink_fleet_t *fleet,
    ngx_uplink_conn_t *uc, ngx_uint_t code);


/* src/door/variables.c, in preconfiguration */

ngx_int_t ngx_uplink_variables(ngx_conf_t *cf);


#endif /* _NGX_UPLINK_TRAIL_H_INCLUDED_ */
