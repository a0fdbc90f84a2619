
/*
 * perm_request: what a sled asks for, brought into the fleet.
 */


#include "door/sled.h"


enum {
    NGX_UPLINK_REQUEST_TOOL_NAME = 0,
    NGX_UPLINK_REQUEST_TOOL_INPUT,
    NGX_UPLINK_REQUEST_WORKSPACE,
    NGX_UPLINK_REQUEST_MEMBERS
};


/*
 * Members of the payload go on as they stand, in runs between those that are
 * left out: at most one run more than names, with commas between them, and
 * the workspace where it is ours.
 */

#define NGX_UPLINK_REQUEST_OWN    7
#define NGX_UPLINK_REQUEST_PARTS  (2 * (NGX_UPLINK_REQUEST_OWN + 1) + 1)


/* a request on its way into the zone */

typedef struct {
    ngx_uplink_ask_t    ask;
    ngx_str_t           parts[NGX_UPLINK_REQUEST_PARTS];
    size_t              size;         /* of all parts */
    u_char              sha256[NGX_UPLINK_DIGEST];
    u_char              workspace[NGX_UPLINK_WORKSPACE_MAX];
    u_char              member[sizeof("\"workspace_id\":")
                               + NGX_UPLINK_JSON_QUOTED(
                                     NGX_UPLINK_WORKSPACE_MAX)];
    unsigned            assigned:1;   /* the workspace is its token's */
} ngx_uplink_sled_ask_t;


static const char *ngx_uplink_sled_workspace(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_value_t *value, ngx_uplink_sled_ask_t *sa);
static void ngx_uplink_sled_payload(ngx_uplink_value_t *payload,
    ngx_uplink_sled_ask_t *sa);
static void ngx_uplink_sled_part(ngx_uplink_sled_ask_t *sa, u_char *start,
    size_t len);
static ngx_uint_t ngx_uplink_sled_own(ngx_uplink_value_t *key, ngx_uint_t n);
static void ngx_uplink_sled_open(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_sled_ask_t *sa);
static void ngx_uplink_sled_duplicate(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);


static const ngx_str_t  ngx_uplink_sled_request_names[] = {
    ngx_string("tool_name"),
    ngx_string("tool_input"),
    ngx_string("workspace_id")
};


/* what only the gateway says to operators; the last one if it says it */

static const ngx_str_t  ngx_uplink_sled_own_names[NGX_UPLINK_REQUEST_OWN] = {
    ngx_string("type"),
    ngx_string("req_id"),
    ngx_string("sled"),
    ngx_string("created_ms"),
    ngx_string("expires_ms"),
    ngx_string("input_sha256"),
    ngx_string("workspace_id")
};


ngx_int_t
ngx_uplink_sled_perm_request(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    const char             *text;
    ngx_uplink_value_t      values[NGX_UPLINK_REQUEST_MEMBERS];
    ngx_uplink_value_t     *name, *input;
    ngx_uplink_sled_ask_t   sa;

    if (env->req_id_len == 0) {
        return ngx_uplink_sled_bad_text(sc, "\"req_id\" is missing");
    }

    ngx_uplink_json_members(&env->payload, ngx_uplink_sled_request_names,
                            NGX_UPLINK_REQUEST_MEMBERS, values);

    name = &values[NGX_UPLINK_REQUEST_TOOL_NAME];
    input = &values[NGX_UPLINK_REQUEST_TOOL_INPUT];

    ngx_memzero(&sa.ask, sizeof(ngx_uplink_ask_t));
    sa.assigned = 0;
    sa.size = 0;

    text = NULL;

    if (name->kind != NGX_UPLINK_JSON_STRING || name->end - name->start == 2) {
        text = "tool_name must be a string";

    } else if (input->kind == NGX_UPLINK_JSON_NONE) {
        text = "tool_input is missing";

    } else {
        text = ngx_uplink_sled_workspace(sc,
                                         &values[NGX_UPLINK_REQUEST_WORKSPACE],
                                         &sa);
    }

    if (text) {
        ngx_log_error(NGX_LOG_INFO, sc->conn->connection->log, 0,
                      "client sent invalid uplink request: %s", text);
        ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_requests_refused);
        ngx_uplink_sled_deny(sc, env, NGX_UPLINK_REASON_BAD_REQUEST, text);
        return NGX_OK;
    }

    if (ngx_uplink_digest(sc->conn->connection->log, input->start,
                          input->end - input->start, sa.sha256)
        != NGX_OK)
    {
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_INTERNAL, "internal");
        return NGX_OK;
    }

    ngx_uplink_sled_payload(&env->payload, &sa);

    ngx_uplink_sled_open(sc, env, &sa);

    return NGX_OK;
}


/*
 * The payload's, else the only one of its token: NULL, or what is wrong.
 * Whom a token or uplink_authorize names has no other than those; who has
 * none of them may name any.
 */

