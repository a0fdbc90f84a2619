
/*
 * Between workers: ports, boxes, wake-ups.  Knows no message's meaning.
 */


#ifndef _NGX_UPLINK_BUS_H_INCLUDED_
#define _NGX_UPLINK_BUS_H_INCLUDED_


#include "fleet/zone.h"


/*
 * Bits that the bus itself gives to a receiver; the others belong to the
 * record that the receiver stands for (fleet.h).
 */

#define NGX_UPLINK_BIT_VOID     0x80000000   /* the zone was rebuilt */
#define NGX_UPLINK_BIT_DRAIN    0x40000000   /* this worker is leaving */
#define NGX_UPLINK_BIT_CHANGES  0x20000000   /* a request has changed */


typedef void (*ngx_uplink_notify_pt)(void *data, ngx_uint_t bits);


/* what the fleet does for the bus; set once a process */

typedef ngx_int_t (*ngx_uplink_reap_pt)(ngx_uplink_fleet_t *fleet,
    ngx_uplink_port_t *port);
typedef ngx_msec_t (*ngx_uplink_sweep_pt)(ngx_uplink_fleet_t *fleet);


/*
 * Somebody in this process.  A box in the zone names it by slot and serial,
 * so that what comes late for one that is gone finds nobody.
 */

typedef struct {
    uint64_t                serial;     /* 0: free */
    void                   *data;
    ngx_uplink_notify_pt    notify;
    ngx_queue_t             watch;      /* of those that follow */
    uint32_t                next;       /* of the free ones */
    unsigned                watching:1; /* wants NGX_UPLINK_BIT_CHANGES */
} ngx_uplink_slot_t;


#define NGX_UPLINK_SLOT_PAGE   256
#define NGX_UPLINK_SLOT_PAGES  4096     /* 1M receivers a process */
#define NGX_UPLINK_NO_SLOT     0xffffffff


/*
 * This process' place in a fleet.  Static, found by the fleet's name: it
 * outlives configurations, as the event descriptors must.
 */

struct ngx_uplink_node_s {
    ngx_queue_t             queue;
    ngx_uplink_fleet_t     *fleet;      /* of the newest configuration */
    ngx_int_t               ident;      /* must be after 3 pointers: -1, read
                                           by ngx_event_ident() */
    ngx_str_t               name;

    int                    *fds;        /* one eventfd a port, -1: none */
    ngx_uint_t              nfds;

    uint32_t                port;       /* NO_PORT: not claimed */
    uint64_t                epoch;      /* the port's, by our claim */
    uint64_t                zone_epoch; /* the zone that we know */

    ngx_uplink_tally_t     *tally;      /* the port's, while claimed */

    ngx_uplink_slot_t     **pages;
    ngx_uint_t              npages;
    uint32_t                free;
    ngx_uint_t              nslots;     /* taken */
    ngx_queue_t             watchers;   /* of ngx_uplink_slot_t */
    uint64_t                serial;

    uint64_t                wake[NGX_UPLINK_MAX_PORTS / 64];
    ngx_uint_t              nwake;

    ngx_connection_t       *channel;
    ngx_event_t             tick;       /* cancelable, every second */
    ngx_event_t             sweep;      /* cancelable, the next deadline */
    ngx_event_t             local;      /* posted: for our own boxes */
    ngx_msec_t              next_sweep; /* 0: none is set */
    ngx_msec_t              want_sweep; /* asked for under the lock */

    ngx_uplink_reap_pt      reap;
    ngx_uplink_sweep_pt     sweeper;

    ngx_uplink_journal_t   *journal;    /* NULL: there is no audit log */

    ngx_uint_t              drained;    /* receivers told of the drain */
    ngx_uint_t              to_drain;   /* out of so many */
    unsigned                leaving:1;
    unsigned                stale:1;    /* zone_epoch is not the zone's */
};


/* hooks of the module */

ngx_int_t ngx_uplink_bus_init_module(ngx_uplink_fleet_t *fleet,
    ngx_cycle_t *cycle);
void ngx_uplink_bus_init_process(ngx_uplink_fleet_t *fleet,
    ngx_cycle_t *cycle, ngx_uplink_reap_pt reap, ngx_uplink_sweep_pt sweep);
void ngx_uplink_bus_exit_process(ngx_uplink_fleet_t *fleet);

