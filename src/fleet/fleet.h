
/*
 * What a fleet knows: sleds and their connections, operators, requests.
 * Everything stands in the shared zone; no function here knows a socket.
 *
 * Functions marked "locked" are called between ngx_uplink_lock() and
 * ngx_uplink_unlock(); all others take the lock themselves and return
 * NGX_DECLINED if the zone was rebuilt.
 */


#ifndef _NGX_UPLINK_FLEET_H_INCLUDED_
#define _NGX_UPLINK_FLEET_H_INCLUDED_


#include "fleet/zone.h"
#include "bus/bus.h"


#define NGX_UPLINK_AGENT_MAX       128
#define NGX_UPLINK_SID_MAX         32
#define NGX_UPLINK_WORKSPACE_MAX   128
#define NGX_UPLINK_REF_MAX         128
#define NGX_UPLINK_BY_MAX          128    /* a person's name, cut */
#define NGX_UPLINK_CONNECTION_MAX  160    /* <agent>-<16 hex> */
#define NGX_UPLINK_REQ_MAX         (NGX_UPLINK_SID_MAX + 48)
#define NGX_UPLINK_MAX_WORKSPACES  64     /* of one operator */

/* of the SHA-256 of a resume token: half of it is as hard to find */

#define NGX_UPLINK_TICKET_TOKEN    16


/* what a record tells its receiver */

#define NGX_UPLINK_BIT_OUTBOX      0x01   /* requests have news for a sled */
#define NGX_UPLINK_BIT_REPLACED    0x02   /* somebody took the place */
#define NGX_UPLINK_BIT_KICKED      0x04   /* 4003 */
#define NGX_UPLINK_BIT_REVOKED     0x08   /* its token is not valid now */
#define NGX_UPLINK_BIT_DONE        0x10   /* a waiter's request has ended */
#define NGX_UPLINK_BIT_TERMINAL    0x20   /* terminals have news for a sled */
#define NGX_UPLINK_BIT_TELL        0x40   /* a seat has news for a browser */
#define NGX_UPLINK_BIT_DATA        0x80   /* so has its lane */
#define NGX_UPLINK_BIT_PENDING     0x100  /* requests have small news */
#define NGX_UPLINK_BIT_ROOM        0x100  /* what is typed has room again */


/* features a sled may name (protocol.md, section 9) */

#define NGX_UPLINK_FEATURE_RESUME    0x01
#define NGX_UPLINK_FEATURE_RECEIPTS  0x02
#define NGX_UPLINK_FEATURE_FLOW      0x04
#define NGX_UPLINK_FEATURE_REPLAY    0x08
#define NGX_UPLINK_FEATURE_BINARY    0x10


/* by which door somebody came, from where, and by which credential */

typedef enum {
    NGX_UPLINK_DOOR_SLED = 0,
    NGX_UPLINK_DOOR_API,
    NGX_UPLINK_DOOR_OPERATOR,
    NGX_UPLINK_DOOR_TERMINAL
} ngx_uplink_door_e;

typedef struct {
    ngx_uint_t               door;
    ngx_str_t                from;       /* the client's address */
    ngx_str_t                user;       /* len 0: without a name */
} ngx_uplink_origin_t;


typedef struct ngx_uplink_sled_s      ngx_uplink_sled_t;
typedef struct ngx_uplink_ticket_s    ngx_uplink_ticket_t;
typedef struct ngx_uplink_link_s      ngx_uplink_link_t;
typedef struct ngx_uplink_operator_s  ngx_uplink_operator_t;
typedef struct ngx_uplink_request_s   ngx_uplink_request_t;


/*
 * A deadline: most are one of few spans from now, so that they come in order
 * by themselves; the others stand in a tree.
 */

typedef struct {
    union {
        ngx_queue_t          queue;
        ngx_rbtree_node_t    node;
    } in;
    ngx_msec_t               at;         /* ngx_current_msec */
    uint32_t                 kind;
    uint32_t                 set;        /* 0, or where it stands */
} ngx_uplink_deadline_t;

#define NGX_UPLINK_DEADLINE_CLASS     1
#define NGX_UPLINK_DEADLINE_TREE      2

