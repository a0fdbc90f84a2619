
/*
 * Asking operators over REST: permissions, questions, hooks, spawns.
 */


#include "door/api.h"
#include "door/audit.h"


#define NGX_UPLINK_ASK_PARTS  2


typedef struct {
    ngx_uplink_ask_t   ask;
    ngx_str_t          parts[NGX_UPLINK_ASK_PARTS];
    u_char             sha256[NGX_UPLINK_DIGEST];
    u_char             agent[NGX_UPLINK_AGENT_MAX];
    u_char             workspace[NGX_UPLINK_WORKSPACE_MAX];
    u_char             tool[NGX_UPLINK_AUDIT_TOOL];
    u_char             task[NGX_UPLINK_REF_MAX];
} ngx_uplink_asking_t;


enum {
    NGX_UPLINK_ASK_SLED = 0,
    NGX_UPLINK_ASK_TOOL,
    NGX_UPLINK_ASK_INPUT,
    NGX_UPLINK_ASK_WORKSPACE,
    NGX_UPLINK_ASK_TASK,
    NGX_UPLINK_ASK_MEMBERS
};


static ngx_int_t ngx_uplink_ask_agent(ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_uplink_asking_t *a,
    ngx_uplink_value_t *sled);
static ngx_int_t ngx_uplink_ask_workspace(ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_uplink_asking_t *a,
    ngx_uplink_value_t *workspace);
static ngx_int_t ngx_uplink_ask_payload(ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_uplink_asking_t *a);
static void ngx_uplink_ask_times(ngx_uplink_call_t *call,
    ngx_uplink_ask_t *ask, ngx_msec_t timeout, ngx_msec_t max);
static ngx_int_t ngx_uplink_ask_bad(ngx_http_request_t *r,
    const char *message);


static const ngx_str_t  ngx_uplink_ask_names[] = {
    ngx_string("sled"),
    ngx_string("tool_name"),
    ngx_string("tool_input"),
    ngx_string("workspace_id"),
    ngx_string("task_id")
};


