
/*
 * sled attach: a terminal client for the command line, and its link.
 */


#include "attach.h"
#include "run.h"
#include "screen.h"

#include <signal.h>


#define SLED_ATTACH_AWAY   60000
#define SLED_ATTACH_PAUSE  500


static void sled_attach_dial(sled_timer_t *timer);
static void sled_attach_resolved(sled_resolve_t *resolve, const char *error);
static void sled_attach_lost(const char *why);
static int sled_attach_callback(struct lws *wsi,
    enum lws_callback_reasons reason, void *user, void *in, size_t len);
static int sled_attach_header(unsigned char **p, unsigned char *end);
static int sled_attach_receive(struct lws *wsi, const void *data, size_t len);
static void sled_attach_signal(int signo);


static const struct lws_protocols  sled_attach_protocols[] = {
    { "uplink.bin.v1", sled_attach_callback, 0, 32768, 0, NULL, 0 },
    { "uplink.v1", sled_attach_callback, 0, 32768, 0, NULL, 0 },
    { NULL, NULL, 0, 0, 0, NULL, 0 }
};


sled_attach_state_t  sled_attach;


int
sled_attach_command(int argc, char **argv)
{
    int                               rest;
    struct lws_context_creation_info  info;

    sled_attach.code = 2;

    if (sled_conf_load(&sled_attach.conf, argc, argv, &rest) != SLED_OK
        || sled_conf_secret(&sled_attach.conf) != SLED_OK)
    {
        goto done;
    }

    if (rest + 1 != argc
        || sled_url_parse(&sled_attach.url, argv[rest]) != SLED_OK)
    {
        fprintf(stderr, "usage: sled attach [OPTION]... wss://HOST/PATH\n");
        goto done;
    }

    sled_url_proxy_init();
    sled_attach.in = malloc(SLED_ATTACH_IN);

    if (sled_attach.in == NULL || sled_loop_init(NULL) != SLED_OK) {
        goto done;
    }

    memset(&info, 0, sizeof(info));

    info.port = CONTEXT_PORT_NO_LISTEN;
    info.vhost_name = "attach";
    info.protocols = sled_attach_protocols;

    if (sled_attach.url.tls) {
        info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.client_ssl_ca_filepath = sled_attach.conf.ca;
        info.client_ssl_cert_filepath = sled_attach.conf.cert;
        info.client_ssl_private_key_filepath = sled_attach.conf.key;

        if (sled_attach.conf.ca) {
            info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
        }
    }

    sled_attach.vhost = lws_create_vhost(sled_loop_context(), &info);

    if (sled_attach.vhost == NULL
        || (sled_attach.url.tls
            && lws_init_vhost_client_ssl(&info, sled_attach.vhost)))
    {
        fprintf(stderr, "sled: no TLS with these certificates\n");
        goto done;
    }

    sled_attach.line = 1;
    sled_attach.dial.handler = sled_attach_dial;
    sled_attach.resolve.handler = sled_attach_resolved;
    sled_attach.input.fd = STDIN_FILENO;
    sled_attach.input.handler = sled_attach_stdin;

    sled_loop_on_signal(sled_attach_signal);
    sled_screen_raw();
    sled_timer_set(&sled_attach.dial, 0);

    sled_loop_run();

    sled_screen_restore();

    if (sled_attach.error[0]) {
        fprintf(stderr, "sled: %s\n", sled_attach.error);
    }

done:

    if (sled_loop_context()) {
        sled_resolve_cancel(&sled_attach.resolve);
        sled_attach.done = 1;
        sled_loop_free();
    }

    sled_url_proxy_free();
    sled_conf_free(&sled_attach.conf);
    free(sled_attach.in);

    return sled_attach.code;
}


static void
sled_attach_dial(sled_timer_t *timer)
{
    sled_proxy_t  proxy;

    if (sled_attach.lost
        && sled_now() - sled_attach.lost > SLED_ATTACH_AWAY)
    {
        sled_attach_end(2, "the gateway did not come back");
        return;
    }

    if (sled_url_proxy(&proxy, &sled_attach.url) == SLED_OK) {
        sled_resolve(&sled_attach.resolve, proxy.host);

    } else {
        sled_resolve(&sled_attach.resolve, sled_attach.url.host);
    }
}


