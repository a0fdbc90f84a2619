
/*
 * What a sled asks of people, brought into the fleet: permissions, questions,
 * hooks, spawns.
 */


#include "door/audit.h"
#include "door/sled.h"
#include "fleet/task.h"
#include "door/view.h"


enum {
    NGX_UPLINK_REQUEST_TOOL_NAME = 0,
    NGX_UPLINK_REQUEST_TOOL_INPUT,
    NGX_UPLINK_REQUEST_WORKSPACE,
    NGX_UPLINK_REQUEST_OPERATOR,
    NGX_UPLINK_REQUEST_TASK,
    NGX_UPLINK_REQUEST_MEMBERS
};


#define NGX_UPLINK_REQUEST_PARTS  3


/* a request on its way into the zone */

typedef struct {
    ngx_uplink_ask_t     ask;
    ngx_uplink_value_t   v[NGX_UPLINK_REQUEST_MEMBERS];
    ngx_str_t            parts[NGX_UPLINK_REQUEST_PARTS];
    u_char               sha256[NGX_UPLINK_DIGEST];
    u_char               workspace[NGX_UPLINK_WORKSPACE_MAX];
    u_char               target[NGX_UPLINK_SID_MAX];
    u_char               member[sizeof("\"workspace_id\":")
                                + NGX_UPLINK_JSON_QUOTED(
                                      NGX_UPLINK_WORKSPACE_MAX)];
    u_char               tool[NGX_UPLINK_AUDIT_TOOL];
    u_char               task[NGX_UPLINK_REF_MAX];
    unsigned             assigned:1;   /* the workspace is not in the payload */
} ngx_uplink_sled_ask_t;


/* what NGX_UPLINK_OPEN_… means to a sled; a duplicate is no refusal */

typedef struct {
    ngx_uint_t           reason;       /* of a denied permission */
    const char          *code;         /* of an error, for the others */
    const char          *text;
} ngx_uplink_sled_outcome_t;


