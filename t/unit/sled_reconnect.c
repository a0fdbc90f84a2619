
/* when a sled dials again */

/* sources: src/sled/reconnect.c */

#include "sled/reconnect.h"
#include "tap.h"


int
main(void)
{
    int               i;
    uint64_t          delay, most;
    sled_reconnect_t  r = { 60000, 60000, 60000, 0 };

    for (i = 0; i < 3; i++) {
        delay = sled_reconnect_delay(&r, SLED_LOST, 0, UINT64_MAX);
        ok(delay <= 250, "a quick try");
    }

    most = 1000;

    for (i = 0; i < 7; i++) {
        delay = sled_reconnect_delay(&r, SLED_LOST, 0, most);
        ok(delay == most, "doubling, to the limit");
        most = (most * 2 < 60000) ? most * 2 : 60000;
    }

    delay = sled_reconnect_delay(&r, SLED_LOST, 59999, 60000);
    ok(delay == 60000, "a link that stood for less than a minute");

    delay = sled_reconnect_delay(&r, SLED_LOST, 60000, 60000);
    ok(delay <= 250, "one that stood for a minute");

    delay = sled_reconnect_delay(&r, SLED_REFUSED, 0, 0);
    ok(delay == 30000, "refused: slowly at once");

    r.tries = 0;
    delay = sled_reconnect_delay(&r, SLED_BUSY, 0, 1000);
    ok(delay == 1000, "busy: no quick try");

    return done();
}