#define NGX_UPLINK_DEADLINE_REQUEST   0
#define NGX_UPLINK_DEADLINE_TICKET    1
#define NGX_UPLINK_DEADLINE_OPERATOR  2
#define NGX_UPLINK_DEADLINE_TERMINAL  3


/*
 * A workspace lives while a request or an operator names it; it counts, so
 * that nobody has to look at everything to know who could answer.
 */

typedef struct {
    ngx_uplink_name_t        name;
    ngx_uint_t               refs;
    ngx_uint_t               open;       /* open requests of it */
    ngx_uint_t               attached;   /* operators of it, attached */
    u_char                   text[1];
} ngx_uplink_workspace_t;


/* a logical sled: what the connections of one agent id have in common */

struct ngx_uplink_sled_s {
    ngx_uplink_name_t        name;       /* the agent id */
    ngx_queue_t              links;      /* connections that stand */
    ngx_queue_t              tickets;    /* what they brought, away or not */
    ngx_uplink_tree_t        tasks;      /* by task_id; task.h */
    ngx_queue_t              announced;  /* the same, oldest first */
    uint32_t                 ntasks;
    uint32_t                 nterminals;
    uint32_t                 nlinks;     /* replaced ones do not count */
    uint32_t                 ntickets;
    uint32_t                 inflight;   /* requests open or undelivered */
    uint32_t                 nworkspaces;
    uint64_t                 since;      /* ms since 1970 */
    uint64_t                 seen;       /* of the last link's end */
    ngx_uplink_workspace_t **workspaces; /* of its credential */
    ngx_uplink_blob_t       *about;      /* members: what it says of itself */
    u_char                   text[1];
};


/* a connection of a sled: as long as its socket */

struct ngx_uplink_link_s {
    ngx_uplink_box_t         box;
    ngx_queue_t              queue;      /* sled->links */
    ngx_queue_t              ported;     /* port->links */
    ngx_uplink_sled_t       *sled;
    ngx_uplink_ticket_t     *ticket;     /* NULL: replaced */
    ngx_uplink_bearer_t     *bearer;     /* NULL: not by an opaque token */
    uint32_t                 features;
    uint32_t                 port;
    uint64_t                 since;
    unsigned                 registered:1;
    unsigned                 paused:1;
};


/*
 * What a connection brought: its requests, later its terminals.  Resuming
 * gives the ticket to another connection; it ends with its window.
 */

struct ngx_uplink_ticket_s {
    ngx_uplink_deadline_t    deadline;   /* while away */
    ngx_queue_t              queue;      /* sled->tickets */
    ngx_uplink_sled_t       *sled;
    ngx_uplink_link_t       *link;       /* NULL: away */
    ngx_queue_t              requests;   /* open, or decided */
    ngx_queue_t              unapplied;  /* delivered */
    ngx_queue_t              outbox;     /* requests with news for the sled */
    ngx_queue_t              sending;    /* written, but not yet sent */
    ngx_queue_t              terminals;  /* terminal.h */
    ngx_queue_t              ready;      /* those with news for the sled */
    ngx_uplink_tree_t        sessions;   /* the same by session_id */
    uint32_t                 nrequests;
    uint32_t                 nunapplied;
    uint32_t                 window;     /* ms */
    uint32_t                 resumable;
    u_char                   id[16];     /* the tail of connection_id */
    u_char                   token[NGX_UPLINK_TICKET_TOKEN];
};

/* a slot of the slab each: sleds are many */

typedef char  ngx_uplink_ticket_size_check_t
    [sizeof(ngx_uplink_ticket_t) <= 256 ? 1 : -1];
typedef char  ngx_uplink_link_size_check_t
    [sizeof(ngx_uplink_link_t) <= 128 ? 1 : -1];


/* an operator's session */

