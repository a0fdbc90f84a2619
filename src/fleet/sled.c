
/*
 * Logical sleds, the connections they stand on, and the tickets by which a
 * connection's work is handed to the next one.
 */


#include "fleet/bearer.h"
#include "fleet/event.h"
#include "fleet/journal.h"

#include <openssl/crypto.h>


#define NGX_UPLINK_REAP  64


static ngx_uplink_sled_t *ngx_uplink_sled_get(ngx_uplink_fleet_t *fleet,
    ngx_str_t *agent);
static void ngx_uplink_sled_put(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled);
static ngx_int_t ngx_uplink_sled_describe(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled, ngx_uplink_admission_t *adm);
static void ngx_uplink_sled_forget(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled);
static ngx_uplink_ticket_t *ngx_uplink_ticket_find(ngx_uplink_sled_t *sled,
    ngx_uplink_admission_t *adm);
static ngx_uplink_ticket_t *ngx_uplink_ticket_create(
    ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled,
    ngx_uplink_admission_t *adm);
static ngx_uplink_link_t *ngx_uplink_link_create(ngx_uplink_fleet_t *fleet,
    ngx_uplink_admission_t *adm);
static void ngx_uplink_link_free(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link);
static ngx_uint_t ngx_uplink_link_take(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled, ngx_uplink_admission_t *adm, uint32_t slot,
    ngx_uplink_link_t **link);
static void ngx_uplink_link_leave(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_uint_t goodbye);


static ngx_uplink_sled_t *
ngx_uplink_sled_get(ngx_uplink_fleet_t *fleet, ngx_str_t *agent)
{
    ngx_uplink_sled_t  *sled;

    sled = ngx_uplink_name_find(&fleet->sh->sleds, agent->data, agent->len);

    if (sled) {
        return sled;
    }

    sled = ngx_uplink_alloc(fleet,
                            offsetof(ngx_uplink_sled_t, text) + agent->len);
    if (sled == NULL) {
        return NULL;
    }

    ngx_memcpy(sled->text, agent->data, agent->len);

    sled->name.data = sled->text;
    sled->name.len = agent->len;
    sled->since = ngx_uplink_now();

    ngx_queue_init(&sled->links);
    ngx_queue_init(&sled->tickets);
    ngx_queue_init(&sled->announced);
    ngx_uplink_tree_init(fleet->sh, &sled->tasks);

    ngx_uplink_name_insert(&fleet->sh->sleds, &sled->name);
    fleet->sh->nsleds++;

    return sled;
}


/* a sled is there as long as a connection of it, or what one has left */

static void
ngx_uplink_sled_put(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled)
{
    if (!ngx_queue_empty(&sled->links) || !ngx_queue_empty(&sled->tickets)) {
        return;
    }

    ngx_uplink_tasks_forget(fleet, sled);
    ngx_uplink_sled_forget(fleet, sled);

    ngx_uplink_tree_delete(&fleet->sh->sleds, &sled->name.node);
    ngx_uplink_free(fleet, sled);

    fleet->sh->nsleds--;
}


/* what its newest connection says of it, and what its credential allows */

static ngx_int_t
ngx_uplink_sled_describe(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled,
    ngx_uplink_admission_t *adm)
{
    ngx_uint_t               i, n;
    ngx_uplink_blob_t       *about;
    ngx_uplink_workspace_t  **ws;

    about = NULL;
    ws = NULL;
    n = ngx_min(adm->nworkspaces, NGX_UPLINK_MAX_WORKSPACES);

    if (adm->about.len) {
        about = ngx_uplink_blob_create(fleet, &adm->about, 1);

        if (about == NULL) {
            return NGX_ERROR;
        }
    }

    if (n) {
        ws = ngx_uplink_alloc(fleet, n * sizeof(ngx_uplink_workspace_t *));

        if (ws == NULL) {
            ngx_uplink_blob_free(fleet, about);
            return NGX_ERROR;
        }
    }

    for (i = 0; i < n; i++) {
        ws[i] = ngx_uplink_workspace_get(fleet, &adm->workspaces[i]);

        if (ws[i] == NULL) {

            while (i) {
                ngx_uplink_workspace_put(fleet, ws[--i]);
            }

            ngx_uplink_free(fleet, ws);
            ngx_uplink_blob_free(fleet, about);
            return NGX_ERROR;
        }
    }

    ngx_uplink_sled_forget(fleet, sled);

    sled->about = about;
    sled->workspaces = ws;
    sled->nworkspaces = n;

    return NGX_OK;
}


