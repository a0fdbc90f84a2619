
/*
 * The shared zone itself: its header, its lock, its memory.  Everything in
 * src/fleet and src/bus stands on this page; it knows none of them.
 */


#ifndef _NGX_UPLINK_ZONE_H_INCLUDED_
#define _NGX_UPLINK_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_uplink.h"
#include "fleet/log.h"
#include "fleet/metrics.h"


#if (NGX_PTR_SIZE != 8)
#error "ngx_uplink_module keeps 64-bit times and versions in tree keys"
#endif


#define NGX_UPLINK_MAGIC      0x4b4e494c50555831ULL
#define NGX_UPLINK_LAYOUT     3

#define NGX_UPLINK_NO_PORT    0xffffffff
#define NGX_UPLINK_MAX_PORTS  1024
#define NGX_UPLINK_OP_MAX     40
#define NGX_UPLINK_EVENT_PAGES  64
#define NGX_UPLINK_CACHE_LINE   64


/*
 * A red-black tree without a pointer to code: the zone may be read by two
 * generations of workers that have loaded the module at different addresses.
 * All trees of a zone have one sentinel, in its header: records are many.
 */

typedef struct {
    ngx_rbtree_node_t   *root;
    ngx_rbtree_node_t   *sentinel;
} ngx_uplink_tree_t;


/* deadlines of one span: the next one is at the head */

#define NGX_UPLINK_CLASSES  16

typedef struct {
    ngx_msec_t           span;
    ngx_queue_t          queue;
} ngx_uplink_class_t;


/* a record that is found by its name: first member of the record */

typedef struct {
    ngx_rbtree_node_t    node;       /* key: crc32 of the name */
    u_char              *data;       /* in the zone */
    size_t               len;
} ngx_uplink_name_t;


/* bytes of any length, in nodes of one page at most */

typedef struct ngx_uplink_blob_s  ngx_uplink_blob_t;

struct ngx_uplink_blob_s {
    ngx_uplink_blob_t   *next;
    size_t               total;      /* of this node and all behind it */
    size_t               len;        /* of this node */
    u_char               data[1];
};


/*
 * Who is to be told: a receiver in one process, or nobody.  Embedded in the
 * record in the zone that stands for it; bits are what it is to be told.
 */

typedef struct {
    ngx_queue_t          queue;      /* in the port's control list */
    uint64_t             epoch;      /* of the port */
    uint64_t             serial;     /* of the receiver in its slot */
    uint32_t             port;
    uint32_t             slot;
    uint32_t             bits;
    uint32_t             listed;
} ngx_uplink_box_t;


/*
 * Who holds a record was admitted by an opaque token, and is told when that
 * is not valid any more.
 */

typedef struct {
    ngx_queue_t          queue;      /* port->bearers, checked ones last */
    ngx_uplink_box_t    *box;        /* of that record */
    ngx_uint_t           generation; /* configuration that knew the token */
    u_char               digest[32];
} ngx_uplink_bearer_t;


/* one worker process, as the others see it */

typedef struct {
    ngx_pid_t            pid;        /* 0: free */
    ngx_pid_t            parent;
    ngx_int_t            slot;       /* ngx_process_slot */
    uint64_t             epoch;      /* bumped by every claim */
    ngx_msec_t           heartbeat;
    ngx_uint_t           generation; /* of its configuration */
    ngx_uint_t           leaving;

    uint32_t             bits;       /* for the process as such */
    ngx_uint_t           watchers;   /* receivers that follow the requests */
    ngx_queue_t          control;    /* of ngx_uplink_box_t */

    ngx_queue_t          links;      /* records this process answers for */
    ngx_queue_t          operators;
    ngx_queue_t          waiters;
    ngx_queue_t          seats;
    ngx_queue_t          bearers;
    ngx_uint_t           connections;
    ngx_uint_t           nlisted;    /* boxes in control */
    uint64_t             woken;      /* when it was, until it has looked */

    /* what it writes to the audit log; journal.h */

    ngx_queue_t          journal;    /* of ngx_uplink_record_t */
    ngx_uint_t           flying;     /* the first of them are being written */
    ngx_uint_t           audited;    /* else the chain is of one before */
    ngx_uint_t           audit_failing;
    uint64_t             chain;      /* its name, 0: none yet */
    uint64_t             chain_seq;  /* number and digest of its last line */
    u_char               chain_sha256[32];

    /* its own alone: others do not write to these lines of the cache */

    ngx_uplink_tally_t   tally
        __attribute__((aligned(NGX_UPLINK_CACHE_LINE)));
} ngx_uplink_port_t;


