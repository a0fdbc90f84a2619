
/*
 * Which message of the gateway goes where.
 */


#include "message.h"
#include "perm.h"
#include "ssh.h"
#include "terminal.h"
#include "uplink.h"


#define SLED_RPC_INVALID  -32600
#define SLED_RPC_UNKNOWN  -32601


typedef struct {
    const char  *type;
    void       (*handler)(const char *type, const char *req_id,
                          json_t *payload);
} sled_message_type_t;


static void sled_message_cancel(const char *type, const char *req_id,
    json_t *payload);
static void sled_message_pending(const char *type, const char *req_id,
    json_t *payload);
static void sled_message_tasks(const char *type, const char *req_id,
    json_t *payload);
static void sled_message_mcp(const char *type, const char *req_id,
    json_t *payload);


/* those of the connection itself are uplink.c's */

static const sled_message_type_t  sled_message_types[] = {
    { "terminal.data", sled_terminal_data },
    { "terminal.open", sled_terminal_open },
    { "terminal.resize", sled_terminal_resize },
    { "terminal.close", sled_terminal_close },
    { "terminal.pause", sled_terminal_pause },
    { "terminal.resume", sled_terminal_pause },
    { "terminal.attach", sled_terminal_attach },
    { "perm_response", sled_perm_response },
    { "perm_pending", sled_message_pending },
    { "answer", sled_perm_response },
    { "hook_ack", sled_perm_response },
    { "spawn_ack", sled_perm_response },
    { "spawn_halt", sled_perm_response },
    { "http_request", sled_remote_http },
    { "mcp_request", sled_message_mcp },
    { "error", sled_perm_error },
    { "cancel", sled_message_cancel },
    { "tasks_ok", sled_message_tasks },
    { NULL, NULL }
};


void
sled_message_dispatch(const char *type, const char *req_id, json_t *payload)
{
    const sled_message_type_t  *t;

    for (t = sled_message_types; t->type; t++) {
        if (strcmp(t->type, type) == 0) {
            t->handler(type, req_id, payload);
            return;
        }
    }

    sled_log(SLED_LOG_DEBUG, "unknown_type", "%s", type);
}


/* of an inspection, which this sled does not offer: there is nothing to end */

static void
sled_message_cancel(const char *type, const char *req_id, json_t *payload)
{
    sled_log(SLED_LOG_INFO, "cancel", "%s: %s",
             sled_json_text(payload, "correlation_id") ?: "",
             sled_json_text(payload, "reason") ?: "");
}


static void
sled_message_pending(const char *type, const char *req_id, json_t *payload)
{
    sled_log(SLED_LOG_INFO, "pending", "%s: seen by %ld", req_id,
             (long) sled_json_number(payload, "operators", 0));
}


static void
sled_message_tasks(const char *type, const char *req_id, json_t *payload)
{
    size_t   i;
    json_t  *refused;

    json_array_foreach(json_object_get(payload, "refused"), i, refused) {
        sled_log(SLED_LOG_WARN, "task_refused", "%ld: %s",
                 (long) sled_json_number(refused, "index", -1),
                 sled_json_text(refused, "code") ?: "");
    }
}


/*
 * JSON-RPC for an MCP endpoint of the machine.  This sled has none: whoever
 * waits is told so, in the form it understands.
 */

static void
sled_message_mcp(const char *type, const char *req_id, json_t *payload)
{
    int      code;
    json_t  *id;

    id = json_object_get(payload, "id");
    code = sled_json_text(payload, "method") ? SLED_RPC_UNKNOWN
                                             : SLED_RPC_INVALID;

    if (id == NULL && code == SLED_RPC_UNKNOWN && *req_id == '\0') {

        /* a notification, for which nobody waits */

        return;
    }

    (void) sled_uplink_send(&sled_uplink, "mcp_response", req_id,
                            json_pack("{ss, sO?, s{si, ss}}",
                                      "jsonrpc", "2.0", "id", id, "error",
                                      "code", code, "message",
                                      code == SLED_RPC_UNKNOWN
                                      ? "this sled has no MCP endpoint"
                                      : "not a request"),
                            0);
}
