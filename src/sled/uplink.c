
/*
 * The uplink: dialing, being drained, and coming back; what is sent, and what
 * has arrived.
 */


#include "uplink.h"


static void sled_uplink_dial(sled_timer_t *timer);
static void sled_uplink_again(sled_uplink_t *up, sled_failure_e why,
    uint64_t stood, const char *error);
static void sled_uplink_window_over(sled_timer_t *timer);
static void sled_uplink_beat(sled_timer_t *timer);
static void sled_uplink_ack(sled_link_t *link, const char *req_id);


int
sled_uplink_init(sled_uplink_t *up, const sled_conf_t *conf,
    const sled_uplink_ops_t *ops)
{
    memset(up, 0, sizeof(sled_uplink_t));

    up->conf = conf;
    up->ops = ops;
    up->max_message = SLED_FRAME;
    up->down_since = sled_now();

    up->reconnect.max = conf->retry_max;
    up->reconnect.refused = conf->retry_refused;
    up->reconnect.stable = conf->stable;

    up->dial.handler = sled_uplink_dial;
    up->dial.data = up;
    up->beat.handler = sled_uplink_beat;
    up->beat.data = up;
    up->window.handler = sled_uplink_window_over;
    up->window.data = up;
    up->barrier_timer.handler = sled_uplink_barrier_over;
    up->barrier_timer.data = up;

    sled_queue_init(&up->queue);
    sled_queue_init(&up->sent);

    return sled_link_vhosts(up);
}


void
sled_uplink_start(sled_uplink_t *up)
{
    sled_timer_set(&up->dial, 0);
}


/* a goodbye: the gateway will not wait for us */

void
sled_uplink_stop(sled_uplink_t *up)
{
    up->stopping = 1;

    sled_timer_del(&up->dial);

    if (up->next) {
        sled_link_close(up->next, 0, SLED_LOST, "stopped");
    }

    if (up->link) {
        sled_link_close(up->link, 1000, SLED_LOST, "stopped");
    }
}


/* when libwebsockets has gone, and has told every link so */

void
sled_uplink_free(sled_uplink_t *up)
{
    (void) sled_queue_drop(&up->queue, 0);
    (void) sled_queue_drop(&up->sent, 0);

    explicit_bzero(up->resume_token, sizeof(up->resume_token));
    free(up->vhosts);
}


static void
sled_uplink_dial(sled_timer_t *timer)
{
    sled_uplink_t  *up;

    up = timer->data;

    if (up->next || up->stopping) {
        return;
    }

    up->drained = 0;

    sled_log(SLED_LOG_INFO, "dialing", "%s",
             up->conf->gateways.text[up->gateway]);

    sled_link_dial(up);
}


static void
sled_uplink_again(sled_uplink_t *up, sled_failure_e why, uint64_t stood,
    const char *error)
{
    uint64_t  delay, random;

    static const char  *events[] = { "unreachable", "refused", "busy" };

    if (up->stopping) {
        return;
    }

    sled_random(&random, sizeof(random));
    delay = sled_reconnect_delay(&up->reconnect, why, stood, random);

    if (stood == 0) {
        up->gateway = (up->gateway + 1) % up->conf->gateways.n;
        up->refused = (why == SLED_REFUSED) ? up->refused + 1 : 0;

        /* the others may want us: slowly is for when none of them does */

        if (why == SLED_REFUSED && up->refused % up->conf->gateways.n) {
            delay = random % (SLED_QUICK_MS + 1);
        }
    }

    if (up->drained) {

        /* it went sooner than it had said; when to come stands */

        delay = (up->due > sled_now()) ? up->due - sled_now() : 0;
    }

    sled_log(why == SLED_REFUSED ? SLED_LOG_ERROR : SLED_LOG_WARN,
             (stood && why == SLED_LOST) ? "disconnected" : events[why],
             "%s, try %u in %lu ms", error, up->reconnect.tries,
             (unsigned long) delay);

    sled_timer_set(&up->dial, delay);
}


/* what a new link does not know, and what nobody waits for any more */

void
sled_uplink_lost(sled_uplink_t *up)
{
    up->queued -= sled_queue_drop(&up->queue, 0);
    up->queued -= sled_queue_drop(&up->sent, 0);
    up->resume_token[0] = up->link ? up->resume_token[0] : '\0';

    up->ops->lost();
}


