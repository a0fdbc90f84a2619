
/*
 * The event loop and its sockets.  What a turn of the loop produces for a
 * connection leaves in one write at its end.
 */


#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench.h"


#define NET_EVENTS   512
#define NET_READ     262144
#define NET_SOURCES  8


static conn_t *net_conn(int fd, const role_t *role, uint32_t events);
static int net_socket(void);
static void net_events(conn_t *c, int op, uint32_t events);
static void net_accept(conn_t *listening);
static void net_read(conn_t *c);
static void net_flush(conn_t *c);
static void net_flush_all(void);
static void net_lost(conn_t *c, const char *why);
static void net_keep(buffer_t *b, const u_char *data, size_t len);
static u_char *net_reserve(buffer_t *b, size_t len);
static size_t net_http_read(int fd, char *text, size_t size);


static int        ep;
static conn_t    *dirty;
static conn_t    *dead;
static uint64_t   serial;
static u_char     input[NET_READ + BENCH_MAX_MESSAGE + 64];


void
net_init(void)
{
    ep = epoll_create1(EPOLL_CLOEXEC);
    if (ep == -1) {
        fail("epoll_create1() failed");
    }

    serial = now();
}


void
net_listen(int port, const role_t *role)
{
    int                 fd, on;
    struct sockaddr_in  sin;

    on = 1;
    fd = net_socket();

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));

    if (bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        || listen(fd, 4096) == -1)
    {
        fail("cannot listen on port %d: %s", port, strerror(errno));
    }

    net_conn(fd, role, EPOLLIN)->listening = 1;
}


conn_t *
net_connect(const role_t *role, void *data, const char *uri,
    const char *headers)
{
    int                 fd, on;
    conn_t             *c;
    struct sockaddr_in  sin;

    on = 1;
    fd = net_socket();

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;

    /* several source addresses, so that ports do not run out */

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + serial % NET_SOURCES);

    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));

    if (bind(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        fail("bind() failed: %s", strerror(errno));
    }

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons(options.port);

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1
        && errno != EINPROGRESS)
    {
        fail("connect() failed: %s", strerror(errno));
    }

    c = net_conn(fd, role, EPOLLIN);
    c->data = data;
    c->uri = uri;
    c->headers = headers;

    ws_request(c);

    return c;
}


static int
net_socket(void)
{
    int  fd;

    fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        fail("socket() failed: %s", strerror(errno));
    }

    return fd;
}


static conn_t *
net_conn(int fd, const role_t *role, uint32_t events)
{
    int      on;
    conn_t  *c;

    on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

    c = grab(sizeof(conn_t));
    c->fd = fd;
    c->role = role;
    c->serial = serial++;
    c->port = -1;

    net_events(c, EPOLL_CTL_ADD, events);

    return c;
}


static void
net_events(conn_t *c, int op, uint32_t events)
{
    struct epoll_event  ee;

    memset(&ee, 0, sizeof(ee));
    ee.events = events;
    ee.data.ptr = c;

    if (epoll_ctl(ep, op, c->fd, &ee) == -1) {
        fail("epoll_ctl() failed: %s", strerror(errno));
    }
}


/* one round: what is to be written, what there is to read, what that gave */

void
net_turn(int timeout)
{
    int                 i, n;
    conn_t             *c;
    struct epoll_event  events[NET_EVENTS];

    net_flush_all();

    n = epoll_wait(ep, events, NET_EVENTS, timeout);
    if (n == -1 && errno != EINTR) {
        fail("epoll_wait() failed: %s", strerror(errno));
    }

    for (i = 0; i < n; i++) {
        c = events[i].data.ptr;

        if (c->dead) {
            continue;
        }

        if ((events[i].events & EPOLLOUT) && c->blocked) {
            c->blocked = 0;
            net_events(c, EPOLL_CTL_MOD, EPOLLIN);
            net_flush(c);
        }

        if (!c->dead && (events[i].events & ~EPOLLOUT)) {
            if (c->listening) {
                net_accept(c);

            } else {
                net_read(c);
            }
        }
    }

    net_flush_all();

    while (dead) {
        c = dead;
        dead = c->next;
        free(c->part.start);
        free(c->out.start);
        free(c);
    }
}


/* turns of the loop until a count is reached; not for ever */

void
net_until(const unsigned *count, unsigned wanted, double limit,
    const char *what)
{
    uint64_t  end;

    end = now() + (uint64_t) (limit * 1e9);

    while (*count < wanted) {

        if (now() > end) {
            fail("%s: %u of %u after %g s", what, *count, wanted, limit);
        }

        net_turn(100);
    }
}


static void
net_accept(conn_t *listening)
{
    int      fd;
    conn_t  *c;

    for ( ;; ) {
        fd = accept4(listening->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd == -1) {
            if (errno == EAGAIN) {
                return;
            }

            fail("accept4() failed: %s", strerror(errno));
        }

        c = net_conn(fd, listening->role, EPOLLIN);
        c->server = 1;
    }
}


