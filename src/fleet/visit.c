
/*
 * A browser comes to a terminal: a new one on the newest task's sled, or one
 * that stands, as its driver again or to look on.
 */


#include "fleet/bearer.h"
#include "fleet/journal.h"
#include "fleet/terminal_life.h"

#include <openssl/crypto.h>


static ngx_uint_t ngx_uplink_visit_new(ngx_uplink_fleet_t *fleet,
    ngx_uplink_visit_t *visit, ngx_uplink_seat_t *seat);
static ngx_uint_t ngx_uplink_visit_task(ngx_uplink_fleet_t *fleet,
    ngx_uplink_visit_t *visit, ngx_uplink_sled_t **sled,
    ngx_str_t *fields);
static ngx_uint_t ngx_uplink_visit_announced(ngx_uplink_fleet_t *fleet,
    ngx_uplink_visit_t *visit, ngx_uplink_sled_t **sled, ngx_str_t *fields);
static ngx_uplink_ticket_t *ngx_uplink_visit_ticket(ngx_uplink_sled_t *sled);
static ngx_uplink_terminal_t *ngx_uplink_visit_create(
    ngx_uplink_fleet_t *fleet, ngx_uplink_visit_t *visit,
    ngx_str_t *fields);
static ngx_uint_t ngx_uplink_visit_old(ngx_uplink_fleet_t *fleet,
    ngx_uplink_visit_t *visit, ngx_uplink_seat_t *seat);
static void ngx_uplink_visit_join(ngx_uplink_fleet_t *fleet,
    ngx_uplink_visit_t *visit, ngx_uplink_terminal_t *t,
    ngx_uplink_seat_t *seat);


ngx_int_t
ngx_uplink_terminal_visit(ngx_uplink_fleet_t *fleet,
    ngx_uplink_visit_t *visit, uint32_t slot, ngx_uplink_seat_t **seat,
    ngx_uint_t *result)
{
    ngx_uplink_name_t  *agent;
    ngx_uplink_seat_t  *new;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    new = ngx_uplink_alloc(fleet, sizeof(ngx_uplink_seat_t));

    if (new == NULL) {
        *result = NGX_UPLINK_VISIT_FULL;
        goto done;
    }

    ngx_uplink_box_init(&new->box);
    ngx_uplink_box_own(fleet, &new->box, slot);

    if (visit->digest) {
        new->bearer = ngx_uplink_bearer_enter(fleet, &new->box,
                                              visit->digest);
        if (new->bearer == NULL) {
            ngx_uplink_free(fleet, new);
            *result = NGX_UPLINK_VISIT_FULL;
            goto done;
        }
    }

    new->view = visit->view;
    new->exact = visit->exact;

    *result = (visit->session.len || visit->view)
              ? ngx_uplink_visit_old(fleet, visit, new)
              : ngx_uplink_visit_new(fleet, visit, new);

    if (*result != NGX_UPLINK_VISIT_OK) {
        ngx_uplink_bearer_leave(fleet, new->bearer);
        ngx_uplink_free(fleet, new);
        goto done;
    }

    *seat = new;

    agent = &new->terminal->ticket->sled->name;

    visit->agent_len = agent->len;
    ngx_memcpy(visit->agent, agent->data, agent->len);

done:

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


static ngx_uint_t
ngx_uplink_visit_new(ngx_uplink_fleet_t *fleet, ngx_uplink_visit_t *visit,
    ngx_uplink_seat_t *seat)
{
    ngx_str_t               fields[NGX_UPLINK_TASK_FIELDS];
    ngx_uint_t              rc;
    ngx_uplink_sled_t      *sled;
    ngx_uplink_ticket_t    *ticket;
    ngx_uplink_terminal_t  *t;

    ngx_memzero(fields, sizeof(fields));

    rc = ngx_uplink_visit_task(fleet, visit, &sled, fields);
    if (rc != NGX_UPLINK_VISIT_OK) {
        return rc;
    }

    if (fields[NGX_UPLINK_TASK_OWNER].len && !visit->admin
        && (fields[NGX_UPLINK_TASK_OWNER].len != visit->user.len
            || ngx_memcmp(fields[NGX_UPLINK_TASK_OWNER].data,
                          visit->user.data, visit->user.len)
               != 0))
    {
        return NGX_UPLINK_VISIT_FORBIDDEN;
    }

    ticket = ngx_uplink_visit_ticket(sled);
    if (ticket == NULL) {
        return NGX_UPLINK_VISIT_SLED_PAUSED;
    }

    if (visit->max_sled && sled->nterminals >= visit->max_sled) {
        return NGX_UPLINK_VISIT_TOO_MANY;
    }

    if (visit->max_user && visit->user.len
        && ngx_uplink_user_count(fleet, &visit->user) >= visit->max_user)
    {
        return NGX_UPLINK_VISIT_TOO_MANY;
    }

    t = ngx_uplink_visit_create(fleet, visit, fields);
    if (t == NULL) {
        return NGX_UPLINK_VISIT_FULL;
    }

    t->ticket = ticket;
    ngx_queue_insert_tail(&ticket->terminals, &t->queue);
    sled->nterminals++;
    fleet->sh->nterminals++;

    t->driver = seat;
    seat->waiting = 1;
    ngx_uplink_seat_sit(fleet, t, seat);

    ngx_uplink_terminal_watch(fleet, t);
    ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_OPEN);

    ngx_uplink_audit_terminal(fleet, t, NGX_UPLINK_AUDIT_terminal_asked,
                              &visit->origin, seat);

    return NGX_UPLINK_VISIT_OK;
}


