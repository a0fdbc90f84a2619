
/*
 * The bytes of a shell: what is typed, and what it writes, to the last one.
 */


#include "pty_host.h"


#define SLED_PTY_READ    16384
#define SLED_PTY_INPUT   (1024 * 1024)
#define SLED_PTY_DRAIN   (192 * 1024)   /* more than the kernel can hold */
#define SLED_PTY_LINGER  50


static int sled_pty_read(sled_pty_t *pty);
static int sled_pty_write(sled_pty_t *pty);


/*
 * Without room nothing is read, and the child blocks as soon as the kernel
 * has no room either.
 */

void
sled_pty_watch(sled_pty_t *pty)
{
    uint32_t        events;
    unsigned char  *p;

    if (pty->hung || !pty->opened) {
        return;
    }

    events = sled_session_room(pty->session, &p) ? EPOLLIN : 0;
    events |= pty->input_len ? EPOLLOUT : 0;

    (void) sled_watch_set(&pty->master, events);
}


void
sled_pty_event(sled_watch_t *watch, uint32_t events)
{
    sled_pty_t      *pty;
    unsigned char   *p;

    pty = watch->data;

    if ((events & EPOLLOUT) && sled_pty_write(pty) != SLED_OK) {
        pty->input_len = 0;
    }

    if (sled_session_room(pty->session, &p) == 0) {

        if (events & (EPOLLHUP|EPOLLERR)) {

            /* told again and again, whatever was asked for */

            sled_watch_del(&pty->master);
            return;
        }

    } else if (events & (EPOLLIN|EPOLLHUP|EPOLLERR)) {

        if (sled_pty_read(pty) == SLED_ERROR) {
            pty->hung = 1;
            sled_watch_del(&pty->master);

            if (pty->exited) {
                sled_pty_end(pty);
            }

            return;
        }
    }

    sled_pty_watch(pty);
}


/* SLED_OK: some bytes, SLED_AGAIN: none now, SLED_ERROR: no more */

static int
sled_pty_read(sled_pty_t *pty)
{
    size_t          room;
    ssize_t         n;
    unsigned char  *p;

    room = sled_session_room(pty->session, &p);

    if (room == 0) {
        return SLED_AGAIN;
    }

    n = read(pty->master.fd, p, room < SLED_PTY_READ ? room : SLED_PTY_READ);

    if (n > 0) {
        sled_session_output(pty->session, n);
        pty->drained += n;
        return SLED_OK;
    }

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return SLED_AGAIN;
    }

    return SLED_ERROR;
}


static int
sled_pty_write(sled_pty_t *pty)
{
    ssize_t  n;

    n = write(pty->master.fd, pty->input, pty->input_len);

    if (n == -1) {
        return (errno == EAGAIN || errno == EINTR) ? SLED_OK : SLED_ERROR;
    }

    memmove(pty->input, pty->input + n, pty->input_len - n);
    pty->input_len -= n;

    return SLED_OK;
}


int
sled_pty_input(void *host, const unsigned char *data, size_t len)
{
    size_t          size;
    sled_pty_t     *pty;
    unsigned char  *input;

    pty = host;

    if (pty->hung || pty->exited) {
        return SLED_OK;
    }

    if (pty->input_len + len > pty->input_size) {
        size = (pty->input_len + len + 4095) & ~(size_t) 4095;
        input = (size <= SLED_PTY_INPUT) ? realloc(pty->input, size) : NULL;

        if (input == NULL) {
            return SLED_ERROR;
        }

        pty->input = input;
        pty->input_size = size;
    }

    memcpy(pty->input + pty->input_len, data, len);
    pty->input_len += len;

    if (pty->input_len == len && sled_pty_write(pty) != SLED_OK) {
        pty->input_len = 0;
    }

    sled_pty_watch(pty);

    return SLED_OK;
}


void
sled_pty_flow(void *host)
{
    sled_pty_t  *pty;

    pty = host;

    if (pty->exited && pty->opened && !pty->hung) {
        sled_pty_drain(pty);

    } else {
        sled_pty_watch(pty);
    }
}


/*
 * What it wrote before it ended is with the kernel, and comes before the end
 * of the stream.  Where somebody else keeps that open, there is a moment for
 * the rest; the bound is for those who still write.
 */

void
sled_pty_drain(sled_pty_t *pty)
{
    int  rc;

    do {
        rc = sled_pty_read(pty);
    } while (rc == SLED_OK && pty->drained < SLED_PTY_DRAIN);

    if (rc == SLED_AGAIN) {
        unsigned char  *p;

        if (sled_session_room(pty->session, &p) == 0) {

            /* goes on when there is room */

            sled_watch_del(&pty->master);
            return;
        }

        if (!pty->lingering) {
            pty->lingering = 1;
            sled_timer_set(&pty->linger, SLED_PTY_LINGER);
        }

        sled_pty_watch(pty);
        return;
    }

    sled_pty_end(pty);
}


void
sled_pty_lingered(sled_timer_t *timer)
{
    sled_pty_t     *pty;
    unsigned char  *p;

    pty = timer->data;
    pty->lingering = 0;

    if (pty->session && sled_session_room(pty->session, &p)) {
        sled_pty_end(pty);
    }
}
