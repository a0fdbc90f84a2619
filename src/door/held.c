
/*
 * Requests that are held, whoever they wait for.
 */


#include "door/held.h"


void
ngx_uplink_held_init(ngx_uplink_held_t *held, ngx_http_request_t *r,
    ngx_uplink_call_t *call, ngx_event_handler_pt timer,
    ngx_event_handler_pt wake)
{
    held->request = r;
    held->fleet = call->fleet;
    held->call = call;
    held->fd = (ngx_socket_t) -1;
    held->slot = NGX_UPLINK_NO_SLOT;

    held->timer.handler = timer;
    held->timer.data = held;
    held->timer.log = r->connection->log;

    held->wake.handler = wake;
    held->wake.data = held;
    held->wake.log = r->connection->log;

    call->held = held;
}


ngx_int_t
ngx_uplink_held_hold(ngx_uplink_held_t *held, ngx_http_event_handler_pt write)
{
    ngx_event_t         *rev;
    ngx_http_request_t  *r;

    r = held->request;
    rev = r->connection->read;

    r->main->count++;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = write;

#if (NGX_HTTP_V2)

    if (r->stream) {
        return NGX_DONE;
    }

#endif

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        r->main->count--;
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


void
ngx_uplink_held_finish(ngx_uplink_held_t *held, ngx_int_t rc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = held->request;
    c = r->connection;

    held->over = 1;

    if (held->timer.timer_set) {
        ngx_del_timer(&held->timer);
    }

    if (held->wake.posted) {
        ngx_delete_posted_event(&held->wake);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


void
ngx_uplink_held_cleanup(ngx_uplink_held_t *held)
{
    if (held->timer.timer_set) {
        ngx_del_timer(&held->timer);
    }

    if (held->wake.posted) {
        ngx_delete_posted_event(&held->wake);
    }

    if (held->slot != NGX_UPLINK_NO_SLOT) {
        ngx_uplink_slot_leave(held->fleet, held->slot);
    }
}
