
/*
 * sled attach: a terminal client for the command line.
 */


#include "config.h"
#include "loop.h"
#include "resolve.h"
#include "run.h"
#include "screen.h"
#include "url.h"

#include <signal.h>


#define SLED_ATTACH_FRAME   16384
#define SLED_ATTACH_QUEUE   (64 * 1024)
#define SLED_ATTACH_IN      (256 * 1024)
#define SLED_ATTACH_AWAY    60000
#define SLED_ATTACH_PAUSE   500


typedef struct {
    const char   *type;
    void        (*handler)(json_t *payload);
} sled_attach_type_t;


static void sled_attach_dial(sled_timer_t *timer);
static void sled_attach_resolved(sled_resolve_t *resolve, const char *error);
static void sled_attach_lost(const char *why);
static void sled_attach_end(int code, const char *message);
static int sled_attach_callback(struct lws *wsi,
    enum lws_callback_reasons reason, void *user, void *in, size_t len);
static int sled_attach_header(unsigned char **p, unsigned char *end);
static int sled_attach_receive(struct lws *wsi, const void *data, size_t len);
static void sled_attach_message(const unsigned char *data, size_t len);
static int sled_attach_write(struct lws *wsi);
static void sled_attach_listen(void);
static void sled_attach_stdin(sled_watch_t *watch, uint32_t events);
static void sled_attach_signal(int signo);
static void sled_attach_keys(const unsigned char *data, size_t len);
static void sled_attach_output(const unsigned char *data, size_t len);

static void sled_attach_opened(json_t *payload);
static void sled_attach_data(json_t *payload);
static void sled_attach_exit(json_t *payload);
static void sled_attach_error(json_t *payload);
static void sled_attach_state(json_t *payload);
static void sled_attach_gap(json_t *payload);


static const sled_attach_type_t  sled_attach_types[] = {
    { "terminal.data", sled_attach_data },
    { "terminal.opened", sled_attach_opened },
    { "terminal.exit", sled_attach_exit },
    { "terminal.error", sled_attach_error },
    { "terminal.state", sled_attach_state },
    { "terminal.gap", sled_attach_gap },
    { NULL, NULL }
};


static const struct lws_protocols  sled_attach_protocols[] = {
    { "uplink.bin.v1", sled_attach_callback, 0, 32768, 0, NULL, 0 },
    { "uplink.v1", sled_attach_callback, 0, 32768, 0, NULL, 0 },
    { NULL, NULL, 0, 0, 0, NULL, 0 }
};


static struct {
    sled_conf_t         conf;
    sled_url_t          url;
    struct lws_vhost   *vhost;
    struct lws         *wsi;
    sled_resolve_t      resolve;
    sled_timer_t        dial;
    sled_watch_t        input;

    unsigned            binary:1;
    unsigned            open:1;         /* upgraded */
    unsigned            resized:1;
    unsigned            done:1;
    unsigned            line:1;         /* at the start of one */
    unsigned            tilde:1;

    uint64_t            lost;           /* when, 0: it is not */
    uint64_t            offset;
    unsigned char       handle[8];
    char                session[129];
    char                token[256];
    char                error[256];

    unsigned char       keys[SLED_ATTACH_QUEUE];
    size_t              nkeys;
    unsigned char      *in;
    size_t              in_len;
    int                 in_binary;
    int                 code;
} sled_attach;


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


static void
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
sled_attach_message(const unsigned char *data, size_t len)
{
    json_t                    *json, *payload;
    const char                *type;
    const sled_attach_type_t  *t;

    json = json_loadb((const char *) data, len, 0, NULL);
    type = sled_json_text(json, "type");
    payload = json_object_get(json, "payload");

    for (t = sled_attach_types; type && t->type; t++) {
        if (strcmp(t->type, type) == 0) {
            t->handler(payload);
            break;
        }
    }

    json_decref(json);
}


static void
sled_attach_opened(json_t *payload)
{
    int          i;
    unsigned     byte;
    const char  *handle;

    snprintf(sled_attach.session, sizeof(sled_attach.session), "%s",
             sled_json_text(payload, "session_id") ?: "");
    snprintf(sled_attach.token, sizeof(sled_attach.token), "%s",
             sled_json_text(payload, "resume_token") ?: "");

    sled_attach.offset = sled_json_number(payload, "offset",
                                          sled_attach.offset);
    sled_attach.lost = 0;

    handle = sled_json_text(payload, "handle") ?: "";

    for (i = 0; i < 8 && strlen(handle) == 16; i++) {
        sscanf(handle + 2 * i, "%2x", &byte);
        sled_attach.handle[i] = byte;
    }

    if (strlen(handle) != 16) {
        sled_attach.binary = 0;
    }

    sled_attach_listen();

    sled_attach.resized = 1;
    lws_callback_on_writable(sled_attach.wsi);
}


static void
sled_attach_data(json_t *payload)
{
    json_t   *value;
    ssize_t   n;

    static unsigned char  data[SLED_ATTACH_IN];

    value = json_object_get(payload, "data_b64");

    n = json_is_string(value)
        ? sled_unbase64(data, json_string_value(value),
                        json_string_length(value)) : -1;

    if (n > 0) {
        sled_attach_output(data, n);
    }
}


