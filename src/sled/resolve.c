
/*
 * getaddrinfo() may take as long as it likes: in a child of its own.
 */


#include "resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>


#define SLED_RESOLVE_LIMIT  10000


static void sled_resolve_child(int fd, const char *name);
static void sled_resolve_read(sled_watch_t *watch, uint32_t events);
static void sled_resolve_late(sled_timer_t *timer);
static void sled_resolve_reaped(sled_child_t *child, int status);
static void sled_resolve_done(sled_resolve_t *resolve);


void
sled_resolve(sled_resolve_t *resolve, const char *name)
{
    int            fds[2];
    pid_t          pid;
    unsigned char  binary[16];

    resolve->n = 0;
    resolve->len = 0;

    if (inet_pton(AF_INET, name, binary) == 1
        || inet_pton(AF_INET6, name, binary) == 1)
    {
        snprintf(resolve->address[0], SLED_ADDRESS, "%s", name);
        resolve->n = 1;
        resolve->handler(resolve, NULL);
        return;
    }

    if (pipe(fds) == -1) {
        resolve->handler(resolve, strerror(errno));
        return;
    }

    pid = fork();

    if (pid == 0) {
        close(fds[0]);
        sled_resolve_child(fds[1], name);
    }

    close(fds[1]);

    if (pid == -1) {
        close(fds[0]);
        resolve->handler(resolve, strerror(errno));
        return;
    }

    resolve->child.pid = pid;
    resolve->child.data = resolve;
    resolve->child.handler = sled_resolve_reaped;
    sled_child_add(&resolve->child);

    (void) sled_fd_flags(fds[0]);

    resolve->watch.fd = fds[0];
    resolve->watch.data = resolve;
    resolve->watch.handler = sled_resolve_read;
    resolve->timer.data = resolve;
    resolve->timer.handler = sled_resolve_late;

    sled_timer_set(&resolve->timer, SLED_RESOLVE_LIMIT);

    if (sled_watch_set(&resolve->watch, EPOLLIN) != SLED_OK) {
        sled_resolve_done(resolve);
    }
}


static void
sled_resolve_child(int fd, const char *name)
{
    int               rc;
    char              text[NI_MAXHOST];
    sigset_t          set;
    struct addrinfo   hints, *list, *ai;

    /* nothing of ours stays open because a name server is slow */

    if (fd > 3) {
        (void) close_range(3, fd - 1, 0);
    }

    (void) close_range(fd + 1, ~0U, 0);

    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
    alarm(SLED_RESOLVE_LIMIT / 1000 + 1);

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;

    rc = getaddrinfo(name, NULL, &hints, &list);

    if (rc == EAI_ADDRFAMILY || rc == EAI_NODATA || rc == EAI_NONAME) {

        /* with nothing but a loopback interface */

        hints.ai_flags = 0;
        rc = getaddrinfo(name, NULL, &hints, &list);
    }

    if (rc == 0) {
        for (ai = list; ai; ai = ai->ai_next) {
            if (getnameinfo(ai->ai_addr, ai->ai_addrlen, text, sizeof(text),
                            NULL, 0, NI_NUMERICHOST)
                == 0)
            {
                (void) !write(fd, text, strlen(text));
                (void) !write(fd, "\n", 1);
            }
        }
    }

    _exit(0);
}


static void
sled_resolve_read(sled_watch_t *watch, uint32_t events)
{
    ssize_t          n;
    sled_resolve_t  *resolve;

    resolve = watch->data;

    n = read(watch->fd, resolve->text + resolve->len,
             sizeof(resolve->text) - 1 - resolve->len);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n > 0) {
        resolve->len += n;
        return;
    }

    sled_resolve_done(resolve);
}


static void
sled_resolve_late(sled_timer_t *timer)
{
    sled_resolve_done(timer->data);
}


static void
sled_resolve_reaped(sled_child_t *child, int status)
{
    /* what it said is in the pipe */
}


static void
sled_resolve_done(sled_resolve_t *resolve)
{
    char  *line, *next;

    sled_resolve_cancel(resolve);

    resolve->text[resolve->len] = '\0';

    for (line = strtok_r(resolve->text, "\n", &next);
         line && resolve->n < SLED_MAX_ADDRESSES;
         line = strtok_r(NULL, "\n", &next))
    {
        if (strlen(line) < SLED_ADDRESS) {
            strcpy(resolve->address[resolve->n++], line);
        }
    }

    resolve->handler(resolve, resolve->n ? NULL : "the name has no address");
}


void
sled_resolve_cancel(sled_resolve_t *resolve)
{
    if (resolve->watch.active) {
        sled_watch_del(&resolve->watch);
        close(resolve->watch.fd);
    }

    sled_timer_del(&resolve->timer);

    if (resolve->child.pid) {
        kill(resolve->child.pid, SIGKILL);

        /* it cannot outlive that, so this does not take long */

        while (waitpid(resolve->child.pid, NULL, 0) == -1
               && errno == EINTR)
        {
            /* void */
        }

        sled_child_del(&resolve->child);
        resolve->child.pid = 0;
    }
}