struct ngx_uplink_operator_s {
    ngx_uplink_name_t        name;       /* the sid */
    ngx_uplink_deadline_t    deadline;   /* uplink_session_ttl */
    ngx_queue_t              ported;     /* port->operators, if attached */
    ngx_queue_t              direct;     /* open requests to it alone */
    ngx_uint_t               ndirect;
    ngx_msec_t               ttl;
    uint64_t                 generation;
    uint64_t                 created;
    uint64_t                 last_access;
    ngx_uplink_blob_t       *desc;       /* JSON string, or NULL */
    ngx_uplink_blob_t       *manifest;   /* JSON value, or NULL */
    ngx_uplink_workspace_t **workspaces;
    ngx_uint_t               nworkspaces;
    size_t                   by_len;
    u_char                   by[NGX_UPLINK_BY_MAX];   /* who made it */
    u_char                   token[32];  /* SHA-256 */
    u_char                   digest[32]; /* of the token that made it */
    unsigned                 attached:1;
    unsigned                 everywhere:1;
    unsigned                 opaque:1;   /* there is such a token */
    unsigned                 revoked:1;  /* goes with its socket */
    u_char                   text[NGX_UPLINK_SID_MAX];
};


typedef enum {
    NGX_UPLINK_KIND_PERM = 0,
    NGX_UPLINK_KIND_ASK,
    NGX_UPLINK_KIND_HOOK_BEFORE,
    NGX_UPLINK_KIND_HOOK_AFTER,
    NGX_UPLINK_KIND_SPAWN
} ngx_uplink_kind_e;


typedef enum {
    NGX_UPLINK_STATE_OPEN = 0,
    NGX_UPLINK_STATE_DECIDED,
    NGX_UPLINK_STATE_DELIVERED,
    NGX_UPLINK_STATE_APPLIED,
    NGX_UPLINK_STATE_FAILED,
    NGX_UPLINK_STATE_EXPIRED,
    NGX_UPLINK_STATE_WITHDRAWN
} ngx_uplink_state_e;


typedef enum {
    NGX_UPLINK_REASON_NONE = 0,
    NGX_UPLINK_REASON_OPERATOR,
    NGX_UPLINK_REASON_TIMEOUT,
    NGX_UPLINK_REASON_NO_OPERATOR,
    NGX_UPLINK_REASON_TOO_MANY,
    NGX_UPLINK_REASON_BAD_REQUEST,
    NGX_UPLINK_REASON_TOO_LARGE,
    NGX_UPLINK_REASON_ZONE_FULL,
    NGX_UPLINK_REASON_SHUTDOWN,
    NGX_UPLINK_REASON_CANCELLED,       /* withdrawn by the sled */
    NGX_UPLINK_REASON_SLED_LOST,       /* withdrawn: it is gone */
    NGX_UPLINK_REASON_OPERATOR_GONE    /* its session was deleted */
} ngx_uplink_reason_e;


/* the words of protocol.md for the three above; src/fleet/names.c */

extern ngx_str_t  ngx_uplink_kinds[];          /* "perm_request", "ask" … */
extern ngx_str_t  ngx_uplink_kind_ids[];       /* "perm", "ask", "hb" … */
extern ngx_str_t  ngx_uplink_states[];
extern ngx_str_t  ngx_uplink_reasons[];


/* changes of a request, each told once to everyone who follows */

#define NGX_UPLINK_CHANGE_OPENED     0
#define NGX_UPLINK_CHANGE_EXTENDED   1
#define NGX_UPLINK_CHANGE_DECIDED    2
#define NGX_UPLINK_CHANGE_DELIVERED  3
#define NGX_UPLINK_CHANGE_ENDED      4    /* applied, failed, expired … */
#define NGX_UPLINK_NCHANGES          5


/* what a sled is to be sent about a request */

#define NGX_UPLINK_NEWS_PENDING      0x01
#define NGX_UPLINK_NEWS_ANSWER       0x02


struct ngx_uplink_request_s {
    ngx_uplink_cell_t        cell;       /* by id */
    ngx_uplink_cell_t        named;      /* by sled and ref */
    ngx_uplink_entry_t       open;       /* while it is */
    ngx_uplink_entry_t       changes[NGX_UPLINK_NCHANGES];
    ngx_uint_t               changed;    /* which of them are in the log */
    ngx_uplink_deadline_t    deadline;   /* expiry, then memory */
    ngx_str_t                ref;        /* the sled's req_id; in the zone */
    ngx_uplink_box_t         waiter;     /* who asked over HTTP */

