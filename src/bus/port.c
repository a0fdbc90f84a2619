
/*
 * This process' port in a fleet: claimed, kept alive, left; and the ports of
 * the dead, cleaned up after.
 */


#include "bus/bus.h"

#include <sys/eventfd.h>
#include <signal.h>


#define NGX_UPLINK_TICK    1000
#define NGX_UPLINK_STALE   3000     /* older heartbeats are looked at */


static ngx_uplink_node_t *ngx_uplink_bus_node(ngx_uplink_fleet_t *fleet,
    ngx_log_t *log);
static ngx_int_t ngx_uplink_bus_claim(ngx_uplink_fleet_t *fleet);
static void ngx_uplink_bus_predecessor(ngx_uplink_fleet_t *fleet);
static void ngx_uplink_bus_reap(ngx_uplink_fleet_t *fleet, ngx_uint_t n,
    ngx_pid_t pid);
static ngx_int_t ngx_uplink_bus_open(ngx_uplink_fleet_t *fleet,
    ngx_cycle_t *cycle);
static void ngx_uplink_bus_channel_handler(ngx_event_t *ev);
static void ngx_uplink_bus_drain(ngx_uplink_fleet_t *fleet);
static void ngx_uplink_bus_tick_handler(ngx_event_t *ev);
static void ngx_uplink_bus_dead(ngx_uplink_fleet_t *fleet);
static void ngx_uplink_bus_sweep_handler(ngx_event_t *ev);


/* static: all generations of workers of a master share the descriptors */

static ngx_queue_t  ngx_uplink_nodes;


static ngx_uplink_node_t *
ngx_uplink_bus_node(ngx_uplink_fleet_t *fleet, ngx_log_t *log)
{
    ngx_queue_t        *q;
    ngx_uplink_node_t  *node;

    if (ngx_uplink_nodes.next == NULL) {
        ngx_queue_init(&ngx_uplink_nodes);
    }

    for (q = ngx_queue_head(&ngx_uplink_nodes);
         q != ngx_queue_sentinel(&ngx_uplink_nodes);
         q = ngx_queue_next(q))
    {
        node = ngx_queue_data(q, ngx_uplink_node_t, queue);

        if (node->name.len == fleet->name.len
            && ngx_memcmp(node->name.data, fleet->name.data, node->name.len)
               == 0)
        {
            return node;
        }
    }

    node = ngx_calloc(sizeof(ngx_uplink_node_t) + fleet->name.len, log);
    if (node == NULL) {
        return NULL;
    }

    node->name.len = fleet->name.len;
    node->name.data = (u_char *) node + sizeof(ngx_uplink_node_t);
    ngx_memcpy(node->name.data, fleet->name.data, fleet->name.len);

    node->ident = -1;
    node->port = NGX_UPLINK_NO_PORT;
    node->free = NGX_UPLINK_NO_SLOT;
    ngx_queue_init(&node->watchers);

    ngx_queue_insert_tail(&ngx_uplink_nodes, &node->queue);

    return node;
}


/* in the master, or the only process: one descriptor a port, made once */

ngx_int_t
ngx_uplink_bus_init_module(ngx_uplink_fleet_t *fleet, ngx_cycle_t *cycle)
{
    int                *fds;
    ngx_uint_t          i;
    ngx_uplink_node_t  *node;

    if (ngx_test_config) {
        return NGX_OK;
    }

    node = ngx_uplink_bus_node(fleet, cycle->log);
    if (node == NULL) {
        return NGX_ERROR;
    }

    fleet->node = node;

    if (node->port != NGX_UPLINK_NO_PORT && node->fleet->sh == fleet->sh) {

        /* master_process off: the same process goes on with its claim */

        node->fleet = fleet;
        return NGX_OK;
    }

    if (node->nfds >= fleet->nports) {
        return NGX_OK;
    }

    fds = ngx_alloc(fleet->nports * sizeof(int), cycle->log);
    if (fds == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < fleet->nports; i++) {

        if (i < node->nfds) {
            fds[i] = node->fds[i];
            continue;
        }

        fds[i] = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

        if (fds[i] == -1) {
            ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                          "eventfd() failed for port %ui of \"%V\", "
                          "it will be polled", i, &fleet->name);
        }
    }

    ngx_free(node->fds);

    node->fds = fds;
    node->nfds = fleet->nports;

    return NGX_OK;
}


