
/*
 * Requests as others see them: found by id, judged by who looks, copied out
 * of the zone.
 */


#include "fleet/request.h"
#include "wire/wire.h"


#define NGX_UPLINK_VIEW_SIZE  (128 * 1024)
#define NGX_UPLINK_SCAN       512     /* requests looked at in one go */


static ngx_int_t ngx_uplink_view_copy(ngx_str_t *dst, ngx_str_t *buf,
    ngx_uplink_blob_t *blob);


/*
 * One payload and one answer at a time, of this process.  They grow to the
 * largest message that the configuration allows, and are never given back.
 */

static ngx_str_t  ngx_uplink_view_payload;
static ngx_str_t  ngx_uplink_view_answer;
static size_t     ngx_uplink_view_wanted;


ngx_uplink_request_t *
ngx_uplink_request_find(ngx_uplink_fleet_t *fleet, u_char *req_id, size_t len)
{
    size_t                 n;
    u_char                 id[16], text[NGX_UPLINK_REQ_MAX];
    ngx_uplink_request_t  *q;

    if (len <= 32 || len > NGX_UPLINK_REQ_MAX
        || ngx_uplink_unhex(id, req_id + len - 32, 16) != NGX_OK)
    {
        return NULL;
    }

    q = ngx_uplink_request_by_id(fleet, id);

    if (q == NULL) {
        return NULL;
    }

    /* what stands before the number must be right, too */

    n = ngx_uplink_view_id(text, q);

    return (n == len && ngx_memcmp(text, req_id, len) == 0) ? q : NULL;
}


ngx_uplink_request_t *
ngx_uplink_request_by_id(ngx_uplink_fleet_t *fleet, u_char *id)
{
    uint64_t               hash;
    ngx_uplink_cell_t     *cell;
    ngx_uplink_request_t  *q;

    ngx_memcpy(&hash, id, sizeof(uint64_t));

    for (cell = ngx_uplink_table_find(&fleet->sh->requests, hash);
         cell;
         cell = ngx_uplink_table_next(cell))
    {
        q = (ngx_uplink_request_t *) cell;

        if (ngx_memcmp(q->id, id, 16) == 0) {
            return q;
        }
    }

    return NULL;
}


