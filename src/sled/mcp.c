
/*
 * sled mcp: an MCP server on stdio, JSON-RPC 2.0 with one message a line.
 * Its tool asks for a permission.
 */


#include "config.h"
#include "local.h"
#include "run.h"

#include <poll.h>


#define SLED_MCP_LINE   (256 * 1024)
#define SLED_MCP_CALLS  64


typedef struct {
    json_t          *id;            /* NULL: free */
    json_t          *input;
    sled_client_t    client;
    int              answered;
} sled_mcp_call_t;


typedef struct {
    const char      *method;
    void           (*handler)(json_t *id, json_t *params);
} sled_mcp_method_t;


static void sled_mcp_message(const char *text, size_t len);
static void sled_mcp_dispatch(json_t *message);
static void sled_mcp_initialize(json_t *id, json_t *params);
static void sled_mcp_ping(json_t *id, json_t *params);
static void sled_mcp_list(json_t *id, json_t *params);
static void sled_mcp_tool(json_t *id, json_t *params);
static void sled_mcp_cancelled(json_t *id, json_t *params);
static void sled_mcp_reply(sled_mcp_call_t *call);
static void sled_mcp_behavior(json_t *id, json_t *reply, json_t *input);
static void sled_mcp_deny(json_t *id, const char *message);
static void sled_mcp_result(json_t *id, json_t *result);
static void sled_mcp_error(json_t *id, int code, const char *message);
static void sled_mcp_send(json_t *message);
static void sled_mcp_end(sled_mcp_call_t *call);


/* the last one is ours, and is offered to those who ask for another */

static const char  *sled_mcp_versions[] = {
    "2024-11-05", "2025-03-26", "2025-06-18"
};

#define SLED_MCP_VERSIONS                                                     \
    (sizeof(sled_mcp_versions) / sizeof(sled_mcp_versions[0]))


static const sled_mcp_method_t  sled_mcp_methods[] = {
    { "initialize", sled_mcp_initialize },
    { "ping", sled_mcp_ping },
    { "tools/list", sled_mcp_list },
    { "tools/call", sled_mcp_tool },
    { "notifications/cancelled", sled_mcp_cancelled },
    { NULL, NULL }
};


static const char  sled_mcp_tools[] =
    "{\"tools\":[{\"name\":\"approve\","
    "\"description\":\"Asks a human operator whether a tool may be used "
    "with this input\","
    "\"inputSchema\":{\"type\":\"object\","
    "\"properties\":{"
    "\"tool_name\":{\"type\":\"string\"},"
    "\"input\":{\"type\":\"object\"},"
    "\"tool_use_id\":{\"type\":\"string\"}},"
    "\"required\":[\"tool_name\",\"input\"]}}]}";


static char             *sled_mcp_socket;
static sled_mcp_call_t   sled_mcp_calls[SLED_MCP_CALLS];
static int               sled_mcp_broken;       /* nobody reads us */


int
sled_mcp_command(int argc, char **argv)
{
    int             i, n, map[SLED_MCP_CALLS + 1];
    char           *text, *end;
    size_t          len, used;
    ssize_t         got;
    sled_conf_t     conf;
    struct pollfd   fds[SLED_MCP_CALLS + 1];

    if (sled_conf_load(&conf, argc, argv, NULL) != SLED_OK) {
        sled_conf_free(&conf);
        return 2;
    }

    sled_mcp_socket = conf.socket;
    text = malloc(SLED_MCP_LINE);
    len = 0;

    while (text && !sled_mcp_broken) {
        fds[0].fd = STDIN_FILENO;
        fds[0].events = POLLIN;
        n = 1;

        for (i = 0; i < SLED_MCP_CALLS; i++) {
            if (sled_mcp_calls[i].id) {
                fds[n].fd = sled_mcp_calls[i].client.fd;
                fds[n].events = POLLIN;
                map[n++] = i;
            }
        }

        if (poll(fds, n, -1) == -1) {
            if (errno == EINTR) {
                continue;
            }

            break;
        }

        for (i = 1; i < n; i++) {
            if (fds[i].revents) {
                sled_mcp_reply(&sled_mcp_calls[map[i]]);
            }
        }

        if (fds[0].revents == 0) {
            continue;
        }

        got = read(STDIN_FILENO, text + len, SLED_MCP_LINE - len);

        if (got <= 0) {
            if (got == -1 && errno == EINTR) {
                continue;
            }

            break;
        }

        len += got;
        used = 0;

        while ((end = memchr(text + used, '\n', len - used)) != NULL) {
            sled_mcp_message(text + used, end - text - used);
            used = end + 1 - text;
        }

        memmove(text, text + used, len - used);
        len -= used;

        if (len == SLED_MCP_LINE) {
            sled_mcp_error(NULL, -32600, "the message is too long");
            break;
        }
    }

    for (i = 0; i < SLED_MCP_CALLS; i++) {
        if (sled_mcp_calls[i].id) {
            sled_mcp_end(&sled_mcp_calls[i]);
        }
    }

    free(text);
    sled_conf_free(&conf);

    return 0;
}


