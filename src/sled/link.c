
/*
 * One WebSocket connection to a gateway, by libwebsockets.
 */


#include "uplink.h"

#include <sys/socket.h>


#define SLED_LINK_DEADLINE  20000
#define SLED_LINK_FRAMES    16


static void sled_link_resolved(sled_resolve_t *resolve, const char *error);
static void sled_link_connect(sled_link_t *link, sled_url_t *url,
    const char *address, const char *proxy);
static void sled_link_late(sled_timer_t *timer);
static void sled_link_failed(sled_link_t *link, const char *text,
    size_t len);
static void sled_link_peer_close(sled_link_t *link,
    const unsigned char *data, size_t len);
static int sled_link_header(sled_link_t *link, unsigned char **p,
    unsigned char *end);
static void sled_link_protocol(sled_link_t *link, struct lws *wsi);
static int sled_link_receive(sled_link_t *link, void *data, size_t len);
static int sled_link_write(sled_link_t *link);
static void sled_link_free(sled_link_t *link);


static const struct lws_protocols  sled_link_protocols[] = {
    { "uplink.bin.v1", sled_link_callback, 0, 32768, 0, NULL, 0 },
    { "uplink.v1", sled_link_callback, 0, 32768, 0, NULL, 0 },
    { NULL, NULL, 0, 0, 0, NULL, 0 }
};


/* each has its own: TLS and the proxy belong to it */

int
sled_link_vhosts(sled_uplink_t *up)
{
    size_t                            i;
    sled_url_t                        url;
    const sled_conf_t                *conf;
    struct lws_context_creation_info  info;

    conf = up->conf;

    up->vhosts = calloc(conf->gateways.n, sizeof(struct lws_vhost *));
    if (up->vhosts == NULL) {
        return SLED_ERROR;
    }

    for (i = 0; i < conf->gateways.n; i++) {

        if (sled_url_parse(&url, conf->gateways.text[i]) != SLED_OK) {
            fprintf(stderr, "sled: invalid URL \"%s\" of a gateway\n",
                    conf->gateways.text[i]);
            return SLED_ERROR;
        }

        memset(&info, 0, sizeof(info));

        info.port = CONTEXT_PORT_NO_LISTEN;
        info.vhost_name = conf->gateways.text[i];
        info.protocols = sled_link_protocols;
        info.user = up;

        if (url.tls) {
            info.options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
            info.client_ssl_ca_filepath = conf->ca;
            info.client_ssl_cert_filepath = conf->cert;
            info.client_ssl_private_key_filepath = conf->key;

            if (conf->ca) {
                info.options |= LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
            }
        }

        up->vhosts[i] = lws_create_vhost(sled_loop_context(), &info);

        if (up->vhosts[i] == NULL
            || (url.tls && lws_init_vhost_client_ssl(&info, up->vhosts[i])))
        {
            fprintf(stderr, "sled: no TLS with these certificates\n");
            return SLED_ERROR;
        }

        if (!url.tls && conf->token
            && strncmp(url.host, "127.", 4) != 0
            && strcmp(url.host, "localhost") != 0
            && strcmp(url.host, "::1") != 0)
        {
            sled_log(SLED_LOG_WARN, "gateway", "the token travels to %s "
                     "unencrypted", conf->gateways.text[i]);
        }
    }

    return SLED_OK;
}


void
sled_link_dial(sled_uplink_t *up)
{
    sled_url_t     url;
    sled_link_t   *link;
    sled_proxy_t   proxy;

    link = calloc(1, sizeof(sled_link_t));
    if (link == NULL) {
        sled_timer_set(&up->dial, 1000);
        return;
    }

    link->uplink = up;
    link->timer.handler = sled_link_late;
    link->timer.data = link;
    link->resolve.handler = sled_link_resolved;
    link->resolve.data = link;

    up->next = link;

    sled_timer_set(&link->timer, SLED_LINK_DEADLINE);

    (void) sled_url_parse(&url, up->conf->gateways.text[up->gateway]);

    switch (sled_url_proxy(&proxy, &url)) {

    case SLED_OK:
        sled_resolve(&link->resolve, proxy.host);
        break;

    case SLED_AGAIN:
        sled_resolve(&link->resolve, url.host);
        break;

    default:
        sled_link_resolved(&link->resolve, "the proxy is not understood");
        break;
    }
}


static void
sled_link_resolved(sled_resolve_t *resolve, const char *error)
{
    char           server[SLED_ADDRESS + 400], *address;
    sled_url_t     url;
    sled_link_t   *link;
    sled_proxy_t   proxy;

    link = resolve->data;

    if (error) {
        sled_link_close(link, 0, SLED_LOST, error);
        return;
    }

    (void) sled_url_parse(&url,
                    link->uplink->conf->gateways.text[link->uplink->gateway]);

    address = resolve->address[link->uplink->tries++ % resolve->n];

    if (sled_url_proxy(&proxy, &url) != SLED_OK) {
        sled_link_connect(link, &url, address, NULL);
        return;
    }

    snprintf(server, sizeof(server), strchr(address, ':') ? "%s[%s]:%d"
                                                          : "%s%s:%d",
             proxy.login, address, proxy.port);

    sled_link_connect(link, &url, url.host, server);
}


