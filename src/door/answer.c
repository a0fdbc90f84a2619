
/*
 * What an operator answers: read, checked, made ready for who asked.
 */


#include "door/audit.h"
#include "door/view.h"


#define NGX_UPLINK_ANSWER_HEX  32    /* digits at the end of a req_id */


typedef const ngx_uplink_fault_t *(*ngx_uplink_answer_pt)(
    ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor);


typedef struct {
    const char            *type;
    ngx_uint_t             kind;
    ngx_uplink_answer_pt   read;
} ngx_uplink_answer_type_t;


enum {
    NGX_UPLINK_PERM_APPROVED = 0,
    NGX_UPLINK_PERM_ALWAYS,
    NGX_UPLINK_PERM_REASON,
    NGX_UPLINK_PERM_INPUT,
    NGX_UPLINK_PERM_SHA256,
    NGX_UPLINK_PERM_MEMBERS
};


static const ngx_uplink_fault_t *ngx_uplink_answer_perm(
    ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor);
static const ngx_uplink_fault_t *ngx_uplink_answer_value(
    ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor);
static const ngx_uplink_fault_t *ngx_uplink_answer_hook(
    ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor);
static const ngx_uplink_fault_t *ngx_uplink_answer_ack(
    ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor);
static const ngx_uplink_fault_t *ngx_uplink_answer_halt(
    ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor);

static const ngx_uplink_fault_t *ngx_uplink_answer_digest(
    ngx_uplink_answer_t *answer, ngx_uplink_value_t *value);
static ngx_int_t ngx_uplink_answer_bool(ngx_uplink_value_t *value,
    ngx_uint_t *on);
static void ngx_uplink_answer_part(ngx_uplink_answer_t *answer,
    const void *data, size_t len);
static void ngx_uplink_answer_text(ngx_uplink_answer_t *answer,
    const char *text);
static void ngx_uplink_answer_member(ngx_uplink_answer_t *answer,
    const char *name, ngx_uplink_value_t *value);
static void ngx_uplink_answer_record(ngx_uplink_answer_t *answer,
    ngx_uplink_value_t *reason, ngx_uplink_value_t *input);
static void ngx_uplink_answer_keep(ngx_uplink_answer_t *answer,
    ngx_uplink_value_t *body);


static const ngx_uplink_answer_type_t  ngx_uplink_answer_types[] = {
    { "perm_response", NGX_UPLINK_KIND_PERM, ngx_uplink_answer_perm },
    { "answer", NGX_UPLINK_KIND_ASK, ngx_uplink_answer_value },
    { "hook_ack", NGX_UPLINK_KIND_HOOK_BEFORE, ngx_uplink_answer_hook },
    { "spawn_ack", NGX_UPLINK_KIND_SPAWN, ngx_uplink_answer_ack },
    { "spawn_halt", NGX_UPLINK_KIND_SPAWN, ngx_uplink_answer_halt },
    { NULL, 0, NULL }
};


static const ngx_str_t  ngx_uplink_answer_perm_names[] = {
    ngx_string("approved"),
    ngx_string("always_allow"),
    ngx_string("reason"),
    ngx_string("updated_input"),
    ngx_string("input_sha256")
};


/* the gateway writes these itself */

static const ngx_str_t  ngx_uplink_answer_own[] = {
    ngx_string("type"),
    ngx_string("req_id")
};


#define ngx_uplink_answer_bad(message)                                        \
    { NGX_HTTP_BAD_REQUEST, "bad_decision", message }

static const ngx_uplink_fault_t  ngx_uplink_bad_approved =
    ngx_uplink_answer_bad("\"approved\" must be true or false");
static const ngx_uplink_fault_t  ngx_uplink_bad_always =
    ngx_uplink_answer_bad("\"always_allow\" must be true or false");
static const ngx_uplink_fault_t  ngx_uplink_bad_reason =
    ngx_uplink_answer_bad("\"reason\" must be a string");
static const ngx_uplink_fault_t  ngx_uplink_bad_input =
    ngx_uplink_answer_bad("\"updated_input\" goes only with an approval");
static const ngx_uplink_fault_t  ngx_uplink_bad_digest =
    ngx_uplink_answer_bad("\"input_sha256\" must be 64 lower case hex digits");
static const ngx_uplink_fault_t  ngx_uplink_bad_value =
    ngx_uplink_answer_bad("\"value\" is missing");
