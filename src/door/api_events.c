
/*
 * GET events: what happens in the fleet, as text/event-stream.
 */


#include "door/api.h"
#include "door/stream.h"
#include "fleet/event.h"


/* longer than any event is with its quotes and names */

#define NGX_UPLINK_EVENT_ROOM                                                 \
    (NGX_UPLINK_JSON_QUOTED(NGX_UPLINK_EVENT_NAME_MAX)                        \
     + NGX_UPLINK_JSON_QUOTED(NGX_UPLINK_AGENT_MAX)                           \
     + 10 * NGX_UPLINK_OUT_MEMBER)


static ngx_int_t ngx_uplink_events_after(ngx_http_request_t *r,
    uint64_t *after);
static void ngx_uplink_events_one(ngx_buf_t *b,
    ngx_uplink_event_view_t *view);
static void ngx_uplink_events_gap(ngx_buf_t *b, uint64_t from,
    uint64_t after);


typedef struct {
    const char             *event;
    const char             *name;         /* of the member with view->name */
    const char             *what[4];      /* by NGX_UPLINK_EVENT_CAME … */
} ngx_uplink_events_words_t;


/* by NGX_UPLINK_EVENT_REQUEST …; a request has the words of its state */

static const ngx_uplink_events_words_t  ngx_uplink_events_words[] = {

    { "request", "req_id",
      { NULL, NULL, NULL, NULL } },

    { "sled", "sled",
      { "connected", "away", "back", "gone" } },

    { "operator", "sid",
      { "attached", "away", "back", "detached" } },

    { "terminal", "handle",
      { "opened", "away", "back", "closed" } }
};


ngx_int_t
ngx_uplink_call_events(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t  rc;
    uint64_t   after;

    if (ngx_uplink_bus_leaving(call->fleet)) {
        return ngx_uplink_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "draining",
                                      "this worker is leaving, try again");
    }

    if (ngx_uplink_events_after(r, &after) != NGX_OK) {

        rc = ngx_uplink_event_last(call->fleet, &after);
        if (rc != NGX_OK) {
            return ngx_uplink_call_failed(r, rc);
        }
    }

    if (r->method == NGX_HTTP_HEAD) {
        return ngx_uplink_events_header(r);
    }

    return ngx_uplink_stream_open(r, call, after);
}


/*
 * What the client has heard last.  A number that cannot be one is like one
 * that is not there any more: something is missing.
 */

static ngx_int_t
ngx_uplink_events_after(ngx_http_request_t *r, uint64_t *after)
{
    off_t             n;
    ngx_str_t         name;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    ngx_str_set(&name, "Last-Event-ID");

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NGX_DECLINED;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == name.len
            && ngx_strncasecmp(h[i].key.data, name.data, name.len) == 0)
        {
            break;
        }
    }

    /* a browser that has heard nothing yet may say so */

    if (h[i].value.len == 0) {
        return NGX_DECLINED;
    }

    n = ngx_atoof(h[i].value.data, h[i].value.len);
    *after = (n == NGX_ERROR) ? (uint64_t) -1 : (uint64_t) n;

    return NGX_OK;
}


ngx_int_t
ngx_uplink_events_header(ngx_http_request_t *r)
{
    ngx_str_t  value;

    r->headers_out.status = NGX_HTTP_OK;

    ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;

    ngx_str_set(&value, "no-store");

    if (ngx_uplink_reply_header(r, "Cache-Control", &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* for another nginx before us */

    ngx_str_set(&value, "no");

    if (ngx_uplink_reply_header(r, "X-Accel-Buffering", &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_uplink_events_write(ngx_uplink_call_t *call, uint64_t *after,
    ngx_buf_t *b)
{
    uint64_t                  from;
    ngx_int_t                 rc;
    ngx_uplink_event_view_t   view;

    while ((size_t) (b->end - b->last) >= NGX_UPLINK_EVENT_ROOM) {

        from = *after;

        rc = ngx_uplink_event_next(call->fleet, after, &call->actor, &view);

        switch (rc) {

        case NGX_OK:
            ngx_uplink_events_one(b, &view);
            *after = view.id;
            break;

        case NGX_ABORT:
            ngx_uplink_events_gap(b, from, *after);
            break;

        case NGX_DONE:
            return NGX_OK;

        case NGX_AGAIN:
            return NGX_AGAIN;

        default:
            return NGX_ERROR;
        }
    }

    return NGX_AGAIN;
}


static void
ngx_uplink_events_one(ngx_buf_t *b, ngx_uplink_event_view_t *view)
{
    ngx_uplink_out_t                  out;
    const ngx_uplink_events_words_t  *words;

    words = &ngx_uplink_events_words[view->kind];

    b->last = ngx_sprintf(b->last, "id: %uL\n"
                          "event: %s\n"
                          "data: ",
                          view->id, words->event);

    ngx_uplink_out_init(&out, b->last, b->end - b->last);

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_string(&out, words->name, view->name, view->name_len);

    if (view->kind == NGX_UPLINK_EVENT_REQUEST) {
        ngx_uplink_out_str(&out, "kind", &ngx_uplink_kinds[view->request]);
        ngx_uplink_out_str(&out, "state", &ngx_uplink_states[view->what]);

        if (view->reason != NGX_UPLINK_REASON_NONE) {
            ngx_uplink_out_str(&out, "reason",
                               &ngx_uplink_reasons[view->reason]);
        }

    } else {
        ngx_uplink_out_text(&out, "state", words->what[view->what]);
    }

    if (view->agent_len) {
        ngx_uplink_out_string(&out, "sled", view->agent, view->agent_len);
    }

    ngx_uplink_out_number(&out, "time", view->time);
    ngx_uplink_out_shut(&out, '}');
    ngx_uplink_out_raw(&out, "\n\n", 2);

    b->last = out.pos;
}


/* who comes back behind a gap is not told of it once more */

static void
ngx_uplink_events_gap(ngx_buf_t *b, uint64_t from, uint64_t after)
{
    ngx_uplink_out_t  out;

    b->last = ngx_sprintf(b->last, "id: %uL\n"
                          "event: gap\n"
                          "data: ",
                          after);

    ngx_uplink_out_init(&out, b->last, b->end - b->last);

    ngx_uplink_out_open(&out, NULL, '{');

    if (from < after) {
        ngx_uplink_out_number(&out, "from", from + 1);
        ngx_uplink_out_number(&out, "to", after);

    } else {

        /* a number that was never given out */

        ngx_uplink_out_null(&out, "from");
        ngx_uplink_out_null(&out, "to");
    }

    ngx_uplink_out_shut(&out, '}');
    ngx_uplink_out_raw(&out, "\n\n", 2);

    b->last = out.pos;
}
