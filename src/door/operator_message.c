
/*
 * What an operator says: a table of types, and what is answered.
 */


#include "door/operator.h"
#include "door/audit.h"


#define NGX_UPLINK_EXTEND_MAX  (24 * 3600)


/* NGX_OK, or NGX_ABORT: a bad message, and its sender has been told */

typedef ngx_int_t (*ngx_uplink_console_pt)(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields);

typedef struct {
    ngx_str_t               type;
    ngx_uplink_console_pt   handler;
} ngx_uplink_console_type_t;


static void ngx_uplink_console_first(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields);
static ngx_int_t ngx_uplink_console_auth(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields);
static ngx_int_t ngx_uplink_console_reply(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields);
static ngx_int_t ngx_uplink_console_extend(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields);
static ngx_int_t ngx_uplink_console_heartbeat(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields);
static void ngx_uplink_console_actor(ngx_uplink_console_t *console,
    ngx_uplink_actor_t *actor);
static ngx_int_t ngx_uplink_console_bad(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, const char *text, size_t len);
static void ngx_uplink_console_error(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, const ngx_uplink_fault_t *fault,
    ngx_uplink_view_t *view);
static ngx_int_t ngx_uplink_console_begin(ngx_uplink_console_t *console,
    ngx_uplink_out_t *out, const char *type, size_t room);
static void ngx_uplink_console_end(ngx_uplink_console_t *console,
    ngx_uplink_out_t *out);
static void ngx_uplink_console_turn_out(ngx_uplink_console_t *console,
    const ngx_uplink_fault_t *fault);


/* every type an operator may send */

static const ngx_uplink_console_type_t  ngx_uplink_console_types[] = {
    { ngx_string("perm_response"), ngx_uplink_console_reply },
    { ngx_string("answer"), ngx_uplink_console_reply },
    { ngx_string("hook_ack"), ngx_uplink_console_reply },
    { ngx_string("spawn_ack"), ngx_uplink_console_reply },
    { ngx_string("spawn_halt"), ngx_uplink_console_reply },
    { ngx_string("extend"), ngx_uplink_console_extend },
    { ngx_string("heartbeat"), ngx_uplink_console_heartbeat },
    { ngx_string("auth"), ngx_uplink_console_auth },
    { ngx_null_string, NULL }
};


static const ngx_uplink_fault_t  ngx_uplink_console_stranger = {
    NGX_HTTP_UNAUTHORIZED, "auth_required",
    "the first message must be \"auth\" with the session's token"
};

static const ngx_uplink_fault_t  ngx_uplink_console_wrong_token = {
    NGX_HTTP_UNAUTHORIZED, "auth_failed", "the token is wrong"
};


#define ngx_uplink_console_bad_text(console, env, text)                       \
    ngx_uplink_console_bad(console, env, text, sizeof(text) - 1)


void
ngx_uplink_console_message(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len)
{
    size_t                            n;
    u_char                            text[NGX_UPLINK_JSON_ERROR];
    ngx_uplink_value_t               *fields;
    ngx_uplink_console_t             *console;
    ngx_uplink_envelope_t             env;
    const ngx_uplink_console_type_t  *type;

    console = uc->data;

    ngx_uplink_count(console->fleet, NGX_UPLINK_COUNT_messages_in);

    if (opcode != NGX_UPLINK_WS_TEXT) {
        ngx_uplink_conn_close(uc, NGX_UPLINK_CLOSE_BINARY, NULL);
        return;
    }

    if (ngx_uplink_envelope(data, len, &env, text, sizeof(text), &n)
        != NGX_OK)
    {
        (void) ngx_uplink_console_bad(console, NULL, (char *) text, n);
        return;
    }

    /* flat, or with the fields in a payload */

    fields = (env.payload.kind == NGX_UPLINK_JSON_OBJECT) ? &env.payload
                                                          : &env.message;

    if (!console->admitted) {
        ngx_uplink_console_first(console, &env, fields);
        return;
    }

    for (type = ngx_uplink_console_types; type->handler; type++) {

        if (type->type.len == env.type_len
            && ngx_memcmp(type->type.data, env.type, env.type_len) == 0)
        {
            if (type->handler(console, &env, fields) == NGX_OK) {
                console->bad = 0;
            }

            return;
        }
    }

    ngx_uplink_count(console->fleet, NGX_UPLINK_COUNT_unknown_type);
    console->bad = 0;
}


static void
ngx_uplink_console_first(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields)
{
    if (env->type_len != sizeof("auth") - 1
        || ngx_memcmp(env->type, "auth", env->type_len) != 0)
    {
        ngx_uplink_console_turn_out(console, &ngx_uplink_console_stranger);
        return;
    }

    (void) ngx_uplink_console_auth(console, env, fields);
}


/* who has shown the token in the handshake may show it again */

