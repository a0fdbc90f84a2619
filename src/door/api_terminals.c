
/*
 * Terminals over REST: which are there, and ending one.
 */


#include "door/api.h"
#include "fleet/terminal.h"


#define NGX_UPLINK_TERMINALS_TURNS  16   /* of what is scanned in one */
#define NGX_UPLINK_HANDLE_LEN       16


static size_t ngx_uplink_terminal_size(ngx_uplink_terminal_view_t *view);
static void ngx_uplink_terminal_write(ngx_uplink_out_t *out,
    ngx_uplink_terminal_view_t *view);
static ngx_int_t ngx_uplink_terminal_handle(ngx_str_t *text,
    uint64_t *handle);


/* by NGX_UPLINK_TERMINAL_... */

static const char  *ngx_uplink_terminal_states[] = {
    "opening", "open", "closing", "ended"
};

static const char  *ngx_uplink_terminal_names[] = {
    "task_id", "workspace_id", "issue_id", "work_dir", "prior_session_id",
    "user"
};


ngx_int_t
ngx_uplink_call_list_terminals(ngx_http_request_t *r,
    ngx_uplink_call_t *call)
{
    u_char                       next[NGX_UPLINK_HANDLE_LEN];
    uint64_t                     after;
    ngx_int_t                    rc;
    ngx_uint_t                   n, turns;
    ngx_uplink_out_t             out;
    ngx_uplink_terminal_view_t   view;

    after = 0;

    if (call->query.after.len
        && ngx_uplink_terminal_handle(&call->query.after, &after) != NGX_OK)
    {
        return ngx_uplink_reply_error(r, NGX_HTTP_BAD_REQUEST, "bad_request",
                                      "\"after\" must be what \"next\" was");
    }

    if (ngx_uplink_page_init(r, &out, 8192) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_open(&out, "terminals", '[');

    for (n = 0, turns = 0; turns < NGX_UPLINK_TERMINALS_TURNS; /* void */) {

        rc = ngx_uplink_terminal_after(call->fleet, after, &call->actor,
                                       &view);
        if (rc == NGX_DONE) {
            after = 0;
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

        } else if (ngx_uplink_page_room(r, &out,
                                        ngx_uplink_terminal_size(&view))
                   != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;

        } else {
            ngx_uplink_terminal_write(&out, &view);
        }

        after = view.handle;
    }

    ngx_uplink_out_shut(&out, ']');

    if (ngx_uplink_page_room(r, &out, 4 * NGX_UPLINK_OUT_MEMBER) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (after) {
        (void) ngx_sprintf(next, "%016xL", after);
        ngx_uplink_out_string(&out, "next", next, sizeof(next));

    } else {
        ngx_uplink_out_null(&out, "next");
    }

    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}


static size_t
ngx_uplink_terminal_size(ngx_uplink_terminal_view_t *view)
{
    size_t      room;
    ngx_uint_t  i;

    room = 12 * NGX_UPLINK_OUT_MEMBER
           + ngx_uplink_out_quoted(view->agent, view->agent_len)
           + ngx_uplink_out_quoted(view->session, view->session_len);

    for (i = 0; i < NGX_UPLINK_TERMINAL_FIELDS; i++) {
        room += NGX_UPLINK_OUT_MEMBER
                + ngx_uplink_out_quoted(view->field[i].data,
                                        view->field[i].len);
    }

    return room;
}


static void
ngx_uplink_terminal_write(ngx_uplink_out_t *out,
    ngx_uplink_terminal_view_t *view)
{
    u_char      handle[NGX_UPLINK_HANDLE_LEN];
    ngx_uint_t  i;

    (void) ngx_sprintf(handle, "%016xL", view->handle);

    ngx_uplink_out_open(out, NULL, '{');
    ngx_uplink_out_string(out, "handle", handle, sizeof(handle));
    ngx_uplink_out_string(out, "sled", view->agent, view->agent_len);
    ngx_uplink_out_string(out, "session_id", view->session,
                          view->session_len);
    ngx_uplink_out_text(out, "state",
                        view->away ? "sled_away"
                                   : ngx_uplink_terminal_states[view->state]);

    for (i = 0; i < NGX_UPLINK_TERMINAL_FIELDS; i++) {
        if (view->field[i].len) {
            ngx_uplink_out_str(out, ngx_uplink_terminal_names[i],
                               &view->field[i]);
        }
    }

    ngx_uplink_out_number(out, "browsers", view->seats);
    ngx_uplink_out_number(out, "offset", view->offset);
    ngx_uplink_out_number(out, "created", view->created);
    ngx_uplink_out_shut(out, '}');
}


ngx_int_t
ngx_uplink_call_delete_terminal(ngx_http_request_t *r,
    ngx_uplink_call_t *call)
{
    uint64_t   handle;
    ngx_int_t  rc;

    rc = NGX_ABORT;

    if (ngx_uplink_terminal_handle(&call->id, &handle) == NGX_OK) {
        rc = ngx_uplink_terminal_delete(call->fleet, handle, &call->actor);
    }

    if (rc == NGX_OK) {
        r->headers_out.status = NGX_HTTP_NO_CONTENT;
        r->header_only = 1;

        return ngx_http_send_header(r);
    }

    if (rc == NGX_ABORT) {
        return ngx_uplink_reply_error(r, NGX_HTTP_NOT_FOUND,
                                      "session_not_found",
                                      "no such terminal, or none that you "
                                      "may see");
    }

    return ngx_uplink_call_failed(r, rc);
}


static ngx_int_t
ngx_uplink_terminal_handle(ngx_str_t *text, uint64_t *handle)
{
    ngx_int_t   byte;
    ngx_uint_t  i;

    if (text->len != NGX_UPLINK_HANDLE_LEN) {
        return NGX_ERROR;
    }

    *handle = 0;

    for (i = 0; i < NGX_UPLINK_HANDLE_LEN; i += 2) {
        byte = ngx_hextoi(text->data + i, 2);

        if (byte == NGX_ERROR) {
            return NGX_ERROR;
        }

        *handle = *handle << 8 | (uint64_t) byte;
    }

    return NGX_OK;
}