/*
 * A receiver enters and leaves; not locked.  Taking can fail for want of
 * memory (NGX_ERROR) or because this process has no port (NGX_DECLINED).
 */

ngx_int_t ngx_uplink_slot_take(ngx_uplink_fleet_t *fleet,
    ngx_uplink_notify_pt notify, void *data, uint32_t *slot);
void ngx_uplink_slot_leave(ngx_uplink_fleet_t *fleet, uint32_t slot);

/* a receiver of this process by what a box says of it; NULL: it has left */

void *ngx_uplink_slot_data(ngx_uplink_fleet_t *fleet, uint32_t slot,
    uint64_t serial);

/* follows the requests: NGX_UPLINK_BIT_CHANGES on every change; locked */

void ngx_uplink_watch(ngx_uplink_fleet_t *fleet, uint32_t slot, ngx_uint_t on);

/* locked */

void ngx_uplink_box_init(ngx_uplink_box_t *box);
void ngx_uplink_box_own(ngx_uplink_fleet_t *fleet, ngx_uplink_box_t *box,
    uint32_t slot);
void ngx_uplink_box_disown(ngx_uplink_fleet_t *fleet, ngx_uplink_box_t *box);
void ngx_uplink_box_post(ngx_uplink_fleet_t *fleet, ngx_uplink_box_t *box,
    ngx_uint_t bits);

/* to all processes with a watcher; locked */

void ngx_uplink_bus_changes(ngx_uplink_fleet_t *fleet);

/*
 * A process is to be woken: noted under the lock, done outside of it by
 * ngx_uplink_unlock().
 */

void ngx_uplink_bus_flag(ngx_uplink_fleet_t *fleet, ngx_uint_t port);
void ngx_uplink_bus_wake(ngx_uplink_fleet_t *fleet);

/*
 * How long something is on its way between two processes: begins, unless
 * that is known already; has come.
 */

void ngx_uplink_bus_stamp(uint64_t *stamp);
void ngx_uplink_bus_delay(ngx_uplink_fleet_t *fleet, uint64_t *stamp,
    ngx_uplink_histogram_e n);

/* between the two files of this room */

void ngx_uplink_bus_receive(ngx_uplink_fleet_t *fleet);
void ngx_uplink_bus_local_handler(ngx_event_t *ev);

/* the zone was found rebuilt, or has just been by us */

void ngx_uplink_bus_stale(ngx_uplink_fleet_t *fleet);

/* sweep deadlines at this time at the latest; locked */

void ngx_uplink_bus_sweep_at(ngx_uplink_fleet_t *fleet, ngx_msec_t deadline);

/* is there a port that is alive and not leaving, other than ours? locked */

ngx_uint_t ngx_uplink_bus_successor(ngx_uplink_fleet_t *fleet);

/* our own port's */

#define ngx_uplink_bus_port(fleet)                                            \
    (&(fleet)->sh->ports[(fleet)->node->port])

/* is this worker leaving?  who comes now has missed NGX_UPLINK_BIT_DRAIN */

#define ngx_uplink_bus_leaving(fleet)  ((fleet)->node->leaving)

#define ngx_uplink_bus_claimed(fleet)                                         \
    ((fleet)->node->port != NGX_UPLINK_NO_PORT)


/*
 * src/fleet/metrics.c: to count, locked or not.  Without a lock and in lines
 * of the cache that are this process' own: it may be done for every message.
 */

#define ngx_uplink_count(fleet, n)  ngx_uplink_add(fleet, n, 1)

void ngx_uplink_add(ngx_uplink_fleet_t *fleet, ngx_uplink_counter_e n,
    uint64_t value);
void ngx_uplink_observe(ngx_uplink_fleet_t *fleet, ngx_uplink_histogram_e n,
    uint64_t usec);

/* one of a family, by its value; not for every message */

void ngx_uplink_count_value(ngx_uplink_fleet_t *fleet,
    ngx_uplink_family_e family, const void *data, size_t len);

#define ngx_uplink_count_word(fleet, family, word)                            \
    ngx_uplink_count_value(fleet, family, word, ngx_strlen((word)))

#define ngx_uplink_count_str(fleet, family, s)                                \
    ngx_uplink_count_value(fleet, family, (s)->data, (s)->len)


#endif /* _NGX_UPLINK_BUS_H_INCLUDED_ */