static void
ngx_uplink_sled_forget(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled)
{
    ngx_uint_t  i;

    for (i = 0; i < sled->nworkspaces; i++) {
        ngx_uplink_workspace_put(fleet, sled->workspaces[i]);
    }

    if (sled->workspaces) {
        ngx_uplink_free(fleet, sled->workspaces);
    }

    ngx_uplink_blob_free(fleet, sled->about);

    sled->about = NULL;
    sled->workspaces = NULL;
    sled->nworkspaces = 0;
}


/* the one that connection_id and token name; both, or none */

static ngx_uplink_ticket_t *
ngx_uplink_ticket_find(ngx_uplink_sled_t *sled, ngx_uplink_admission_t *adm)
{
    u_char                hex[32];
    ngx_str_t            *id;
    ngx_queue_t          *q;
    ngx_uplink_ticket_t  *ticket;

    id = &adm->resume_id;

    if (id->len != adm->agent.len + 1 + sizeof(hex)
        || ngx_memcmp(id->data, adm->agent.data, adm->agent.len) != 0
        || id->data[adm->agent.len] != '-')
    {
        return NULL;
    }

    for (q = ngx_queue_head(&sled->tickets);
         q != ngx_queue_sentinel(&sled->tickets);
         q = ngx_queue_next(q))
    {
        ticket = ngx_queue_data(q, ngx_uplink_ticket_t, queue);

        if (!ticket->resumable) {
            continue;
        }

        ngx_hex_dump(hex, ticket->id, 16);

        if (ngx_memcmp(hex, id->data + adm->agent.len + 1, sizeof(hex)) == 0
            && CRYPTO_memcmp(ticket->token, adm->resume_token,
                             NGX_UPLINK_TICKET_TOKEN)
               == 0)
        {
            return ticket;
        }
    }

    return NULL;
}


static ngx_uplink_ticket_t *
ngx_uplink_ticket_create(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled,
    ngx_uplink_admission_t *adm)
{
    ngx_queue_t          *q;
    ngx_uplink_ticket_t  *ticket, *old;

    ticket = ngx_uplink_alloc(fleet, sizeof(ngx_uplink_ticket_t));
    if (ticket == NULL) {
        return NULL;
    }

    ticket->sled = sled;

    ngx_queue_init(&ticket->requests);
    ngx_queue_init(&ticket->unapplied);
    ngx_queue_init(&ticket->outbox);
    ngx_queue_init(&ticket->sending);
    ngx_queue_init(&ticket->terminals);
    ngx_queue_init(&ticket->ready);
    ngx_uplink_tree_init(fleet->sh, &ticket->sessions);

    ngx_queue_insert_tail(&sled->tickets, &ticket->queue);
    sled->ntickets++;

    /* one that comes and goes does not heap up windows: the oldest goes */

    if (sled->ntickets <= 2 * adm->max_connections) {
        return ticket;
    }

    for (q = ngx_queue_head(&sled->tickets);
         q != ngx_queue_sentinel(&sled->tickets);
         q = ngx_queue_next(q))
    {
        old = ngx_queue_data(q, ngx_uplink_ticket_t, queue);

        if (old->link == NULL && old != ticket) {
            ngx_uplink_ticket_end(fleet, old);
            break;
        }
    }

    return ticket;
}


/* nobody comes back for it: who saw its requests is told */

void
ngx_uplink_ticket_end(ngx_uplink_fleet_t *fleet, ngx_uplink_ticket_t *ticket)
{
    ngx_queue_t        *q;
    ngx_uplink_sled_t  *sled;

    sled = ticket->sled;

    ngx_uplink_event_sled(fleet, sled, NGX_UPLINK_EVENT_LEFT);
    ngx_uplink_audit_ticket(fleet, ticket, NGX_UPLINK_AUDIT_sled_left);

    ngx_uplink_deadline_clear(fleet, &ticket->deadline);

    ngx_uplink_terminals_lost(fleet, ticket);

    while (!ngx_queue_empty(&ticket->requests)) {
        q = ngx_queue_head(&ticket->requests);

        ngx_uplink_request_withdraw(fleet,
                            ngx_queue_data(q, ngx_uplink_request_t, queue),
                            NGX_UPLINK_REASON_SLED_LOST);
    }

    while (!ngx_queue_empty(&ticket->unapplied)) {
        q = ngx_queue_head(&ticket->unapplied);
        ngx_uplink_request_detach(
                            ngx_queue_data(q, ngx_uplink_request_t, queue));
    }

    while (!ngx_queue_empty(&ticket->outbox)) {
        q = ngx_queue_head(&ticket->outbox);
        ngx_uplink_request_detach(
                            ngx_queue_data(q, ngx_uplink_request_t, outbox));
    }

    if (ticket->link) {
        ticket->link->ticket = NULL;
    }

    ngx_queue_remove(&ticket->queue);
    sled->ntickets--;
    ngx_uplink_free(fleet, ticket);

    ngx_uplink_sled_put(fleet, sled);
}


