
/*
 * The event ring: numbers have no holes, and what was overwritten is missed
 * by number.
 */


#include "fleet/event.h"
#include "fleet/terminal_life.h"
#include "fleet/request.h"


#define NGX_UPLINK_EVENT_SHARE  16      /* of the zone, at most */
#define NGX_UPLINK_EVENT_SCAN   512     /* looked at in one go */


/* events stand in a page one behind the other, and are of one run of numbers */

typedef struct {
    uint64_t                 first;     /* number of its first event */
    ngx_uint_t               n;
    size_t                   used;
    u_char                   data[1];
} ngx_uplink_event_page_t;


typedef struct {
    uint64_t                 time;
    uint16_t                 size;      /* with text, aligned */
    uint16_t                 kind;
    uint16_t                 what;
    uint16_t                 reason;
    uint16_t                 request;
    uint16_t                 name_len;
    uint16_t                 agent_len;
    uint16_t                 target_len;   /* it is for this sid alone */
    uint16_t                 ws_len;
    u_char                   text[1];      /* name, agent, target, ws */
} ngx_uplink_event_t;


/* a place in the ring */

typedef struct {
    ngx_uint_t               page;
    ngx_uint_t               n;
    ngx_uplink_event_t      *event;
} ngx_uplink_event_pos_t;


#define ngx_uplink_event_page(sh, i)                                         \
    ((ngx_uplink_event_page_t *) (sh)->events[i])

#define ngx_uplink_event_room()                                              \
    (ngx_pagesize - offsetof(ngx_uplink_event_page_t, data))


static uint64_t ngx_uplink_event_oldest(ngx_uplink_sh_t *sh);
static void ngx_uplink_event_put(ngx_uplink_fleet_t *fleet,
    ngx_uplink_event_t *proto, ngx_str_t *text);
static ngx_int_t ngx_uplink_event_seek(ngx_uplink_sh_t *sh, uint64_t id,
    ngx_uplink_event_pos_t *pos);
static ngx_int_t ngx_uplink_event_step(ngx_uplink_sh_t *sh,
    ngx_uplink_event_pos_t *pos);
static ngx_uint_t ngx_uplink_event_may(ngx_uplink_event_t *e,
    ngx_uplink_actor_t *actor, ngx_uplink_operator_t *op);
static ngx_uint_t ngx_uplink_event_named(ngx_uplink_event_t *e, u_char *ws,
    ngx_str_t *name);
static void ngx_uplink_event_fill(ngx_uplink_event_view_t *view,
    ngx_uplink_event_t *e, uint64_t id);


/* what an event says, in the order of its text */

enum {
    NGX_UPLINK_EVENT_NAME = 0,
    NGX_UPLINK_EVENT_AGENT,
    NGX_UPLINK_EVENT_TARGET,
    NGX_UPLINK_EVENT_WORKSPACE,
    NGX_UPLINK_EVENT_TEXTS
};


void
ngx_uplink_event_init(ngx_uplink_fleet_t *fleet)
{
    ngx_uint_t        i, n;
    ngx_uplink_sh_t  *sh;

    sh = fleet->sh;

    n = fleet->shm_zone->shm.size / NGX_UPLINK_EVENT_SHARE / ngx_pagesize;
    n = ngx_min(ngx_max(n, 1), NGX_UPLINK_EVENT_PAGES);

    for (i = 0; i < n; i++) {

        sh->events[i] = ngx_slab_calloc_locked(fleet->pool, ngx_pagesize);

        if (sh->events[i] == NULL) {
            break;
        }
    }

    sh->nevents = i;
    sh->event = 0;

    if (sh->nevents) {
        ngx_uplink_event_page(sh, 0)->first = sh->last_event + 1;
    }
}


void
ngx_uplink_event_sled(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled,
    ngx_uint_t what)
{
    ngx_str_t           text[NGX_UPLINK_EVENT_TEXTS];
    ngx_uplink_event_t  e;

    ngx_memzero(text, sizeof(text));
    ngx_memzero(&e, sizeof(ngx_uplink_event_t));

    e.kind = NGX_UPLINK_EVENT_SLED;
    e.what = what;

    text[NGX_UPLINK_EVENT_NAME].data = sled->name.data;
    text[NGX_UPLINK_EVENT_NAME].len = sled->name.len;

    /* one of several workspaces is for those who see them all */

    if (sled->nworkspaces == 1) {
        text[NGX_UPLINK_EVENT_WORKSPACE].data = sled->workspaces[0]->name.data;
        text[NGX_UPLINK_EVENT_WORKSPACE].len = sled->workspaces[0]->name.len;
    }

    ngx_uplink_event_put(fleet, &e, text);
}


void
ngx_uplink_event_operator(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op, ngx_uint_t what)
{
    ngx_str_t           text[NGX_UPLINK_EVENT_TEXTS];
    ngx_uplink_event_t  e;

    ngx_memzero(text, sizeof(text));
    ngx_memzero(&e, sizeof(ngx_uplink_event_t));

    e.kind = NGX_UPLINK_EVENT_OPERATOR;
    e.what = what;

    text[NGX_UPLINK_EVENT_NAME].data = op->name.data;
    text[NGX_UPLINK_EVENT_NAME].len = op->name.len;

    if (op->nworkspaces == 1) {
        text[NGX_UPLINK_EVENT_WORKSPACE].data = op->workspaces[0]->name.data;
        text[NGX_UPLINK_EVENT_WORKSPACE].len = op->workspaces[0]->name.len;
    }

    ngx_uplink_event_put(fleet, &e, text);
}