    ngx_uplink_ticket_t     *ticket;     /* the sled that waits, or NULL */
    ngx_queue_t              queue;      /* ticket->requests, ->unapplied */
    ngx_queue_t              outbox;     /* ticket->outbox, ->sending */
    ngx_queue_t              ported;     /* port->waiters */
    ngx_queue_t              direct;     /* operator->direct */
    ngx_queue_t              ended;      /* sh->ended */
    ngx_uplink_operator_t   *operator;   /* the only one asked, or NULL */
    ngx_uplink_workspace_t  *workspace;  /* or NULL */
    ngx_uplink_blob_t       *payload;    /* members, as an operator sees them */
    ngx_uplink_blob_t       *answer;     /* members, as the sled gets them */

    u_char                   id[16];
    u_char                   hex[32];    /* the same, as it is written */
    u_char                   sha256[32]; /* of tool_input, or zeroes */
    ngx_uint_t               kind;
    ngx_uint_t               state;
    ngx_uint_t               reason;
    ngx_uint_t               news;
    ngx_uint_t               seen;       /* operators that were sent it */
    uint64_t                 offset;     /* of its answer in link's output */
    uint64_t                 created;    /* ms since 1970 */
    uint64_t                 expires;
    uint64_t                 decided;
    ngx_msec_t               latest;     /* uplink_permission_max, monotonic */
    ngx_msec_t               memory;
    unsigned                 approved:1;
    unsigned                 always:1;
    unsigned                 in_refs:1;
    unsigned                 in_outbox:1;
    unsigned                 in_sending:1;
    unsigned                 in_queue:1; /* of its ticket */
    unsigned                 inflight:1;
    unsigned                 waited:1;   /* has a waiter */

    size_t                   agent_len;  /* who asked, for the operators */
    size_t                   by_sid_len;
    size_t                   by_len;
    size_t                   target_len; /* sid of the only one asked */
    u_char                   by_sid[NGX_UPLINK_SID_MAX];
    u_char                   by[NGX_UPLINK_BY_MAX];
    u_char                   target[NGX_UPLINK_SID_MAX];
    u_char                   text[1];    /* agent, then ref */
};


/*
 * A request as it was at one moment, copied out of the zone.  payload and
 * answer stand in a buffer of this process that the next view overwrites.
 */

typedef struct {
    u_char                   id[16];
    u_char                   req_id[NGX_UPLINK_REQ_MAX];
    size_t                   req_id_len;
    u_char                   ref[NGX_UPLINK_REF_MAX];
    size_t                   ref_len;
    u_char                   agent[NGX_UPLINK_AGENT_MAX];
    size_t                   agent_len;
    u_char                   by_sid[NGX_UPLINK_SID_MAX];
    size_t                   by_sid_len;
    u_char                   by[NGX_UPLINK_BY_MAX];
    size_t                   by_len;
    u_char                   sha256[32];
    ngx_str_t                payload;
    ngx_str_t                answer;
    ngx_uint_t               kind;
    ngx_uint_t               state;
    ngx_uint_t               reason;
    ngx_uint_t               change;     /* in a feed */
    uint64_t                 at;         /* version of this change */
    ngx_uint_t               news;       /* in an outbox */
    ngx_uint_t               seen;
    uint64_t                 version;    /* of opening: the paging key */
    uint64_t                 created;
    uint64_t                 expires;
    unsigned                 approved:1;
    unsigned                 always:1;
} ngx_uplink_view_t;


/* who wants to see or to decide: a session or a credential */

typedef struct {
    ngx_str_t                sid;          /* of a session, or len 0 */
    ngx_str_t                by;           /* name of the person */
    ngx_str_t               *workspaces;   /* names, if no session */
    ngx_uint_t               nworkspaces;
    unsigned                 everywhere:1;
    ngx_str_t                only;         /* this workspace, or len 0 */
    uint64_t                 generation;   /* of its socket; 0: REST */
    ngx_uplink_origin_t      origin;       /* for the audit log */
} ngx_uplink_actor_t;


/* ---- src/fleet/sled.c: connections of sleds */