ngx_int_t
ngx_uplink_link_admit(ngx_uplink_fleet_t *fleet, ngx_uplink_admission_t *adm,
    uint32_t slot, ngx_uplink_link_t **link, ngx_uint_t *result)
{
    ngx_uplink_sled_t  *sled;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    sled = ngx_uplink_sled_get(fleet, &adm->agent);

    if (sled == NULL) {
        *result = NGX_UPLINK_ADMIT_FULL;

    } else {
        *result = ngx_uplink_link_take(fleet, sled, adm, slot, link);
        ngx_uplink_sled_put(fleet, sled);
    }

    switch (*result) {

    case NGX_UPLINK_ADMIT_RESUMED:
        ngx_uplink_count(fleet, NGX_UPLINK_COUNT_sleds_resumed);

        /* fall through */

    case NGX_UPLINK_ADMIT_OK:
        ngx_uplink_count(fleet, NGX_UPLINK_COUNT_sleds_accepted);
        break;

    default:
        ngx_uplink_count_word(fleet, NGX_UPLINK_FAMILY_sleds_refused,
                              (*result == NGX_UPLINK_ADMIT_TOO_MANY)
                              ? "too_many_connections" : "zone_full");
        break;
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


static ngx_uint_t
ngx_uplink_link_take(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled,
    ngx_uplink_admission_t *adm, uint32_t slot, ngx_uplink_link_t **link)
{
    ngx_uint_t            nlinks, resumed;
    ngx_uplink_link_t    *new, *old;
    ngx_uplink_ticket_t  *ticket;

    old = NULL;
    nlinks = sled->nlinks;

    ticket = ngx_uplink_ticket_find(sled, adm);
    resumed = (ticket != NULL);

    if (ticket && ticket->link) {
        old = ticket->link;
        nlinks--;
    }

    if (nlinks >= adm->max_connections) {
        return NGX_UPLINK_ADMIT_TOO_MANY;
    }

    new = ngx_uplink_link_create(fleet, adm);
    if (new == NULL) {
        return NGX_UPLINK_ADMIT_FULL;
    }

    if (ngx_uplink_sled_describe(fleet, sled, adm) != NGX_OK) {
        ngx_uplink_link_free(fleet, new);
        return NGX_UPLINK_ADMIT_FULL;
    }

    if (ticket == NULL) {
        ticket = ngx_uplink_ticket_create(fleet, sled, adm);

        if (ticket == NULL) {
            ngx_uplink_link_free(fleet, new);
            return NGX_UPLINK_ADMIT_FULL;
        }
    }

    if (old) {

        /* it counts no more, and takes nothing with it */

        old->ticket = NULL;
        sled->nlinks--;
        ngx_uplink_box_post(fleet, &old->box, NGX_UPLINK_BIT_REPLACED);
    }

    ngx_uplink_deadline_clear(fleet, &ticket->deadline);

    ngx_memcpy(ticket->id, adm->id, 16);
    ngx_memcpy(ticket->token, adm->token, NGX_UPLINK_TICKET_TOKEN);
    ticket->window = (uint32_t) ngx_min(adm->window, NGX_MAX_UINT32_VALUE);
    ticket->resumable = (adm->registered && adm->window);
    ticket->link = new;

    new->sled = sled;
    new->ticket = ticket;
    new->features = (uint32_t) adm->features;
    new->registered = adm->registered;
    new->since = ngx_uplink_now();
    new->port = fleet->node->port;

    ngx_uplink_box_init(&new->box);
    ngx_uplink_box_own(fleet, &new->box, slot);

    ngx_queue_insert_tail(&sled->links, &new->queue);
    ngx_queue_insert_tail(&ngx_uplink_bus_port(fleet)->links, &new->ported);

    sled->nlinks++;
    fleet->sh->nlinks++;

    *link = new;

    ngx_uplink_event_sled(fleet, sled, resumed ? NGX_UPLINK_EVENT_BACK
                                               : NGX_UPLINK_EVENT_CAME);
    ngx_uplink_audit_admitted(fleet, ticket, adm, resumed);

    if (!resumed) {
        return NGX_UPLINK_ADMIT_OK;
    }

    ngx_uplink_request_redeliver(fleet, ticket);
    ngx_uplink_terminals_back(fleet, ticket);

    return NGX_UPLINK_ADMIT_RESUMED;
}


static ngx_uplink_link_t *
ngx_uplink_link_create(ngx_uplink_fleet_t *fleet, ngx_uplink_admission_t *adm)
{
    ngx_uplink_link_t  *link;

    link = ngx_uplink_alloc(fleet, sizeof(ngx_uplink_link_t));

    if (link == NULL || adm->digest == NULL) {
        return link;
    }

    link->bearer = ngx_uplink_bearer_enter(fleet, &link->box, adm->digest);

    if (link->bearer == NULL) {
        ngx_uplink_free(fleet, link);
        return NULL;
    }

    return link;
}


static void
ngx_uplink_link_free(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link)
{
    ngx_uplink_bearer_leave(fleet, link->bearer);
    ngx_uplink_free(fleet, link);
}


ngx_int_t
ngx_uplink_link_release(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_uint_t goodbye, uint64_t written)
{
    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (link->ticket) {
        ngx_uplink_request_written(fleet, link->ticket, written);
    }

    ngx_uplink_link_leave(fleet, link, goodbye);

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


static void
ngx_uplink_link_leave(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_uint_t goodbye)
{
    ngx_uplink_sled_t    *sled;
    ngx_uplink_ticket_t  *ticket;

    sled = link->sled;
    ticket = link->ticket;

    if (link->paused) {
        fleet->sh->npaused--;
    }

    if (ticket) {
        sled->nlinks--;
    }

    ngx_uplink_box_disown(fleet, &link->box);
    ngx_queue_remove(&link->queue);
    ngx_queue_remove(&link->ported);
    ngx_uplink_link_free(fleet, link);

    fleet->sh->nlinks--;
    sled->seen = ngx_uplink_now();

    if (ticket == NULL) {
        ngx_uplink_sled_put(fleet, sled);
        return;
    }

    ticket->link = NULL;

    if (ticket->resumable && !goodbye) {
        ngx_uplink_event_sled(fleet, sled, NGX_UPLINK_EVENT_AWAY);
        ngx_uplink_audit_ticket(fleet, ticket, NGX_UPLINK_AUDIT_sled_away);
        ngx_uplink_terminals_away(fleet, ticket);

        ngx_uplink_deadline_set(fleet, &ticket->deadline,
                                NGX_UPLINK_DEADLINE_TICKET,
                                ngx_current_msec + ticket->window);
        return;
    }

    if (!goodbye) {
        ngx_uplink_count(fleet, NGX_UPLINK_COUNT_sleds_lost);
    }

    ngx_uplink_ticket_end(fleet, ticket);
}


ngx_int_t
ngx_uplink_link_pause(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_uint_t paused)
{
    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (link->paused != (paused != 0)) {
        link->paused = (paused != 0);

        if (paused) {
            fleet->sh->npaused++;

        } else {
            fleet->sh->npaused--;
        }
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_reap_port(ngx_uplink_fleet_t *fleet, ngx_uplink_port_t *port)
{
    ngx_uint_t              n;
    ngx_queue_t            *q;
    ngx_uplink_request_t   *request;

    for (n = 0; n < NGX_UPLINK_REAP; n++) {

        if (!ngx_queue_empty(&port->links)) {
            q = ngx_queue_head(&port->links);
            ngx_uplink_link_leave(fleet,
                            ngx_queue_data(q, ngx_uplink_link_t, ported), 0);
            continue;
        }

        if (!ngx_queue_empty(&port->operators)) {
            q = ngx_queue_head(&port->operators);
            ngx_uplink_operator_lost(fleet,
                            ngx_queue_data(q, ngx_uplink_operator_t, ported));
            continue;
        }

        if (!ngx_queue_empty(&port->waiters)) {
            q = ngx_queue_head(&port->waiters);
            request = ngx_queue_data(q, ngx_uplink_request_t, ported);

            ngx_uplink_request_withdraw(fleet, request,
                                        NGX_UPLINK_REASON_CANCELLED);
            continue;
        }

        if (!ngx_queue_empty(&port->seats)) {
            q = ngx_queue_head(&port->seats);
            ngx_uplink_seat_reap(fleet,
                            ngx_queue_data(q, ngx_uplink_seat_t, ported));
            continue;
        }

        ngx_uplink_journal_reap(fleet, port);

        return NGX_OK;
    }

    return NGX_AGAIN;
}
