
/*
 * Files and commands of the host at the other end of ssh: http_request of the
 * gateway.
 */


#include "config.h"
#include "ssh.h"
#include "uplink.h"


#define SLED_REMOTE_CALLS  256
#define SLED_REMOTE_LIMIT  120000


typedef struct sled_call_s  sled_call_t;


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


static void sled_remote_late(sled_timer_t *timer);
static void sled_remote_answer(sled_call_t *call, int status, json_t *body,
    const char *bytes, int64_t size);
static void sled_remote_fail(sled_call_t *call, int status, const char *code,
    const char *message);
static json_t *sled_remote_query(json_t *message, const char *query);


static const sled_remote_route_t  sled_remote_routes[] = {
    { "GET", "/files", "read" },
    { "PUT", "/files", "write" },
    { "GET", "/ls", "ls" },
    { "GET", "/stat", "stat" },
    { "POST", "/run", "run" },
    { NULL, NULL, NULL }
};


static sled_call_t  *sled_calls;
static size_t        sled_ncalls;
static uint64_t      sled_remote_serial;


void
sled_remote_calls_end(int status, const char *code, const char *message)
{
    while (sled_calls) {
        sled_remote_fail(sled_calls, status, code, message);
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


void
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