/* must not fail: the master would not start this worker again */

void
ngx_uplink_bus_init_process(ngx_uplink_fleet_t *fleet, ngx_cycle_t *cycle,
    ngx_uplink_reap_pt reap, ngx_uplink_sweep_pt sweep)
{
    ngx_uplink_node_t  *node;

    node = fleet->node;

    node->fleet = fleet;
    node->reap = reap;
    node->sweeper = sweep;

    node->local.data = &node->queue;
    node->local.handler = ngx_uplink_bus_local_handler;
    node->local.log = cycle->log;

    ngx_uplink_bus_predecessor(fleet);

    if (ngx_uplink_bus_claim(fleet) != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, 0,
                      "no free port in uplink zone \"%V\", this worker takes "
                      "no connections for it, raise \"ports=\"", &fleet->name);
        return;
    }

    if (ngx_uplink_bus_open(fleet, cycle) != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, 0,
                      "port %uD of uplink zone \"%V\" will be polled",
                      node->port, &fleet->name);
    }

    node->tick.data = &node->queue;
    node->tick.handler = ngx_uplink_bus_tick_handler;
    node->tick.log = cycle->log;
    node->tick.cancelable = 1;

    node->sweep.data = &node->queue;
    node->sweep.handler = ngx_uplink_bus_sweep_handler;
    node->sweep.log = cycle->log;
    node->sweep.cancelable = 1;

    ngx_add_timer(&node->tick, NGX_UPLINK_TICK);
}


void
ngx_uplink_bus_exit_process(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t          i;
    ngx_uplink_node_t  *node;

    node = fleet->node;

    if (node == NULL) {
        return;
    }

    if (node->port != NGX_UPLINK_NO_PORT) {
        ngx_uplink_bus_reap(fleet, node->port, ngx_pid);
    }

    /* what is static would pass for a leak when the module is unloaded */

    for (i = 0; i < node->npages; i++) {
        ngx_free(node->pages[i]);
    }

    ngx_free(node->pages);
    ngx_free(node->fds);

    ngx_queue_remove(&node->queue);
    ngx_free(node);

    fleet->node = NULL;
}


/*
 * The lock refuses a process that does not know the zone's epoch: one that
 * has nothing in it yet takes what it finds.
 */

