
/*
 * Terminals, files and commands of the host at the other end of ssh.
 */


#include "config.h"
#include "run.h"
#include "ssh.h"
#include "terminal.h"
#include "uplink.h"

#include <arpa/inet.h>


#define SLED_REMOTE_CALLS    256
#define SLED_REMOTE_LIMIT    120000
#define SLED_REMOTE_GRANT    16384


typedef struct sled_host_s  sled_host_t;
typedef struct sled_call_s  sled_call_t;


/* a terminal */

struct sled_host_s {
    sled_host_t       *next;
    sled_session_t    *session;
    uint32_t           channel;
    size_t             granted;         /* it may still send so much */
    sled_timer_t       gone;
};


/* a file or a command */

struct sled_call_s {
    sled_call_t       *next;
    uint64_t           id;
    char              *correlation_id;
    char              *req_id;
    sled_timer_t       limit;
};


typedef struct {
    const char        *method;
    const char        *path;
    const char        *call;
} sled_remote_route_t;


static void *sled_remote_open(sled_session_t *s, const sled_spawn_t *spawn,
    const char **code, const char **message);
static int sled_remote_input(void *data, const unsigned char *input,
    size_t len);
static void sled_remote_resize(void *data, unsigned cols, unsigned rows);
static void sled_remote_hangup(void *data);
static void sled_remote_flow(void *data);
static void sled_remote_forget(void *data);
static void sled_remote_gone(sled_timer_t *timer);
static sled_host_t *sled_remote_find(uint32_t channel);
static void sled_remote_message(json_t *message);
static void sled_remote_result(json_t *message);
static void sled_remote_late(sled_timer_t *timer);
static void sled_remote_answer(sled_call_t *call, int status, json_t *body,
    const char *bytes, int64_t size);
static void sled_remote_fail(sled_call_t *call, int status, const char *code,
    const char *message);
static json_t *sled_remote_query(json_t *message, const char *query);


const sled_backend_t  sled_remote_backend = {
    sled_remote_open,
    sled_remote_input,
    sled_remote_resize,
    sled_remote_hangup,
    sled_remote_flow,
    sled_remote_forget
};


static const sled_remote_route_t  sled_remote_routes[] = {
    { "GET", "/files", "read" },
    { "PUT", "/files", "write" },
    { "GET", "/ls", "ls" },
    { "GET", "/stat", "stat" },
    { "POST", "/run", "run" },
    { NULL, NULL, NULL }
};


static const sled_conf_t  *sled_remote_conf;
static sled_host_t        *sled_hosts;
static sled_call_t        *sled_calls;
static size_t              sled_ncalls;
static uint32_t            sled_remote_channel;
static uint64_t            sled_remote_serial;
static int                 sled_remote_online;


void
sled_remote_init(const sled_conf_t *conf)
{
    sled_remote_conf = conf;
}


/* the gateway hears of us when there is something to offer */

void
sled_remote_ready(void)
{
    if (!sled_remote_online) {
        sled_remote_online = 1;
        sled_run_online();
    }
}


/* whatever was on its way may or may not have been done: everybody is told */

void
sled_remote_lost(const char *why)
{
    sled_host_t  *host;

    for (host = sled_hosts; host; host = host->next) {
        sled_timer_set(&host->gone, 0);
    }

    while (sled_calls) {
        sled_remote_fail(sled_calls, 502, "host_lost", "the link to the host "
                         "was lost: it may have been done, or not");
    }
}


void
sled_remote_free(void)
{
    while (sled_calls) {
        sled_remote_fail(sled_calls, 503, "shutdown", "the sled stops");
    }
}


