
/*
 * Names to addresses, without blocking the loop.
 */


#ifndef _SLED_RESOLVE_H_INCLUDED_
#define _SLED_RESOLVE_H_INCLUDED_


#include "loop.h"


#define SLED_MAX_ADDRESSES  8
#define SLED_ADDRESS        64      /* INET6_ADDRSTRLEN and a scope */


typedef struct sled_resolve_s  sled_resolve_t;

struct sled_resolve_s {
    sled_watch_t    watch;
    sled_timer_t    timer;
    sled_child_t    child;
    size_t          len;
    char            text[SLED_MAX_ADDRESSES * SLED_ADDRESS];
    int             n;
    char            address[SLED_MAX_ADDRESSES][SLED_ADDRESS];

    /* error is NULL when there is at least one address */
    void          (*handler)(sled_resolve_t *resolve, const char *error);
    void           *data;
};


/* the handler may be called before this returns */
void sled_resolve(sled_resolve_t *resolve, const char *name);
void sled_resolve_cancel(sled_resolve_t *resolve);


#endif /* _SLED_RESOLVE_H_INCLUDED_ */
