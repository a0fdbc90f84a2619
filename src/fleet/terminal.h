
/*
 * Terminals: one PTY on one sled, and the browsers that look at it.
 *
 * A terminal belongs to a ticket, as requests do: who resumes has it.  Its
 * data goes past the zone within a worker and through lanes between workers;
 * what stands here is who has a seat, how far each of them is, and what the
 * two sides are to tell each other.  None of that needs memory when it is
 * told.
 */


#ifndef _NGX_UPLINK_TERMINAL_H_INCLUDED_
#define _NGX_UPLINK_TERMINAL_H_INCLUDED_


#include "fleet/task.h"
#include "bus/lane.h"


#define NGX_UPLINK_SESSION_MAX   128     /* a sled's session_id */
#define NGX_UPLINK_SEATS         16      /* browsers at one terminal */
#define NGX_UPLINK_CODE_MAX      32
#define NGX_UPLINK_TEXT_MAX      200     /* a reason, a message; cut */


/* what a terminal has for its sled */

#define NGX_UPLINK_TODO_OPEN     0x01
#define NGX_UPLINK_TODO_ATTACH   0x02
#define NGX_UPLINK_TODO_RESIZE   0x04
#define NGX_UPLINK_TODO_CLOSE    0x08
#define NGX_UPLINK_TODO_RESUME   0x10    /* go on reading the PTY */
#define NGX_UPLINK_TODO_INPUT    0x20    /* the input lane has something */


/* what a seat is to tell its browser, in this order */

#define NGX_UPLINK_TELL_OPENED   0x01
#define NGX_UPLINK_TELL_AWAY     0x02
#define NGX_UPLINK_TELL_BACK     0x04
#define NGX_UPLINK_TELL_EXIT     0x08    /* behind all data */
#define NGX_UPLINK_TELL_ERROR    0x10    /* the same */


typedef enum {
    NGX_UPLINK_TERMINAL_OPENING = 0,
    NGX_UPLINK_TERMINAL_OPEN,
    NGX_UPLINK_TERMINAL_CLOSING,         /* the sled was asked to close it */
    NGX_UPLINK_TERMINAL_ENDED
} ngx_uplink_terminal_e;


/* what a terminal is about: in its text */

enum {
    NGX_UPLINK_TERMINAL_TASK = 0,
    NGX_UPLINK_TERMINAL_WORKSPACE,
    NGX_UPLINK_TERMINAL_ISSUE,
    NGX_UPLINK_TERMINAL_WORK_DIR,
    NGX_UPLINK_TERMINAL_PRIOR,
    NGX_UPLINK_TERMINAL_USER,
    NGX_UPLINK_TERMINAL_FIELDS
};


typedef struct ngx_uplink_terminal_s  ngx_uplink_terminal_t;
typedef struct ngx_uplink_seat_s      ngx_uplink_seat_t;


struct ngx_uplink_terminal_s {
    ngx_rbtree_node_t        node;       /* sh->terminals, by handle */
    ngx_uplink_name_t        session;    /* ticket->sessions */
    ngx_queue_t              queue;      /* ticket->terminals */
    ngx_queue_t              ready;      /* ticket->ready, if todo */
    ngx_queue_t              siblings;   /* issue->terminals, newest first */
    ngx_uplink_deadline_t    deadline;
    ngx_uplink_ticket_t     *ticket;     /* NULL: it has ended there */
    ngx_uplink_issue_t      *issue;
    ngx_uplink_name_t       *user;       /* who opened it: counted */
    ngx_queue_t              seats;
    ngx_queue_t              gone;       /* seats that the sled's side frees */
    ngx_uint_t               nseats;
    ngx_uplink_seat_t       *driver;
    ngx_uplink_seat_t       *heir;       /* drives when that one has left */
    ngx_uplink_lane_t        input;
    ngx_uplink_blob_t       *opened;     /* members of terminal.opened */

