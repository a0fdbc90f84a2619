
/*
 * REST: a call, from its route to its reply.  Private to the api_*.c files.
 */


#ifndef _NGX_UPLINK_API_H_INCLUDED_
#define _NGX_UPLINK_API_H_INCLUDED_


#include "door/door.h"
#include "door/view.h"
#include "fleet/fleet.h"


typedef struct ngx_uplink_call_s  ngx_uplink_call_t;

typedef ngx_int_t (*ngx_uplink_call_pt)(ngx_http_request_t *r,
    ngx_uplink_call_t *call);


/* what a session's token is good for */

#define NGX_UPLINK_SESSION_NONE  0
#define NGX_UPLINK_SESSION_OWN   1    /* its own operators/:sid */
#define NGX_UPLINK_SESSION_ANY   2

#define NGX_UPLINK_ROUTE_BODY    0x01 /* has a JSON object as its body */
#define NGX_UPLINK_ROUTE_SOCKET  0x02 /* looks at credentials by itself */


/*
 * One line of the table: everything that decides what happens to a call
 * before its handler sees it.  404, 405 and Allow follow from the table.
 */

typedef struct {
    ngx_uint_t                    method;
    const char                   *path;     /* ":" stands for one segment */
    ngx_uint_t                    roles;    /* of a credential, any of them */
    ngx_uint_t                    session;
    ngx_uint_t                    flags;
    ngx_uint_t                    kind;     /* of what the call asks for */
    ngx_uplink_call_pt            handler;
} ngx_uplink_api_route_t;


typedef struct {
    ngx_uint_t                    limit;
    ngx_str_t                     after;
    uint64_t                      version;  /* "after" as a number */
    ngx_str_t                     workspace;
    ngx_int_t                     kind;     /* -1: all */
    ngx_int_t                     wait;     /* seconds, -1: not given */
} ngx_uplink_query_t;


/* a call's context; the request's for this module */

struct ngx_uplink_call_s {
    ngx_uplink_loc_conf_t        *conf;
    ngx_uplink_fleet_t           *fleet;
    const ngx_uplink_api_route_t     *route;
    ngx_str_t                     id;       /* the segment for ":" */

    ngx_uplink_who_t              who;      /* whose credential, or */
    ngx_uplink_session_view_t     session;  /* whose session it is */
    ngx_uplink_actor_t            actor;    /* that as the fleet sees it */

    ngx_uplink_query_t            query;
    ngx_str_t                     text;     /* the body */
    size_t                        size;     /* room for it */
    ngx_uplink_value_t            body;     /* an object */
    void                         *held;     /* by what it waits for */
};


#define NGX_UPLINK_LIST_DEFAULT  100
#define NGX_UPLINK_LIST_MAX      1000
#define NGX_UPLINK_WAIT_MAX      3600

/* a list's reply does not begin another element beyond this many bytes */

#define NGX_UPLINK_LIST_BYTES    (256 * 1024)


/* src/door/api.c */

/* the words for what the fleet could not do, NGX_DECLINED or NGX_ERROR */

ngx_int_t ngx_uplink_call_failed(ngx_http_request_t *r, ngx_int_t rc);

/* src/door/api_body.c */

/* reads the body, then runs the call; what the content handler returns */

ngx_int_t ngx_uplink_body_read(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_body_type(ngx_http_request_t *r);

/*
 * A reply that is written piece by piece: room for size more bytes, or
 * NGX_ERROR.
 */

ngx_int_t ngx_uplink_page_init(ngx_http_request_t *r, ngx_uplink_out_t *out,
    size_t size);
ngx_int_t ngx_uplink_page_room(ngx_http_request_t *r, ngx_uplink_out_t *out,
    size_t size);
ngx_int_t ngx_uplink_page_next(ngx_http_request_t *r, ngx_uplink_out_t *out,
    ngx_str_t *after);
ngx_int_t ngx_uplink_page_reply(ngx_http_request_t *r, ngx_uint_t status,
    ngx_uplink_out_t *out);

/* src/door/api_query.c: NULL, or what is wrong with it */

const char *ngx_uplink_query_read(ngx_http_request_t *r,
    ngx_uplink_query_t *query);

/* src/door/api_admit.c */

#define NGX_UPLINK_SID_LEN     18           /* S- and 16 hex digits */
#define NGX_UPLINK_TOKEN_LEN   (NGX_UPLINK_SID_LEN + 1 + 64)

/* NGX_DECLINED: go on; or what the content handler returns */

ngx_int_t ngx_uplink_call_admit(ngx_http_request_t *r,
    ngx_uplink_call_t *call);

/*
 * Is this the token of this session?  NGX_OK and the session, which lives on
 * by it; NGX_ABORT: there is no such session; NGX_DECLINED: it is not;
 * NGX_ERROR.
 */

ngx_int_t ngx_uplink_session_check(ngx_log_t *log, ngx_uplink_fleet_t *fleet,
    ngx_str_t *sid, ngx_str_t *token, ngx_uplink_session_view_t *session);

/* src/door/api_sessions.c */

ngx_int_t ngx_uplink_call_create_session(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_list_sessions(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_show_session(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_delete_session(ngx_http_request_t *r,
    ngx_uplink_call_t *call);

/* src/door/api_requests.c */

ngx_int_t ngx_uplink_call_list_requests(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_show_request(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_decide(ngx_http_request_t *r,
    ngx_uplink_call_t *call);

/* src/door/api_ask.c */

ngx_int_t ngx_uplink_call_permission(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_question(ngx_http_request_t *r,
    ngx_uplink_call_t *call);

/* src/door/api_events.c */

ngx_int_t ngx_uplink_call_events(ngx_http_request_t *r,
    ngx_uplink_call_t *call);

/* src/door/api_terminals.c */

ngx_int_t ngx_uplink_call_list_terminals(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_delete_terminal(ngx_http_request_t *r,
    ngx_uplink_call_t *call);

/* src/door/api_sleds.c */

ngx_int_t ngx_uplink_call_list_sleds(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_show_sled(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_kick_sled(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_sled_unknown(ngx_http_request_t *r, ngx_int_t rc);

/* src/door/api_tasks.c */

ngx_int_t ngx_uplink_call_list_tasks(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
ngx_int_t ngx_uplink_call_put_tasks(ngx_http_request_t *r,
    ngx_uplink_call_t *call);

/*
 * src/door/waiter.c: opens the request and holds the call until it has
 * ended; replies, at once or then.
 */

ngx_int_t ngx_uplink_waiter_open(ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_uplink_ask_t *ask);

/* src/door/operator.c */

ngx_int_t ngx_uplink_call_socket(ngx_http_request_t *r,
    ngx_uplink_call_t *call);


#endif /* _NGX_UPLINK_API_H_INCLUDED_ */
