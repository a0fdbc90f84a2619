
/*
 * Sleds over REST: who is there, and sending one away.
 */


#include "door/api.h"


/*
 * Looked at for one reply, by 256 under one lock: who sees few among many
 * gets a short page, or an empty one, and where the next begins.
 */

#define NGX_UPLINK_SLEDS_TURNS  16


static size_t ngx_uplink_sled_room(ngx_uplink_sled_view_t *view);
static void ngx_uplink_sled_write(ngx_uplink_out_t *out,
    ngx_uplink_sled_view_t *view);


ngx_int_t
ngx_uplink_call_list_sleds(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    u_char                   last[NGX_UPLINK_AGENT_MAX];
    ngx_int_t                rc;
    ngx_str_t                after;
    ngx_uint_t               n, turns;
    ngx_uplink_out_t         out;
    ngx_uplink_sled_view_t   view;

    after = call->query.after;

    if (ngx_uplink_page_init(r, &out, 8192) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_open(&out, "sleds", '[');

    for (n = 0, turns = 0; turns < NGX_UPLINK_SLEDS_TURNS; /* void */) {

        rc = ngx_uplink_sled_after(call->fleet, &after, &call->actor, &view);

        if (rc == NGX_DONE) {
            after.len = 0;
            break;
        }

        if (rc == NGX_AGAIN) {
            turns++;

        } else if (rc != NGX_OK) {
            return ngx_uplink_call_failed(r, rc);

        } else if (n++ == call->query.limit
                   || ngx_uplink_out_len(&out) > NGX_UPLINK_LIST_BYTES)
        {
            break;

        } else if (ngx_uplink_page_room(r, &out, ngx_uplink_sled_room(&view))
                   != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;

        } else {
            ngx_uplink_sled_write(&out, &view);
        }

        ngx_memcpy(last, view.agent, view.agent_len);
        after.data = last;
        after.len = view.agent_len;
    }

    ngx_uplink_out_shut(&out, ']');

    if (ngx_uplink_page_next(r, &out, &after) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}


static size_t
ngx_uplink_sled_room(ngx_uplink_sled_view_t *view)
{
    return NGX_UPLINK_JSON_QUOTED(view->agent_len) + view->about.len
           + 10 * NGX_UPLINK_OUT_MEMBER;
}


static void
ngx_uplink_sled_write(ngx_uplink_out_t *out, ngx_uplink_sled_view_t *view)
{
    ngx_uplink_out_open(out, NULL, '{');
    ngx_uplink_out_string(out, "sled", view->agent, view->agent_len);

    if (view->about.len) {
        ngx_uplink_out_members(out, &view->about);
    }

    ngx_uplink_out_number(out, "connections", view->connections);
    ngx_uplink_out_number(out, "paused", view->paused);
    ngx_uplink_out_number(out, "away", view->away);
    ngx_uplink_out_number(out, "pending", view->inflight);
    ngx_uplink_out_number(out, "tasks", view->tasks);
    ngx_uplink_out_number(out, "since", view->since);

    if (view->seen) {
        ngx_uplink_out_number(out, "lost", view->seen);

    } else {
        ngx_uplink_out_null(out, "lost");
    }

    ngx_uplink_out_shut(out, '}');
}


ngx_int_t
ngx_uplink_call_show_sled(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t                rc;
    ngx_uplink_out_t         out;
    ngx_uplink_sled_view_t   view;

    rc = ngx_uplink_sled_view(call->fleet, &call->id, &call->actor, &view);

    if (rc != NGX_OK) {
        return ngx_uplink_sled_unknown(r, rc);
    }

    if (ngx_uplink_page_init(r, &out, ngx_uplink_sled_room(&view)) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_sled_write(&out, &view);

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}


ngx_int_t
ngx_uplink_call_kick_sled(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t  rc;

    rc = ngx_uplink_sled_kick(call->fleet, &call->id, &call->actor);

    if (rc != NGX_OK) {
        return ngx_uplink_sled_unknown(r, rc);
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "client \"%V\" sent sled \"%V\" away",
                  &call->actor.by, &call->id);

    r->headers_out.status = NGX_HTTP_NO_CONTENT;
    r->header_only = 1;

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_uplink_sled_unknown(ngx_http_request_t *r, ngx_int_t rc)
{
    if (rc == NGX_ABORT) {
        return ngx_uplink_reply_error(r, NGX_HTTP_NOT_FOUND, "sled_unknown",
                                      "no such sled, or none that you may "
                                      "see");
    }

    return ngx_uplink_call_failed(r, rc);
}
