
/*
 * What operators, sleds and waiters say about a request.  The first decision
 * wins, under the lock; everyone else reads the result.
 */


#include "fleet/journal.h"
#include "fleet/request.h"


static ngx_uint_t ngx_uplink_request_judge(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uplink_actor_t *actor,
    ngx_uplink_decision_t *decision);
static void ngx_uplink_request_decided(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q);
static ngx_uint_t ngx_uplink_request_void(ngx_uplink_fleet_t *fleet,
    ngx_uplink_actor_t *actor);
static ngx_uplink_request_t *ngx_uplink_request_of(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, u_char *ref, size_t len);


ngx_int_t
ngx_uplink_request_decide(ngx_uplink_fleet_t *fleet, u_char *req_id,
    size_t len, ngx_uplink_actor_t *actor, ngx_uplink_decision_t *decision,
    ngx_uplink_view_t *view, ngx_uint_t *result)
{
    ngx_uplink_request_t  *q;

    for ( ;; ) {

        if (ngx_uplink_lock(fleet) != NGX_OK) {
            return NGX_DECLINED;
        }

        q = ngx_uplink_request_find(fleet, req_id, len);

        /* the view first: it may need room, and a decision is not repeated */

        if (q == NULL
            || ngx_uplink_view_fill(view, q, NGX_UPLINK_VIEW_ANSWER)
               == NGX_OK)
        {
            break;
        }

        ngx_uplink_unlock(fleet);

        if (ngx_uplink_view_grow() != NGX_OK) {
            *result = NGX_UPLINK_DECIDE_FULL;
            return NGX_OK;
        }
    }

    *result = ngx_uplink_request_judge(fleet, q, actor, decision);

    if (*result == NGX_UPLINK_DECIDE_OK) {
        (void) ngx_uplink_view_fill(view, q, 0);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


static ngx_uint_t
ngx_uplink_request_judge(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uplink_actor_t *actor, ngx_uplink_decision_t *decision)
{
    ngx_uplink_blob_t  *answer;

    if (ngx_uplink_request_void(fleet, actor)) {
        return NGX_UPLINK_DECIDE_VOID;
    }

    if (q == NULL || !ngx_uplink_request_may(fleet, q, actor)) {
        return NGX_UPLINK_DECIDE_UNKNOWN;
    }

    if (q->state != NGX_UPLINK_STATE_OPEN) {
        ngx_uplink_count(fleet, NGX_UPLINK_COUNT_late_decisions);
        return NGX_UPLINK_DECIDE_ALREADY;
    }

    if (q->kind != decision->kind) {
        return NGX_UPLINK_DECIDE_KIND;
    }

    if (decision->sha256
        && ngx_memcmp(decision->sha256, q->sha256, sizeof(q->sha256)) != 0)
    {
        return NGX_UPLINK_DECIDE_DIGEST;
    }

    answer = NULL;

    if (decision->nparts) {
        answer = ngx_uplink_blob_create(fleet, decision->parts,
                                        decision->nparts);

        /* a yes or no is not lost for want of room for the words to it */

        if (answer == NULL && !decision->plain) {
            return NGX_UPLINK_DECIDE_FULL;
        }
    }

    q->answer = answer;
    q->approved = decision->approved;
    q->always = (decision->approved && decision->always);
    q->state = NGX_UPLINK_STATE_DECIDED;
    q->reason = NGX_UPLINK_REASON_OPERATOR;

    /* either may be empty, and then has no address */

    q->by_sid_len = ngx_min(actor->sid.len, sizeof(q->by_sid));

    if (q->by_sid_len) {
        ngx_memcpy(q->by_sid, actor->sid.data, q->by_sid_len);
    }

    q->by_len = ngx_min(actor->by.len, sizeof(q->by));

    if (q->by_len) {
        ngx_memcpy(q->by, actor->by.data, q->by_len);
    }

    ngx_uplink_request_close(fleet, q);
    ngx_uplink_request_change(fleet, q, NGX_UPLINK_CHANGE_DECIDED);
    ngx_uplink_audit_decided(fleet, q, actor, decision);
    ngx_uplink_request_news(fleet, q, NGX_UPLINK_NEWS_ANSWER);

    if (q->ticket == NULL && !q->waited) {

        /* asked by somebody who looks it up later */

        ngx_uplink_request_end(fleet, q);
    }

    ngx_uplink_request_decided(fleet, q);

    return NGX_UPLINK_DECIDE_OK;
}


static void
ngx_uplink_request_decided(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q)
{
    uint64_t  now;

    now = ngx_uplink_now();

    q->decided = now;

    ngx_uplink_observe(fleet, (q->kind == NGX_UPLINK_KIND_PERM)
                              ? NGX_UPLINK_TIME_decision_seconds
                              : NGX_UPLINK_TIME_answer_seconds,
                       (now > q->created) ? (now - q->created) * 1000 : 0);

    if (q->kind != NGX_UPLINK_KIND_PERM) {
        ngx_uplink_count(fleet, NGX_UPLINK_COUNT_requests_answered);
        return;
    }

    if (q->approved) {
        ngx_uplink_count(fleet, NGX_UPLINK_COUNT_requests_approved);
        return;
    }

    ngx_uplink_count(fleet, NGX_UPLINK_COUNT_requests_denied);
    ngx_uplink_count_word(fleet, NGX_UPLINK_FAMILY_permissions_denied,
                          "operator");
}


/* does it come from a socket whose place was taken? */

static ngx_uint_t
ngx_uplink_request_void(ngx_uplink_fleet_t *fleet, ngx_uplink_actor_t *actor)
{
    ngx_uplink_operator_t  *op;

    if (actor->generation == 0) {
        return 0;
    }

    op = ngx_uplink_operator_find(fleet, actor->sid.data, actor->sid.len);

    return (op == NULL || op->generation != actor->generation);
}


ngx_int_t
ngx_uplink_request_extend(ngx_uplink_fleet_t *fleet, u_char *req_id,
    size_t len, ngx_uplink_actor_t *actor, ngx_msec_t by,
    ngx_uplink_view_t *view, ngx_uint_t *result)
{
    ngx_msec_t             at;
    ngx_uplink_request_t  *q;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    q = ngx_uplink_request_find(fleet, req_id, len);
    *result = NGX_UPLINK_DECIDE_OK;

    if (ngx_uplink_request_void(fleet, actor)) {
        *result = NGX_UPLINK_DECIDE_VOID;
        goto done;
    }

    if (q == NULL || !ngx_uplink_request_may(fleet, q, actor)) {
        *result = NGX_UPLINK_DECIDE_UNKNOWN;
        goto done;
    }

    (void) ngx_uplink_view_fill(view, q, 0);

    if (q->state != NGX_UPLINK_STATE_OPEN) {
        *result = NGX_UPLINK_DECIDE_ALREADY;
        goto done;
    }

    if (q->kind != NGX_UPLINK_KIND_PERM) {
        *result = NGX_UPLINK_DECIDE_KIND;
        goto done;
    }

    /* it never makes it shorter, and never longer than the maximum */

    at = q->deadline.at + by;

    if (at > q->latest) {
        at = ngx_max(q->latest, q->deadline.at);
    }

    q->expires += at - q->deadline.at;

    ngx_uplink_deadline_set(fleet, &q->deadline, NGX_UPLINK_DEADLINE_REQUEST,
                            at);
    ngx_uplink_request_change(fleet, q, NGX_UPLINK_CHANGE_EXTENDED);
    ngx_uplink_audit_extended(fleet, q, actor);

    if (q->seen) {
        ngx_uplink_request_news(fleet, q, NGX_UPLINK_NEWS_PENDING);
    }

    (void) ngx_uplink_view_fill(view, q, 0);

done:

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


/* by the sled's own req_id: only what this very connection answers for */

static ngx_uplink_request_t *
ngx_uplink_request_of(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    u_char *ref, size_t len)
{
    ngx_uplink_request_t  *q;

    if (link->ticket == NULL) {
        return NULL;
    }

    q = ngx_uplink_request_named(fleet, link->sled, ref, len);

    return (q && q->ticket == link->ticket) ? q : NULL;
}


ngx_int_t
ngx_uplink_request_cancel(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    u_char *ref, size_t len)
{
    ngx_int_t              rc;
    ngx_uplink_request_t  *q;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    q = ngx_uplink_request_of(fleet, link, ref, len);
    rc = NGX_ABORT;

    if (q && q->inflight) {
        ngx_uplink_request_withdraw(fleet, q, NGX_UPLINK_REASON_CANCELLED);
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_request_ack(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    u_char *ref, size_t len)
{
    ngx_int_t              rc;
    ngx_uplink_request_t  *q;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    q = ngx_uplink_request_of(fleet, link, ref, len);
    rc = NGX_ABORT;

    /* not before its answer went out: that would be an ack of nothing */

    if (q && q->state == NGX_UPLINK_STATE_DECIDED && !q->in_outbox) {
        ngx_uplink_request_delivered(fleet, q);
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_request_applied(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    u_char *ref, size_t len, ngx_uint_t applied)
{
    uint64_t               now;
    ngx_int_t              rc;
    ngx_uplink_request_t  *q;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    q = ngx_uplink_request_of(fleet, link, ref, len);
    rc = NGX_ABORT;

    /* who has acted on it has got it */

    if (q && q->state == NGX_UPLINK_STATE_DECIDED && !q->in_outbox) {
        ngx_uplink_request_delivered(fleet, q);
    }

    if (q && q->state == NGX_UPLINK_STATE_DELIVERED) {

        q->state = applied ? NGX_UPLINK_STATE_APPLIED
                           : NGX_UPLINK_STATE_FAILED;

        ngx_uplink_request_detach(q);
        ngx_uplink_request_change(fleet, q, NGX_UPLINK_CHANGE_ENDED);
        ngx_uplink_audit_request(fleet, q, applied ? NGX_UPLINK_AUDIT_applied
                                                : NGX_UPLINK_AUDIT_failed);

        ngx_uplink_count(fleet, applied ? NGX_UPLINK_COUNT_requests_applied
                                        : NGX_UPLINK_COUNT_requests_failed);

        now = ngx_uplink_now();

        ngx_uplink_observe(fleet, NGX_UPLINK_TIME_applied_seconds,
                           (now > q->decided) ? (now - q->decided) * 1000
                                              : 0);
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_waiter_end(ngx_uplink_fleet_t *fleet, u_char *req_id, size_t len,
    ngx_uint_t delivered)
{
    ngx_uplink_request_t  *q;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    q = ngx_uplink_request_find(fleet, req_id, len);

    if (q && q->waited) {

        if (delivered && q->state == NGX_UPLINK_STATE_DECIDED) {
            ngx_uplink_request_delivered(fleet, q);
        }

        /* takes the waiter away; withdraws what was not delivered */

        ngx_uplink_request_withdraw(fleet, q, NGX_UPLINK_REASON_CANCELLED);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_request_shutdown(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link)
{
    ngx_queue_t           *i, *next;
    ngx_uplink_request_t  *q;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (link->ticket) {

        for (i = ngx_queue_head(&link->ticket->requests);
             i != ngx_queue_sentinel(&link->ticket->requests);
             i = next)
        {
            next = ngx_queue_next(i);
            q = ngx_queue_data(i, ngx_uplink_request_t, queue);

            if (q->state == NGX_UPLINK_STATE_OPEN) {
                ngx_uplink_request_expire(fleet, q,
                                          NGX_UPLINK_REASON_SHUTDOWN);
            }
        }
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}
