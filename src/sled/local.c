
/*
 * The Unix socket, by which local agents ask: one JSON object a line, both
 * ways.
 */


#include "local.h"
#include "perm.h"
#include "rules.h"
#include "terminal.h"
#include "uplink.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>


#define SLED_LOCAL_CLIENTS  512


typedef struct sled_local_s  sled_local_t;

struct sled_local_s {
    sled_local_t   *next;
    sled_watch_t    watch;
    char           *in;
    size_t          len;
    size_t          size;
    char           *out;
    size_t          out_len;
    size_t          out_pos;
    sled_ask_t     *ask;
    char            req_id[64];
    unsigned        asked:1;
    unsigned        applicable:1;       /* answered: it must say so */
    unsigned        ended:1;
};


typedef struct {
    const char     *op;
    void          (*handler)(sled_local_t *local, json_t *request);
} sled_local_op_t;


static void sled_local_accept(sled_watch_t *watch, uint32_t events);
static void sled_local_event(sled_watch_t *watch, uint32_t events);
static int sled_local_read(sled_local_t *local);
static int sled_local_line(sled_local_t *local, char *line, size_t len);
static int sled_local_flush(sled_local_t *local);
static void sled_local_reply(sled_local_t *local, json_t *reply);
static void sled_local_answer(void *data, json_t *reply, int applicable);
static void sled_local_close(sled_local_t *local);

static void sled_local_op_ask(sled_local_t *local, json_t *request);
static void sled_local_op_applied(sled_local_t *local, json_t *request);
static void sled_local_op_rules(sled_local_t *local, json_t *request);
static void sled_local_op_rule_add(sled_local_t *local, json_t *request);
static void sled_local_op_rule_remove(sled_local_t *local, json_t *request);
static void sled_local_op_status(sled_local_t *local, json_t *request);
static void sled_local_op_pause(sled_local_t *local, json_t *request);
static void sled_local_op_resume(sled_local_t *local, json_t *request);


static const sled_local_op_t  sled_local_ops[] = {
    { "ask", sled_local_op_ask },
    { "applied", sled_local_op_applied },
    { "rules", sled_local_op_rules },
    { "rule_add", sled_local_op_rule_add },
    { "rule_remove", sled_local_op_rule_remove },
    { "status", sled_local_op_status },
    { "pause", sled_local_op_pause },
    { "resume", sled_local_op_resume },
    { NULL, NULL }
};


static char          *sled_local_path;
static sled_watch_t   sled_local_watch = { -1, 0, 0, NULL, NULL };
static sled_local_t  *sled_locals;
static size_t         sled_nlocals;


int
sled_local_init(const char *path)
{
    int                 fd, rc;
    mode_t              mask;
    struct sockaddr_un  sa;

    memset(&sa, 0, sizeof(sa));
    sa.sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(sa.sun_path)) {
        sled_log(SLED_LOG_ERROR, "socket", "the path is too long: %s", path);
        return SLED_ERROR;
    }

    strcpy(sa.sun_path, path);

    fd = socket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    /* somebody who answers is another sled; who does not, was one */

    if (fd != -1 && connect(fd, (struct sockaddr *) &sa, sizeof(sa)) == 0) {
        sled_log(SLED_LOG_ERROR, "socket", "another sled listens on %s",
                 path);
        close(fd);
        return SLED_ERROR;
    }

    if (fd != -1) {
        close(fd);
    }

    (void) unlink(path);

    fd = socket(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0);

    mask = umask(0177);
    rc = (fd == -1) ? -1 : bind(fd, (struct sockaddr *) &sa, sizeof(sa));
    umask(mask);

    if (rc == -1 || listen(fd, 64) == -1) {
        sled_log(SLED_LOG_ERROR, "socket", "%s: %s", path, strerror(errno));
        return SLED_ERROR;
    }

    sled_local_path = sled_copy(path);

    sled_local_watch.fd = fd;
    sled_local_watch.handler = sled_local_accept;

    return sled_watch_set(&sled_local_watch, EPOLLIN);
}


