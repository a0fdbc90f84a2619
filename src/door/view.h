
/*
 * A request as operators and engines read it, and a reply as they write it.
 */


#ifndef _NGX_UPLINK_VIEW_H_INCLUDED_
#define _NGX_UPLINK_VIEW_H_INCLUDED_


#include "door/door.h"
#include "fleet/fleet.h"


/* src/door/view.c */

/* room that is enough for any of the three below, once */

size_t ngx_uplink_view_room(ngx_uplink_view_t *view);

/*
 * The members of the flat message, behind its type.  times: with sled and
 * times also where operators do not get them, for lists.
 */

void ngx_uplink_view_request(ngx_uplink_out_t *out, ngx_uplink_view_t *view,
    ngx_uint_t times);

/* the members of request_state, for view->change */

void ngx_uplink_view_state(ngx_uplink_out_t *out, ngx_uplink_view_t *view);

/* {sid, name}; nothing if nobody is known */

void ngx_uplink_view_by(ngx_uplink_out_t *out, const char *name,
    ngx_str_t *sid, ngx_str_t *by);

/*
 * What became of it: the payload of perm_response, or the reply {type,
 * req_id, …}; null as long as there is none, and if there never will be.
 */

void ngx_uplink_view_decision(ngx_uplink_out_t *out, const char *name,
    ngx_uplink_view_t *view);


/* the type of the reply to such a request; of a spawn's two: by approved */

const char *ngx_uplink_view_reply(ngx_uplink_view_t *view);

/* did somebody decide it, whatever came after that? */

ngx_uint_t ngx_uplink_view_decided(ngx_uplink_view_t *view);

/*
 * What only the gateway says of a request: not taken over from a payload.
 * One more, the workspace, where it is not the payload that says it.
 */

#define NGX_UPLINK_VIEW_OWN  6

extern const ngx_str_t  ngx_uplink_view_own[];


/* src/door/answer.c: what an operator answers */

typedef struct {
    ngx_uint_t              status;      /* over HTTP */
    const char             *code;
    const char             *message;
} ngx_uplink_fault_t;


#define NGX_UPLINK_ANSWER_PARTS  5

typedef struct {
    ngx_uplink_decision_t   decision;
    ngx_str_t               parts[NGX_UPLINK_ANSWER_PARTS];
    u_char                  sha256[32];
    u_char                  updated[32];   /* for the audit log, as words */
    u_char                  words[256];
    u_char                  by[64 + NGX_UPLINK_JSON_QUOTED(NGX_UPLINK_SID_MAX)
                               + NGX_UPLINK_JSON_QUOTED(NGX_UPLINK_BY_MAX)];
} ngx_uplink_answer_t;


/* is this the type of a reply: the word, or NULL */

const char *ngx_uplink_answer_type(u_char *type, size_t len);

/* the reply that a request of this id waits for, or NULL; spawn: the ack */

const char *ngx_uplink_answer_awaited(u_char *req_id, size_t len);

/*
 * Reads a reply of this type from its members, which are changed in place;
 * answer is valid as long as they are.  NULL, or what is wrong with it.
 */

const ngx_uplink_fault_t *ngx_uplink_answer_read(ngx_uplink_answer_t *answer,
    const char *type, ngx_uplink_value_t *body, ngx_uplink_actor_t *actor);

/* what a decision came to, NGX_UPLINK_DECIDE_…; NULL: it stands */

const ngx_uplink_fault_t *ngx_uplink_answer_fault(ngx_uint_t result,
    ngx_uplink_view_t *view);

/*
 * The members of an object but for those named, in place, one after the
 * other as they stand there.
 */

void ngx_uplink_members_keep(ngx_uplink_value_t *object,
    const ngx_str_t *drop, ngx_uint_t n, ngx_str_t *text);


#endif /* _NGX_UPLINK_VIEW_H_INCLUDED_ */
