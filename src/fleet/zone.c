
/*
 * The zone as such: made, reused, locked, rebuilt after a crash.
 */


#include "fleet/event.h"
#include "fleet/journal.h"


#define NGX_UPLINK_ZONE_MIN     (64 * 1024)
#define NGX_UPLINK_ZONE_BUCKET  1024     /* of the zone, for each bucket */


static ngx_int_t ngx_uplink_zone_init(ngx_shm_zone_t *shm_zone, void *data);
static ngx_int_t ngx_uplink_zone_reset(ngx_uplink_fleet_t *fleet);
static void ngx_uplink_zone_rebuild(ngx_uplink_fleet_t *fleet);


#define ngx_uplink_zone_header(nports)                                       \
    (offsetof(ngx_uplink_sh_t, ports) + (nports) * sizeof(ngx_uplink_port_t))


ngx_uplink_fleet_t *
ngx_uplink_zone_find(ngx_conf_t *cf, ngx_str_t *name, const char *door)
{
    ngx_uint_t                i;
    ngx_uplink_fleet_t       *fleet, **fleets;
    ngx_uplink_main_conf_t   *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_uplink_module);

    fleets = umcf->fleets.elts;

    for (i = 0; i < umcf->fleets.nelts; i++) {
        if (fleets[i]->name.len == name->len
            && ngx_strncmp(fleets[i]->name.data, name->data, name->len) == 0)
        {
            return fleets[i];
        }
    }

    fleet = ngx_pcalloc(cf->pool, sizeof(ngx_uplink_fleet_t));
    if (fleet == NULL) {
        return NULL;
    }

    fleet->name = *name;
    fleet->door = door;
    fleet->file = cf->conf_file->file.name;
    fleet->line = cf->conf_file->line;

    fleets = ngx_array_push(&umcf->fleets);
    if (fleets == NULL) {
        return NULL;
    }

    *fleets = fleet;

    return fleet;
}


char *
ngx_uplink_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ssize_t              size;
    ngx_int_t            n;
    ngx_str_t           *value;
    ngx_uplink_fleet_t  *fleet;

    value = cf->args->elts;

    size = ngx_parse_size(&value[2]);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone size \"%V\"", &value[2]);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_UPLINK_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small", &value[1]);
        return NGX_CONF_ERROR;
    }

    n = 0;

    if (cf->args->nelts == 4) {

        if (ngx_strncmp(value[3].data, "ports=", 6) != 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[3]);
            return NGX_CONF_ERROR;
        }

        n = ngx_atoi(value[3].data + 6, value[3].len - 6);

        if (n < 2 || n > NGX_UPLINK_MAX_PORTS) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid number of ports \"%V\", "
                               "it must be between 2 and %d",
                               &value[3], NGX_UPLINK_MAX_PORTS);
            return NGX_CONF_ERROR;
        }

        if ((size_t) size < 2 * ngx_uplink_zone_header(n)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "zone \"%V\" is too small for %i ports",
                               &value[1], n);
            return NGX_CONF_ERROR;
        }
    }

    fleet = ngx_uplink_zone_find(cf, &value[1], NULL);
    if (fleet == NULL) {
        return NGX_CONF_ERROR;
    }

    if (fleet->shm_zone) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate zone \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    fleet->shm_zone = ngx_shared_memory_add(cf, &value[1], size,
                                            &ngx_uplink_module);
    if (fleet->shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    fleet->nports = n;
    fleet->shm_zone->init = ngx_uplink_zone_init;
    fleet->shm_zone->data = fleet;

    return NGX_CONF_OK;
}


/*
 * At the end of the http block: every fleet has a zone, and a zone without
 * ports= has as many as three generations of workers need.
 */