static ngx_int_t ngx_uplink_sled_question(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uint_t kind);
static void ngx_uplink_sled_named(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_sled_ask_t *sa, ngx_uint_t kind);
static void ngx_uplink_sled_ask(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_sled_ask_t *sa, ngx_uint_t kind);
static const char *ngx_uplink_sled_permission(ngx_uplink_sled_ask_t *sa);
static const char *ngx_uplink_sled_workspace(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_sled_ask_t *sa);
static ngx_int_t ngx_uplink_sled_task(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_sled_ask_t *sa);
static const char *ngx_uplink_sled_target(ngx_uplink_sled_ask_t *sa);
static ngx_uint_t ngx_uplink_sled_payload(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_sled_ask_t *sa);
static ngx_uint_t ngx_uplink_sled_open(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_ask_t *ask);
static void ngx_uplink_sled_duplicate(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
static void ngx_uplink_sled_refused(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_ask_t *ask,
    const ngx_uplink_sled_outcome_t *why);


static const ngx_str_t  ngx_uplink_sled_request_names[] = {
    ngx_string("tool_name"),
    ngx_string("tool_input"),
    ngx_string("workspace_id"),
    ngx_string("operator"),
    ngx_string("task_id")
};


static const ngx_uplink_sled_outcome_t  ngx_uplink_sled_outcomes[] = {
    { NGX_UPLINK_REASON_NONE, NULL, NULL },
    { NGX_UPLINK_REASON_NONE, NULL, NULL },
    { NGX_UPLINK_REASON_TOO_MANY, "too_many_requests",
      "too many requests of this sled are in flight" },
    { NGX_UPLINK_REASON_ZONE_FULL, "zone_full",
      "the gateway has no room for another request" },
    { NGX_UPLINK_REASON_NO_OPERATOR, "no_operator",
      "nobody is there who could answer" },
    { NGX_UPLINK_REASON_BAD_REQUEST, "operator_unknown",
      "there is no such operator" },
    { NGX_UPLINK_REASON_NONE, NULL, NULL }       /* a hook_after: dropped */
};


static const ngx_uplink_sled_outcome_t  ngx_uplink_sled_too_large = {
    NGX_UPLINK_REASON_TOO_LARGE, "too_large",
    "the request is larger than what can be shown"
};


ngx_int_t
ngx_uplink_sled_perm_request(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    return ngx_uplink_sled_question(sc, env, NGX_UPLINK_KIND_PERM);
}


ngx_int_t
ngx_uplink_sled_ask_request(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    return ngx_uplink_sled_question(sc, env, NGX_UPLINK_KIND_ASK);
}


ngx_int_t
ngx_uplink_sled_hook_before(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    return ngx_uplink_sled_question(sc, env, NGX_UPLINK_KIND_HOOK_BEFORE);
}


ngx_int_t
ngx_uplink_sled_hook_after(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    return ngx_uplink_sled_question(sc, env, NGX_UPLINK_KIND_HOOK_AFTER);
}


ngx_int_t
ngx_uplink_sled_spawn(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env)
{
    return ngx_uplink_sled_question(sc, env, NGX_UPLINK_KIND_SPAWN);
}


/* what wants an answer has a name by which it can be answered */

static ngx_int_t
ngx_uplink_sled_question(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uint_t kind)
{
    const char                 *text;
    ngx_uplink_sled_ask_t       sa;
    ngx_uplink_sled_outcome_t   bad;

    if (env->req_id_len == 0 && kind != NGX_UPLINK_KIND_HOOK_AFTER) {
        return ngx_uplink_sled_bad_text(sc, "\"req_id\" is missing");
    }

    ngx_memzero(&sa.ask, sizeof(ngx_uplink_ask_t));
    sa.assigned = 0;

    ngx_uplink_json_members(&env->payload, ngx_uplink_sled_request_names,
                            NGX_UPLINK_REQUEST_MEMBERS, sa.v);

    ngx_uplink_sled_named(sc, env, &sa, kind);

    text = (kind == NGX_UPLINK_KIND_PERM) ? ngx_uplink_sled_permission(&sa)
                                          : ngx_uplink_sled_target(&sa);

    if (text == NULL) {
        text = ngx_uplink_sled_workspace(sc, &sa);
    }

    if (text == NULL) {
        ngx_uplink_sled_ask(sc, env, &sa, kind);
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_INFO, sc->conn->connection->log, 0,
                  "client sent invalid uplink request: %s", text);

    ngx_uplink_request_refused(sc->fleet, kind, "bad_request");

    bad.reason = NGX_UPLINK_REASON_BAD_REQUEST;
    bad.code = "bad_request";
    bad.text = text;

    ngx_uplink_sled_refused(sc, env, &sa.ask, &bad);

    return NGX_OK;
}


/* whose request it is, and what the audit log says of it */

static void
ngx_uplink_sled_named(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env,
    ngx_uplink_sled_ask_t *sa, ngx_uint_t kind)
{
    ngx_uplink_ask_t  *ask;

    ask = &sa->ask;

    ask->kind = kind;
    ask->agent = sc->agent;
    ask->ref.data = env->req_id;
    ask->ref.len = env->req_id_len;

    ngx_uplink_origin(&ask->origin, NGX_UPLINK_DOOR_SLED,
                      sc->conn->connection, &sc->who.name);

    ngx_uplink_audit_text(&sa->v[NGX_UPLINK_REQUEST_TASK], sa->task,
                          sizeof(sa->task), &ask->task);

    if (kind == NGX_UPLINK_KIND_PERM) {
        ngx_uplink_audit_text(&sa->v[NGX_UPLINK_REQUEST_TOOL_NAME], sa->tool,
                              sizeof(sa->tool), &ask->tool);
    }
}


static void
ngx_uplink_sled_ask(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env,
    ngx_uplink_sled_ask_t *sa, ngx_uint_t kind)
{
    ngx_uint_t              result;
    ngx_uplink_ask_t       *ask;
    ngx_uplink_loc_conf_t  *ulcf;

    ulcf = sc->conf;
    ask = &sa->ask;

    ask->timeout = ulcf->request_timeout;
    ask->max = ulcf->request_timeout;
    ask->memory = ulcf->request_memory;
    ask->max_inflight = ulcf->max_inflight;
    ask->anywhere = sc->who.everywhere;

    if (sc->who.workspaces) {
        ask->reach = sc->who.workspaces->elts;
        ask->nreach = sc->who.workspaces->nelts;
    }

    if (kind == NGX_UPLINK_KIND_PERM) {

        if (ngx_uplink_digest(sc->conn->connection->log,
                              sa->v[NGX_UPLINK_REQUEST_TOOL_INPUT].start,
                              sa->v[NGX_UPLINK_REQUEST_TOOL_INPUT].end
                              - sa->v[NGX_UPLINK_REQUEST_TOOL_INPUT].start,
                              sa->sha256)
            != NGX_OK)
        {
            ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_INTERNAL, "internal");
            return;
        }

        ngx_uplink_audit_input(ask, sc->fleet,
                               &sa->v[NGX_UPLINK_REQUEST_TOOL_INPUT]);

        ask->sha256 = sa->sha256;
        ask->timeout = ulcf->permission_timeout;
        ask->max = ulcf->permission_max;
        ask->no_operator = (ulcf->no_operator
                            == NGX_UPLINK_NO_OPERATOR_DENY);
    }

    if (!ngx_uplink_sled_payload(sc, env, sa)) {
        ngx_uplink_request_refused(sc->fleet, kind, "too_large");
        ngx_uplink_sled_refused(sc, env, ask, &ngx_uplink_sled_too_large);
        return;
    }

    result = ngx_uplink_sled_open(sc, ask);

    if (result == NGX_UPLINK_OPEN_DUPLICATE) {
        ngx_uplink_sled_duplicate(sc, env);

    } else if (ngx_uplink_sled_outcomes[result].code) {
        ngx_uplink_sled_refused(sc, env, ask,
                                &ngx_uplink_sled_outcomes[result]);
    }
}