/* a screen that is slow slows the whole way down: this may block */

static void
sled_attach_output(const unsigned char *data, size_t len)
{
    ssize_t  n;

    sled_attach.offset += len;

    while (len) {
        n = write(STDOUT_FILENO, data, len);

        if (n > 0) {
            data += n;
            len -= n;

        } else if (errno == EAGAIN) {
            sled_screen_wait();

        } else if (errno != EINTR) {
            sled_attach_end(2, "nobody reads the output");
            return;
        }
    }
}


static void
sled_attach_exit(json_t *payload)
{
    int64_t      code;
    const char  *reason;

    code = sled_json_number(payload, "exit_code", -1);
    reason = sled_json_text(payload, "reason") ?: "exited";

    sled_attach_end((code >= 0 && code < 256) ? (int) code : 255,
                    strcmp(reason, "exited") == 0 ? "" : reason);
}


static void
sled_attach_error(json_t *payload)
{
    char  text[256];

    snprintf(text, sizeof(text), "%s: %s",
             sled_json_text(payload, "code") ?: "error",
             sled_json_text(payload, "message") ?: "");

    sled_attach_end(2, text);
}


static void
sled_attach_state(json_t *payload)
{
    if (strcmp(sled_json_text(payload, "state") ?: "", "sled_away") == 0) {
        sled_screen_say("the sled is away, please wait");
    }
}


static void
sled_attach_gap(json_t *payload)
{
    sled_attach.offset = sled_json_number(payload, "to",
                                          sled_attach.offset);
    sled_screen_say("some output is missing here");
}


/* the size first, then what was typed */

static int
sled_attach_write(struct lws *wsi)
{
    size_t         n;
    char          *p;
    unsigned       cols, rows;

    static unsigned char  frame[LWS_PRE + 2 * SLED_ATTACH_FRAME];

    if (sled_attach.done) {
        return -1;
    }

    if (sled_attach.session[0] == '\0' || sled_attach.lost) {
        return 0;
    }

    p = (char *) frame + LWS_PRE;

    if (sled_attach.resized) {
        sled_attach.resized = 0;
        sled_screen_size(&cols, &rows);

        p += sprintf(p, "{\"type\":\"terminal.resize\",\"payload\":"
                     "{\"cols\":%u,\"rows\":%u}}", cols, rows);

    } else if (sled_attach.nkeys == 0) {
        return 0;

    } else {
        n = (sled_attach.nkeys < SLED_ATTACH_FRAME) ? sled_attach.nkeys
                                                    : SLED_ATTACH_FRAME;

        if (sled_attach.binary) {
            *p++ = 0x01;
            memcpy(p, sled_attach.handle, 8);
            memcpy(p + 8, sled_attach.keys, n);
            p += 8 + n;

        } else {
            p += sprintf(p, "{\"type\":\"terminal.data\",\"payload\":"
                         "{\"data_b64\":\"");
            p = sled_base64(p, sled_attach.keys, n);
            p += sprintf(p, "\"}}");
        }

        sled_attach.nkeys -= n;
        memmove(sled_attach.keys, sled_attach.keys + n, sled_attach.nkeys);
        sled_attach_listen();
    }

    n = p - (char *) frame - LWS_PRE;

    if (lws_write(wsi, frame + LWS_PRE, n,
                  frame[LWS_PRE] == 0x01 ? LWS_WRITE_BINARY : LWS_WRITE_TEXT)
        < (int) n)
    {
        return -1;
    }

    lws_callback_on_writable(wsi);

    return 0;
}


/* a regular file cannot be waited for, and need not be; at its end there is
 * nothing to wait for */

static void
sled_attach_listen(void)
{
    if (sled_attach.input.fd != -1
        && sled_watch_set(&sled_attach.input, EPOLLIN) != SLED_OK)
    {
        sled_attach_stdin(&sled_attach.input, EPOLLIN);
    }
}


static void
sled_attach_stdin(sled_watch_t *watch, uint32_t events)
{
    ssize_t        n;
    size_t         room;
    unsigned char  data[4096];

    room = (sizeof(sled_attach.keys) - sled_attach.nkeys) / 2;
    room = (room < sizeof(data)) ? room : sizeof(data);

    if (room == 0) {
        sled_watch_del(watch);
        return;
    }

    n = read(watch->fd, data, room);

    if (n > 0) {
        sled_attach_keys(data, n);

    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        sled_watch_del(watch);
        watch->fd = -1;
    }
}


/* at the start of a line "~." leaves, "~~" is a tilde */

static void
sled_attach_keys(const unsigned char *data, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {

        if (sled_attach.tilde) {
            sled_attach.tilde = 0;

            if (data[i] == '.') {
                sled_attach_end(0, "left");
                return;
            }

            if (data[i] != '~') {
                sled_attach.keys[sled_attach.nkeys++] = '~';
            }

        } else if (sled_attach.line && data[i] == '~') {
            sled_attach.tilde = 1;
            continue;
        }

        sled_attach.keys[sled_attach.nkeys++] = data[i];
        sled_attach.line = (data[i] == '\r' || data[i] == '\n');
    }

    if (sled_attach.open) {
        lws_callback_on_writable(sled_attach.wsi);
    }
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
