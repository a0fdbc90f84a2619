
/*
 * Logical sleds as others see them: one, all in pages, and sent away.
 */


#include "fleet/journal.h"


#define NGX_UPLINK_ROSTER_SCAN   256
#define NGX_UPLINK_ROSTER_ABOUT  4096


static ngx_uint_t ngx_uplink_roster_may(ngx_uplink_sled_t *sled,
    ngx_uplink_actor_t *actor);
static void ngx_uplink_roster_fill(ngx_uplink_sled_view_t *view,
    ngx_uplink_sled_t *sled);


static u_char  ngx_uplink_roster_about[NGX_UPLINK_ROSTER_ABOUT];


ngx_int_t
ngx_uplink_sled_view(ngx_uplink_fleet_t *fleet, ngx_str_t *agent,
    ngx_uplink_actor_t *actor, ngx_uplink_sled_view_t *view)
{
    ngx_int_t           rc;
    ngx_uplink_sled_t  *sled;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    sled = ngx_uplink_roster_find(fleet, agent, actor);
    rc = NGX_ABORT;

    if (sled) {
        ngx_uplink_roster_fill(view, sled);
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_sled_after(ngx_uplink_fleet_t *fleet, ngx_str_t *agent,
    ngx_uplink_actor_t *actor, ngx_uplink_sled_view_t *view)
{
    ngx_int_t           rc;
    ngx_uint_t          n;
    ngx_uplink_sled_t  *sled;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    sled = ngx_uplink_name_after(&fleet->sh->sleds, agent->data, agent->len);
    rc = NGX_DONE;

    for (n = 1; sled; n++) {

        if (ngx_uplink_roster_may(sled, actor)) {
            ngx_uplink_roster_fill(view, sled);
            rc = NGX_OK;
            break;
        }

        if (n == NGX_UPLINK_ROSTER_SCAN) {
            ngx_memcpy(view->agent, sled->name.data, sled->name.len);
            view->agent_len = sled->name.len;
            rc = NGX_AGAIN;
            break;
        }

        sled = (ngx_uplink_sled_t *)
                   ngx_uplink_tree_next(&fleet->sh->sleds, &sled->name.node);
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_sled_kick(ngx_uplink_fleet_t *fleet, ngx_str_t *agent,
    ngx_uplink_actor_t *actor)
{
    ngx_queue_t          *q, *next;
    ngx_uplink_link_t    *link;
    ngx_uplink_sled_t    *sled;
    ngx_uplink_ticket_t  *ticket;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    sled = ngx_uplink_roster_find(fleet, agent, actor);

    if (sled == NULL) {
        ngx_uplink_unlock(fleet);
        return NGX_ABORT;
    }

    ngx_uplink_audit_kicked(fleet, sled, actor);

    for (q = ngx_queue_head(&sled->links);
         q != ngx_queue_sentinel(&sled->links);
         q = ngx_queue_next(q))
    {
        link = ngx_queue_data(q, ngx_uplink_link_t, queue);
        ngx_uplink_box_post(fleet, &link->box, NGX_UPLINK_BIT_KICKED);
    }

    for (q = ngx_queue_head(&sled->tickets);
         q != ngx_queue_sentinel(&sled->tickets);
         q = next)
    {
        next = ngx_queue_next(q);

        ticket = ngx_queue_data(q, ngx_uplink_ticket_t, queue);
        ticket->resumable = 0;

        if (ticket->link) {
            continue;
        }

        /* the last of a sled without connections takes the sled with it */

        if (next == ngx_queue_sentinel(&sled->tickets)) {
            ngx_uplink_ticket_end(fleet, ticket);
            break;
        }

        ngx_uplink_ticket_end(fleet, ticket);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_uplink_sled_t *
ngx_uplink_roster_find(ngx_uplink_fleet_t *fleet, ngx_str_t *agent,
    ngx_uplink_actor_t *actor)
{
    ngx_uplink_sled_t  *sled;

    sled = ngx_uplink_name_find(&fleet->sh->sleds, agent->data, agent->len);

    if (sled == NULL || !ngx_uplink_roster_may(sled, actor)) {
        return NULL;
    }

    return sled;
}


static ngx_uint_t
ngx_uplink_roster_may(ngx_uplink_sled_t *sled, ngx_uplink_actor_t *actor)
{
    ngx_str_t   ws;
    ngx_uint_t  i;

    for (i = 0; i < sled->nworkspaces; i++) {
        ws.data = sled->workspaces[i]->name.data;
        ws.len = sled->workspaces[i]->name.len;

        if (ngx_uplink_actor_sees(actor, &ws)) {
            return 1;
        }
    }

    return actor->everywhere;
}


ngx_uint_t
ngx_uplink_actor_sees(ngx_uplink_actor_t *actor, ngx_str_t *ws)
{
    ngx_uint_t  i;

    if (actor->everywhere) {
        return 1;
    }

    for (i = 0; i < actor->nworkspaces; i++) {
        if (actor->workspaces[i].len == ws->len
            && ngx_memcmp(actor->workspaces[i].data, ws->data, ws->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static void
ngx_uplink_roster_fill(ngx_uplink_sled_view_t *view, ngx_uplink_sled_t *sled)
{
    ngx_queue_t          *q;
    ngx_uplink_link_t    *link;
    ngx_uplink_ticket_t  *ticket;

    ngx_memcpy(view->agent, sled->name.data, sled->name.len);
    view->agent_len = sled->name.len;

    view->about.data = ngx_uplink_roster_about;
    view->about.len = 0;

    if (ngx_uplink_blob_len(sled->about) <= NGX_UPLINK_ROSTER_ABOUT) {
        view->about.len = ngx_uplink_blob_copy(view->about.data, sled->about)
                          - view->about.data;
    }

    view->connections = sled->nlinks;
    view->inflight = sled->inflight;
    view->tasks = sled->ntasks;
    view->since = sled->since;
    view->seen = sled->seen;
    view->paused = 0;
    view->away = 0;

    for (q = ngx_queue_head(&sled->links);
         q != ngx_queue_sentinel(&sled->links);
         q = ngx_queue_next(q))
    {
        link = ngx_queue_data(q, ngx_uplink_link_t, queue);
        view->paused += (link->paused && link->ticket);
    }

    for (q = ngx_queue_head(&sled->tickets);
         q != ngx_queue_sentinel(&sled->tickets);
         q = ngx_queue_next(q))
    {
        ticket = ngx_queue_data(q, ngx_uplink_ticket_t, queue);
        view->away += (ticket->link == NULL);
    }
}