ngx_uint_t
ngx_uplink_request_may(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uplink_actor_t *actor)
{
    ngx_uint_t              i;
    ngx_uplink_name_t      *ws;
    ngx_uplink_operator_t  *op;

    if (actor->only.len
        && (q->workspace == NULL
            || q->workspace->name.len != actor->only.len
            || ngx_memcmp(q->workspace->name.data, actor->only.data,
                          actor->only.len)
               != 0))
    {
        return 0;
    }

    if (actor->sid.len) {
        op = ngx_uplink_operator_find(fleet, actor->sid.data, actor->sid.len);

        return (op && ngx_uplink_operator_may(op, q));
    }

    if (q->target_len) {
        return 0;
    }

    if (actor->everywhere) {
        return 1;
    }

    if (q->workspace == NULL) {
        return 0;
    }

    ws = &q->workspace->name;

    for (i = 0; i < actor->nworkspaces; i++) {
        if (actor->workspaces[i].len == ws->len
            && ngx_memcmp(actor->workspaces[i].data, ws->data, ws->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


size_t
ngx_uplink_view_id(u_char *dst, ngx_uplink_request_t *q)
{
    u_char  *p;

    if (q->target_len) {
        p = ngx_cpymem(dst, q->target, q->target_len);

    } else {
        p = ngx_cpymem(dst, "any", 3);
    }

    *p++ = '-';
    p = ngx_cpymem(p, ngx_uplink_kind_ids[q->kind].data,
                   ngx_uplink_kind_ids[q->kind].len);
    *p++ = '-';
    p = ngx_cpymem(p, q->hex, sizeof(q->hex));

    return p - dst;
}


ngx_int_t
ngx_uplink_view_fill(ngx_uplink_view_t *view, ngx_uplink_request_t *q,
    ngx_uint_t what)
{
    if ((what & NGX_UPLINK_VIEW_PAYLOAD)
        && ngx_uplink_view_copy(&view->payload, &ngx_uplink_view_payload,
                                q->payload)
           != NGX_OK)
    {
        return NGX_BUSY;
    }

    if ((what & NGX_UPLINK_VIEW_ANSWER)
        && ngx_uplink_view_copy(&view->answer, &ngx_uplink_view_answer,
                                q->answer)
           != NGX_OK)
    {
        return NGX_BUSY;
    }

    ngx_memcpy(view->id, q->id, 16);
    view->req_id_len = ngx_uplink_view_id(view->req_id, q);

    ngx_memcpy(view->agent, q->text, q->agent_len);
    view->agent_len = q->agent_len;

    ngx_memcpy(view->ref, q->ref.data, q->ref.len);
    view->ref_len = q->ref.len;

    ngx_memcpy(view->by_sid, q->by_sid, q->by_sid_len);
    view->by_sid_len = q->by_sid_len;

    ngx_memcpy(view->by, q->by, q->by_len);
    view->by_len = q->by_len;

    ngx_memcpy(view->sha256, q->sha256, sizeof(q->sha256));

    view->kind = q->kind;
    view->state = q->state;
    view->reason = q->reason;
    view->news = q->news;
    view->seen = q->seen;
    view->version = q->changes[NGX_UPLINK_CHANGE_OPENED].version;
    view->created = q->created;
    view->expires = q->expires;
    view->approved = q->approved;
    view->always = q->always;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_view_copy(ngx_str_t *dst, ngx_str_t *buf, ngx_uplink_blob_t *blob)
{
    size_t  len;

    len = ngx_uplink_blob_len(blob);

    if (len > buf->len) {
        ngx_uplink_view_wanted = len;
        return NGX_BUSY;
    }

    (void) ngx_uplink_blob_copy(buf->data, blob);

    dst->data = buf->data;
    dst->len = len;

    return NGX_OK;
}


ngx_int_t
ngx_uplink_view_grow(void)
{
    size_t   size;
    u_char  *payload, *answer;

    size = ngx_max(ngx_uplink_view_wanted, NGX_UPLINK_VIEW_SIZE);

    payload = ngx_alloc(size, ngx_cycle->log);
    answer = ngx_alloc(size, ngx_cycle->log);

    if (payload == NULL || answer == NULL) {
        ngx_free(payload);
        ngx_free(answer);
        return NGX_ERROR;
    }

    ngx_free(ngx_uplink_view_payload.data);
    ngx_free(ngx_uplink_view_answer.data);

    ngx_uplink_view_payload.data = payload;
    ngx_uplink_view_payload.len = size;
    ngx_uplink_view_answer.data = answer;
    ngx_uplink_view_answer.len = size;

    return NGX_OK;
}


void
ngx_uplink_view_release(void)
{
    ngx_free(ngx_uplink_view_payload.data);
    ngx_free(ngx_uplink_view_answer.data);

    ngx_str_null(&ngx_uplink_view_payload);
    ngx_str_null(&ngx_uplink_view_answer);
}


ngx_int_t
ngx_uplink_request_view(ngx_uplink_fleet_t *fleet, u_char *req_id, size_t len,
    ngx_uplink_actor_t *actor, ngx_uplink_view_t *view)
{
    ngx_int_t              rc;
    ngx_uplink_request_t  *q;

    do {
        if (ngx_uplink_lock(fleet) != NGX_OK) {
            return NGX_DECLINED;
        }

        q = ngx_uplink_request_find(fleet, req_id, len);

        if (q == NULL
            || (actor && !ngx_uplink_request_may(fleet, q, actor)))
        {
            rc = NGX_ABORT;

        } else {
            rc = ngx_uplink_view_fill(view, q, NGX_UPLINK_VIEW_PAYLOAD
                                               |NGX_UPLINK_VIEW_ANSWER);
        }

        ngx_uplink_unlock(fleet);

    } while (rc == NGX_BUSY && ngx_uplink_view_grow() == NGX_OK);

    return (rc == NGX_BUSY) ? NGX_ABORT : rc;
}


ngx_int_t
ngx_uplink_request_after(ngx_uplink_fleet_t *fleet, uint64_t after,
    ngx_uplink_actor_t *actor, ngx_uplink_view_t *view)
{
    ngx_int_t              rc;
    ngx_uint_t             n;
    ngx_uplink_entry_t    *e;
    ngx_uplink_request_t  *q;

    do {
        if (ngx_uplink_lock(fleet) != NGX_OK) {
            return NGX_DECLINED;
        }

        rc = NGX_DONE;
        e = ngx_uplink_log_above(&fleet->sh->open, after);

        for (n = 0; e; n++) {

            q = (ngx_uplink_request_t *)
                    ((u_char *) e - offsetof(ngx_uplink_request_t, open));

            if (ngx_uplink_request_may(fleet, q, actor)) {
                rc = ngx_uplink_view_fill(view, q, NGX_UPLINK_VIEW_PAYLOAD);
                break;
            }

            if (n == NGX_UPLINK_SCAN) {
                view->version = e->version;
                rc = NGX_AGAIN;
                break;
            }

            e = ngx_uplink_log_next(&fleet->sh->open, e);
        }

        ngx_uplink_unlock(fleet);

    } while (rc == NGX_BUSY && ngx_uplink_view_grow() == NGX_OK);

    return (rc == NGX_BUSY) ? NGX_DONE : rc;
}
