
/*
 * The permission client.  Fail-closed: whatever is not a clear yes to what
 * was asked is a no.
 */


#include "perm.h"
#include "rules.h"
#include "uplink.h"


#define SLED_REQ_ID  40


typedef struct {
    const char  *kind;
    const char  *type;              /* what goes to the gateway */
    const char  *replies[3];        /* what may come back */
} sled_kind_t;


struct sled_ask_s {
    sled_ask_t          *next;
    uint64_t             id;
    char                 req_id[SLED_REQ_ID];
    const sled_kind_t   *kind;
    json_t              *payload;
    unsigned             sent:1;
    sled_timer_t         grace;
    sled_timer_t         timeout;
    sled_answer_pt       answer;
    void                *data;
};


static void sled_ask_send(sled_ask_t *ask);
static void sled_ask_grace_over(sled_timer_t *timer);
static void sled_ask_timeout(sled_timer_t *timer);
static void sled_ask_done(sled_ask_t *ask, json_t *reply, int applicable);
static void sled_ask_fail(sled_ask_t *ask, const char *code,
    const char *message);
static sled_ask_t *sled_ask_find(const char *req_id);
static void sled_ask_free(sled_ask_t *ask);
static json_t *sled_perm_failure(const sled_kind_t *kind, const char *code,
    const char *message);
static json_t *sled_perm_decision(json_t *payload);


static const sled_kind_t  sled_kinds[] = {
    { "perm", "perm_request", { "perm_response", NULL, NULL } },
    { "ask", "ask", { "answer", NULL, NULL } },
    { "hook_before", "hook_before", { "hook_ack", NULL, NULL } },
    { "hook_after", "hook_after", { NULL, NULL, NULL } },
    { "spawn", "spawn", { "spawn_ack", "spawn_halt", NULL } },
    { NULL, NULL, { NULL, NULL, NULL } }
};


static const sled_conf_t  *sled_perm_conf;
static sled_ask_t         *sled_asks;
static size_t              sled_nasks;
static uint64_t            sled_ask_serial;


void
sled_perm_init(const sled_conf_t *conf)
{
    sled_perm_conf = conf;
}


void
sled_perm_free(void)
{
    while (sled_asks) {
        sled_ask_fail(sled_asks, "shutdown", "the sled stops");
    }
}


size_t
sled_perm_pending(void)
{
    return sled_nasks;
}


sled_ask_t *
sled_perm_ask(json_t *request, sled_answer_pt answer, void *data,
    char *req_id, size_t size)
{
    int64_t             timeout;
    uint64_t            down;
    json_t             *payload, *rule;
    const char         *name;
    sled_ask_t         *ask;
    const sled_kind_t  *kind;

    name = sled_json_text(request, "kind") ?: "perm";
    payload = json_object_get(request, "payload");

    for (kind = sled_kinds; kind->kind; kind++) {
        if (strcmp(kind->kind, name) == 0) {
            break;
        }
    }

    if (kind->kind == NULL || !json_is_object(payload)) {
        answer(data, sled_perm_failure(kind, "bad_request",
                                       "unknown kind, or no payload"), 0);
        return NULL;
    }

    if (kind == sled_kinds
        && (!json_is_string(json_object_get(payload, "tool_name"))
            || json_object_get(payload, "tool_input") == NULL))
    {
        answer(data, sled_perm_failure(kind, "bad_request",
                                       "no tool_name or tool_input"), 0);
        return NULL;
    }

    rule = (kind == sled_kinds) ? sled_rules_match(payload) : NULL;

    if (rule) {
        answer(data, json_pack("{sb, sb, ss, so}", "approved", 1,
                               "always_allow", 1, "reason", "rule",
                               "rule", rule), 0);
        return NULL;
    }

    ask = (sled_nasks < SLED_MAX_ASKS) ? calloc(1, sizeof(sled_ask_t)) : NULL;

    if (ask == NULL) {
        answer(data, sled_perm_failure(kind, "too_many_requests",
                                       "too many are waiting already"), 0);
        return NULL;
    }

    ask->id = ++sled_ask_serial;
    ask->kind = kind;
    ask->payload = json_incref(payload);
    ask->answer = answer;
    ask->data = data;
    ask->grace.handler = sled_ask_grace_over;
    ask->grace.data = ask;
    ask->timeout.handler = sled_ask_timeout;
    ask->timeout.data = ask;

    memcpy(ask->req_id, "sled-", 5);
    sled_random_hex(ask->req_id + 5, 32);
    snprintf(req_id, size, "%s", ask->req_id);

    ask->next = sled_asks;
    sled_asks = ask;
    sled_nasks++;

    if (sled_perm_conf->workspace
        && json_object_get(payload, "workspace_id") == NULL)
    {
        json_object_set_new(payload, "workspace_id",
                            json_string(sled_perm_conf->workspace));
    }

    sled_log(SLED_LOG_INFO, "asked", "%s %s %s", kind->type, ask->req_id,
             sled_json_text(payload, "tool_name") ?: "");

    timeout = sled_json_number(request, "timeout_ms", 0);

    if (timeout > 0) {
        sled_timer_set(&ask->timeout, timeout);
    }

    if (sled_uplink.link) {
        sled_ask_send(ask);

        /* that may have been the end of it */

        return sled_ask_find(req_id);
    }

    down = sled_now() - sled_uplink.down_since;

    if (down >= sled_perm_conf->grace) {
        sled_ask_fail(ask, "disconnected", "no link to the gateway");
        return NULL;
    }

    sled_timer_set(&ask->grace, sled_perm_conf->grace - down);

    return ask;
}


