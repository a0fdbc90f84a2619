
/*
 * Terminals as the gateway sees them: what it says in messages terminal.*.
 */


#include "config.h"
#include "terminal.h"
#include "uplink.h"


#define SLED_TERMINAL_HELD  10000


static int sled_terminal_checked(json_t *payload, const char *request_id,
    sled_task_t *task, sled_spawn_t *spawn);
static unsigned sled_terminal_size(json_t *payload, const char *name,
    unsigned none);
static sled_session_t *sled_terminal_find(json_t *payload);
static void sled_terminal_input(sled_session_t *s, const unsigned char *data,
    size_t len);
static void sled_terminal_hangup(sled_session_t *s, const char *reason);
static void sled_terminal_idle(sled_timer_t *timer);
static void sled_terminal_held(sled_timer_t *timer);


static const sled_conf_t     *sled_terminal_conf;
static const sled_backend_t  *sled_terminal_backend;

sled_session_t   *sled_sessions;
sled_session_t  **sled_sessions_last = &sled_sessions;

static size_t            sled_nsessions;
static int               sled_terminal_ending;
static sled_timer_t      sled_terminal_timer;


void
sled_terminal_init(const sled_conf_t *conf, const sled_backend_t *backend)
{
    sled_terminal_conf = conf;
    sled_terminal_backend = backend;
    sled_terminal_timer.handler = sled_terminal_held;
}


void
sled_terminal_free(void)
{
    sled_timer_del(&sled_terminal_timer);

    while (sled_sessions) {
        sled_terminal_remove(sled_sessions);
    }
}


size_t
sled_terminal_count(void)
{
    return sled_nsessions;
}


void
sled_terminal_open(const char *type, const char *req_id, json_t *payload)
{
    const char      *request_id, *handle, *task_id, *code, *message;
    sled_task_t     *task;
    sled_spawn_t     spawn;
    sled_session_t  *s;

    request_id = sled_json_text(payload, "request_id") ?: "";
    task_id = sled_json_text(payload, "task_id") ?: "";
    task = sled_conf_task(sled_terminal_conf, task_id);

    memset(&spawn, 0, sizeof(spawn));

    if (sled_terminal_checked(payload, request_id, task, &spawn) != SLED_OK) {
        return;
    }

    s = calloc(1, sizeof(sled_session_t));

    if (s == NULL
        || sled_ring_init(&s->ring, sled_terminal_conf->scrollback)
           != SLED_OK)
    {
        free(s);
        sled_terminal_told_error(request_id, NULL, "internal",
                                 "out of memory");
        return;
    }

    sled_random_hex(s->id, SLED_SESSION_ID);

    s->request_id = sled_copy(request_id);
    s->backend = sled_terminal_backend;
    s->idle.handler = sled_terminal_idle;
    s->idle.data = s;

    handle = sled_json_text(payload, "handle");

    if (handle && strlen(handle) == 16
        && strspn(handle, "0123456789abcdefABCDEF") == 16)
    {
        s->has_handle = 1;
        s->handle = strtoull(handle, NULL, 16);
    }

    *sled_sessions_last = s;
    sled_sessions_last = &s->next;
    sled_nsessions++;

    s->host = s->backend->open(s, &spawn, &code, &message);

    if (s->host == NULL) {
        sled_session_failed(s, code, message);
        return;
    }

    s->active = sled_now();

    if (sled_terminal_conf->idle_timeout) {
        sled_timer_set(&s->idle, sled_terminal_conf->idle_timeout);
    }
}


