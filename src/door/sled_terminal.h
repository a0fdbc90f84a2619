
/*
 * Terminals inside the sled's door.
 */


#ifndef _NGX_UPLINK_SLED_TERMINAL_H_INCLUDED_
#define _NGX_UPLINK_SLED_TERMINAL_H_INCLUDED_


#include "door/sled.h"
#include "door/terminal.h"


/* one terminal of one connection; as long as both are there */

struct ngx_uplink_sled_route_s {
    ngx_uplink_sled_route_t   *session_next;
    ngx_uplink_sled_route_t   *handle_next;
    uint32_t                   hash;         /* of the session */
    uint16_t                   session_len;
    unsigned                   paused:1;
    u_char                     session[NGX_UPLINK_SESSION_MAX];
    ngx_uplink_sled_conn_t    *sled;
    ngx_uplink_route_t         route;
    ngx_uplink_outlet_t        outlet;       /* of what is typed */
    uint64_t                   fence;        /* of its last pause */
    uint64_t                   paused_at;    /* of what was received */
    size_t                     in_socket;    /* then, and not yet received */
    size_t                     over;         /* bytes that came behind it */
    size_t                     unread;       /* that nobody was there for */
    unsigned                   input:1;      /* stands in the lane, for want
                                                of room */
};


/* src/door/sled_route.c: NULL: it is not this connection's */

ngx_uplink_sled_route_t *ngx_uplink_sled_route(ngx_uplink_sled_conn_t *sc,
    u_char *session, size_t len);
ngx_uplink_sled_route_t *ngx_uplink_sled_route_handle(
    ngx_uplink_sled_conn_t *sc, uint64_t handle);
/* the same, but only if it is known already */

ngx_uplink_sled_route_t *ngx_uplink_sled_route_find(
    ngx_uplink_sled_conn_t *sc, u_char *session, size_t len);
void ngx_uplink_sled_route_free(ngx_uplink_sled_route_t *route);
void ngx_uplink_sled_routes_free(ngx_uplink_sled_conn_t *sc);

/* the n-th that sits there, if it is of this process; else NULL */

ngx_uplink_browser_t *ngx_uplink_route_browser(
    ngx_uplink_sled_route_t *route, ngx_uint_t n);


/* src/door/sled_data.c */

/* NGX_OK: it was terminal.data; NGX_DECLINED: look at it as at any other */

ngx_int_t ngx_uplink_sled_data(ngx_uplink_sled_conn_t *sc, u_char *data,
    size_t len);
void ngx_uplink_sled_binary(ngx_uplink_sled_conn_t *sc, u_char *data,
    size_t len);
void ngx_uplink_sled_show(ngx_uplink_sled_route_t *route,
    ngx_uplink_piece_t *piece, size_t raw);

/*
 * The connection to write to, or NULL: it is another process', or something
 * stands in its lane still, from when the sled was elsewhere.
 */

ngx_uplink_conn_t *ngx_uplink_sled_direct(ngx_uplink_sled_route_t *route,
    ngx_uint_t n);

/* the stream has been repeated from here: who wanted more is told */

void ngx_uplink_sled_gaps(ngx_uplink_sled_route_t *route);


/* src/door/sled_pause.c */

/* so much has not been read by the n-th, who drives: the PTY is to wait */

void ngx_uplink_sled_pause(ngx_uplink_sled_route_t *route, ngx_uint_t n);

/* 1: the sled has gone on even so, and so much more is not taken */

ngx_uint_t ngx_uplink_sled_overrun(ngx_uplink_sled_route_t *route,
    ngx_uint_t n, size_t backlog, size_t high, size_t raw);

/* nobody sits there: enough for one who comes back is enough */

void ngx_uplink_sled_unread(ngx_uplink_sled_route_t *route, size_t raw);


/* src/door/sled_typed.c: what stands in its input lane */

void ngx_uplink_sled_input(ngx_uplink_sled_route_t *route);

/* the output has room again */

void ngx_uplink_sled_room(ngx_uplink_sled_conn_t *sc);


#endif /* _NGX_UPLINK_SLED_TERMINAL_H_INCLUDED_ */