static void
sled_ask_send(sled_ask_t *ask)
{
    sled_timer_del(&ask->grace);

    if (sled_uplink_send(&sled_uplink, ask->kind->type, ask->req_id,
                         json_incref(ask->payload), ask->id)
        != SLED_OK)
    {
        sled_ask_fail(ask, "too_large", "the request does not fit into "
                                        "a message of the gateway");
        return;
    }

    ask->sent = 1;

    if (ask->kind->replies[0] == NULL) {
        sled_ask_done(ask, json_pack("{ss}", "type", "sent"), 0);
    }
}


static void
sled_ask_grace_over(sled_timer_t *timer)
{
    sled_ask_fail(timer->data, "disconnected", "no link to the gateway");
}


static void
sled_ask_timeout(sled_timer_t *timer)
{
    sled_ask_t  *ask;

    ask = timer->data;

    if (ask->sent) {
        sled_uplink_forget(&sled_uplink, ask->id);
        (void) sled_uplink_send(&sled_uplink, "perm_cancel", ask->req_id,
                                NULL, 0);
    }

    sled_ask_fail(ask, "timeout", "nobody answered in time");
}


void
sled_perm_withdraw(sled_ask_t *ask)
{
    sled_log(SLED_LOG_INFO, "withdrawn", "%s", ask->req_id);

    if (ask->sent && ask->kind->replies[0]) {
        sled_uplink_forget(&sled_uplink, ask->id);
        (void) sled_uplink_send(&sled_uplink, "perm_cancel", ask->req_id,
                                NULL, 0);
    }

    sled_ask_free(ask);
}


void
sled_perm_applied(const char *req_id, int applied, const char *error)
{
    json_t  *payload;

    sled_log(SLED_LOG_INFO, "applied", "%s%s%s", req_id,
             applied ? "" : ": failed: ", applied ? "" : error);

    payload = json_pack("{sb}", "applied", applied);

    if (!applied) {
        json_object_set_new(payload, "error", json_string(error));
    }

    (void) sled_uplink_send(&sled_uplink, "perm_applied", req_id, payload, 0);
}


/* who waited for the link; what was sent before it was lost goes on */

void
sled_perm_up(void)
{
    sled_ask_t  *ask, *next;

    for (ask = sled_asks; ask; ask = next) {
        next = ask->next;

        if (!ask->sent) {
            sled_ask_send(ask);
        }
    }
}


void
sled_perm_lost(void)
{
    sled_ask_t  *ask, *next;

    for (ask = sled_asks; ask; ask = next) {
        next = ask->next;

        if (ask->sent) {
            sled_ask_fail(ask, "disconnected",
                          "the link to the gateway was lost");
        }
    }
}


/* any of the replies that a table of the messages sends here */

