
/*
 * A browser's seat at a terminal: what it is to tell, what its driver does,
 * and the seat given back.
 */


#include "fleet/bearer.h"
#include "fleet/journal.h"
#include "fleet/terminal_life.h"


/* for one whose worker has left, to come back */

#define NGX_UPLINK_SEAT_LINGER  30000


static void ngx_uplink_seat_rise(ngx_uplink_fleet_t *fleet,
    ngx_uplink_seat_t *seat);


void
ngx_uplink_seat_sit(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t,
    ngx_uplink_seat_t *seat)
{
    seat->terminal = t;

    ngx_queue_insert_tail(&t->seats, &seat->queue);
    t->nseats++;
    t->version++;

    ngx_queue_insert_tail(&ngx_uplink_bus_port(fleet)->seats, &seat->ported);

    fleet->sh->nseats++;

    ngx_uplink_count(fleet, NGX_UPLINK_COUNT_terminals_viewed);
}


void
ngx_uplink_seat_drive(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t,
    ngx_uplink_seat_t *seat)
{
    t->driver = seat;
    t->lingering = 0;
    t->version++;

    ngx_uplink_terminal_watch(fleet, t);

    ngx_uplink_seat_begin(fleet, t, seat);
}


void
ngx_uplink_seat_begin(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t,
    ngx_uplink_seat_t *seat)
{
    ngx_uint_t  replay;

    replay = (t->ticket->link == NULL
              || (t->ticket->link->features & NGX_UPLINK_FEATURE_REPLAY));

    if (!replay && !seat->exact) {
        seat->next = t->position;
    }

    /* nothing is to be repeated, or nobody can repeat it? */

    seat->waiting = (seat->next != t->offset && replay);

    if (!seat->waiting) {
        seat->begin = seat->next;
        ngx_uplink_seat_tell_add(fleet, seat, NGX_UPLINK_TELL_OPENED);

    } else if (t->ticket->link) {
        ngx_uplink_terminal_attach(fleet, t);
    }

    if (t->ticket->link == NULL) {
        ngx_uplink_seat_tell_add(fleet, seat, NGX_UPLINK_TELL_AWAY);
    }

    /* it was for one who was slow, or for nobody */

    if (t->paused && (seat == t->driver || t->nseats == 1)) {
        ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_RESUME);
    }
}


