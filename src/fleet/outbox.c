
/*
 * What a sled is to be told, and how far it got: from a ticket's outbox into
 * its connection's output, and from there to the kernel.
 */


#include "fleet/request.h"


static ngx_uplink_request_t *ngx_uplink_outbox_first(
    ngx_uplink_ticket_t *ticket, ngx_uint_t news);
static void ngx_uplink_outbox_told(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_uplink_view_t *view, uint64_t offset);


ngx_int_t
ngx_uplink_outbox_next(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_uplink_view_t *view, ngx_uint_t news, ngx_uint_t told,
    uint64_t offset)
{
    ngx_int_t              rc;
    ngx_uplink_request_t  *q;

    do {
        if (ngx_uplink_lock(fleet) != NGX_OK) {
            return NGX_DECLINED;
        }

        if (told) {
            ngx_uplink_outbox_told(fleet, link, view, offset);
            told = 0;
        }

        rc = NGX_DONE;
        q = link->ticket ? ngx_uplink_outbox_first(link->ticket, news) : NULL;

        if (q) {
            rc = ngx_uplink_view_fill(view, q, NGX_UPLINK_VIEW_ANSWER);
        }

        ngx_uplink_unlock(fleet);

    } while (rc == NGX_BUSY && ngx_uplink_view_grow() == NGX_OK);

    return (rc == NGX_BUSY) ? NGX_DONE : rc;
}


/* not more of them than the sled may have in flight */

static ngx_uplink_request_t *
ngx_uplink_outbox_first(ngx_uplink_ticket_t *ticket, ngx_uint_t news)
{
    ngx_queue_t           *i;
    ngx_uplink_request_t  *q;

    for (i = ngx_queue_head(&ticket->outbox);
         i != ngx_queue_sentinel(&ticket->outbox);
         i = ngx_queue_next(i))
    {
        q = ngx_queue_data(i, ngx_uplink_request_t, outbox);

        if (q->news & news) {
            return q;
        }
    }

    return NULL;
}


/* what has changed since the view was filled is still to be told */

static void
ngx_uplink_outbox_told(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_uplink_view_t *view, uint64_t offset)
{
    ngx_uplink_request_t  *q;

    q = ngx_uplink_request_by_id(fleet, view->id);

    if (q == NULL || !q->in_outbox || q->ticket != link->ticket) {
        return;
    }

    q->news &= ~view->news;

    if (q->news) {
        return;
    }

    ngx_queue_remove(&q->outbox);
    q->in_outbox = 0;

    if (q->state == NGX_UPLINK_STATE_DECIDED) {
        q->offset = offset;
        q->in_sending = 1;
        ngx_queue_insert_tail(&q->ticket->sending, &q->outbox);
    }
}


ngx_int_t
ngx_uplink_outbox_written(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    uint64_t written, uint64_t *next)
{
    ngx_queue_t           *sending;
    ngx_uplink_request_t  *q;

    *next = 0;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (link->ticket) {
        ngx_uplink_request_written(fleet, link->ticket, written);

        sending = &link->ticket->sending;

        if (!ngx_queue_empty(sending)) {
            q = ngx_queue_data(ngx_queue_head(sending),
                               ngx_uplink_request_t, outbox);
            *next = q->offset;
        }
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


/*
 * In the kernel's hands: that is delivered, unless the sled gives receipts.
 * Then it stays decided, to be sent again to the one who resumes.
 */

void
ngx_uplink_request_written(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket, uint64_t written)
{
    ngx_uint_t             receipts;
    ngx_uplink_request_t  *q;

    receipts = (ticket->link
                && (ticket->link->features & NGX_UPLINK_FEATURE_RECEIPTS));

    while (!ngx_queue_empty(&ticket->sending)) {

        q = ngx_queue_data(ngx_queue_head(&ticket->sending),
                           ngx_uplink_request_t, outbox);

        if (q->offset > written) {
            break;
        }

        if (receipts) {
            ngx_queue_remove(&q->outbox);
            q->in_sending = 0;
            continue;
        }

        ngx_uplink_request_delivered(fleet, q);
    }
}


/* a new connection has the ticket: what may not have arrived goes again */

void
ngx_uplink_request_redeliver(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket)
{
    ngx_queue_t           *i;
    ngx_uplink_request_t  *q;

    for (i = ngx_queue_head(&ticket->requests);
         i != ngx_queue_sentinel(&ticket->requests);
         i = ngx_queue_next(i))
    {
        q = ngx_queue_data(i, ngx_uplink_request_t, queue);

        if (q->state == NGX_UPLINK_STATE_DECIDED) {
            ngx_uplink_request_news(fleet, q, NGX_UPLINK_NEWS_ANSWER);
        }
    }

    /* expired meanwhile: these wait in the outbox alone */

    if (!ngx_queue_empty(&ticket->outbox)) {
        ngx_uplink_box_post(fleet, &ticket->link->box,
                            NGX_UPLINK_BIT_OUTBOX|NGX_UPLINK_BIT_PENDING);
    }
}
