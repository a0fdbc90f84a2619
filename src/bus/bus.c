
/*
 * Receivers of this process, boxes in the zone, and how the one hears of
 * the other.
 */


#include "bus/bus.h"


#define NGX_UPLINK_BATCH  64


typedef struct {
    uint32_t             slot;
    uint32_t             bits;
    uint64_t             serial;
} ngx_uplink_parcel_t;


static ngx_uplink_slot_t *ngx_uplink_slot(ngx_uplink_node_t *node,
    uint32_t slot);
static void ngx_uplink_bus_recover(ngx_uplink_fleet_t *fleet);


static ngx_uplink_slot_t *
ngx_uplink_slot(ngx_uplink_node_t *node, uint32_t slot)
{
    return &node->pages[slot / NGX_UPLINK_SLOT_PAGE]
                       [slot % NGX_UPLINK_SLOT_PAGE];
}


ngx_int_t
ngx_uplink_slot_take(ngx_uplink_fleet_t *fleet, ngx_uplink_notify_pt notify,
    void *data, uint32_t *slot)
{
    uint32_t            i, n;
    ngx_uplink_node_t  *node;
    ngx_uplink_slot_t  *s;

    node = fleet->node;

    if (!ngx_uplink_bus_claimed(fleet)) {
        return NGX_DECLINED;
    }

    if (node->pages == NULL) {
        node->pages = ngx_calloc(NGX_UPLINK_SLOT_PAGES
                                 * sizeof(ngx_uplink_slot_t *),
                                 ngx_cycle->log);
        if (node->pages == NULL) {
            return NGX_ERROR;
        }
    }

    if (node->free == NGX_UPLINK_NO_SLOT) {

        if (node->npages == NGX_UPLINK_SLOT_PAGES) {
            return NGX_ERROR;
        }

        s = ngx_calloc(NGX_UPLINK_SLOT_PAGE * sizeof(ngx_uplink_slot_t),
                       ngx_cycle->log);
        if (s == NULL) {
            return NGX_ERROR;
        }

        n = node->npages * NGX_UPLINK_SLOT_PAGE;

        for (i = NGX_UPLINK_SLOT_PAGE; i > 0; i--) {
            s[i - 1].next = node->free;
            node->free = n + i - 1;
        }

        node->pages[node->npages++] = s;
    }

    *slot = node->free;
    s = ngx_uplink_slot(node, *slot);

    node->free = s->next;
    node->nslots++;

    s->serial = ++node->serial;
    s->data = data;
    s->notify = notify;
    s->watching = 0;

    ngx_uplink_bus_port(fleet)->connections = node->nslots;

    return NGX_OK;
}


void
ngx_uplink_slot_leave(ngx_uplink_fleet_t *fleet, uint32_t slot)
{
    ngx_uplink_node_t  *node;
    ngx_uplink_slot_t  *s;

    node = fleet->node;
    s = ngx_uplink_slot(node, slot);

    if (s->watching && ngx_uplink_lock(fleet) == NGX_OK) {
        ngx_uplink_watch(fleet, slot, 0);
        ngx_uplink_unlock(fleet);
    }

    if (s->watching) {

        /* the zone was rebuilt: nobody counts on it there */

        ngx_queue_remove(&s->watch);
        s->watching = 0;
    }

    s->serial = 0;
    s->data = NULL;
    s->next = node->free;

    node->free = slot;
    node->nslots--;

    ngx_uplink_bus_port(fleet)->connections = node->nslots;
}


void *
ngx_uplink_slot_data(ngx_uplink_fleet_t *fleet, uint32_t slot,
    uint64_t serial)
{
    ngx_uplink_slot_t  *s;

    s = ngx_uplink_slot(fleet->node, slot);

    return (s->serial == serial) ? s->data : NULL;
}


void
ngx_uplink_watch(ngx_uplink_fleet_t *fleet, uint32_t slot, ngx_uint_t on)
{
    ngx_uplink_slot_t  *s;

    s = ngx_uplink_slot(fleet->node, slot);

    if (s->watching == (on != 0)) {
        return;
    }

    s->watching = (on != 0);

    if (on) {
        ngx_queue_insert_tail(&fleet->node->watchers, &s->watch);
        ngx_uplink_bus_port(fleet)->watchers++;

    } else {
        ngx_queue_remove(&s->watch);
        ngx_uplink_bus_port(fleet)->watchers--;
    }
}


void
ngx_uplink_box_init(ngx_uplink_box_t *box)
{
    box->port = NGX_UPLINK_NO_PORT;
    box->bits = 0;
    box->listed = 0;
}


