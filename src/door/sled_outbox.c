
/*
 * What the fleet has for a sled: news of its requests, and what became of
 * them in the output.
 */


#include "door/sled.h"
#include "door/view.h"


#define NGX_UPLINK_SLED_LATER  10      /* ms */


static void ngx_uplink_sled_outbox_handler(ngx_event_t *ev);
static ngx_int_t ngx_uplink_sled_news(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_view_t *view);
static ngx_int_t ngx_uplink_sled_pending(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_view_t *view);
static ngx_int_t ngx_uplink_sled_decision(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_view_t *view);
static ngx_int_t ngx_uplink_sled_reply_news(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_view_t *view);


void
ngx_uplink_sled_outbox(ngx_uplink_sled_conn_t *sc)
{
    if (ngx_uplink_sled_outbox_send(sc, NGX_UPLINK_SLED_TURN) == NGX_AGAIN) {
        ngx_uplink_conn_wake(sc->conn);
    }
}


/*
 * What is answered within a moment needs no notice before: that is a message
 * less for programs that decide, and nothing that a person could see.
 */

void
ngx_uplink_sled_outbox_later(ngx_uplink_sled_conn_t *sc)
{
    ngx_event_t  *ev;

    ev = &sc->later;

    if (ev->timer_set) {
        return;
    }

    ev->handler = ngx_uplink_sled_outbox_handler;
    ev->data = sc;
    ev->log = sc->conn->connection->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_UPLINK_SLED_LATER);
}


static void
ngx_uplink_sled_outbox_handler(ngx_event_t *ev)
{
    ngx_uplink_sled_conn_t  *sc;

    sc = ev->data;
    sc->small = 1;

    if (!sc->conn->closing) {
        ngx_uplink_sled_outbox(sc);
    }
}


/*
 * At most so many.  The news stand in the zone until they are queued: none
 * is lost here.  NGX_AGAIN: there are more.
 */

ngx_int_t
ngx_uplink_sled_outbox_send(ngx_uplink_sled_conn_t *sc, ngx_uint_t max)
{
    ngx_int_t           rc, again;
    ngx_uint_t          n, news;
    ngx_uplink_conn_t  *uc;
    ngx_uplink_view_t   view;

    uc = sc->conn;
    again = NGX_OK;
    sc->stalled = 0;

    news = NGX_UPLINK_NEWS_ANSWER | (sc->small ? NGX_UPLINK_NEWS_PENDING : 0);

    for (n = 0; sc->link && !uc->closing; n++) {

        if (ngx_uplink_outbox_next(sc->fleet, sc->link, &view, news, n != 0,
                                   uc->queued)
            != NGX_OK)
        {
            break;
        }

        if (n == max) {
            again = NGX_AGAIN;
            break;
        }

        rc = ngx_uplink_sled_news(sc, &view);

        if (rc == NGX_BUSY && uc->queued != uc->written) {
            sc->stalled = 1;
            break;
        }

        if (rc != NGX_OK) {
            ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_INTERNAL, "internal");
            break;
        }

        if (sc->awaited == 0 && (view.news & NGX_UPLINK_NEWS_ANSWER)) {
            sc->awaited = uc->queued;
        }
    }

    if (sc->stalled || sc->awaited) {
        uc->want_sent = 1;
    }

    if (!sc->stalled && again == NGX_OK) {
        sc->small = 0;
    }

    return again;
}


/* an answer makes everything before it stale */

static ngx_int_t
ngx_uplink_sled_news(ngx_uplink_sled_conn_t *sc, ngx_uplink_view_t *view)
{
    if (view->kind != NGX_UPLINK_KIND_PERM) {
        return (view->news & NGX_UPLINK_NEWS_ANSWER)
                   ? ngx_uplink_sled_reply_news(sc, view) : NGX_OK;
    }

    if (view->news & NGX_UPLINK_NEWS_ANSWER) {
        return ngx_uplink_sled_decision(sc, view);
    }

    if ((view->news & NGX_UPLINK_NEWS_PENDING) && sc->registered) {
        return ngx_uplink_sled_pending(sc, view);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_sled_pending(ngx_uplink_sled_conn_t *sc, ngx_uplink_view_t *view)
{
    ngx_int_t         rc;
    ngx_uplink_out_t  out;

    rc = ngx_uplink_message_enveloped(&out, sc->conn, "perm_pending",
                                      view->ref, view->ref_len,
                                      2 * NGX_UPLINK_OUT_MEMBER);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_uplink_out_number(&out, "expires_ms", view->expires);
    ngx_uplink_out_number(&out, "operators", view->seen);

    ngx_uplink_sled_send(sc, &out);

    return NGX_OK;
}


/* always_allow alone is read as a yes by some sleds: never without approved */

static ngx_int_t
ngx_uplink_sled_decision(ngx_uplink_sled_conn_t *sc, ngx_uplink_view_t *view)
{
    ngx_int_t         rc;
    ngx_uplink_out_t  out;

    rc = ngx_uplink_message_enveloped(&out, sc->conn, "perm_response",
                                      view->ref, view->ref_len,
                                      4 * NGX_UPLINK_OUT_MEMBER
                                      + view->answer.len);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_uplink_out_bool(&out, "approved", view->approved);
    ngx_uplink_out_bool(&out, "always_allow", view->approved && view->always);
    ngx_uplink_out_str(&out, "reason", &ngx_uplink_reasons[view->reason]);
    ngx_uplink_out_members(&out, &view->answer);

    ngx_uplink_sled_send(sc, &out);

    return NGX_OK;
}


/* to a question, a hook or a spawn: what was said, or why nothing was */

static ngx_int_t
ngx_uplink_sled_reply_news(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_view_t *view)
{
    ngx_int_t         rc;
    ngx_uint_t        decided;
    ngx_uplink_out_t  out;

    decided = ngx_uplink_view_decided(view);

    rc = ngx_uplink_message_enveloped(&out, sc->conn,
                                      decided ? ngx_uplink_view_reply(view)
                                              : "error",
                                      view->ref, view->ref_len,
                                      4 * NGX_UPLINK_OUT_MEMBER
                                      + view->answer.len);
    if (rc != NGX_OK) {
        return rc;
    }

    if (decided) {
        ngx_uplink_out_members(&out, &view->answer);

    } else {
        ngx_uplink_out_str(&out, "code", &ngx_uplink_reasons[view->reason]);
        ngx_uplink_out_text(&out, "message",
                            (view->reason == NGX_UPLINK_REASON_TIMEOUT)
                                ? "nobody has answered in time"
                                : "nobody can answer any more");
    }

    ngx_uplink_sled_send(sc, &out);

    return NGX_OK;
}


/* answers whose last byte the kernel has are delivered */

void
ngx_uplink_sled_written(ngx_uplink_sled_conn_t *sc)
{
    uint64_t            next;
    ngx_uplink_conn_t  *uc;

    uc = sc->conn;

    if (sc->link == NULL || sc->awaited == 0 || uc->written < sc->awaited) {
        return;
    }

    if (ngx_uplink_outbox_written(sc->fleet, sc->link, uc->written, &next)
        == NGX_OK)
    {
        sc->awaited = next;
        ngx_uplink_sled_drain_check(sc);
    }
}