static int
sled_terminal_checked(json_t *payload, const char *request_id,
    sled_task_t *task, sled_spawn_t *spawn)
{
    const char  *workspace;

    spawn->task = sled_json_text(payload, "task_id");
    spawn->workspace = sled_json_text(payload, "workspace_id");
    spawn->issue = sled_json_text(payload, "issue_id");
    spawn->user = sled_json_text(payload, "user_id");
    spawn->work_dir = sled_json_text(payload, "work_dir");
    spawn->prior_session = sled_json_text(payload, "prior_session_id");
    spawn->cols = sled_terminal_size(payload, "cols", 80);
    spawn->rows = sled_terminal_size(payload, "rows", 24);

    workspace = task ? task->workspace : sled_terminal_conf->workspace;

    if (task) {
        spawn->issue = spawn->issue ?: task->issue;
        spawn->work_dir = spawn->work_dir ?: task->dir;
        spawn->prior_session = spawn->prior_session ?: task->session;
    }

    if (workspace && strcmp(workspace, spawn->workspace ?: "") != 0) {
        sled_terminal_told_error(request_id, NULL, "workspace_mismatch",
                                 "this task is of another workspace");
        return SLED_ERROR;
    }

    if (sled_terminal_ending) {
        sled_terminal_told_error(request_id, NULL, "spawn_failed",
                                 "the sled stops");
        return SLED_ERROR;
    }

    if (sled_nsessions >= sled_terminal_conf->max_sessions) {
        sled_terminal_told_error(request_id, NULL, "too_many_terminals",
                                 "this sled has as many terminals as it may "
                                 "have");
        return SLED_ERROR;
    }

    return SLED_OK;
}


static unsigned
sled_terminal_size(json_t *payload, const char *name, unsigned none)
{
    int64_t  n;

    n = sled_json_number(payload, name, 0);

    return (n >= 1 && n <= 10000) ? (unsigned) n : none;
}


static sled_session_t *
sled_terminal_find(json_t *payload)
{
    const char      *id, *request_id;
    sled_session_t  *s;

    id = sled_json_text(payload, "session_id");
    request_id = id ? NULL : sled_json_text(payload, "request_id");

    for (s = sled_sessions; s; s = s->next) {
        if ((id && strcmp(s->id, id) == 0)
            || (request_id && strcmp(s->request_id, request_id) == 0))
        {
            return s;
        }
    }

    return NULL;
}


void
sled_terminal_data(const char *type, const char *req_id, json_t *payload)
{
    ssize_t          n;
    json_t          *value;
    sled_session_t  *s;

    static unsigned char  data[SLED_MAX_IN];

    s = sled_terminal_find(payload);
    value = json_object_get(payload, "data_b64");

    if (s == NULL || !json_is_string(value)) {
        return;
    }

    n = sled_unbase64(data, json_string_value(value),
                      json_string_length(value));

    if (n < 0) {
        sled_terminal_told_error(NULL, s->id, "bad_request",
                                 "data_b64 is not base64");
        return;
    }

    sled_terminal_input(s, data, n);
}


void
sled_terminal_binary(const unsigned char *data, size_t len)
{
    int              i;
    uint64_t         handle;
    sled_session_t  *s;

    if (len < SLED_TERMINAL_BIN || data[0] != 0x01) {
        sled_log(SLED_LOG_WARN, "bad_message", "binary, from the gateway");
        return;
    }

    handle = 0;

    for (i = 1; i < SLED_TERMINAL_BIN; i++) {
        handle = handle << 8 | data[i];
    }

    for (s = sled_sessions; s; s = s->next) {
        if (s->has_handle && s->handle == handle) {
            sled_terminal_input(s, data + SLED_TERMINAL_BIN,
                                len - SLED_TERMINAL_BIN);
            break;
        }
    }
}


static void
sled_terminal_input(sled_session_t *s, const unsigned char *data, size_t len)
{
    if (!s->opened || s->ended || s->closing || len == 0) {
        return;
    }

    s->active = sled_now();

    if (s->backend->input(s->host, data, len) != SLED_OK) {
        sled_terminal_told_error(NULL, s->id, "slow_consumer",
                                 "the program does not read its input, this "
                                 "part of it was dropped");
    }
}


void
sled_terminal_resize(const char *type, const char *req_id, json_t *payload)
{
    sled_session_t  *s;

    s = sled_terminal_find(payload);

    if (s && s->host) {
        s->backend->resize(s->host, sled_terminal_size(payload, "cols", 80),
                           sled_terminal_size(payload, "rows", 24));
    }
}


void
sled_terminal_close(const char *type, const char *req_id, json_t *payload)
{
    sled_session_t  *s;

    s = sled_terminal_find(payload);

    if (s) {
        sled_terminal_hangup(s, "client_close");
    }
}


/* what it still says has no reader: the exit does not wait for that */

