
/*
 * Deadlines of every kind in one tree, ordered by time: sweeping costs what
 * expires, never what exists.
 */


#include "fleet/terminal.h"


#define NGX_UPLINK_SWEEP  64


typedef void (*ngx_uplink_due_pt)(ngx_uplink_fleet_t *fleet,
    ngx_uplink_deadline_t *d);


static void ngx_uplink_request_due(ngx_uplink_fleet_t *fleet,
    ngx_uplink_deadline_t *d);
static void ngx_uplink_ticket_due(ngx_uplink_fleet_t *fleet,
    ngx_uplink_deadline_t *d);
static void ngx_uplink_operator_due(ngx_uplink_fleet_t *fleet,
    ngx_uplink_deadline_t *d);


/* by NGX_UPLINK_DEADLINE_... */

static ngx_uplink_due_pt  ngx_uplink_due[] = {
    ngx_uplink_request_due,
    ngx_uplink_ticket_due,
    ngx_uplink_operator_due,
    ngx_uplink_terminal_due
};


void
ngx_uplink_deadline_set(ngx_uplink_fleet_t *fleet, ngx_uplink_deadline_t *d,
    ngx_uint_t kind, ngx_msec_t at)
{
    ngx_uplink_deadline_clear(fleet, d);

    d->node.key = at;
    d->node.data = (u_char) kind;
    d->set = 1;

    ngx_uplink_tree_insert(&fleet->sh->deadlines, &d->node);
    ngx_uplink_bus_sweep_at(fleet, at);
}


void
ngx_uplink_deadline_clear(ngx_uplink_fleet_t *fleet, ngx_uplink_deadline_t *d)
{
    if (d->set) {
        ngx_uplink_tree_delete(&fleet->sh->deadlines, &d->node);
        d->set = 0;
    }
}


ngx_msec_t
ngx_uplink_sweep(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t              n;
    ngx_msec_t              next;
    ngx_rbtree_node_t      *node;
    ngx_uplink_deadline_t  *d;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_TIMER_INFINITE;
    }

    next = NGX_TIMER_INFINITE;

    for (n = 0; /* void */ ; n++) {

        node = ngx_uplink_tree_first(&fleet->sh->deadlines);

        if (node == NULL) {
            break;
        }

        if (node->key > ngx_current_msec) {
            next = node->key - ngx_current_msec;
            break;
        }

        if (n == NGX_UPLINK_SWEEP) {
            next = 0;
            break;
        }

        d = (ngx_uplink_deadline_t *) node;
        ngx_uplink_deadline_clear(fleet, d);

        ngx_uplink_due[node->data](fleet, d);
    }

    ngx_uplink_unlock(fleet);

    return next;
}


/* first it expires, then, when it was remembered long enough, it goes */

static void
ngx_uplink_request_due(ngx_uplink_fleet_t *fleet, ngx_uplink_deadline_t *d)
{
    ngx_uplink_request_t  *q;

    q = (ngx_uplink_request_t *)
            ((u_char *) d - offsetof(ngx_uplink_request_t, deadline));

    if (q->state == NGX_UPLINK_STATE_OPEN) {
        ngx_uplink_request_expire(fleet, q, NGX_UPLINK_REASON_TIMEOUT);

    } else {
        ngx_uplink_request_forget(fleet, q);
    }
}


static void
ngx_uplink_ticket_due(ngx_uplink_fleet_t *fleet, ngx_uplink_deadline_t *d)
{
    ngx_uplink_ticket_end(fleet, (ngx_uplink_ticket_t *)
                ((u_char *) d - offsetof(ngx_uplink_ticket_t, deadline)));
}


static void
ngx_uplink_operator_due(ngx_uplink_fleet_t *fleet, ngx_uplink_deadline_t *d)
{
    ngx_uplink_operator_end(fleet, (ngx_uplink_operator_t *)
                ((u_char *) d - offsetof(ngx_uplink_operator_t, deadline)));
}
