
/*
 * The event loop: libwebsockets' own, with all other descriptors, timers,
 * signals and children hung into it.
 */


#ifndef _SLED_LOOP_H_INCLUDED_
#define _SLED_LOOP_H_INCLUDED_


#include "sled.h"

#include <libwebsockets.h>
#include <sys/epoll.h>


typedef struct sled_watch_s  sled_watch_t;
typedef struct sled_timer_s  sled_timer_t;
typedef struct sled_child_s  sled_child_t;


struct sled_watch_s {
    int             fd;
    uint32_t        events;
    int             active;
    void          (*handler)(sled_watch_t *watch, uint32_t events);
    void           *data;
};


/* zeroed, with handler and data, before its first use */

struct sled_timer_s {
    lws_sorted_usec_list_t   sul;       /* first: it is all lws gives back */
    void                   (*handler)(sled_timer_t *timer);
    void                    *data;
};


struct sled_child_s {
    pid_t           pid;                /* 0: none, or reaped */
    sled_child_t   *next;
    void          (*handler)(sled_child_t *child, int status);
    void           *data;
};


int sled_loop_init(const struct lws_protocols *protocols);
struct lws_context *sled_loop_context(void);
void sled_loop_on_signal(void (*handler)(int signo));
void sled_loop_run(void);
void sled_loop_stop(void);
void sled_loop_free(void);

int sled_watch_set(sled_watch_t *watch, uint32_t events);
void sled_watch_del(sled_watch_t *watch);

void sled_timer_set(sled_timer_t *timer, uint64_t ms);
void sled_timer_del(sled_timer_t *timer);

void sled_child_add(sled_child_t *child);
void sled_child_del(sled_child_t *child);

int sled_loop_callback(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len);


#endif /* _SLED_LOOP_H_INCLUDED_ */