typedef struct {
    ngx_str_t                agent;
    ngx_str_t                about;        /* JSON members, or len 0 */
    ngx_str_t               *workspaces;   /* of its credential */
    ngx_uint_t               nworkspaces;
    u_char                  *digest;       /* of its opaque token, or NULL */
    ngx_uplink_origin_t      origin;       /* for the audit log */
    ngx_uint_t               features;
    ngx_uint_t               max_connections;
    ngx_msec_t               window;       /* uplink_resume_window */
    unsigned                 registered:1;

    /* what a registering sled brings to resume; len 0: nothing */

    ngx_str_t                resume_id;    /* connection_id */
    u_char                   resume_token[32];   /* SHA-256 of it */

    /* what it gets */

    u_char                   id[16];       /* hex, ends its connection_id */
    u_char                   token[32];    /* SHA-256 of its resume token */
} ngx_uplink_admission_t;

#define NGX_UPLINK_ADMIT_OK        0
#define NGX_UPLINK_ADMIT_RESUMED   1
#define NGX_UPLINK_ADMIT_TOO_MANY  2
#define NGX_UPLINK_ADMIT_FULL      3

/*
 * Takes the place of a connection: the caller owns the link from here on,
 * and gives it back with ngx_uplink_link_release(), whatever happens.
 * On NGX_OK *result is one of the above.
 */

ngx_int_t ngx_uplink_link_admit(ngx_uplink_fleet_t *fleet,
    ngx_uplink_admission_t *adm, uint32_t slot, ngx_uplink_link_t **link,
    ngx_uint_t *result);

/*
 * The connection has ended.  goodbye: it said so (close 1000), no window.
 * written: how far its output got (ngx_uplink_conn_t).
 */

ngx_int_t ngx_uplink_link_release(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_uint_t goodbye, uint64_t written);

ngx_int_t ngx_uplink_link_pause(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_uint_t paused);

/* a logical sled as it was at one moment */

typedef struct {
    u_char                   agent[NGX_UPLINK_AGENT_MAX];
    size_t                   agent_len;
    ngx_str_t                about;        /* in a buffer, as in views */
    ngx_uint_t               connections;
    ngx_uint_t               paused;
    ngx_uint_t               away;         /* that may still resume */
    ngx_uint_t               inflight;
    ngx_uint_t               tasks;
    uint64_t                 since;
    uint64_t                 seen;
} ngx_uplink_sled_view_t;

/*
 * By name: NGX_OK, NGX_ABORT (unknown, or not of his workspaces).  The first
 * behind a name (len 0: of all), NGX_DONE, or NGX_AGAIN: none among many, go
 * on behind view->agent.
 */

ngx_int_t ngx_uplink_sled_view(ngx_uplink_fleet_t *fleet, ngx_str_t *agent,
    ngx_uplink_actor_t *actor, ngx_uplink_sled_view_t *view);
ngx_int_t ngx_uplink_sled_after(ngx_uplink_fleet_t *fleet, ngx_str_t *agent,
    ngx_uplink_actor_t *actor, ngx_uplink_sled_view_t *view);

/* locked: NULL if unknown, or not of his workspaces */

ngx_uplink_sled_t *ngx_uplink_roster_find(ngx_uplink_fleet_t *fleet,
    ngx_str_t *agent, ngx_uplink_actor_t *actor);

/* is this workspace one of his? */

ngx_uint_t ngx_uplink_actor_sees(ngx_uplink_actor_t *actor, ngx_str_t *ws);

/* closes its connections with 4003; what they brought is not resumed */

ngx_int_t ngx_uplink_sled_kick(ngx_uplink_fleet_t *fleet, ngx_str_t *agent,
    ngx_uplink_actor_t *actor);

/* locked: of a dead port, a bounded number; NGX_AGAIN: there are more */

ngx_int_t ngx_uplink_reap_port(ngx_uplink_fleet_t *fleet,
    ngx_uplink_port_t *port);

/* locked, for sweep.c */

void ngx_uplink_ticket_end(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket);


/* ---- src/fleet/request.c: their life */

