
/*
 * One loop.  libwebsockets polls its own sockets and one epoll descriptor
 * more, behind which everything else is.
 */


#include "loop.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>


#define SLED_LOOP_BATCH  64


static void sled_loop_dispatch(void);
static void sled_loop_signal(sled_watch_t *watch, uint32_t events);
static void sled_loop_reap(void);
static void sled_loop_lws_log(int level, const char *line);
static void sled_timer_fired(lws_sorted_usec_list_t *sul);


static struct lws_context  *sled_context;
static struct lws_vhost    *sled_vhost;

static int             sled_epoll = -1;
static int             sled_stopping;
static sled_watch_t    sled_signals;
static sled_child_t   *sled_children;
static void          (*sled_signal_handler)(int signo);


static const struct lws_protocols  sled_loop_protocols[] = {
    { "sled-loop", sled_loop_callback, 0, 0, 0, NULL, 0 },
    { NULL, NULL, 0, 0, 0, NULL, 0 }
};


int
sled_loop_init(const struct lws_protocols *protocols)
{
    sigset_t                          set;
    lws_sock_file_fd_type             fd;
    struct lws_context_creation_info  info;

    signal(SIGPIPE, SIG_IGN);

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);

    lws_set_log_level(LLL_ERR|LLL_WARN, sled_loop_lws_log);

    memset(&info, 0, sizeof(info));

    info.port = CONTEXT_PORT_NO_LISTEN;
    info.options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS
                   |LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT
                   |LWS_SERVER_OPTION_VALIDATE_UTF8;
    info.pt_serv_buf_size = 32768;
    info.timeout_secs = 15;
    info.gid = -1;
    info.uid = -1;

    sled_context = lws_create_context(&info);

    if (sled_context == NULL) {
        sled_log(SLED_LOG_ERROR, "start", "libwebsockets does not start");
        return SLED_ERROR;
    }

    info.vhost_name = "sled-loop";
    info.protocols = protocols ? protocols : sled_loop_protocols;
    info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;

    sled_vhost = lws_create_vhost(sled_context, &info);
    sled_epoll = epoll_create1(EPOLL_CLOEXEC);
    fd.filefd = sled_epoll;

    if (sled_vhost == NULL
        || sled_epoll == -1
        || lws_adopt_descriptor_vhost(sled_vhost, LWS_ADOPT_RAW_FILE_DESC,
                                      fd, "sled-loop", NULL)
           == NULL)
    {
        sled_log(SLED_LOG_ERROR, "start", "there is no event loop");
        return SLED_ERROR;
    }

    sled_signals.fd = signalfd(-1, &set, SFD_NONBLOCK|SFD_CLOEXEC);
    sled_signals.handler = sled_loop_signal;

    return sled_watch_set(&sled_signals, EPOLLIN);
}


struct lws_context *
sled_loop_context(void)
{
    return sled_context;
}


void
sled_loop_on_signal(void (*handler)(int signo))
{
    sled_signal_handler = handler;
}


void
sled_loop_run(void)
{
    while (!sled_stopping && lws_service(sled_context, 0) >= 0) { /* void */ }
}


void
sled_loop_stop(void)
{
    sled_stopping = 1;

    lws_cancel_service(sled_context);
}


void
sled_loop_free(void)
{
    sled_watch_del(&sled_signals);
    close(sled_signals.fd);

    lws_context_destroy(sled_context);
    sled_context = NULL;
}


int
sled_loop_callback(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len)
{
    if (reason == LWS_CALLBACK_RAW_RX_FILE) {
        sled_loop_dispatch();
    }

    return 0;
}


/*
 * One event at a time: its handler may free what another event of the same
 * batch would point to.  What is left is reported again by the next poll.
 */

static void
sled_loop_dispatch(void)
{
    int                  i;
    sled_watch_t        *watch;
    struct epoll_event   event;

    for (i = 0; i < SLED_LOOP_BATCH && !sled_stopping; i++) {

        if (epoll_wait(sled_epoll, &event, 1, 0) != 1) {
            break;
        }

        watch = event.data.ptr;
        watch->handler(watch, event.events);
    }
}


/* events == 0 keeps quiet about all but errors and hang-ups */

int
sled_watch_set(sled_watch_t *watch, uint32_t events)
{
    struct epoll_event  event;

    if (watch->active && watch->events == events) {
        return SLED_OK;
    }

    event.events = events;
    event.data.ptr = watch;

    if (epoll_ctl(sled_epoll, watch->active ? EPOLL_CTL_MOD : EPOLL_CTL_ADD,
                  watch->fd, &event)
        == -1)
    {
        /* a regular file cannot be waited for */

        if (errno != EPERM) {
            sled_log(SLED_LOG_ERROR, "loop", "epoll_ctl() failed: %s",
                     strerror(errno));
        }

        return SLED_ERROR;
    }

    watch->active = 1;
    watch->events = events;

    return SLED_OK;
}


/* before its descriptor is closed */

void
sled_watch_del(sled_watch_t *watch)
{
    if (watch->active) {
        (void) epoll_ctl(sled_epoll, EPOLL_CTL_DEL, watch->fd, NULL);
        watch->active = 0;
    }
}


void
sled_timer_set(sled_timer_t *timer, uint64_t ms)
{
    lws_sul_schedule(sled_context, 0, &timer->sul, sled_timer_fired,
                     (lws_usec_t) ms * 1000);
}


void
sled_timer_del(sled_timer_t *timer)
{
    lws_sul_schedule(sled_context, 0, &timer->sul, NULL,
                     LWS_SET_TIMER_USEC_CANCEL);
}


static void
sled_timer_fired(lws_sorted_usec_list_t *sul)
{
    sled_timer_t  *timer;

    timer = (sled_timer_t *) sul;

    timer->handler(timer);
}


void
sled_child_add(sled_child_t *child)
{
    child->next = sled_children;
    sled_children = child;
}


void
sled_child_del(sled_child_t *child)
{
    sled_child_t  **p;

    for (p = &sled_children; *p; p = &(*p)->next) {
        if (*p == child) {
            *p = child->next;
            break;
        }
    }
}


static void
sled_loop_signal(sled_watch_t *watch, uint32_t events)
{
    struct signalfd_siginfo  si;

    while (read(watch->fd, &si, sizeof(si)) == sizeof(si)) {

        if (si.ssi_signo == SIGCHLD) {
            sled_loop_reap();

        } else if (sled_signal_handler) {
            sled_signal_handler(si.ssi_signo);
        }
    }
}


/*
 * Signals merge: everyone is asked.  A handler may add and delete children,
 * so the walk starts again after each.
 */

static void
sled_loop_reap(void)
{
    int            status;
    pid_t          pid;
    sled_child_t  *child;

again:

    for (child = sled_children; child; child = child->next) {
        pid = waitpid(child->pid, &status, WNOHANG);

        if (pid == 0 || (pid == -1 && errno == EINTR)) {
            continue;
        }

        sled_child_del(child);
        child->pid = 0;
        child->handler(child, pid > 0 ? status : 0);

        goto again;
    }
}


static void
sled_loop_lws_log(int level, const char *line)
{
    size_t  len;
    char    text[512];

    len = strcspn(line, "\n");

    snprintf(text, sizeof(text), "%.*s", (int) len, line);
    sled_log(SLED_LOG_DEBUG, "libwebsockets", "%s", text);
}
