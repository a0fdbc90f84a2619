
/*
 * One WebSocket connection after the handshake: reading, writing, keeping
 * alive, closing.  Knows frames and sockets, no JSON and no fleet.
 */


#ifndef _NGX_UPLINK_CONN_H_INCLUDED_
#define _NGX_UPLINK_CONN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "frame.h"
#include "utf8.h"


#define NGX_UPLINK_WS_TEXT           0x1
#define NGX_UPLINK_WS_BINARY         0x2
#define NGX_UPLINK_WS_PING           0x9   /* in its turn; see pong() */

/* the close codes of protocol.md, section 8 */

#define NGX_UPLINK_CLOSE_DONE        1000
#define NGX_UPLINK_CLOSE_AWAY        1001
#define NGX_UPLINK_CLOSE_PROTOCOL    1002
#define NGX_UPLINK_CLOSE_BINARY      1003
#define NGX_UPLINK_CLOSE_NONE        1005  /* never sent: no code was there */
#define NGX_UPLINK_CLOSE_LOST        1006  /* never sent: no close frame */
#define NGX_UPLINK_CLOSE_UTF8        1007
#define NGX_UPLINK_CLOSE_POLICY      1008
#define NGX_UPLINK_CLOSE_TOO_BIG     1009
#define NGX_UPLINK_CLOSE_INTERNAL    1011
#define NGX_UPLINK_CLOSE_RESTART     1012
#define NGX_UPLINK_CLOSE_OVERLOAD    1013
#define NGX_UPLINK_CLOSE_REPLACED    4001
#define NGX_UPLINK_CLOSE_KICKED      4003
#define NGX_UPLINK_CLOSE_IDLE        4004


typedef struct ngx_uplink_conn_s   ngx_uplink_conn_t;
typedef struct ngx_uplink_chunk_s  ngx_uplink_chunk_t;


/* what a location configures; lives in its location configuration */

typedef struct {
    size_t                         max_message;    /* uplink_max_message */
    size_t                         send_buffer;    /* uplink_send_buffer */
    ngx_msec_t                     ping_interval;  /* 0: never */
    ngx_msec_t                     ping_timeout;   /* 0: never */
    ngx_msec_t                     close_timeout;
    ngx_msec_t                     send_timeout;   /* core's own */
} ngx_uplink_conn_conf_t;


/*
 * What a door gives to the engine, one constant table each.  No callback is
 * ever called from within a call of this page, only from the event loop.
 */

typedef struct {

    /*
     * NULL, or asked first for a text, before its UTF-8 is checked to the
     * end: NGX_OK if it was ASCII and is dealt with, NGX_DECLINED if
     * message() is to have it
     */

    ngx_int_t                    (*ascii)(ngx_uplink_conn_t *uc,
                                       u_char *data, size_t len);

    /*
     * a whole message, unmasked, UTF-8 checked if it is text; the bytes may
     * be changed in place and are gone after the return
     */

    void                         (*message)(ngx_uplink_conn_t *uc,
                                       ngx_uint_t opcode, u_char *data,
                                       size_t len);

    /* something was written since the last call; only if want_sent is set */

    void                         (*sent)(ngx_uplink_conn_t *uc);

    /* ngx_uplink_conn_wake() was called */

    void                         (*wake)(ngx_uplink_conn_t *uc);

    /* the time of ngx_uplink_conn_deadline() is over */

    void                         (*deadline)(ngx_uplink_conn_t *uc);

    /*
     * exactly once: the close has begun, from either side, or the connection
     * is lost.  No other callback follows, nothing can be sent any more, and
     * uc must not be touched after the return.  code is what was received
     * (1005, 1006 included), or, if the gateway closed first, what was sent.
     */

    void                         (*closed)(ngx_uplink_conn_t *uc,
                                       ngx_uint_t code);

    /*
     * a pong; may be NULL.  It may answer a ping that was sent as a message,
     * behind others, and what the client sends after it, it sends knowing
     * these.
     */

    void                         (*pong)(ngx_uplink_conn_t *uc, u_char *data,
                                       size_t len);

} ngx_uplink_conn_ops_t;


/* why a handshake was refused: an HTTP status, a code, a sentence */

typedef struct {
    ngx_uint_t                     status;
    ngx_str_t                      code;
    ngx_str_t                      message;
} ngx_uplink_refusal_t;


/* src/ws/handshake.c */

/*
 * Checks method, version, and every header of RFC 6455, 4.2.1.  NULL if it
 * is a good opening handshake, the refusal otherwise (426 has set
 * Sec-WebSocket-Version in r->headers_out already, 405 has set Allow).
 */

ngx_uplink_refusal_t *ngx_uplink_ws_check(ngx_http_request_t *r);

/*
 * The n-th subprotocol the client offers, over all headers, in its order:
 * NGX_OK, or NGX_DECLINED when there is none.
 */

ngx_int_t ngx_uplink_ws_offered(ngx_http_request_t *r, ngx_uint_t n,
    ngx_str_t *name);

/*
 * Is it among them?  With rest it is what one of them begins with, and rest
 * is what follows.
 */

ngx_uint_t ngx_uplink_ws_offers(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *rest);