/* where to open it, and what the sled is to know of it */

static ngx_uint_t
ngx_uplink_visit_task(ngx_uplink_fleet_t *fleet, ngx_uplink_visit_t *visit,
    ngx_uplink_sled_t **sled, ngx_str_t *fields)
{
    ngx_uint_t   i;
    ngx_str_t   *name;

    if (visit->resolved == NULL && visit->sled.len == 0) {
        return ngx_uplink_visit_announced(fleet, visit, sled, fields);
    }

    name = &visit->sled;

    if (visit->resolved) {
        for (i = 0; i < NGX_UPLINK_TASK_FIELDS; i++) {
            fields[i] = visit->resolved->field[i];
        }
    }

    *sled = ngx_uplink_name_find(&fleet->sh->sleds, name->data, name->len);

    if (*sled == NULL || (*sled)->nlinks == 0) {
        return NGX_UPLINK_VISIT_SLED_OFFLINE;
    }

    if ((*sled)->nworkspaces == 0) {
        return NGX_UPLINK_VISIT_OK;
    }

    /* a sled that has workspaces is no way into another one */

    for (i = 0; i < (*sled)->nworkspaces; i++) {
        if ((*sled)->workspaces[i]->name.len == visit->workspace.len
            && ngx_memcmp((*sled)->workspaces[i]->name.data,
                          visit->workspace.data, visit->workspace.len)
               == 0)
        {
            return NGX_UPLINK_VISIT_OK;
        }
    }

    return NGX_UPLINK_VISIT_FORBIDDEN;
}


/* the newest task of the issue that has a work_dir and a connected sled */

static ngx_uint_t
ngx_uplink_visit_announced(ngx_uplink_fleet_t *fleet,
    ngx_uplink_visit_t *visit, ngx_uplink_sled_t **sled, ngx_str_t *fields)
{
    ngx_uint_t           i, offline;
    ngx_queue_t         *q;
    ngx_uplink_task_t   *task;
    ngx_uplink_issue_t  *issue;

    issue = ngx_uplink_issue_find(fleet, &visit->workspace, &visit->issue);
    if (issue == NULL) {
        return NGX_UPLINK_VISIT_TASK_NOT_FOUND;
    }

    offline = 0;

    for (q = ngx_queue_head(&issue->tasks);
         q != ngx_queue_sentinel(&issue->tasks);
         q = ngx_queue_next(q))
    {
        task = ngx_queue_data(q, ngx_uplink_task_t, siblings);

        if (task->len[NGX_UPLINK_TASK_WORK_DIR] == 0) {
            continue;
        }

        if (task->sled->nlinks == 0) {
            offline = 1;
            continue;
        }

        for (i = 0; i < NGX_UPLINK_TASK_FIELDS; i++) {
            fields[i] = ngx_uplink_task_field(task, i);
        }

        *sled = task->sled;

        return NGX_UPLINK_VISIT_OK;
    }

    return offline ? NGX_UPLINK_VISIT_SLED_OFFLINE
                   : NGX_UPLINK_VISIT_TASK_NOT_FOUND;
}