static const char *
ngx_uplink_sled_workspace(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_value_t *value, ngx_uplink_sled_ask_t *sa)
{
    ngx_str_t         *ws;
    ngx_uplink_who_t  *who;

    ws = &sa->ask.workspace;
    who = &sc->who;

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
        return (!who->bound || ngx_uplink_who_workspace(who, ws))
                   ? NULL : "workspace_id is not one of this sled";
    }

    if (who->workspaces && who->workspaces->nelts == 1 && !who->everywhere) {
        *ws = *(ngx_str_t *) who->workspaces->elts;
        sa->assigned = 1;
    }

    return NULL;
}


static void
ngx_uplink_sled_payload(ngx_uplink_value_t *payload, ngx_uplink_sled_ask_t *sa)
{
    u_char              *p, *pos, *start, *end;
    ngx_uint_t           own;
    ngx_uplink_value_t   key, value;

    own = NGX_UPLINK_REQUEST_OWN - (sa->assigned ? 0 : 1);

    pos = NULL;
    start = NULL;
    end = NULL;

    while (ngx_uplink_json_next(payload, &pos, &key, &value) == NGX_OK) {

        if (!ngx_uplink_sled_own(&key, own)) {
            start = start ? start : key.start;
            end = value.end;
            continue;
        }

        if (start) {
            ngx_uplink_sled_part(sa, start, end - start);
            start = NULL;
        }
    }

    if (start) {
        ngx_uplink_sled_part(sa, start, end - start);
    }

    if (sa->assigned) {
        p = ngx_cpymem(sa->member, "\"workspace_id\":",
                       sizeof("\"workspace_id\":") - 1);
        p = ngx_uplink_json_quote(p, sa->ask.workspace.data,
                                  sa->ask.workspace.len);

        ngx_uplink_sled_part(sa, sa->member, p - sa->member);
    }
}


static void
ngx_uplink_sled_part(ngx_uplink_sled_ask_t *sa, u_char *start, size_t len)
{
    ngx_str_t  *part;

    if (sa->ask.nparts) {
        part = &sa->parts[sa->ask.nparts++];
        ngx_str_set(part, ",");
        sa->size++;
    }

    part = &sa->parts[sa->ask.nparts++];
    part->data = start;
    part->len = len;

    sa->size += len;
}


static ngx_uint_t
ngx_uplink_sled_own(ngx_uplink_value_t *key, ngx_uint_t n)
{
    ngx_uint_t        i;
    const ngx_str_t  *name;

    for (i = 0; i < n; i++) {
        name = &ngx_uplink_sled_own_names[i];

        if (ngx_uplink_json_is(key, (char *) name->data, name->len)) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_uplink_sled_open(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env,
    ngx_uplink_sled_ask_t *sa)
{
    ngx_uint_t              result;
    ngx_uplink_ask_t       *ask;
    ngx_uplink_loc_conf_t  *ulcf;

    static const ngx_uint_t  reasons[] = {
        NGX_UPLINK_REASON_NONE,
        NGX_UPLINK_REASON_NONE,            /* a duplicate is no denial */
        NGX_UPLINK_REASON_TOO_MANY,
        NGX_UPLINK_REASON_ZONE_FULL,
        NGX_UPLINK_REASON_NO_OPERATOR
    };

    ulcf = sc->conf;
    ask = &sa->ask;

    /* such a one could never be shown to anybody */

    if (sa->size > ulcf->conn.send_buffer
        || sa->size > sc->fleet->shm_zone->shm.size)
    {
        ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_requests_refused);
        ngx_uplink_sled_deny(sc, env, NGX_UPLINK_REASON_TOO_LARGE, NULL);
        return;
    }

    ask->kind = NGX_UPLINK_KIND_PERM;
    ask->agent = sc->agent;
    ask->ref.data = env->req_id;
    ask->ref.len = env->req_id_len;
    ask->parts = sa->parts;
    ask->sha256 = sa->sha256;
    ask->timeout = ulcf->permission_timeout;
    ask->max = ulcf->permission_max;
    ask->memory = ulcf->request_memory;
    ask->max_inflight = ulcf->max_inflight;
    ask->no_operator = (ulcf->no_operator == NGX_UPLINK_NO_OPERATOR_DENY);

    if (ngx_uplink_request_open(sc->fleet, sc->link, 0, ask, NULL, &result)
        != NGX_OK
        || result == NGX_UPLINK_OPEN_OK)
    {
        /* either it stands, or the connection will hear why it does not */

        return;
    }

    if (result == NGX_UPLINK_OPEN_DUPLICATE) {
        ngx_uplink_sled_duplicate(sc, env);
        return;
    }

    ngx_uplink_sled_deny(sc, env, reasons[result], NULL);
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
