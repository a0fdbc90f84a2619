
/*
 * When to dial again.
 */


#ifndef _SLED_RECONNECT_H_INCLUDED_
#define _SLED_RECONNECT_H_INCLUDED_


#include <stdint.h>


#define SLED_QUICK_TRIES  3
#define SLED_QUICK_MS     250


typedef enum {
    SLED_LOST = 0,          /* not reached, or it went away */
    SLED_REFUSED,           /* it was reached, and does not want us */
    SLED_BUSY               /* it was reached, and has no room now */
} sled_failure_e;


typedef struct {
    uint64_t     max;       /* ms */
    uint64_t     refused;
    uint64_t     stable;
    unsigned     tries;     /* in a row, since a link stood long enough */
} sled_reconnect_t;


/* how long the link had stood (0: there was none), what ended it */
uint64_t sled_reconnect_delay(sled_reconnect_t *r, sled_failure_e why,
    uint64_t stood, uint64_t random);


#endif /* _SLED_RECONNECT_H_INCLUDED_ */