typedef struct {
    ngx_uint_t               kind;
    ngx_str_t                agent;        /* shown to operators */
    ngx_str_t                ref;          /* the sled's req_id */
    ngx_str_t                workspace;    /* len 0: none */
    ngx_str_t                target;       /* sid, len 0: all */
    ngx_str_t               *reach;        /* workspaces of who asks: it has */
    ngx_uint_t               nreach;       /* one in common with a target */
    unsigned                 anywhere:1;
    ngx_str_t               *parts;        /* payload: members of a JSON */
    ngx_uint_t               nparts;       /* object, no braces */
    u_char                  *sha256;       /* of tool_input, or NULL */
    ngx_msec_t               timeout;
    ngx_msec_t               max;          /* with all extensions */
    ngx_msec_t               memory;
    ngx_uint_t               max_inflight;
    ngx_uint_t               no_operator;  /* 1: refuse if nobody is there */

    /* for the audit log */

    ngx_uplink_origin_t      origin;
    ngx_str_t                task;         /* as the asker names it */
    ngx_str_t                tool;
    ngx_str_t                input;        /* the first of it, as it came */
    ngx_uint_t               cut;          /* there was more */
} ngx_uplink_ask_t;

#define NGX_UPLINK_OPEN_OK           0
#define NGX_UPLINK_OPEN_DUPLICATE    1     /* req_id is in flight */
#define NGX_UPLINK_OPEN_TOO_MANY     2
#define NGX_UPLINK_OPEN_FULL         3
#define NGX_UPLINK_OPEN_NO_OPERATOR  4
#define NGX_UPLINK_OPEN_UNKNOWN      5     /* no such target */
#define NGX_UPLINK_OPEN_AWAY         6     /* hook_after: target is away */

/* one that could not be taken is counted; why: a word of metrics.h */

void ngx_uplink_request_refused(ngx_uplink_fleet_t *fleet, ngx_uint_t kind,
    const char *why);

/*
 * link: the sled that asks, or NULL and the slot of a waiter over HTTP, or
 * NULL and NGX_UPLINK_NO_SLOT: nobody waits, its end can be looked up.
 * view (may be NULL): the new request, without payload.
 */

ngx_int_t ngx_uplink_request_open(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, uint32_t slot, ngx_uplink_ask_t *ask,
    ngx_uplink_view_t *view, ngx_uint_t *result);


typedef struct {
    ngx_uint_t               kind;         /* the reply's: PERM, ASK … */
    unsigned                 approved:1;   /* hook: ok; spawn: not halted */
    unsigned                 always:1;
    unsigned                 plain:1;      /* good without its parts */
    u_char                  *sha256;       /* or NULL */
    ngx_str_t               *parts;        /* members for the sled */
    ngx_uint_t               nparts;
    ngx_str_t                words;        /* the operator's own, decoded */
    u_char                  *updated;      /* SHA-256 of updated_input */
} ngx_uplink_decision_t;

#define NGX_UPLINK_DECIDE_OK         0
#define NGX_UPLINK_DECIDE_UNKNOWN    1     /* or not his, or forgotten */
#define NGX_UPLINK_DECIDE_ALREADY    2     /* view says how it ended */
#define NGX_UPLINK_DECIDE_KIND       3     /* wrong_reply */
#define NGX_UPLINK_DECIDE_DIGEST     4
#define NGX_UPLINK_DECIDE_FULL       5     /* no room for the answer */
#define NGX_UPLINK_DECIDE_VOID       6     /* of a replaced socket */
#define NGX_UPLINK_DECIDE_AUDIT      7     /* it cannot be put on record */

/* the first wins; view is filled unless unknown or void */

ngx_int_t ngx_uplink_request_decide(ngx_uplink_fleet_t *fleet,
    u_char *req_id, size_t len, ngx_uplink_actor_t *actor,
    ngx_uplink_decision_t *decision, ngx_uplink_view_t *view,
    ngx_uint_t *result);

/* result as above; an end beyond the maximum is cut to it */

ngx_int_t ngx_uplink_request_extend(ngx_uplink_fleet_t *fleet,
    u_char *req_id, size_t len, ngx_uplink_actor_t *actor, ngx_msec_t by,
    ngx_uplink_view_t *view, ngx_uint_t *result);

/* from the sled; NGX_OK, or NGX_ABORT: not known, or not this connection's */

ngx_int_t ngx_uplink_request_cancel(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, u_char *ref, size_t len);
ngx_int_t ngx_uplink_request_ack(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, u_char *ref, size_t len);
ngx_int_t ngx_uplink_request_applied(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, u_char *ref, size_t len, ngx_uint_t applied);

