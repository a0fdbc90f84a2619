
/*
 * After a reload: whoever was admitted by a token that is not in the files
 * any more has to leave.
 */


#include "fleet/bearer.h"


#define NGX_UPLINK_REVOKE_AGAIN  1000   /* while older workers admit */


typedef struct {
    ngx_uplink_fleet_t     *fleet;
    ngx_array_t            *tokens;
    ngx_event_t            *event;
    ngx_socket_t            fd;          /* -1, for ngx_event_ident() */
    ngx_uplink_revoke_t     pass;
} ngx_uplink_revoker_t;


static void ngx_uplink_revoke_handler(ngx_event_t *ev);
static ngx_uint_t ngx_uplink_revoke_known(void *data, u_char *digest);


/* without memory for it they stay until their worker has left */

void
ngx_uplink_revoke_start(ngx_uplink_fleet_t *fleet, ngx_array_t *tokens,
    ngx_cycle_t *cycle)
{
    ngx_event_t           *ev;
    ngx_uplink_revoker_t  *revoker;

    if (!ngx_uplink_bus_claimed(fleet)) {
        return;
    }

    ev = ngx_pcalloc(cycle->pool, sizeof(ngx_event_t));
    revoker = ngx_pcalloc(cycle->pool, sizeof(ngx_uplink_revoker_t));

    if (ev == NULL || revoker == NULL) {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, 0,
                      "connections of revoked tokens are not closed before "
                      "the old worker leaves in uplink zone \"%V\"",
                      &fleet->name);
        return;
    }

    revoker->fleet = fleet;
    revoker->tokens = tokens;
    revoker->event = ev;
    revoker->fd = (ngx_socket_t) -1;

    ev->data = revoker;
    ev->handler = ngx_uplink_revoke_handler;
    ev->log = cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, 1);
}


static void
ngx_uplink_revoke_handler(ngx_event_t *ev)
{
    ngx_int_t              rc;
    ngx_uplink_revoker_t  *revoker;

    revoker = ev->data;

    rc = ngx_uplink_revoke(revoker->fleet, ngx_uplink_revoke_known, revoker,
                           &revoker->pass);

    if (rc == NGX_AGAIN) {
        ngx_add_timer(ev, 1);
        return;
    }

    if (revoker->pass.revoked) {
        ngx_log_error(NGX_LOG_NOTICE, ev->log, 0,
                      "%ui connections and sessions of revoked tokens end in "
                      "uplink zone \"%V\"",
                      revoker->pass.revoked, &revoker->fleet->name);
    }

    if (rc == NGX_OK) {
        ngx_memzero(&revoker->pass, sizeof(ngx_uplink_revoke_t));
        ngx_add_timer(ev, NGX_UPLINK_REVOKE_AGAIN);
    }
}


static ngx_uint_t
ngx_uplink_revoke_known(void *data, u_char *digest)
{
    ngx_uplink_revoker_t *revoker = data;

    return ngx_uplink_auth_known(revoker->tokens, digest);
}
