
/*
 * The numbers of a fleet, copied in one go.
 */


#include "fleet/status.h"


/* an allocation that failed so long ago is forgotten */

#define NGX_UPLINK_STATUS_FULL  10000


static void ngx_uplink_status_ports(ngx_uplink_fleet_t *fleet,
    ngx_uplink_status_t *status);
static ngx_uint_t ngx_uplink_status_full(ngx_uplink_sh_t *sh,
    ngx_uplink_status_t *status);


ngx_int_t
ngx_uplink_status(ngx_uplink_fleet_t *fleet, ngx_uplink_status_t *status)
{
    ngx_slab_pool_t  *pool;
    ngx_uplink_sh_t  *sh;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    sh = fleet->sh;
    pool = fleet->pool;

    ngx_memcpy(status->values, sh->values, sizeof(sh->values));
    ngx_memcpy(&status->tally, &sh->totals, sizeof(ngx_uplink_tally_t));

    ngx_uplink_status_ports(fleet, status);

    status->agents = sh->nsleds;
    status->links = sh->nlinks;
    status->paused = sh->npaused;
    status->sessions = sh->noperators;
    status->attached = sh->nattached;
    status->terminals = sh->nterminals;
    status->browsers = sh->nseats;
    status->open = sh->nopen;
    status->ended = sh->nended;
    status->entries = sh->nsleds + sh->nlinks + sh->noperators + sh->nopen
                      + sh->nended;

    status->size = fleet->shm_zone->shm.size;
    status->used = (pool->last - pool->pages - pool->pfree) * ngx_pagesize;
    status->free = pool->pfree * ngx_pagesize;

    status->uptime = ngx_current_msec - sh->started;
    status->full = ngx_uplink_status_full(sh, status);
    status->draining = ngx_uplink_bus_leaving(fleet);

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


static void
ngx_uplink_status_ports(ngx_uplink_fleet_t *fleet,
    ngx_uplink_status_t *status)
{
    ngx_uint_t          i, n;
    ngx_uplink_port_t  *port;

    status->ports = 0;
    status->queued = 0;
    status->audit_failing = 0;
    status->workers_serving = 0;
    status->workers_leaving = 0;
    status->connections_serving = 0;
    status->connections_leaving = 0;

    for (i = 0; i < fleet->sh->nports; i++) {
        port = &fleet->sh->ports[i];

        if (port->pid == 0) {
            continue;
        }

        n = status->ports++;

        status->port[n].port = i;
        status->port[n].slot = port->slot;
        status->port[n].pid = port->pid;
        status->port[n].leaving = port->leaving;
        status->port[n].connections = port->connections;

        status->queued += port->nlisted;
        status->audit_failing += port->audit_failing;

        if (port->leaving) {
            status->workers_leaving++;
            status->connections_leaving += port->connections;

        } else {
            status->workers_serving++;
            status->connections_serving += port->connections;
        }

        ngx_uplink_tally_add(&status->tally, &port->tally);
    }
}


/*
 * Work was refused a moment ago, or the next is about to be: hardly a page
 * is left, and no request that could be forgotten.
 */

static ngx_uint_t
ngx_uplink_status_full(ngx_uplink_sh_t *sh, ngx_uplink_status_t *status)
{
    if (sh->failed_at
        && ngx_current_msec - sh->failed_at < NGX_UPLINK_STATUS_FULL)
    {
        return 1;
    }

    return status->free < status->size / 20 && sh->nended == 0;
}


uint64_t
ngx_uplink_status_family(ngx_uplink_status_t *status,
    ngx_uplink_family_e family)
{
    uint64_t    sum;
    ngx_uint_t  i;

    sum = 0;

    for (i = 0; i < NGX_UPLINK_NVALUES; i++) {
        if (ngx_uplink_value_rows[i].family == family) {
            sum += status->values[i];
        }
    }

    return sum;
}


ngx_int_t
ngx_uplink_status_sleds(ngx_uplink_fleet_t *fleet, ngx_str_t *after,
    ngx_uplink_status_sled_t *sleds, ngx_uint_t *n)
{
    ngx_uint_t                 room;
    ngx_queue_t               *q;
    ngx_uplink_link_t         *link;
    ngx_uplink_sled_t         *sled;
    ngx_uplink_status_sled_t  *view;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    room = *n;
    *n = 0;

    sled = ngx_uplink_name_after(&fleet->sh->sleds, after->data, after->len);

    while (sled && *n < room) {
        view = &sleds[(*n)++];

        view->agent_len = sled->name.len;
        ngx_memcpy(view->agent, sled->name.data, sled->name.len);

        view->links = sled->nlinks;
        view->inflight = sled->inflight;
        view->terminals = sled->nterminals;
        view->paused = 0;

        for (q = ngx_queue_head(&sled->links);
             q != ngx_queue_sentinel(&sled->links);
             q = ngx_queue_next(q))
        {
            link = ngx_queue_data(q, ngx_uplink_link_t, queue);
            view->paused += (link->paused && link->ticket);
        }

        sled = (ngx_uplink_sled_t *)
                   ngx_uplink_tree_next(&fleet->sh->sleds, &sled->name.node);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}