ngx_int_t
ngx_uplink_seat_tell(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat,
    ngx_uint_t mask, ngx_uplink_told_t *told)
{
    ngx_uint_t              tell;
    ngx_uplink_terminal_t  *t;

    static u_char  opened[NGX_UPLINK_TOLD_OPENED];

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    tell = seat->tell & mask;

    if (tell == 0) {
        ngx_uplink_unlock(fleet);
        return NGX_DONE;
    }

    /* one at a time, in the order of the bits */

    tell &= ~tell + 1;
    seat->tell &= ~tell;

    t = seat->terminal;

    told->what = tell;
    told->handle = t->handle;
    told->offset = seat->begin;
    told->until = t->away_until;
    told->exit_code = t->exit_code;
    told->view = seat->view;

    told->session_len = t->session.len;
    ngx_memcpy(told->session, t->session_id, t->session.len);

    told->request_len = sizeof(told->request);
    (void) ngx_hex_dump(told->request, t->request, 16);

    told->code_len = t->code_len;
    ngx_memcpy(told->code, t->code, t->code_len);

    told->text_len = t->text_len;
    ngx_memcpy(told->text, t->message, t->text_len);

    told->opened.data = opened;
    told->opened.len = 0;

    if (tell == NGX_UPLINK_TELL_OPENED
        && ngx_uplink_blob_len(t->opened) <= sizeof(opened))
    {
        told->opened.len = ngx_uplink_blob_copy(opened, t->opened) - opened;
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_seat_resize(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat,
    uint32_t cols, uint32_t rows)
{
    ngx_uplink_terminal_t  *t;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    t = seat->terminal;

    if (t->driver == seat && t->state <= NGX_UPLINK_TERMINAL_OPEN
        && (t->cols != cols || t->rows != rows))
    {
        t->cols = cols;
        t->rows = rows;

        ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_RESIZE);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_seat_close(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat,
    ngx_str_t *reason)
{
    ngx_uplink_terminal_t  *t;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    t = seat->terminal;

    if (t->driver == seat && t->state == NGX_UPLINK_TERMINAL_OPENING) {
        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_EXIT, -1, NULL, 0,
                                reason->data, reason->len);

    } else if (t->driver == seat && t->state == NGX_UPLINK_TERMINAL_OPEN) {

        /* the sled says how it ended */

        ngx_uplink_terminal_close(fleet, t, reason->data, reason->len);
        t->state = NGX_UPLINK_TERMINAL_CLOSING;
        ngx_uplink_terminal_watch(fleet, t);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_seat_leave(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat)
{
    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_uplink_seat_rise(fleet, seat);

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


void
ngx_uplink_seat_reap(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat)
{
    ngx_uplink_seat_rise(fleet, seat);
}


static void
ngx_uplink_seat_rise(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat)
{
    ngx_uint_t              drove, leaving;
    ngx_uplink_terminal_t  *t;

    t = seat->terminal;
    drove = (t->driver == seat);
    leaving = fleet->sh->ports[seat->box.port].leaving;

    if (drove) {
        t->driver = NULL;
    }

    if (t->heir == seat) {
        t->heir = NULL;
    }

    ngx_uplink_audit_terminal(fleet, t, NGX_UPLINK_AUDIT_terminal_left, NULL,
                              seat);

    ngx_uplink_box_disown(fleet, &seat->box);
    ngx_uplink_bearer_leave(fleet, seat->bearer);
    seat->bearer = NULL;

    ngx_queue_remove(&seat->ported);
    ngx_queue_remove(&seat->queue);
    t->nseats--;
    t->version++;
    fleet->sh->nseats--;

    /* the sled's worker may be writing to its lane at this moment */

    ngx_queue_insert_tail(&t->gone, &seat->queue);

    if (t->ticket == NULL || t->ticket->link == NULL
        || t->ticket->link->port == fleet->node->port)
    {
        ngx_uplink_seats_free(fleet, t);

    } else {
        ngx_uplink_terminal_todo_add(fleet, t, 0);
    }

    if (t->state == NGX_UPLINK_TERMINAL_ENDED) {
        ngx_uplink_terminal_put(fleet, t);
        return;
    }

    if (!drove) {
        return;
    }

    if (t->heir && t->state == NGX_UPLINK_TERMINAL_OPEN) {
        seat = t->heir;
        t->heir = NULL;
        ngx_uplink_seat_drive(fleet, t, seat);
        return;
    }

    /* what nobody reads can wait as well */

    if (t->paused && t->nseats) {
        ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_RESUME);
    }

    if (leaving) {

        /* it was asked to come back elsewhere */

        t->linger = ngx_max(t->linger, NGX_UPLINK_SEAT_LINGER);
    }

    if (t->linger && t->state == NGX_UPLINK_TERMINAL_OPEN
        && (t->ticket->link == NULL
            || (t->ticket->link->features & NGX_UPLINK_FEATURE_REPLAY)))
    {
        t->lingering = 1;
        t->left = ngx_current_msec;
        ngx_uplink_terminal_watch(fleet, t);
        return;
    }

    ngx_uplink_terminal_close(fleet, t, "browser_disconnect", 18);
    ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_EXIT, -1, NULL, 0,
                            "browser_disconnect", 18);
}


void
ngx_uplink_seats_free(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t)
{
    ngx_queue_t        *q;
    ngx_uplink_seat_t  *seat;

    while (!ngx_queue_empty(&t->gone)) {

        q = ngx_queue_head(&t->gone);
        ngx_queue_remove(q);

        seat = ngx_queue_data(q, ngx_uplink_seat_t, queue);

        ngx_uplink_lane_clear(fleet, &seat->lane);
        ngx_uplink_free(fleet, seat);
    }
}


ngx_int_t
ngx_uplink_seat_drained(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat)
{
    ngx_uplink_terminal_t  *t;

    t = seat->terminal;

    /*
     * A look without the lock.  Who pauses looks at our lane after that, and
     * we look here after we have taken from it.
     */

    ngx_memory_barrier();

    if (seat->view ? (seat->waiting || seat->next >= t->position)
                   : !t->paused)
    {
        return NGX_OK;
    }

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (t->driver == seat) {
        if (t->paused) {
            ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_RESUME);
        }

    } else if (t->ticket && t->ticket->link && !seat->waiting
               && seat->next < t->position
               && (t->ticket->link->features & NGX_UPLINK_FEATURE_REPLAY))
    {
        seat->waiting = 1;
        seat->exact = 1;
        t->version++;

        ngx_uplink_terminal_attach(fleet, t);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_seat_input(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat,
    ngx_uplink_lane_writer_t *w, u_char *raw, size_t len)
{
    uint32_t                size;
    ngx_int_t               rc;
    ngx_str_t               parts[2];
    ngx_uplink_terminal_t  *t;

    t = seat->terminal;

    if (t->driver != seat || t->state > NGX_UPLINK_TERMINAL_OPEN) {
        return NGX_OK;
    }

    if (ngx_uplink_lane_level(&t->input) + len > NGX_UPLINK_INPUT_MAX) {
        return NGX_BUSY;
    }

    if (w->page == NULL) {

        /* the first of this browser: behind what another one has typed */

        if (ngx_uplink_lock(fleet) != NGX_OK) {
            return NGX_DECLINED;
        }

        ngx_uplink_lane_writer(&t->input, w);

        ngx_uplink_unlock(fleet);
    }

    size = (uint32_t) len;

    parts[0].data = (u_char *) &size;
    parts[0].len = sizeof(uint32_t);
    parts[1].data = raw;
    parts[1].len = len;

    rc = ngx_uplink_lane_put(fleet, &t->input, w, parts, 2);

    if (rc != NGX_OK) {
        return rc;
    }

    t->active = ngx_current_msec;
    t->typed += len;

    if (!ngx_uplink_lane_signal(&t->input)) {
        return NGX_OK;
    }

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (t->state == NGX_UPLINK_TERMINAL_OPEN) {
        ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_INPUT);
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}
