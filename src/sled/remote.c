
/*
 * Terminals of the host at the other end of ssh.
 */


#include "config.h"
#include "run.h"
#include "ssh.h"
#include "terminal.h"
#include "uplink.h"

#include <arpa/inet.h>


#define SLED_REMOTE_GRANT  16384


typedef struct sled_host_s  sled_host_t;


/* a terminal */

struct sled_host_s {
    sled_host_t       *next;
    sled_session_t    *session;
    uint32_t           channel;
    size_t             granted;         /* it may still send so much */
    sled_timer_t       gone;
};


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


const sled_backend_t  sled_remote_backend = {
    sled_remote_open,
    sled_remote_input,
    sled_remote_resize,
    sled_remote_hangup,
    sled_remote_flow,
    sled_remote_forget
};


const sled_conf_t  *sled_remote_conf;

static sled_host_t  *sled_hosts;
static uint32_t      sled_remote_channel;
static int           sled_remote_online;


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

    sled_remote_calls_end(502, "host_lost", "the link to the host was lost: "
                          "it may have been done, or not");
}


void
sled_remote_free(void)
{
    sled_remote_calls_end(503, "shutdown", "the sled stops");
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