ngx_int_t
ngx_uplink_call_permission(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t             rc;
    ngx_uplink_value_t   *tool, *input, v[NGX_UPLINK_ASK_MEMBERS];
    ngx_uplink_asking_t   a;

    ngx_memzero(&a.ask, sizeof(ngx_uplink_ask_t));

    ngx_uplink_json_members(&call->body, ngx_uplink_ask_names,
                            NGX_UPLINK_ASK_MEMBERS, v);

    tool = &v[NGX_UPLINK_ASK_TOOL];
    input = &v[NGX_UPLINK_ASK_INPUT];

    if (tool->kind != NGX_UPLINK_JSON_STRING
        || tool->end - tool->start == sizeof("\"\"") - 1)
    {
        return ngx_uplink_ask_bad(r, "\"tool_name\" must be a string");
    }

    if (input->kind == NGX_UPLINK_JSON_NONE) {
        return ngx_uplink_ask_bad(r, "\"tool_input\" is missing");
    }

    rc = ngx_uplink_ask_agent(r, call, &a, &v[NGX_UPLINK_ASK_SLED]);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    rc = ngx_uplink_ask_workspace(r, call, &a, &v[NGX_UPLINK_ASK_WORKSPACE]);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (ngx_uplink_digest(r->connection->log, input->start,
                          input->end - input->start, a.sha256)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    a.ask.kind = NGX_UPLINK_KIND_PERM;
    a.ask.sha256 = a.sha256;
    a.ask.no_operator = (call->conf->no_operator
                         == NGX_UPLINK_NO_OPERATOR_DENY);

    ngx_uplink_ask_times(call, &a.ask, call->conf->permission_timeout,
                         call->conf->permission_max);

    ngx_uplink_audit_text(tool, a.tool, sizeof(a.tool), &a.ask.tool);
    ngx_uplink_audit_text(&v[NGX_UPLINK_ASK_TASK], a.task, sizeof(a.task),
                          &a.ask.task);
    ngx_uplink_audit_input(&a.ask, call->fleet, input);

    /* the members move: nothing in v is valid behind this */

    rc = ngx_uplink_ask_payload(r, call, &a);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_uplink_waiter_open(r, call, &a.ask);
}


ngx_int_t
ngx_uplink_call_question(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t            rc;
    ngx_uplink_asking_t  a;

    ngx_memzero(&a.ask, sizeof(ngx_uplink_ask_t));

    a.ask.kind = call->route->kind;
    a.ask.target = call->id;
    a.ask.reach = call->actor.workspaces;
    a.ask.nreach = call->actor.nworkspaces;
    a.ask.anywhere = call->actor.everywhere;
    a.ask.agent = call->who.name;
    a.ask.agent.len = ngx_min(a.ask.agent.len, NGX_UPLINK_AGENT_MAX);

    ngx_uplink_ask_times(call, &a.ask, call->conf->request_timeout,
                         call->conf->request_timeout);

    rc = ngx_uplink_ask_payload(r, call, &a);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_uplink_waiter_open(r, call, &a.ask);
}


/*
 * On whose behalf; an engine without a list may name any sled.  This and the
 * two below: NGX_DECLINED, go on; or what the content handler returns.
 */

static ngx_int_t
ngx_uplink_ask_agent(ngx_http_request_t *r, ngx_uplink_call_t *call,
    ngx_uplink_asking_t *a, ngx_uplink_value_t *sled)
{
    a->ask.agent = call->who.name;
    a->ask.agent.len = ngx_min(a->ask.agent.len, NGX_UPLINK_AGENT_MAX);

    if (sled->kind <= NGX_UPLINK_JSON_NULL) {
        return NGX_DECLINED;
    }

    if (sled->kind != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(sled, a->agent, NGX_UPLINK_AGENT_MAX,
                                  &a->ask.agent.len)
           != NGX_OK
        || a->ask.agent.len == 0)
    {
        return ngx_uplink_ask_bad(r, "\"sled\" must be a string of 1 to 128 "
                                     "bytes");
    }

    a->ask.agent.data = a->agent;

    if (ngx_uplink_who_agent(&call->who, &a->ask.agent)
        || (call->who.agents == NULL
            && (call->who.roles & NGX_UPLINK_ROLE_ENGINE)))
    {
        return NGX_DECLINED;
    }

    return ngx_uplink_reply_error(r, NGX_HTTP_FORBIDDEN, "agent_not_allowed",
                                  "the credential may not speak for this "
                                  "sled");
}


static ngx_int_t
ngx_uplink_ask_workspace(ngx_http_request_t *r, ngx_uplink_call_t *call,
    ngx_uplink_asking_t *a, ngx_uplink_value_t *workspace)
{
    ngx_str_t  *only;

    if (workspace->kind > NGX_UPLINK_JSON_NULL) {

        if (workspace->kind != NGX_UPLINK_JSON_STRING
            || ngx_uplink_json_string(workspace, a->workspace,
                                      NGX_UPLINK_WORKSPACE_MAX,
                                      &a->ask.workspace.len)
               != NGX_OK
            || a->ask.workspace.len == 0)
        {
            return ngx_uplink_ask_bad(r, "\"workspace_id\" must be a string "
                                         "of 1 to 128 bytes");
        }

        a->ask.workspace.data = a->workspace;

        if (!ngx_uplink_who_workspace(&call->who, &a->ask.workspace)) {
            return ngx_uplink_reply_error(r, NGX_HTTP_FORBIDDEN, "forbidden",
                                          "a workspace that is not of this "
                                          "credential");
        }

        return NGX_DECLINED;
    }

    if (!call->who.everywhere && call->actor.nworkspaces == 1) {
        only = call->actor.workspaces;
        a->ask.workspace = *only;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_uplink_ask_payload(ngx_http_request_t *r, ngx_uplink_call_t *call,
    ngx_uplink_asking_t *a)
{
    ngx_uplink_members_keep(&call->body, ngx_uplink_view_own,
                            NGX_UPLINK_VIEW_OWN, &a->parts[0]);

    a->ask.parts = a->parts;
    a->ask.nparts = 1;

    a->ask.origin = call->actor.origin;
    a->ask.origin.user = call->actor.by;

    return NGX_DECLINED;
}


/* ?wait= is the time that the request has, and nobody can make it longer */

static void
ngx_uplink_ask_times(ngx_uplink_call_t *call, ngx_uplink_ask_t *ask,
    ngx_msec_t timeout, ngx_msec_t max)
{
    ask->memory = call->conf->request_memory;
    ask->max_inflight = call->conf->max_inflight;
    ask->timeout = timeout;
    ask->max = ngx_max(timeout, max);

    if (call->query.wait > 0) {
        ask->timeout = (ngx_msec_t) call->query.wait * 1000;
        ask->max = ask->timeout;
    }
}


static ngx_int_t
ngx_uplink_ask_bad(ngx_http_request_t *r, const char *message)
{
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "client sent invalid uplink request: %s", message);

    return ngx_uplink_reply_error(r, NGX_HTTP_BAD_REQUEST, "bad_request",
                                  message);
}
