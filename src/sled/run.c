
/*
 * The daemon: puts the parts together, and takes them apart.
 */


#include "config.h"
#include "local.h"
#include "message.h"
#include "perm.h"
#include "pty.h"
#include "rules.h"
#include "run.h"
#include "ssh.h"
#include "terminal.h"
#include "uplink.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>


#define SLED_STOP_LIMIT  3000
#define SLED_STOP_TICK   20


static void sled_run_signal(int signo);
static void sled_run_stopping(sled_timer_t *timer);
static void sled_run_up(int resumed);
static void sled_run_down(void);
static void sled_run_lost(void);
static void sled_run_tasks(void);
static void sled_run_notify(const char *text);


sled_uplink_t  sled_uplink;


static const sled_uplink_ops_t  sled_run_ops = {
    sled_run_up,
    sled_run_down,
    sled_run_lost,
    sled_message_dispatch,
    sled_terminal_binary,
    sled_terminal_frame,
    sled_terminal_marked,
    sled_terminal_confirmed
};


static const sled_conf_t  *sled_run_conf;
static sled_timer_t        sled_stop_timer;
static uint64_t            sled_stop_limit;
static int                 sled_run_failed;


int
sled_run_command(int argc, char **argv)
{
    int          rc;
    sled_conf_t  conf;

    rc = 2;

    if (sled_conf_load(&conf, argc, argv, NULL) == SLED_OK
        && sled_conf_secret(&conf) == SLED_OK)
    {
        sled_pty_init(&conf);
        rc = sled_run(&conf, &sled_pty_backend, NULL);
        sled_pty_free();
    }

    sled_conf_free(&conf);

    return rc;
}


int
sled_run(const sled_conf_t *conf, const sled_backend_t *backend,
    int (*begin)(void))
{
    int  rc;

    if (conf->gateways.n == 0 || conf->id == NULL) {
        fprintf(stderr, "sled: no \"%s\" is given, see sled --help\n",
                conf->id ? "gateway" : "id");
        return 2;
    }

    sled_run_conf = conf;
    sled_url_proxy_init();

    rc = 2;

    if (sled_directory(conf->state) != SLED_OK) {
        fprintf(stderr, "sled: %s: %s\n", conf->state, strerror(errno));
        return 2;
    }

    if (sled_loop_init(NULL) != SLED_OK) {
        return 2;
    }

    sled_perm_init(conf);
    sled_terminal_init(conf, backend);

    if (sled_uplink_init(&sled_uplink, conf, &sled_run_ops) == SLED_OK
        && sled_rules_init(conf->state) == SLED_OK
        && sled_local_init(conf->socket) == SLED_OK)
    {
        sled_loop_on_signal(sled_run_signal);
        sled_log(SLED_LOG_INFO, "started", "sled %s, %s", SLED_VERSION,
                 conf->id);

        sled_run_failed = 0;

        if (begin == NULL) {
            sled_run_online();

        } else if (begin() != SLED_OK) {
            sled_run_fail();
        }

        sled_loop_run();

        sled_log(SLED_LOG_INFO, "stopped", "%s", conf->id);
        rc = sled_run_failed;
    }

    sled_perm_free();
    sled_local_free();
    sled_remote_free();
    sled_terminal_free();
    sled_pty_free();
    sled_ssh_stop();
    sled_loop_free();
    sled_uplink_free(&sled_uplink);
    sled_rules_free();
    sled_url_proxy_free();

    return rc;
}


void
sled_run_online(void)
{
    sled_uplink_start(&sled_uplink);
    sled_run_notify("READY=1");
}


/* there is no use in going on: what it was has been said */

void
sled_run_fail(void)
{
    sled_run_failed = 1;
    sled_loop_stop();
}


static void
sled_run_signal(int signo)
{
    if (signo == SIGTERM || signo == SIGINT) {
        sled_run_stop("told to");
    }
}


/*
 * Terminals end and are told of, requests are denied, then the gateway hears
 * a goodbye.
 */

void
sled_run_stop(const char *why)
{
    if (sled_stop_limit) {

        /* told twice: at once, then */

        sled_loop_stop();
        return;
    }

    sled_log(SLED_LOG_INFO, "stopping", "%s", why);
    sled_run_notify("STOPPING=1");

    sled_stop_limit = sled_now() + SLED_STOP_LIMIT;
    sled_stop_timer.handler = sled_run_stopping;

    sled_terminal_shutdown("manager_shutdown");
    sled_perm_free();

    sled_timer_set(&sled_stop_timer, 0);
}


static void
sled_run_stopping(sled_timer_t *timer)
{
    int  busy;

    busy = sled_pty_count() > 0
           || (sled_uplink.link
               && (sled_terminal_count() > 0 || sled_uplink.queue.first));

    if (busy && sled_now() < sled_stop_limit) {
        sled_timer_set(timer, SLED_STOP_TICK);
        return;
    }

    if (!sled_uplink.stopping && sled_uplink.link) {

        /* and a moment for the close frame */

        sled_uplink_stop(&sled_uplink);
        sled_timer_set(timer, 2 * SLED_STOP_TICK);
        return;
    }

    sled_uplink_stop(&sled_uplink);
    sled_loop_stop();
}


static void
sled_run_up(int resumed)
{
    sled_run_tasks();

    if (resumed) {
        sled_terminal_up();
    }

    sled_perm_up();
    sled_run_notify("STATUS=connected");
}


static void
sled_run_down(void)
{
    sled_terminal_down();
    sled_run_notify("STATUS=disconnected");
}


static void
sled_run_lost(void)
{
    sled_terminal_lost();
    sled_perm_lost();
}


static void
sled_run_tasks(void)
{
    size_t              i;
    json_t             *list, *task;
    const sled_task_t  *t;

    if (sled_run_conf->ntasks == 0) {
        return;
    }

    list = json_array();

    for (i = 0; i < sled_run_conf->ntasks; i++) {
        t = &sled_run_conf->tasks[i];

        task = json_pack("{ss, ss*, ss, ss, ss*, ss*, ss*}",
                         "task_id", t->id, "workspace_id", t->workspace,
                         "issue_id", t->issue, "work_dir", t->dir,
                         "owner", t->owner, "prior_session_id", t->session,
                         "title", t->title);

        json_array_append_new(list, task);
    }

    if (sled_uplink_send(&sled_uplink, "tasks", "tasks",
                         json_pack("{so, sb}", "tasks", list, "replace", 1),
                         0)
        != SLED_OK)
    {
        sled_log(SLED_LOG_ERROR, "tasks", "they do not fit into a message");
    }
}


/* what systemd's sd_notify() would send */

static void
sled_run_notify(const char *text)
{
    int                 fd;
    size_t              len;
    const char         *path;
    struct sockaddr_un  sa;

    path = getenv("NOTIFY_SOCKET");

    if (path == NULL || (path[0] != '/' && path[0] != '@')) {
        return;
    }

    len = strlen(path);
    memset(&sa, 0, sizeof(sa));
    sa.sun_family = AF_UNIX;

    if (len >= sizeof(sa.sun_path)) {
        return;
    }

    memcpy(sa.sun_path, path, len);

    if (path[0] == '@') {
        sa.sun_path[0] = '\0';
    }

    fd = socket(AF_UNIX, SOCK_DGRAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);

    if (fd != -1) {
        (void) sendto(fd, text, strlen(text), MSG_NOSIGNAL,
                      (struct sockaddr *) &sa,
                      offsetof(struct sockaddr_un, sun_path) + len);
        close(fd);
    }
}
