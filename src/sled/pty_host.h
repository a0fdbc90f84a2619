
/*
 * A shell of this machine: shared by those who start and end it, and who move
 * its bytes.
 */


#ifndef _SLED_PTY_HOST_H_INCLUDED_
#define _SLED_PTY_HOST_H_INCLUDED_


#include "loop.h"
#include "pty.h"


typedef struct sled_pty_s  sled_pty_t;

struct sled_pty_s {
    sled_pty_t       *next;
    sled_session_t   *session;          /* NULL: only its group is left */
    sled_exec_t       exec;
    sled_child_t      child;
    sled_watch_t      master;
    sled_watch_t      started;          /* tells why exec() failed */
    sled_watch_t      keeper;           /* tells the shell's pid and end */
    sled_timer_t      kill;
    sled_timer_t      linger;
    pid_t             group;
    pid_t             foreground;
    int               status;

    unsigned char    *input;
    size_t            input_len;
    size_t            input_size;
    size_t            drained;

    unsigned          opened:1;
    unsigned          hung:1;           /* nobody has the other side open */
    unsigned          exited:1;
    unsigned          lingering:1;
    unsigned          leaving:1;
    unsigned          killed:1;
};


/* all that it had to say has been read */
void sled_pty_end(sled_pty_t *pty);

/* pty_stream.c */
void sled_pty_watch(sled_pty_t *pty);
void sled_pty_event(sled_watch_t *watch, uint32_t events);
int sled_pty_input(void *host, const unsigned char *data, size_t len);
void sled_pty_flow(void *host);
void sled_pty_drain(sled_pty_t *pty);
void sled_pty_lingered(sled_timer_t *timer);


#endif /* _SLED_PTY_HOST_H_INCLUDED_ */