static void *
sled_remote_open(sled_session_t *s, const sled_spawn_t *spawn,
    const char **code, const char **message)
{
    json_t       *env, *json;
    sled_host_t  *host;

    *code = "spawn_failed";
    *message = "the host cannot be reached now";

    if (!sled_ssh_ready()) {
        return NULL;
    }

    host = calloc(1, sizeof(sled_host_t));
    if (host == NULL) {
        return NULL;
    }

    host->session = s;
    host->channel = ++sled_remote_channel;
    host->granted = s->ring.size;
    host->gone.handler = sled_remote_gone;
    host->gone.data = host;

    env = json_pack("{ss*, ss*, ss*, ss*, ss, ss*}",
                    "UPLINK_WORKSPACE_ID", spawn->workspace,
                    "UPLINK_TASK_ID", spawn->task,
                    "UPLINK_ISSUE_ID", spawn->issue,
                    "UPLINK_USER_ID", spawn->user,
                    "UPLINK_SESSION_ID", s->id,
                    "CLAUDE_SESSION_ID", spawn->prior_session);

    json = json_pack("{ss, si, ss*, si, si, sI, ss*, so}", "op", "open",
                     "ch", (int) host->channel, "work_dir", spawn->work_dir,
                     "cols", (int) spawn->cols, "rows", (int) spawn->rows,
                     "credit", (json_int_t) host->granted,
                     "shell", sled_remote_conf->shell, "env", env);

    if (sled_ssh_json(json) != SLED_OK) {
        free(host);
        return NULL;
    }

    host->next = sled_hosts;
    sled_hosts = host;

    return host;
}


static int
sled_remote_input(void *data, const unsigned char *input, size_t len)
{
    sled_host_t  *host;

    host = data;

    return sled_ssh_send('D', host->channel, input, len);
}


static void
sled_remote_resize(void *data, unsigned cols, unsigned rows)
{
    sled_host_t  *host;

    host = data;

    (void) sled_ssh_json(json_pack("{ss, si, si, si}", "op", "resize",
                                   "ch", (int) host->channel,
                                   "cols", (int) cols, "rows", (int) rows));
}


static void
sled_remote_hangup(void *data)
{
    sled_host_t  *host;

    host = data;

    if (sled_ssh_json(json_pack("{ss, si}", "op", "hangup",
                                "ch", (int) host->channel))
        != SLED_OK)
    {
        sled_timer_set(&host->gone, 0);
    }
}


/* credit for the room that there is, less what is on its way */

static void
sled_remote_flow(void *data)
{
    size_t        room;
    uint32_t      n;
    sled_host_t  *host;

    host = data;
    room = sled_session_space(host->session);

    if (room <= host->granted
        || (room - host->granted < SLED_REMOTE_GRANT && host->granted))
    {
        return;
    }

    n = htonl(room - host->granted);

    if (sled_ssh_send('C', host->channel, &n, sizeof(n)) == SLED_OK) {
        host->granted = room;
    }
}


static void
sled_remote_forget(void *data)
{
    sled_host_t  *host, **p;

    host = data;

    for (p = &sled_hosts; *p; p = &(*p)->next) {
        if (*p == host) {
            *p = host->next;
            break;
        }
    }

    sled_timer_del(&host->gone);
    free(host);
}


static void
sled_remote_gone(sled_timer_t *timer)
{
    sled_host_t  *host;

    host = timer->data;

    if (host->session->opened) {
        sled_session_ended(host->session, -1, "host_lost");

    } else {
        sled_session_failed(host->session, "spawn_failed",
                            "the link to the host was lost");
    }
}


static sled_host_t *
sled_remote_find(uint32_t channel)
{
    sled_host_t  *host;

    for (host = sled_hosts; host; host = host->next) {
        if (host->channel == channel) {
            return host;
        }
    }

    return NULL;
}


void
sled_remote_frame(char kind, uint32_t channel, const unsigned char *data,
    size_t len)
{
    json_t       *message;
    sled_host_t  *host;

    if (kind == 'D') {
        host = sled_remote_find(channel);

        if (host == NULL) {
            return;
        }

        if (len > host->granted) {
            sled_ssh_broken("the agent sends more than it may");
            return;
        }

        host->granted -= len;
        sled_session_put(host->session, data, len);

        if (host->session->closing) {
            sled_remote_flow(host);
        }

        return;
    }

    message = json_loadb((const char *) data, len, 0, NULL);

    if (json_is_object(message)) {
        sled_remote_message(message);
    }

    json_decref(message);
}