static void
sled_attach_resolved(sled_resolve_t *resolve, const char *error)
{
    unsigned                         cols, rows;
    char                             path[sizeof(sled_attach.url.path) + 512];
    char                             protocols[512], server[700];
    sled_proxy_t                     proxy;
    struct lws                      *wsi;
    struct lws_client_connect_info   info;

    if (error) {
        sled_attach_lost(error);
        return;
    }

    memset(&info, 0, sizeof(info));

    info.address = resolve->address[0];

    if (sled_url_proxy(&proxy, &sled_attach.url) == SLED_OK) {
        snprintf(server, sizeof(server), strchr(info.address, ':')
                 ? "%s[%s]:%d" : "%s%s:%d", proxy.login, info.address,
                 proxy.port);
        (void) lws_set_proxy(sled_attach.vhost, server);
        info.address = sled_attach.url.host;
    }

    sled_screen_size(&cols, &rows);

    if (sled_attach.token[0]) {
        snprintf(path, sizeof(path), "%s%ccols=%u&rows=%u&session=%s"
                 "&offset=%lu", sled_attach.url.path,
                 strchr(sled_attach.url.path, '?') ? '&' : '?', cols, rows,
                 sled_attach.session, (unsigned long) sled_attach.offset);
        snprintf(protocols, sizeof(protocols),
                 "uplink.bin.v1, uplink.v1, uplink.resume.%s",
                 sled_attach.token);

    } else {
        snprintf(path, sizeof(path), "%s%ccols=%u&rows=%u",
                 sled_attach.url.path,
                 strchr(sled_attach.url.path, '?') ? '&' : '?', cols, rows);
        strcpy(protocols, "uplink.bin.v1, uplink.v1");
    }

    info.context = sled_loop_context();
    info.vhost = sled_attach.vhost;
    info.port = sled_attach.url.port;
    info.path = path;
    info.host = sled_attach.url.authority;
    info.protocol = protocols;
    info.local_protocol_name = "uplink.bin.v1";
    info.ietf_version_or_minus_one = -1;
    info.alpn = "http/1.1";
    info.userdata = &sled_attach;
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT
                          |(sled_attach.url.tls ? LCCSCF_USE_SSL : 0);

    wsi = lws_client_connect_via_info(&info);

    if (wsi) {
        sled_attach.wsi = wsi;
    }
}


/* a session that can be taken up again is, for a while */

static void
sled_attach_lost(const char *why)
{
    if (sled_attach.done) {
        return;
    }

    if (sled_attach.token[0] == '\0') {
        sled_attach_end(2, why);
        return;
    }

    if (sled_attach.lost == 0) {
        sled_attach.lost = sled_now();
    }

    sled_timer_set(&sled_attach.dial, SLED_ATTACH_PAUSE);
}


void
sled_attach_end(int code, const char *message)
{
    if (sled_attach.done) {
        return;
    }

    sled_attach.done = 1;
    sled_attach.code = code;
    snprintf(sled_attach.error, sizeof(sled_attach.error), "%s", message);

    sled_loop_stop();
}


static int
sled_attach_callback(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len)
{
    unsigned  status;
    char      text[256];

    switch (reason) {

    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return sled_attach_header(in, *(unsigned char **) in + len);

    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        status = lws_http_client_http_response(wsi);

        if (status > 101) {
            snprintf(text, sizeof(text), "the gateway answered %u", status);

            if (status < 500) {
                sled_attach_end(2, text);
            }

        } else {
            snprintf(text, sizeof(text), "%.*s", in ? (int) len : 13,
                     in ? (char *) in : "not connected");
        }

        sled_attach_lost(text);
        return 0;

    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
        sled_attach.binary = (lws_hdr_copy(wsi, text, sizeof(text),
                                           WSI_TOKEN_PROTOCOL) > 0
                              && strcmp(text, "uplink.bin.v1") == 0);
        return 0;

    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        sled_attach.wsi = wsi;
        sled_attach.open = 1;
        sled_attach.in_len = 0;
        return 0;

    case LWS_CALLBACK_CLIENT_RECEIVE:
        return sled_attach_receive(wsi, in, len);

    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return sled_attach_write(wsi);

    case LWS_CALLBACK_CLIENT_CLOSED:
        sled_attach.wsi = NULL;
        sled_attach.open = 0;
        sled_attach_lost("the gateway closed the connection");
        return 0;

    default:
        return 0;
    }
}


static int
sled_attach_header(unsigned char **p, unsigned char *end)
{
    int  n;

    if (sled_attach.conf.token == NULL) {
        return 0;
    }

    n = snprintf((char *) *p, end - *p, "Authorization: Bearer %s\x0d\x0a",
                 sled_attach.conf.token);

    if (n < 0 || n >= end - *p) {
        return -1;
    }

    *p += n;

    return 0;
}


static int
sled_attach_receive(struct lws *wsi, const void *data, size_t len)
{
    if (lws_is_first_fragment(wsi)) {
        sled_attach.in_len = 0;
        sled_attach.in_binary = lws_frame_is_binary(wsi);
    }

    if (len > SLED_ATTACH_IN - sled_attach.in_len) {
        return -1;
    }

    memcpy(sled_attach.in + sled_attach.in_len, data, len);
    sled_attach.in_len += len;

    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi)) {
        return 0;
    }

    if (!sled_attach.in_binary) {
        sled_attach_message(sled_attach.in, sled_attach.in_len);

    } else if (sled_attach.in_len >= 9 && sled_attach.in[0] == 0x01) {
        sled_attach_output(sled_attach.in + 9, sled_attach.in_len - 9);
    }

    return 0;
}


static void
sled_attach_signal(int signo)
{
    if (signo != SIGWINCH) {
        sled_attach_end(128 + signo, "");
        return;
    }

    sled_attach.resized = 1;

    if (sled_attach.open) {
        lws_callback_on_writable(sled_attach.wsi);
    }
}