/*
 * The header: first allocation of the slab pool, so that it keeps its place
 * (and the ports their claims) when a quarantine builds the rest anew.
 */

typedef struct {
    uint64_t             magic;
    ngx_uint_t           layout;
    size_t               port_size;
    size_t               head_size;
    ngx_uint_t           nports;

    uint64_t             epoch;      /* of the zone: bumped by a quarantine */
    ngx_uint_t           generation; /* of the newest configuration */
    ngx_pid_t            marker;     /* who is in the middle of a change */
    u_char               op[NGX_UPLINK_OP_MAX];   /* and of which */
    uint64_t             version;    /* of the last change of a request */
    uint64_t             serial;     /* for names that must be unique */

    ngx_rbtree_node_t    sentinel;   /* of all trees */

    ngx_uplink_tree_t    sleds;      /* by agent id */
    ngx_uplink_tree_t    operators;  /* by sid */
    ngx_uplink_tree_t    workspaces; /* by name */
    ngx_uplink_tree_t    issues;     /* by workspace and issue */
    ngx_uplink_tree_t    users;      /* of terminals, by name */
    ngx_uplink_tree_t    terminals;  /* by handle */
    ngx_uplink_table_t   requests;   /* by id */
    ngx_uplink_table_t   refs;       /* the same, by sled and its req_id */
    ngx_uplink_log_t     open;       /* the same, in order of opening */
    ngx_uplink_log_t     changes;    /* of them */
    ngx_uplink_class_t   classes[NGX_UPLINK_CLASSES];   /* of deadlines */
    ngx_uplink_tree_t    deadlines;  /* of no class, by time */
    ngx_queue_t          ended;      /* requests, oldest end first */

    ngx_uint_t           nsleds;
    ngx_uint_t           nlinks;
    ngx_uint_t           npaused;
    ngx_uint_t           noperators;
    ngx_uint_t           nattached;
    ngx_uint_t           nopen;
    ngx_uint_t           ndirect;    /* open ones to one operator alone */
    ngx_uint_t           nended;
    ngx_uint_t           nterminals;
    ngx_uint_t           nseats;     /* browsers at them */
    ngx_uint_t           star_attached;  /* operators of every workspace */

    u_char              *events[NGX_UPLINK_EVENT_PAGES];   /* the ring */
    ngx_uint_t           nevents;    /* pages of it */
    ngx_uint_t           event;      /* page that is being filled */
    uint64_t             last_event; /* number of the newest */

    ngx_queue_t          journal;    /* records whose writer is gone */
    ngx_uint_t           nrecords;   /* of all journals */
    size_t               journaled;  /* bytes of them */

    ngx_msec_t           started;
    ngx_msec_t           full_at;    /* when a full zone was last logged */
    ngx_msec_t           failed_at;  /* when an allocation last failed */
    ngx_uplink_tally_t   totals;     /* of dead ports */
    uint64_t             values[NGX_UPLINK_NVALUES];

    ngx_uplink_port_t    ports[1];
} ngx_uplink_sh_t;


typedef struct ngx_uplink_node_s     ngx_uplink_node_t;      /* bus/bus.h */
typedef struct ngx_uplink_journal_s  ngx_uplink_journal_t;   /* journal.h */


/* where a fleet's audit log goes; src/door/audit.h */

typedef struct ngx_uplink_audit_conf_s  ngx_uplink_audit_conf_t;


/* one fleet, in one configuration */

