
/*
 * Who makes a call: a credential of the location, or a session by its token.
 */


#include "door/api.h"


static ngx_int_t ngx_uplink_call_session(ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_str_t *token);
static ngx_int_t ngx_uplink_call_credential(ngx_http_request_t *r,
    ngx_uplink_call_t *call);
static ngx_uint_t ngx_uplink_token_shaped(ngx_str_t *token);


/*
 * A session's token says by its shape what it is.  Where sessions have no
 * business it is a credential like any other, and unknown.
 */

ngx_int_t
ngx_uplink_call_admit(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_str_t  token;

    ngx_uplink_origin(&call->actor.origin, NGX_UPLINK_DOOR_API,
                      r->connection, NULL);

    if (call->route->session != NGX_UPLINK_SESSION_NONE
        && ngx_uplink_auth_bearer(r, &token) == NGX_OK
        && ngx_uplink_token_shaped(&token))
    {
        return ngx_uplink_call_session(r, call, &token);
    }

    return ngx_uplink_call_credential(r, call);
}


static ngx_int_t
ngx_uplink_call_session(ngx_http_request_t *r, ngx_uplink_call_t *call,
    ngx_str_t *token)
{
    ngx_int_t   rc;
    ngx_str_t   sid;
    ngx_uint_t  own;

    own = (call->route->session == NGX_UPLINK_SESSION_OWN);

    if (own) {
        sid = call->id;

    } else {
        sid.data = token->data;
        sid.len = NGX_UPLINK_SID_LEN;
    }

    rc = ngx_uplink_session_check(r->connection->log, call->fleet, &sid,
                                  token, &call->session);

    if (rc == NGX_ABORT && own) {
        return ngx_uplink_reply_error(r, NGX_HTTP_NOT_FOUND,
                                      "operator_unknown",
                                      "there is no such session");
    }

    if (rc == NGX_ABORT || rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent wrong token of an uplink session");

        return ngx_uplink_reply_denied(r, NGX_HTTP_UNAUTHORIZED);
    }

    if (rc != NGX_OK) {
        return ngx_uplink_call_failed(r, rc);
    }

    call->actor.sid.data = call->session.sid;
    call->actor.sid.len = call->session.sid_len;
    call->actor.by.data = call->session.by;
    call->actor.by.len = call->session.by_len;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_uplink_call_credential(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t  rc;

    rc = ngx_uplink_auth_request(r, &call->conf->auth, call->route->roles,
                                 &call->who);

    if (rc != NGX_OK) {
        return ngx_uplink_reply_denied(r, rc);
    }

    call->actor.by = call->who.name;
    call->actor.by.len = ngx_min(call->actor.by.len, NGX_UPLINK_BY_MAX);
    call->actor.everywhere = call->who.everywhere;

    if (call->who.workspaces) {
        call->actor.workspaces = call->who.workspaces->elts;
        call->actor.nworkspaces = call->who.workspaces->nelts;
    }

    return NGX_DECLINED;
}


static ngx_uint_t
ngx_uplink_token_shaped(ngx_str_t *token)
{
    return token->len == NGX_UPLINK_TOKEN_LEN
           && token->data[0] == 'S'
           && token->data[1] == '-'
           && token->data[NGX_UPLINK_SID_LEN] == '.';
}


ngx_int_t
ngx_uplink_session_check(ngx_log_t *log, ngx_uplink_fleet_t *fleet,
    ngx_str_t *sid, ngx_str_t *token, ngx_uplink_session_view_t *session)
{
    u_char     digest[NGX_UPLINK_DIGEST];
    ngx_int_t  rc;

    rc = ngx_uplink_operator_view(fleet, sid, 0, session);
    if (rc != NGX_OK) {
        return (rc == NGX_DECLINED) ? NGX_ERROR : rc;
    }

    if (ngx_uplink_digest(log, token->data, token->len, digest) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_uplink_equal(digest, session->token, NGX_UPLINK_DIGEST)) {
        return NGX_DECLINED;
    }

    rc = ngx_uplink_operator_view(fleet, sid, 1, session);

    return (rc == NGX_DECLINED) ? NGX_ERROR : rc;
}
