
/* where sled ssh goes, where sled run goes, and through which proxy */

/* sources: src/sled/target.c src/sled/url.c src/sled/text.c src/sled/log.c */
/* libs: -ljansson -D_GNU_SOURCE */

#include "sled/target.h"
#include "sled/url.h"
#include "tap.h"


static const struct {
    const char  *text;
    const char  *user;          /* NULL: invalid */
    const char  *host;
    const char  *port;
} targets[] = {
    { "host", "", "host", "" },
    { "a.b-c_d", "", "a.b-c_d", "" },
    { "me@host", "me", "host", "" },
    { "me@host:22", "me", "host", "22" },
    { "me@corp@host", "me@corp", "host", "" },
    { "[::1]", "", "::1", "" },
    { "[::1]:2222", "", "::1", "2222" },
    { "me@[fe80::1%eth0]:65535", "me", "fe80::1%eth0", "65535" },
    { "::1", "", "::1", "" },
    { "", NULL, NULL, NULL },
    { "@host", NULL, NULL, NULL },
    { "me@", NULL, NULL, NULL },
    { "host:", NULL, NULL, NULL },
    { "host:0", NULL, NULL, NULL },
    { "host:65536", NULL, NULL, NULL },
    { "host:22x", NULL, NULL, NULL },
    { "host:+22", NULL, NULL, NULL },
    { "[::1", NULL, NULL, NULL },
    { "[::1]x", NULL, NULL, NULL },
    { "-oProxyCommand=x", NULL, NULL, NULL },
    { "-l@host", NULL, NULL, NULL },
    { "me@-host", NULL, NULL, NULL },
    { "a b", NULL, NULL, NULL },
    { "a\nb", NULL, NULL, NULL }
};


static const struct {
    const char  *text;
    int          tls;           /* -1: invalid */
    const char  *host;
    int          port;
    const char  *path;
} urls[] = {
    { "wss://host/a?b=c", 1, "host", 443, "/a?b=c" },
    { "ws://host:8080", 0, "host", 8080, "/" },
    { "WS://host?x", 0, "host", 80, "/?x" },
    { "wss://[::1]:1/x", 1, "::1", 1, "/x" },
    { "http://host/", -1, NULL, 0, NULL },
    { "wss://", -1, NULL, 0, NULL },
    { "wss://u:p@host/", -1, NULL, 0, NULL },
    { "wss://host:0/", -1, NULL, 0, NULL },
    { "wss://host:70000/", -1, NULL, 0, NULL },
    { "wss://host:/", -1, NULL, 0, NULL },
    { "wss://host/#x", -1, NULL, 0, NULL },
    { "wss://host/a b", -1, NULL, 0, NULL },
    { "wss://host/\r\nX: y", -1, NULL, 0, NULL }
};


static void
proxies(void)
{
    sled_url_t    url, plain, below;
    sled_proxy_t  proxy;

    (void) sled_url_parse(&url, "wss://gw.example/");
    (void) sled_url_parse(&plain, "ws://gw.example/");
    (void) sled_url_parse(&below, "wss://a.inner.example/");

    setenv("https_proxy", "http://u:p@w@proxy:8080/", 1);
    setenv("NO_PROXY", "x, .inner.example", 1);
    unsetenv("http_proxy");
    sled_url_proxy_init();

    ok(sled_url_proxy(&proxy, &url) == SLED_OK
       && strcmp(proxy.host, "proxy") == 0 && proxy.port == 8080
       && strcmp(proxy.login, "u:p@w@") == 0, "a proxy with a password");
    ok(sled_url_proxy(&proxy, &plain) == SLED_AGAIN, "none for ws://");
    ok(sled_url_proxy(&proxy, &below) == SLED_AGAIN, "none below no_proxy");
    ok(getenv("https_proxy") == NULL, "and nobody inherits it");

    setenv("ALL_PROXY", "socks5://proxy", 1);
    sled_url_proxy_init();
    ok(sled_url_proxy(&proxy, &plain) == SLED_ERROR, "not understood");

    sled_url_proxy_free();
}


static void
base64(void)
{
    char           text[64];
    size_t         i;
    ssize_t        n;
    unsigned char  data[32], back[48];

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (unsigned char) (i * 37);
        *sled_base64(text, data, i) = '\0';
        n = sled_unbase64(back, text, strlen(text));
        ok(n == (ssize_t) i && memcmp(data, back, i) == 0,
           "%zu bytes to base64 and back", i);
    }

    ok(sled_unbase64(back, "AAA", 3) == -1, "half of a group");
    ok(sled_unbase64(back, "A=AA", 4) == -1, "padding within");
    ok(sled_unbase64(back, "AA\0A", 4) == -1, "a zero");
    ok(sled_unbase64(back, "A-_A", 4) == -1, "the other alphabet");
}


int
main(void)
{
    int            rc;
    size_t         i;
    sled_url_t     url;
    sled_target_t  target;

    for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        rc = sled_target_parse(&target, targets[i].text);

        ok(targets[i].user
           ? rc == SLED_OK && strcmp(target.user, targets[i].user) == 0
             && strcmp(target.host, targets[i].host) == 0
             && strcmp(target.port, targets[i].port) == 0
           : rc == SLED_ERROR, "target \"%s\"", targets[i].text);
    }

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        rc = sled_url_parse(&url, urls[i].text);

        ok(urls[i].tls >= 0
           ? rc == SLED_OK && url.tls == urls[i].tls
             && strcmp(url.host, urls[i].host) == 0
             && url.port == urls[i].port
             && strcmp(url.path, urls[i].path) == 0
           : rc == SLED_ERROR, "URL \"%s\"", urls[i].text);
    }

    proxies();
    base64();

    return done();
}
