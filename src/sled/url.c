
/*
 * WebSocket addresses, and the proxies on the way to them.
 */


#include "url.h"

#include <strings.h>


static int sled_url_authority(const char *text, size_t len, char *host,
    size_t size, int *port);


/* from the environment, by upper or lower case */

static char  *sled_proxy_https;
static char  *sled_proxy_http;
static char  *sled_proxy_none;


int
sled_url_parse(sled_url_t *url, const char *text)
{
    size_t       len;
    const char  *p;

    memset(url, 0, sizeof(sled_url_t));

    if (strncasecmp(text, "wss://", 6) == 0) {
        url->tls = 1;
        url->port = 443;
        text += 6;

    } else if (strncasecmp(text, "ws://", 5) == 0) {
        url->port = 80;
        text += 5;

    } else {
        return SLED_ERROR;
    }

    for (p = text; *p; p++) {
        if (*p <= ' ' || *p >= 0x7f || *p == '#') {
            return SLED_ERROR;
        }
    }

    len = strcspn(text, "/?");

    if (len >= sizeof(url->authority)
        || strlen(text + len) + 2 > sizeof(url->path)
        || memchr(text, '@', len)
        || sled_url_authority(text, len, url->host, sizeof(url->host),
                              &url->port)
           != SLED_OK)
    {
        return SLED_ERROR;
    }

    memcpy(url->authority, text, len);

    snprintf(url->path, sizeof(url->path), "%s%s",
             (text[len] == '/') ? "" : "/", text + len);

    return SLED_OK;
}


/* host, host:port, [v6], [v6]:port */

static int
sled_url_authority(const char *text, size_t len, char *host, size_t size,
    int *port)
{
    size_t       n;
    const char  *start, *end, *p;

    start = text;
    end = text + len;

    if (len && *text == '[') {
        start++;
        p = memchr(text, ']', len);

        if (p == NULL) {
            return SLED_ERROR;
        }

        n = p - start;
        p++;

    } else {
        p = memchr(text, ':', len);
        p = p ? p : end;
        n = p - start;
    }

    if (n == 0 || n >= size) {
        return SLED_ERROR;
    }

    memcpy(host, start, n);
    host[n] = '\0';

    if (p == end) {
        return SLED_OK;
    }

    if (*p++ != ':' || p == end || end - p > 5) {
        return SLED_ERROR;
    }

    for (*port = 0; p < end; p++) {

        if (*p < '0' || *p > '9') {
            return SLED_ERROR;
        }

        *port = *port * 10 + *p - '0';
    }

    return (*port > 0 && *port < 65536) ? SLED_OK : SLED_ERROR;
}


static char *
sled_url_variable(const char *lower, const char *upper)
{
    char  *value, *copy;

    value = getenv(lower);

    if (value == NULL || *value == '\0') {
        value = getenv(upper);
    }

    copy = (value && *value) ? sled_copy(value) : NULL;

    unsetenv(lower);
    unsetenv(upper);

    return copy;
}


/* libwebsockets would look there as well, and take http_proxy for all */

void
sled_url_proxy_init(void)
{
    char  *all;

    sled_url_proxy_free();

    sled_proxy_https = sled_url_variable("https_proxy", "HTTPS_PROXY");
    sled_proxy_http = sled_url_variable("http_proxy", "HTTP_PROXY");
    sled_proxy_none = sled_url_variable("no_proxy", "NO_PROXY");
    all = sled_url_variable("all_proxy", "ALL_PROXY");

    if (all && sled_proxy_https == NULL) {
        sled_proxy_https = sled_copy(all);
    }

    if (all && sled_proxy_http == NULL) {
        sled_proxy_http = sled_copy(all);
    }

    free(all);
}


void
sled_url_proxy_free(void)
{
    free(sled_proxy_https);
    free(sled_proxy_http);
    free(sled_proxy_none);

    sled_proxy_https = NULL;
    sled_proxy_http = NULL;
    sled_proxy_none = NULL;
}


/* no_proxy: names, and all below them; "*" is everything */

static int
sled_url_direct(const char *host)
{
    size_t       len, n;
    const char  *p;

    n = strlen(host);

    for (p = sled_proxy_none; p && *p; p += len) {
        p += strspn(p, " ,");
        len = strcspn(p, " ,");

        if (len == 1 && *p == '*') {
            return 1;
        }

        while (len && *p == '.') {
            p++;
            len--;
        }

        if (len && len <= n
            && strncasecmp(host + n - len, p, len) == 0
            && (len == n || host[n - len - 1] == '.'))
        {
            return 1;
        }
    }

    return 0;
}


int
sled_url_proxy(sled_proxy_t *proxy, const sled_url_t *url)
{
    size_t       len;
    const char  *text, *at, *p;

    memset(proxy, 0, sizeof(sled_proxy_t));

    text = url->tls ? sled_proxy_https : sled_proxy_http;

    if (text == NULL || sled_url_direct(url->host)) {
        return SLED_AGAIN;
    }

    if (strncasecmp(text, "http://", 7) == 0) {
        text += 7;

    } else if (strstr(text, "://")) {
        return SLED_ERROR;
    }

    len = strcspn(text, "/");
    at = NULL;

    for (p = text; p < text + len; p++) {
        at = (*p == '@') ? p : at;
    }

    if (at) {
        if ((size_t) (at - text) + 2 > sizeof(proxy->login)) {
            return SLED_ERROR;
        }

        memcpy(proxy->login, text, at - text + 1);
        len -= at + 1 - text;
        text = at + 1;
    }

    proxy->port = 3128;

    return sled_url_authority(text, len, proxy->host, sizeof(proxy->host),
                              &proxy->port);
}
