
/*
 * register and identity: a sled says who it is.
 */


#include "door/audit.h"
#include "door/sled.h"


enum {
    NGX_UPLINK_REGISTER_VERSION = 0,
    NGX_UPLINK_REGISTER_AGENT,
    NGX_UPLINK_REGISTER_TOKEN,
    NGX_UPLINK_REGISTER_CAPABILITIES,
    NGX_UPLINK_REGISTER_RESUME,
    NGX_UPLINK_REGISTER_MEMBERS
};


enum {
    NGX_UPLINK_IDENTITY_PROJECT = 0,
    NGX_UPLINK_IDENTITY_TOKEN,
    NGX_UPLINK_IDENTITY_MEMBERS
};


typedef struct {
    const char    *code;
    const char    *text;
    ngx_uint_t     close;
} ngx_uplink_sled_refusal_t;


typedef struct {
    ngx_str_t      name;
    ngx_uint_t     bit;
    ngx_uint_t     ours;        /* the gateway has it as well */
} ngx_uplink_sled_feature_t;


/* what a sled says of itself, while it is looked at */

typedef struct {
    u_char                   agent[NGX_UPLINK_AGENT_MAX];
    u_char                   resume[NGX_UPLINK_CONNECTION_MAX];
    u_char                   secret[2 * NGX_UPLINK_DIGEST];
    u_char                   about[NGX_UPLINK_SLED_ABOUT];
    ngx_uplink_admission_t   adm;
    ngx_uint_t               resumed;
} ngx_uplink_sled_claim_t;


static ngx_int_t ngx_uplink_sled_claim(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_sled_claim_t *claim,
    ngx_uplink_value_t *agent, ngx_uplink_value_t *token);
static ngx_uplink_sled_refusal_e ngx_uplink_sled_claim_agent(
    ngx_uplink_value_t *value, ngx_uplink_sled_claim_t *claim);
static ngx_int_t ngx_uplink_sled_features(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_value_t *capabilities, ngx_uint_t *features);
static ngx_uint_t ngx_uplink_sled_feature(ngx_uplink_value_t *name);
static ngx_int_t ngx_uplink_sled_resume(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_value_t *resume, ngx_uplink_sled_claim_t *claim);
static ngx_int_t ngx_uplink_sled_secrets(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_sled_claim_t *claim);
static void ngx_uplink_sled_registered(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_sled_claim_t *claim);
static void ngx_uplink_sled_registered_tail(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_out_t *out, ngx_uint_t resumed);


/* in the order of ngx_uplink_sled_refusal_e */

static const ngx_uplink_sled_refusal_t  ngx_uplink_sled_refusals[] = {

    { "version_mismatch",
      "this gateway speaks protocol_version 2",
      NGX_UPLINK_CLOSE_POLICY },

    { "agent_id_empty",
      "a sled must say who it is",
      NGX_UPLINK_CLOSE_POLICY },

    { "agent_id_invalid",
      "a sled's name is 1 to 128 characters of A-Z a-z 0-9 . _ : -",
      NGX_UPLINK_CLOSE_POLICY },

    { "agent_not_allowed",
      "this name is not allowed here",
      NGX_UPLINK_CLOSE_POLICY },

    { "auth_required",
      "a credential is required",
      NGX_UPLINK_CLOSE_POLICY },

    { "auth_failed",
      "this credential is not valid here",
      NGX_UPLINK_CLOSE_POLICY },

    { "too_many_connections",
      "this sled has too many connections already",
      NGX_UPLINK_CLOSE_OVERLOAD },

    { "registration_required",
      "the first message must be register",
      NGX_UPLINK_CLOSE_POLICY },

    { "handshake_timeout",
      "register did not come in time",
      NGX_UPLINK_CLOSE_POLICY },

    { "zone_full",
      "the gateway has no room for another sled",
      NGX_UPLINK_CLOSE_OVERLOAD },

    { "internal",
      "the gateway could not do it",
      NGX_UPLINK_CLOSE_INTERNAL }
};


static const ngx_uplink_sled_feature_t  ngx_uplink_sled_feature_names[] = {
    { ngx_string("resume"), NGX_UPLINK_FEATURE_RESUME, 1 },
    { ngx_string("receipts"), NGX_UPLINK_FEATURE_RECEIPTS, 1 },
    { ngx_string("terminal.flow"), NGX_UPLINK_FEATURE_FLOW, 1 },
    { ngx_string("terminal.replay"), NGX_UPLINK_FEATURE_REPLAY, 1 },
    { ngx_string("uplink.bin.v1"), NGX_UPLINK_FEATURE_BINARY, 1 },
    { ngx_null_string, 0, 0 }
};


