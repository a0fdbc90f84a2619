
/*
 * The numbers of a fleet, copied in one go.
 */


#include "fleet/fleet.h"


ngx_int_t
ngx_uplink_status(ngx_uplink_fleet_t *fleet, ngx_uplink_status_t *status)
{
    ngx_uint_t          i, n;
    ngx_slab_pool_t    *pool;
    ngx_uplink_sh_t    *sh;
    ngx_uplink_port_t  *port;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    sh = fleet->sh;
    pool = fleet->pool;

    ngx_memcpy(status->counters, sh->totals, sizeof(sh->totals));

    status->ports = 0;

    for (i = 0; i < sh->nports; i++) {
        port = &sh->ports[i];

        if (port->pid == 0) {
            continue;
        }

        n = status->ports++;

        status->port[n].port = i;
        status->port[n].slot = port->slot;
        status->port[n].pid = port->pid;
        status->port[n].leaving = port->leaving;
        status->port[n].connections = port->connections;

        for (n = 0; n < NGX_UPLINK_NCOUNTERS; n++) {
            status->counters[n] += port->counters[n];
        }
    }

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

    status->uptime = ngx_current_msec - sh->started;
    status->draining = ngx_uplink_bus_leaving(fleet);

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}
