
/*
 * The worker leaves: its sleds go one after the other, and none without its
 * answers as long as there is time.
 */


#include "door/sled.h"


static void ngx_uplink_sled_drain_wait(ngx_uplink_sled_conn_t *sc,
    ngx_msec_t after);
static void ngx_uplink_sled_drain_end(ngx_uplink_sled_conn_t *sc);
static ngx_uint_t ngx_uplink_sled_idle(ngx_uplink_sled_conn_t *sc);


/*
 * Each has another time to come back, spread over half of the grace.  Who
 * never registered does not know this message, hence is closed at its time.
 */

void
ngx_uplink_sled_drain(ngx_uplink_sled_conn_t *sc)
{
    ngx_msec_t         grace, after;
    ngx_uplink_out_t   out;

    if (sc->draining) {
        return;
    }

    sc->draining = 1;

    grace = sc->conf->drain_timeout;
    after = ngx_uplink_drain_after(sc->fleet, grace / 2);

    sc->grace = ngx_current_msec + grace;

    if (!sc->registered) {
        ngx_uplink_sled_drain_wait(sc, after);
        return;
    }

    if (ngx_uplink_sled_answer(sc, &out, "drain", NULL, 0,
                               2 * NGX_UPLINK_OUT_MEMBER)
        == NGX_OK)
    {
        ngx_uplink_out_number(&out, "grace_ms", grace);
        ngx_uplink_out_number(&out, "reconnect_after_ms", after);
        ngx_uplink_sled_send(sc, &out);
    }

    ngx_uplink_sled_drain_wait(sc, grace);
}


/* 0 would be no deadline at all */

static void
ngx_uplink_sled_drain_wait(ngx_uplink_sled_conn_t *sc, ngx_msec_t after)
{
    ngx_uplink_conn_deadline(sc->conn, ngx_max(after, 1));
}


void
ngx_uplink_sled_drain_deadline(ngx_uplink_sled_conn_t *sc)
{
    ngx_msec_int_t  left;

    left = (ngx_msec_int_t) (sc->grace - ngx_current_msec);

    if (left <= 0) {
        ngx_uplink_sled_drain_end(sc);
        return;
    }

    if (!sc->registered) {
        sc->leaving = 1;
        ngx_uplink_sled_drain_check(sc);
    }

    ngx_uplink_sled_drain_wait(sc, left);
}


/* one whose time has come: is this its last answer? */

void
ngx_uplink_sled_drain_check(ngx_uplink_sled_conn_t *sc)
{
    if (sc->leaving && !sc->conn->closing && ngx_uplink_sled_idle(sc)) {
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_RESTART, "restart");
    }
}


static ngx_uint_t
ngx_uplink_sled_idle(ngx_uplink_sled_conn_t *sc)
{
    ngx_uint_t            idle;
    ngx_uplink_ticket_t  *ticket;

    if (sc->link == NULL) {
        return 1;
    }

    if (ngx_uplink_lock(sc->fleet) != NGX_OK) {
        return 1;
    }

    ticket = sc->link->ticket;
    idle = (ticket == NULL
            || (ticket->nrequests == 0 && ngx_queue_empty(&ticket->outbox)));

    ngx_uplink_unlock(sc->fleet);

    return idle;
}


/*
 * The grace is over.  What is in flight waits for the sled to come back, or,
 * if no worker follows to which it could, is denied while it can be told.
 */

static void
ngx_uplink_sled_drain_end(ngx_uplink_sled_conn_t *sc)
{
    ngx_uint_t  follows;

    if (sc->link && ngx_uplink_lock(sc->fleet) == NGX_OK) {
        follows = ngx_uplink_bus_successor(sc->fleet);
        ngx_uplink_unlock(sc->fleet);

        if (!follows) {
            while (ngx_uplink_request_shutdown(sc->fleet, sc->link)
                   == NGX_AGAIN)
            {
                /* as many as the sled may have in flight */
            }

            (void) ngx_uplink_sled_outbox_send(sc, NGX_MAX_UINT32_VALUE);
        }
    }

    ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_RESTART, "restart");
}