static void
sled_terminal_hangup(sled_session_t *s, const char *reason)
{
    if (s->closing) {
        return;
    }

    s->closing = 1;
    s->sent = s->ring.end;
    s->confirmed = s->ring.end;

    if (s->ended) {
        sled_uplink_write(&sled_uplink);
        return;
    }

    snprintf(s->reason, sizeof(s->reason), "%s", reason);

    s->backend->hangup(s->host);
}


void
sled_terminal_pause(const char *type, const char *req_id, json_t *payload)
{
    sled_session_t  *s;

    s = sled_terminal_find(payload);

    if (s == NULL) {
        return;
    }

    s->paused = (strcmp(type, "terminal.pause") == 0);

    if (s->host) {
        s->backend->flow(s->host);
    }

    sled_uplink_write(&sled_uplink);
}


void
sled_terminal_attach(const char *type, const char *req_id, json_t *payload)
{
    int64_t          offset;
    const char      *request_id;
    sled_session_t  *s;

    s = sled_terminal_find(payload);
    request_id = sled_json_text(payload, "request_id") ?: "";

    if (s == NULL || !s->opened || s->closing) {
        sled_terminal_told_error(request_id,
                                 sled_json_text(payload, "session_id"),
                                 "session_not_found",
                                 "there is no such terminal");
        return;
    }

    offset = sled_json_number(payload, "offset", 0);

    if (offset < 0 || (uint64_t) offset > s->ring.end) {
        sled_terminal_told_error(request_id, s->id, "bad_request",
                                 "there is no such offset yet");
        return;
    }

    if ((uint64_t) offset < sled_ring_start(&s->ring)) {
        offset = sled_ring_start(&s->ring);
    }

    s->sent = offset;
    s->marked = offset;
    s->confirmed = offset;
    s->held = 0;
    s->paused = 0;
    s->exit_sent = 0;
    s->exit_marked = 0;

    sled_terminal_told_opened(s, request_id, offset, 1);

    if (s->host) {
        s->backend->flow(s->host);
    }
}


static void
sled_terminal_idle(sled_timer_t *timer)
{
    uint64_t         silent;
    sled_session_t  *s;

    s = timer->data;
    silent = sled_now() - s->active;

    if (silent >= sled_terminal_conf->idle_timeout) {
        sled_terminal_hangup(s, "idle_timeout");

    } else {
        sled_timer_set(timer, sled_terminal_conf->idle_timeout - silent);
    }
}


/* the gateway says for each how far it got; an old one may not */

void
sled_terminal_up(void)
{
    if (sled_sessions) {
        sled_timer_set(&sled_terminal_timer, SLED_TERMINAL_HELD);
    }
}


static void
sled_terminal_held(sled_timer_t *timer)
{
    sled_session_t  *s;

    for (s = sled_sessions; s; s = s->next) {
        s->held = 0;
    }

    sled_uplink_write(&sled_uplink);
}


void
sled_terminal_down(void)
{
    sled_session_t  *s;

    sled_timer_del(&sled_terminal_timer);

    for (s = sled_sessions; s; s = s->next) {
        s->held = s->opened && !s->closing;
        s->exit_sent = 0;
        s->exit_marked = 0;
    }
}


/* the gateway has told everybody that they are gone */

void
sled_terminal_lost(void)
{
    sled_session_t  *s, *next;

    for (s = sled_sessions; s; s = next) {
        next = s->next;

        if (s->ended) {
            sled_terminal_remove(s);

        } else {
            s->orphan = 1;
            sled_terminal_hangup(s, "sled_lost");
        }
    }
}


void
sled_terminal_shutdown(const char *reason)
{
    sled_session_t  *s;

    sled_terminal_ending = 1;

    for (s = sled_sessions; s; s = s->next) {
        sled_terminal_hangup(s, reason);
    }
}


void
sled_terminal_remove(sled_session_t *s)
{
    sled_session_t  **p;

    for (p = &sled_sessions; *p; p = &(*p)->next) {
        if (*p == s) {
            *p = s->next;
            sled_nsessions--;
            break;
        }
    }

    if (*p == NULL) {
        sled_sessions_last = p;
    }

    sled_timer_del(&s->idle);

    if (s->host) {
        s->backend->forget(s->host);
    }

    sled_ring_free(&s->ring);
    free(s->request_id);
    free(s->work_dir);
    free(s->shell);
    free(s);
}