static void
sled_link_connect(sled_link_t *link, sled_url_t *url, const char *address,
    const char *proxy)
{
    struct lws                      *wsi;
    sled_uplink_t                   *up;
    struct lws_client_connect_info   info;

    up = link->uplink;

    if (proxy && lws_set_proxy(up->vhosts[up->gateway], proxy)) {
        sled_link_close(link, 0, SLED_LOST, "the proxy is not understood");
        return;
    }

    memset(&info, 0, sizeof(info));

    info.context = sled_loop_context();
    info.vhost = up->vhosts[up->gateway];
    info.address = address;
    info.port = url->port;
    info.path = url->path;
    info.host = url->authority;
    info.protocol = "uplink.bin.v1, uplink.v1";
    info.local_protocol_name = "uplink.bin.v1";
    info.ietf_version_or_minus_one = -1;
    info.userdata = link;
    info.alpn = "http/1.1";
    info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT
                          |(url->tls ? LCCSCF_USE_SSL : 0);

    /* callbacks may come from within, up to that of the destruction */

    link->connecting = 1;
    wsi = lws_client_connect_via_info(&info);
    link->connecting = 0;

    link->wsi = wsi;

    if (wsi) {
        return;
    }

    if (link->closing) {
        sled_link_free(link);

    } else {
        sled_link_close(link, 0, SLED_LOST, "not connected");
    }
}


static void
sled_link_late(sled_timer_t *timer)
{
    sled_link_t  *link;

    link = timer->data;

    sled_link_close(link, 0, SLED_LOST,
                    link->retired ? "replaced" : "no answer in time");
}


void
sled_link_want_write(sled_link_t *link)
{
    if (link->wsi && link->state != SLED_LINK_DIALING) {
        lws_callback_on_writable(link->wsi);
    }
}


/*
 * Forgets the link at once.  Its socket follows: with a close frame if there
 * is a code, without one otherwise.
 */

void
sled_link_close(sled_link_t *link, int code, sled_failure_e why,
    const char *error)
{
    if (link->closing) {
        return;
    }

    link->closing = 1;
    link->close_code = code;
    link->failure = why;

    if (link->error[0] == '\0') {
        snprintf(link->error, sizeof(link->error), "%s", error);
    }

    sled_uplink_closed(link);

    if (link->connecting) {
        return;
    }

    if (link->wsi == NULL) {
        sled_link_free(link);
        return;
    }

    sled_timer_del(&link->timer);

    /* not from within: the callback that we may be in still uses it */

    if (link->state == SLED_LINK_DIALING) {
        lws_set_timeout(link->wsi, 1, LWS_TO_KILL_ASYNC);

    } else {
        lws_set_timeout(link->wsi, PENDING_TIMEOUT_CLOSE_SEND, 2);
        lws_callback_on_writable(link->wsi);
    }
}


static void
sled_link_free(sled_link_t *link)
{
    sled_timer_del(&link->timer);
    sled_resolve_cancel(&link->resolve);

    free(link->in);
    free(link);
}


int
sled_link_callback(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len)
{
    sled_link_t  *link;

    link = user;

    if (link && link->wsi == NULL) {
        link->wsi = wsi;
    }

    switch (reason) {

    case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
        return link ? sled_link_header(link, in, *(unsigned char **) in + len)
                    : 0;

    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        if (link) {
            sled_link_failed(link, in, len);
        }

        return 0;

    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
        sled_link_protocol(link, wsi);
        return 0;

    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        link->state = SLED_LINK_OPEN;
        link->heard = sled_now();

        if (!link->closing) {
            sled_uplink_opened(link);
        }

        return 0;

    case LWS_CALLBACK_CLIENT_RECEIVE:
        return link->closing ? 0 : sled_link_receive(link, in, len);

    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return sled_link_write(link);

    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
        link->heard = sled_now();
        return 0;

    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        sled_link_peer_close(link, in, len);
        return 0;

    case LWS_CALLBACK_CLIENT_CLOSED:
    case LWS_CALLBACK_WSI_DESTROY:
        if (link && link->wsi == wsi) {
            link->wsi = NULL;

            if (link->connecting) {
                link->closing = 1;

            } else if (link->closing) {
                sled_link_free(link);

            } else {
                sled_link_close(link, 0, link->failure,
                                "the connection was cut");
            }

            lws_set_wsi_user(wsi, NULL);
        }

        return 0;

    default:
        return 0;
    }
}