static void
net_read(conn_t *c)
{
    size_t   len, used;
    ssize_t  n;

    /* the beginning of a frame goes before what follows it */

    len = c->part.last;

    if (len) {
        memcpy(input, c->part.start, len);
    }

    n = recv(c->fd, input + len, NET_READ, 0);

    if (n == 0) {
        net_lost(c, "closed by peer");
        return;
    }

    if (n == -1) {
        if (errno != EAGAIN) {
            net_lost(c, strerror(errno));
        }

        return;
    }

    len += n;
    used = ws_input(c, input, len);

    if (!c->dead) {
        net_keep(&c->part, input + used, len - used);
    }
}


static void
net_keep(buffer_t *b, const u_char *data, size_t len)
{
    if (len > BENCH_MAX_MESSAGE) {
        fail("a frame of more than %d bytes came", BENCH_MAX_MESSAGE);
    }

    b->pos = 0;
    b->last = 0;

    if (len) {
        memcpy(net_reserve(b, len), data, len);
        b->last = len;
    }
}


/* room for len bytes behind what is there */

static u_char *
net_reserve(buffer_t *b, size_t len)
{
    if (b->pos && b->size - b->last < len) {
        memmove(b->start, b->start + b->pos, b->last - b->pos);
        b->last -= b->pos;
        b->pos = 0;
    }

    if (b->size - b->last < len) {
        b->size = bench_max(b->last + len, bench_min(b->size * 2, NET_READ));
        b->start = realloc(b->start, b->size);

        if (b->start == NULL) {
            fail("out of memory");
        }
    }

    return b->start + b->last;
}


u_char *
net_room(conn_t *c, size_t len)
{
    u_char  *p;

    p = net_reserve(&c->out, len);
    c->out.last += len;

    if (!c->dirty && !c->blocked) {
        c->dirty = 1;
        c->next = dirty;
        dirty = c;
    }

    return p;
}


void
net_write(conn_t *c, const void *data, size_t len)
{
    memcpy(net_room(c, len), data, len);
}


size_t
net_pending(conn_t *c)
{
    return c->out.last - c->out.pos;
}


static void
net_flush_all(void)
{
    conn_t  *c;

    while (dirty) {
        c = dirty;
        dirty = c->next;
        c->dirty = 0;

        if (c->dead) {
            c->next = dead;
            dead = c;
            continue;
        }

        net_flush(c);
    }
}


static void
net_flush(conn_t *c)
{
    ssize_t    n;
    buffer_t  *b;

    b = &c->out;

    while (b->pos < b->last) {
        n = send(c->fd, b->start + b->pos, b->last - b->pos, 0);

        if (n == -1) {
            if (errno == EAGAIN) {
                c->blocked = 1;
                net_events(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
                return;
            }

            /* what the peer said before it went is still to be read */

            if (errno == EPIPE || errno == ECONNRESET) {
                break;
            }

            fail("send() failed: %s", strerror(errno));
        }

        b->pos += n;
    }

    b->pos = 0;
    b->last = 0;

    /* the server is the one that closes first */

    if (c->server && c->close_sent && c->close_seen) {
        net_lost(c, "closed");
    }
}


static void
net_lost(conn_t *c, const char *why)
{
    if (!c->opened && !c->patient) {
        fail("%s: connection lost in handshake: %s", c->uri, why);
    }

    if (c->role->gone == NULL) {
        fail("connection %s lost: %s", c->uri ? c->uri : "of the tunnel", why);
    }

    c->role->gone(c);

    if (!c->dead) {
        net_drop(c);
    }
}


/* the structure lives to the end of the turn: events may still name it */

void
net_drop(conn_t *c)
{
    close(c->fd);
    c->dead = 1;

    if (!c->dirty) {
        c->next = dead;
        dead = c;
    }
}


/* a REST call, blocking: before and after, never while something is measured */

char *
net_http(const char *method, const char *uri, const char *headers,
    const char *body)
{
    int                 fd, n;
    char               *p;
    struct sockaddr_in  sin;
    static char         text[262144];

    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memset(&sin, 0, sizeof(sin));
    sin.sin_family = AF_INET;
    sin.sin_port = htons(options.port);
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (connect(fd, (struct sockaddr *) &sin, sizeof(sin)) == -1) {
        fail("connect() failed: %s", strerror(errno));
    }

    n = snprintf(text, sizeof(text),
                 "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
                 "Content-Type: application/json\r\n"
                 "%sContent-Length: %zu\r\n\r\n%s",
                 method, uri, options.host, headers, strlen(body), body);

    if (send(fd, text, n, 0) != n) {
        fail("send() failed: %s", strerror(errno));
    }

    text[net_http_read(fd, text, sizeof(text) - 1)] = '\0';
    close(fd);

    if (strncmp(text, "HTTP/1.1 2", 10) != 0) {
        fail("%s %s: %.200s", method, uri, text);
    }

    p = strstr(text, "\r\n\r\n");
    if (p == NULL) {
        fail("%s %s: no end of header", method, uri);
    }

    return p + 4;
}


static size_t
net_http_read(int fd, char *text, size_t size)
{
    size_t          len;
    ssize_t         n;
    struct timeval  tv = { 5, 0 };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));

    for (len = 0; len < size; len += n) {
        n = recv(fd, text + len, size - len, 0);

        if (n == -1) {
            fail("no answer to a REST call: %s", strerror(errno));
        }

        if (n == 0) {
            break;
        }
    }

    return len;
}