static ngx_int_t
ngx_uplink_console_auth(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields)
{
    size_t                     len;
    u_char                     text[NGX_UPLINK_TOKEN_LEN];
    ngx_str_t                  sid, token;
    ngx_uplink_out_t           out;
    ngx_uplink_value_t         value;
    ngx_uplink_session_view_t  session;

    sid.data = console->sid;
    sid.len = console->sid_len;

    if (ngx_uplink_json_get(fields, "token", &value)
           != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(&value, text, sizeof(text), &len) != NGX_OK)
    {
        len = 0;
    }

    token.data = text;
    token.len = len;

    if (ngx_uplink_session_check(console->conn->connection->log,
                                 console->fleet, &sid, &token, &session)
        != NGX_OK)
    {
        ngx_uplink_console_turn_out(console,
                                    &ngx_uplink_console_wrong_token);
        return NGX_OK;
    }

    if (ngx_uplink_console_begin(console, &out, "auth_ack", 0) == NGX_OK) {
        ngx_uplink_console_end(console, &out);
    }

    if (!console->admitted) {
        ngx_uplink_console_attach(console);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_console_reply(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields)
{
    ngx_int_t                  rc;
    ngx_str_t                  req_id;
    ngx_uint_t                 result;
    const char                *type;
    ngx_uplink_view_t          view;
    ngx_uplink_actor_t         actor;
    ngx_uplink_answer_t        answer;
    const ngx_uplink_fault_t  *fault;

    if (env->req_id_len == 0) {
        return ngx_uplink_console_bad_text(console, NULL,
                                           "\"req_id\" is missing");
    }

    ngx_uplink_console_actor(console, &actor);

    type = ngx_uplink_answer_type(env->type, env->type_len);
    fault = ngx_uplink_answer_read(&answer, type, fields, &actor);

    if (fault) {
        ngx_uplink_console_error(console, env, fault, NULL);
        return NGX_OK;
    }

    view.payload.len = 0;
    view.answer.len = 0;

    req_id.data = env->req_id;
    req_id.len = env->req_id_len;

    rc = ngx_uplink_audit_decide(console->fleet, &req_id, &actor,
                                 &answer.decision, &view, &result);

    /* what is void is not answered: the close that comes says it all */

    if (rc != NGX_OK || result == NGX_UPLINK_DECIDE_VOID) {
        return NGX_OK;
    }

    fault = ngx_uplink_answer_fault(result, &view);

    if (fault) {
        ngx_uplink_console_error(console, env, fault,
                                 (result == NGX_UPLINK_DECIDE_ALREADY) ? &view
                                                                       : NULL);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_console_extend(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields)
{
    int64_t                    seconds;
    ngx_int_t                  rc;
    ngx_uint_t                 result;
    ngx_uplink_view_t          view;
    ngx_uplink_value_t         value;
    ngx_uplink_actor_t         actor;
    const ngx_uplink_fault_t  *fault;

    if (env->req_id_len == 0) {
        return ngx_uplink_console_bad_text(console, NULL,
                                           "\"req_id\" is missing");
    }

    if (ngx_uplink_json_get(fields, "seconds", &value)
           != NGX_UPLINK_JSON_NUMBER
        || ngx_uplink_json_integer(&value, 1, NGX_UPLINK_EXTEND_MAX, &seconds)
           != NGX_OK)
    {
        return ngx_uplink_console_bad_text(console, env,
                                           "\"seconds\" must be an integer "
                                           "from 1 to 86400");
    }

    ngx_uplink_console_actor(console, &actor);

    view.payload.len = 0;
    view.answer.len = 0;

    rc = ngx_uplink_request_extend(console->fleet, env->req_id,
                                   env->req_id_len, &actor,
                                   (ngx_msec_t) seconds * 1000, &view,
                                   &result);

    if (rc != NGX_OK || result == NGX_UPLINK_DECIDE_VOID) {
        return NGX_OK;
    }

    fault = ngx_uplink_answer_fault(result, &view);

    if (fault) {
        ngx_uplink_console_error(console, env, fault,
                                 (result == NGX_UPLINK_DECIDE_ALREADY) ? &view
                                                                       : NULL);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_console_heartbeat(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, ngx_uplink_value_t *fields)
{
    ngx_uplink_out_t  out;

    (void) fields;

    if (ngx_uplink_console_begin(console, &out, "heartbeat_ack",
                                 NGX_UPLINK_OUT_MEMBER
                                 + ngx_uplink_out_quoted(env->req_id,
                                                         env->req_id_len))
        == NGX_OK)
    {
        ngx_uplink_out_string(&out, "req_id", env->req_id, env->req_id_len);
        ngx_uplink_console_end(console, &out);
    }

    return NGX_OK;
}


static void
ngx_uplink_console_actor(ngx_uplink_console_t *console,
    ngx_uplink_actor_t *actor)
{
    ngx_memzero(actor, sizeof(ngx_uplink_actor_t));

    actor->sid.data = console->sid;
    actor->sid.len = console->sid_len;
    actor->by.data = console->by;
    actor->by.len = console->by_len;
    actor->generation = console->feed.generation;

    ngx_uplink_origin(&actor->origin, NGX_UPLINK_DOOR_OPERATOR,
                      console->conn->connection, &actor->by);
}


/* the last of too many is answered like the others, then it is enough */

static ngx_int_t
ngx_uplink_console_bad(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, const char *text, size_t len)
{
    ngx_str_t         reason;
    ngx_uplink_out_t  out;

    ngx_uplink_count_word(console->fleet, NGX_UPLINK_FAMILY_bad_messages,
                          "operator");

    ngx_log_error(NGX_LOG_INFO, console->conn->connection->log, 0,
                  "client sent invalid uplink message: %*s", len, text);

    if (ngx_uplink_console_begin(console, &out, "error",
                                 3 * NGX_UPLINK_OUT_MEMBER
                                 + ngx_uplink_out_quoted(text, len)
                                 + NGX_UPLINK_JSON_QUOTED(
                                                   NGX_UPLINK_REQ_ID_MAX))
        == NGX_OK)
    {
        if (env && env->req_id_len) {
            ngx_uplink_out_string(&out, "req_id", env->req_id,
                                  env->req_id_len);
        }

        ngx_uplink_out_text(&out, "code", "bad_message");
        ngx_uplink_out_string(&out, "message", text, len);
        ngx_uplink_console_end(console, &out);
    }

    if (++console->bad == NGX_UPLINK_BAD_MESSAGES || !console->admitted) {
        ngx_str_set(&reason, "bad_message");
        ngx_uplink_conn_close(console->conn, NGX_UPLINK_CLOSE_POLICY,
                              &reason);
    }

    return NGX_ABORT;
}


/* view: of a request that has ended, however */

static void
ngx_uplink_console_error(ngx_uplink_console_t *console,
    ngx_uplink_envelope_t *env, const ngx_uplink_fault_t *fault,
    ngx_uplink_view_t *view)
{
    size_t            room;
    ngx_str_t         sid, by;
    ngx_uplink_out_t  out;

    /* what the gateway cannot do is no fault of the client's */

    if (view == NULL && fault->status != NGX_HTTP_SERVICE_UNAVAILABLE) {
        ngx_uplink_count(console->fleet, NGX_UPLINK_COUNT_bad_decisions);

        ngx_log_error(NGX_LOG_INFO, console->conn->connection->log, 0,
                      "client sent invalid decision in uplink message: %s",
                      fault->code);
    }

    room = 8 * NGX_UPLINK_OUT_MEMBER
           + ngx_uplink_out_quoted(fault->message, ngx_strlen(fault->message))
           + ngx_uplink_out_quoted(env->req_id, env->req_id_len)
           + (view ? 2 * ngx_uplink_view_room(view) : 0);

    if (ngx_uplink_console_begin(console, &out, "error", room) != NGX_OK) {
        return;
    }

    ngx_uplink_out_string(&out, "req_id", env->req_id, env->req_id_len);
    ngx_uplink_out_text(&out, "code", fault->code);
    ngx_uplink_out_text(&out, "message", fault->message);

    if (view) {
        sid.data = view->by_sid;
        sid.len = view->by_sid_len;
        by.data = view->by;
        by.len = view->by_len;

        ngx_uplink_out_str(&out, "state", &ngx_uplink_states[view->state]);
        ngx_uplink_view_by(&out, "by", &sid, &by);
        ngx_uplink_view_decision(&out, "decision", view);
    }

    ngx_uplink_console_end(console, &out);
}


/* who sends and does not read cannot be answered */

static ngx_int_t
ngx_uplink_console_begin(ngx_uplink_console_t *console, ngx_uplink_out_t *out,
    const char *type, size_t room)
{
    ngx_int_t  rc;
    ngx_str_t  reason;

    rc = ngx_uplink_message_flat(out, console->conn, type, room);

    if (rc == NGX_BUSY) {
        ngx_log_error(NGX_LOG_INFO, console->conn->connection->log, 0,
                      "client does not read its uplink messages");

        ngx_str_set(&reason, "slow_consumer");
        ngx_uplink_conn_close(console->conn, NGX_UPLINK_CLOSE_OVERLOAD,
                              &reason);
    }

    return rc;
}


static void
ngx_uplink_console_end(ngx_uplink_console_t *console, ngx_uplink_out_t *out)
{
    ngx_uplink_count(console->fleet, NGX_UPLINK_COUNT_messages_out);

    (void) ngx_uplink_message_send(out);
}


static void
ngx_uplink_console_turn_out(ngx_uplink_console_t *console,
    const ngx_uplink_fault_t *fault)
{
    ngx_str_t         reason;
    ngx_uplink_out_t  out;

    ngx_log_error(NGX_LOG_INFO, console->conn->connection->log, 0,
                  "client was not admitted to its uplink session: %s",
                  fault->code);

    if (ngx_uplink_console_begin(console, &out, "error",
                                 3 * NGX_UPLINK_OUT_MEMBER
                                 + ngx_uplink_out_quoted(fault->message,
                                                ngx_strlen(fault->message)))
        == NGX_OK)
    {
        ngx_uplink_out_text(&out, "code", fault->code);
        ngx_uplink_out_text(&out, "message", fault->message);
        ngx_uplink_console_end(console, &out);
    }

    reason.data = (u_char *) fault->code;
    reason.len = ngx_strlen(fault->code);

    ngx_uplink_conn_close(console->conn, NGX_UPLINK_CLOSE_POLICY, &reason);
}