char *
ngx_uplink_zone_check(ngx_conf_t *cf)
{
    ngx_int_t                n;
    ngx_uint_t               i, max;
    ngx_core_conf_t         *ccf;
    ngx_uplink_fleet_t     **fleets;
    ngx_uplink_main_conf_t  *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_uplink_module);
    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);

    /* worker_processes may stand behind the http block */

    n = (ccf->worker_processes == NGX_CONF_UNSET) ? ngx_ncpu
                                                  : ccf->worker_processes;
    fleets = umcf->fleets.elts;

    for (i = 0; i < umcf->fleets.nelts; i++) {

        if (fleets[i]->shm_zone == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "\"%s\" names unknown fleet \"%V\", add "
                          "\"uplink_zone %V 10m;\" to the http block in %V:%ui",
                          fleets[i]->door, &fleets[i]->name, &fleets[i]->name,
                          &fleets[i]->file, fleets[i]->line);
            return NGX_CONF_ERROR;
        }

        if (fleets[i]->nports == 0) {
            max = fleets[i]->shm_zone->shm.size / 4
                  / sizeof(ngx_uplink_port_t);

            fleets[i]->nports = ngx_min(ngx_max(16, 4 * n),
                                        ngx_min((ngx_int_t) max,
                                                NGX_UPLINK_MAX_PORTS));
            fleets[i]->any_ports = 1;
        }
    }

    return NGX_CONF_OK;
}


/*
 * Runs under nginx -t and for a reload that may still fail as well: it must
 * not change a zone that is in use.
 */

static ngx_int_t
ngx_uplink_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_int_t            rc;
    ngx_slab_pool_t     *pool;
    ngx_uplink_sh_t     *sh;
    ngx_uplink_fleet_t  *fleet;

    fleet = shm_zone->data;
    pool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data || shm_zone->shm.exists) {

        /* not through the old fleet: it may be another module's layout */

        sh = pool->data;

        if (sh == NULL || sh->magic != NGX_UPLINK_MAGIC
            || sh->layout != NGX_UPLINK_LAYOUT
            || sh->port_size != sizeof(ngx_uplink_port_t)
            || sh->head_size != offsetof(ngx_uplink_sh_t, ports))
        {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "uplink_zone \"%V\" was made by another version of "
                          "the module, restart nginx instead of reloading it",
                          &shm_zone->shm.name);
            return NGX_ERROR;
        }

        if (sh->nports != fleet->nports && !fleet->any_ports) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "uplink_zone \"%V\" uses ports=%ui while "
                          "previously it used ports=%ui",
                          &shm_zone->shm.name, fleet->nports, sh->nports);
            return NGX_ERROR;
        }

        fleet->nports = sh->nports;
        fleet->pool = pool;
        fleet->sh = sh;

        return NGX_OK;
    }

    pool->log_nomem = 0;

    sh = ngx_slab_calloc(pool, ngx_uplink_zone_header(fleet->nports));
    if (sh == NULL) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "zone \"%V\" is too small", &shm_zone->shm.name);
        return NGX_ERROR;
    }

    sh->nports = fleet->nports;
    sh->port_size = sizeof(ngx_uplink_port_t);
    sh->head_size = offsetof(ngx_uplink_sh_t, ports);
    sh->layout = NGX_UPLINK_LAYOUT;
    sh->epoch = 1;
    sh->started = ngx_current_msec;

    fleet->pool = pool;
    fleet->sh = sh;

    ngx_shmtx_lock(&pool->mutex);
    rc = ngx_uplink_zone_reset(fleet);
    ngx_shmtx_unlock(&pool->mutex);

    if (rc != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "zone \"%V\" is too small", &shm_zone->shm.name);
        return NGX_ERROR;
    }

    pool->data = sh;
    sh->magic = NGX_UPLINK_MAGIC;

    return NGX_OK;
}


/* an empty fleet; the claims of the ports and their counters stay */