void
sled_local_free(void)
{
    while (sled_locals) {
        (void) sled_local_flush(sled_locals);
        sled_local_close(sled_locals);
    }

    if (sled_local_watch.fd != -1) {
        sled_watch_del(&sled_local_watch);
        close(sled_local_watch.fd);
        sled_local_watch.fd = -1;
    }

    if (sled_local_path) {
        (void) unlink(sled_local_path);
        free(sled_local_path);
        sled_local_path = NULL;
    }
}


static void
sled_local_accept(sled_watch_t *watch, uint32_t events)
{
    int            fd;
    socklen_t      len;
    sled_local_t  *local;
    struct ucred   cred;

    fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK|SOCK_CLOEXEC);
    if (fd == -1) {
        return;
    }

    len = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1
        || (cred.uid != geteuid() && cred.uid != 0))
    {
        sled_log(SLED_LOG_WARN, "socket", "a stranger was turned away");
        close(fd);
        return;
    }

    local = (sled_nlocals < SLED_LOCAL_CLIENTS)
            ? calloc(1, sizeof(sled_local_t)) : NULL;

    if (local == NULL) {
        sled_log(SLED_LOG_WARN, "socket", "too many clients");
        close(fd);
        return;
    }

    local->watch.fd = fd;
    local->watch.data = local;
    local->watch.handler = sled_local_event;

    local->next = sled_locals;
    sled_locals = local;
    sled_nlocals++;

    if (sled_watch_set(&local->watch, EPOLLIN) != SLED_OK) {
        sled_local_close(local);
    }
}


static void
sled_local_event(sled_watch_t *watch, uint32_t events)
{
    sled_local_t  *local;

    local = watch->data;

    if ((events & (EPOLLIN|EPOLLHUP|EPOLLERR))
        && sled_local_read(local) != SLED_OK)
    {
        local->ended = 1;
    }

    if (local->ended || sled_local_flush(local) != SLED_OK) {
        sled_local_close(local);
    }
}


static int
sled_local_read(sled_local_t *local)
{
    char     *in, *end;
    size_t    used;
    ssize_t   n;

    if (local->size - local->len < 4096) {

        if (local->size >= SLED_LOCAL_LINE) {
            return SLED_ERROR;
        }

        in = realloc(local->in, local->size + 16384);
        if (in == NULL) {
            return SLED_ERROR;
        }

        local->in = in;
        local->size += 16384;
    }

    n = read(local->watch.fd, local->in + local->len,
             local->size - local->len);

    if (n <= 0) {
        return (n == -1 && (errno == EAGAIN || errno == EINTR)) ? SLED_OK
                                                                : SLED_ERROR;
    }

    local->len += n;
    used = 0;

    for ( ;; ) {
        end = memchr(local->in + used, '\n', local->len - used);

        if (end == NULL) {
            break;
        }

        if (sled_local_line(local, local->in + used,
                            end - local->in - used)
            != SLED_OK)
        {
            return SLED_ERROR;
        }

        used = end + 1 - local->in;
    }

    memmove(local->in, local->in + used, local->len - used);
    local->len -= used;

    return SLED_OK;
}


static int
sled_local_line(sled_local_t *local, char *line, size_t len)
{
    json_t                 *request;
    const char             *name;
    json_error_t            error;
    const sled_local_op_t  *op;

    request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);

    name = json_is_object(request) ? sled_json_text(request, "op") : NULL;

    for (op = sled_local_ops; name && op->op; op++) {
        if (strcmp(op->op, name) == 0) {
            op->handler(local, request);
            json_decref(request);
            return SLED_OK;
        }
    }

    sled_log(SLED_LOG_WARN, "socket", "a client sent what is no request");
    json_decref(request);

    return SLED_ERROR;
}


static void
sled_local_reply(sled_local_t *local, json_t *reply)
{
    char    *out;
    size_t   len;

    len = json_dumpb(reply, NULL, 0, JSON_COMPACT);
    out = realloc(local->out, local->out_len + len + 1);

    if (out == NULL) {
        json_decref(reply);
        return;
    }

    (void) json_dumpb(reply, out + local->out_len, len, JSON_COMPACT);
    out[local->out_len + len] = '\n';

    local->out = out;
    local->out_len += len + 1;

    json_decref(reply);

    /* written by the event that follows: nobody is closed from here */

    (void) sled_watch_set(&local->watch, EPOLLIN|EPOLLOUT);
}


