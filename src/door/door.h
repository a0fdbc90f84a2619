
/*
 * What doors have in common: writing messages, making secrets.
 */


#ifndef _NGX_UPLINK_DOOR_H_INCLUDED_
#define _NGX_UPLINK_DOOR_H_INCLUDED_


#include "ngx_uplink.h"
#include "fleet/fleet.h"
#include "wire/wire.h"


/* subprotocols; the last two are prefixes */

#define NGX_UPLINK_PROTOCOL         "uplink.v1"
#define NGX_UPLINK_PROTOCOL_BINARY  "uplink.bin.v1"
#define NGX_UPLINK_PROTOCOL_BEARER  "uplink.bearer."
#define NGX_UPLINK_PROTOCOL_RESUME  "uplink.resume."


/*
 * src/door/message.c: JSON that is being written, member by member, into
 * memory of the caller.  Commas come by themselves.  What does not fit is not
 * written, and makes the whole of it void: the last call says so.  Names and
 * types are constants of this module that need no escapes.
 */

typedef struct {
    ngx_uplink_conn_t   *conn;
    u_char              *start;
    u_char              *pos;
    u_char              *last;
    ngx_uint_t           braces;      /* to come at the end of a message */
    unsigned             comma:1;
    unsigned             over:1;      /* something did not fit */
} ngx_uplink_out_t;


void ngx_uplink_out_init(ngx_uplink_out_t *out, u_char *start, size_t size);

/* bytes as they are: no comma, no check */

void ngx_uplink_out_raw(ngx_uplink_out_t *out, const void *data, size_t len);

/*
 * Members, or elements where name is NULL.  open() and shut() take the
 * bracket, value() is JSON already, members() are whole members of an object
 * without its braces (len 0: none).
 */

void ngx_uplink_out_open(ngx_uplink_out_t *out, const char *name, u_char ch);
void ngx_uplink_out_shut(ngx_uplink_out_t *out, u_char ch);
void ngx_uplink_out_string(ngx_uplink_out_t *out, const char *name,
    const void *data, size_t len);
void ngx_uplink_out_number(ngx_uplink_out_t *out, const char *name,
    uint64_t n);
void ngx_uplink_out_bool(ngx_uplink_out_t *out, const char *name,
    ngx_uint_t on);
void ngx_uplink_out_null(ngx_uplink_out_t *out, const char *name);
void ngx_uplink_out_value(ngx_uplink_out_t *out, const char *name,
    const void *json, size_t len);
void ngx_uplink_out_hex(ngx_uplink_out_t *out, const char *name,
    u_char *data, size_t len);
void ngx_uplink_out_members(ngx_uplink_out_t *out, ngx_str_t *members);

#define ngx_uplink_out_str(out, name, s)                                      \
    ngx_uplink_out_string(out, name, (s)->data, (s)->len)

#define ngx_uplink_out_text(out, name, s)                                     \
    ngx_uplink_out_string(out, name, s, ngx_strlen((s)))

#define ngx_uplink_out_len(out)  ((size_t) ((out)->pos - (out)->start))

/* how long this text is at most as a JSON string, quotes included */

size_t ngx_uplink_out_quoted(const void *data, size_t len);

/*
 * A message on a WebSocket: reserved with room for what comes between the
 * two calls, then sent.  Enveloped, to sleds and terminals:
 * {"type", "req_id", "payload": { HERE }}; flat, to operators:
 * {"type", HERE}.  NGX_OK, NGX_BUSY (queue full), NGX_ERROR (closing, or,
 * from _send(), out of the room asked for: a bug, logged).
 */

ngx_int_t ngx_uplink_message_enveloped(ngx_uplink_out_t *out,
    ngx_uplink_conn_t *uc, const char *type, const u_char *req_id, size_t len,
    size_t room);
ngx_int_t ngx_uplink_message_flat(ngx_uplink_out_t *out,
    ngx_uplink_conn_t *uc, const char *type, size_t room);
ngx_int_t ngx_uplink_message_send(ngx_uplink_out_t *out);

/* a number, a member's name, a bracket: never more than that */

#define NGX_UPLINK_OUT_NUMBER  (NGX_INT64_LEN + 1)
#define NGX_UPLINK_OUT_MEMBER  48     /* name and a number or less */


/* src/door/drain.c: for the next of our receivers, within this time */

ngx_msec_t ngx_uplink_drain_after(ngx_uplink_fleet_t *fleet,
    ngx_msec_t within);


/* src/door/audit_door.c: who came here; user may be NULL */

void ngx_uplink_origin(ngx_uplink_origin_t *origin, ngx_uplink_door_e door,
    ngx_connection_t *c, ngx_str_t *user);


/* src/door/secret.c */

#define NGX_UPLINK_DIGEST  32

/* random bytes; NGX_OK, NGX_ERROR (logged) */

ngx_int_t ngx_uplink_random(ngx_log_t *log, u_char *dst, size_t n);

/* of at most 64 bytes, as twice as many lower case hex digits */

ngx_int_t ngx_uplink_random_hex(ngx_log_t *log, u_char *dst, size_t n);

/* SHA-256 into 32 bytes; NGX_OK, NGX_ERROR (logged) */

ngx_int_t ngx_uplink_digest(ngx_log_t *log, const void *data, size_t len,
    u_char *digest);

/* in exit_process */

void ngx_uplink_digest_release(void);


#endif /* _NGX_UPLINK_DOOR_H_INCLUDED_ */
