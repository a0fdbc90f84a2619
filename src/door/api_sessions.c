
/*
 * Sessions of operators, over REST.
 */


#include "door/api.h"


#define NGX_UPLINK_DESC_MAX      1024
#define NGX_UPLINK_MANIFEST_MAX  (32 * 1024)


enum {
    NGX_UPLINK_CREATE_DESC = 0,
    NGX_UPLINK_CREATE_WORKSPACES,
    NGX_UPLINK_CREATE_MANIFEST,
    NGX_UPLINK_CREATE_MEMBERS
};


static const char *ngx_uplink_session_read(ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_uplink_session_t *session);
static const char *ngx_uplink_session_workspaces(ngx_http_request_t *r,
    ngx_uplink_value_t *list, ngx_uplink_session_t *session);
static const char *ngx_uplink_session_workspace(ngx_http_request_t *r,
    ngx_uplink_value_t *value, ngx_uplink_session_t *session);
static ngx_uint_t ngx_uplink_session_allowed(ngx_uplink_call_t *call,
    ngx_uplink_session_t *session);
static ngx_int_t ngx_uplink_session_made(ngx_http_request_t *r,
    ngx_str_t *sid, u_char *token);
static void ngx_uplink_session_show(ngx_uplink_out_t *out,
    ngx_uplink_session_view_t *view);
static ngx_int_t ngx_uplink_session_unknown(ngx_http_request_t *r,
    ngx_int_t rc);


static const ngx_str_t  ngx_uplink_create_names[] = {
    ngx_string("desc"),
    ngx_string("workspaces"),
    ngx_string("capability_manifest")
};


ngx_int_t
ngx_uplink_call_create_session(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    u_char                 token[NGX_UPLINK_TOKEN_LEN];
    u_char                 digest[NGX_UPLINK_DIGEST];
    ngx_int_t              rc;
    ngx_log_t             *log;
    ngx_uint_t             result;
    const char            *wrong;
    ngx_uplink_session_t   session;

    wrong = ngx_uplink_session_read(r, call, &session);
    if (wrong) {
        return ngx_uplink_reply_error(r, NGX_HTTP_BAD_REQUEST, "bad_request",
                                      wrong);
    }

    if (!ngx_uplink_session_allowed(call, &session)) {
        return ngx_uplink_reply_error(r, NGX_HTTP_FORBIDDEN, "forbidden",
                                      "a workspace that is not of this "
                                      "credential");
    }

    log = r->connection->log;

    token[0] = 'S';
    token[1] = '-';
    token[NGX_UPLINK_SID_LEN] = '.';

    if (ngx_uplink_random_hex(log, &token[2], 8) != NGX_OK
        || ngx_uplink_random_hex(log, &token[NGX_UPLINK_SID_LEN + 1], 32)
           != NGX_OK
        || ngx_uplink_digest(log, token, NGX_UPLINK_TOKEN_LEN, digest)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    session.sid.data = token;
    session.sid.len = NGX_UPLINK_SID_LEN;
    session.token = digest;
    session.by = call->who.name;
    session.digest = call->who.digest;
    session.ttl = call->conf->session_ttl;
    session.max = call->conf->max_sessions;
    session.origin = call->actor.origin;

    rc = ngx_uplink_operator_create(call->fleet, &session, &result);

    if (rc != NGX_OK) {
        return ngx_uplink_call_failed(r, rc);
    }

    switch (result) {

    case NGX_UPLINK_SESSION_OK:
        return ngx_uplink_session_made(r, &session.sid, token);

    case NGX_UPLINK_SESSION_TOO_MANY:
        return ngx_uplink_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "too_many_sessions",
                                      "the fleet has as many sessions as it "
                                      "may have");

    default:
        return ngx_uplink_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "zone_full",
                                      "there is no memory for a session");
    }
}