static void
sled_mcp_message(const char *text, size_t len)
{
    size_t        i;
    json_t       *message, *part;
    json_error_t  error;

    while (len && (text[len - 1] == '\r' || text[len - 1] == ' ')) {
        len--;
    }

    if (len == 0) {
        return;
    }

    message = json_loadb(text, len, 0, &error);

    if (message == NULL) {
        sled_mcp_error(NULL, -32700, "not JSON");
        return;
    }

    if (json_is_array(message) && json_array_size(message) > 0) {

        /* a batch: its answers may come one by one */

        json_array_foreach(message, i, part) {
            sled_mcp_dispatch(part);
        }

    } else {
        sled_mcp_dispatch(message);
    }

    json_decref(message);
}


static void
sled_mcp_dispatch(json_t *message)
{
    json_t                   *id, *params;
    const char               *method;
    const sled_mcp_method_t  *m;

    id = json_object_get(message, "id");
    params = json_object_get(message, "params");
    method = sled_json_text(message, "method");

    if (method == NULL) {
        if (json_object_get(message, "result") == NULL
            && json_object_get(message, "error") == NULL)
        {
            sled_mcp_error(id, -32600, "not a request");
        }

        return;
    }

    for (m = sled_mcp_methods; m->method; m++) {
        if (strcmp(m->method, method) == 0) {
            break;
        }
    }

    if (m->method && (id || strncmp(method, "notifications/", 14) == 0)) {
        m->handler(id, params);

    } else if (id) {
        sled_mcp_error(id, -32601, "unknown method");
    }
}


static void
sled_mcp_initialize(json_t *id, json_t *params)
{
    size_t       i;
    const char  *asked;

    asked = sled_json_text(params, "protocolVersion") ?: "";

    for (i = 0; i < SLED_MCP_VERSIONS - 1; i++) {
        if (strcmp(sled_mcp_versions[i], asked) == 0) {
            break;
        }
    }

    sled_mcp_result(id, json_pack("{ss, s{s{}}, s{ss, ss}}",
                                  "protocolVersion", sled_mcp_versions[i],
                                  "capabilities", "tools",
                                  "serverInfo", "name", "sled",
                                  "version", SLED_VERSION));
}


static void
sled_mcp_ping(json_t *id, json_t *params)
{
    sled_mcp_result(id, json_object());
}


static void
sled_mcp_list(json_t *id, json_t *params)
{
    sled_mcp_result(id, json_loads(sled_mcp_tools, 0, NULL));
}


static void
sled_mcp_tool(json_t *id, json_t *params)
{
    int               i;
    json_t           *arguments, *tool, *input, *payload;
    sled_mcp_call_t  *call;

    arguments = json_object_get(params, "arguments");
    tool = json_object_get(arguments, "tool_name");
    input = json_object_get(arguments, "input");

    if (strcmp(sled_json_text(params, "name") ?: "", "approve") != 0) {
        sled_mcp_error(id, -32602, "unknown tool");
        return;
    }

    if (!json_is_string(tool) || !json_is_object(input)) {
        sled_mcp_error(id, -32602, "tool_name or input is missing");
        return;
    }

    for (i = 0; i < SLED_MCP_CALLS && sled_mcp_calls[i].id; i++) {
        /* void */
    }

    if (i == SLED_MCP_CALLS) {
        sled_mcp_deny(id, "too many requests are waiting");
        return;
    }

    call = &sled_mcp_calls[i];

    payload = json_pack("{sO, sO, sO*}", "tool_name", tool,
                        "tool_input", input, "tool_use_id",
                        json_object_get(arguments, "tool_use_id"));

    if (sled_client_open(&call->client, sled_mcp_socket) != SLED_OK
        || sled_client_send(&call->client,
                            json_pack("{ss, ss, sO}", "op", "ask",
                                      "kind", "perm", "payload", payload))
           != SLED_OK)
    {
        json_decref(payload);
        sled_client_close(&call->client);
        sled_mcp_deny(id, "no sled is running: nobody can be asked");
        return;
    }

    json_decref(payload);

    call->id = json_incref(id);
    call->input = json_incref(input);
    call->answered = 0;
}


