
/*
 * A stream of events to one client.  Private to api_events.c and stream.c.
 */


#ifndef _NGX_UPLINK_STREAM_H_INCLUDED_
#define _NGX_UPLINK_STREAM_H_INCLUDED_


#include "door/api.h"


/* src/door/stream.c: from the event behind this one on */

ngx_int_t ngx_uplink_stream_open(ngx_http_request_t *r,
    ngx_uplink_call_t *call, uint64_t after);

/* src/door/api_events.c */

ngx_int_t ngx_uplink_events_header(ngx_http_request_t *r);

/*
 * As many events as there is room for.  NGX_OK: those were all; NGX_AGAIN:
 * there are more, in a later turn; NGX_ERROR: the stream has to end.
 */

ngx_int_t ngx_uplink_events_write(ngx_uplink_call_t *call, uint64_t *after,
    ngx_buf_t *b);


#endif /* _NGX_UPLINK_STREAM_H_INCLUDED_ */