static void
sled_uplink_window_over(sled_timer_t *timer)
{
    sled_uplink_t  *up;

    up = timer->data;

    sled_log(SLED_LOG_WARN, "lost", "the link did not come back in time");

    sled_uplink_lost(up);
}


/* called once for every link, by link.c */

void
sled_uplink_closed(sled_link_t *link)
{
    uint64_t        stood;
    sled_uplink_t  *up;

    up = link->uplink;

    if (link == up->old) {
        up->old = NULL;
        return;
    }

    if (link == up->next) {
        up->next = NULL;

        if (up->barrier) {
            sled_uplink_barrier_over(&up->barrier_timer);
        }

        sled_uplink_again(up, link->failure, 0, link->error);
        return;
    }

    if (link != up->link) {
        return;
    }

    stood = sled_now() - link->since + 1;

    up->link = NULL;
    up->down_since = sled_now();
    up->marking = 0;
    up->syncing = 0;

    sled_timer_del(&up->beat);
    sled_uplink_forget(up, SLED_ONCE);

    up->ops->down();

    if (up->stopping) {
        return;
    }

    sled_timer_set(&up->window, up->conf->resume_window);

    if (up->barrier) {
        sled_uplink_barrier_over(&up->barrier_timer);
    }

    if (up->next == NULL) {
        sled_uplink_again(up, link->failure, stood, link->error);
    }
}


/* messages that belong to the connection, and not to what it is for */

void
sled_uplink_received(sled_link_t *link, int binary,
    const unsigned char *data, size_t len)
{
    json_t         *json, *payload, *empty;
    const char     *type, *req_id;
    json_error_t    error;
    sled_uplink_t  *up;

    up = link->uplink;

    if (binary) {
        if (link == up->link) {
            up->ops->binary(data, len);
        }

        return;
    }

    json = json_loadb((const char *) data, len, 0, &error);

    type = json_is_object(json) ? sled_json_text(json, "type") : NULL;

    if (type == NULL) {
        sled_log(SLED_LOG_WARN, "bad_message", "from the gateway: %s",
                 json ? "no type" : error.text);
        json_decref(json);
        return;
    }

    req_id = sled_json_text(json, "req_id") ?: "";
    payload = json_object_get(json, "payload");
    empty = NULL;

    if (!json_is_object(payload)) {
        payload = empty = json_object();
    }

    if (strcmp(type, "registered") == 0) {
        if (link == up->next && link->state == SLED_LINK_WAITING) {
            sled_uplink_registered(link, payload);
        }

    } else if (strcmp(type, "heartbeat_ack") == 0) {
        sled_uplink_ack(link, req_id);

    } else if (strcmp(type, "drain") == 0) {
        if (link == up->link) {
            sled_uplink_drain(up, payload);
        }

    } else if (link == up->link || link == up->old) {
        up->ops->message(type, req_id, payload);
    }

    json_decref(empty);
    json_decref(json);
}


/* the gateway is about to go: it says when to dial, and we stay until then */

void
sled_uplink_drain(sled_uplink_t *up, json_t *payload)
{
    int64_t  after;

    after = sled_json_number(payload, "reconnect_after_ms", 0);
    after = (after < 0) ? 0 : (after > 600000) ? 600000 : after;

    sled_log(SLED_LOG_INFO, "drain", "dialing again in %ld ms",
             (long) after);

    if (up->next == NULL && !up->stopping) {
        up->drained = 1;
        up->due = sled_now() + after;
        sled_timer_set(&up->dial, after);
    }
}


static void
sled_uplink_beat(sled_timer_t *timer)
{
    sled_uplink_t  *up;

    up = timer->data;

    if (up->link == NULL) {
        return;
    }

    if (sled_now() - up->link->heard > up->heartbeat * 5 / 2) {
        sled_link_close(up->link, 0, SLED_LOST, "the gateway is silent");
        return;
    }

    up->want_mark = 1;
    sled_link_want_write(up->link);

    sled_timer_set(&up->beat, up->heartbeat);
}


