
/*
 * When to dial again: three quick tries, then anywhere between nothing and a
 * limit that doubles, so that a fleet does not come back in one wave.
 */


#include "reconnect.h"


uint64_t
sled_reconnect_delay(sled_reconnect_t *r, sled_failure_e why, uint64_t stood,
    uint64_t random)
{
    unsigned  n;
    uint64_t  limit;

    if (stood && stood >= r->stable) {
        r->tries = 0;
    }

    r->tries++;

    if (why == SLED_REFUSED) {

        /* asking again does not help, somebody has to do something */

        return r->refused / 2 + random % (r->refused / 2 + 1);
    }

    if (why == SLED_LOST && r->tries <= SLED_QUICK_TRIES) {
        return random % (SLED_QUICK_MS + 1);
    }

    n = (r->tries > SLED_QUICK_TRIES) ? r->tries - SLED_QUICK_TRIES - 1 : 0;
    limit = (n < 20) ? (uint64_t) 1000 << n : r->max;

    if (limit > r->max) {
        limit = r->max;
    }

    return random % (limit + 1);
}