/* of its least loaded connection that takes new work; NULL: all paused */

static ngx_uplink_ticket_t *
ngx_uplink_visit_ticket(ngx_uplink_sled_t *sled)
{
    ngx_uint_t            load, least;
    ngx_queue_t          *q, *i;
    ngx_uplink_link_t    *link;
    ngx_uplink_ticket_t  *best;

    best = NULL;
    least = 0;

    for (q = ngx_queue_head(&sled->links);
         q != ngx_queue_sentinel(&sled->links);
         q = ngx_queue_next(q))
    {
        link = ngx_queue_data(q, ngx_uplink_link_t, queue);

        if (link->paused || link->ticket == NULL) {
            continue;
        }

        load = link->ticket->nrequests;

        for (i = ngx_queue_head(&link->ticket->terminals);
             i != ngx_queue_sentinel(&link->ticket->terminals);
             i = ngx_queue_next(i))
        {
            load++;
        }

        if (best == NULL || load < least) {
            best = link->ticket;
            least = load;
        }
    }

    return best;
}


static ngx_uplink_terminal_t *
ngx_uplink_visit_create(ngx_uplink_fleet_t *fleet, ngx_uplink_visit_t *visit,
    ngx_str_t *fields)
{
    size_t                  size;
    u_char                 *p;
    ngx_str_t               text[NGX_UPLINK_TERMINAL_FIELDS];
    ngx_uint_t              i;
    ngx_uplink_terminal_t  *t;

    text[NGX_UPLINK_TERMINAL_TASK] = fields[NGX_UPLINK_TASK_ID];
    text[NGX_UPLINK_TERMINAL_WORKSPACE] = visit->workspace;
    text[NGX_UPLINK_TERMINAL_ISSUE] = visit->issue;
    text[NGX_UPLINK_TERMINAL_WORK_DIR] = fields[NGX_UPLINK_TASK_WORK_DIR];
    text[NGX_UPLINK_TERMINAL_PRIOR] = fields[NGX_UPLINK_TASK_PRIOR];
    text[NGX_UPLINK_TERMINAL_USER] = visit->user;

    size = offsetof(ngx_uplink_terminal_t, text);

    for (i = 0; i < NGX_UPLINK_TERMINAL_FIELDS; i++) {
        size += text[i].len;
    }

    if (size > ngx_pagesize) {
        return NULL;
    }

    t = ngx_uplink_alloc(fleet, size);
    if (t == NULL) {
        return NULL;
    }

    t->issue = ngx_uplink_issue_get(fleet, &visit->workspace, &visit->issue);
    if (t->issue == NULL) {
        ngx_uplink_free(fleet, t);
        return NULL;
    }

    ngx_queue_insert_head(&t->issue->terminals, &t->siblings);

    if (visit->user.len) {
        t->user = ngx_uplink_user_get(fleet, &visit->user);

        if (t->user == NULL) {
            ngx_queue_remove(&t->siblings);
            ngx_uplink_issue_put(fleet, t->issue);
            ngx_uplink_free(fleet, t);
            return NULL;
        }
    }

    p = t->text;

    for (i = 0; i < NGX_UPLINK_TERMINAL_FIELDS; i++) {
        t->len[i] = (uint16_t) text[i].len;

        if (text[i].len) {
            p = ngx_cpymem(p, text[i].data, text[i].len);
        }
    }

    ngx_queue_init(&t->seats);
    ngx_queue_init(&t->gone);
    ngx_uplink_lane_init(&t->input);

    ngx_memcpy(t->request, visit->request, 16);
    ngx_memcpy(t->token, visit->token, 32);

    for (i = 0; i < 8; i++) {
        t->handle = t->handle << 8 | t->request[i];
    }

    /* of its own, as nothing else that may stand in its place later */

    t->version = ++fleet->sh->serial << 32;

    t->created = ngx_uplink_now();
    t->cols = visit->cols;
    t->rows = visit->rows;
    t->idle = visit->idle;
    t->linger = visit->linger;
    t->open_timeout = visit->open_timeout;
    t->active = ngx_current_msec;

    t->node.key = t->handle;
    ngx_uplink_tree_insert(&fleet->sh->terminals, &t->node);

    return t;
}


