
/*
 * Lanes between workers.
 */


#include "bus/lane.h"


#define ngx_uplink_lane_room()                                               \
    (ngx_pagesize - offsetof(ngx_uplink_page_t, data))


static ngx_int_t ngx_uplink_lane_grow(ngx_uplink_fleet_t *fleet,
    ngx_uplink_lane_t *lane, ngx_uplink_lane_writer_t *w, size_t len);


void
ngx_uplink_lane_init(ngx_uplink_lane_t *lane)
{
    ngx_memzero(lane, sizeof(ngx_uplink_lane_t));
}


void
ngx_uplink_lane_clear(ngx_uplink_fleet_t *fleet, ngx_uplink_lane_t *lane)
{
    ngx_uplink_page_t  *page, *next;

    for (page = lane->head; page; page = next) {
        next = page->next;
        ngx_uplink_free(fleet, page);
    }

    ngx_uplink_lane_init(lane);
}


void
ngx_uplink_lane_writer(ngx_uplink_lane_t *lane, ngx_uplink_lane_writer_t *w)
{
    size_t              left;
    ngx_uplink_page_t  *page;

    left = lane->in - lane->base;
    page = lane->head;

    while (page && left > ngx_uplink_lane_room()) {
        left -= ngx_uplink_lane_room();
        page = page->next;
    }

    w->page = page;
    w->pos = left;
}


/* pages for what the last one does not hold, all of them or none */

static ngx_int_t
ngx_uplink_lane_grow(ngx_uplink_fleet_t *fleet, ngx_uplink_lane_t *lane,
    ngx_uplink_lane_writer_t *w, size_t len)
{
    size_t              room;
    ngx_int_t           rc;
    ngx_uplink_page_t  *page, *first, *last;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    /*
     * Behind the writer there may be pages that another one took and died
     * before it used them.  The reader keeps the last page, so one that has
     * been written to is never gone.
     */

    room = w->page ? ngx_uplink_lane_room() - w->pos : 0;

    for (page = w->page; page && page->next; page = page->next) {
        room += ngx_uplink_lane_room();
    }

    first = NULL;
    last = NULL;
    rc = NGX_OK;

    while (room < len) {

        page = ngx_uplink_alloc(fleet, ngx_pagesize);

        if (page == NULL) {
            rc = NGX_BUSY;
            break;
        }

        if (last) {
            last->next = page;

        } else {
            first = page;
        }

        last = page;
        room += ngx_uplink_lane_room();
    }

    if (rc == NGX_BUSY) {

        while (first) {
            page = first;
            first = page->next;
            ngx_uplink_free(fleet, page);
        }

    } else if (first) {

        if (lane->tail) {
            lane->tail->next = first;

        } else {
            lane->head = first;
            lane->base = lane->in;
        }

        lane->tail = last;

        if (w->page == NULL) {
            w->page = first;
            w->pos = 0;
        }
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_lane_put(ngx_uplink_fleet_t *fleet, ngx_uplink_lane_t *lane,
    ngx_uplink_lane_writer_t *w, ngx_str_t *parts, ngx_uint_t n)
{
    size_t      len, size, total;
    u_char     *src;
    ngx_int_t   rc;
    ngx_uint_t  i;

    total = 0;

    for (i = 0; i < n; i++) {
        total += parts[i].len;
    }

    if (w->page == NULL || ngx_uplink_lane_room() - w->pos < total) {
        rc = ngx_uplink_lane_grow(fleet, lane, w, total);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    for (i = 0; i < n; i++) {
        src = parts[i].data;
        len = parts[i].len;

        while (len) {

            if (w->pos == ngx_uplink_lane_room()) {
                w->page = w->page->next;
                w->pos = 0;
            }

            size = ngx_min(len, ngx_uplink_lane_room() - w->pos);
            ngx_memcpy(w->page->data + w->pos, src, size);

            src += size;
            len -= size;
            w->pos += size;
        }
    }

    __atomic_store_n(&lane->in, lane->in + total, __ATOMIC_RELEASE);

    return NGX_OK;
}


ngx_uint_t
ngx_uplink_lane_signal(ngx_uplink_lane_t *lane)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);

    if (lane->signalled || !ngx_atomic_cmp_set(&lane->signalled, 0, 1)) {
        return 0;
    }

    ngx_uplink_bus_stamp(&lane->since);

    return 1;
}


void
ngx_uplink_lane_heard(ngx_uplink_fleet_t *fleet, ngx_uplink_lane_t *lane)
{
    ngx_uplink_bus_delay(fleet, &lane->since, NGX_UPLINK_TIME_relay_seconds);

    __atomic_store_n(&lane->signalled, 0, __ATOMIC_SEQ_CST);
}


void
ngx_uplink_lane_copy(ngx_uplink_lane_t *lane, u_char *dst, size_t from,
    size_t len)
{
    size_t              pos, size;
    ngx_uplink_page_t  *page;

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    page = lane->head;
    pos = lane->out - lane->base + from;

    while (len) {

        while (pos >= ngx_uplink_lane_room()) {
            pos -= ngx_uplink_lane_room();
            page = page->next;
        }

        size = ngx_min(len, ngx_uplink_lane_room() - pos);
        dst = ngx_cpymem(dst, page->data + pos, size);

        pos += size;
        len -= size;
    }
}


ngx_int_t
ngx_uplink_lane_take(ngx_uplink_fleet_t *fleet, ngx_uplink_lane_t *lane,
    size_t len)
{
    ngx_uplink_page_t  *page;

    __atomic_store_n(&lane->out, lane->out + len, __ATOMIC_RELEASE);

    if (lane->out - lane->base < ngx_uplink_lane_room()
        && lane->out != lane->in)
    {
        return NGX_OK;
    }

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    /* not the last page, in which the writer may stand */

    while (lane->out - lane->base >= ngx_uplink_lane_room()
           && lane->head != lane->tail)
    {
        page = lane->head;
        lane->head = page->next;
        lane->base += ngx_uplink_lane_room();

        ngx_uplink_free(fleet, page);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}
