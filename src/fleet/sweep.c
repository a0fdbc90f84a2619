
/*
 * Deadlines of every kind, in order of time: sweeping costs what expires,
 * never what exists.
 */


#include "fleet/terminal.h"


#define NGX_UPLINK_SWEEP  64


typedef void (*ngx_uplink_due_pt)(ngx_uplink_fleet_t *fleet,
    ngx_uplink_deadline_t *d);


static ngx_uplink_class_t *ngx_uplink_deadline_class(ngx_uplink_sh_t *sh,
    ngx_msec_t span);
static ngx_uplink_deadline_t *ngx_uplink_deadline_next(ngx_uplink_sh_t *sh);
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
    ngx_uplink_class_t  *class;

    ngx_uplink_deadline_clear(fleet, d);

    d->at = at;
    d->kind = kind;

    class = ngx_uplink_deadline_class(fleet->sh, at - ngx_current_msec);

    if (class) {
        ngx_queue_insert_tail(&class->queue, &d->in.queue);
        d->set = NGX_UPLINK_DEADLINE_CLASS;

    } else {
        d->in.node.key = at;
        ngx_uplink_tree_insert(&fleet->sh->deadlines, &d->in.node);
        d->set = NGX_UPLINK_DEADLINE_TREE;
    }

    ngx_uplink_bus_sweep_at(fleet, at);
}


/* those of the same span, or a new class while there are any; or NULL */

static ngx_uplink_class_t *
ngx_uplink_deadline_class(ngx_uplink_sh_t *sh, ngx_msec_t span)
{
    ngx_uint_t           i;
    ngx_uplink_class_t  *class, *free;

    free = NULL;

    for (i = 0; i < NGX_UPLINK_CLASSES; i++) {
        class = &sh->classes[i];

        if (class->span == span) {
            return class;
        }

        if (free == NULL && ngx_queue_empty(&class->queue)) {
            free = class;
        }
    }

    if (free) {
        free->span = span;
    }

    return free;
}


void
ngx_uplink_deadline_clear(ngx_uplink_fleet_t *fleet, ngx_uplink_deadline_t *d)
{
    switch (d->set) {

    case NGX_UPLINK_DEADLINE_CLASS:
        ngx_queue_remove(&d->in.queue);
        break;

    case NGX_UPLINK_DEADLINE_TREE:
        ngx_uplink_tree_delete(&fleet->sh->deadlines, &d->in.node);
        break;
    }

    d->set = 0;
}


/* the first of each class, and of the tree: which of them is the next? */

static ngx_uplink_deadline_t *
ngx_uplink_deadline_next(ngx_uplink_sh_t *sh)
{
    ngx_uint_t              i;
    ngx_queue_t            *q;
    ngx_rbtree_node_t      *node;
    ngx_uplink_deadline_t  *d, *next;

    next = NULL;
    node = ngx_uplink_tree_first(&sh->deadlines);

    if (node) {
        next = (ngx_uplink_deadline_t *)
                   ((u_char *) node - offsetof(ngx_uplink_deadline_t, in));
    }

    for (i = 0; i < NGX_UPLINK_CLASSES; i++) {

        if (ngx_queue_empty(&sh->classes[i].queue)) {
            continue;
        }

        q = ngx_queue_head(&sh->classes[i].queue);
        d = (ngx_uplink_deadline_t *)
                ((u_char *) q - offsetof(ngx_uplink_deadline_t, in));

        if (next == NULL || d->at < next->at) {
            next = d;
        }
    }

    return next;
}


ngx_msec_t
ngx_uplink_sweep(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t              n;
    ngx_msec_t              next;
    ngx_uplink_deadline_t  *d;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_TIMER_INFINITE;
    }

    next = NGX_TIMER_INFINITE;

    for (n = 0; /* void */ ; n++) {

        d = ngx_uplink_deadline_next(fleet->sh);

        if (d == NULL) {
            break;
        }

        if (d->at > ngx_current_msec) {
            next = d->at - ngx_current_msec;
            break;
        }

        if (n == NGX_UPLINK_SWEEP) {
            next = 0;
            break;
        }

        ngx_uplink_deadline_clear(fleet, d);

        ngx_uplink_due[d->kind](fleet, d);
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
                ((u_char *) d - offsetof(ngx_uplink_operator_t, deadline)),
                            NULL);
}