/* this and the two below: NULL, or what is wrong */

static const char *
ngx_uplink_sled_permission(ngx_uplink_sled_ask_t *sa)
{
    ngx_uplink_value_t  *name;

    name = &sa->v[NGX_UPLINK_REQUEST_TOOL_NAME];

    if (name->kind != NGX_UPLINK_JSON_STRING
        || name->end - name->start == sizeof("\"\"") - 1)
    {
        return "tool_name must be a string";
    }

    if (sa->v[NGX_UPLINK_REQUEST_TOOL_INPUT].kind == NGX_UPLINK_JSON_NONE) {
        return "tool_input is missing";
    }

    return NULL;
}


/* the payload's, if it is one of the sled's, else the only one it has */

static const char *
ngx_uplink_sled_workspace(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_sled_ask_t *sa)
{
    ngx_str_t           *ws;
    ngx_uplink_who_t    *who;
    ngx_uplink_value_t  *value;

    ws = &sa->ask.workspace;
    who = &sc->who;
    value = &sa->v[NGX_UPLINK_REQUEST_WORKSPACE];

    if (value->kind == NGX_UPLINK_JSON_STRING) {
        ws->data = sa->workspace;

        if (ngx_uplink_json_string(value, ws->data, sizeof(sa->workspace),
                                   &ws->len)
            != NGX_OK)
        {
            return "workspace_id must be at most 128 bytes";
        }

    } else if (value->kind > NGX_UPLINK_JSON_NULL) {
        return "workspace_id must be a string";
    }

    if (ws->len) {
        return ngx_uplink_who_workspace(who, ws)
                   ? NULL : "workspace_id is not one of this sled";
    }

    if (ngx_uplink_sled_task(sc, sa) == NGX_OK) {
        sa->assigned = 1;

    } else if (who->workspaces && who->workspaces->nelts == 1
               && !who->everywhere)
    {
        *ws = *(ngx_str_t *) who->workspaces->elts;
        sa->assigned = 1;
    }

    return NULL;
}


/* the workspace of the task that it belongs to */

