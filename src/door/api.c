
/*
 * REST: which call is it, may it be made, and what has come with it.
 */


#include "door/api.h"
#include "door/trail.h"


static const ngx_uplink_api_route_t *ngx_uplink_call_route(
    ngx_http_request_t *r, ngx_str_t *path, ngx_str_t *id,
    ngx_uint_t *allowed);
static ngx_int_t ngx_uplink_call_match(const char *pattern, ngx_str_t *path,
    ngx_str_t *id);
static ngx_int_t ngx_uplink_call_allow(ngx_http_request_t *r,
    ngx_uint_t methods);


#define NGX_UPLINK_ROLES_OPERATOR                                             \
    (NGX_UPLINK_ROLE_OPERATOR|NGX_UPLINK_ROLE_ADMIN)
#define NGX_UPLINK_ROLES_ENGINE                                               \
    (NGX_UPLINK_ROLE_ENGINE|NGX_UPLINK_ROLE_SLED)


static const ngx_uplink_api_route_t  ngx_uplink_routes[] = {

    { NGX_HTTP_POST, "operators",
      NGX_UPLINK_ROLES_OPERATOR, NGX_UPLINK_SESSION_NONE,
      NGX_UPLINK_ROUTE_BODY, 0, ngx_uplink_call_create_session },

    { NGX_HTTP_GET, "operators",
      NGX_UPLINK_ROLE_ADMIN, NGX_UPLINK_SESSION_NONE,
      0, 0, ngx_uplink_call_list_sessions },

    { NGX_HTTP_GET, "operators/:",
      NGX_UPLINK_ROLE_ADMIN, NGX_UPLINK_SESSION_OWN,
      0, 0, ngx_uplink_call_show_session },

    { NGX_HTTP_DELETE, "operators/:",
      NGX_UPLINK_ROLE_ADMIN, NGX_UPLINK_SESSION_OWN,
      0, 0, ngx_uplink_call_delete_session },

    { NGX_HTTP_GET, "operators/:/ws",
      0, NGX_UPLINK_SESSION_OWN,
      NGX_UPLINK_ROUTE_SOCKET, 0, ngx_uplink_call_socket },

    { NGX_HTTP_POST, "operators/:/ask",
      NGX_UPLINK_ROLES_ENGINE, NGX_UPLINK_SESSION_NONE,
      NGX_UPLINK_ROUTE_BODY, NGX_UPLINK_KIND_ASK,
      ngx_uplink_call_question },

    { NGX_HTTP_POST, "operators/:/hook_before",
      NGX_UPLINK_ROLES_ENGINE, NGX_UPLINK_SESSION_NONE,
      NGX_UPLINK_ROUTE_BODY, NGX_UPLINK_KIND_HOOK_BEFORE,
      ngx_uplink_call_question },

    { NGX_HTTP_POST, "operators/:/hook_after",
      NGX_UPLINK_ROLES_ENGINE, NGX_UPLINK_SESSION_NONE,
      NGX_UPLINK_ROUTE_BODY, NGX_UPLINK_KIND_HOOK_AFTER,
      ngx_uplink_call_question },

    { NGX_HTTP_POST, "operators/:/spawn",
      NGX_UPLINK_ROLES_ENGINE, NGX_UPLINK_SESSION_NONE,
      NGX_UPLINK_ROUTE_BODY, NGX_UPLINK_KIND_SPAWN,
      ngx_uplink_call_question },

    { NGX_HTTP_GET, "requests",
      NGX_UPLINK_ROLE_ANY, NGX_UPLINK_SESSION_ANY,
      0, 0, ngx_uplink_call_list_requests },

    { NGX_HTTP_GET, "requests/:",
      NGX_UPLINK_ROLE_ANY, NGX_UPLINK_SESSION_ANY,
      0, 0, ngx_uplink_call_show_request },

    { NGX_HTTP_POST, "requests/:/decision",
      NGX_UPLINK_ROLES_OPERATOR, NGX_UPLINK_SESSION_ANY,
      NGX_UPLINK_ROUTE_BODY, 0, ngx_uplink_call_decide },

    { NGX_HTTP_POST, "permissions",
      NGX_UPLINK_ROLES_ENGINE, NGX_UPLINK_SESSION_NONE,
      NGX_UPLINK_ROUTE_BODY, NGX_UPLINK_KIND_PERM,
      ngx_uplink_call_permission },

    { NGX_HTTP_GET, "events",
      NGX_UPLINK_ROLE_ANY, NGX_UPLINK_SESSION_ANY,
      0, 0, ngx_uplink_call_events },

    { NGX_HTTP_GET, "sleds",
      NGX_UPLINK_ROLE_ANY, NGX_UPLINK_SESSION_NONE,
      0, 0, ngx_uplink_call_list_sleds },

    { NGX_HTTP_GET, "sleds/:",
      NGX_UPLINK_ROLE_ANY, NGX_UPLINK_SESSION_NONE,
      0, 0, ngx_uplink_call_show_sled },

    { NGX_HTTP_DELETE, "sleds/:",
      NGX_UPLINK_ROLE_ADMIN, NGX_UPLINK_SESSION_NONE,
      0, 0, ngx_uplink_call_kick_sled },

    { NGX_HTTP_GET, "sleds/:/tasks",
      NGX_UPLINK_ROLE_ANY, NGX_UPLINK_SESSION_NONE,
      0, 0, ngx_uplink_call_list_tasks },

    { NGX_HTTP_PUT, "sleds/:/tasks",
      NGX_UPLINK_ROLE_ADMIN, NGX_UPLINK_SESSION_NONE,
      NGX_UPLINK_ROUTE_BODY, 0, ngx_uplink_call_put_tasks },

    { NGX_HTTP_GET, "terminals",
      NGX_UPLINK_ROLE_ANY, NGX_UPLINK_SESSION_NONE,
      0, 0, ngx_uplink_call_list_terminals },

    { NGX_HTTP_DELETE, "terminals/:",
      NGX_UPLINK_ROLE_ADMIN, NGX_UPLINK_SESSION_NONE,
      0, 0, ngx_uplink_call_delete_terminal },

    { 0, NULL, 0, 0, 0, 0, NULL }
};


