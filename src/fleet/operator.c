
/*
 * Operators: sessions that outlive their sockets, and what each is told.
 */


#include "fleet/request.h"
#include "fleet/event.h"
#include "fleet/journal.h"


#define NGX_UPLINK_SCAN  512      /* requests looked at in one go */
#define NGX_UPLINK_DESC  4096     /* of a session's description */


static ngx_uplink_operator_t *ngx_uplink_operator_alloc(
    ngx_uplink_fleet_t *fleet, ngx_uplink_session_t *session);
static void ngx_uplink_operator_free(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op);
static void ngx_uplink_operator_idle(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op);
static void ngx_uplink_operator_attend(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op, ngx_int_t by);
static void ngx_uplink_session_fill(ngx_uplink_fleet_t *fleet,
    ngx_uplink_session_view_t *view, ngx_uplink_operator_t *op);
static ngx_uplink_operator_t *ngx_uplink_feed_owner(
    ngx_uplink_fleet_t *fleet, ngx_uplink_feed_t *feed);
static void ngx_uplink_feed_told(ngx_uplink_fleet_t *fleet,
    ngx_uplink_feed_t *feed, ngx_uplink_view_t *view);
static ngx_uplink_request_t *ngx_uplink_feed_opened(
    ngx_uplink_fleet_t *fleet, ngx_uplink_operator_t *op,
    ngx_uplink_feed_t *feed, ngx_uint_t *left);
static ngx_uplink_request_t *ngx_uplink_feed_changed(
    ngx_uplink_fleet_t *fleet, ngx_uplink_operator_t *op,
    ngx_uplink_feed_t *feed, ngx_uplink_view_t *view, ngx_uint_t *left);


static u_char  ngx_uplink_session_desc[NGX_UPLINK_DESC];


ngx_uplink_operator_t *
ngx_uplink_operator_find(ngx_uplink_fleet_t *fleet, u_char *sid, size_t len)
{
    ngx_uplink_operator_t  *op;

    op = ngx_uplink_name_find(&fleet->sh->operators, sid, len);

    return (op && op->revoked) ? NULL : op;
}


