
/*
 * [user@]host[:port], [v6] in brackets, or a name of ssh_config.
 */


#include "target.h"


int
sled_target_parse(sled_target_t *target, const char *text)
{
    long         n;
    char        *end;
    size_t       len;
    const char  *at, *host, *port, *p;

    memset(target, 0, sizeof(sled_target_t));

    for (p = text; *p; p++) {
        if (*p <= ' ' || *p == 0x7f) {
            return SLED_ERROR;
        }
    }

    at = strrchr(text, '@');
    host = at ? at + 1 : text;

    if (at) {
        len = at - text;

        /* what begins with a dash would be an option of ssh */

        if (len == 0 || len >= sizeof(target->user) || text[0] == '-') {
            return SLED_ERROR;
        }

        memcpy(target->user, text, len);
    }

    port = NULL;

    if (*host == '[') {
        host++;
        p = strchr(host, ']');

        if (p == NULL || (p[1] && p[1] != ':')) {
            return SLED_ERROR;
        }

        len = p - host;
        port = p[1] ? p + 2 : NULL;

    } else {
        p = strchr(host, ':');

        if (p && strchr(p + 1, ':')) {

            /* an address of IPv6 without brackets has no port */

            p = NULL;
        }

        len = p ? (size_t) (p - host) : strlen(host);
        port = p ? p + 1 : NULL;
    }

    if (len == 0 || len >= sizeof(target->host) || *host == '-') {
        return SLED_ERROR;
    }

    memcpy(target->host, host, len);

    if (port) {
        n = strtol(port, &end, 10);

        if (*port < '0' || *port > '9' || *end || n < 1 || n > 65535) {
            return SLED_ERROR;
        }

        snprintf(target->port, sizeof(target->port), "%ld", n);
    }

    return SLED_OK;
}
