
/*
 * What an operator is told: what is open, then every change.
 */


#include "door/operator.h"


#define NGX_UPLINK_FEED_TURN  64      /* messages in one turn */


static ngx_int_t ngx_uplink_console_tell(ngx_uplink_console_t *console,
    ngx_uplink_view_t *view);
static void ngx_uplink_console_lose(ngx_uplink_console_t *console);


void
ngx_uplink_console_feed(ngx_uplink_console_t *console)
{
    ngx_int_t           rc;
    ngx_uint_t          n;
    ngx_uplink_conn_t  *uc;
    ngx_uplink_view_t   view;

    uc = console->conn;
    uc->want_sent = 0;

    for (n = 0; /* void */ ; n++) {

        view.payload.len = 0;
        view.answer.len = 0;

        rc = ngx_uplink_feed_next(console->fleet, &console->feed, &view,
                                  n != 0);

        if (rc == NGX_DONE) {
            return;
        }

        if (rc == NGX_AGAIN || (rc == NGX_OK && n == NGX_UPLINK_FEED_TURN)) {
            break;
        }

        if (rc == NGX_ABORT) {
            ngx_uplink_console_lose(console);
            return;
        }

        if (rc == NGX_OK) {
            rc = ngx_uplink_console_tell(console, &view);
        }

        if (rc == NGX_BUSY) {
            uc->want_sent = 1;
            return;
        }

        if (rc != NGX_OK) {

            /* the zone was rebuilt, or there is no memory: once more */

            ngx_uplink_conn_close(uc, NGX_UPLINK_CLOSE_RESTART, NULL);
            return;
        }
    }

    ngx_uplink_conn_wake(uc);
}


/*
 * A quarter of the queue is left for what answers the operator: news can
 * wait in the zone, an answer cannot.
 */

static ngx_int_t
ngx_uplink_console_tell(ngx_uplink_console_t *console,
    ngx_uplink_view_t *view)
{
    size_t              room, size, queued;
    ngx_int_t           rc;
    ngx_uint_t          opened;
    const char         *type;
    ngx_uplink_out_t    out;
    ngx_uplink_conn_t  *uc;

    uc = console->conn;

    room = ngx_uplink_view_room(view);
    size = uc->conf->send_buffer;
    queued = (size_t) (uc->queued - uc->written);

    if (queued && queued + room > size / 4 * 3) {
        return NGX_BUSY;
    }

    opened = (view->change == NGX_UPLINK_CHANGE_OPENED);
    type = opened ? (const char *) ngx_uplink_kinds[view->kind].data
                  : "request_state";

    rc = ngx_uplink_message_flat(&out, uc, type, room);

    if (rc != NGX_OK) {

        /* alone, any message fits: there is no memory */

        return queued ? rc : NGX_ERROR;
    }

    if (opened) {
        ngx_uplink_view_request(&out, view, 0);

    } else {
        ngx_uplink_view_state(&out, view);
    }

    ngx_uplink_count(console->fleet, NGX_UPLINK_COUNT_messages_out);

    return ngx_uplink_message_send(&out);
}


/* the session was deleted, or another socket has its place */

static void
ngx_uplink_console_lose(ngx_uplink_console_t *console)
{
    ngx_str_t  reason;

    if (console->feed.revoked) {
        ngx_str_set(&reason, "revoked");
        ngx_uplink_conn_close(console->conn, NGX_UPLINK_CLOSE_POLICY,
                              &reason);

    } else if (console->feed.gone) {
        ngx_str_set(&reason, "deleted");
        ngx_uplink_conn_close(console->conn, NGX_UPLINK_CLOSE_DONE, &reason);

    } else if (console->draining) {
        ngx_str_set(&reason, "restart");
        ngx_uplink_conn_close(console->conn, NGX_UPLINK_CLOSE_RESTART,
                              &reason);

    } else {
        ngx_str_set(&reason, "replaced");
        ngx_uplink_conn_close(console->conn, NGX_UPLINK_CLOSE_REPLACED,
                              &reason);
    }
}