static const ngx_str_t  ngx_uplink_sled_register_names[] = {
    ngx_string("protocol_version"),
    ngx_string("agent_id"),
    ngx_string("auth_token"),
    ngx_string("capabilities"),
    ngx_string("resume")
};


static const ngx_str_t  ngx_uplink_sled_identity_names[] = {
    ngx_string("project"),
    ngx_string("token")
};


ngx_int_t
ngx_uplink_sled_register(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    int64_t                  version;
    ngx_uplink_value_t       values[NGX_UPLINK_REGISTER_MEMBERS];
    ngx_uplink_sled_claim_t  claim;

    ngx_memzero(&claim.adm, sizeof(ngx_uplink_admission_t));

    ngx_uplink_json_members(&env->payload, ngx_uplink_sled_register_names,
                            NGX_UPLINK_REGISTER_MEMBERS, values);

    if (sc->link == NULL
        && ngx_uplink_json_integer(&values[NGX_UPLINK_REGISTER_VERSION],
                                   NGX_UPLINK_SLED_PROTOCOL,
                                   NGX_UPLINK_SLED_PROTOCOL, &version)
           != NGX_OK)
    {
        ngx_uplink_sled_refuse(sc, env->req_id, env->req_id_len, NULL,
                               NGX_UPLINK_SLED_VERSION_MISMATCH);
        return NGX_OK;
    }

    if (ngx_uplink_sled_features(sc, &values[NGX_UPLINK_REGISTER_CAPABILITIES],
                                 &claim.adm.features)
        != NGX_OK
        || ngx_uplink_sled_resume(sc, &values[NGX_UPLINK_REGISTER_RESUME],
                                  &claim)
           != NGX_OK)
    {
        return NGX_ABORT;
    }

    claim.adm.window = sc->conf->resume_window;

    ngx_uplink_sled_about(&values[NGX_UPLINK_REGISTER_CAPABILITIES],
                          claim.about, &claim.adm.about);

    return ngx_uplink_sled_claim(sc, env, &claim,
                                 &values[NGX_UPLINK_REGISTER_AGENT],
                                 &values[NGX_UPLINK_REGISTER_TOKEN]);
}


/* how older programs say who they are: cannot resume, hence no window */

ngx_int_t
ngx_uplink_sled_identity(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    ngx_uplink_value_t       values[NGX_UPLINK_IDENTITY_MEMBERS];
    ngx_uplink_sled_claim_t  claim;

    ngx_memzero(&claim.adm, sizeof(ngx_uplink_admission_t));

    ngx_uplink_json_members(&env->payload, ngx_uplink_sled_identity_names,
                            NGX_UPLINK_IDENTITY_MEMBERS, values);

    return ngx_uplink_sled_claim(sc, env, &claim,
                                 &values[NGX_UPLINK_IDENTITY_PROJECT],
                                 &values[NGX_UPLINK_IDENTITY_TOKEN]);
}


/*
 * The same for both: shape, then the credential, then what it allows, then
 * the place.
 */

static ngx_int_t
ngx_uplink_sled_claim(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env,
    ngx_uplink_sled_claim_t *claim, ngx_uplink_value_t *agent,
    ngx_uplink_value_t *token)
{
    ngx_uplink_sled_refusal_e  refusal;

    if (sc->link) {
        ngx_uplink_sled_error(sc, env->req_id, env->req_id_len,
                              "already_registered",
                              "this connection has a name already");
        return NGX_OK;
    }

    if (token->kind > NGX_UPLINK_JSON_NULL
        && token->kind != NGX_UPLINK_JSON_STRING)
    {
        return ngx_uplink_sled_bad_text(sc, "the token must be a string");
    }

    claim->adm.registered = 1;

    refusal = ngx_uplink_sled_claim_agent(agent, claim);

    if (refusal == NGX_UPLINK_SLED_ADMITTED) {
        refusal = ngx_uplink_sled_token(sc, token);
    }

    if (refusal == NGX_UPLINK_SLED_ADMITTED
        && !ngx_uplink_sled_may_be(sc, &claim->adm.agent))
    {
        refusal = NGX_UPLINK_SLED_AGENT_NOT_ALLOWED;
    }

    if (refusal == NGX_UPLINK_SLED_ADMITTED
        && ngx_uplink_sled_secrets(sc, claim) != NGX_OK)
    {
        refusal = NGX_UPLINK_SLED_INTERNAL;
    }

    if (refusal == NGX_UPLINK_SLED_ADMITTED) {
        refusal = ngx_uplink_sled_admit(sc, &claim->adm, &claim->resumed);
    }

    if (refusal != NGX_UPLINK_SLED_ADMITTED) {
        ngx_uplink_sled_refuse(sc, env->req_id, env->req_id_len,
                               &claim->adm.agent, refusal);
        return NGX_OK;
    }

    ngx_uplink_sled_registered(sc, env, claim);

    if (sc->draining) {
        sc->draining = 0;
        ngx_uplink_sled_drain(sc);
    }

    return NGX_OK;
}