static const char *
ngx_uplink_session_read(ngx_http_request_t *r, ngx_uplink_call_t *call,
    ngx_uplink_session_t *session)
{
    ngx_uplink_value_t  *desc, *manifest, v[NGX_UPLINK_CREATE_MEMBERS];

    ngx_memzero(session, sizeof(ngx_uplink_session_t));

    ngx_uplink_json_members(&call->body, ngx_uplink_create_names,
                            NGX_UPLINK_CREATE_MEMBERS, v);

    desc = &v[NGX_UPLINK_CREATE_DESC];

    if (desc->kind > NGX_UPLINK_JSON_NULL) {

        if (desc->kind != NGX_UPLINK_JSON_STRING
            || desc->end - desc->start > NGX_UPLINK_DESC_MAX)
        {
            return "\"desc\" must be a string of at most 1022 bytes";
        }

        session->desc.data = desc->start;
        session->desc.len = desc->end - desc->start;
    }

    manifest = &v[NGX_UPLINK_CREATE_MANIFEST];

    if (manifest->kind > NGX_UPLINK_JSON_NULL) {

        if (manifest->end - manifest->start > NGX_UPLINK_MANIFEST_MAX) {
            return "\"capability_manifest\" is longer than 32768 bytes";
        }

        session->manifest.data = manifest->start;
        session->manifest.len = manifest->end - manifest->start;
    }

    /* all that its maker has, if it does not ask for less */

    if (v[NGX_UPLINK_CREATE_WORKSPACES].kind <= NGX_UPLINK_JSON_NULL) {
        session->workspaces = call->actor.workspaces;
        session->nworkspaces = call->actor.nworkspaces;
        session->everywhere = call->actor.everywhere;

        return (session->nworkspaces > NGX_UPLINK_MAX_WORKSPACES)
               ? "the credential has more than 64 workspaces, name some" : NULL;
    }

    return ngx_uplink_session_workspaces(r, &v[NGX_UPLINK_CREATE_WORKSPACES],
                                         session);
}


static const char *
ngx_uplink_session_workspaces(ngx_http_request_t *r, ngx_uplink_value_t *list,
    ngx_uplink_session_t *session)
{
    u_char              *pos;
    const char          *wrong;
    ngx_uplink_value_t   value;

    if (list->kind != NGX_UPLINK_JSON_ARRAY) {
        return "\"workspaces\" must be an array of strings";
    }

    session->workspaces = ngx_palloc(r->pool, NGX_UPLINK_MAX_WORKSPACES
                                              * sizeof(ngx_str_t));
    if (session->workspaces == NULL) {
        return "there is no memory";
    }

    pos = NULL;

    while (ngx_uplink_json_next(list, &pos, NULL, &value) == NGX_OK) {

        wrong = ngx_uplink_session_workspace(r, &value, session);
        if (wrong) {
            return wrong;
        }
    }

    return NULL;
}


static const char *
ngx_uplink_session_workspace(ngx_http_request_t *r, ngx_uplink_value_t *value,
    ngx_uplink_session_t *session)
{
    size_t       len;
    u_char       name[NGX_UPLINK_WORKSPACE_MAX];
    ngx_str_t   *ws;
    ngx_uint_t   i;

    if (value->kind != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(value, name, sizeof(name), &len) != NGX_OK
        || len == 0)
    {
        return "a workspace must be a string of 1 to 128 bytes";
    }

    if (len == 1 && name[0] == '*') {
        session->everywhere = 1;
        return NULL;
    }

    for (i = 0; i < session->nworkspaces; i++) {
        ws = &session->workspaces[i];

        if (ws->len == len && ngx_memcmp(ws->data, name, len) == 0) {
            return NULL;
        }
    }

    if (session->nworkspaces == NGX_UPLINK_MAX_WORKSPACES) {
        return "\"workspaces\" has more than 64 names";
    }

    ws = &session->workspaces[session->nworkspaces++];

    ws->len = len;
    ws->data = ngx_pnalloc(r->pool, len);
    if (ws->data == NULL) {
        return "there is no memory";
    }

    ngx_memcpy(ws->data, name, len);

    return NULL;
}


static ngx_uint_t
ngx_uplink_session_allowed(ngx_uplink_call_t *call,
    ngx_uplink_session_t *session)
{
    ngx_uint_t  i;

    if (session->everywhere && !call->who.everywhere) {
        return 0;
    }

    for (i = 0; i < session->nworkspaces; i++) {
        if (!ngx_uplink_who_workspace(&call->who, &session->workspaces[i])) {
            return 0;
        }
    }

    return 1;
}


/* the only time that the token is shown */