void
ngx_uplink_event_terminal(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uint_t what)
{
    u_char              handle[16];
    ngx_str_t           text[NGX_UPLINK_EVENT_TEXTS];
    ngx_uplink_event_t  e;

    ngx_memzero(text, sizeof(text));
    ngx_memzero(&e, sizeof(ngx_uplink_event_t));

    e.kind = NGX_UPLINK_EVENT_TERMINAL;
    e.what = what;

    text[NGX_UPLINK_EVENT_NAME].data = handle;
    text[NGX_UPLINK_EVENT_NAME].len = ngx_hex_dump(handle, t->request, 8)
                                      - handle;
    text[NGX_UPLINK_EVENT_WORKSPACE] = ngx_uplink_terminal_field(t,
                                               NGX_UPLINK_TERMINAL_WORKSPACE);
    if (t->ticket) {
        text[NGX_UPLINK_EVENT_AGENT].data = t->ticket->sled->name.data;
        text[NGX_UPLINK_EVENT_AGENT].len = t->ticket->sled->name.len;
    }

    ngx_uplink_event_put(fleet, &e, text);
}


void
ngx_uplink_event_request(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q)
{
    u_char              id[NGX_UPLINK_REQ_MAX];
    ngx_str_t           text[NGX_UPLINK_EVENT_TEXTS];
    ngx_uplink_event_t  e;

    ngx_memzero(text, sizeof(text));
    ngx_memzero(&e, sizeof(ngx_uplink_event_t));

    e.kind = NGX_UPLINK_EVENT_REQUEST;
    e.what = q->state;
    e.reason = q->reason;
    e.request = q->kind;

    text[NGX_UPLINK_EVENT_NAME].data = id;
    text[NGX_UPLINK_EVENT_NAME].len = ngx_uplink_view_id(id, q);
    text[NGX_UPLINK_EVENT_AGENT].data = q->text;
    text[NGX_UPLINK_EVENT_AGENT].len = q->agent_len;
    text[NGX_UPLINK_EVENT_TARGET].data = q->target;
    text[NGX_UPLINK_EVENT_TARGET].len = q->target_len;

    if (q->workspace) {
        text[NGX_UPLINK_EVENT_WORKSPACE].data = q->workspace->name.data;
        text[NGX_UPLINK_EVENT_WORKSPACE].len = q->workspace->name.len;
    }

    ngx_uplink_event_put(fleet, &e, text);
}


static void
ngx_uplink_event_put(ngx_uplink_fleet_t *fleet, ngx_uplink_event_t *proto,
    ngx_str_t *text)
{
    size_t                    size;
    u_char                   *p;
    ngx_uint_t                i;
    ngx_uplink_sh_t          *sh;
    ngx_uplink_event_t       *e;
    ngx_uplink_event_page_t  *page;

    sh = fleet->sh;
    sh->last_event++;

    if (sh->nevents == 0) {
        return;
    }

    size = offsetof(ngx_uplink_event_t, text);

    for (i = 0; i < NGX_UPLINK_EVENT_TEXTS; i++) {
        size += text[i].len;
    }

    size = ngx_align(size, sizeof(uint64_t));
    page = ngx_uplink_event_page(sh, sh->event);

    if (page->used + size > ngx_uplink_event_room()) {

        sh->event = (sh->event + 1) % sh->nevents;

        page = ngx_uplink_event_page(sh, sh->event);
        page->first = sh->last_event;
        page->n = 0;
        page->used = 0;
    }

    e = (ngx_uplink_event_t *) (page->data + page->used);

    *e = *proto;

    e->time = ngx_uplink_now();
    e->size = (uint16_t) size;
    e->name_len = (uint16_t) text[NGX_UPLINK_EVENT_NAME].len;
    e->agent_len = (uint16_t) text[NGX_UPLINK_EVENT_AGENT].len;
    e->target_len = (uint16_t) text[NGX_UPLINK_EVENT_TARGET].len;
    e->ws_len = (uint16_t) text[NGX_UPLINK_EVENT_WORKSPACE].len;

    p = e->text;

    for (i = 0; i < NGX_UPLINK_EVENT_TEXTS; i++) {
        if (text[i].len) {
            p = ngx_cpymem(p, text[i].data, text[i].len);
        }
    }

    page->used += size;
    page->n++;

    ngx_uplink_bus_changes(fleet);
}


/* NGX_OK: there it is; NGX_DECLINED: gone, or not there yet */