static const ngx_uplink_fault_t  ngx_uplink_bad_ok =
    ngx_uplink_answer_bad("\"ok\" must be true or false");

static const ngx_uplink_fault_t  ngx_uplink_contradictory = {
    NGX_HTTP_BAD_REQUEST, "contradictory",
    "\"always_allow\" goes only with an approval"
};


/* by NGX_UPLINK_DECIDE_… */

static const ngx_uplink_fault_t  ngx_uplink_answer_faults[] = {
    { NGX_HTTP_OK, NULL, NULL },
    { NGX_HTTP_NOT_FOUND, "unknown_req",
      "no such request, or none that you may see" },
    { NGX_HTTP_CONFLICT, "already_decided",
      "the request has been decided" },
    { NGX_HTTP_CONFLICT, "wrong_reply",
      "the request waits for a reply of another type" },
    { NGX_HTTP_CONFLICT, "digest_mismatch",
      "\"input_sha256\" is not the digest of this request's input" },
    { NGX_HTTP_SERVICE_UNAVAILABLE, "zone_full",
      "there is no memory for the answer, the request is still open" },
    { NGX_HTTP_UNAUTHORIZED, "replaced",
      "another connection has taken the place of this one" },
    { NGX_HTTP_SERVICE_UNAVAILABLE, "audit_failed",
      "the audit log cannot be written, the request is still open" }
};


static const ngx_uplink_fault_t  ngx_uplink_answer_ended = {
    NGX_HTTP_CONFLICT, "unknown_req", "the request has ended"
};


const char *
ngx_uplink_answer_type(u_char *type, size_t len)
{
    const ngx_uplink_answer_type_t  *t;

    for (t = ngx_uplink_answer_types; t->type; t++) {
        if (ngx_strlen(t->type) == len && ngx_memcmp(t->type, type, len) == 0)
        {
            return t->type;
        }
    }

    return NULL;
}


/* <sid|any>-<kind>-<32 hex>, and a sid may have dashes */

const char *
ngx_uplink_answer_awaited(u_char *req_id, size_t len)
{
    u_char                          *p, *last;
    ngx_str_t                       *id;
    const ngx_uplink_answer_type_t  *t;

    if (len < NGX_UPLINK_ANSWER_HEX + 1) {
        return NULL;
    }

    last = req_id + len - NGX_UPLINK_ANSWER_HEX - 1;

    for (p = last; p > req_id && p[-1] != '-'; p--) { /* void */ }

    for (t = ngx_uplink_answer_types; t->type; t++) {
        id = &ngx_uplink_kind_ids[t->kind];

        if ((size_t) (last - p) == id->len
            && ngx_memcmp(p, id->data, id->len) == 0)
        {
            return t->type;
        }
    }

    return NULL;
}


const ngx_uplink_fault_t *
ngx_uplink_answer_read(ngx_uplink_answer_t *answer, const char *type,
    ngx_uplink_value_t *body, ngx_uplink_actor_t *actor)
{
    const ngx_uplink_answer_type_t  *t;

    ngx_memzero(&answer->decision, sizeof(ngx_uplink_decision_t));

    answer->decision.parts = answer->parts;

    for (t = ngx_uplink_answer_types; t->type != type; t++) { /* void */ }

    answer->decision.kind = t->kind;

    return t->read(answer, body, actor);
}


const ngx_uplink_fault_t *
ngx_uplink_answer_fault(ngx_uint_t result, ngx_uplink_view_t *view)
{
    if (result == NGX_UPLINK_DECIDE_OK) {
        return NULL;
    }

    /* it ended, but nobody has decided anything that could be told */

    if (result == NGX_UPLINK_DECIDE_ALREADY
        && (view->state == NGX_UPLINK_STATE_WITHDRAWN
            || (view->state == NGX_UPLINK_STATE_EXPIRED
                && view->kind != NGX_UPLINK_KIND_PERM)))
    {
        return &ngx_uplink_answer_ended;
    }

    return &ngx_uplink_answer_faults[result];
}