/* src/ws/conn.c */

/*
 * Sends the 101 with this subprotocol (or none: len 0), and takes the
 * connection over.  NULL: r must be finalized with 500 by the caller.
 * Afterwards the caller returns NGX_DONE from its content handler (or, in a
 * callback, just returns): the engine holds its own reference to r.
 */

ngx_uplink_conn_t *ngx_uplink_conn_upgrade(ngx_http_request_t *r,
    const ngx_uplink_conn_ops_t *ops, void *data,
    const ngx_uplink_conn_conf_t *conf, ngx_str_t *protocol);

/*
 * Room for a message of at most size bytes; the caller writes it there and
 * commits what it used.  NULL: the queue is full (send_buffer), or there is
 * no memory, or the connection is closing.  Nothing may come between the two.
 */

u_char *ngx_uplink_conn_reserve(ngx_uplink_conn_t *uc, size_t size);
void ngx_uplink_conn_commit(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    size_t len);

/* both in one; NGX_OK, NGX_BUSY (queue full), NGX_ERROR (closing, memory) */

ngx_int_t ngx_uplink_conn_send(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len);

/*
 * Closing handshake: what is queued goes first, then the close frame.  The
 * door's closed() follows from the event loop.  reason may be NULL.
 */

void ngx_uplink_conn_close(ngx_uplink_conn_t *uc, ngx_uint_t code,
    ngx_str_t *reason);

/* the same without ceremony: for a connection known to be dead */

void ngx_uplink_conn_abort(ngx_uplink_conn_t *uc);

/* call ops->wake() from the event loop, once for any number of these */

void ngx_uplink_conn_wake(ngx_uplink_conn_t *uc);

/* call ops->deadline() after this time; 0 takes it back */

void ngx_uplink_conn_deadline(ngx_uplink_conn_t *uc, ngx_msec_t after);

/* what the kernel has received and the worker has not, as far as is known */

size_t ngx_uplink_conn_unread(ngx_uplink_conn_t *uc);

/* stop and go on reading the socket: back-pressure to the peer */

void ngx_uplink_conn_pause(ngx_uplink_conn_t *uc);
void ngx_uplink_conn_resume(ngx_uplink_conn_t *uc);

/* src/ws/chunk.c; in exit_process: frees what was kept for later output */

void ngx_uplink_conn_exit_process(void);


/*
 * Public to the doors.  <= 512 bytes; idle, it owns nothing else.
 */

struct ngx_uplink_conn_s {
    ngx_http_request_t            *request;
    ngx_connection_t              *connection;
    const ngx_uplink_conn_ops_t   *ops;
    const ngx_uplink_conn_conf_t  *conf;
    void                          *data;         /* the door's */

    uint64_t                       queued;       /* data bytes ever queued */
    uint64_t                       written;      /* of these, to the kernel */
    uint64_t                       received;     /* payload bytes */
    uint64_t                       messages;     /* messages received */
    uint64_t                       sent;         /* payload bytes queued */
    const char                    *fault;        /* of a frame; or NULL */

    /*
     * a message is in the kernel's hands when written has reached the value
     * that queued had after its commit
     */

    size_t                         max_message;  /* may be lowered, raised */
    size_t                         send_buffer;  /* may be raised */

    unsigned                       want_sent:1;
    unsigned                       closing:1;    /* nothing can be sent */

    /* from here on the engine's own: how far the connection is */

    unsigned                       headed:1;     /* the 101 is written */
    unsigned                       running:1;    /* its events are handled */
    unsigned                       flushing:1;   /* and will be written */
    unsigned                       woken:1;
    unsigned                       told:1;       /* closed() was called */
    unsigned                       paused:1;
    unsigned                       failed:1;     /* by the client's fault */
    unsigned                       peer_closed:1;
    unsigned                       lost:1;
    unsigned                       blocked:1;    /* the socket takes no more */
    unsigned                       close_written:1;
    unsigned                       has_deadline:1;
    unsigned                       out_begun:1;  /* goes before control */
    unsigned                       control_begun:1;

    uint16_t                       code;         /* for closed() */
    u_char                         reserved;     /* bytes for the header */
    u_char                         control_len;
    ngx_uplink_utf8_t              utf8;

    /* input: where the stream is, and what is there of a message */

    ngx_uplink_frame_t             frame;

    u_char                        *part;
    size_t                         part_len;
    size_t                         part_size;

    u_char                        *control_part; /* of a control frame */

    u_char                        *rest;         /* read, not consumed */
    u_char                        *rest_pos;
    u_char                        *rest_last;

    /* output: data and the close frame, and what overtakes them */

    ngx_uplink_chunk_t            *out;
    ngx_uplink_chunk_t            *out_last;
    ngx_uplink_chunk_t            *control;
    ngx_uplink_chunk_t            *control_last;

    /* all for the one timer, which is that of the read event */

    ngx_msec_t                     heard;
    ngx_msec_t                     pinged;
    ngx_msec_t                     progress;     /* while blocked */
    ngx_msec_t                     close_time;
    ngx_msec_t                     deadline;
};


#endif /* _NGX_UPLINK_CONN_H_INCLUDED_ */
