
/*
 * What is left of a request for the access log, and what is counted of its
 * end.
 */


#include "door/trail.h"
#include "fleet/fleet.h"


static void ngx_uplink_trail_cleanup(void *data);


ngx_uplink_trail_t *
ngx_uplink_trail(ngx_http_request_t *r, const char *role)
{
    ngx_pool_cleanup_t  *cln;
    ngx_uplink_trail_t  *trail;

    if (r != r->main) {

        /* only of the main request there is a line in the log */

        trail = ngx_palloc(r->pool, sizeof(ngx_uplink_trail_t));
        if (trail == NULL) {
            return NULL;
        }

    } else {
        trail = ngx_uplink_trail_of(r);
    }

    if (trail == NULL) {

        cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_uplink_trail_t));
        if (cln == NULL) {
            return NULL;
        }

        cln->handler = ngx_uplink_trail_cleanup;
        trail = cln->data;
    }

    ngx_memzero(trail, sizeof(ngx_uplink_trail_t));

    trail->role.data = (u_char *) role;
    trail->role.len = ngx_strlen(role);

    return trail;
}


ngx_uplink_trail_t *
ngx_uplink_trail_of(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t  *cln;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_uplink_trail_cleanup) {
            return cln->data;
        }
    }

    return NULL;
}


/* there is nothing to clean up: it is the mark by which the trail is found */

static void
ngx_uplink_trail_cleanup(void *data)
{
    (void) data;
}


void
ngx_uplink_trail_copy(ngx_http_request_t *r, ngx_str_t *dst, const void *data,
    size_t len)
{
    u_char  *p;

    p = len ? ngx_pnalloc(r->pool, len) : NULL;

    if (p) {
        ngx_memcpy(p, data, len);
        dst->data = p;
        dst->len = len;
    }
}


void
ngx_uplink_trail_closed(ngx_uplink_fleet_t *fleet, ngx_uplink_conn_t *uc,
    ngx_uint_t code)
{
    size_t               len;
    u_char               text[NGX_INT_T_LEN];
    ngx_uint_t           theirs;
    ngx_uplink_trail_t  *trail;

    trail = ngx_uplink_trail_of(uc->request);

    if (trail) {
        trail->close = code;
    }

    if (fleet == NULL) {
        return;
    }

    len = ngx_sprintf(text, "%ui", code) - text;
    theirs = (uc->peer_closed || code == NGX_UPLINK_CLOSE_LOST);

    ngx_uplink_count_value(fleet, theirs ? NGX_UPLINK_FAMILY_closes_received
                                         : NGX_UPLINK_FAMILY_closes_sent,
                           text, len);

    if (uc->fault) {
        ngx_uplink_count_word(fleet, NGX_UPLINK_FAMILY_bad_frames, uc->fault);

    } else if (code == NGX_UPLINK_CLOSE_BINARY && !theirs) {
        ngx_uplink_count_word(fleet, NGX_UPLINK_FAMILY_bad_frames, "binary");
    }
}