void
ngx_uplink_box_own(ngx_uplink_fleet_t *fleet, ngx_uplink_box_t *box,
    uint32_t slot)
{
    ngx_uplink_box_disown(fleet, box);

    box->port = fleet->node->port;
    box->epoch = fleet->node->epoch;
    box->slot = slot;
    box->serial = ngx_uplink_slot(fleet->node, slot)->serial;
}


void
ngx_uplink_box_disown(ngx_uplink_fleet_t *fleet, ngx_uplink_box_t *box)
{
    if (box->listed) {
        ngx_queue_remove(&box->queue);
        fleet->sh->ports[box->port].nlisted--;
        box->listed = 0;
    }

    box->port = NGX_UPLINK_NO_PORT;
    box->bits = 0;
}


/* cannot fail: the link is in the record itself */

void
ngx_uplink_box_post(ngx_uplink_fleet_t *fleet, ngx_uplink_box_t *box,
    ngx_uint_t bits)
{
    ngx_uplink_port_t  *port;

    if (box->port == NGX_UPLINK_NO_PORT) {
        return;
    }

    port = &fleet->sh->ports[box->port];

    if (port->epoch != box->epoch || port->pid == 0) {
        return;
    }

    box->bits |= bits;

    if (box->listed) {
        return;
    }

    if (ngx_queue_empty(&port->control)) {
        ngx_uplink_bus_flag(fleet, box->port);
    }

    box->listed = 1;
    port->nlisted++;
    ngx_queue_insert_tail(&port->control, &box->queue);
}


void
ngx_uplink_bus_changes(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t          i;
    ngx_uplink_port_t  *port;

    for (i = 0; i < fleet->sh->nports; i++) {
        port = &fleet->sh->ports[i];

        if (port->watchers && !(port->bits & NGX_UPLINK_BIT_CHANGES)) {
            port->bits |= NGX_UPLINK_BIT_CHANGES;
            ngx_uplink_bus_flag(fleet, i);
        }
    }
}


void
ngx_uplink_bus_flag(ngx_uplink_fleet_t *fleet, ngx_uint_t port)
{
    fleet->node->wake[port / 64] |= (uint64_t) 1 << (port % 64);
    fleet->node->nwake++;
}


void
ngx_uplink_bus_sweep_at(ngx_uplink_fleet_t *fleet, ngx_msec_t deadline)
{
    ngx_uplink_node_t  *node;

    node = fleet->node;

    if (node->want_sweep == 0
        || (ngx_msec_int_t) (deadline - node->want_sweep) < 0)
    {
        node->want_sweep = deadline;
    }
}


/* what was asked for under the lock and is done outside of it */

void
ngx_uplink_bus_wake(ngx_uplink_fleet_t *fleet)
{
    int                 fd;
    uint64_t            one, bits;
    ngx_uint_t          i, port;
    ngx_msec_int_t      delay;
    ngx_uplink_node_t  *node;

    node = fleet->node;

    if (node->want_sweep) {

        if (ngx_uplink_bus_claimed(fleet)
            && (node->next_sweep == 0
                || (ngx_msec_int_t) (node->want_sweep - node->next_sweep) < 0))
        {
            delay = (ngx_msec_int_t) (node->want_sweep - ngx_current_msec);

            ngx_add_timer(&node->sweep, ngx_max(delay, 1));
            node->next_sweep = node->want_sweep;
        }

        node->want_sweep = 0;
    }

    if (node->nwake == 0) {
        return;
    }

    node->nwake = 0;
    one = 1;

    for (i = 0; i < NGX_UPLINK_MAX_PORTS / 64; i++) {

        bits = node->wake[i];
        node->wake[i] = 0;

        while (bits) {
            port = i * 64 + __builtin_ctzll(bits);
            bits &= bits - 1;

            if (port == node->port) {
                ngx_post_event(&node->local, &ngx_posted_events);
                continue;
            }

            ngx_uplink_bus_stamp(&fleet->sh->ports[port].woken);

            fd = (port < node->nfds) ? node->fds[port] : -1;

            /* EAGAIN: it has more wake-ups than it can count */

            if (fd != -1 && write(fd, &one, sizeof(uint64_t)) == -1
                && ngx_errno != NGX_EAGAIN)
            {
                ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                              "write() to an eventfd failed");
            }

            ngx_uplink_count(fleet, NGX_UPLINK_COUNT_bus_wakeups);
        }
    }
}


/* when it began, if it is not under way already */

