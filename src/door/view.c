
/*
 * A request as operators and engines read it.
 */


#include "door/view.h"


/* the state that a change led to; the last is the request's own */

static const ngx_uplink_state_e  ngx_uplink_view_changes[] = {
    NGX_UPLINK_STATE_OPEN,
    NGX_UPLINK_STATE_OPEN,
    NGX_UPLINK_STATE_DECIDED,
    NGX_UPLINK_STATE_DELIVERED
};


/* of a reply, by the kind of the request; a spawn's has two */

static const char  *ngx_uplink_view_replies[] = {
    "perm_response",
    "answer",
    "hook_ack",
    NULL,
    "spawn_halt"
};


const ngx_str_t  ngx_uplink_view_own[] = {
    ngx_string("type"),
    ngx_string("req_id"),
    ngx_string("sled"),
    ngx_string("created_ms"),
    ngx_string("expires_ms"),
    ngx_string("input_sha256"),
    ngx_string("workspace_id")
};


size_t
ngx_uplink_view_room(ngx_uplink_view_t *view)
{
    return 24 * NGX_UPLINK_OUT_MEMBER + 2 * 32
           + view->payload.len + view->answer.len
           + 3 * view->req_id_len
           + ngx_uplink_out_quoted(view->agent, view->agent_len)
           + ngx_uplink_out_quoted(view->by_sid, view->by_sid_len)
           + ngx_uplink_out_quoted(view->by, view->by_len);
}


void
ngx_uplink_view_request(ngx_uplink_out_t *out, ngx_uplink_view_t *view,
    ngx_uint_t times)
{
    ngx_uint_t  perm;

    perm = (view->kind == NGX_UPLINK_KIND_PERM);

    ngx_uplink_out_string(out, "req_id", view->req_id, view->req_id_len);

    if (perm || times) {
        ngx_uplink_out_string(out, "sled", view->agent, view->agent_len);
    }

    ngx_uplink_out_members(out, &view->payload);

    if (perm || times) {
        ngx_uplink_out_number(out, "created_ms", view->created);
        ngx_uplink_out_number(out, "expires_ms", view->expires);
    }

    if (perm) {
        ngx_uplink_out_hex(out, "input_sha256", view->sha256,
                           sizeof(view->sha256));
    }
}


void
ngx_uplink_view_state(ngx_uplink_out_t *out, ngx_uplink_view_t *view)
{
    ngx_str_t   sid, by;
    ngx_uint_t  state;

    state = view->state;

    if (view->change < sizeof(ngx_uplink_view_changes)
                       / sizeof(ngx_uplink_view_changes[0]))
    {
        state = ngx_uplink_view_changes[view->change];
    }

    ngx_uplink_out_string(out, "req_id", view->req_id, view->req_id_len);
    ngx_uplink_out_str(out, "state", &ngx_uplink_states[state]);

    if (state == NGX_UPLINK_STATE_OPEN) {
        ngx_uplink_out_number(out, "expires_ms", view->expires);
        return;
    }

    if (view->reason != NGX_UPLINK_REASON_NONE) {
        ngx_uplink_out_str(out, "reason", &ngx_uplink_reasons[view->reason]);
    }

    if (!ngx_uplink_view_decided(view)) {
        return;
    }

    if (view->kind == NGX_UPLINK_KIND_PERM) {
        ngx_uplink_out_bool(out, "approved", view->approved);
    }

    sid.data = view->by_sid;
    sid.len = view->by_sid_len;
    by.data = view->by;
    by.len = view->by_len;

    ngx_uplink_view_by(out, "by", &sid, &by);
}


void
ngx_uplink_view_by(ngx_uplink_out_t *out, const char *name, ngx_str_t *sid,
    ngx_str_t *by)
{
    if (sid->len == 0 && by->len == 0) {
        return;
    }

    ngx_uplink_out_open(out, name, '{');

    if (sid->len) {
        ngx_uplink_out_str(out, "sid", sid);

    } else {
        ngx_uplink_out_null(out, "sid");
    }

    ngx_uplink_out_str(out, "name", by);
    ngx_uplink_out_shut(out, '}');
}


void
ngx_uplink_view_decision(ngx_uplink_out_t *out, const char *name,
    ngx_uplink_view_t *view)
{
    if (view->state == NGX_UPLINK_STATE_OPEN
        || view->state == NGX_UPLINK_STATE_WITHDRAWN
        || (view->kind != NGX_UPLINK_KIND_PERM
            && !ngx_uplink_view_decided(view)))
    {
        ngx_uplink_out_null(out, name);
        return;
    }

    ngx_uplink_out_open(out, name, '{');

    if (view->kind == NGX_UPLINK_KIND_PERM) {
        ngx_uplink_out_bool(out, "approved", view->approved);
        ngx_uplink_out_bool(out, "always_allow",
                            view->approved && view->always);
        ngx_uplink_out_str(out, "reason", &ngx_uplink_reasons[view->reason]);

    } else {
        ngx_uplink_out_text(out, "type", ngx_uplink_view_reply(view));
        ngx_uplink_out_string(out, "req_id", view->req_id, view->req_id_len);
    }

    ngx_uplink_out_members(out, &view->answer);
    ngx_uplink_out_shut(out, '}');
}


const char *
ngx_uplink_view_reply(ngx_uplink_view_t *view)
{
    if (view->kind == NGX_UPLINK_KIND_SPAWN && view->approved) {
        return "spawn_ack";
    }

    return ngx_uplink_view_replies[view->kind];
}


ngx_uint_t
ngx_uplink_view_decided(ngx_uplink_view_t *view)
{
    switch (view->state) {

    case NGX_UPLINK_STATE_DECIDED:
    case NGX_UPLINK_STATE_DELIVERED:
    case NGX_UPLINK_STATE_APPLIED:
    case NGX_UPLINK_STATE_FAILED:
        return 1;

    default:
        return 0;
    }
}
