
/*
 * Who was admitted by an opaque token, and a look at whether that is still
 * valid.
 */


#ifndef _NGX_UPLINK_BEARER_H_INCLUDED_
#define _NGX_UPLINK_BEARER_H_INCLUDED_


#include "fleet/fleet.h"


/* locked; NULL: no memory.  What is given back may be NULL */

ngx_uplink_bearer_t *ngx_uplink_bearer_enter(ngx_uplink_fleet_t *fleet,
    ngx_uplink_box_t *box, u_char *digest);
void ngx_uplink_bearer_leave(ngx_uplink_fleet_t *fleet,
    ngx_uplink_bearer_t *bearer);

/* is it a token of this configuration?  called under the lock */

typedef ngx_uint_t (*ngx_uplink_known_pt)(void *data, u_char *digest);

/* how far a look at all of them has come; zeroed at its beginning */

typedef struct {
    ngx_uint_t               port;
    size_t                   sid_len;
    u_char                   sid[NGX_UPLINK_SID_MAX];
    ngx_uint_t               revoked;      /* so many were not valid */
    unsigned                 older:1;      /* workers that may admit more */
} ngx_uplink_revoke_t;

/*
 * Those whom workers of an older configuration have admitted, and sessions:
 * whose token is unknown gets NGX_UPLINK_BIT_REVOKED.  A bounded number;
 * NGX_AGAIN: there are more.  NGX_OK: that was all, but older workers may
 * admit more.  NGX_DONE: nobody can come any more, or a newer configuration
 * sees to it.
 */

ngx_int_t ngx_uplink_revoke(ngx_uplink_fleet_t *fleet,
    ngx_uplink_known_pt known, void *data, ngx_uplink_revoke_t *pass);


#endif /* _NGX_UPLINK_BEARER_H_INCLUDED_ */
