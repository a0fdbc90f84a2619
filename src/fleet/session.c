
/*
 * Terminals as their sled sees them: what is to be done, what it says, and
 * where its data goes.
 */


#include "fleet/journal.h"
#include "fleet/terminal_life.h"
#include "wire/wire.h"


static ngx_uplink_terminal_t *ngx_uplink_session_find(
    ngx_uplink_link_t *link, ngx_str_t *session);
static ngx_uplink_terminal_t *ngx_uplink_session_request(
    ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link, ngx_str_t *request);
static ngx_int_t ngx_uplink_session_begin(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_str_t *session, ngx_str_t *members);
static void ngx_uplink_session_replay(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, uint64_t offset);


static ngx_uplink_terminal_t *
ngx_uplink_session_find(ngx_uplink_link_t *link, ngx_str_t *session)
{
    ngx_uplink_name_t  *name;

    if (link->ticket == NULL) {
        return NULL;
    }

    name = ngx_uplink_name_find(&link->ticket->sessions, session->data,
                                session->len);
    if (name == NULL) {
        return NULL;
    }

    return (ngx_uplink_terminal_t *)
               ((u_char *) name - offsetof(ngx_uplink_terminal_t, session));
}


/* 32 hex digits, of which the first half is the handle */

static ngx_uplink_terminal_t *
ngx_uplink_session_request(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_str_t *request)
{
    u_char                  id[16];
    uint64_t                handle;
    ngx_uint_t              i;
    ngx_rbtree_node_t      *node;
    ngx_uplink_terminal_t  *t;

    if (request->len != 2 * sizeof(id)
        || ngx_uplink_unhex(id, request->data, sizeof(id)) != NGX_OK)
    {
        return NULL;
    }

    handle = 0;

    for (i = 0; i < 8; i++) {
        handle = handle << 8 | id[i];
    }

    node = ngx_uplink_tree_from(&fleet->sh->terminals, handle);

    if (node == NULL || node->key != handle) {
        return NULL;
    }

    t = (ngx_uplink_terminal_t *) node;

    return (link->ticket && t->ticket == link->ticket
            && ngx_memcmp(t->request, id, sizeof(id)) == 0)
               ? t : NULL;
}


