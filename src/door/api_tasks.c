
/*
 * Tasks announced over REST, on behalf of a sled.
 */


#include "door/api.h"
#include "door/tasks.h"


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