/*
 * News of these kinds for a sled, one at a time: NGX_OK and a view, or
 * NGX_DONE.  Answers are told of by NGX_UPLINK_BIT_OUTBOX, all others by
 * NGX_UPLINK_BIT_PENDING: these can wait, and what is answered meanwhile has
 * no other news.  told: the one in view, of the call before, was queued, and
 * ends at this offset of the connection's output; until then news stay where
 * they are.
 */

ngx_int_t ngx_uplink_outbox_next(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_uplink_view_t *view, ngx_uint_t news,
    ngx_uint_t told, uint64_t offset);

/*
 * The output has got as far as this; *next is the offset that is waited for,
 * 0 if there is none.
 */

ngx_int_t ngx_uplink_outbox_written(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, uint64_t written, uint64_t *next);

/* by id, for a waiter and for REST; NGX_OK, NGX_ABORT: not there or not his */

ngx_int_t ngx_uplink_request_view(ngx_uplink_fleet_t *fleet, u_char *req_id,
    size_t len, ngx_uplink_actor_t *actor, ngx_uplink_view_t *view);

/* a waiter's: its answer was written, or its client went away */

ngx_int_t ngx_uplink_waiter_end(ngx_uplink_fleet_t *fleet, u_char *req_id,
    size_t len, ngx_uint_t delivered);

/* the last worker leaves: what is open of this sled ends as `shutdown' */

ngx_int_t ngx_uplink_request_shutdown(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link);

/* locked, for the other files of this room */

void ngx_uplink_request_withdraw(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uint_t reason);
void ngx_uplink_request_expire(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uint_t reason);
void ngx_uplink_request_forget(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q);
void ngx_uplink_request_detach(ngx_uplink_request_t *q);
void ngx_uplink_request_redeliver(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket);
void ngx_uplink_request_written(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket, uint64_t written);


/* in exit_process: the buffers of views */

void ngx_uplink_view_release(void);


/* ---- src/fleet/operator.c: sessions */

typedef struct {
    ngx_str_t                sid;          /* made by the caller */
    u_char                  *token;        /* SHA-256 */
    u_char                  *digest;       /* of the maker's, or NULL */
    ngx_str_t                by;
    ngx_str_t                desc;         /* raw JSON, or len 0 */
    ngx_str_t                manifest;     /* raw JSON, or len 0 */
    ngx_str_t               *workspaces;
    ngx_uint_t               nworkspaces;
    unsigned                 everywhere:1;
    ngx_msec_t               ttl;
    ngx_uint_t               max;          /* sessions of the fleet */
    ngx_uplink_origin_t      origin;       /* for the audit log */
} ngx_uplink_session_t;

#define NGX_UPLINK_SESSION_OK        0
#define NGX_UPLINK_SESSION_FULL      1     /* zone_full */
#define NGX_UPLINK_SESSION_TOO_MANY  2     /* uplink_max_sessions */

ngx_int_t ngx_uplink_operator_create(ngx_uplink_fleet_t *fleet,
    ngx_uplink_session_t *session, ngx_uint_t *result);

/* a session as it was at one moment */

typedef struct {
    u_char                   sid[NGX_UPLINK_SID_MAX];
    size_t                   sid_len;
    u_char                   by[NGX_UPLINK_BY_MAX];
    size_t                   by_len;
    u_char                   token[32];
    ngx_str_t                desc;         /* in a buffer, as in views */
    ngx_uint_t               pending;
    uint64_t                 created;
    uint64_t                 last_access;
    unsigned                 attached:1;
    unsigned                 everywhere:1;
} ngx_uplink_session_view_t;

/*
 * NGX_OK, NGX_ABORT: unknown.  touch: this is a call of the session itself,
 * it lives on.
 */

ngx_int_t ngx_uplink_operator_view(ngx_uplink_fleet_t *fleet, ngx_str_t *sid,
    ngx_uint_t touch, ngx_uplink_session_view_t *view);

/* the first behind this sid (len 0: the first of all); NGX_DONE: none */

ngx_int_t ngx_uplink_operator_after(ngx_uplink_fleet_t *fleet,
    ngx_str_t *sid, ngx_uplink_session_view_t *view);