static ngx_int_t
ngx_uplink_zone_reset(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t          i, n;
    ngx_uplink_sh_t    *sh;
    ngx_uplink_port_t  *port;

    sh = fleet->sh;

    ngx_rbtree_sentinel_init(&sh->sentinel);

    ngx_uplink_tree_init(sh, &sh->sleds);
    ngx_uplink_tree_init(sh, &sh->operators);
    ngx_uplink_tree_init(sh, &sh->workspaces);
    ngx_uplink_tree_init(sh, &sh->issues);
    ngx_uplink_tree_init(sh, &sh->users);
    ngx_uplink_tree_init(sh, &sh->terminals);
    ngx_uplink_tree_init(sh, &sh->deadlines);
    ngx_uplink_log_init(&sh->open);
    ngx_uplink_log_init(&sh->changes);
    ngx_queue_init(&sh->ended);
    ngx_queue_init(&sh->journal);

    sh->nrecords = 0;
    sh->journaled = 0;
    sh->nsleds = 0;
    sh->nlinks = 0;
    sh->npaused = 0;
    sh->noperators = 0;
    sh->nattached = 0;
    sh->nopen = 0;
    sh->ndirect = 0;
    sh->nended = 0;
    sh->nterminals = 0;
    sh->nseats = 0;
    sh->star_attached = 0;

    for (i = 0; i < NGX_UPLINK_CLASSES; i++) {
        ngx_queue_init(&sh->classes[i].queue);
    }

    for (i = 0; i < sh->nports; i++) {
        port = &sh->ports[i];

        port->bits = 0;
        port->watchers = 0;
        port->nlisted = 0;
        ngx_queue_init(&port->control);
        ngx_queue_init(&port->links);
        ngx_queue_init(&port->operators);
        ngx_queue_init(&port->waiters);
        ngx_queue_init(&port->seats);
        ngx_queue_init(&port->bearers);
        ngx_queue_init(&port->journal);
        port->flying = 0;
    }

    n = fleet->shm_zone->shm.size / NGX_UPLINK_ZONE_BUCKET;

    if (ngx_uplink_table_init(&sh->requests, fleet->pool, n) != NGX_OK
        || ngx_uplink_table_init(&sh->refs, fleet->pool, n) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_uplink_event_init(fleet);

    return NGX_OK;
}


/*
 * A worker died in the middle of a change, and the master has broken its
 * lock: nothing in the zone can be trusted but the header, which is written
 * with single stores.  The slab pool is made anew around it.
 */

static void
ngx_uplink_zone_rebuild(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t        i;
    ngx_slab_pool_t  *pool;
    ngx_uplink_sh_t  *sh;

    sh = fleet->sh;
    pool = fleet->pool;

    ngx_uplink_journal_emptied(fleet);

    ngx_slab_init(pool);

    pool->log_nomem = 0;

    /* the first allocation of an empty pool: where the header stands */

    pool->data = ngx_slab_alloc_locked(pool,
                                       ngx_uplink_zone_header(sh->nports));

    /* it has succeeded when the zone was made */

    (void) ngx_uplink_zone_reset(fleet);

    sh->epoch++;
    sh->totals.counters[NGX_UPLINK_COUNT_zone_quarantines]++;

    for (i = 0; i < sh->nports; i++) {
        if (sh->ports[i].pid) {
            ngx_uplink_bus_flag(fleet, i);
        }
    }

    fleet->rebuilt = 1;
}


ngx_int_t
ngx_uplink_lock_for(ngx_uplink_fleet_t *fleet, const char *op, size_t len)
{
    ngx_pid_t         dead;
    ngx_uplink_sh_t  *sh;
    u_char            was[NGX_UPLINK_OP_MAX];

    sh = fleet->sh;

    ngx_shmtx_lock(&fleet->pool->mutex);

    dead = sh->marker;

    if (dead) {
        ngx_memcpy(was, sh->op, NGX_UPLINK_OP_MAX);
        ngx_uplink_zone_rebuild(fleet);
    }

    sh->marker = ngx_pid;
    ngx_memcpy(sh->op, op, ngx_min(len, NGX_UPLINK_OP_MAX));

    ngx_memory_barrier();

    if (fleet->node->zone_epoch == sh->epoch) {
        return NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    if (fleet->rebuilt) {
        fleet->rebuilt = 0;

        was[NGX_UPLINK_OP_MAX - 1] = '\0';
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "process %P died in %s() and left uplink zone \"%V\" "
                      "in an unknown state, it was emptied",
                      dead, was, &fleet->name);
    }

    ngx_uplink_bus_stale(fleet);

    return NGX_DECLINED;
}


void
ngx_uplink_unlock(ngx_uplink_fleet_t *fleet)
{
    ngx_memory_barrier();

    fleet->sh->marker = 0;

    ngx_shmtx_unlock(&fleet->pool->mutex);

    if (fleet->full) {
        fleet->full = 0;

        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "uplink zone \"%V\" is full, new work is refused",
                      &fleet->name);
    }

    ngx_uplink_bus_wake(fleet);
}


uint64_t
ngx_uplink_now(void)
{
    ngx_time_t  *tp;

    tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}
