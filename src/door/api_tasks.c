
/*
 * Tasks over REST: which a sled has announced, and others on its behalf.
 */


#include "door/api.h"
#include "door/tasks.h"


#define NGX_UPLINK_TASKS_TURNS  16   /* of what is scanned in one */


static size_t ngx_uplink_task_room(ngx_uplink_task_view_t *view);
static void ngx_uplink_task_write(ngx_uplink_out_t *out,
    ngx_uplink_task_view_t *view);


/* one at a time, of this process */

static ngx_uplink_task_view_t  ngx_uplink_task_view;


ngx_int_t
ngx_uplink_call_list_tasks(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    u_char                   last[NGX_UPLINK_REF_MAX];
    ngx_int_t                rc;
    ngx_str_t                after, *id;
    ngx_uint_t               n, turns;
    ngx_uplink_out_t         out;
    ngx_uplink_task_view_t  *view;

    view = &ngx_uplink_task_view;
    id = &view->field[NGX_UPLINK_TASK_ID];
    after = call->query.after;

    if (ngx_uplink_page_init(r, &out, 8192) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_open(&out, "tasks", '[');

    for (n = 0, turns = 0; turns < NGX_UPLINK_TASKS_TURNS; /* void */) {

        rc = ngx_uplink_task_after(call->fleet, &call->id, &after,
                                   &call->actor, view);
        if (rc == NGX_DONE) {
            after.len = 0;
            break;
        }

        if (rc == NGX_AGAIN) {
            turns++;

        } else if (rc != NGX_OK) {
            return ngx_uplink_sled_unknown(r, rc);

        } else if (n++ == call->query.limit
                   || ngx_uplink_out_len(&out) > NGX_UPLINK_LIST_BYTES)
        {
            break;

        } else if (ngx_uplink_page_room(r, &out, ngx_uplink_task_room(view))
                   != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;

        } else {
            ngx_uplink_task_write(&out, view);
        }

        ngx_memcpy(last, id->data, id->len);
        after.data = last;
        after.len = id->len;
    }

    ngx_uplink_out_shut(&out, ']');

    if (ngx_uplink_page_next(r, &out, &after) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}


static size_t
ngx_uplink_task_room(ngx_uplink_task_view_t *view)
{
    size_t      room;
    ngx_uint_t  i;

    room = (NGX_UPLINK_TASK_FIELDS + 1) * NGX_UPLINK_OUT_MEMBER;

    for (i = 0; i < NGX_UPLINK_TASK_FIELDS; i++) {
        room += ngx_uplink_out_quoted(view->field[i].data,
                                      view->field[i].len);
    }

    return room;
}


static void
ngx_uplink_task_write(ngx_uplink_out_t *out, ngx_uplink_task_view_t *view)
{
    ngx_uint_t  i;

    ngx_uplink_out_open(out, NULL, '{');

    for (i = 0; i < NGX_UPLINK_TASK_FIELDS; i++) {
        if (view->field[i].len) {
            ngx_uplink_out_str(out,
                               (char *) ngx_uplink_task_fields[i].data,
                               &view->field[i]);
        }
    }

    ngx_uplink_out_shut(out, '}');
}


ngx_int_t
ngx_uplink_call_put_tasks(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t            rc;
    const char          *wrong;
    ngx_uplink_out_t     out;
    ngx_uplink_tasks_t   tasks;

    rc = ngx_uplink_tasks_read(r->pool, &call->body, &call->who,
                               call->conf->max_tasks, &tasks, &wrong);

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent invalid uplink tasks: %s", wrong);

        return ngx_uplink_reply_error(r, NGX_HTTP_BAD_REQUEST, "bad_request",
                                      wrong);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_uplink_tasks_take(call->fleet, NULL, &call->id, &call->actor,
                               call->conf->max_tasks, &tasks);

    if (rc != NGX_OK) {
        return ngx_uplink_sled_unknown(r, rc);
    }

    if (ngx_uplink_page_init(r, &out, ngx_uplink_tasks_room(&tasks) + 8)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_tasks_write(&out, &tasks);
    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}
