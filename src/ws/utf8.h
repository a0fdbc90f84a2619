
/*
 * UTF-8 as text comes in, in any pieces.  Uses nginx's types, not its
 * runtime.
 */


#ifndef _NGX_UPLINK_UTF8_H_INCLUDED_
#define _NGX_UPLINK_UTF8_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* zeroed, it is between two characters */

typedef struct {
    u_char        need;        /* bytes missing of a character */
    u_char        low;         /* the range of the next of them */
    u_char        high;
} ngx_uplink_utf8_t;


/* NGX_ERROR at the first byte that no continuation can make valid */

ngx_int_t ngx_uplink_utf8_check(ngx_uplink_utf8_t *u, u_char *p, size_t len);

/* may the text end here? */

#define ngx_uplink_utf8_complete(u)  ((u)->need == 0)


#endif /* _NGX_UPLINK_UTF8_H_INCLUDED_ */