static ngx_uplink_sled_refusal_e
ngx_uplink_sled_claim_agent(ngx_uplink_value_t *value,
    ngx_uplink_sled_claim_t *claim)
{
    ngx_str_t  *agent;

    if (value->kind <= NGX_UPLINK_JSON_NULL) {
        return NGX_UPLINK_SLED_AGENT_ID_EMPTY;
    }

    agent = &claim->adm.agent;
    agent->data = claim->agent;

    if (value->kind != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(value, agent->data, NGX_UPLINK_AGENT_MAX,
                                  &agent->len)
           != NGX_OK)
    {
        return NGX_UPLINK_SLED_AGENT_ID_INVALID;
    }

    if (agent->len == 0) {
        return NGX_UPLINK_SLED_AGENT_ID_EMPTY;
    }

    return ngx_uplink_agent_id(agent) ? NGX_UPLINK_SLED_ADMITTED
                                      : NGX_UPLINK_SLED_AGENT_ID_INVALID;
}


/* {"name": true} or ["name"]; what is not known is not an error */

static ngx_int_t
ngx_uplink_sled_features(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_value_t *capabilities, ngx_uint_t *features)
{
    u_char              *pos;
    ngx_uplink_value_t   list, key, value;

    if (capabilities->kind <= NGX_UPLINK_JSON_NULL) {
        return NGX_OK;
    }

    if (capabilities->kind != NGX_UPLINK_JSON_OBJECT) {
        return ngx_uplink_sled_bad_text(sc,
                                        "\"capabilities\" must be an object");
    }

    pos = NULL;

    switch (ngx_uplink_json_get(capabilities, "features", &list)) {

    case NGX_UPLINK_JSON_NONE:
    case NGX_UPLINK_JSON_NULL:
        return NGX_OK;

    case NGX_UPLINK_JSON_OBJECT:

        while (ngx_uplink_json_next(&list, &pos, &key, &value) == NGX_OK) {
            if (value.kind == NGX_UPLINK_JSON_TRUE) {
                *features |= ngx_uplink_sled_feature(&key);
            }
        }

        return NGX_OK;

    case NGX_UPLINK_JSON_ARRAY:

        while (ngx_uplink_json_next(&list, &pos, NULL, &value) == NGX_OK) {
            if (value.kind == NGX_UPLINK_JSON_STRING) {
                *features |= ngx_uplink_sled_feature(&value);
            }
        }

        return NGX_OK;

    default:
        return ngx_uplink_sled_bad_text(sc, "\"features\" must be an object "
                                            "or an array");
    }
}


static ngx_uint_t
ngx_uplink_sled_feature(ngx_uplink_value_t *name)
{
    const ngx_uplink_sled_feature_t  *f;

    for (f = ngx_uplink_sled_feature_names; f->bit; f++) {
        if (ngx_uplink_json_is(name, (char *) f->name.data, f->name.len)) {
            return f->bit;
        }
    }

    return 0;
}


/*
 * What cannot be a ticket is a wrong one: it inherits nothing, and that is
 * all.
 */

static ngx_int_t
ngx_uplink_sled_resume(ngx_uplink_sled_conn_t *sc, ngx_uplink_value_t *resume,
    ngx_uplink_sled_claim_t *claim)
{
    size_t               len;
    u_char               token[NGX_UPLINK_CONNECTION_MAX];
    ngx_str_t           *id;
    ngx_uplink_value_t   value;

    if (resume->kind <= NGX_UPLINK_JSON_NULL) {
        return NGX_OK;
    }

    if (resume->kind != NGX_UPLINK_JSON_OBJECT) {
        return ngx_uplink_sled_bad_text(sc, "\"resume\" must be an object");
    }

    id = &claim->adm.resume_id;

    if (ngx_uplink_json_get(resume, "resume_token", &value)
        != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(&value, token, sizeof(token), &len)
           != NGX_OK
        || ngx_uplink_digest(sc->conn->connection->log, token, len,
                             claim->adm.resume_token)
           != NGX_OK
        || ngx_uplink_json_get(resume, "connection_id", &value)
           != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(&value, claim->resume,
                                  sizeof(claim->resume), &len)
           != NGX_OK)
    {
        return NGX_OK;
    }

    id->data = claim->resume;
    id->len = len;

    return NGX_OK;
}


/* the zone learns the digest only */