static ngx_int_t
ngx_uplink_sled_task(ngx_uplink_sled_conn_t *sc, ngx_uplink_sled_ask_t *sa)
{
    u_char               id[NGX_UPLINK_REF_MAX];
    ngx_str_t            task;
    ngx_uplink_value_t  *value;

    value = &sa->v[NGX_UPLINK_REQUEST_TASK];
    task.data = id;

    if (value->kind != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(value, id, sizeof(id), &task.len)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    sa->ask.workspace.data = sa->workspace;

    return ngx_uplink_task_workspace(sc->fleet, sc->link, &task,
                                     &sa->ask.workspace);
}


static const char *
ngx_uplink_sled_target(ngx_uplink_sled_ask_t *sa)
{
    ngx_str_t           *target;
    ngx_uplink_value_t  *value;

    target = &sa->ask.target;
    value = &sa->v[NGX_UPLINK_REQUEST_OPERATOR];

    if (value->kind <= NGX_UPLINK_JSON_NULL) {
        return NULL;
    }

    if (value->kind != NGX_UPLINK_JSON_STRING) {
        return "operator must be a string";
    }

    target->data = sa->target;

    if (ngx_uplink_json_string(value, target->data, sizeof(sa->target),
                               &target->len)
        != NGX_OK
        || target->len == 0)
    {
        /* a name that nobody can have: as if it were unknown */

        target->data = (u_char *) "-";
        target->len = 1;
    }

    return NULL;
}


/*
 * As the operators will read it: the members as they stand, less what only
 * the gateway says.  They move, so that all else has been read by now.  0:
 * such a one could never be shown to anybody.
 */

static ngx_uint_t
ngx_uplink_sled_payload(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_sled_ask_t *sa)
{
    u_char            *p;
    ngx_uint_t         assigned;
    ngx_uplink_ask_t  *ask;

    ask = &sa->ask;
    assigned = (sa->assigned && ask->kind == NGX_UPLINK_KIND_PERM);

    ngx_str_null(&sa->parts[0]);

    if (env->payload.kind == NGX_UPLINK_JSON_OBJECT) {
        ngx_uplink_members_keep(&env->payload, ngx_uplink_view_own,
                                NGX_UPLINK_VIEW_OWN + assigned,
                                &sa->parts[0]);
    }

    ask->parts = sa->parts;
    ask->nparts = 1;

    if (assigned) {
        ngx_str_set(&sa->parts[1], ",");

        p = ngx_cpymem(sa->member, "\"workspace_id\":",
                       sizeof("\"workspace_id\":") - 1);
        p = ngx_uplink_json_quote(p, ask->workspace.data,
                                  ask->workspace.len);

        sa->parts[2].data = sa->member;
        sa->parts[2].len = p - sa->member;

        ask->nparts = 3;
    }

    return sa->parts[0].len <= sc->conf->conn.send_buffer / 2
           && sa->parts[0].len <= sc->fleet->shm_zone->shm.size;
}


static ngx_uint_t
ngx_uplink_sled_open(ngx_uplink_sled_conn_t *sc, ngx_uplink_ask_t *ask)
{
    ngx_uint_t  result;

    /* the zone was rebuilt: the connection will hear of it in a moment */

    if (ngx_uplink_request_open(sc->fleet, sc->link, 0, ask, NULL, &result)
        != NGX_OK)
    {
        return NGX_UPLINK_OPEN_OK;
    }

    return result;
}


/* must not pass for an answer to the one that is in flight: no req_id */

static void
ngx_uplink_sled_duplicate(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    ngx_uplink_out_t  out;

    ngx_log_error(NGX_LOG_INFO, sc->conn->connection->log, 0,
                  "client sent \"req_id\" that is in flight");

    if (ngx_uplink_sled_answer(sc, &out, "error", NULL, 0,
                               256 + ngx_uplink_out_quoted(env->req_id,
                                                           env->req_id_len))
        == NGX_OK)
    {
        ngx_uplink_out_text(&out, "code", "duplicate_req_id");
        ngx_uplink_out_string(&out, "duplicate_of", env->req_id,
                              env->req_id_len);
        ngx_uplink_out_text(&out, "message", "this request is in flight");
        ngx_uplink_sled_send(sc, &out);
    }
}


/* nobody waits for what became of a hook_after */

static void
ngx_uplink_sled_refused(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_ask_t *ask,
    const ngx_uplink_sled_outcome_t *why)
{
    ngx_uplink_audit_refused(sc->fleet, ask, why->code);

    switch (ask->kind) {

    case NGX_UPLINK_KIND_PERM:
        ngx_uplink_sled_deny(sc, env, why->reason, why->text);
        break;

    case NGX_UPLINK_KIND_HOOK_AFTER:
        break;

    default:
        ngx_uplink_sled_error(sc, env->req_id, env->req_id_len, why->code,
                              why->text);
    }
}