ngx_int_t ngx_uplink_operator_delete(ngx_uplink_fleet_t *fleet,
    ngx_str_t *sid, ngx_uplink_actor_t *actor);

/*
 * A socket takes the session's place, and follows the requests from here on:
 * first what is open, oldest first, then every change.  NGX_OK, NGX_ABORT:
 * unknown sid.  A socket is named by sid and generation, never by a pointer:
 * the one before, and one whose session is deleted, are told by
 * NGX_UPLINK_BIT_CHANGES like anybody, and learn it from feed_next().
 */

typedef struct {
    u_char                   sid[NGX_UPLINK_SID_MAX];
    size_t                   sid_len;
    uint64_t                 generation;
    uint64_t                 start;        /* version when it attached */
    uint64_t                 opened;       /* told up to here: what is open */
    uint64_t                 changed;      /* told up to here: changes */
    unsigned                 complete:1;   /* what was open has been told */
    unsigned                 gone:1;       /* the session was deleted */
    unsigned                 revoked:1;    /* or is to be: 1008 */
} ngx_uplink_feed_t;

ngx_int_t ngx_uplink_operator_attach(ngx_uplink_fleet_t *fleet,
    ngx_str_t *sid, uint32_t slot, ngx_uplink_origin_t *origin,
    ngx_uplink_feed_t *feed);
ngx_int_t ngx_uplink_operator_detach(ngx_uplink_fleet_t *fleet,
    ngx_uplink_feed_t *feed, uint32_t slot);

/*
 * What comes next for it: NGX_OK and a view (opened: with payload), or
 * NGX_DONE.  NGX_AGAIN: nothing among many, call again in a later turn.
 * NGX_ABORT: the place was taken (4001), or feed->gone (1000).  told: the
 * one in view, of the call before, was queued; until then the feed does not
 * move.
 */

ngx_int_t ngx_uplink_feed_next(ngx_uplink_fleet_t *fleet,
    ngx_uplink_feed_t *feed, ngx_uplink_view_t *view, ngx_uint_t told);

/*
 * Open requests that this actor may see, the first with a version above
 * after; NGX_OK with payload, NGX_DONE.  NGX_AGAIN: none among many, go on
 * after view->version.
 */

ngx_int_t ngx_uplink_request_after(ngx_uplink_fleet_t *fleet,
    uint64_t after, ngx_uplink_actor_t *actor, ngx_uplink_view_t *view);

/* locked; actor: who deletes it, or NULL */

void ngx_uplink_operator_end(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op, ngx_uplink_actor_t *actor);
ngx_uplink_operator_t *ngx_uplink_operator_find(ngx_uplink_fleet_t *fleet,
    u_char *sid, size_t len);
void ngx_uplink_operator_leave(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op);
ngx_uint_t ngx_uplink_operator_may(ngx_uplink_operator_t *op,
    ngx_uplink_request_t *q);

/* locked: its socket is gone, and with it a session that was revoked */

void ngx_uplink_operator_lost(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op);

/* locked: at once, or, when it is attached, by its own socket */

void ngx_uplink_operator_revoke(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op);


/* ---- src/fleet/workspace.c; locked */

ngx_uplink_workspace_t *ngx_uplink_workspace_get(ngx_uplink_fleet_t *fleet,
    ngx_str_t *name);
void ngx_uplink_workspace_put(ngx_uplink_fleet_t *fleet,
    ngx_uplink_workspace_t *ws);


/* ---- src/fleet/sweep.c: deadlines */

void ngx_uplink_deadline_set(ngx_uplink_fleet_t *fleet,
    ngx_uplink_deadline_t *d, ngx_uint_t kind, ngx_msec_t at);   /* locked */
void ngx_uplink_deadline_clear(ngx_uplink_fleet_t *fleet,
    ngx_uplink_deadline_t *d);                                   /* locked */

/*
 * What is over: a bounded number.  The time of the next deadline from now,
 * 0 if there are more due, NGX_TIMER_INFINITE if there are none.
 */

ngx_msec_t ngx_uplink_sweep(ngx_uplink_fleet_t *fleet);


#endif /* _NGX_UPLINK_FLEET_H_INCLUDED_ */
