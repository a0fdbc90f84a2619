
/*
 * What the files of the engine know of each other.
 */


#ifndef _NGX_UPLINK_ENGINE_H_INCLUDED_
#define _NGX_UPLINK_ENGINE_H_INCLUDED_


#include "conn.h"


extern ngx_module_t  ngx_uplink_module;


/* handshake.c: the headers of a 101 */

ngx_int_t ngx_uplink_ws_accept(ngx_http_request_t *r, ngx_str_t *protocol);


/* input.c */

/* reads what is there, up to a bound; NGX_ERROR: the connection is lost */

ngx_int_t ngx_uplink_input_read(ngx_uplink_conn_t *uc);
void ngx_uplink_input_free(ngx_uplink_conn_t *uc);


/* chunk.c */

#define NGX_UPLINK_CHUNK_SMALL  2048   /* the least, with what is below */

/* whole frames only; pos is where the socket is, last where frames end */

struct ngx_uplink_chunk_s {
    ngx_uplink_chunk_t   *next;
    u_char               *pos;
    u_char               *last;
    u_char               *end;
};

#define ngx_uplink_chunk_start(ch)                                           \
    ((u_char *) (ch) + sizeof(ngx_uplink_chunk_t))

ngx_uplink_chunk_t *ngx_uplink_chunk_alloc(ngx_log_t *log, size_t size);
void ngx_uplink_chunk_free(ngx_uplink_chunk_t *ch);


/* output.c */

/* NGX_OK: all is written; NGX_AGAIN: the socket is full; NGX_ERROR: lost */

ngx_int_t ngx_uplink_output_flush(ngx_uplink_conn_t *uc);
void ngx_uplink_output_ping(ngx_uplink_conn_t *uc);
void ngx_uplink_output_pong(ngx_uplink_conn_t *uc, u_char *data, size_t len);

/* the last frame, behind everything else; NGX_ERROR: no memory */

ngx_int_t ngx_uplink_output_close(ngx_uplink_conn_t *uc, ngx_uint_t code,
    ngx_str_t *reason);
void ngx_uplink_output_free(ngx_uplink_conn_t *uc);


/* conn.c */

/* a close frame of the client has come */

void ngx_uplink_conn_peer_close(ngx_uplink_conn_t *uc, ngx_uint_t code);

/* the client broke a rule: the code says which, nothing is read any more */

void ngx_uplink_conn_fail(ngx_uplink_conn_t *uc, ngx_uint_t code,
    const char *fault);

/* something is to be written in this turn of the event loop */

void ngx_uplink_conn_post(ngx_uplink_conn_t *uc);


#endif /* _NGX_UPLINK_ENGINE_H_INCLUDED_ */