static const ngx_uplink_fault_t *
ngx_uplink_answer_perm(ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor)
{
    ngx_uint_t                 approved, always;
    ngx_uplink_out_t           out;
    ngx_uplink_value_t         v[NGX_UPLINK_PERM_MEMBERS];
    const ngx_uplink_fault_t  *fault;

    ngx_uplink_json_members(body, ngx_uplink_answer_perm_names,
                            NGX_UPLINK_PERM_MEMBERS, v);

    if (ngx_uplink_answer_bool(&v[NGX_UPLINK_PERM_APPROVED], &approved)
        != NGX_OK)
    {
        return &ngx_uplink_bad_approved;
    }

    always = 0;

    if (v[NGX_UPLINK_PERM_ALWAYS].kind > NGX_UPLINK_JSON_NULL
        && ngx_uplink_answer_bool(&v[NGX_UPLINK_PERM_ALWAYS], &always)
           != NGX_OK)
    {
        return &ngx_uplink_bad_always;
    }

    if (v[NGX_UPLINK_PERM_REASON].kind > NGX_UPLINK_JSON_NULL
        && v[NGX_UPLINK_PERM_REASON].kind != NGX_UPLINK_JSON_STRING)
    {
        return &ngx_uplink_bad_reason;
    }

    fault = ngx_uplink_answer_digest(answer, &v[NGX_UPLINK_PERM_SHA256]);
    if (fault) {
        return fault;
    }

    if (always && !approved) {
        return &ngx_uplink_contradictory;
    }

    if (v[NGX_UPLINK_PERM_INPUT].kind > NGX_UPLINK_JSON_NULL && !approved) {
        return &ngx_uplink_bad_input;
    }

    answer->decision.approved = approved;
    answer->decision.always = always;
    answer->decision.plain
                     = (v[NGX_UPLINK_PERM_INPUT].kind <= NGX_UPLINK_JSON_NULL);

    /* what the operator gives as a reason is a message to the model */

    ngx_uplink_answer_member(answer, ",\"message\":",
                             &v[NGX_UPLINK_PERM_REASON]);

    ngx_uplink_out_init(&out, answer->by, sizeof(answer->by));
    out.comma = 1;

    ngx_uplink_view_by(&out, "decided_by", &actor->sid, &actor->by);

    ngx_uplink_answer_part(answer, out.start, ngx_uplink_out_len(&out));

    ngx_uplink_answer_member(answer, ",\"updated_input\":",
                             &v[NGX_UPLINK_PERM_INPUT]);

    ngx_uplink_answer_record(answer, &v[NGX_UPLINK_PERM_REASON],
                             &v[NGX_UPLINK_PERM_INPUT]);

    return NULL;
}


static const ngx_uplink_fault_t *
ngx_uplink_answer_value(ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor)
{
    ngx_uplink_value_t  value;

    if (ngx_uplink_json_get(body, "value", &value) == NGX_UPLINK_JSON_NONE) {
        return &ngx_uplink_bad_value;
    }

    answer->decision.approved = 1;

    ngx_uplink_answer_keep(answer, body);

    return NULL;
}


static const ngx_uplink_fault_t *
ngx_uplink_answer_hook(ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor)
{
    ngx_uint_t          ok;
    ngx_uplink_value_t  value;

    ok = 0;

    if (ngx_uplink_json_get(body, "ok", &value) != NGX_UPLINK_JSON_NONE
        && ngx_uplink_answer_bool(&value, &ok) != NGX_OK)
    {
        return &ngx_uplink_bad_ok;
    }

    answer->decision.approved = ok;

    ngx_uplink_answer_keep(answer, body);

    if (value.kind == NGX_UPLINK_JSON_NONE) {
        ngx_uplink_answer_text(answer, ",\"ok\":false");
    }

    return NULL;
}


static const ngx_uplink_fault_t *
ngx_uplink_answer_ack(ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor)
{
    ngx_uint_t          ok;
    ngx_uplink_value_t  given, value;

    if (ngx_uplink_json_get(body, "ok", &given) != NGX_UPLINK_JSON_NONE
        && ngx_uplink_answer_bool(&given, &ok) != NGX_OK)
    {
        return &ngx_uplink_bad_ok;
    }

    ngx_uplink_json_get(body, "value", &value);

    /* of the two replies to a spawn it is this one, whatever it says */

    answer->decision.approved = 1;

    ngx_uplink_answer_keep(answer, body);

    if (value.kind == NGX_UPLINK_JSON_NONE) {
        ngx_uplink_answer_text(answer, ",\"value\":null");
    }

    if (given.kind == NGX_UPLINK_JSON_NONE) {
        ngx_uplink_answer_text(answer, ",\"ok\":true");
    }

    return NULL;
}