void
ngx_uplink_bus_stamp(uint64_t *stamp)
{
    uint64_t  none;

    none = 0;

    (void) __atomic_compare_exchange_n(stamp, &none, ngx_uplink_usec(), 0,
                                       __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}


void
ngx_uplink_bus_delay(ngx_uplink_fleet_t *fleet, uint64_t *stamp,
    ngx_uplink_histogram_e n)
{
    uint64_t  began, now;

    if (__atomic_load_n(stamp, __ATOMIC_RELAXED) == 0) {
        return;
    }

    began = __atomic_exchange_n(stamp, 0, __ATOMIC_ACQUIRE);
    now = ngx_uplink_usec();

    if (began && now > began) {
        ngx_uplink_observe(fleet, n, now - began);
    }
}


void
ngx_uplink_bus_local_handler(ngx_event_t *ev)
{
    ngx_uplink_node_t  *node;

    node = ngx_queue_data(ev->data, ngx_uplink_node_t, queue);

    if (node->stale) {
        ngx_uplink_bus_recover(node->fleet);
        return;
    }

    ngx_uplink_bus_receive(node->fleet);
}


void
ngx_uplink_bus_receive(ngx_uplink_fleet_t *fleet)
{
    uint32_t              bits;
    ngx_uint_t            i, n, more, lost;
    ngx_queue_t          *q, *next;
    ngx_uplink_box_t     *box;
    ngx_uplink_node_t    *node;
    ngx_uplink_port_t    *port;
    ngx_uplink_slot_t    *s;
    ngx_uplink_parcel_t   parcels[NGX_UPLINK_BATCH];

    node = fleet->node;

    ngx_uplink_bus_delay(fleet, &ngx_uplink_bus_port(fleet)->woken,
                         NGX_UPLINK_TIME_bus_lag_seconds);

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return;
    }

    port = ngx_uplink_bus_port(fleet);

    bits = port->bits;
    port->bits = 0;

    for (n = 0; n < NGX_UPLINK_BATCH; n++) {

        if (ngx_queue_empty(&port->control)) {
            break;
        }

        q = ngx_queue_head(&port->control);
        ngx_queue_remove(q);

        box = ngx_queue_data(q, ngx_uplink_box_t, queue);

        parcels[n].slot = box->slot;
        parcels[n].serial = box->serial;
        parcels[n].bits = box->bits;

        box->listed = 0;
        box->bits = 0;
        port->nlisted--;
    }

    more = !ngx_queue_empty(&port->control);
    lost = more ? 0 : port->nlisted;

    if (lost) {
        ngx_uplink_add(fleet, NGX_UPLINK_COUNT_bus_drops, lost);
        port->nlisted = 0;
    }

    ngx_uplink_unlock(fleet);

    if (lost) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "%ui boxes of port %uD of uplink zone \"%V\" were lost",
                      lost, node->port, &fleet->name);
    }

    for (i = 0; i < n; i++) {
        s = ngx_uplink_slot(node, parcels[i].slot);

        if (s->serial == parcels[i].serial) {
            s->notify(s->data, parcels[i].bits);
        }
    }

    if (bits & NGX_UPLINK_BIT_CHANGES) {

        for (q = ngx_queue_head(&node->watchers);
             q != ngx_queue_sentinel(&node->watchers);
             q = next)
        {
            next = ngx_queue_next(q);

            s = ngx_queue_data(q, ngx_uplink_slot_t, watch);
            s->notify(s->data, NGX_UPLINK_BIT_CHANGES);
        }
    }

    if (more) {
        ngx_post_event(&node->local, &ngx_posted_next_events);
    }
}


void
ngx_uplink_bus_stale(ngx_uplink_fleet_t *fleet)
{
    fleet->node->stale = 1;

    if (ngx_uplink_bus_claimed(fleet)) {
        ngx_post_event(&fleet->node->local, &ngx_posted_events);
    }
}


/*
 * Everything that this process knew of the zone is void: its receivers are
 * told before it looks at the new one.
 */

static void
ngx_uplink_bus_recover(ngx_uplink_fleet_t *fleet)
{
    uint32_t            i;
    ngx_uplink_node_t  *node;
    ngx_uplink_slot_t  *s;

    node = fleet->node;

    for (i = 0; i < node->npages * NGX_UPLINK_SLOT_PAGE; i++) {

        s = ngx_uplink_slot(node, i);

        if (s->serial == 0) {
            continue;
        }

        if (s->watching) {
            ngx_queue_remove(&s->watch);
            s->watching = 0;
        }

        s->notify(s->data, NGX_UPLINK_BIT_VOID);
    }

    node->stale = 0;
    node->zone_epoch = fleet->sh->epoch;

    /* rebuilt once more meanwhile: the next lock tells us again */
}