void
sled_perm_response(const char *type, const char *req_id, json_t *payload)
{
    int          i, perm;
    json_t      *reply, *request;
    sled_ask_t  *ask;

    ask = sled_ask_find(req_id);

    if (ask == NULL) {
        sled_log(SLED_LOG_DEBUG, "late", "%s %s", type, req_id);
        return;
    }

    for (i = 0; ask->kind->replies[i]; i++) {
        if (strcmp(ask->kind->replies[i], type) == 0) {
            break;
        }
    }

    if (ask->kind->replies[i] == NULL) {
        sled_log(SLED_LOG_WARN, "wrong_reply", "%s to %s %s", type,
                 ask->kind->type, req_id);
        return;
    }

    perm = (ask->kind == sled_kinds);

    if (perm) {
        reply = sled_perm_decision(payload);

    } else {
        reply = json_copy(payload);
        json_object_set_new(reply, "type", json_string(type));
    }

    sled_uplink_forget(&sled_uplink, ask->id);

    if (perm) {
        (void) sled_uplink_send(&sled_uplink, "perm_ack", req_id, NULL, 0);

        if (sled_json_flag(reply, "always_allow")) {
            request = json_incref(ask->payload);
            sled_rules_add(request);
            json_decref(request);
        }
    }

    sled_log(SLED_LOG_INFO, "answered", "%s %s%s%s", type, req_id,
             perm ? (sled_json_flag(reply, "approved") ? ": approved, "
                                                       : ": denied, ") : "",
             perm ? (sled_json_text(reply, "reason") ?: "") : "");

    sled_ask_done(ask, reply,
                  perm && strcmp(sled_json_text(reply, "reason") ?: "",
                                 "operator") == 0);
}


void
sled_perm_error(const char *type, const char *req_id, json_t *payload)
{
    sled_ask_t  *ask;
    const char  *code, *message;

    code = sled_json_text(payload, "code") ?: "error";
    message = sled_json_text(payload, "message") ?: "";

    if (strcmp(code, "duplicate_req_id") == 0) {

        /* sent once more after a resume, and it had arrived */

        return;
    }

    sled_log(SLED_LOG_WARN, "gateway_error", "%s: %s %s", code, message,
             req_id);

    ask = sled_ask_find(req_id);

    if (ask) {
        sled_uplink_forget(&sled_uplink, ask->id);
        sled_ask_fail(ask, code, message);
    }
}


/* only "approved": true approves, and only then "always" has a meaning */

static json_t *
sled_perm_decision(json_t *payload)
{
    int      approved, always;
    json_t  *reply, *input;

    approved = sled_json_flag(payload, "approved");
    always = sled_json_flag(payload, "always_allow");

    if (always && !approved) {
        always = 0;
    }

    reply = json_copy(payload);
    json_object_set_new(reply, "approved", json_boolean(approved));
    json_object_set_new(reply, "always_allow", json_boolean(always));

    input = json_object_get(reply, "updated_input");

    if (!approved || json_is_null(input)) {
        json_object_del(reply, "updated_input");
    }

    return reply;
}


static json_t *
sled_perm_failure(const sled_kind_t *kind, const char *code,
    const char *message)
{
    if (kind == sled_kinds) {
        return json_pack("{sb, sb, ss, ss}", "approved", 0,
                         "always_allow", 0, "reason", code,
                         "message", message);
    }

    return json_pack("{s{ss, ss}}", "error", "code", code,
                     "message", message);
}


static void
sled_ask_fail(sled_ask_t *ask, const char *code, const char *message)
{
    sled_log(SLED_LOG_WARN, "denied", "%s: %s", ask->req_id, code);

    sled_ask_done(ask, sled_perm_failure(ask->kind, code, message), 0);
}


static void
sled_ask_done(sled_ask_t *ask, json_t *reply, int applicable)
{
    void            *data;
    sled_answer_pt   answer;

    answer = ask->answer;
    data = ask->data;

    sled_ask_free(ask);

    answer(data, reply, applicable);
}


static sled_ask_t *
sled_ask_find(const char *req_id)
{
    sled_ask_t  *ask;

    for (ask = sled_asks; ask; ask = ask->next) {
        if (strcmp(ask->req_id, req_id) == 0) {
            return ask;
        }
    }

    return NULL;
}


static void
sled_ask_free(sled_ask_t *ask)
{
    sled_ask_t  **p;

    for (p = &sled_asks; *p; p = &(*p)->next) {
        if (*p == ask) {
            *p = ask->next;
            sled_nasks--;
            break;
        }
    }

    sled_timer_del(&ask->grace);
    sled_timer_del(&ask->timeout);
    json_decref(ask->payload);
    free(ask);
}