static const ngx_uplink_fault_t *
ngx_uplink_answer_halt(ngx_uplink_answer_t *answer, ngx_uplink_value_t *body,
    ngx_uplink_actor_t *actor)
{
    ngx_uplink_answer_keep(answer, body);

    return NULL;
}


static const ngx_uplink_fault_t *
ngx_uplink_answer_digest(ngx_uplink_answer_t *answer,
    ngx_uplink_value_t *value)
{
    u_char  text[64];
    size_t  len;

    if (value->kind <= NGX_UPLINK_JSON_NULL) {
        return NULL;
    }

    if (value->kind != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(value, text, sizeof(text), &len) != NGX_OK
        || len != sizeof(text)
        || ngx_uplink_unhex(answer->sha256, text, sizeof(answer->sha256))
           != NGX_OK)
    {
        return &ngx_uplink_bad_digest;
    }

    answer->decision.sha256 = answer->sha256;

    return NULL;
}


static ngx_int_t
ngx_uplink_answer_bool(ngx_uplink_value_t *value, ngx_uint_t *on)
{
    *on = (value->kind == NGX_UPLINK_JSON_TRUE);

    return (*on || value->kind == NGX_UPLINK_JSON_FALSE) ? NGX_OK : NGX_ERROR;
}


/* a part begins with its comma, of which the first has no need */

static void
ngx_uplink_answer_part(ngx_uplink_answer_t *answer, const void *data,
    size_t len)
{
    ngx_str_t  *part;

    if (len == 0) {
        return;
    }

    part = &answer->parts[answer->decision.nparts];

    part->data = (u_char *) data;
    part->len = len;

    if (answer->decision.nparts == 0) {
        part->data++;
        part->len--;
    }

    answer->decision.nparts++;
}


static void
ngx_uplink_answer_text(ngx_uplink_answer_t *answer, const char *text)
{
    ngx_uplink_answer_part(answer, text, ngx_strlen(text));
}


static void
ngx_uplink_answer_member(ngx_uplink_answer_t *answer, const char *name,
    ngx_uplink_value_t *value)
{
    if (value->kind <= NGX_UPLINK_JSON_NULL) {
        return;
    }

    ngx_uplink_answer_text(answer, name);
    ngx_uplink_answer_part(answer, value->start, value->end - value->start);
}


/* for the audit log; a digest that fails has been logged */

static void
ngx_uplink_answer_record(ngx_uplink_answer_t *answer,
    ngx_uplink_value_t *reason, ngx_uplink_value_t *input)
{
    ngx_uplink_audit_text(reason, answer->words, sizeof(answer->words),
                          &answer->decision.words);

    if (input->kind > NGX_UPLINK_JSON_NULL
        && ngx_uplink_digest(ngx_cycle->log, input->start,
                             input->end - input->start, answer->updated)
           == NGX_OK)
    {
        answer->decision.updated = answer->updated;
    }
}


/* all that was said, in the order in which it was said */

static void
ngx_uplink_answer_keep(ngx_uplink_answer_t *answer, ngx_uplink_value_t *body)
{
    ngx_str_t  text;

    ngx_uplink_members_keep(body, ngx_uplink_answer_own,
                            sizeof(ngx_uplink_answer_own) / sizeof(ngx_str_t),
                            &text);

    if (text.len) {
        answer->parts[0] = text;
        answer->decision.nparts = 1;
    }
}


void
ngx_uplink_members_keep(ngx_uplink_value_t *object, const ngx_str_t *drop,
    ngx_uint_t n, ngx_str_t *text)
{
    u_char              *p, *pos;
    size_t               len;
    ngx_uint_t           i;
    ngx_uplink_value_t   key, value;

    p = object->start;
    pos = NULL;

    while (ngx_uplink_json_next(object, &pos, &key, &value) == NGX_OK) {

        for (i = 0; i < n; i++) {
            if (ngx_uplink_json_is(&key, (char *) drop[i].data, drop[i].len)) {
                break;
            }
        }

        if (i < n) {
            continue;
        }

        /* never overtakes what is still to be read: a brace was before it */

        if (p > object->start) {
            *p++ = ',';
        }

        len = value.end - key.start;
        ngx_memmove(p, key.start, len);
        p += len;
    }

    text->data = object->start;
    text->len = p - object->start;
}