static ngx_int_t
ngx_uplink_sled_secrets(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_sled_claim_t *claim)
{
    ngx_log_t  *log;

    log = sc->conn->connection->log;

    if (ngx_uplink_random(log, claim->adm.id, sizeof(claim->adm.id))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (claim->adm.window == 0) {
        return NGX_OK;
    }

    if (ngx_uplink_random_hex(log, claim->secret, sizeof(claim->secret) / 2)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_uplink_digest(log, claim->secret, sizeof(claim->secret),
                             claim->adm.token);
}


static void
ngx_uplink_sled_registered(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_sled_claim_t *claim)
{
    u_char            *p;
    u_char             id[NGX_MAXHOSTNAMELEN + NGX_INT64_LEN
                          + NGX_UPLINK_CONNECTION_MAX + 32];
    ngx_uplink_out_t   out;

    if (ngx_uplink_sled_answer(sc, &out, "registered", env->req_id,
                               env->req_id_len,
                               1024 + 6 * NGX_MAXHOSTNAMELEN)
        != NGX_OK)
    {
        return;
    }

    ngx_uplink_out_bool(&out, "success", 1);
    ngx_uplink_out_null(&out, "error");

    /* stable while this worker lives: its machine and its port in the fleet */

    p = ngx_sprintf(id, "%V-%uD", &ngx_cycle->hostname,
                    sc->fleet->node->port);

    ngx_uplink_out_string(&out, "proxy_id", id, p - id);
    ngx_uplink_out_text(&out, "proxy_version", NGX_UPLINK_VERSION);

    p = ngx_sprintf(id, "%V-", &sc->agent);
    p = ngx_hex_dump(p, claim->adm.id, sizeof(claim->adm.id));

    ngx_uplink_out_string(&out, "connection_id", id, p - id);

    if (claim->adm.window) {
        ngx_uplink_out_string(&out, "resume_token", claim->secret,
                              sizeof(claim->secret));

    } else {
        ngx_uplink_out_null(&out, "resume_token");
    }

    ngx_uplink_sled_registered_tail(sc, &out, claim->resumed);
}


/* what both outcomes have; strings of a refusal are there, but empty */

void
ngx_uplink_sled_refuse(ngx_uplink_sled_conn_t *sc, const u_char *req_id,
    size_t len, ngx_str_t *agent, ngx_uplink_sled_refusal_e refusal)
{
    u_char                            *p;
    u_char                             text[128];
    ngx_uplink_out_t                   out;
    const ngx_uplink_sled_refusal_t   *why;

    why = &ngx_uplink_sled_refusals[refusal];

    if (refusal != NGX_UPLINK_SLED_TOO_MANY_CONNECTIONS
        && refusal != NGX_UPLINK_SLED_ZONE_FULL)
    {
        /* these two were counted where the place was not given */

        ngx_uplink_count_word(sc->fleet, NGX_UPLINK_FAMILY_sleds_refused,
                              why->code);
    }

    ngx_log_error(NGX_LOG_INFO, sc->conn->connection->log, 0,
                  "sled was refused: %s", why->code);

    ngx_uplink_audit_stranger(sc->fleet, sc->conn->connection, &sc->who.name,
                              agent ? agent : &sc->agent, why->code);

    if (ngx_uplink_sled_answer(sc, &out, "registered", req_id, len, 1024)
        == NGX_OK)
    {
        p = ngx_snprintf(text, sizeof(text), "%s: %s", why->code, why->text);

        ngx_uplink_out_bool(&out, "success", 0);
        ngx_uplink_out_string(&out, "error", text, p - text);
        ngx_uplink_out_text(&out, "proxy_id", "");
        ngx_uplink_out_text(&out, "proxy_version", NGX_UPLINK_VERSION);
        ngx_uplink_out_text(&out, "connection_id", "");
        ngx_uplink_out_null(&out, "resume_token");

        ngx_uplink_sled_registered_tail(sc, &out, 0);
    }

    ngx_uplink_sled_close(sc, why->close, why->code);
}


static void
ngx_uplink_sled_registered_tail(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_out_t *out, ngx_uint_t resumed)
{
    const ngx_uplink_sled_feature_t  *f;

    ngx_uplink_out_bool(out, "resumed", resumed);
    ngx_uplink_out_number(out, "heartbeat_ms", sc->conf->conn.ping_interval);
    ngx_uplink_out_number(out, "max_message", sc->conf->conn.max_message);

    ngx_uplink_out_open(out, "features", '[');

    for (f = ngx_uplink_sled_feature_names; f->bit; f++) {
        if (f->ours) {
            ngx_uplink_out_string(out, NULL, f->name.data, f->name.len);
        }
    }

    ngx_uplink_out_shut(out, ']');

    ngx_uplink_sled_send(sc, out);
}
