
/*
 * What has happened in a fleet, for those who follow it: a ring of pages in
 * the zone, taken once, oldest page out first.  Numbers have no holes; who
 * finds one missing has missed something, and is told so.
 */


#ifndef _NGX_UPLINK_EVENT_H_INCLUDED_
#define _NGX_UPLINK_EVENT_H_INCLUDED_


#include "fleet/terminal.h"


typedef enum {
    NGX_UPLINK_EVENT_REQUEST = 0,
    NGX_UPLINK_EVENT_SLED,
    NGX_UPLINK_EVENT_OPERATOR,
    NGX_UPLINK_EVENT_TERMINAL
} ngx_uplink_event_e;

/* what happened, beside the states of a request (ngx_uplink_state_e) */

typedef enum {
    NGX_UPLINK_EVENT_CAME = 0,       /* "connected", "attached", "opened" */
    NGX_UPLINK_EVENT_AWAY,           /* lost, but may come back */
    NGX_UPLINK_EVENT_BACK,           /* resumed */
    NGX_UPLINK_EVENT_LEFT
} ngx_uplink_event_what_e;


#define NGX_UPLINK_EVENT_NAME_MAX  160

typedef struct {
    uint64_t                 id;
    uint64_t                 time;       /* ms since 1970 */
    ngx_uint_t               kind;
    ngx_uint_t               what;       /* or the state of a request */
    ngx_uint_t               reason;
    ngx_uint_t               request;    /* its kind */
    size_t                   name_len;   /* req_id, agent, sid, handle */
    size_t                   agent_len;  /* who asked */
    u_char                   name[NGX_UPLINK_EVENT_NAME_MAX];
    u_char                   agent[NGX_UPLINK_AGENT_MAX];
} ngx_uplink_event_view_t;


/* locked, once for a zone: the ring takes its pages */

void ngx_uplink_event_init(ngx_uplink_fleet_t *fleet);

/* locked; these cannot fail: the oldest page of the ring makes room */

void ngx_uplink_event_sled(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled, ngx_uint_t what);
void ngx_uplink_event_operator(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op, ngx_uint_t what);
void ngx_uplink_event_terminal(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uint_t what);
void ngx_uplink_event_request(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q);

/*
 * The first event behind this one that the actor may see.  NGX_OK and a
 * view; NGX_DONE: none yet, *after has moved to the last one; NGX_AGAIN:
 * none among many, *after has moved; NGX_ABORT: some are missing, the next
 * one there is has the number *after + 1 now.  NGX_ERROR: the actor is a
 * session, and that was deleted.
 */

ngx_int_t ngx_uplink_event_next(ngx_uplink_fleet_t *fleet, uint64_t *after,
    ngx_uplink_actor_t *actor, ngx_uplink_event_view_t *view);

/* the number of the last event: where one begins who wants no past */

ngx_int_t ngx_uplink_event_last(ngx_uplink_fleet_t *fleet, uint64_t *last);

#endif /* _NGX_UPLINK_EVENT_H_INCLUDED_ */