/* who asked does not wait any more: closing the socket withdraws it */

static void
sled_mcp_cancelled(json_t *id, json_t *params)
{
    int      i;
    json_t  *which;

    which = json_object_get(params, "requestId");

    for (i = 0; i < SLED_MCP_CALLS; i++) {
        if (sled_mcp_calls[i].id && !sled_mcp_calls[i].answered
            && json_equal(sled_mcp_calls[i].id, which))
        {
            sled_mcp_end(&sled_mcp_calls[i]);
        }
    }
}


static void
sled_mcp_reply(sled_mcp_call_t *call)
{
    json_t  *reply;

    reply = sled_client_read(&call->client);

    if (reply == NULL && errno == EAGAIN) {
        return;
    }

    if (call->answered) {

        /* that it knows of our "applied" */

        json_decref(reply);
        sled_mcp_end(call);
        return;
    }

    if (reply == NULL) {
        sled_mcp_deny(call->id, "the sled went away");
        sled_mcp_end(call);
        return;
    }

    sled_mcp_behavior(call->id, reply, call->input);
    json_decref(reply);

    if (sled_mcp_broken
        || sled_client_send(&call->client,
                            json_pack("{ss, sb}", "op", "applied",
                                      "applied", 1))
           != SLED_OK)
    {
        sled_mcp_end(call);
        return;
    }

    call->answered = 1;
}


static void
sled_mcp_behavior(json_t *id, json_t *reply, json_t *input)
{
    char         text[512];
    char        *out;
    json_t      *behavior, *updated;
    const char  *message;

    if (!sled_json_flag(reply, "approved")) {
        message = sled_json_text(reply, "message");

        if (message == NULL) {
            snprintf(text, sizeof(text), "not allowed: %s",
                     sled_json_text(reply, "reason") ?: "error");
            message = text;
        }

        sled_mcp_deny(id, message);
        return;
    }

    updated = json_object_get(reply, "updated_input");

    behavior = json_pack("{ss, sO}", "behavior", "allow", "updatedInput",
                         json_is_object(updated) ? updated : input);

    out = json_dumps(behavior, JSON_COMPACT);
    json_decref(behavior);

    sled_mcp_result(id, json_pack("{s[{ss, ss}]}", "content", "type", "text",
                                  "text", out));
    free(out);
}


static void
sled_mcp_deny(json_t *id, const char *message)
{
    char    *out;
    json_t  *behavior;

    behavior = json_pack("{ss, ss}", "behavior", "deny", "message", message);

    out = json_dumps(behavior, JSON_COMPACT);
    json_decref(behavior);

    sled_mcp_result(id, json_pack("{s[{ss, ss}]}", "content", "type", "text",
                                  "text", out));
    free(out);
}


static void
sled_mcp_result(json_t *id, json_t *result)
{
    sled_mcp_send(json_pack("{ss, sO, so}", "jsonrpc", "2.0", "id", id,
                            "result", result));
}


static void
sled_mcp_error(json_t *id, int code, const char *message)
{
    sled_mcp_send(json_pack("{ss, sO?, s{si, ss}}", "jsonrpc", "2.0",
                            "id", id, "error", "code", code,
                            "message", message));
}


static void
sled_mcp_send(json_t *message)
{
    if (message == NULL
        || json_dumpf(message, stdout, JSON_COMPACT) != 0
        || putchar('\n') == EOF || fflush(stdout) == EOF)
    {
        sled_mcp_broken = 1;
    }

    json_decref(message);
}


static void
sled_mcp_end(sled_mcp_call_t *call)
{
    sled_client_close(&call->client);
    json_decref(call->id);
    json_decref(call->input);

    call->id = NULL;
}