static int
sled_link_header(sled_link_t *link, unsigned char **p, unsigned char *end)
{
    int          n;
    const char  *token;

    token = link->uplink->conf->token;

    n = snprintf((char *) *p, end - *p, "User-Agent: sled/%s\x0d\x0a",
                 SLED_VERSION);

    if (n < 0 || n >= end - *p) {
        return -1;
    }

    *p += n;

    if (token) {
        n = snprintf((char *) *p, end - *p,
                     "Authorization: Bearer %s\x0d\x0a", token);

        if (n < 0 || n >= end - *p) {
            return -1;
        }

        *p += n;
    }

    return 0;
}


/* libwebsockets takes none chosen for the first of its own */

static void
sled_link_protocol(sled_link_t *link, struct lws *wsi)
{
    char  name[32];

    link->binary = (lws_hdr_copy(wsi, name, sizeof(name), WSI_TOKEN_PROTOCOL)
                    > 0
                    && strcmp(name, "uplink.bin.v1") == 0);
}


/* before it was a WebSocket */

static void
sled_link_failed(sled_link_t *link, const char *text, size_t len)
{
    unsigned  status;

    status = link->wsi ? lws_http_client_http_response(link->wsi) : 0;

    if (!link->closing) {
        link->failure = SLED_LOST;

        if (status && status != 101) {
            snprintf(link->error, sizeof(link->error),
                     "the gateway answered %u", status);

            link->failure = (status == 401 || status == 403) ? SLED_REFUSED
                            : (status == 429 || status == 503) ? SLED_BUSY
                            : SLED_LOST;

        } else {
            snprintf(link->error, sizeof(link->error), "%.*s",
                     text ? (int) len : 13, text ? text : "not connected");
        }
    }

    /* the destruction comes next, and frees the link */

    sled_link_close(link, 0, link->failure, "");
}


static void
sled_link_peer_close(sled_link_t *link, const unsigned char *data,
    size_t len)
{
    int  n, code;

    if (link->closing) {
        return;
    }

    code = (len >= 2) ? data[0] << 8 | data[1] : 1005;

    link->failure = (code == 1008 || code == 4003) ? SLED_REFUSED
                    : (code == 1013) ? SLED_BUSY : SLED_LOST;

    if (link->error[0]) {
        return;
    }

    n = snprintf(link->error, sizeof(link->error), "closed by the gateway");

    /* libwebsockets shows what is newer than itself, 1012 say, as 1002 */

    if (code != 1002) {
        n += snprintf(link->error + n, sizeof(link->error) - n, ", %d", code);
    }

    if (len > 2) {
        snprintf(link->error + n, sizeof(link->error) - n, ": %.*s",
                 (int) (len - 2), (const char *) data + 2);
    }
}


static int
sled_link_receive(sled_link_t *link, void *data, size_t len)
{
    size_t          size;
    unsigned char  *in;

    link->heard = sled_now();

    if (lws_is_first_fragment(link->wsi)) {
        link->in_len = 0;
        link->in_binary = lws_frame_is_binary(link->wsi);
    }

    if (len > SLED_MAX_IN - link->in_len) {
        sled_link_close(link, 1009, SLED_LOST, "a message was too big");
        return 0;
    }

    if (link->in_len + len > link->in_size) {
        size = (link->in_len + len + 4095) & ~(size_t) 4095;
        in = realloc(link->in, size);

        if (in == NULL) {
            sled_link_close(link, 1011, SLED_LOST, "out of memory");
            return 0;
        }

        link->in = in;
        link->in_size = size;
    }

    memcpy(link->in + link->in_len, data, len);
    link->in_len += len;

    if (lws_is_final_fragment(link->wsi)
        && lws_remaining_packet_payload(link->wsi) == 0)
    {
        sled_uplink_received(link, link->in_binary, link->in, link->in_len);
        link->in_len = 0;
    }

    return 0;
}


/* returns -1 to have the socket closed */

static int
sled_link_write(sled_link_t *link)
{
    int            i, binary;
    size_t         len;

    static unsigned char  frame[LWS_PRE + SLED_FRAME];

    if (lws_partial_buffered(link->wsi)) {
        lws_callback_on_writable(link->wsi);
        return 0;
    }

    for (i = 0; i < SLED_LINK_FRAMES; i++) {

        if (link->closing && !link->retired) {
            if (link->close_code) {
                lws_close_reason(link->wsi, link->close_code, NULL, 0);
            }

            return -1;
        }

        if (lws_send_pipe_choked(link->wsi)) {
            break;
        }

        len = sled_uplink_next_frame(link, frame + LWS_PRE, SLED_FRAME,
                                     &binary);

        if (len == 0) {
            return link->closing ? -1 : 0;
        }

        if (lws_write(link->wsi, frame + LWS_PRE, len,
                      binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT)
            < (int) len)
        {
            return -1;
        }
    }

    lws_callback_on_writable(link->wsi);

    return 0;
}
