
/*
 * A link becomes the uplink: it says who we are, and what it resumes.
 */


#include "uplink.h"


#define SLED_BARRIER    3000
#define SLED_RETIRED    5000
#define SLED_HEARTBEAT  25000


static void sled_uplink_register(sled_link_t *link);
static void sled_uplink_refused(sled_link_t *link, json_t *payload);
static void sled_uplink_replace(sled_uplink_t *up, sled_link_t *old);


/* upgraded */

void
sled_uplink_opened(sled_link_t *link)
{
    sled_uplink_t  *up;

    up = link->uplink;

    if (up->link == NULL) {
        sled_uplink_register(link);
        return;
    }

    /*
     * The old one still stands.  Everything sent through it is to have
     * arrived before the gateway hears of the new one.
     */

    up->barrier = 1;
    up->marking = 0;
    up->want_mark = 1;

    sled_timer_set(&up->barrier_timer, SLED_BARRIER);
    sled_link_want_write(up->link);
}


void
sled_uplink_barrier_over(sled_timer_t *timer)
{
    sled_uplink_t  *up;

    up = timer->data;

    sled_timer_del(timer);

    if (up->next && up->next->state == SLED_LINK_OPEN) {
        sled_uplink_register(up->next);

    } else {
        up->barrier = 0;
        sled_uplink_write(up);
    }
}


static void
sled_uplink_register(sled_link_t *link)
{
    link->state = SLED_LINK_REGISTERING;

    sled_link_want_write(link);
}


/* the register message, written when the socket takes it */

size_t
sled_uplink_register_frame(sled_uplink_t *up, unsigned char *data,
    size_t size)
{
    size_t   len;
    json_t  *json, *payload;

    payload = json_pack("{si, ss, sn, s{ss, ss, s[], s{sb, sb, sb, sb, sb},"
                        " s{si}}, s{}}",
                        "protocol_version", SLED_PROTOCOL,
                        "agent_id", up->conf->id,
                        "auth_token",
                        "capabilities",
                        "name", "sled", "version", SLED_VERSION,
                        "supported_events",
                        "features", "resume", 1, "receipts", 1,
                        "terminal.flow", 1, "terminal.replay", 1,
                        "uplink.bin.v1", 1,
                        "limits", "max_sessions",
                        (int) up->conf->max_sessions,
                        "metadata");

    if (payload && up->resume_token[0]) {
        json_object_set_new(payload, "resume",
                            json_pack("{ss, ss}",
                                      "connection_id", up->connection_id,
                                      "resume_token", up->resume_token));
    }

    json = json_pack("{ss, ss, so}", "type", "register", "req_id", "register",
                     "payload", payload);
    if (json == NULL) {
        return 0;
    }

    len = json_dumpb(json, (char *) data, size, JSON_COMPACT);
    json_decref(json);

    return (len <= size) ? len : 0;
}


void
sled_uplink_registered(sled_link_t *link, json_t *payload)
{
    int             resumed;
    int64_t         n;
    sled_link_t    *old;
    sled_uplink_t  *up;

    up = link->uplink;

    if (!sled_json_flag(payload, "success")) {
        sled_uplink_refused(link, payload);
        return;
    }

    resumed = up->ever && up->resume_token[0]
              && sled_json_flag(payload, "resumed");

    n = sled_json_number(payload, "max_message", SLED_FRAME);
    up->max_message = (n >= 1024 && n < SLED_FRAME) ? (size_t) n : SLED_FRAME;

    n = sled_json_number(payload, "heartbeat_ms", 0);
    up->heartbeat = (n >= 1000 && n <= 300000) ? (uint64_t) n
                                               : SLED_HEARTBEAT;

    snprintf(up->connection_id, sizeof(up->connection_id), "%s",
             sled_json_text(payload, "connection_id") ?: "");
    snprintf(up->resume_token, sizeof(up->resume_token), "%s",
             sled_json_text(payload, "resume_token") ?: "");

    sled_timer_del(&link->timer);
    sled_timer_del(&up->window);
    sled_timer_del(&up->barrier_timer);

    old = up->link;
    up->next = NULL;
    up->link = link;
    up->barrier = 0;
    up->refused = 0;

    link->state = SLED_LINK_READY;
    link->since = sled_now();

    if (old) {
        sled_uplink_replace(up, old);
    }

    sled_log(SLED_LOG_INFO, "registered", "%s as %s, %s%s",
             up->conf->gateways.text[up->gateway], up->connection_id,
             resumed ? "resumed" : "anew", link->binary ? ", binary" : "");

    if (!resumed && up->ever) {
        sled_uplink_lost(up);
    }

    up->ever = 1;
    up->marking = 0;
    up->syncing = (up->sent.first != NULL);
    up->want_mark = up->syncing;

    sled_timer_set(&up->beat, up->heartbeat);

    if (up->paused) {
        sled_uplink_pause(up, 1);
    }

    up->ops->up(resumed);

    sled_uplink_write(up);
}


static void
sled_uplink_refused(sled_link_t *link, json_t *payload)
{
    const char      *error;
    sled_failure_e   why;

    error = sled_json_text(payload, "error") ?: "no reason given";

    why = (strncmp(error, "zone_full", 9) == 0
           || strncmp(error, "too_many_connections", 20) == 0) ? SLED_BUSY
          : (strncmp(error, "handshake_timeout", 17) == 0
             || strncmp(error, "internal", 8) == 0) ? SLED_LOST
          : SLED_REFUSED;

    snprintf(link->error, sizeof(link->error), "registration failed: %s",
             error);

    sled_link_close(link, 1000, why, "");
}


/* the gateway closes it; what it still says is listened to */

static void
sled_uplink_replace(sled_uplink_t *up, sled_link_t *old)
{
    if (up->old) {
        sled_link_close(up->old, 0, SLED_LOST, "replaced twice");
    }

    old->retired = 1;
    up->old = old;

    sled_timer_set(&old->timer, SLED_RETIRED);
}