static void
sled_remote_message(json_t *message)
{
    const char   *op;
    sled_host_t  *host;

    op = sled_json_text(message, "op") ?: "";

    if (strcmp(op, "result") == 0) {
        sled_remote_result(message);
        return;
    }

    host = sled_remote_find(sled_json_number(message, "ch", 0));

    if (host == NULL) {
        return;
    }

    if (strcmp(op, "opened") == 0) {
        sled_session_opened(host->session,
                            sled_json_text(message, "work_dir") ?: "",
                            sled_json_text(message, "shell") ?: "");

    } else if (strcmp(op, "failed") == 0) {
        sled_session_failed(host->session,
                            sled_json_text(message, "code") ?: "internal",
                            sled_json_text(message, "message") ?: "");

    } else if (strcmp(op, "exit") == 0) {
        sled_session_ended(host->session,
                           sled_json_number(message, "code", -1),
                           sled_json_text(message, "reason") ?: "exited");

    } else if (strcmp(op, "overflow") == 0) {
        sled_terminal_told_error(NULL, host->session->id, "slow_consumer",
                                 "the program does not read its input, this "
                                 "part of it was dropped");
    }
}


void
sled_remote_http(const char *type, const char *req_id, json_t *payload)
{
    size_t                       len;
    json_t                      *message, *body;
    const char                  *path, *method, *text;
    sled_call_t                 *call;
    const sled_remote_route_t   *route;

    call = calloc(1, sizeof(sled_call_t));
    if (call == NULL) {
        return;
    }

    call->id = ++sled_remote_serial;
    call->req_id = sled_copy(req_id);
    call->correlation_id = sled_copy(sled_json_text(payload,
                                                    "correlation_id"));
    call->limit.handler = sled_remote_late;
    call->limit.data = call;
    call->next = sled_calls;
    sled_calls = call;
    sled_ncalls++;

    method = sled_json_text(payload, "method") ?: "";
    path = sled_json_text(payload, "path") ?: "";
    len = strcspn(path, "?");

    for (route = sled_remote_routes; route->call; route++) {
        if (strcmp(route->method, method) == 0
            && strlen(route->path) == len
            && strncmp(route->path, path, len) == 0)
        {
            break;
        }
    }

    if (route->call == NULL || sled_remote_conf == NULL) {
        sled_remote_fail(call, 404, "not_found", "there is no such call");
        return;
    }

    if (!sled_ssh_ready()) {
        sled_remote_fail(call, 503, "host_away",
                         "the host cannot be reached now");
        return;
    }

    if (sled_ncalls > SLED_REMOTE_CALLS) {
        sled_remote_fail(call, 503, "too_many_requests",
                         "too many calls are waiting");
        return;
    }

    text = sled_json_text(payload, "body_b64") ?: "";
    message = json_object();

    if (strcmp(route->call, "run") == 0) {
        unsigned char  *bytes;
        ssize_t         n;

        bytes = malloc(strlen(text) + 1);
        n = bytes ? sled_unbase64(bytes, text, strlen(text)) : -1;
        body = (n >= 0) ? json_loadb((char *) bytes, n, 0, NULL) : NULL;
        free(bytes);

        if (!json_is_object(body)) {
            json_decref(body);
            json_decref(message);
            sled_remote_fail(call, 400, "bad_request",
                             "the body must be a JSON object");
            return;
        }

        json_decref(message);
        message = body;

    } else if (strcmp(route->call, "write") == 0) {
        json_object_set_new(message, "body", json_string(text));
    }

    message = sled_remote_query(message, path + len);

    json_object_set_new(message, "op", json_string("call"));
    json_object_set_new(message, "call", json_string(route->call));
    json_object_set_new(message, "id", json_integer(call->id));

    if (sled_ssh_json(message) != SLED_OK) {
        sled_remote_fail(call, 503, "host_away",
                         "the host cannot be reached now");
        return;
    }

    sled_timer_set(&call->limit, SLED_REMOTE_LIMIT);
}


