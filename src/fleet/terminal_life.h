
/*
 * The steps of a terminal's life, shared by terminal.c (its life), seat.c and
 * visit.c (browsers) and session.c (the sled).  All of it is called under the
 * lock.
 */


#ifndef _NGX_UPLINK_TERMINAL_LIFE_H_INCLUDED_
#define _NGX_UPLINK_TERMINAL_LIFE_H_INCLUDED_


#include "fleet/terminal.h"
#include "fleet/event.h"


#define NGX_UPLINK_TERMINAL_CLOSE  5000    /* for the sled's answer */


void ngx_uplink_terminal_todo_add(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uint_t todo);
void ngx_uplink_terminal_tell(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uint_t tell);
void ngx_uplink_seat_tell_add(ngx_uplink_fleet_t *fleet,
    ngx_uplink_seat_t *seat, ngx_uint_t tell);

/* it is over: what is TELL_EXIT or TELL_ERROR, code and text are cut */

void ngx_uplink_terminal_end(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uint_t what, ngx_int_t exit_code,
    const void *code, size_t code_len, const void *text, size_t text_len);

/* the same, and the sled is asked to close it for this reason */

void ngx_uplink_terminal_close(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, const void *reason, size_t len);

/* frees it if nobody holds it any more */

void ngx_uplink_terminal_put(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t);

/* asks for a replay if a seat waits for one and none is under way */

void ngx_uplink_terminal_attach(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t);

/* the seat that drives from now on, as nobody else does */

void ngx_uplink_seat_drive(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uplink_seat_t *seat);

/* a browser that has taken its seat is shown the stream from its byte on */

void ngx_uplink_seat_begin(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uplink_seat_t *seat);

/* when the deadline is to look at it again */

void ngx_uplink_terminal_watch(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t);

/* seat.c */

void ngx_uplink_seat_sit(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uplink_seat_t *seat);
void ngx_uplink_seats_free(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t);

ngx_str_t ngx_uplink_terminal_field(ngx_uplink_terminal_t *t,
    ngx_uint_t field);


#endif /* _NGX_UPLINK_TERMINAL_LIFE_H_INCLUDED_ */
