
/*
 * The numbers of a fleet at one moment, and how many of what each sled has.
 */


#ifndef _NGX_UPLINK_STATUS_H_INCLUDED_
#define _NGX_UPLINK_STATUS_H_INCLUDED_


#include "fleet/fleet.h"


/* every number as one of 64 bits: door/metrics.c has a table of them */

typedef struct {
    uint64_t                 ports;        /* filled in ports[] */
    struct {
        ngx_uint_t           port;
        ngx_int_t            slot;
        ngx_pid_t            pid;
        ngx_uint_t           leaving;
        ngx_uint_t           connections;
    }                        port[NGX_UPLINK_MAX_PORTS];
    uint64_t                 agents, links, paused;
    uint64_t                 sessions, attached;
    uint64_t                 terminals, browsers;
    uint64_t                 open, ended, entries;
    uint64_t                 size, used, free;
    uint64_t                 queued;       /* boxes not read yet */
    uint64_t                 workers_serving, workers_leaving;
    uint64_t                 connections_serving, connections_leaving;
    uint64_t                 audit_failing;   /* workers that cannot write */
    uint64_t                 uptime;       /* ms */
    uint64_t                 full;         /* there is no room just now */
    uint64_t                 draining;     /* our worker is leaving */
    uint64_t                 ready;        /* filled in by the door */
    uint64_t                 values[NGX_UPLINK_NVALUES];
    ngx_uplink_tally_t       tally;
} ngx_uplink_status_t;

ngx_int_t ngx_uplink_status(ngx_uplink_fleet_t *fleet,
    ngx_uplink_status_t *status);

/* the sum of a family */

uint64_t ngx_uplink_status_family(ngx_uplink_status_t *status,
    ngx_uplink_family_e family);

/*
 * Some logical sleds behind this name (n is the room for them, and how many
 * there were): 0 at the end.
 */

#define NGX_UPLINK_STATUS_SLEDS  128

typedef struct {
    size_t                   agent_len;
    u_char                   agent[NGX_UPLINK_AGENT_MAX];
    uint64_t                 links, paused, inflight, terminals;
} ngx_uplink_status_sled_t;

ngx_int_t ngx_uplink_status_sleds(ngx_uplink_fleet_t *fleet,
    ngx_str_t *after, ngx_uplink_status_sled_t *sleds, ngx_uint_t *n);


#endif /* _NGX_UPLINK_STATUS_H_INCLUDED_ */
