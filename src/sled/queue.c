
/*
 * Messages on their way to the gateway.
 */


#include "uplink.h"


void
sled_queue_init(sled_queue_t *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}


/* NULL without memory; the payload is given away in any case */

sled_message_t *
sled_message_create(const char *type, const char *req_id, json_t *payload)
{
    size_t           len;
    json_t          *json;
    sled_message_t  *message;

    json = json_pack("{ss, ss, so}", "type", type,
                     "req_id", req_id ? req_id : "",
                     "payload", payload ? payload : json_object());
    if (json == NULL) {
        return NULL;
    }

    len = json_dumpb(json, NULL, 0, JSON_COMPACT);
    message = malloc(sizeof(sled_message_t) + len);

    if (message) {
        message->next = NULL;
        message->mark = 0;
        message->owner = 0;
        message->len = len;

        (void) json_dumpb(json, (char *) message->data, len, JSON_COMPACT);
    }

    json_decref(json);

    return message;
}


void
sled_queue_push(sled_queue_t *queue, sled_message_t *message)
{
    message->next = NULL;

    *queue->last = message;
    queue->last = &message->next;
}


sled_message_t *
sled_queue_shift(sled_queue_t *queue)
{
    sled_message_t  *message;

    message = queue->first;

    if (message) {
        queue->first = message->next;

        if (queue->first == NULL) {
            queue->last = &queue->first;
        }
    }

    return message;
}


/* all of an owner, or of everybody (0); tells how many bytes that were */

size_t
sled_queue_drop(sled_queue_t *queue, uint64_t owner)
{
    size_t            len;
    sled_message_t  **p, *message;

    len = 0;
    p = &queue->first;

    while (*p) {
        message = *p;

        if (owner && message->owner != owner) {
            p = &message->next;
            continue;
        }

        *p = message->next;
        len += message->len;
        free(message);
    }

    queue->last = p;

    return len;
}


/* those of front come before those of queue */

void
sled_queue_join(sled_queue_t *queue, sled_queue_t *front)
{
    if (front->first == NULL) {
        return;
    }

    *front->last = queue->first;

    if (queue->first == NULL) {
        queue->last = front->last;
    }

    queue->first = front->first;

    sled_queue_init(front);
}