    uint64_t                 handle;
    uint64_t                 version;    /* of seats and link; read freely */
    uint64_t                 position;   /* next byte from the sled */
    uint64_t                 offset;     /* bytes ever received from it */
    uint64_t                 attach;     /* offset that was asked for */
    uint64_t                 typed;      /* bytes that drivers have typed */
    uint64_t                 created;    /* ms since 1970 */
    uint64_t                 away_until; /* the same; 0: the sled is there */
    ngx_msec_t               active;     /* last data; stored freely */
    ngx_msec_t               idle;
    ngx_msec_t               linger;
    ngx_msec_t               open_timeout;
    ngx_msec_t               left;       /* when the driver left */
    ngx_uint_t               blocked;    /* its driver waits for room */
    ngx_uint_t               state;
    ngx_uint_t               todo;
    ngx_int_t                exit_code;
    uint32_t                 cols;
    uint32_t                 rows;
    u_char                   request[16];   /* handle, then random */
    u_char                   token[32];  /* SHA-256 of the resume token */
    unsigned                 in_session:1;
    unsigned                 in_ready:1;
    unsigned                 attaching:1;   /* an attach is under way */
    unsigned                 lingering:1;
    unsigned                 paused:1;   /* the sled does not read the PTY */
    unsigned                 lost:1;     /* where the stream is nobody knows,
                                            until the sled has said it */
    size_t                   code_len;
    size_t                   text_len;
    size_t                   reason_len;
    u_char                   code[NGX_UPLINK_CODE_MAX];   /* of its error */
    u_char                   message[NGX_UPLINK_TEXT_MAX];
    u_char                   reason[NGX_UPLINK_TEXT_MAX]; /* of the close */
    u_char                   session_id[NGX_UPLINK_SESSION_MAX];
    uint16_t                 len[NGX_UPLINK_TERMINAL_FIELDS];
    u_char                   text[1];
};


/* a browser at a terminal */

struct ngx_uplink_seat_s {
    ngx_uplink_box_t         box;
    ngx_queue_t              queue;      /* terminal->seats, ->gone */
    ngx_queue_t              ported;     /* port->seats */
    ngx_uplink_terminal_t   *terminal;
    ngx_uplink_bearer_t     *bearer;     /* NULL: not by an opaque token */
    ngx_uplink_lane_t        lane;       /* from the sled's worker */
    uint64_t                 next;       /* byte it wants next; the sled's
                                            side moves it */
    uint64_t                 begin;      /* the first that it was given */
    ngx_uint_t               tell;
    unsigned                 view:1;
    unsigned                 waiting:1;  /* for a replay: no data yet */
    unsigned                 exact:1;    /* it named an offset */
};


/* ---- the browser's side */

typedef struct {
    ngx_str_t                workspace;
    ngx_str_t                issue;
    ngx_str_t                sled;       /* len 0: the newest task's */
    ngx_str_t                user;
    u_char                  *digest;     /* of its opaque token, or NULL */
    ngx_str_t                session;    /* len 0: a new one, or, to view,
                                            the newest */
    ngx_uplink_task_spec_t  *resolved;   /* by uplink_resolve; or NULL */
    uint64_t                 offset;
    uint32_t                 cols;
    uint32_t                 rows;
    ngx_uint_t               max_sled;   /* uplink_max_terminals */
    ngx_uint_t               max_user;
    ngx_msec_t               open_timeout;
    ngx_msec_t               idle;
    ngx_msec_t               linger;
    ngx_uplink_origin_t      origin;     /* for the audit log */
    unsigned                 view:1;
    unsigned                 exact:1;    /* offset was given */
    unsigned                 admin:1;
    unsigned                 resuming:1; /* resume[] was given */
    u_char                   resume[32]; /* SHA-256 of what it brought */
    u_char                   token[32];  /* SHA-256 of its new token */
    u_char                   request[16];   /* random, for the sled */

    /* what it gets */

    size_t                   agent_len;
    u_char                   agent[NGX_UPLINK_AGENT_MAX];
} ngx_uplink_visit_t;

typedef enum {
    NGX_UPLINK_VISIT_OK = 0,
    NGX_UPLINK_VISIT_TASK_NOT_FOUND,
    NGX_UPLINK_VISIT_SESSION_NOT_FOUND,
    NGX_UPLINK_VISIT_SLED_OFFLINE,
    NGX_UPLINK_VISIT_SLED_PAUSED,
    NGX_UPLINK_VISIT_UNAUTHORIZED,       /* a wrong resume token */
    NGX_UPLINK_VISIT_FORBIDDEN,          /* somebody else's task */
    NGX_UPLINK_VISIT_BAD_REQUEST,        /* an offset in the future */
    NGX_UPLINK_VISIT_TOO_MANY,
    NGX_UPLINK_VISIT_FULL
} ngx_uplink_visit_e;

