
/*
 * Shells of this machine, each behind a pseudo-terminal of its own: how they
 * start, and how they end.
 */


#include "config.h"
#include "pty_host.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>


#define SLED_PTY_HANGUP  250


static void *sled_pty_open(sled_session_t *s, const sled_spawn_t *spawn,
    const char **code, const char **message);
static void sled_pty_told(sled_watch_t *watch, uint32_t events);
static void sled_pty_release(sled_pty_t *pty);
static void sled_pty_started(sled_watch_t *watch, uint32_t events);
static void sled_pty_exited(sled_child_t *child, int status);
static void sled_pty_ended(sled_pty_t *pty, int status);
static void sled_pty_resize(void *host, unsigned cols, unsigned rows);
static void sled_pty_hangup(void *host);
static void sled_pty_forget(void *host);
static int sled_pty_signal(sled_pty_t *pty, int signo);
static void sled_pty_kill(sled_timer_t *timer);
static void sled_pty_delete(sled_pty_t *pty);


const sled_backend_t  sled_pty_backend = {
    sled_pty_open,
    sled_pty_input,
    sled_pty_resize,
    sled_pty_hangup,
    sled_pty_flow,
    sled_pty_forget
};


static const sled_conf_t  *sled_pty_conf;
static sled_pty_t         *sled_ptys;
static size_t              sled_nptys;


void
sled_pty_init(const sled_conf_t *conf)
{
    sled_pty_conf = conf;
}


size_t
sled_pty_count(void)
{
    return sled_nptys;
}


void
sled_pty_free(void)
{
    while (sled_ptys) {
        (void) sled_pty_signal(sled_ptys, SIGKILL);

        if (sled_ptys->child.pid) {
            (void) kill(sled_ptys->child.pid, SIGKILL);
            (void) waitpid(sled_ptys->child.pid, NULL, 0);
        }

        sled_pty_delete(sled_ptys);
    }
}


static void *
sled_pty_open(sled_session_t *s, const sled_spawn_t *spawn,
    const char **code, const char **message)
{
    int              fds[2], pair[2], master;
    pid_t            pid;
    sled_pty_t      *pty;
    struct winsize   size;

    *code = "internal";
    *message = "out of memory";

    pty = calloc(1, sizeof(sled_pty_t));
    if (pty == NULL) {
        return NULL;
    }

    if (sled_spawn_prepare(&pty->exec, sled_pty_conf, spawn, s->id, code,
                           message)
        != SLED_OK)
    {
        free(pty);
        return NULL;
    }

    *code = "spawn_failed";
    *message = "no terminal is left on this machine";

    memset(&size, 0, sizeof(size));
    size.ws_col = spawn->cols;
    size.ws_row = spawn->rows;

    if (pipe2(fds, O_CLOEXEC) == -1) {
        sled_spawn_free(&pty->exec);
        free(pty);
        return NULL;
    }

    pid = -1;

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, pair) == 0) {
        pid = forkpty(&master, NULL, NULL, &size);

        if (pid == 0) {
            sled_keeper(&pty->exec, fds[1], pair[1]);
        }

        close(pair[1]);
    }

    close(fds[1]);

    if (pid == -1) {
        close(fds[0]);
        sled_spawn_free(&pty->exec);
        free(pty);
        return NULL;
    }

    (void) sled_fd_flags(master);
    (void) sled_fd_flags(fds[0]);
    (void) sled_fd_flags(pair[0]);

    pty->session = s;
    pty->child.pid = pid;
    pty->child.handler = sled_pty_exited;
    pty->child.data = pty;
    pty->master.fd = master;
    pty->master.handler = sled_pty_event;
    pty->master.data = pty;
    pty->started.fd = fds[0];
    pty->started.handler = sled_pty_started;
    pty->started.data = pty;
    pty->keeper.fd = pair[0];
    pty->keeper.handler = sled_pty_told;
    pty->keeper.data = pty;
    pty->linger.handler = sled_pty_lingered;
    pty->linger.data = pty;
    pty->kill.handler = sled_pty_kill;
    pty->kill.data = pty;

    pty->next = sled_ptys;
    sled_ptys = pty;
    sled_nptys++;

    sled_child_add(&pty->child);
    (void) sled_watch_set(&pty->started, EPOLLIN);
    (void) sled_watch_set(&pty->keeper, EPOLLIN);

    return pty;
}


static void
sled_pty_started(sled_watch_t *watch, uint32_t events)
{
    int          error;
    ssize_t      n;
    sled_pty_t  *pty;

    pty = watch->data;
    n = read(watch->fd, &error, sizeof(error));

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    sled_watch_del(&pty->started);
    close(pty->started.fd);
    pty->started.fd = -1;

    if (pty->session == NULL || pty->leaving) {
        return;
    }

    if (n == sizeof(error)) {
        sled_session_failed(pty->session, "spawn_failed", strerror(error));
        return;
    }

    pty->opened = 1;
    sled_session_opened(pty->session, pty->exec.dir, pty->exec.name);

    if (pty->exited) {
        sled_pty_drain(pty);

    } else {
        sled_pty_watch(pty);
    }
}


static void
sled_pty_resize(void *host, unsigned cols, unsigned rows)
{
    sled_pty_t      *pty;
    struct winsize   size;

    pty = host;

    memset(&size, 0, sizeof(size));
    size.ws_col = cols;
    size.ws_row = rows;

    (void) ioctl(pty->master.fd, TIOCSWINSZ, &size);
}