struct ngx_uplink_fleet_s {
    ngx_str_t            name;
    ngx_uint_t           nports;
    ngx_uint_t           generation; /* of this configuration */
    ngx_shm_zone_t      *shm_zone;
    ngx_slab_pool_t     *pool;
    ngx_uplink_sh_t     *sh;
    ngx_uplink_node_t   *node;       /* this process' place in it */
    ngx_uplink_audit_conf_t  *audit; /* or NULL */

    /* who named it first, for a message if nobody defines it */

    const char          *door;
    ngx_str_t            file;
    ngx_uint_t           line;

    unsigned             any_ports:1;  /* no ports= was given */
    unsigned             full:1;     /* an allocation has just failed */
    unsigned             rebuilt:1;  /* we have just quarantined it */
};


/* the fleet of this name, made if it is not there; of a directive "door" */

ngx_uplink_fleet_t *ngx_uplink_zone_find(ngx_conf_t *cf, ngx_str_t *name,
    const char *door);

/* uplink_zone NAME SIZE [ports=N]; ports 0: as many as the workers need */

char *ngx_uplink_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_zone_check(ngx_conf_t *cf);

/*
 * The lock.  NGX_DECLINED, and not locked: the zone was rebuilt and this
 * process has still to drop what it had in it; whatever the caller knows of
 * the zone is void, and its receiver will be told (NGX_UPLINK_BIT_VOID).
 * Between the two: short, no system call, no formatting, no logging.
 * Unlocking wakes the processes for which there is something.
 */

#define ngx_uplink_lock(fleet)                                               \
    ngx_uplink_lock_for(fleet, __func__, sizeof(__func__))

ngx_int_t ngx_uplink_lock_for(ngx_uplink_fleet_t *fleet, const char *op,
    size_t len);
void ngx_uplink_unlock(ngx_uplink_fleet_t *fleet);

/* pages that nobody has, in bytes; read freely: it may be another already */

#define ngx_uplink_zone_rest(fleet)                                          \
    ((size_t) (fleet)->pool->pfree * ngx_pagesize)

/* locked; NULL when the zone is full even after forgetting ended requests */

void *ngx_uplink_alloc(ngx_uplink_fleet_t *fleet, size_t size);
void ngx_uplink_free(ngx_uplink_fleet_t *fleet, void *p);

ngx_uplink_blob_t *ngx_uplink_blob_create(ngx_uplink_fleet_t *fleet,
    ngx_str_t *parts, ngx_uint_t n);
void ngx_uplink_blob_free(ngx_uplink_fleet_t *fleet, ngx_uplink_blob_t *blob);
u_char *ngx_uplink_blob_copy(u_char *dst, ngx_uplink_blob_t *blob);

#define ngx_uplink_blob_len(blob)  ((blob) ? (blob)->total : 0)

void ngx_uplink_tree_init(ngx_uplink_sh_t *sh, ngx_uplink_tree_t *tree);
void ngx_uplink_tree_insert(ngx_uplink_tree_t *tree, ngx_rbtree_node_t *node);
void ngx_uplink_tree_delete(ngx_uplink_tree_t *tree, ngx_rbtree_node_t *node);
ngx_rbtree_node_t *ngx_uplink_tree_first(ngx_uplink_tree_t *tree);
ngx_rbtree_node_t *ngx_uplink_tree_next(ngx_uplink_tree_t *tree,
    ngx_rbtree_node_t *node);
ngx_rbtree_node_t *ngx_uplink_tree_above(ngx_uplink_tree_t *tree,
    ngx_rbtree_key_t key);
ngx_rbtree_node_t *ngx_uplink_tree_from(ngx_uplink_tree_t *tree,
    ngx_rbtree_key_t key);

void ngx_uplink_name_insert(ngx_uplink_tree_t *tree, ngx_uplink_name_t *name);
void *ngx_uplink_name_find(ngx_uplink_tree_t *tree, u_char *data, size_t len);
/* the first behind this name, whether or not it is there; NULL: the end */
void *ngx_uplink_name_after(ngx_uplink_tree_t *tree, u_char *data,
    size_t len);

/* milliseconds since 1970 */

uint64_t ngx_uplink_now(void);


#endif /* _NGX_UPLINK_ZONE_H_INCLUDED_ */
