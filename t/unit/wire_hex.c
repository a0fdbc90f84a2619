
/*
 * Reading hex digits: every byte in every place.
 */

/* sources: src/wire/text.c src/wire/scan.c src/wire/names.c */

#include "wire/wire.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>


int
main(void)
{
    int        ch, place, right, good;
    char       pair[3];
    u_char     hex[32], dst[16], want[16];
    size_t     i;
    ngx_int_t  rc;

    right = 1;

    for (ch = 0; ch < 256; ch++) {
        for (place = 0; place < 32; place++) {

            memcpy(hex, "0123456789abcdef00ff10a5deadbeef", 32);
            hex[place] = (u_char) ch;

            good = (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f');
            rc = ngx_uplink_unhex(dst, hex, 16);

            if ((rc == NGX_OK) != good) {
                right = 0;
            }

            for (i = 0; good && i < 16; i++) {
                pair[0] = (char) hex[2 * i];
                pair[1] = (char) hex[2 * i + 1];
                pair[2] = '\0';

                want[i] = (u_char) strtoul(pair, NULL, 16);
            }

            if (good && memcmp(dst, want, 16) != 0) {
                right = 0;
            }
        }
    }

    ok(right, "every byte in every place");

    return done();
}
