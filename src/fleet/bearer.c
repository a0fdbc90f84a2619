
/*
 * Who was admitted by an opaque token, and a look at whether it is still
 * valid: workers of the new configuration know the tokens, those of the old
 * one have the sockets.
 */


#include "fleet/bearer.h"


#define NGX_UPLINK_REVOKE_TURN  64      /* looked at under one lock */


static ngx_uint_t ngx_uplink_revoke_newer(ngx_uplink_fleet_t *fleet);
static ngx_int_t ngx_uplink_revoke_ports(ngx_uplink_fleet_t *fleet,
    ngx_uplink_known_pt known, void *data, ngx_uplink_revoke_t *pass,
    ngx_uint_t *left);
static ngx_int_t ngx_uplink_revoke_sessions(ngx_uplink_fleet_t *fleet,
    ngx_uplink_known_pt known, void *data, ngx_uplink_revoke_t *pass,
    ngx_uint_t *left);


ngx_uplink_bearer_t *
ngx_uplink_bearer_enter(ngx_uplink_fleet_t *fleet, ngx_uplink_box_t *box,
    u_char *digest)
{
    ngx_uplink_bearer_t  *bearer;

    bearer = ngx_uplink_alloc(fleet, sizeof(ngx_uplink_bearer_t));
    if (bearer == NULL) {
        return NULL;
    }

    bearer->box = box;
    bearer->generation = fleet->generation;
    ngx_memcpy(bearer->digest, digest, sizeof(bearer->digest));

    /* before those that were looked at */

    ngx_queue_insert_head(&ngx_uplink_bus_port(fleet)->bearers,
                          &bearer->queue);

    return bearer;
}


void
ngx_uplink_bearer_leave(ngx_uplink_fleet_t *fleet,
    ngx_uplink_bearer_t *bearer)
{
    if (bearer) {
        ngx_queue_remove(&bearer->queue);
        ngx_uplink_free(fleet, bearer);
    }
}


ngx_int_t
ngx_uplink_revoke(ngx_uplink_fleet_t *fleet, ngx_uplink_known_pt known,
    void *data, ngx_uplink_revoke_t *pass)
{
    ngx_int_t   rc;
    ngx_uint_t  left;

    if (ngx_uplink_lock(fleet) != NGX_OK) {

        /* emptied: nobody is left of those that we were to look at */

        return NGX_OK;
    }

    if (ngx_uplink_revoke_newer(fleet)) {
        ngx_uplink_unlock(fleet);
        return NGX_DONE;
    }

    left = NGX_UPLINK_REVOKE_TURN;

    rc = ngx_uplink_revoke_ports(fleet, known, data, pass, &left);

    if (rc == NGX_OK) {
        rc = ngx_uplink_revoke_sessions(fleet, known, data, pass, &left);
    }

    ngx_uplink_unlock(fleet);

    return (rc == NGX_OK && !pass->older) ? NGX_DONE : rc;
}


/* then the order of the queues is theirs, and our tokens are out of date */

static ngx_uint_t
ngx_uplink_revoke_newer(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t          i;
    ngx_uplink_port_t  *port;

    for (i = 0; i < fleet->sh->nports; i++) {
        port = &fleet->sh->ports[i];

        if (port->pid && port->generation > fleet->generation) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_uplink_revoke_ports(ngx_uplink_fleet_t *fleet, ngx_uplink_known_pt known,
    void *data, ngx_uplink_revoke_t *pass, ngx_uint_t *left)
{
    ngx_queue_t          *q;
    ngx_uplink_port_t    *port;
    ngx_uplink_bearer_t  *bearer;

    for ( /* void */ ; pass->port < fleet->sh->nports; pass->port++) {

        port = &fleet->sh->ports[pass->port];

        if (port->pid == 0 || port->generation >= fleet->generation) {
            continue;
        }

        pass->older = 1;

        while (!ngx_queue_empty(&port->bearers)) {

            q = ngx_queue_head(&port->bearers);
            bearer = ngx_queue_data(q, ngx_uplink_bearer_t, queue);

            if (bearer->generation >= fleet->generation) {
                break;
            }

            if (*left == 0) {
                return NGX_AGAIN;
            }

            (*left)--;

            bearer->generation = fleet->generation;

            ngx_queue_remove(q);
            ngx_queue_insert_tail(&port->bearers, q);

            if (!known(data, bearer->digest)) {
                pass->revoked++;
                ngx_uplink_box_post(fleet, bearer->box,
                                    NGX_UPLINK_BIT_REVOKED);
            }
        }
    }

    return NGX_OK;
}


/* a session is no better than the token that made it */

static ngx_int_t
ngx_uplink_revoke_sessions(ngx_uplink_fleet_t *fleet,
    ngx_uplink_known_pt known, void *data, ngx_uplink_revoke_t *pass,
    ngx_uint_t *left)
{
    ngx_uplink_operator_t  *op;

    for ( ;; ) {

        op = ngx_uplink_name_after(&fleet->sh->operators, pass->sid,
                                   pass->sid_len);
        if (op == NULL) {
            return NGX_OK;
        }

        if (*left == 0) {
            return NGX_AGAIN;
        }

        (*left)--;

        ngx_memcpy(pass->sid, op->name.data, op->name.len);
        pass->sid_len = op->name.len;

        if (op->opaque && !op->revoked && !known(data, op->digest)) {
            pass->revoked++;
            ngx_uplink_operator_revoke(fleet, op);
        }
    }
}