static ngx_int_t
ngx_uplink_bus_enter(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t  n;

    if (ngx_uplink_bus_claimed(fleet)) {
        return ngx_uplink_lock(fleet);
    }

    for (n = 0; n < 3; n++) {

        fleet->node->zone_epoch = fleet->sh->epoch;

        if (ngx_uplink_lock(fleet) == NGX_OK) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


/*
 * A slot of the master is used again only when its process has been waited
 * for: same parent and slot, other pid = it is dead, whatever its heartbeat.
 */

static void
ngx_uplink_bus_predecessor(ngx_uplink_fleet_t *fleet)
{
    ngx_pid_t           pid;
    ngx_uint_t          i;
    ngx_uplink_port_t  *port;

    for (i = 0; i < fleet->sh->nports; i++) {
        port = &fleet->sh->ports[i];
        pid = port->pid;

        if (pid && pid != ngx_pid && port->parent == ngx_parent
            && port->slot == ngx_process_slot)
        {
            ngx_uplink_bus_reap(fleet, i, pid);
        }
    }
}


static ngx_int_t
ngx_uplink_bus_claim(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t          i;
    ngx_uplink_port_t  *port;

    if (ngx_uplink_bus_enter(fleet) != NGX_OK) {
        return NGX_ERROR;
    }

    for (i = 0; i < fleet->sh->nports; i++) {
        port = &fleet->sh->ports[i];

        if (port->pid) {
            continue;
        }

        port->epoch++;
        port->parent = ngx_parent;
        port->slot = ngx_process_slot;
        port->heartbeat = ngx_current_msec;
        port->generation = fleet->generation;
        port->leaving = 0;
        port->bits = 0;
        port->watchers = 0;
        port->connections = 0;
        port->nlisted = 0;
        port->woken = 0;
        ngx_queue_init(&port->control);
        ngx_memzero(&port->tally, sizeof(ngx_uplink_tally_t));
        port->pid = ngx_pid;

        fleet->node->port = i;
        fleet->node->tally = &port->tally;
        fleet->node->epoch = port->epoch;

        break;
    }

    ngx_uplink_unlock(fleet);

    return ngx_uplink_bus_claimed(fleet) ? NGX_OK : NGX_ERROR;
}


/* in bounded batches; several may do it at once, each under the lock */

static void
ngx_uplink_bus_reap(ngx_uplink_fleet_t *fleet, ngx_uint_t n, ngx_pid_t pid)
{
    ngx_int_t           rc;
    ngx_uplink_port_t  *port;

    port = &fleet->sh->ports[n];

    do {
        if (ngx_uplink_bus_enter(fleet) != NGX_OK) {
            return;
        }

        if (port->pid != pid) {
            ngx_uplink_unlock(fleet);
            return;
        }

        rc = fleet->node->reap(fleet, port);

        if (rc == NGX_OK) {

            ngx_uplink_tally_add(&fleet->sh->totals, &port->tally);
            ngx_memzero(&port->tally, sizeof(ngx_uplink_tally_t));

            if (pid == ngx_pid) {

                /* what is counted from here on is nobody's any more */

                fleet->node->tally = NULL;

            } else {
                ngx_uplink_count(fleet, NGX_UPLINK_COUNT_workers_reaped);
            }

            /* boxes of it find nobody: the epoch of the next claim differs */

            while (!ngx_queue_empty(&port->control)) {
                ngx_uplink_box_disown(fleet, ngx_queue_data(
                                          ngx_queue_head(&port->control),
                                          ngx_uplink_box_t, queue));
            }

            port->bits = 0;
            port->watchers = 0;
            port->connections = 0;
            port->pid = 0;
        }

        ngx_uplink_unlock(fleet);

    } while (rc == NGX_AGAIN);

    if (pid != ngx_pid) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "cleaned up after process %P in uplink zone \"%V\"",
                      pid, &fleet->name);
    }
}


static ngx_int_t
ngx_uplink_bus_open(ngx_uplink_fleet_t *fleet, ngx_cycle_t *cycle)
{
    int                 fd;
    ngx_connection_t   *c;
    ngx_uplink_node_t  *node;

    node = fleet->node;

    fd = (node->port < node->nfds) ? node->fds[node->port] : -1;

    if (fd == -1) {
        return NGX_ERROR;
    }

    c = ngx_get_connection(fd, cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->pool = cycle->pool;
    c->data = node;

    c->read->log = cycle->log;
    c->write->log = cycle->log;

    c->read->handler = ngx_uplink_bus_channel_handler;

    /* not a leak at exit, and called with c->close when the worker leaves */

    c->read->channel = 1;
    c->write->channel = 1;
    c->idle = 1;

    if (ngx_add_event(c->read, NGX_READ_EVENT, 0) != NGX_OK) {
        ngx_free_connection(c);
        return NGX_ERROR;
    }

    node->channel = c;

    return NGX_OK;
}


static void
ngx_uplink_bus_channel_handler(ngx_event_t *ev)
{
    uint64_t            n;
    ngx_connection_t   *c;
    ngx_uplink_node_t  *node;

    c = ev->data;
    node = c->data;

    if (c->close) {
        c->close = 0;
        ngx_uplink_bus_drain(node->fleet);
        return;
    }

    if (read(c->fd, &n, sizeof(uint64_t)) == -1 && ngx_errno != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ALERT, ev->log, ngx_errno,
                      "read() of an eventfd failed");
    }

    ngx_uplink_bus_receive(node->fleet);
}


