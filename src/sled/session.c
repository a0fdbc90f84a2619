
/*
 * A terminal's stream: from its host into the ring, at the pace of the
 * gateway.
 */


#include "terminal.h"
#include "uplink.h"


static size_t sled_session_ahead(const sled_session_t *s);


void
sled_session_opened(sled_session_t *s, const char *work_dir,
    const char *shell)
{
    s->opened = 1;
    s->active = sled_now();
    s->work_dir = sled_copy(work_dir);
    s->shell = sled_copy(shell);

    sled_log(SLED_LOG_INFO, "terminal_opened", "%s: %s in %s", s->id, shell,
             work_dir);

    sled_terminal_told_opened(s, s->request_id, 0, 0);
}


void
sled_session_failed(sled_session_t *s, const char *code,
    const char *message)
{
    sled_log(SLED_LOG_WARN, "terminal_failed", "%s: %s", code, message);

    sled_terminal_told_error(s->request_id, NULL, code, message);
    sled_terminal_remove(s);
}


size_t
sled_session_room(sled_session_t *s, unsigned char **p)
{
    size_t  n, ahead;

    n = sled_ring_room(&s->ring, p);

    if (s->closing) {
        return n;
    }

    ahead = sled_session_ahead(s);

    return (n > ahead) ? ahead : n;
}


/*
 * Bytes that the gateway has not confirmed are not overwritten: it may ask
 * for them again.  Half of the ring is for what it has confirmed: a browser
 * that comes back has not seen all of that.
 */

static size_t
sled_session_ahead(const sled_session_t *s)
{
    size_t  ahead, max;

    if (s->paused) {
        return 0;
    }

    ahead = s->ring.end - s->confirmed;
    max = s->ring.size / 2;

    return (ahead < max) ? max - ahead : 0;
}


void
sled_session_output(sled_session_t *s, size_t n)
{
    sled_ring_added(&s->ring, n);

    if (s->closing) {
        s->sent = s->ring.end;
        s->confirmed = s->ring.end;
        return;
    }

    s->active = sled_now();

    if (!s->paused && !s->held) {
        sled_uplink_write(&sled_uplink);
    }
}


size_t
sled_session_space(sled_session_t *s)
{
    if (s->closing) {
        return s->ring.size;
    }

    return sled_session_ahead(s);
}


/* what came after a pause was on its way, and there was room for it */

void
sled_session_put(sled_session_t *s, const unsigned char *data, size_t len)
{
    size_t          n;
    unsigned char  *p;

    while (len) {
        n = sled_ring_room(&s->ring, &p);
        n = (n > len) ? len : n;

        memcpy(p, data, n);
        sled_session_output(s, n);

        data += n;
        len -= n;
    }
}


void
sled_session_ended(sled_session_t *s, int code, const char *reason)
{
    s->ended = 1;
    s->exit_code = code;

    if (s->reason[0] == '\0') {
        snprintf(s->reason, sizeof(s->reason), "%s", reason);
    }

    sled_log(SLED_LOG_INFO, "terminal_exit", "%s: %d %s, %lu bytes", s->id,
             code, s->reason, (unsigned long) s->ring.end);

    sled_timer_del(&s->idle);

    s->backend->forget(s->host);
    s->host = NULL;

    if (!s->opened || s->orphan) {

        /* there is nobody who knows of it */

        sled_terminal_remove(s);
        return;
    }

    sled_uplink_write(&sled_uplink);
}
