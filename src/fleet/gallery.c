
/*
 * Terminals as others see them: in pages, and ended from outside.
 */


#include "fleet/journal.h"
#include "fleet/terminal_life.h"


#define NGX_UPLINK_GALLERY_SCAN  256


static ngx_uint_t ngx_uplink_gallery_may(ngx_uplink_terminal_t *t,
    ngx_uplink_actor_t *actor);
static void ngx_uplink_gallery_fill(ngx_uplink_terminal_view_t *view,
    ngx_uplink_terminal_t *t);


ngx_int_t
ngx_uplink_terminal_after(ngx_uplink_fleet_t *fleet, uint64_t handle,
    ngx_uplink_actor_t *actor, ngx_uplink_terminal_view_t *view)
{
    ngx_int_t               rc;
    ngx_uint_t              n;
    ngx_rbtree_node_t      *node;
    ngx_uplink_terminal_t  *t;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = NGX_DONE;
    node = ngx_uplink_tree_above(&fleet->sh->terminals, handle);

    for (n = 1; node; n++) {

        t = (ngx_uplink_terminal_t *) node;

        if (t->state != NGX_UPLINK_TERMINAL_ENDED
            && ngx_uplink_gallery_may(t, actor))
        {
            ngx_uplink_gallery_fill(view, t);
            rc = NGX_OK;
            break;
        }

        if (n == NGX_UPLINK_GALLERY_SCAN) {
            view->handle = t->handle;
            rc = NGX_AGAIN;
            break;
        }

        node = ngx_uplink_tree_next(&fleet->sh->terminals, node);
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_terminal_delete(ngx_uplink_fleet_t *fleet, uint64_t handle,
    ngx_uplink_actor_t *actor)
{
    ngx_int_t               rc;
    ngx_rbtree_node_t      *node;
    ngx_uplink_terminal_t  *t;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    node = ngx_uplink_tree_from(&fleet->sh->terminals, handle);
    t = (ngx_uplink_terminal_t *) node;
    rc = NGX_ABORT;

    if (node && node->key == handle
        && t->state != NGX_UPLINK_TERMINAL_ENDED
        && ngx_uplink_gallery_may(t, actor))
    {
        ngx_uplink_audit_deleted(fleet, t, actor);
        ngx_uplink_terminal_close(fleet, t, "deleted", 7);
        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_EXIT, -1, NULL, 0,
                                "deleted", 7);
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


static ngx_uint_t
ngx_uplink_gallery_may(ngx_uplink_terminal_t *t, ngx_uplink_actor_t *actor)
{
    ngx_str_t  ws;

    ws = ngx_uplink_terminal_field(t, NGX_UPLINK_TERMINAL_WORKSPACE);

    return ngx_uplink_actor_sees(actor, &ws);
}


static void
ngx_uplink_gallery_fill(ngx_uplink_terminal_view_t *view,
    ngx_uplink_terminal_t *t)
{
    u_char      *p;
    ngx_str_t    field;
    ngx_uint_t   i;

    view->handle = t->handle;
    view->created = t->created;
    view->offset = t->offset;
    view->state = t->state;
    view->seats = t->nseats;
    view->away = (t->away_until != 0);

    view->agent_len = t->ticket->sled->name.len;
    ngx_memcpy(view->agent, t->ticket->sled->name.data, view->agent_len);

    view->session_len = t->session.len;
    ngx_memcpy(view->session, t->session_id, t->session.len);

    p = view->text;

    for (i = 0; i < NGX_UPLINK_TERMINAL_FIELDS; i++) {
        field = ngx_uplink_terminal_field(t, i);

        view->field[i].data = p;
        view->field[i].len = field.len;
        p = ngx_cpymem(p, field.data, field.len);
    }
}