/* ?name=value&..., numbers where it takes numbers */

static json_t *
sled_remote_query(json_t *message, const char *query)
{
    char         value[4096], name[32], *p;
    size_t       n;
    unsigned     byte;
    const char  *end;

    while (*query == '?' || *query == '&') {
        query++;
        n = strcspn(query, "=&");

        if (query[n] != '=' || n >= sizeof(name)) {
            query += strcspn(query, "&");
            continue;
        }

        memcpy(name, query, n);
        name[n] = '\0';
        query += n + 1;
        end = query + strcspn(query, "&");

        for (p = value; query < end && p < value + sizeof(value) - 1; p++) {

            if (*query == '%' && end - query >= 3
                && sscanf(query + 1, "%2x", &byte) == 1)
            {
                *p = (char) byte;
                query += 3;

            } else {
                *p = (*query == '+') ? ' ' : *query;
                query++;
            }
        }

        *p = '\0';
        query = end;

        if (strcmp(name, "offset") == 0 || strcmp(name, "length") == 0) {
            json_object_set_new(message, name,
                                json_integer(strtoll(value, NULL, 10)));

        } else {
            json_object_set_new(message, name, json_string(value));
        }
    }

    return message;
}


static void
sled_remote_result(json_t *message)
{
    int64_t       id;
    sled_call_t  *call;

    id = sled_json_number(message, "id", 0);

    for (call = sled_calls; call; call = call->next) {
        if (call->id == (uint64_t) id) {
            sled_remote_answer(call, sled_json_number(message, "status", 500),
                               json_incref(json_object_get(message, "json")),
                               sled_json_text(message, "body"),
                               sled_json_number(message, "size", -1));
            return;
        }
    }
}


/* what has not been begun is not begun any more */

static void
sled_remote_late(sled_timer_t *timer)
{
    sled_call_t  *call;

    call = timer->data;

    (void) sled_ssh_json(json_pack("{ss, sI}", "op", "cancel", "id",
                                   (json_int_t) call->id));
    sled_remote_fail(call, 504, "timeout", "it took too long, and was ended");
}


static void
sled_remote_fail(sled_call_t *call, int status, const char *code,
    const char *message)
{
    sled_remote_answer(call, status,
                       json_pack("{s{ss, ss}}", "error", "code", code,
                                 "message", message), NULL, -1);
}


static void
sled_remote_answer(sled_call_t *call, int status, json_t *body,
    const char *bytes, int64_t size)
{
    char           *text, *b64, number[32];
    json_t         *payload, *headers;
    sled_call_t   **p;

    headers = json_pack("[[ss]]", "Content-Type",
                        body ? "application/json"
                             : "application/octet-stream");

    if (size >= 0) {
        snprintf(number, sizeof(number), "%ld", (long) size);
        json_array_append_new(headers, json_pack("[ss]", "X-File-Size",
                                                 number));
    }

    payload = json_pack("{ss, si, so}", "correlation_id",
                        call->correlation_id, "status", status,
                        "headers", headers);

    if (body) {
        text = json_dumps(body, JSON_COMPACT);
        b64 = text ? calloc(1, strlen(text) * 4 / 3 + 8) : NULL;

        if (b64) {
            (void) sled_base64(b64, text, strlen(text));
            json_object_set_new(payload, "body_b64", json_string(b64));
        }

        free(b64);
        free(text);
        json_decref(body);

    } else if (bytes) {
        json_object_set_new(payload, "body_b64", json_string(bytes));
    }

    (void) sled_uplink_send(&sled_uplink, "http_response", call->req_id,
                            payload, 0);

    for (p = &sled_calls; *p; p = &(*p)->next) {
        if (*p == call) {
            *p = call->next;
            sled_ncalls--;
            break;
        }
    }

    sled_timer_del(&call->limit);
    free(call->correlation_id);
    free(call->req_id);
    free(call);
}
