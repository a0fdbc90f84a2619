
/*
 * One operator's WebSocket.  Private to the operator*.c files.
 */


#ifndef _NGX_UPLINK_OPERATOR_H_INCLUDED_
#define _NGX_UPLINK_OPERATOR_H_INCLUDED_


#include "door/api.h"


typedef struct {
    ngx_uplink_conn_t          *conn;
    ngx_uplink_fleet_t         *fleet;
    ngx_uplink_loc_conf_t      *conf;
    ngx_uplink_feed_t           feed;
    uint32_t                    slot;
    ngx_uint_t                  bits;       /* not acted on yet */
    ngx_uint_t                  bad;        /* bad messages in a row */
    ngx_msec_t                  after;      /* draining: to come back */
    size_t                      sid_len;
    size_t                      by_len;
    u_char                      sid[NGX_UPLINK_SID_MAX];
    u_char                      by[NGX_UPLINK_BY_MAX];
    unsigned                    admitted:1;
    unsigned                    attached:1;
    unsigned                    draining:1;
} ngx_uplink_console_t;


#define NGX_UPLINK_BAD_MESSAGES  8


/* src/door/operator.c */

/* the token was right: takes the session's place, or closes */

void ngx_uplink_console_attach(ngx_uplink_console_t *console);

/* src/door/operator_feed.c: as much of the news as there is room for */

void ngx_uplink_console_feed(ngx_uplink_console_t *console);

/* src/door/operator_message.c */

void ngx_uplink_console_message(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len);


#endif /* _NGX_UPLINK_OPERATOR_H_INCLUDED_ */