ngx_int_t
ngx_uplink_operator_create(ngx_uplink_fleet_t *fleet,
    ngx_uplink_session_t *session, ngx_uint_t *result)
{
    ngx_uplink_operator_t  *op;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (fleet->sh->noperators >= session->max) {
        *result = NGX_UPLINK_SESSION_TOO_MANY;
        goto done;
    }

    op = ngx_uplink_operator_alloc(fleet, session);

    if (op == NULL) {
        *result = NGX_UPLINK_SESSION_FULL;
        goto done;
    }

    ngx_memcpy(op->text, session->sid.data, session->sid.len);
    op->name.data = op->text;
    op->name.len = session->sid.len;

    ngx_memcpy(op->token, session->token, sizeof(op->token));

    op->by_len = ngx_min(session->by.len, sizeof(op->by));

    if (op->by_len) {
        ngx_memcpy(op->by, session->by.data, op->by_len);
    }

    if (session->digest) {
        ngx_memcpy(op->digest, session->digest, sizeof(op->digest));
        op->opaque = 1;
    }

    op->everywhere = session->everywhere;
    op->ttl = session->ttl;
    op->created = ngx_uplink_now();

    ngx_queue_init(&op->direct);

    ngx_uplink_name_insert(&fleet->sh->operators, &op->name);
    fleet->sh->noperators++;

    ngx_uplink_operator_idle(fleet, op);

    ngx_uplink_audit_operator(fleet, op, NGX_UPLINK_AUDIT_session_created,
                              &session->origin);

    *result = NGX_UPLINK_SESSION_OK;

done:

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


static ngx_uplink_operator_t *
ngx_uplink_operator_alloc(ngx_uplink_fleet_t *fleet,
    ngx_uplink_session_t *session)
{
    ngx_uint_t              i, n;
    ngx_uplink_operator_t  *op;

    op = ngx_uplink_alloc(fleet, sizeof(ngx_uplink_operator_t));
    if (op == NULL) {
        return NULL;
    }

    if (session->desc.len) {
        op->desc = ngx_uplink_blob_create(fleet, &session->desc, 1);

        if (op->desc == NULL) {
            goto failed;
        }
    }

    if (session->manifest.len) {
        op->manifest = ngx_uplink_blob_create(fleet, &session->manifest, 1);

        if (op->manifest == NULL) {
            goto failed;
        }
    }

    n = session->nworkspaces;

    if (n) {
        op->workspaces = ngx_uplink_alloc(fleet,
                                      n * sizeof(ngx_uplink_workspace_t *));
        if (op->workspaces == NULL) {
            goto failed;
        }
    }

    for (i = 0; i < n; i++) {
        op->workspaces[i] = ngx_uplink_workspace_get(fleet,
                                                     &session->workspaces[i]);
        if (op->workspaces[i] == NULL) {
            goto failed;
        }

        op->nworkspaces++;
    }

    return op;

failed:

    ngx_uplink_operator_free(fleet, op);

    return NULL;
}


static void
ngx_uplink_operator_free(ngx_uplink_fleet_t *fleet, ngx_uplink_operator_t *op)
{
    ngx_uint_t  i;

    for (i = 0; i < op->nworkspaces; i++) {
        ngx_uplink_workspace_put(fleet, op->workspaces[i]);
    }

    if (op->workspaces) {
        ngx_uplink_free(fleet, op->workspaces);
    }

    ngx_uplink_blob_free(fleet, op->desc);
    ngx_uplink_blob_free(fleet, op->manifest);
    ngx_uplink_free(fleet, op);
}


/* with no socket and no call it is deleted after this time */

static void
ngx_uplink_operator_idle(ngx_uplink_fleet_t *fleet, ngx_uplink_operator_t *op)
{
    op->last_access = ngx_uplink_now();

    if (op->attached) {
        ngx_uplink_deadline_clear(fleet, &op->deadline);
        return;
    }

    ngx_uplink_deadline_set(fleet, &op->deadline,
                            NGX_UPLINK_DEADLINE_OPERATOR,
                            ngx_current_msec + op->ttl);
}


/* its workspaces count who could answer */

static void
ngx_uplink_operator_attend(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op, ngx_int_t by)
{
    ngx_uint_t  i;

    fleet->sh->nattached += by;

    if (op->everywhere) {
        fleet->sh->star_attached += by;
    }

    for (i = 0; i < op->nworkspaces; i++) {
        op->workspaces[i]->attached += by;
    }
}


ngx_uint_t
ngx_uplink_operator_may(ngx_uplink_operator_t *op, ngx_uplink_request_t *q)
{
    ngx_uint_t  i;

    if (q->target_len) {
        return (q->target_len == op->name.len
                && ngx_memcmp(q->target, op->name.data, q->target_len) == 0);
    }

    if (op->everywhere) {
        return 1;
    }

    if (q->workspace == NULL) {
        return 0;
    }

    for (i = 0; i < op->nworkspaces; i++) {
        if (op->workspaces[i] == q->workspace) {
            return 1;
        }
    }

    return 0;
}


static void
ngx_uplink_session_fill(ngx_uplink_fleet_t *fleet,
    ngx_uplink_session_view_t *view, ngx_uplink_operator_t *op)
{
    ngx_uint_t         i;
    ngx_uplink_sh_t   *sh;

    sh = fleet->sh;

    ngx_memcpy(view->sid, op->name.data, op->name.len);
    view->sid_len = op->name.len;

    ngx_memcpy(view->by, op->by, op->by_len);
    view->by_len = op->by_len;

    ngx_memcpy(view->token, op->token, sizeof(op->token));

    view->desc.data = ngx_uplink_session_desc;
    view->desc.len = 0;

    if (ngx_uplink_blob_len(op->desc) <= NGX_UPLINK_DESC) {
        view->desc.len = ngx_uplink_blob_copy(view->desc.data, op->desc)
                         - view->desc.data;
    }

    view->created = op->created;
    view->last_access = op->last_access;
    view->attached = op->attached;
    view->everywhere = op->everywhere;

    view->pending = op->ndirect;

    if (op->everywhere) {
        view->pending += sh->nopen - sh->ndirect;
        return;
    }

    for (i = 0; i < op->nworkspaces; i++) {
        view->pending += op->workspaces[i]->open;
    }
}


ngx_int_t
ngx_uplink_operator_view(ngx_uplink_fleet_t *fleet, ngx_str_t *sid,
    ngx_uint_t touch, ngx_uplink_session_view_t *view)
{
    ngx_int_t               rc;
    ngx_uplink_operator_t  *op;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    op = ngx_uplink_operator_find(fleet, sid->data, sid->len);
    rc = NGX_ABORT;

    if (op) {
        if (touch) {
            ngx_uplink_operator_idle(fleet, op);
        }

        ngx_uplink_session_fill(fleet, view, op);
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_operator_after(ngx_uplink_fleet_t *fleet, ngx_str_t *sid,
    ngx_uplink_session_view_t *view)
{
    ngx_int_t               rc;
    ngx_uplink_operator_t  *op;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    op = ngx_uplink_name_after(&fleet->sh->operators, sid->data, sid->len);
    rc = NGX_DONE;

    if (op) {
        ngx_uplink_session_fill(fleet, view, op);
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_operator_delete(ngx_uplink_fleet_t *fleet, ngx_str_t *sid,
    ngx_uplink_actor_t *actor)
{
    ngx_int_t               rc;
    ngx_uplink_operator_t  *op;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    op = ngx_uplink_operator_find(fleet, sid->data, sid->len);
    rc = NGX_ABORT;

    if (op) {
        ngx_uplink_operator_end(fleet, op, actor);
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


/* deleted, or too long without a sign of life */

void
ngx_uplink_operator_end(ngx_uplink_fleet_t *fleet, ngx_uplink_operator_t *op,
    ngx_uplink_actor_t *actor)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&op->direct)) {
        q = ngx_queue_head(&op->direct);

        ngx_uplink_request_expire(fleet,
                            ngx_queue_data(q, ngx_uplink_request_t, direct),
                            NGX_UPLINK_REASON_OPERATOR_GONE);
    }

    ngx_uplink_operator_leave(fleet, op);
    ngx_uplink_audit_session(fleet, op, actor);
    ngx_uplink_deadline_clear(fleet, &op->deadline);

    ngx_uplink_tree_delete(&fleet->sh->operators, &op->name.node);
    fleet->sh->noperators--;

    ngx_uplink_operator_free(fleet, op);

    /* its socket finds the session gone */

    ngx_uplink_bus_changes(fleet);
}


ngx_int_t
ngx_uplink_operator_attach(ngx_uplink_fleet_t *fleet, ngx_str_t *sid,
    uint32_t slot, ngx_uplink_origin_t *origin, ngx_uplink_feed_t *feed)
{
    ngx_uplink_operator_t  *op;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    op = ngx_uplink_operator_find(fleet, sid->data, sid->len);

    if (op == NULL) {
        ngx_uplink_unlock(fleet);
        return NGX_ABORT;
    }

    if (op->attached) {
        ngx_uplink_operator_leave(fleet, op);
        ngx_uplink_count(fleet, NGX_UPLINK_COUNT_operators_replaced);
    }

    /* unique in the fleet: a session of the same name is another one */

    op->generation = ++fleet->sh->serial;
    op->attached = 1;
    ngx_queue_insert_tail(&ngx_uplink_bus_port(fleet)->operators,
                          &op->ported);

    ngx_uplink_operator_attend(fleet, op, 1);
    ngx_uplink_operator_idle(fleet, op);

    ngx_memzero(feed, sizeof(ngx_uplink_feed_t));
    ngx_memcpy(feed->sid, op->name.data, op->name.len);
    feed->sid_len = op->name.len;
    feed->generation = op->generation;
    feed->start = fleet->sh->version;

    ngx_uplink_count(fleet, NGX_UPLINK_COUNT_operators_attached);
    ngx_uplink_event_operator(fleet, op, NGX_UPLINK_EVENT_CAME);
    ngx_uplink_audit_operator(fleet, op, NGX_UPLINK_AUDIT_operator_joined,
                              origin);

    /* the one before finds its place taken, the new one what is open */

    ngx_uplink_watch(fleet, slot, 1);
    ngx_uplink_bus_changes(fleet);

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_operator_detach(ngx_uplink_fleet_t *fleet, ngx_uplink_feed_t *feed,
    uint32_t slot)
{
    ngx_uplink_operator_t  *op;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_uplink_watch(fleet, slot, 0);

    op = ngx_uplink_feed_owner(fleet, feed);

    if (op) {
        ngx_uplink_operator_lost(fleet, op);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


void
ngx_uplink_operator_lost(ngx_uplink_fleet_t *fleet, ngx_uplink_operator_t *op)
{
    ngx_uplink_operator_leave(fleet, op);

    if (op->revoked) {
        ngx_uplink_operator_end(fleet, op, NULL);
    }
}


void
ngx_uplink_operator_revoke(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op)
{
    if (!op->attached) {
        ngx_uplink_operator_end(fleet, op, NULL);
        return;
    }

    /* from here on nobody finds it but its socket, which has to say why */

    op->revoked = 1;

    ngx_uplink_bus_changes(fleet);
}


void
ngx_uplink_operator_leave(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op)
{
    if (!op->attached) {
        return;
    }

    op->attached = 0;
    op->generation = 0;
    ngx_queue_remove(&op->ported);

    ngx_uplink_operator_attend(fleet, op, -1);
    ngx_uplink_operator_idle(fleet, op);

    ngx_uplink_event_operator(fleet, op, NGX_UPLINK_EVENT_LEFT);
    ngx_uplink_audit_operator(fleet, op, NGX_UPLINK_AUDIT_operator_left,
                              NULL);
}


static ngx_uplink_operator_t *
ngx_uplink_feed_owner(ngx_uplink_fleet_t *fleet, ngx_uplink_feed_t *feed)
{
    ngx_uplink_operator_t  *op;

    op = ngx_uplink_name_find(&fleet->sh->operators, feed->sid,
                              feed->sid_len);

    if (op == NULL) {
        feed->gone = 1;
        return NULL;
    }

    return (op->generation == feed->generation) ? op : NULL;
}


ngx_int_t
ngx_uplink_feed_next(ngx_uplink_fleet_t *fleet, ngx_uplink_feed_t *feed,
    ngx_uplink_view_t *view, ngx_uint_t told)
{
    ngx_int_t               rc;
    ngx_uint_t              left;
    ngx_uplink_request_t   *q;
    ngx_uplink_operator_t  *op;

    do {
        if (ngx_uplink_lock(fleet) != NGX_OK) {
            return NGX_DECLINED;
        }

        if (told) {
            ngx_uplink_feed_told(fleet, feed, view);
            told = 0;
        }

        left = NGX_UPLINK_SCAN;
        op = ngx_uplink_feed_owner(fleet, feed);

        if (op == NULL || op->revoked) {
            feed->revoked = (op != NULL);
            rc = NGX_ABORT;
            goto next;
        }

        q = NULL;

        if (!feed->complete) {
            view->change = NGX_UPLINK_CHANGE_OPENED;
            q = ngx_uplink_feed_opened(fleet, op, feed, &left);
        }

        if (q == NULL && left) {
            q = ngx_uplink_feed_changed(fleet, op, feed, view, &left);
        }

        if (q == NULL) {
            rc = left ? NGX_DONE : NGX_AGAIN;
            goto next;
        }

        rc = ngx_uplink_view_fill(view, q,
                                  (view->change == NGX_UPLINK_CHANGE_OPENED)
                                  ? NGX_UPLINK_VIEW_PAYLOAD : 0);
    next:

        ngx_uplink_unlock(fleet);

    } while (rc == NGX_BUSY && ngx_uplink_view_grow() == NGX_OK);

    return (rc == NGX_BUSY) ? NGX_AGAIN : rc;
}


/* what was open when it attached, oldest first */

static ngx_uplink_request_t *
ngx_uplink_feed_opened(ngx_uplink_fleet_t *fleet, ngx_uplink_operator_t *op,
    ngx_uplink_feed_t *feed, ngx_uint_t *left)
{
    ngx_uplink_entry_t    *e;
    ngx_uplink_request_t  *q;

    e = ngx_uplink_log_above(&fleet->sh->open, feed->opened);

    while (e && e->version <= feed->start && *left) {

        q = (ngx_uplink_request_t *)
                ((u_char *) e - offsetof(ngx_uplink_request_t, open));

        if (ngx_uplink_operator_may(op, q)) {
            return q;
        }

        feed->opened = e->version;
        (*left)--;

        e = ngx_uplink_log_next(&fleet->sh->open, e);
    }

    if (*left) {
        feed->complete = 1;
        feed->changed = feed->start;
    }

    return NULL;
}


static ngx_uplink_request_t *
ngx_uplink_feed_changed(ngx_uplink_fleet_t *fleet, ngx_uplink_operator_t *op,
    ngx_uplink_feed_t *feed, ngx_uplink_view_t *view, ngx_uint_t *left)
{
    ngx_uplink_entry_t    *e;
    ngx_uplink_request_t  *q;

    e = ngx_uplink_log_above(&fleet->sh->changes, feed->changed);

    while (e && *left) {

        view->change = e->what;

        q = (ngx_uplink_request_t *)
                ((u_char *) (e - e->what)
                 - offsetof(ngx_uplink_request_t, changes));

        /* opened, and already decided: what follows says so */

        if (ngx_uplink_operator_may(op, q)
            && (e->what != NGX_UPLINK_CHANGE_OPENED || q->payload))
        {
            view->at = e->version;
            return q;
        }

        feed->changed = e->version;
        (*left)--;

        e = ngx_uplink_log_next(&fleet->sh->changes, e);
    }

    return NULL;
}


static void
ngx_uplink_feed_told(ngx_uplink_fleet_t *fleet, ngx_uplink_feed_t *feed,
    ngx_uplink_view_t *view)
{
    ngx_uplink_request_t  *q;

    if (!feed->complete) {
        feed->opened = view->version;

    } else {
        feed->changed = view->at;
    }

    if (view->change != NGX_UPLINK_CHANGE_OPENED) {
        return;
    }

    q = ngx_uplink_request_by_id(fleet, view->id);

    if (q && q->state == NGX_UPLINK_STATE_OPEN && q->seen++ == 0) {

        /* it is on somebody's screen */

        ngx_uplink_request_news(fleet, q, NGX_UPLINK_NEWS_PENDING);
    }
}