static ngx_int_t
ngx_uplink_event_seek(ngx_uplink_sh_t *sh, uint64_t id,
    ngx_uplink_event_pos_t *pos)
{
    u_char                   *p;
    ngx_uint_t                i, n;
    ngx_uplink_event_page_t  *page;

    for (i = 0; i < sh->nevents; i++) {

        page = ngx_uplink_event_page(sh, i);

        if (page->n == 0 || id < page->first || id - page->first >= page->n) {
            continue;
        }

        p = page->data;

        for (n = 0; n < id - page->first; n++) {
            p += ((ngx_uplink_event_t *) p)->size;
        }

        pos->page = i;
        pos->n = n;
        pos->event = (ngx_uplink_event_t *) p;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* the one behind it */

static ngx_int_t
ngx_uplink_event_step(ngx_uplink_sh_t *sh, ngx_uplink_event_pos_t *pos)
{
    ngx_uplink_event_page_t  *page;

    page = ngx_uplink_event_page(sh, pos->page);

    if (pos->n + 1 < page->n) {
        pos->n++;
        pos->event = (ngx_uplink_event_t *)
                         ((u_char *) pos->event + pos->event->size);
        return NGX_OK;
    }

    return ngx_uplink_event_seek(sh, page->first + page->n, pos);
}


/* the oldest there is */

static uint64_t
ngx_uplink_event_oldest(ngx_uplink_sh_t *sh)
{
    uint64_t                  oldest;
    ngx_uint_t                i;
    ngx_uplink_event_page_t  *page;

    oldest = sh->last_event + 1;

    for (i = 0; i < sh->nevents; i++) {
        page = ngx_uplink_event_page(sh, i);

        if (page->n && page->first < oldest) {
            oldest = page->first;
        }
    }

    return oldest;
}


/* op: the session, where the actor is one */

static ngx_uint_t
ngx_uplink_event_may(ngx_uplink_event_t *e, ngx_uplink_actor_t *actor,
    ngx_uplink_operator_t *op)
{
    u_char             *p;
    ngx_str_t           name;
    ngx_uint_t          i;

    p = e->text + e->name_len + e->agent_len;

    if (e->target_len) {
        return (actor->sid.len == e->target_len
                && ngx_memcmp(actor->sid.data, p, e->target_len) == 0);
    }

    if (op ? op->everywhere : actor->everywhere) {
        return 1;
    }

    if (e->ws_len == 0) {
        return 0;
    }

    if (op == NULL) {

        for (i = 0; i < actor->nworkspaces; i++) {
            if (ngx_uplink_event_named(e, p, &actor->workspaces[i])) {
                return 1;
            }
        }

        return 0;
    }

    for (i = 0; i < op->nworkspaces; i++) {
        name.data = op->workspaces[i]->name.data;
        name.len = op->workspaces[i]->name.len;

        if (ngx_uplink_event_named(e, p, &name)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_uplink_event_named(ngx_uplink_event_t *e, u_char *ws, ngx_str_t *name)
{
    return (name->len == e->ws_len
            && ngx_memcmp(name->data, ws, e->ws_len) == 0);
}


ngx_int_t
ngx_uplink_event_next(ngx_uplink_fleet_t *fleet, uint64_t *after,
    ngx_uplink_actor_t *actor, ngx_uplink_event_view_t *view)
{
    ngx_int_t                rc;
    ngx_uint_t               n;
    ngx_uplink_sh_t         *sh;
    ngx_uplink_operator_t   *op;
    ngx_uplink_event_pos_t   pos;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    sh = fleet->sh;
    op = NULL;

    if (actor->sid.len) {
        op = ngx_uplink_operator_find(fleet, actor->sid.data, actor->sid.len);

        if (op == NULL) {
            rc = NGX_ERROR;
            goto done;
        }
    }

    if (*after == sh->last_event) {
        rc = NGX_DONE;
        goto done;
    }

    if (ngx_uplink_event_seek(sh, *after + 1, &pos) != NGX_OK) {

        /* gone, or of another time: a number that was never given out */

        *after = ngx_uplink_event_oldest(sh) - 1;
        rc = NGX_ABORT;
        goto done;
    }

    rc = NGX_AGAIN;

    for (n = 0; n < NGX_UPLINK_EVENT_SCAN; n++) {

        if (ngx_uplink_event_may(pos.event, actor, op)) {
            ngx_uplink_event_fill(view, pos.event, *after + 1);
            rc = NGX_OK;
            break;
        }

        (*after)++;

        if (ngx_uplink_event_step(sh, &pos) != NGX_OK) {
            rc = NGX_DONE;
            break;
        }
    }

done:

    ngx_uplink_unlock(fleet);

    return rc;
}


static void
ngx_uplink_event_fill(ngx_uplink_event_view_t *view, ngx_uplink_event_t *e,
    uint64_t id)
{
    view->id = id;
    view->time = e->time;
    view->kind = e->kind;
    view->what = e->what;
    view->reason = e->reason;
    view->request = e->request;

    view->name_len = e->name_len;
    ngx_memcpy(view->name, e->text, e->name_len);

    view->agent_len = e->agent_len;
    ngx_memcpy(view->agent, e->text + e->name_len, e->agent_len);
}


ngx_int_t
ngx_uplink_event_last(ngx_uplink_fleet_t *fleet, uint64_t *last)
{
    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    *last = fleet->sh->last_event;

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}
