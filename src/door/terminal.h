
/*
 * Terminals at the doors: a browser's connection, and what both doors know
 * of the data that goes through.
 */


#ifndef _NGX_UPLINK_DOOR_TERMINAL_H_INCLUDED_
#define _NGX_UPLINK_DOOR_TERMINAL_H_INCLUDED_


#include "door/door.h"
#include "fleet/terminal.h"


#define NGX_UPLINK_BROWSER_STRANGER  4096   /* longest message before auth */
#define NGX_UPLINK_BROWSER_BAD_ROW   8      /* bad messages in a row */
#define NGX_UPLINK_BROWSER_EXPIRY    3600   /* s; then looked at again */
#define NGX_UPLINK_BROWSER_COLS      80
#define NGX_UPLINK_BROWSER_ROWS      24
#define NGX_UPLINK_BROWSER_SIZE_MAX  10000


/*
 * What is taken of a sled that knows of terminal.pause: 256 KiB, in base64
 * and with the frames around it.  What may be under way before it knows is
 * more, see sled_pause.c.  Another part of the queue is for what is not data.
 */

#define NGX_UPLINK_PAUSED_MAX        (384 * 1024)
#define NGX_UPLINK_BROWSER_CONTROL   (64 * 1024)

#define ngx_uplink_under_way(conf)                                            \
    (NGX_UPLINK_PAUSED_MAX + 8 * (conf)->conn.send_buffer)

/* a lane: when the sled is paused, and when it goes on, as for an output */

#define ngx_uplink_lane_high(conf)   ((conf)->conn.send_buffer / 4 * 3)
#define ngx_uplink_lane_low(conf)    ((conf)->conn.send_buffer / 4)


/* bytes of a PTY on their way: in memory or in a lane, raw or as text */

typedef struct {
    u_char                  *data;
    ngx_uplink_lane_t       *lane;      /* or NULL */
    size_t                   from;      /* in the lane */
    size_t                   len;
    ngx_uint_t               base64;
} ngx_uplink_piece_t;


/* where bytes of one terminal are written, and in which form */

typedef struct {
    ngx_uplink_conn_t       *conn;
    ngx_str_t                head;      /* the message up to the data */
    u_char                   kind[9];   /* the same of a binary one */
    unsigned                 binary:1;
} ngx_uplink_outlet_t;


/* what stands before a piece in a lane */

typedef struct {
    uint32_t                 len;
    uint32_t                 kind;
} ngx_uplink_lane_head_t;

#define NGX_UPLINK_LANE_RAW     0
#define NGX_UPLINK_LANE_BASE64  1
#define NGX_UPLINK_LANE_GAP     2       /* from and to, 8 bytes each */


typedef struct {
    ngx_uplink_conn_t       *conn;
    ngx_uplink_fleet_t      *fleet;
    ngx_uplink_loc_conf_t   *conf;
    ngx_uplink_visit_t      *visit;
    const char              *unresolved;  /* why, or NULL */
    ngx_uplink_seat_t       *seat;      /* NULL: none, or not yet */
    ngx_uplink_who_t         who;
    ngx_uplink_outlet_t      outlet;    /* of what is shown */
    ngx_uplink_lane_writer_t writer;    /* of what is typed */

    /* the sled's side of it, if that is in this process; sled_data.c */

    void                    *route;

    u_char                  *kept;      /* typed, and nobody had room */
    size_t                   kept_len;
    uint32_t                 slot;
    ngx_uint_t               bits;      /* not acted on yet */
    ngx_msec_t               after;     /* draining: to come back */
    u_char                   secret[2 * NGX_UPLINK_DIGEST];
    unsigned                 bad:4;     /* in a row */
    unsigned                 admitted:1;
    unsigned                 opened:1;
    unsigned                 binary:1;  /* uplink.bin.v1 was agreed */
    unsigned                 view:1;
    unsigned                 held:1;    /* not read: see kept */
    unsigned                 refused:1; /* it was told that nobody is there */
    unsigned                 draining:1;
} ngx_uplink_browser_t;


/* src/door/terminal.c */

