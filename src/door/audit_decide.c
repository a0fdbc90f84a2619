
/*
 * Decisions, where they must be on record before they are effective.
 */


#include "door/audit.h"
#include "door/view.h"


static ngx_uint_t ngx_uplink_audit_first(ngx_uplink_fleet_t *fleet,
    ngx_uplink_decision_t *decision);
static ngx_int_t ngx_uplink_audit_approve(ngx_uplink_fleet_t *fleet,
    ngx_str_t *req_id, ngx_uplink_actor_t *actor,
    ngx_uplink_decision_t *decision);
static void ngx_uplink_audit_not(ngx_uplink_fleet_t *fleet,
    ngx_str_t *req_id, ngx_uplink_actor_t *actor, const char *code);


ngx_int_t
ngx_uplink_audit_decide(ngx_uplink_fleet_t *fleet, ngx_str_t *req_id,
    ngx_uplink_actor_t *actor, ngx_uplink_decision_t *decision,
    ngx_uplink_view_t *view, ngx_uint_t *result)
{
    ngx_int_t                  rc;
    ngx_uint_t                 first;
    const ngx_uplink_fault_t  *fault;

    first = ngx_uplink_audit_first(fleet, decision);

    if (first
        && ngx_uplink_audit_approve(fleet, req_id, actor, decision) != NGX_OK)
    {
        *result = NGX_UPLINK_DECIDE_AUDIT;
        return NGX_OK;
    }

    rc = ngx_uplink_request_decide(fleet, req_id->data, req_id->len, actor,
                                   decision, view, result);

    if (first && (rc != NGX_OK || *result != NGX_UPLINK_DECIDE_OK)) {

        /* its line is written: so is, that it came to nothing */

        fault = (rc == NGX_OK) ? ngx_uplink_answer_fault(*result, view) : NULL;

        ngx_uplink_audit_not(fleet, req_id, actor,
                             fault ? fault->code : "restarted");
    }

    return rc;
}


/*
 * An answer to a question is none; everything else that lets an agent go on
 * is an approval.
 */

static ngx_uint_t
ngx_uplink_audit_first(ngx_uplink_fleet_t *fleet,
    ngx_uplink_decision_t *decision)
{
    return (fleet->audit && fleet->audit->deny && decision->approved
            && decision->kind != NGX_UPLINK_KIND_ASK);
}


static ngx_int_t
ngx_uplink_audit_approve(ngx_uplink_fleet_t *fleet, ngx_str_t *req_id,
    ngx_uplink_actor_t *actor, ngx_uplink_decision_t *decision)
{
    ngx_uplink_said_t  said;

    ngx_uplink_say_nothing(&said);

    ngx_uplink_say_origin(&said, &actor->origin);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_req_id, req_id);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sid, &actor->sid);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_user, &actor->by);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_message, &decision->words);

    if (decision->always) {
        ngx_uplink_say_number(&said, NGX_UPLINK_SAID_always_allow, 1);
    }

    if (decision->updated) {
        ngx_uplink_say(&said, NGX_UPLINK_SAID_updated_input_sha256,
                       decision->updated, NGX_UPLINK_DIGEST);
    }

    if (ngx_uplink_journal_note(fleet, NGX_UPLINK_AUDIT_approving, &said)
        && ngx_uplink_audit_sync(fleet) == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_uplink_count(fleet, NGX_UPLINK_COUNT_audit_refused);
    ngx_uplink_audit_not(fleet, req_id, actor, "audit_failed");

    return NGX_DECLINED;
}


static void
ngx_uplink_audit_not(ngx_uplink_fleet_t *fleet, ngx_str_t *req_id,
    ngx_uplink_actor_t *actor, const char *code)
{
    ngx_uplink_said_t  said;

    ngx_uplink_say_nothing(&said);

    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_req_id, req_id);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sid, &actor->sid);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_user, &actor->by);
    ngx_uplink_say_text(&said, NGX_UPLINK_SAID_code, code);

    (void) ngx_uplink_journal_note(fleet, NGX_UPLINK_AUDIT_not_approved,
                                   &said);
}