/* takes a seat, which the caller gives back with ngx_uplink_seat_leave() */

ngx_int_t ngx_uplink_terminal_visit(ngx_uplink_fleet_t *fleet,
    ngx_uplink_visit_t *visit, uint32_t slot, ngx_uplink_seat_t **seat,
    ngx_uint_t *result);

#define NGX_UPLINK_TOLD_OPENED  8192     /* members of terminal.opened */

/* one thing to tell, with what belongs to it; NGX_DONE: nothing more */

typedef struct {
    ngx_uint_t               what;       /* NGX_UPLINK_TELL_... */
    uint64_t                 offset;     /* opened: where it begins */
    uint64_t                 handle;
    uint64_t                 until;      /* away */
    ngx_int_t                exit_code;
    ngx_uint_t               view;
    ngx_str_t                opened;     /* members; buffer as in views */
    size_t                   session_len;
    size_t                   request_len;
    size_t                   code_len;
    size_t                   text_len;
    u_char                   session[NGX_UPLINK_SESSION_MAX];
    u_char                   request[32];
    u_char                   code[NGX_UPLINK_CODE_MAX];
    u_char                   text[NGX_UPLINK_TEXT_MAX];
} ngx_uplink_told_t;

ngx_int_t ngx_uplink_seat_tell(ngx_uplink_fleet_t *fleet,
    ngx_uplink_seat_t *seat, ngx_uint_t mask, ngx_uplink_told_t *told);

/* the driver's: nothing happens for others */

ngx_int_t ngx_uplink_seat_resize(ngx_uplink_fleet_t *fleet,
    ngx_uplink_seat_t *seat, uint32_t cols, uint32_t rows);
ngx_int_t ngx_uplink_seat_close(ngx_uplink_fleet_t *fleet,
    ngx_uplink_seat_t *seat, ngx_str_t *reason);

/* the seat is void afterwards */

ngx_int_t ngx_uplink_seat_leave(ngx_uplink_fleet_t *fleet,
    ngx_uplink_seat_t *seat);

/*
 * The browser has room again: a sled that was told to pause goes on, and a
 * viewer that has missed something gets it, if the sled can repeat it.
 */

ngx_int_t ngx_uplink_seat_drained(ngx_uplink_fleet_t *fleet,
    ngx_uplink_seat_t *seat);

/*
 * What a driver types.  Not locked.  w is the caller's, zero at first.
 * NGX_OK; NGX_BUSY: more than is kept for a sled that is away (64 KiB).
 */

#define NGX_UPLINK_INPUT_MAX  65536

ngx_int_t ngx_uplink_seat_input(ngx_uplink_fleet_t *fleet,
    ngx_uplink_seat_t *seat, ngx_uplink_lane_writer_t *w, u_char *raw,
    size_t len);


/* ---- the sled's side; link is this worker's */

typedef struct {
    ngx_uplink_terminal_t   *terminal;   /* for the input lane */
    ngx_uint_t               what;       /* bits of NGX_UPLINK_TODO_... */
    uint64_t                 handle;
    uint64_t                 offset;     /* attach */
    uint32_t                 cols;
    uint32_t                 rows;
    size_t                   session_len;
    size_t                   reason_len;
    u_char                   session[NGX_UPLINK_SESSION_MAX];
    u_char                   reason[NGX_UPLINK_TEXT_MAX];
    u_char                   request[32];   /* hex */
    ngx_str_t                field[NGX_UPLINK_TERMINAL_FIELDS];
    u_char                   text[4096];
} ngx_uplink_todo_t;

/* the next terminal with something for the sled; NGX_DONE: there is none */

ngx_int_t ngx_uplink_terminal_todo(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_uplink_todo_t *todo);

/*
 * terminal.opened: NGX_OK; NGX_ABORT: nobody waits for it (any more), the
 * sled is to close it; NGX_BUSY: that session_id is another one's.
 */

ngx_int_t ngx_uplink_terminal_opened(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_str_t *request, ngx_str_t *session,
    ngx_str_t *members, uint64_t offset);