/* first the shell's pid, then how it ended */

static void
sled_pty_told(sled_watch_t *watch, uint32_t events)
{
    int          value;
    ssize_t      n;
    sled_pty_t  *pty;

    pty = watch->data;
    n = read(watch->fd, &value, sizeof(value));

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n != sizeof(value)) {

        /* killed: that it has gone is told by a signal */

        sled_watch_del(watch);

    } else if (pty->group == 0) {
        pty->group = value;

        if (pty->leaving) {
            (void) sled_pty_signal(pty, SIGHUP);
        }

    } else {
        sled_watch_del(watch);
        sled_pty_ended(pty, value);
    }
}


static void
sled_pty_release(sled_pty_t *pty)
{
    if (pty->keeper.fd != -1) {
        sled_watch_del(&pty->keeper);
        close(pty->keeper.fd);
        pty->keeper.fd = -1;
    }
}


/* the keeper has gone: after it was released, or before */

static void
sled_pty_exited(sled_child_t *child, int status)
{
    sled_pty_t  *pty;

    pty = child->data;

    if (pty->session) {
        sled_pty_ended(pty, status);

    } else if (!pty->leaving || pty->killed
               || sled_pty_signal(pty, 0) != SLED_OK)
    {
        sled_pty_delete(pty);
    }
}


static void
sled_pty_ended(sled_pty_t *pty, int status)
{
    if (pty->exited) {
        return;
    }

    pty->exited = 1;
    pty->status = status;

    if (pty->session == NULL) {
        return;
    }

    if (pty->leaving || pty->hung) {
        sled_pty_end(pty);

    } else if (pty->opened) {
        pty->drained = 0;
        sled_pty_drain(pty);
    }

    /* else exec() may have failed: sled_pty_started() knows */
}


void
sled_pty_end(sled_pty_t *pty)
{
    int   code;
    char  reason[32];

    if (WIFSIGNALED(pty->status)) {
        code = 128 + WTERMSIG(pty->status);
        snprintf(reason, sizeof(reason), "signal:%d", WTERMSIG(pty->status));

    } else {
        code = WEXITSTATUS(pty->status);
        strcpy(reason, "exited");
    }

    sled_session_ended(pty->session, code, reason);
}


static void
sled_pty_hangup(void *host)
{
    sled_pty_t  *pty;

    pty = host;

    if (pty->leaving) {
        return;
    }

    pty->leaving = 1;
    pty->foreground = tcgetpgrp(pty->master.fd);

    (void) sled_pty_signal(pty, SIGHUP);
    (void) sled_pty_signal(pty, SIGCONT);

    sled_timer_set(&pty->kill, SLED_PTY_HANGUP);

    if (pty->exited) {

        /* not from within: the session is in use by who called */

        sled_timer_set(&pty->kill, 0);
        return;
    }

    sled_pty_watch(pty);
}


/* SLED_ERROR: nobody is there any more */

static int
sled_pty_signal(sled_pty_t *pty, int signo)
{
    int  rc;

    if (pty->group == 0) {

        /* there is no shell yet */

        return (pty->child.pid && kill(pty->child.pid, signo) == 0)
               ? SLED_OK : SLED_ERROR;
    }

    rc = kill(-pty->group, signo);

    if (pty->foreground > 1 && pty->foreground != pty->group) {
        rc = (kill(-pty->foreground, signo) == 0) ? 0 : rc;
    }

    return (rc == 0) ? SLED_OK : SLED_ERROR;
}


static void
sled_pty_kill(sled_timer_t *timer)
{
    sled_pty_t  *pty;

    pty = timer->data;

    (void) sled_pty_signal(pty, SIGKILL);
    pty->killed = 1;

    if (pty->session) {
        if (pty->exited) {
            sled_pty_end(pty);
        }

    } else if (pty->child.pid) {

        /* it is reaped first */

        (void) kill(pty->child.pid, SIGKILL);
        sled_timer_set(timer, SLED_PTY_HANGUP);

    } else {
        sled_pty_delete(pty);
    }
}


/* the session is done with it; others of the group may still have to go */

static void
sled_pty_forget(void *host)
{
    sled_pty_t  *pty;

    pty = host;

    pty->session = NULL;

    sled_watch_del(&pty->master);

    sled_pty_release(pty);

    if (pty->leaving && !pty->killed && sled_pty_signal(pty, 0) == SLED_OK) {
        return;
    }

    if (pty->child.pid) {

        /* the keeper goes now; if the shell has not, we stop */

        if (!pty->exited) {
            (void) sled_pty_signal(pty, SIGKILL);
            pty->leaving = 1;
        }

        sled_timer_set(&pty->kill, SLED_PTY_HANGUP);
        return;
    }

    sled_pty_delete(pty);
}


static void
sled_pty_delete(sled_pty_t *pty)
{
    sled_pty_t  **p;

    for (p = &sled_ptys; *p; p = &(*p)->next) {
        if (*p == pty) {
            *p = pty->next;
            sled_nptys--;
            break;
        }
    }

    sled_timer_del(&pty->kill);
    sled_timer_del(&pty->linger);
    sled_pty_release(pty);
    sled_watch_del(&pty->master);
    close(pty->master.fd);

    if (pty->started.fd != -1) {
        sled_watch_del(&pty->started);
        close(pty->started.fd);
    }

    if (pty->child.pid) {
        sled_child_del(&pty->child);
    }

    sled_spawn_free(&pty->exec);
    free(pty->input);
    free(pty);
}
