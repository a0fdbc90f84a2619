
/*
 * terminal.data: the traffic.  A message of the usual form is taken apart in
 * one pass, anything else is left to ngx_uplink_envelope(), which says the
 * same of it.
 */


#ifndef _NGX_UPLINK_DATA_H_INCLUDED_
#define _NGX_UPLINK_DATA_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_UPLINK_DATA_SESSION  128


/* spans of the message, as they stand there: no escapes, ASCII */

typedef struct {
    u_char   *session;
    size_t    session_len;    /* at most NGX_UPLINK_DATA_SESSION; 0: none */
    u_char   *base64;
    size_t    base64_len;
    size_t    raw;            /* bytes that it decodes to */
} ngx_uplink_data_t;


/*
 * All but the two values of the message that was taken last.  Who writes many
 * writes them all alike: what begins, goes on and ends with the same bytes
 * need not be taken apart again.  Begins as zeroes; one for each caller.
 */

#define NGX_UPLINK_DATA_SHAPE    96

typedef struct {
    size_t    head;           /* as far as the session; 0: none yet */
    size_t    middle;         /* from there to the base64 */
    size_t    tail;           /* the rest */
    u_char    text[NGX_UPLINK_DATA_SHAPE];
} ngx_uplink_data_shape_t;


/*
 * {"type":"terminal.data","req_id":"…","payload":{"session_id":"…",
 * "data_b64":"…"}}, members in any order, req_id and session_id or not, white
 * space anywhere.  NGX_OK: valid, data_b64 included; NGX_DECLINED: not known.
 */

ngx_int_t ngx_uplink_data_match(ngx_uplink_data_shape_t *shape, u_char *data,
    size_t len, ngx_uplink_data_t *d);

/*
 * Of a session's name.  Both ends of it are enough: who chooses names that
 * fall together makes his own messages slow, and has only so many terminals.
 */

uint32_t ngx_uplink_data_hash(u_char *session, size_t len);


#endif /* _NGX_UPLINK_DATA_H_INCLUDED_ */