/* who it is has been found: may it, and then its seat */

void ngx_uplink_browser_begin(ngx_uplink_browser_t *browser);

/* room in its output for what was in the socket of its sled, and all else */

void ngx_uplink_browser_widen(ngx_uplink_browser_t *browser,
    size_t in_socket);

/* may this somebody see the workspace, and do what it asks for? */

ngx_uint_t ngx_uplink_browser_member(ngx_uplink_browser_t *browser);

/* what a credential must be good for */

#define ngx_uplink_browser_roles(view)                                        \
    (NGX_UPLINK_ROLE_OPERATOR|NGX_UPLINK_ROLE_ADMIN                           \
     |((view) ? NGX_UPLINK_ROLE_VIEWER : 0))


/* src/door/terminal_query.c: NULL, or what is wrong */

const char *ngx_uplink_browser_query(ngx_http_request_t *r,
    ngx_uplink_browser_t *browser);


/*
 * src/door/terminal_resolve.c: what uplink_resolve has answered, into visit;
 * NULL, or the code of what is wrong
 */

const char *ngx_uplink_resolved(ngx_http_request_t *r,
    ngx_uplink_visit_t *visit);


/* src/door/terminal_message.c */

ngx_int_t ngx_uplink_browser_ascii(ngx_uplink_conn_t *uc, u_char *data,
    size_t len);
void ngx_uplink_browser_message(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len);

/* there may be room again for what was kept */

void ngx_uplink_browser_room(ngx_uplink_browser_t *browser);


/* src/door/terminal_tell.c */

/* terminal.error, and then, with _fail(), the close that belongs to it */

void ngx_uplink_browser_error(ngx_uplink_browser_t *browser,
    const char *code, const char *text);
void ngx_uplink_browser_fail(ngx_uplink_browser_t *browser,
    const char *code, const char *text);
void ngx_uplink_browser_close(ngx_uplink_browser_t *browser, ngx_uint_t code,
    const char *reason);

/* NGX_OK: all that these bits had to tell is told */

ngx_int_t ngx_uplink_browser_tell(ngx_uplink_browser_t *browser,
    ngx_uint_t mask);

/* as much as there is room for */

void ngx_uplink_browser_show(ngx_uplink_browser_t *browser);


/* src/door/terminal_data.c */

ngx_int_t ngx_uplink_outlet_init(ngx_uplink_outlet_t *outlet,
    ngx_uplink_conn_t *uc, ngx_uint_t binary, uint64_t handle,
    u_char *session, size_t len);
void ngx_uplink_outlet_free(ngx_uplink_outlet_t *outlet);

/* one message; NGX_OK, NGX_BUSY, NGX_ERROR */

ngx_int_t ngx_uplink_outlet_put(ngx_uplink_outlet_t *outlet,
    ngx_uplink_piece_t *piece);

/* the same bytes without the first of them: raw, in memory to be freed */

u_char *ngx_uplink_piece_trim(ngx_uplink_piece_t *piece, size_t raw,
    size_t skip, ngx_log_t *log);

/* what is between the two is missing */

ngx_int_t ngx_uplink_browser_gap(ngx_uplink_browser_t *browser,
    uint64_t from, uint64_t to);

#define ngx_uplink_conn_backlog(uc)                                           \
    ((size_t) ((uc)->queued - (uc)->written))

/* more than that is in the output: others are to stop */

#define ngx_uplink_browser_high(uc)  ((uc)->conf->send_buffer / 4 * 3)
#define ngx_uplink_browser_low(uc)   ((uc)->conf->send_buffer / 4)


/* src/door/sled_data.c */

/*
 * What a driver has typed, to a sled of this process.  NGX_DECLINED: it is
 * not here, or something stands in the lane before it; NGX_BUSY: it does not
 * read, and the browser is told when it does.
 */

ngx_int_t ngx_uplink_sled_typed(ngx_uplink_browser_t *browser,
    ngx_uplink_piece_t *piece);


#endif /* _NGX_UPLINK_DOOR_TERMINAL_H_INCLUDED_ */