typedef struct {
    ngx_uint_t   method;
    const char  *name;
} ngx_uplink_method_t;


#define NGX_UPLINK_ALLOW_MAX  sizeof("GET, HEAD, POST, PUT, DELETE")


static const ngx_uplink_method_t  ngx_uplink_methods[] = {
    { NGX_HTTP_GET, "GET" },
    { NGX_HTTP_HEAD, "HEAD" },
    { NGX_HTTP_POST, "POST" },
    { NGX_HTTP_PUT, "PUT" },
    { NGX_HTTP_DELETE, "DELETE" },
    { 0, NULL }
};


ngx_int_t
ngx_uplink_api_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_str_t               path;
    ngx_uint_t              allowed;
    const char             *wrong;
    ngx_uplink_call_t      *call;
    ngx_uplink_trail_t     *trail;
    ngx_uplink_loc_conf_t  *ulcf;

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    trail = ngx_uplink_trail(r, "api");
    if (trail == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call = ngx_pcalloc(r->pool, sizeof(ngx_uplink_call_t));
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->conf = ulcf;
    call->fleet = ulcf->fleet;

    ngx_http_set_ctx(r, call, ngx_uplink_module);

    allowed = 0;

    if (ngx_uplink_path(r, &path) == NGX_OK) {
        call->route = ngx_uplink_call_route(r, &path, &call->id, &allowed);
    }

    if (call->route == NULL) {
        return allowed ? ngx_uplink_call_allow(r, allowed)
                       : ngx_uplink_reply_error(r, NGX_HTTP_NOT_FOUND,
                                                "not_found",
                                                "there is no such call");
    }

    if (call->route->flags & NGX_UPLINK_ROUTE_SOCKET) {
        return call->route->handler(r, call);
    }

    if (ngx_uplink_auth_origin(r, &ulcf->auth, 1) != NGX_OK) {
        return ngx_uplink_reply_denied(r, NGX_HTTP_FORBIDDEN);
    }

    rc = ngx_uplink_call_admit(r, call);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    trail->user = call->actor.by;
    trail->session = call->actor.sid;

    wrong = ngx_uplink_query_read(r, &call->query);
    if (wrong) {
        return ngx_uplink_reply_error(r, NGX_HTTP_BAD_REQUEST, "bad_request",
                                      wrong);
    }

    if (!(call->route->flags & NGX_UPLINK_ROUTE_BODY)) {
        rc = ngx_http_discard_request_body(r);

        return (rc == NGX_OK) ? call->route->handler(r, call) : rc;
    }

    if (ngx_uplink_body_type(r) != NGX_OK) {
        return ngx_uplink_reply_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                      "unsupported_media_type",
                                      "the body must be application/json");
    }

    return ngx_uplink_body_read(r, call);
}


static const ngx_uplink_api_route_t *
ngx_uplink_call_route(ngx_http_request_t *r, ngx_str_t *path, ngx_str_t *id,
    ngx_uint_t *allowed)
{
    ngx_uint_t                 method;
    const ngx_uplink_api_route_t  *route;

    for (route = ngx_uplink_routes; route->path; route++) {

        if (ngx_uplink_call_match(route->path, path, id) != NGX_OK) {
            continue;
        }

        method = route->method;

        if (method == NGX_HTTP_GET
            && !(route->flags & NGX_UPLINK_ROUTE_SOCKET))
        {
            method |= NGX_HTTP_HEAD;
        }

        if (r->method & method) {
            return route;
        }

        *allowed |= method;
    }

    return NULL;
}


static ngx_int_t
ngx_uplink_call_match(const char *pattern, ngx_str_t *path, ngx_str_t *id)
{
    u_char  *p, *last;

    p = path->data;
    last = p + path->len;

    for ( /* void */ ; *pattern; pattern++) {

        if (*pattern == ':') {
            id->data = p;

            while (p < last && *p != '/') {
                p++;
            }

            id->len = p - id->data;

            if (id->len == 0) {
                return NGX_DECLINED;
            }

            continue;
        }

        if (p == last || *p++ != (u_char) *pattern) {
            return NGX_DECLINED;
        }
    }

    return (p == last) ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_uplink_call_allow(ngx_http_request_t *r, ngx_uint_t methods)
{
    u_char                     *p;
    ngx_str_t                   allow;
    const ngx_uplink_method_t  *m;

    p = ngx_pnalloc(r->pool, NGX_UPLINK_ALLOW_MAX);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    allow.data = p;

    for (m = ngx_uplink_methods; m->name; m++) {
        if (methods & m->method) {

            if (p != allow.data) {
                *p++ = ',';
                *p++ = ' ';
            }

            p = ngx_cpymem(p, m->name, ngx_strlen(m->name));
        }
    }

    allow.len = p - allow.data;

    if (ngx_uplink_reply_header(r, "Allow", &allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_uplink_reply_error(r, NGX_HTTP_NOT_ALLOWED,
                                  "method_not_allowed",
                                  "this call has no such method");
}


ngx_int_t
ngx_uplink_call_failed(ngx_http_request_t *r, ngx_int_t rc)
{
    if (rc == NGX_DECLINED) {
        return ngx_uplink_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "restarted",
                                      "the fleet was restarted, try again");
    }

    return NGX_HTTP_INTERNAL_SERVER_ERROR;
}
