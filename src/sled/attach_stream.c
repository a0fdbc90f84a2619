
/*
 * sled attach: what is typed here, and what is shown.
 */


#include "attach.h"
#include "screen.h"


#define SLED_ATTACH_FRAME  16384


typedef struct {
    const char   *type;
    void        (*handler)(json_t *payload);
} sled_attach_type_t;


static void sled_attach_listen(void);
static void sled_attach_keys(const unsigned char *data, size_t len);
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


void
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

void
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

int
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


void
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
