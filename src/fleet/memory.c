
/*
 * Memory of the zone.  A full zone first forgets the oldest ended requests,
 * then refuses, and says so once a minute.
 */


#include "fleet/fleet.h"


#define NGX_UPLINK_FULL_LOG   60000
#define NGX_UPLINK_FORGET     32      /* at most, for one allocation */

static ngx_int_t ngx_uplink_forget_oldest(ngx_uplink_fleet_t *fleet);


#define NGX_UPLINK_BLOB_HEAD  offsetof(ngx_uplink_blob_t, data)


void *
ngx_uplink_alloc(ngx_uplink_fleet_t *fleet, size_t size)
{
    void             *p;
    ngx_uint_t        n;
    ngx_uplink_sh_t  *sh;

    sh = fleet->sh;

    for (n = 0; n <= NGX_UPLINK_FORGET; n++) {

        p = ngx_slab_calloc_locked(fleet->pool, size);

        if (p) {
            return p;
        }

        if (ngx_uplink_forget_oldest(fleet) != NGX_OK) {
            break;
        }
    }

    ngx_uplink_count(fleet, NGX_UPLINK_COUNT_zone_full);
    sh->failed_at = ngx_current_msec;

    if (sh->full_at == 0
        || ngx_current_msec - sh->full_at >= NGX_UPLINK_FULL_LOG)
    {
        sh->full_at = ngx_current_msec;
        fleet->full = 1;
    }

    return NULL;
}


/* not one whose end is still to be told to who asked */

static ngx_int_t
ngx_uplink_forget_oldest(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t             n;
    ngx_queue_t           *i, *ended;
    ngx_uplink_request_t  *q;

    ended = &fleet->sh->ended;

    for (i = ngx_queue_head(ended), n = 0;
         i != ngx_queue_sentinel(ended) && n < NGX_UPLINK_FORGET;
         i = ngx_queue_next(i), n++)
    {
        q = ngx_queue_data(i, ngx_uplink_request_t, ended);

        if (!q->waited && !q->in_outbox) {
            ngx_uplink_request_forget(fleet, q);
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


void
ngx_uplink_free(ngx_uplink_fleet_t *fleet, void *p)
{
    ngx_slab_free_locked(fleet->pool, p);
}


/*
 * The parts in one run, in nodes of a page: larger allocations would fail
 * by fragmentation while there is memory.
 */

ngx_uplink_blob_t *
ngx_uplink_blob_create(ngx_uplink_fleet_t *fleet, ngx_str_t *parts,
    ngx_uint_t n)
{
    size_t               total, size, room, left;
    u_char              *src;
    ngx_uint_t           i;
    ngx_uplink_blob_t   *first, *blob, **last;

    total = 0;

    for (i = 0; i < n; i++) {
        total += parts[i].len;
    }

    room = ngx_pagesize - NGX_UPLINK_BLOB_HEAD;

    first = NULL;
    last = &first;
    left = total;

    do {
        size = ngx_min(left, room);

        blob = ngx_uplink_alloc(fleet, NGX_UPLINK_BLOB_HEAD + size);
        if (blob == NULL) {
            ngx_uplink_blob_free(fleet, first);
            return NULL;
        }

        blob->total = left;
        blob->len = size;
        left -= size;

        *last = blob;
        last = &blob->next;

    } while (left);

    blob = first;
    size = 0;

    for (i = 0; i < n; i++) {
        src = parts[i].data;
        left = parts[i].len;

        while (left) {
            if (size == blob->len) {
                blob = blob->next;
                size = 0;
            }

            room = ngx_min(left, blob->len - size);
            ngx_memcpy(blob->data + size, src, room);

            src += room;
            left -= room;
            size += room;
        }
    }

    return first;
}


void
ngx_uplink_blob_free(ngx_uplink_fleet_t *fleet, ngx_uplink_blob_t *blob)
{
    ngx_uplink_blob_t  *next;

    while (blob) {
        next = blob->next;
        ngx_uplink_free(fleet, blob);
        blob = next;
    }
}


u_char *
ngx_uplink_blob_copy(u_char *dst, ngx_uplink_blob_t *blob)
{
    for ( /* void */ ; blob; blob = blob->next) {
        dst = ngx_cpymem(dst, blob->data, blob->len);
    }

    return dst;
}