static int
sled_local_flush(sled_local_t *local)
{
    ssize_t  n;

    while (local->out_pos < local->out_len) {
        n = send(local->watch.fd, local->out + local->out_pos,
                 local->out_len - local->out_pos, MSG_NOSIGNAL);

        if (n == -1) {
            return (errno == EAGAIN || errno == EINTR) ? SLED_OK
                                                       : SLED_ERROR;
        }

        local->out_pos += n;
    }

    local->out_pos = 0;
    local->out_len = 0;

    return sled_watch_set(&local->watch, EPOLLIN);
}


static void
sled_local_close(sled_local_t *local)
{
    sled_local_t  **p;

    for (p = &sled_locals; *p; p = &(*p)->next) {
        if (*p == local) {
            *p = local->next;
            sled_nlocals--;
            break;
        }
    }

    if (local->ask) {
        sled_perm_withdraw(local->ask);

    } else if (local->applicable) {
        sled_perm_applied(local->req_id, 0,
                          "the asking process did not take the answer");
    }

    sled_watch_del(&local->watch);
    close(local->watch.fd);
    free(local->in);
    free(local->out);
    free(local);
}


/* one at a time */

static void
sled_local_op_ask(sled_local_t *local, json_t *request)
{
    if (local->asked || local->applicable) {
        sled_local_reply(local, json_pack("{s{ss, ss}}", "error",
                                          "code", "bad_request", "message",
                                          "one is waiting already"));
        return;
    }

    local->asked = 1;
    local->ask = sled_perm_ask(request, sled_local_answer, local,
                               local->req_id, sizeof(local->req_id));
    local->asked = (local->ask != NULL);
}


static void
sled_local_answer(void *data, json_t *reply, int applicable)
{
    sled_local_t  *local;

    local = data;

    local->ask = NULL;
    local->asked = 0;
    local->applicable = applicable;

    sled_local_reply(local, reply);
}


static void
sled_local_op_applied(sled_local_t *local, json_t *request)
{
    if (local->applicable) {
        local->applicable = 0;
        sled_perm_applied(local->req_id, sled_json_flag(request, "applied"),
                          sled_json_text(request, "error")
                          ?: "the agent could not");
    }

    sled_local_reply(local, json_pack("{sb}", "ok", 1));
}


static void
sled_local_op_rules(sled_local_t *local, json_t *request)
{
    sled_local_reply(local, json_pack("{so}", "rules", sled_rules_list()));
}


static void
sled_local_op_rule_add(sled_local_t *local, json_t *request)
{
    json_t  *payload;

    payload = json_object_get(request, "payload");

    if (!json_is_string(json_object_get(payload, "tool_name"))
        || json_object_get(payload, "tool_input") == NULL
        || sled_rules_add(payload) != SLED_OK)
    {
        sled_local_reply(local, json_pack("{sb}", "ok", 0));
        return;
    }

    sled_local_reply(local, json_pack("{sb}", "ok", 1));
}


static void
sled_local_op_rule_remove(sled_local_t *local, json_t *request)
{
    int  rc;

    rc = sled_rules_remove(sled_json_text(request, "id") ?: "");

    sled_local_reply(local, json_pack("{sb}", "ok", rc == SLED_OK));
}


static void
sled_local_op_status(sled_local_t *local, json_t *request)
{
    sled_local_reply(local, json_pack("{ss, sb, sb, ss, sI, sI}",
                     "version", SLED_VERSION,
                     "connected", sled_uplink.link != NULL,
                     "paused", (int) sled_uplink.paused,
                     "connection_id", sled_uplink.connection_id,
                     "requests", (json_int_t) sled_perm_pending(),
                     "terminals", (json_int_t) sled_terminal_count()));
}


static void
sled_local_op_pause(sled_local_t *local, json_t *request)
{
    sled_log(SLED_LOG_INFO, "paused", "no new work is taken");
    sled_uplink_pause(&sled_uplink, 1);
    sled_local_reply(local, json_pack("{sb}", "ok", 1));
}


static void
sled_local_op_resume(sled_local_t *local, json_t *request)
{
    sled_log(SLED_LOG_INFO, "resumed", "new work is taken");
    sled_uplink_pause(&sled_uplink, 0);
    sled_local_reply(local, json_pack("{sb}", "ok", 1));
}