/*
 * The worker is leaving.  Everybody here is told at once, from here: on
 * 1.22.1 an event posted now would not run before the check for the exit.
 */

static void
ngx_uplink_bus_drain(ngx_uplink_fleet_t *fleet)
{
    uint32_t            i;
    ngx_uplink_node_t  *node;
    ngx_uplink_slot_t  *slot;

    node = fleet->node;

    if (node->leaving) {
        return;
    }

    node->leaving = 1;
    node->to_drain = node->nslots;

    if (ngx_uplink_lock(fleet) == NGX_OK) {
        ngx_uplink_bus_port(fleet)->leaving = 1;
        ngx_uplink_unlock(fleet);
    }

    for (i = 0; i < node->npages * NGX_UPLINK_SLOT_PAGE; i++) {

        slot = &node->pages[i / NGX_UPLINK_SLOT_PAGE]
                           [i % NGX_UPLINK_SLOT_PAGE];

        if (slot->serial) {
            slot->notify(slot->data, NGX_UPLINK_BIT_DRAIN);
            node->drained++;
        }
    }
}


ngx_uint_t
ngx_uplink_bus_successor(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t          i;
    ngx_uplink_port_t  *port;

    for (i = 0; i < fleet->sh->nports; i++) {
        port = &fleet->sh->ports[i];

        if (port->pid && port->pid != ngx_pid && !port->leaving
            && ngx_current_msec - port->heartbeat < NGX_UPLINK_STALE)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_uplink_bus_tick_handler(ngx_event_t *ev)
{
    ngx_uint_t           late;
    ngx_uplink_node_t   *node;
    ngx_uplink_port_t   *port;
    ngx_uplink_fleet_t  *fleet;

    node = ngx_queue_data(ev->data, ngx_uplink_node_t, queue);
    fleet = node->fleet;

    if (ngx_uplink_lock(fleet) == NGX_OK) {

        port = ngx_uplink_bus_port(fleet);
        port->heartbeat = ngx_current_msec;

        late = (port->bits || !ngx_queue_empty(&port->control));

        ngx_uplink_unlock(fleet);

        /* without a descriptor this is how we hear; otherwise it was lost */

        if (late && !node->local.posted) {
            ngx_uplink_count(fleet, NGX_UPLINK_COUNT_bus_late);
            ngx_uplink_bus_receive(fleet);
        }

        ngx_uplink_bus_dead(fleet);

        ngx_uplink_bus_sweep_handler(&node->sweep);
    }

    ngx_add_timer(ev, NGX_UPLINK_TICK);
}


/* nobody respawns a worker when there are fewer of them after a reload */

static void
ngx_uplink_bus_dead(ngx_uplink_fleet_t *fleet)
{
    ngx_pid_t           pid;
    ngx_uint_t          i;
    ngx_uplink_port_t  *port;

    for (i = 0; i < fleet->sh->nports; i++) {
        port = &fleet->sh->ports[i];
        pid = port->pid;

        if (pid == 0 || pid == ngx_pid
            || (ngx_msec_int_t) (ngx_current_msec - port->heartbeat)
               < NGX_UPLINK_STALE)
        {
            continue;
        }

        if (kill(pid, 0) == -1 && ngx_errno == NGX_ESRCH) {
            ngx_uplink_bus_reap(fleet, i, pid);
        }
    }
}


static void
ngx_uplink_bus_sweep_handler(ngx_event_t *ev)
{
    ngx_msec_t           next;
    ngx_uplink_node_t   *node;
    ngx_uplink_fleet_t  *fleet;

    node = ngx_queue_data(ev->data, ngx_uplink_node_t, queue);
    fleet = node->fleet;

    node->next_sweep = 0;

    next = node->sweeper(fleet);

    if (next != NGX_TIMER_INFINITE) {
        ngx_uplink_bus_sweep_at(fleet, ngx_current_msec + ngx_max(next, 1));
        ngx_uplink_bus_wake(fleet);
    }
}