static ngx_uint_t
ngx_uplink_visit_old(ngx_uplink_fleet_t *fleet, ngx_uplink_visit_t *visit,
    ngx_uplink_seat_t *seat)
{
    ngx_uint_t              viewers;
    ngx_queue_t            *q;
    ngx_uplink_issue_t     *issue;
    ngx_uplink_terminal_t  *t, *found;

    issue = ngx_uplink_issue_find(fleet, &visit->workspace, &visit->issue);
    found = NULL;

    for (q = issue ? ngx_queue_head(&issue->terminals) : NULL;
         q && q != ngx_queue_sentinel(&issue->terminals);
         q = ngx_queue_next(q))
    {
        t = ngx_queue_data(q, ngx_uplink_terminal_t, siblings);

        if (t->state == NGX_UPLINK_TERMINAL_OPEN
            && (visit->session.len == 0
                || (t->session.len == visit->session.len
                    && ngx_memcmp(t->session_id, visit->session.data,
                                  t->session.len)
                       == 0)))
        {
            found = t;
            break;
        }
    }

    if (found == NULL) {
        return NGX_UPLINK_VISIT_SESSION_NOT_FOUND;
    }

    if (visit->resuming
        && CRYPTO_memcmp(found->token, visit->resume, 32) != 0)
    {
        return NGX_UPLINK_VISIT_UNAUTHORIZED;
    }

    if (visit->exact && visit->offset > found->offset) {
        return NGX_UPLINK_VISIT_BAD_REQUEST;
    }

    /* there is always a place for who drives */

    viewers = found->nseats - (found->driver != NULL);

    if ((visit->view || !visit->resuming) && viewers >= NGX_UPLINK_SEATS - 1)
    {
        return NGX_UPLINK_VISIT_TOO_MANY;
    }

    ngx_uplink_visit_join(fleet, visit, found, seat);

    return NGX_UPLINK_VISIT_OK;
}


/*
 * Its driver again, with the token, else a viewer.  One who has that place
 * still may be a connection that died unnoticed: it is told to go, and writes
 * until it has.
 */

static void
ngx_uplink_visit_join(ngx_uplink_fleet_t *fleet, ngx_uplink_visit_t *visit,
    ngx_uplink_terminal_t *t, ngx_uplink_seat_t *seat)
{
    ngx_uplink_seat_t  *old;

    seat->view = (visit->view || !visit->resuming);
    seat->next = visit->offset;

    ngx_uplink_seat_sit(fleet, t, seat);

    ngx_uplink_audit_terminal(fleet, t, NGX_UPLINK_AUDIT_terminal_joined,
                              &visit->origin, seat);

    if (seat->view) {
        ngx_uplink_seat_begin(fleet, t, seat);
        return;
    }

    if (t->cols != visit->cols || t->rows != visit->rows) {
        t->cols = visit->cols;
        t->rows = visit->rows;
        ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_RESIZE);
    }

    if (t->driver == NULL) {
        ngx_uplink_seat_drive(fleet, t, seat);
        return;
    }

    old = t->heir ? t->heir : t->driver;
    ngx_uplink_box_post(fleet, &old->box, NGX_UPLINK_BIT_REPLACED);

    seat->waiting = 1;
    t->heir = seat;
}
