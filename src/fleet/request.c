
/*
 * The steps of a request's life: opened, closed, settled, ended, forgotten.
 * Who takes them, and when, stands in decide.c, outbox.c and sweep.c.
 */


#include "fleet/request.h"
#include "fleet/event.h"
#include "fleet/journal.h"

#include <openssl/rand.h>


#define NGX_UPLINK_UNAPPLIED  256    /* remembered for perm_applied, a ticket */
#define NGX_UPLINK_IDS        1024   /* bytes */


static ngx_int_t ngx_uplink_request_id(u_char *id);
static uint64_t ngx_uplink_request_hash(ngx_uplink_sled_t *sled, u_char *ref,
    size_t len);
static ngx_uint_t ngx_uplink_request_refuse(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled, ngx_uplink_ask_t *ask, ngx_uplink_view_t *view);
static ngx_uint_t ngx_uplink_request_reaches(ngx_uplink_ask_t *ask,
    ngx_uplink_operator_t *op);
static ngx_uint_t ngx_uplink_request_attended(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ask_t *ask);
static ngx_uplink_request_t *ngx_uplink_request_create(
    ngx_uplink_fleet_t *fleet, ngx_uplink_ask_t *ask, u_char *id);
static void ngx_uplink_request_enter(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uplink_link_t *link, uint32_t slot);


/* by NGX_UPLINK_OPEN_...: why a request was refused */

static const char  *ngx_uplink_request_words[] = {
    "",
    "duplicate_req_id",
    "too_many_requests",
    "zone_full",
    "no_operator",
    "operator_unknown",
    ""
};