ngx_int_t
ngx_uplink_terminal_todo(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_uplink_todo_t *todo)
{
    u_char                 *p;
    ngx_str_t               field;
    ngx_uint_t              i;
    ngx_queue_t            *q;
    ngx_uplink_terminal_t  *t;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (link->ticket == NULL || ngx_queue_empty(&link->ticket->ready)) {
        ngx_uplink_unlock(fleet);
        return NGX_DONE;
    }

    q = ngx_queue_head(&link->ticket->ready);
    ngx_queue_remove(q);

    t = ngx_queue_data(q, ngx_uplink_terminal_t, ready);
    t->in_ready = 0;

    todo->terminal = t;
    todo->what = t->todo;
    todo->handle = t->handle;
    todo->offset = t->attach;
    todo->cols = t->cols;
    todo->rows = t->rows;

    todo->session_len = t->in_session ? t->session.len : 0;
    ngx_memcpy(todo->session, t->session_id, todo->session_len);

    todo->reason_len = t->reason_len;
    ngx_memcpy(todo->reason, t->reason, t->reason_len);

    (void) ngx_hex_dump(todo->request, t->request, 16);

    if (todo->what & NGX_UPLINK_TODO_OPEN) {
        p = todo->text;

        for (i = 0; i < NGX_UPLINK_TERMINAL_FIELDS; i++) {
            field = ngx_uplink_terminal_field(t, i);

            todo->field[i].data = p;
            todo->field[i].len = field.len;
            p = ngx_cpymem(p, field.data, field.len);
        }
    }

    t->todo = 0;

    if (todo->what & NGX_UPLINK_TODO_RESUME) {
        t->paused = 0;
    }

    ngx_uplink_seats_free(fleet, t);

    if (t->state == NGX_UPLINK_TERMINAL_ENDED) {

        /* it goes now: nothing of it may be touched behind this */

        todo->terminal = NULL;
        ngx_uplink_terminal_put(fleet, t);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_terminal_opened(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_str_t *request, ngx_str_t *session, ngx_str_t *members,
    uint64_t offset)
{
    ngx_int_t               rc;
    ngx_uplink_terminal_t  *t;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    t = ngx_uplink_session_request(fleet, link, request);
    rc = NGX_OK;

    if (t == NULL || t->state == NGX_UPLINK_TERMINAL_ENDED) {
        rc = NGX_ABORT;

    } else if (t->state == NGX_UPLINK_TERMINAL_OPENING) {
        rc = ngx_uplink_session_begin(fleet, t, session, members);

    } else if (t->attaching) {
        ngx_uplink_session_replay(fleet, t, offset);
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


static ngx_int_t
ngx_uplink_session_begin(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t,
    ngx_str_t *session, ngx_str_t *members)
{
    uint64_t            now;
    ngx_queue_t        *q;
    ngx_uplink_seat_t  *seat;

    if (ngx_uplink_name_find(&t->ticket->sessions, session->data,
                             session->len))
    {
        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_ERROR, 0,
                                "internal", 8,
                                "the sled used a session id twice", 32);
        return NGX_BUSY;
    }

    t->opened = ngx_uplink_blob_create(fleet, members, 1);

    if (t->opened == NULL) {
        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_ERROR, 0,
                                "zone_full", 9, "the zone is full", 16);
        return NGX_ABORT;
    }

    ngx_memcpy(t->session_id, session->data, session->len);
    t->session.data = t->session_id;
    t->session.len = session->len;
    ngx_uplink_name_insert(&t->ticket->sessions, &t->session);
    t->in_session = 1;

    t->state = NGX_UPLINK_TERMINAL_OPEN;
    t->active = ngx_current_msec;
    t->version++;

    now = ngx_uplink_now();

    ngx_uplink_count(fleet, NGX_UPLINK_COUNT_terminals_opened);
    ngx_uplink_observe(fleet, NGX_UPLINK_TIME_terminal_open_seconds,
                       (now > t->created) ? (now - t->created) * 1000 : 0);

    ngx_uplink_terminal_watch(fleet, t);
    ngx_uplink_event_terminal(fleet, t, NGX_UPLINK_EVENT_CAME);
    ngx_uplink_audit_terminal(fleet, t, NGX_UPLINK_AUDIT_terminal_opened,
                              NULL, NULL);

    for (q = ngx_queue_head(&t->seats);
         q != ngx_queue_sentinel(&t->seats);
         q = ngx_queue_next(q))
    {
        seat = ngx_queue_data(q, ngx_uplink_seat_t, queue);
        seat->waiting = 0;
        ngx_uplink_seat_tell_add(fleet, seat, NGX_UPLINK_TELL_OPENED);
    }

    if (ngx_uplink_lane_level(&t->input)) {
        ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_INPUT);
    }

    return NGX_OK;
}


/*
 * The stream goes on from this byte: those who asked for it, or for a later
 * one, are served now.  Who came meanwhile and wants more asks again.
 */

static void
ngx_uplink_session_replay(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t,
    uint64_t offset)
{
    ngx_queue_t        *q;
    ngx_uplink_seat_t  *seat;

    t->attaching = 0;
    t->lost = 0;
    t->position = offset;
    t->offset = ngx_max(t->offset, offset);
    t->version++;

    for (q = ngx_queue_head(&t->seats);
         q != ngx_queue_sentinel(&t->seats);
         q = ngx_queue_next(q))
    {
        seat = ngx_queue_data(q, ngx_uplink_seat_t, queue);

        if (!seat->waiting || seat == t->heir || seat->next < t->attach) {
            continue;
        }

        seat->waiting = 0;

        if (!seat->exact && seat->next < offset) {

            /* it wanted what there is: nothing of that is missing */

            seat->next = offset;
        }

        seat->begin = ngx_max(seat->next, offset);

        ngx_uplink_seat_tell_add(fleet, seat, NGX_UPLINK_TELL_OPENED);
    }

    ngx_uplink_terminal_attach(fleet, t);
}


ngx_int_t
ngx_uplink_terminal_exit(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_str_t *request, ngx_str_t *session, ngx_uint_t what,
    ngx_int_t exit_code, ngx_str_t *code, ngx_str_t *text)
{
    ngx_uplink_terminal_t  *t;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    t = session->len ? ngx_uplink_session_find(link, session)
                     : ngx_uplink_session_request(fleet, link, request);

    if (t == NULL || t->state == NGX_UPLINK_TERMINAL_ENDED) {
        ngx_uplink_unlock(fleet);
        return NGX_ABORT;
    }

    ngx_uplink_terminal_end(fleet, t, what, exit_code, code->data, code->len,
                            text->data, text->len);

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_terminal_fail(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    uint64_t handle, const char *code, const char *text)
{
    ngx_rbtree_node_t      *node;
    ngx_uplink_terminal_t  *t;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    node = ngx_uplink_tree_from(&fleet->sh->terminals, handle);
    t = (ngx_uplink_terminal_t *) node;

    if (node && node->key == handle && link->ticket
        && t->ticket == link->ticket)
    {
        ngx_uplink_terminal_close(fleet, t, code, ngx_strlen(code));
        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_ERROR, 0,
                                code, ngx_strlen(code),
                                text, ngx_strlen(text));
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_terminal_route(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    u_char *session, size_t len, ngx_uplink_route_t *route)
{
    ngx_str_t                 name;
    ngx_queue_t              *q;
    ngx_uplink_seat_t        *seat;
    ngx_uplink_terminal_t    *t;
    ngx_uplink_route_seat_t  *rs;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    name.data = session;
    name.len = len;

    t = ngx_uplink_session_find(link, &name);

    if (t == NULL) {
        ngx_uplink_unlock(fleet);
        return NGX_ABORT;
    }

    ngx_uplink_seats_free(fleet, t);

    route->terminal = t;
    route->version = t->version;
    route->handle = t->handle;
    route->features = link->features;
    route->lost = t->lost;
    route->nseats = 0;

    for (q = ngx_queue_head(&t->seats);
         q != ngx_queue_sentinel(&t->seats);
         q = ngx_queue_next(q))
    {
        seat = ngx_queue_data(q, ngx_uplink_seat_t, queue);

        if (t->state == NGX_UPLINK_TERMINAL_ENDED
            || route->nseats == NGX_UPLINK_SEATS)
        {
            break;
        }

        rs = &route->seats[route->nseats++];

        rs->seat = seat;
        rs->slot = seat->box.slot;
        rs->serial = seat->box.serial;
        rs->local = (seat->box.port == fleet->node->port
                     && seat->box.epoch == fleet->node->epoch);
        rs->driver = (seat == t->driver);
        rs->waiting = seat->waiting;

        ngx_uplink_lane_writer(&seat->lane, &rs->writer);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_terminal_session(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, uint64_t handle, u_char *session, size_t *len)
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

    if (node && node->key == handle && link->ticket
        && t->ticket == link->ticket && t->in_session)
    {
        *len = t->session.len;
        ngx_memcpy(session, t->session_id, t->session.len);
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


ngx_int_t
ngx_uplink_terminal_pause(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_uplink_terminal_t *t, uint64_t version)
{
    ngx_int_t  rc;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = NGX_DECLINED;

    if (link->ticket && t->version == version && t->ticket == link->ticket) {
        t->paused = 1;
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


void
ngx_uplink_terminal_room(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t)
{
    ngx_memory_barrier();

    if (!t->blocked || ngx_uplink_lock(fleet) != NGX_OK) {
        return;
    }

    t->blocked = 0;

    if (t->driver) {
        ngx_uplink_box_post(fleet, &t->driver->box, NGX_UPLINK_BIT_ROOM);
    }

    ngx_uplink_unlock(fleet);
}


void
ngx_uplink_seat_signal(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat)
{
    if (!ngx_uplink_lane_signal(&seat->lane)
        || ngx_uplink_lock(fleet) != NGX_OK)
    {
        return;
    }

    ngx_uplink_box_post(fleet, &seat->box, NGX_UPLINK_BIT_DATA);

    ngx_uplink_unlock(fleet);
}