/*
 * A heartbeat is a mark as well: answered, everything that was sent before it
 * has arrived.
 */

static size_t
sled_uplink_mark_frame(sled_uplink_t *up, unsigned char *data, size_t size)
{
    sled_message_t  *message;

    up->mark++;
    up->marking = 1;
    up->want_mark = 0;

    for (message = up->sent.first; message; message = message->next) {
        if (message->mark == 0) {
            message->mark = up->mark;
        }
    }

    up->ops->marked();

    return snprintf((char *) data, size, "{\"type\":\"heartbeat\","
                    "\"req_id\":\"m%lu\",\"payload\":{}}",
                    (unsigned long) up->mark);
}


static void
sled_uplink_ack(sled_link_t *link, const char *req_id)
{
    char             expected[32];
    sled_uplink_t   *up;
    sled_message_t  *message;

    up = link->uplink;

    snprintf(expected, sizeof(expected), "m%lu", (unsigned long) up->mark);

    if (link != up->link || !up->marking || strcmp(req_id, expected) != 0) {
        return;
    }

    up->marking = 0;

    if (up->syncing) {

        /* answers to what the gateway knew have come: the rest again */

        up->syncing = 0;

        for (message = up->sent.first; message; message = message->next) {
            message->mark = 0;
        }

        sled_queue_join(&up->queue, &up->sent);

    } else {
        while (up->sent.first && up->sent.first->mark
               && up->sent.first->mark <= up->mark)
        {
            message = sled_queue_shift(&up->sent);
            up->queued -= message->len;
            free(message);
        }

        up->ops->confirmed();
    }

    if (up->barrier) {
        sled_uplink_barrier_over(&up->barrier_timer);
        return;
    }

    up->want_mark |= (up->sent.first != NULL);

    sled_uplink_write(up);
}


/* what link has to send next, 0: nothing */

size_t
sled_uplink_next_frame(sled_link_t *link, unsigned char *data, size_t size,
    int *binary)
{
    size_t           len;
    sled_uplink_t   *up;
    sled_message_t  *message;

    up = link->uplink;
    *binary = 0;

    if (link == up->next && link->state == SLED_LINK_REGISTERING) {
        link->state = SLED_LINK_WAITING;
        return sled_uplink_register_frame(up, data, size);
    }

    if (link != up->link) {
        return 0;
    }

    if (up->want_mark && !up->marking) {
        return sled_uplink_mark_frame(up, data, size);
    }

    if (up->barrier || up->syncing) {
        return 0;
    }

    if (up->queue.first) {
        message = sled_queue_shift(&up->queue);

        len = message->len;
        memcpy(data, message->data, len);

        sled_queue_push(&up->sent, message);
        up->want_mark = 1;

        return len;
    }

    return up->ops->frame(data, size, link->binary, binary);
}


int
sled_uplink_send(sled_uplink_t *up, const char *type, const char *req_id,
    json_t *payload, uint64_t owner)
{
    sled_message_t  *message;

    message = sled_message_create(type, req_id, payload);
    if (message == NULL) {
        return SLED_ERROR;
    }

    if (message->len > up->max_message
        || up->queued + message->len > SLED_MAX_QUEUED)
    {
        free(message);
        return SLED_ERROR;
    }

    message->owner = owner;

    up->queued += message->len;
    sled_queue_push(&up->queue, message);
    sled_uplink_write(up);

    return SLED_OK;
}


/* these are not to be sent, or not once more */

void
sled_uplink_forget(sled_uplink_t *up, uint64_t owner)
{
    up->queued -= sled_queue_drop(&up->queue, owner);
    up->queued -= sled_queue_drop(&up->sent, owner);
}


void
sled_uplink_write(sled_uplink_t *up)
{
    if (up->link) {
        sled_link_want_write(up->link);
    }
}


void
sled_uplink_want_mark(sled_uplink_t *up)
{
    up->want_mark = 1;

    sled_uplink_write(up);
}


void
sled_uplink_pause(sled_uplink_t *up, int pause)
{
    up->paused = pause;

    if (up->link) {
        (void) sled_uplink_send(up, "flow_control", NULL,
                                json_pack("{ss}", "action",
                                          pause ? "pause" : "resume"), 0);
    }
}