ngx_int_t
ngx_uplink_request_open(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    uint32_t slot, ngx_uplink_ask_t *ask, ngx_uplink_view_t *view,
    ngx_uint_t *result)
{
    u_char                 id[16];
    ngx_uplink_request_t  *q;

    if (ngx_uplink_request_id(id) != NGX_OK) {
        *result = NGX_UPLINK_OPEN_FULL;
        return NGX_OK;
    }

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (link && link->ticket == NULL) {

        /* its place was taken: what it says is void */

        ngx_uplink_unlock(fleet);
        return NGX_DECLINED;
    }

    *result = ngx_uplink_request_refuse(fleet, link ? link->sled : NULL, ask,
                                        view);
    if (*result != NGX_UPLINK_OPEN_OK) {
        goto refused;
    }

    q = ngx_uplink_request_create(fleet, ask, id);

    if (q == NULL) {
        *result = NGX_UPLINK_OPEN_FULL;
        goto refused;
    }

    ngx_uplink_request_enter(fleet, q, link, slot);
    ngx_uplink_audit_asked(fleet, q, ask);

    if (view) {
        (void) ngx_uplink_view_fill(view, q, 0);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;

refused:

    if (*result == NGX_UPLINK_OPEN_AWAY) {
        ngx_uplink_count(fleet, NGX_UPLINK_COUNT_hooks_dropped);

    } else {
        ngx_uplink_request_refused(fleet, ask->kind,
                                   ngx_uplink_request_words[*result]);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


void
ngx_uplink_request_refused(ngx_uplink_fleet_t *fleet, ngx_uint_t kind,
    const char *why)
{
    ngx_uplink_count_word(fleet, NGX_UPLINK_FAMILY_requests_refused, why);

    if (kind == NGX_UPLINK_KIND_PERM) {
        ngx_uplink_count_word(fleet, NGX_UPLINK_FAMILY_permissions_denied,
                              why);
    }
}


/*
 * Ids are drawn a page at a time: a call of the generator costs as much as
 * all the rest of opening a request.  Of this process alone: workers are
 * forked before the first is drawn.
 */

static ngx_int_t
ngx_uplink_request_id(u_char *id)
{
    static u_char      pool[NGX_UPLINK_IDS];
    static ngx_uint_t  left;

    if (left < 16) {

        if (RAND_bytes(pool, sizeof(pool)) != 1) {
            return NGX_ERROR;
        }

        left = sizeof(pool);
    }

    left -= 16;
    ngx_memcpy(id, pool + left, 16);

    return NGX_OK;
}


static ngx_uint_t
ngx_uplink_request_refuse(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled,
    ngx_uplink_ask_t *ask, ngx_uplink_view_t *view)
{
    ngx_uplink_request_t   *q;
    ngx_uplink_operator_t  *op;

    if (sled) {
        q = ngx_uplink_request_named(fleet, sled, ask->ref.data,
                                     ask->ref.len);

        if (q) {
            if (q->inflight) {
                if (view) {
                    (void) ngx_uplink_view_fill(view, q, 0);
                }

                return NGX_UPLINK_OPEN_DUPLICATE;
            }

            /* it has ended: the name is free */

            ngx_uplink_request_detach(q);
        }

        if (sled->inflight >= ask->max_inflight) {
            return NGX_UPLINK_OPEN_TOO_MANY;
        }
    }

    if (ask->target.len) {
        op = ngx_uplink_operator_find(fleet, ask->target.data,
                                      ask->target.len);
        if (op == NULL || !ngx_uplink_request_reaches(ask, op)) {
            return NGX_UPLINK_OPEN_UNKNOWN;
        }

        if (ask->kind == NGX_UPLINK_KIND_HOOK_AFTER && !op->attached) {
            return NGX_UPLINK_OPEN_AWAY;
        }

        return NGX_UPLINK_OPEN_OK;
    }

    if (!ngx_uplink_request_attended(fleet, ask)) {

        if (ask->kind == NGX_UPLINK_KIND_HOOK_AFTER) {
            return NGX_UPLINK_OPEN_AWAY;
        }

        if (ask->no_operator) {
            return NGX_UPLINK_OPEN_NO_OPERATOR;
        }
    }

    return NGX_UPLINK_OPEN_OK;
}


/* who is of no workspace of the asker's is nobody to him */

static ngx_uint_t
ngx_uplink_request_reaches(ngx_uplink_ask_t *ask, ngx_uplink_operator_t *op)
{
    ngx_uint_t          i, j;
    ngx_uplink_name_t  *ws;

    if (ask->anywhere || (op->everywhere && ask->nreach)) {
        return 1;
    }

    for (i = 0; i < op->nworkspaces; i++) {
        ws = &op->workspaces[i]->name;

        for (j = 0; j < ask->nreach; j++) {
            if (ask->reach[j].len == ws->len
                && ngx_memcmp(ask->reach[j].data, ws->data, ws->len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}


/* is anybody attached who may answer this? */

static ngx_uint_t
ngx_uplink_request_attended(ngx_uplink_fleet_t *fleet, ngx_uplink_ask_t *ask)
{
    ngx_uplink_workspace_t  *ws;

    if (fleet->sh->star_attached) {
        return 1;
    }

    if (ask->workspace.len == 0) {
        return 0;
    }

    ws = ngx_uplink_name_find(&fleet->sh->workspaces, ask->workspace.data,
                              ask->workspace.len);

    return (ws && ws->attached);
}


/* all that needs memory, before anything is changed */

static ngx_uplink_request_t *
ngx_uplink_request_create(ngx_uplink_fleet_t *fleet, ngx_uplink_ask_t *ask,
    u_char *id)
{
    u_char                *p;
    ngx_uplink_request_t  *q;

    q = ngx_uplink_alloc(fleet, offsetof(ngx_uplink_request_t, text)
                                + ask->agent.len + ask->ref.len);
    if (q == NULL) {
        return NULL;
    }

    if (ask->workspace.len) {
        q->workspace = ngx_uplink_workspace_get(fleet, &ask->workspace);

        if (q->workspace == NULL) {
            goto failed;
        }
    }

    q->payload = ngx_uplink_blob_create(fleet, ask->parts, ask->nparts);

    if (q->payload == NULL) {
        goto failed;
    }

    ngx_memcpy(q->id, id, 16);
    (void) ngx_hex_dump(q->hex, id, 16);

    if (ask->sha256) {
        ngx_memcpy(q->sha256, ask->sha256, 32);
    }

    q->kind = ask->kind;
    q->memory = ask->memory;
    q->latest = ngx_current_msec + ask->max;
    q->created = ngx_uplink_now();
    q->expires = q->created + ask->timeout;

    p = q->text;

    if (ask->agent.len) {
        p = ngx_cpymem(p, ask->agent.data, ask->agent.len);
        q->agent_len = ask->agent.len;
    }

    if (ask->ref.len) {
        ngx_memcpy(p, ask->ref.data, ask->ref.len);
    }

    q->ref.data = p;
    q->ref.len = ask->ref.len;

    if (ask->target.len) {
        ngx_memcpy(q->target, ask->target.data, ask->target.len);
        q->target_len = ask->target.len;
    }

    ngx_uplink_box_init(&q->waiter);

    return q;

failed:

    if (q->workspace) {
        ngx_uplink_workspace_put(fleet, q->workspace);
    }

    ngx_uplink_free(fleet, q);

    return NULL;
}


static void
ngx_uplink_request_enter(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uplink_link_t *link, uint32_t slot)
{
    uint64_t          hash;
    ngx_uplink_sh_t  *sh;

    sh = fleet->sh;

    ngx_memcpy(&hash, q->id, sizeof(uint64_t));
    ngx_uplink_table_insert(&sh->requests, &q->cell, hash);

    ngx_uplink_count(fleet, NGX_UPLINK_COUNT_requests_opened);

    if (q->kind == NGX_UPLINK_KIND_HOOK_AFTER) {

        /* nobody answers it: it is told once, and has ended */

        q->state = NGX_UPLINK_STATE_DELIVERED;
        ngx_uplink_request_change(fleet, q, NGX_UPLINK_CHANGE_OPENED);
        ngx_uplink_request_end(fleet, q);
        return;
    }

    if (link) {
        q->ticket = link->ticket;
        q->inflight = 1;
        q->in_queue = 1;
        q->in_refs = 1;

        ngx_queue_insert_tail(&link->ticket->requests, &q->queue);
        link->ticket->nrequests++;
        link->sled->inflight++;

        ngx_uplink_table_insert(&sh->refs, &q->named,
                                ngx_uplink_request_hash(link->sled,
                                                        q->ref.data,
                                                        q->ref.len));

    } else if (slot != NGX_UPLINK_NO_SLOT) {
        q->waited = 1;
        ngx_uplink_box_own(fleet, &q->waiter, slot);
        ngx_queue_insert_tail(&ngx_uplink_bus_port(fleet)->waiters,
                              &q->ported);
    }

    if (q->target_len) {
        q->operator = ngx_uplink_operator_find(fleet, q->target,
                                               q->target_len);
        ngx_queue_insert_tail(&q->operator->direct, &q->direct);
        q->operator->ndirect++;
        sh->ndirect++;

    } else if (q->workspace) {
        q->workspace->open++;
    }

    ngx_uplink_request_change(fleet, q, NGX_UPLINK_CHANGE_OPENED);

    ngx_uplink_log_append(&sh->open, &q->open, sh->version);
    sh->nopen++;

    ngx_uplink_deadline_set(fleet, &q->deadline, NGX_UPLINK_DEADLINE_REQUEST,
                            ngx_current_msec + (q->expires - q->created));
}


/* of a name within a sled; in a table of the fleet */

static uint64_t
ngx_uplink_request_hash(ngx_uplink_sled_t *sled, u_char *ref, size_t len)
{
    return (uint64_t) sled->name.node.key << 32 ^ ngx_crc32_short(ref, len)
           ^ (uintptr_t) sled;
}


ngx_uplink_request_t *
ngx_uplink_request_named(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled,
    u_char *ref, size_t len)
{
    ngx_uplink_cell_t     *cell;
    ngx_uplink_request_t  *q;

    for (cell = ngx_uplink_table_find(&fleet->sh->refs,
                                   ngx_uplink_request_hash(sled, ref, len));
         cell;
         cell = ngx_uplink_table_next(cell))
    {
        q = (ngx_uplink_request_t *)
                ((u_char *) cell - offsetof(ngx_uplink_request_t, named));

        if (q->ticket->sled == sled && q->ref.len == len
            && ngx_memcmp(q->ref.data, ref, len) == 0)
        {
            return q;
        }
    }

    return NULL;
}


/* everyone who follows hears of it, in this order */

void
ngx_uplink_request_change(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uint_t change)
{
    ngx_uplink_sh_t     *sh;
    ngx_uplink_entry_t  *e;

    sh = fleet->sh;
    e = &q->changes[change];

    if (q->changed & (1 << change)) {
        ngx_uplink_log_remove(&sh->changes, e);
    }

    e->what = change;

    ngx_uplink_log_append(&sh->changes, e, ++sh->version);
    q->changed |= 1 << change;

    ngx_uplink_event_request(fleet, q);
    ngx_uplink_bus_changes(fleet);
}


/* it is open no more: nobody can decide it, and nobody needs its payload */

void
ngx_uplink_request_close(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q)
{
    ngx_uplink_log_remove(&fleet->sh->open, &q->open);
    fleet->sh->nopen--;

    if (q->operator) {
        ngx_queue_remove(&q->direct);
        q->operator->ndirect--;
        q->operator = NULL;
        fleet->sh->ndirect--;

    } else if (q->workspace && q->target_len == 0) {
        q->workspace->open--;
    }

    ngx_uplink_deadline_clear(fleet, &q->deadline);
    ngx_uplink_blob_free(fleet, q->payload);
    q->payload = NULL;

    q->news &= ~NGX_UPLINK_NEWS_PENDING;

    if (q->in_outbox && q->news == 0) {
        ngx_queue_remove(&q->outbox);
        q->in_outbox = 0;
    }
}


/* the sled waits for it no more: its name is free, its share given back */

void
ngx_uplink_request_settle(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q)
{
    (void) fleet;

    if (!q->inflight) {
        return;
    }

    q->inflight = 0;
    q->ticket->sled->inflight--;
    q->ticket->nrequests--;

    ngx_queue_remove(&q->queue);
    q->in_queue = 0;
}


/* it leaves the sled's books altogether */

void
ngx_uplink_request_detach(ngx_uplink_request_t *q)
{
    if (q->in_refs) {
        ngx_uplink_table_delete(&q->named);
        q->in_refs = 0;
    }

    if (q->in_queue) {
        ngx_queue_remove(&q->queue);
        q->in_queue = 0;
        q->ticket->nunapplied--;
    }

    if (q->in_outbox || q->in_sending) {
        ngx_queue_remove(&q->outbox);
        q->in_outbox = 0;
        q->in_sending = 0;
    }

    q->ticket = NULL;
    q->news = 0;
}


/* remembered, so that a repeat gets the same answer */

void
ngx_uplink_request_end(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q)
{
    ngx_queue_insert_tail(&fleet->sh->ended, &q->ended);
    fleet->sh->nended++;

    ngx_uplink_deadline_set(fleet, &q->deadline, NGX_UPLINK_DEADLINE_REQUEST,
                            ngx_current_msec + q->memory);
}


void
ngx_uplink_request_forget(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q)
{
    ngx_uint_t  i;

    ngx_uplink_request_detach(q);

    for (i = 0; i < NGX_UPLINK_NCHANGES; i++) {
        if (q->changed & (1 << i)) {
            ngx_uplink_log_remove(&fleet->sh->changes, &q->changes[i]);
        }
    }

    if (q->waited) {
        ngx_uplink_box_disown(fleet, &q->waiter);
        ngx_queue_remove(&q->ported);
    }

    ngx_queue_remove(&q->ended);
    fleet->sh->nended--;

    ngx_uplink_deadline_clear(fleet, &q->deadline);
    ngx_uplink_table_delete(&q->cell);

    if (q->workspace) {
        ngx_uplink_workspace_put(fleet, q->workspace);
    }

    ngx_uplink_blob_free(fleet, q->payload);
    ngx_uplink_blob_free(fleet, q->answer);
    ngx_uplink_free(fleet, q);
}


/* to whoever asked */

void
ngx_uplink_request_news(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uint_t news)
{
    if (q->waited) {
        if (news & NGX_UPLINK_NEWS_ANSWER) {
            ngx_uplink_box_post(fleet, &q->waiter, NGX_UPLINK_BIT_DONE);
        }

        return;
    }

    if (q->ticket == NULL) {
        return;
    }

    q->news |= news;

    if (q->in_sending) {
        ngx_queue_remove(&q->outbox);
        q->in_sending = 0;
    }

    if (!q->in_outbox) {
        ngx_queue_insert_tail(&q->ticket->outbox, &q->outbox);
        q->in_outbox = 1;
    }

    if (q->ticket->link) {
        ngx_uplink_box_post(fleet, &q->ticket->link->box,
                            (news & NGX_UPLINK_NEWS_ANSWER)
                            ? NGX_UPLINK_BIT_OUTBOX
                            : NGX_UPLINK_BIT_PENDING);
    }
}


/* the decision has arrived */

void
ngx_uplink_request_delivered(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q)
{
    ngx_queue_t          *first;
    ngx_uplink_ticket_t  *ticket;

    q->state = NGX_UPLINK_STATE_DELIVERED;

    if (q->in_outbox || q->in_sending) {
        ngx_queue_remove(&q->outbox);
        q->in_outbox = 0;
        q->in_sending = 0;
        q->news = 0;
    }

    ticket = q->ticket;

    if (ticket) {
        ngx_uplink_request_settle(fleet, q);

        ngx_queue_insert_tail(&ticket->unapplied, &q->queue);
        ticket->nunapplied++;
        q->in_queue = 1;

        if (ticket->nunapplied > NGX_UPLINK_UNAPPLIED) {
            first = ngx_queue_head(&ticket->unapplied);
            ngx_uplink_request_detach(
                        ngx_queue_data(first, ngx_uplink_request_t, queue));
        }
    }

    ngx_uplink_request_change(fleet, q, NGX_UPLINK_CHANGE_DELIVERED);
    ngx_uplink_audit_request(fleet, q, NGX_UPLINK_AUDIT_delivered);
    ngx_uplink_request_end(fleet, q);

    ngx_uplink_count(fleet, NGX_UPLINK_COUNT_requests_delivered);
}


/* nobody decided in time; the sled is told so */

void
ngx_uplink_request_expire(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uint_t reason)
{
    q->state = NGX_UPLINK_STATE_EXPIRED;
    q->reason = reason;

    ngx_uplink_request_close(fleet, q);
    ngx_uplink_request_settle(fleet, q);

    if (q->in_refs) {
        ngx_uplink_table_delete(&q->named);
        q->in_refs = 0;
    }

    ngx_uplink_request_change(fleet, q, NGX_UPLINK_CHANGE_ENDED);
    ngx_uplink_audit_request(fleet, q, NGX_UPLINK_AUDIT_expired);
    ngx_uplink_request_news(fleet, q, NGX_UPLINK_NEWS_ANSWER);
    ngx_uplink_request_end(fleet, q);

    ngx_uplink_count_str(fleet, NGX_UPLINK_FAMILY_requests_expired,
                         &ngx_uplink_reasons[reason]);

    if (q->kind == NGX_UPLINK_KIND_PERM) {
        ngx_uplink_count_str(fleet, NGX_UPLINK_FAMILY_permissions_denied,
                             &ngx_uplink_reasons[reason]);
    }
}


/* nobody waits for it any more; open, or decided and not delivered */

void
ngx_uplink_request_withdraw(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uint_t reason)
{
    if (q->waited) {
        ngx_uplink_box_disown(fleet, &q->waiter);
        ngx_queue_remove(&q->ported);
        q->waited = 0;
    }

    if (q->state > NGX_UPLINK_STATE_DECIDED) {
        return;
    }

    if (q->state == NGX_UPLINK_STATE_OPEN) {
        ngx_uplink_request_close(fleet, q);
    }

    q->state = NGX_UPLINK_STATE_WITHDRAWN;
    q->reason = reason;

    ngx_uplink_request_settle(fleet, q);
    ngx_uplink_request_detach(q);

    ngx_uplink_request_change(fleet, q, NGX_UPLINK_CHANGE_ENDED);
    ngx_uplink_audit_request(fleet, q, NGX_UPLINK_AUDIT_withdrawn);
    ngx_uplink_request_end(fleet, q);

    ngx_uplink_count_str(fleet, NGX_UPLINK_FAMILY_requests_withdrawn,
                         &ngx_uplink_reasons[reason]);
}
