
/*
 * Terminals: what the gateway is told, and how much of it has arrived.
 */


#include "terminal.h"
#include "uplink.h"


/* not confirmed yet: a gateway takes some after it has said "pause" */
#define SLED_TERMINAL_AHEAD  (192 * 1024)


static size_t sled_terminal_data_frame(sled_session_t *s,
    unsigned char *data, size_t size, int binary);
static size_t sled_terminal_exit_frame(sled_session_t *s,
    unsigned char *data, size_t size);


void
sled_terminal_told_opened(sled_session_t *s, const char *request_id,
    uint64_t offset, int attached)
{
    json_t  *payload;

    payload = json_pack("{ss, ss, ss, ss}", "request_id", request_id,
                        "session_id", s->id, "work_dir", s->work_dir,
                        "shell", s->shell);
    if (payload && attached) {
        json_object_set_new(payload, "offset",
                            json_integer((json_int_t) offset));
    }

    (void) sled_uplink_send(&sled_uplink, "terminal.opened", NULL, payload,
                            attached ? SLED_ONCE : 0);
}


void
sled_terminal_told_error(const char *request_id, const char *session_id,
    const char *code, const char *message)
{
    json_t  *payload;

    payload = json_pack("{ss, ss}", "code", code, "message", message);

    if (payload && request_id) {
        json_object_set_new(payload, "request_id", json_string(request_id));
    }

    if (payload && session_id) {
        json_object_set_new(payload, "session_id", json_string(session_id));
    }

    (void) sled_uplink_send(&sled_uplink, "terminal.error", NULL, payload, 0);
}


/* one frame of the session whose turn it is */

size_t
sled_terminal_frame(unsigned char *data, size_t size, int binary_agreed,
    int *binary)
{
    size_t            len;
    sled_session_t  **p, *s;

    for (p = &sled_sessions; *p; p = &(*p)->next) {
        s = *p;

        if (!s->opened || s->held || s->exit_sent) {
            continue;
        }

        if (s->sent < s->ring.end && !s->paused
            && s->sent - s->confirmed < SLED_TERMINAL_AHEAD)
        {
            *binary = binary_agreed && s->has_handle;
            len = sled_terminal_data_frame(s, data, size, *binary);

        } else if (s->ended && s->sent == s->ring.end) {
            len = sled_terminal_exit_frame(s, data, size);

        } else {
            continue;
        }

        /* the others come first now */

        if (s->next) {
            *p = s->next;
            s->next = NULL;
            *sled_sessions_last = s;
            sled_sessions_last = &s->next;
        }

        return len;
    }

    return 0;
}


static size_t
sled_terminal_data_frame(sled_session_t *s, unsigned char *data, size_t size,
    int binary)
{
    int                   i;
    char                 *p;
    size_t                n;
    const unsigned char  *bytes;

    n = sled_ring_at(&s->ring, s->sent, &bytes);
    n = (n > SLED_DATA_FRAME) ? SLED_DATA_FRAME : n;

    if (n > sled_uplink.max_message / 2) {
        n = sled_uplink.max_message / 2;
    }

    p = (char *) data;

    if (binary) {
        *p++ = 0x01;

        for (i = 56; i >= 0; i -= 8) {
            *p++ = (char) (s->handle >> i);
        }

        memcpy(p, bytes, n);
        p += n;

    } else {
        p += sprintf(p, "{\"type\":\"terminal.data\",\"req_id\":\"\","
                     "\"payload\":{\"session_id\":\"%s\",\"data_b64\":\"",
                     s->id);
        p = sled_base64(p, bytes, n);
        p += sprintf(p, "\"}}");
    }

    s->sent += n;

    /* long before the ring, or what may be unconfirmed, is used up */

    if (s->sent - s->confirmed >= s->ring.size / 4
        || s->sent - s->confirmed >= SLED_TERMINAL_AHEAD / 3)
    {
        sled_uplink.want_mark = 1;
    }

    return p - (char *) data;
}


static size_t
sled_terminal_exit_frame(sled_session_t *s, unsigned char *data, size_t size)
{
    size_t   len;
    json_t  *json;

    s->exit_sent = 1;
    sled_uplink.want_mark = 1;

    json = json_pack("{ss, ss, s{ss, si, ss}}", "type", "terminal.exit",
                     "req_id", "", "payload", "session_id", s->id,
                     "exit_code", s->exit_code, "reason", s->reason);

    len = json ? json_dumpb(json, (char *) data, size, JSON_COMPACT) : 0;
    json_decref(json);

    return (len <= size) ? len : 0;
}


void
sled_terminal_marked(void)
{
    sled_session_t  *s;

    for (s = sled_sessions; s; s = s->next) {
        s->marked = s->sent;
        s->exit_marked = s->exit_sent;
    }
}


/* an exit that has arrived is the last that anybody wants to know of it */

void
sled_terminal_confirmed(void)
{
    sled_session_t  *s, *next;

    for (s = sled_sessions; s; s = next) {
        next = s->next;

        if (s->exit_marked) {
            sled_terminal_remove(s);
            continue;
        }

        if (s->confirmed < s->marked) {
            s->confirmed = s->marked;

            if (s->host) {
                s->backend->flow(s->host);
            }
        }
    }
}