static ngx_int_t
ngx_uplink_session_made(ngx_http_request_t *r, ngx_str_t *sid, u_char *token)
{
    ngx_uplink_out_t  out;

    if (ngx_uplink_page_init(r, &out, 4 * NGX_UPLINK_OUT_MEMBER
                                      + 2 * NGX_UPLINK_TOKEN_LEN)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_str(&out, "sid", sid);
    ngx_uplink_out_string(&out, "token", token, NGX_UPLINK_TOKEN_LEN);
    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, NGX_HTTP_CREATED, &out);
}


ngx_int_t
ngx_uplink_call_list_sessions(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    u_char                      last[NGX_UPLINK_SID_MAX];
    ngx_int_t                   rc;
    ngx_str_t                   after;
    ngx_uint_t                  n;
    ngx_uplink_out_t            out;
    ngx_uplink_session_view_t  *view;

    view = &call->session;
    after = call->query.after;

    if (ngx_uplink_page_init(r, &out, 4096) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_open(&out, "operators", '[');

    for (n = 0; /* void */ ; n++) {

        rc = ngx_uplink_operator_after(call->fleet, &after, view);

        if (rc == NGX_DONE) {
            after.len = 0;
            break;
        }

        if (rc != NGX_OK) {
            return ngx_uplink_call_failed(r, rc);
        }

        if (n == call->query.limit
            || ngx_uplink_out_len(&out) > NGX_UPLINK_LIST_BYTES)
        {
            break;
        }

        if (ngx_uplink_page_room(r, &out, view->desc.len + view->by_len * 6
                                          + 12 * NGX_UPLINK_OUT_MEMBER)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_uplink_session_show(&out, view);

        ngx_memcpy(last, view->sid, view->sid_len);
        after.data = last;
        after.len = view->sid_len;
    }

    ngx_uplink_out_shut(&out, ']');

    if (ngx_uplink_page_room(r, &out, 4 * NGX_UPLINK_OUT_MEMBER + 6 * after.len)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (after.len) {
        ngx_uplink_out_str(&out, "next", &after);

    } else {
        ngx_uplink_out_null(&out, "next");
    }

    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}


static void
ngx_uplink_session_show(ngx_uplink_out_t *out, ngx_uplink_session_view_t *view)
{
    ngx_uplink_out_open(out, NULL, '{');
    ngx_uplink_out_string(out, "sid", view->sid, view->sid_len);

    if (view->desc.len) {
        ngx_uplink_out_value(out, "desc", view->desc.data, view->desc.len);

    } else {
        ngx_uplink_out_null(out, "desc");
    }

    ngx_uplink_out_string(out, "name", view->by, view->by_len);
    ngx_uplink_out_bool(out, "connected", view->attached);
    ngx_uplink_out_number(out, "created", view->created);
    ngx_uplink_out_number(out, "last_access", view->last_access);
    ngx_uplink_out_number(out, "pending", view->pending);
    ngx_uplink_out_shut(out, '}');
}


ngx_int_t
ngx_uplink_call_show_session(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t                   rc;
    ngx_uplink_out_t            out;
    ngx_uplink_session_view_t  *view;

    view = &call->session;

    rc = ngx_uplink_operator_view(call->fleet, &call->id, 0, view);

    if (rc != NGX_OK) {
        return ngx_uplink_session_unknown(r, rc);
    }

    if (ngx_uplink_page_init(r, &out, view->desc.len + view->by_len * 6
                                      + 12 * NGX_UPLINK_OUT_MEMBER)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_session_show(&out, view);

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}


ngx_int_t
ngx_uplink_call_delete_session(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t  rc;

    rc = ngx_uplink_operator_delete(call->fleet, &call->id, &call->actor);

    if (rc != NGX_OK) {
        return ngx_uplink_session_unknown(r, rc);
    }

    r->headers_out.status = NGX_HTTP_NO_CONTENT;
    r->header_only = 1;

    return ngx_http_send_header(r);
}


static ngx_int_t
ngx_uplink_session_unknown(ngx_http_request_t *r, ngx_int_t rc)
{
    if (rc == NGX_ABORT) {
        return ngx_uplink_reply_error(r, NGX_HTTP_NOT_FOUND,
                                      "operator_unknown",
                                      "there is no such session");
    }

    return ngx_uplink_call_failed(r, rc);
}