/*
 * The end, as the sled says: what is EXIT or ERROR.  By session or, while
 * it opens, by request.  NGX_ABORT: not this connection's.
 */

ngx_int_t ngx_uplink_terminal_exit(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_str_t *request, ngx_str_t *session,
    ngx_uint_t what, ngx_int_t exit_code, ngx_str_t *code, ngx_str_t *text);

/* the gateway ends it: error to the browsers, close to the sled */

ngx_int_t ngx_uplink_terminal_fail(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, uint64_t handle, const char *code,
    const char *text);

/*
 * Where data of a session goes: made under the lock, good as long as
 * terminal->version is the same.
 */

typedef struct {
    ngx_uplink_seat_t          *seat;
    uint64_t                    serial;   /* of its slot, if local */
    uint32_t                    slot;
    unsigned                    local:1;
    unsigned                    driver:1;
    unsigned                    waiting:1;
    ngx_uplink_lane_writer_t    writer;
} ngx_uplink_route_seat_t;

typedef struct {
    ngx_uplink_terminal_t      *terminal;
    uint64_t                    version;
    uint64_t                    handle;
    ngx_uint_t                  features; /* of the link */
    ngx_uint_t                  lost;     /* nothing is to be passed on */
    ngx_uint_t                  nseats;
    ngx_uplink_route_seat_t     seats[NGX_UPLINK_SEATS];
} ngx_uplink_route_t;

/* NGX_OK, NGX_ABORT: not a session of this connection */

ngx_int_t ngx_uplink_terminal_route(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, u_char *session, size_t len,
    ngx_uplink_route_t *route);

/* the session of a handle, of this connection; NGX_ABORT: there is none */

ngx_int_t ngx_uplink_terminal_session(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, uint64_t handle, u_char *session, size_t *len);

/*
 * The sled is told to stop reading the PTY; the browser that has room again
 * (ngx_uplink_seat_drained()), or that comes, undoes it.  NGX_DECLINED:
 * somebody came or went since this version.
 */

ngx_int_t ngx_uplink_terminal_pause(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_uplink_terminal_t *t, uint64_t version);

/* the input lane has room again: its driver is told, if it waits for that */

void ngx_uplink_terminal_room(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t);

/* a lane has got something: its reader is told */

void ngx_uplink_seat_signal(ngx_uplink_fleet_t *fleet,
    ngx_uplink_seat_t *seat);


/* ---- for everybody */

typedef struct {
    uint64_t                 handle;
    uint64_t                 created;
    uint64_t                 offset;
    ngx_uint_t               state;
    ngx_uint_t               seats;
    ngx_uint_t               away;
    size_t                   agent_len;
    size_t                   session_len;
    u_char                   agent[NGX_UPLINK_AGENT_MAX];
    u_char                   session[NGX_UPLINK_SESSION_MAX];
    ngx_str_t                field[NGX_UPLINK_TERMINAL_FIELDS];
    u_char                   text[4096];
} ngx_uplink_terminal_view_t;

ngx_int_t ngx_uplink_terminal_after(ngx_uplink_fleet_t *fleet,
    uint64_t handle, ngx_uplink_actor_t *actor,
    ngx_uplink_terminal_view_t *view);
ngx_int_t ngx_uplink_terminal_delete(ngx_uplink_fleet_t *fleet,
    uint64_t handle, ngx_uplink_actor_t *actor);


/* ---- src/fleet/user.c; locked: who has how many terminals */

ngx_uplink_name_t *ngx_uplink_user_get(ngx_uplink_fleet_t *fleet,
    ngx_str_t *user);
void ngx_uplink_user_put(ngx_uplink_fleet_t *fleet, ngx_uplink_name_t *user);
ngx_uint_t ngx_uplink_user_count(ngx_uplink_fleet_t *fleet, ngx_str_t *user);


/* ---- locked, for sled.c and sweep.c */

void ngx_uplink_terminal_due(ngx_uplink_fleet_t *fleet,
    ngx_uplink_deadline_t *d);
void ngx_uplink_terminals_away(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket);
void ngx_uplink_terminals_back(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket);
void ngx_uplink_terminals_lost(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket);
void ngx_uplink_seat_reap(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat);


#endif /* _NGX_UPLINK_TERMINAL_H_INCLUDED_ */
