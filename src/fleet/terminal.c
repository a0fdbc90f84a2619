
/*
 * The life of a terminal: what is to be told to either side, how it ends,
 * and when nobody holds it any more.
 */


#include "fleet/journal.h"
#include "fleet/terminal_life.h"


static void ngx_uplink_terminal_leave_sled(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t);
static void ngx_uplink_terminal_free(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t);


/* for the sled: its worker takes it from the ticket's list */

void
ngx_uplink_terminal_todo_add(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uint_t todo)
{
    if (t->ticket == NULL) {
        return;
    }

    t->todo |= todo;

    if (!t->in_ready) {
        t->in_ready = 1;
        ngx_queue_insert_tail(&t->ticket->ready, &t->ready);
    }

    if (t->ticket->link) {
        ngx_uplink_box_post(fleet, &t->ticket->link->box,
                            NGX_UPLINK_BIT_TERMINAL);
    }
}


void
ngx_uplink_seat_tell_add(ngx_uplink_fleet_t *fleet, ngx_uplink_seat_t *seat,
    ngx_uint_t tell)
{
    seat->tell |= tell;

    ngx_uplink_box_post(fleet, &seat->box, NGX_UPLINK_BIT_TELL);
}


void
ngx_uplink_terminal_tell(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t,
    ngx_uint_t tell)
{
    ngx_queue_t        *q;
    ngx_uplink_seat_t  *seat;

    for (q = ngx_queue_head(&t->seats);
         q != ngx_queue_sentinel(&t->seats);
         q = ngx_queue_next(q))
    {
        seat = ngx_queue_data(q, ngx_uplink_seat_t, queue);

        /* only one of the two is true */

        if (tell & NGX_UPLINK_TELL_AWAY) {
            seat->tell &= ~NGX_UPLINK_TELL_BACK;
        }

        if (tell & NGX_UPLINK_TELL_BACK) {
            seat->tell &= ~NGX_UPLINK_TELL_AWAY;
        }

        ngx_uplink_seat_tell_add(fleet, seat, tell);
    }
}


void
ngx_uplink_terminal_end(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t,
    ngx_uint_t what, ngx_int_t exit_code, const void *code, size_t code_len,
    const void *text, size_t text_len)
{
    if (t->state == NGX_UPLINK_TERMINAL_ENDED) {
        return;
    }

    /* one that never opened was told to nobody */

    if (t->state != NGX_UPLINK_TERMINAL_OPENING) {
        ngx_uplink_event_terminal(fleet, t, NGX_UPLINK_EVENT_LEFT);
    }

    t->state = NGX_UPLINK_TERMINAL_ENDED;
    t->exit_code = exit_code;

    t->code_len = ngx_min(code_len, sizeof(t->code));

    if (t->code_len) {
        ngx_memcpy(t->code, code, t->code_len);
    }

    t->text_len = ngx_min(text_len, sizeof(t->message));

    if (t->text_len) {
        ngx_memcpy(t->message, text, t->text_len);
    }

    ngx_uplink_deadline_clear(fleet, &t->deadline);
    ngx_uplink_audit_terminal(fleet, t, NGX_UPLINK_AUDIT_terminal_ended, NULL,
                              NULL);

    /* a shell that ended by itself has an exit code, and seldom a reason */

    if (what == NGX_UPLINK_TELL_EXIT) {
        code = (exit_code < 0 && text_len) ? text : "exit";
        code_len = (exit_code < 0 && text_len) ? text_len : 4;
    }

    ngx_uplink_count_value(fleet, NGX_UPLINK_FAMILY_terminals_ended, code,
                           code_len);

    fleet->sh->nterminals--;
    t->version++;

    ngx_uplink_terminal_tell(fleet, t, what);
    ngx_uplink_terminal_put(fleet, t);
}


/*
 * An open that is still under way has no session yet: whoever opens it late
 * is told to close it then.
 */

void
ngx_uplink_terminal_close(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t,
    const void *reason, size_t len)
{
    if (!t->in_session) {
        return;
    }

    t->reason_len = ngx_min(len, sizeof(t->reason));
    ngx_memcpy(t->reason, reason, t->reason_len);

    ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_CLOSE);
}


/*
 * It holds on as long as a browser has a seat, as long as the sled is to
 * hear of its end, and as long as seats are to be freed by the sled's side.
 */

void
ngx_uplink_terminal_put(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t)
{
    if (t->state != NGX_UPLINK_TERMINAL_ENDED) {
        return;
    }

    if (!(t->todo & NGX_UPLINK_TODO_CLOSE)) {
        ngx_uplink_terminal_leave_sled(fleet, t);
    }

    if (t->ticket == NULL && t->nseats == 0 && ngx_queue_empty(&t->gone)) {
        ngx_uplink_terminal_free(fleet, t);
    }
}


/* the sled has nothing to do with it any more */

static void
ngx_uplink_terminal_leave_sled(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t)
{
    if (t->ticket == NULL) {
        return;
    }

    /* its side writes to no lane from here on: the version has changed */

    ngx_uplink_seats_free(fleet, t);

    if (t->in_session) {
        ngx_uplink_tree_delete(&t->ticket->sessions, &t->session.node);
        t->in_session = 0;
    }

    if (t->in_ready) {
        ngx_queue_remove(&t->ready);
        t->in_ready = 0;
    }

    ngx_queue_remove(&t->queue);
    t->ticket->sled->nterminals--;

    t->todo = 0;
    t->ticket = NULL;
}


static void
ngx_uplink_terminal_free(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t)
{
    ngx_uplink_tree_delete(&fleet->sh->terminals, &t->node);

    if (t->issue) {
        ngx_queue_remove(&t->siblings);
        ngx_uplink_issue_put(fleet, t->issue);
    }

    if (t->user) {
        ngx_uplink_user_put(fleet, t->user);
    }

    ngx_uplink_lane_clear(fleet, &t->input);
    ngx_uplink_blob_free(fleet, t->opened);

    /* no route to it is good any more, whatever comes to this place */

    t->version = 0;
    ngx_uplink_free(fleet, t);
}


/*
 * From the first byte that a waiting seat wants.  One at a time: the answer
 * must be known by what was asked for.
 */

void
ngx_uplink_terminal_attach(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t)
{
    uint64_t            from;
    ngx_queue_t        *q;
    ngx_uplink_seat_t  *seat;

    if (t->attaching || t->state != NGX_UPLINK_TERMINAL_OPEN) {
        return;
    }

    from = (uint64_t) -1;

    for (q = ngx_queue_head(&t->seats);
         q != ngx_queue_sentinel(&t->seats);
         q = ngx_queue_next(q))
    {
        seat = ngx_queue_data(q, ngx_uplink_seat_t, queue);

        if (seat->waiting && seat != t->heir && seat->next < from) {
            from = seat->next;
        }
    }

    if (from == (uint64_t) -1) {
        return;
    }

    t->attaching = 1;
    t->attach = from;

    /* what is repeated is wanted, whoever else is slow */

    ngx_uplink_terminal_todo_add(fleet, t,
                                 t->paused ? NGX_UPLINK_TODO_ATTACH
                                             |NGX_UPLINK_TODO_RESUME
                                           : NGX_UPLINK_TODO_ATTACH);
}


/* opening, lingering, idling: whichever of them ends first */

void
ngx_uplink_terminal_watch(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t)
{
    ngx_msec_t  at;

    switch (t->state) {

    case NGX_UPLINK_TERMINAL_OPENING:
        at = ngx_current_msec + t->open_timeout;
        break;

    case NGX_UPLINK_TERMINAL_CLOSING:
        at = ngx_current_msec + NGX_UPLINK_TERMINAL_CLOSE;
        break;

    default:
        at = t->active + t->idle;

        if (t->lingering && (t->idle == 0 || t->left + t->linger < at)) {
            at = t->left + t->linger;

        } else if (t->idle == 0) {
            ngx_uplink_deadline_clear(fleet, &t->deadline);
            return;
        }
    }

    ngx_uplink_deadline_set(fleet, &t->deadline,
                            NGX_UPLINK_DEADLINE_TERMINAL, at);
}


void
ngx_uplink_terminal_due(ngx_uplink_fleet_t *fleet, ngx_uplink_deadline_t *d)
{
    ngx_uplink_terminal_t  *t;

    t = (ngx_uplink_terminal_t *)
            ((u_char *) d - offsetof(ngx_uplink_terminal_t, deadline));

    switch (t->state) {

    case NGX_UPLINK_TERMINAL_OPENING:
        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_ERROR, 0,
                                "open_timeout", 12,
                                "the sled did not open it in time", 32);
        return;

    case NGX_UPLINK_TERMINAL_CLOSING:

        /* once more: its worker has a route to it that it must forget */

        ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_CLOSE);
        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_EXIT, -1,
                                NULL, 0, t->reason, t->reason_len);
        return;
    }

    if (t->lingering
        && (ngx_msec_int_t) (t->left + t->linger - ngx_current_msec) <= 0)
    {
        ngx_uplink_terminal_close(fleet, t, "browser_disconnect", 18);
        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_EXIT, -1, NULL, 0,
                                "browser_disconnect", 18);
        return;
    }

    if (t->idle
        && (ngx_msec_int_t) (t->active + t->idle - ngx_current_msec) <= 0)
    {
        ngx_uplink_terminal_close(fleet, t, "idle_timeout", 12);
        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_ERROR, 0,
                                "idle_timeout", 12,
                                "nothing was typed or shown for too long", 39);
        return;
    }

    ngx_uplink_terminal_watch(fleet, t);
}


/* the sled's connection is gone, but it may come back */

void
ngx_uplink_terminals_away(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket)
{
    ngx_queue_t            *q, *next;
    ngx_uplink_terminal_t  *t;

    for (q = ngx_queue_head(&ticket->terminals);
         q != ngx_queue_sentinel(&ticket->terminals);
         q = next)
    {
        next = ngx_queue_next(q);
        t = ngx_queue_data(q, ngx_uplink_terminal_t, queue);

        t->version++;
        t->attaching = 0;
        t->away_until = ngx_uplink_now() + ticket->window;

        ngx_uplink_seats_free(fleet, t);

        if (t->state == NGX_UPLINK_TERMINAL_OPENING) {

            /* whether it opened there nobody knows: late, it is closed */

            ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_ERROR, 0,
                                    "sled_offline", 12,
                                    "the sled was lost", 17);
            continue;
        }

        t->lost = 1;
        ngx_uplink_terminal_tell(fleet, t, NGX_UPLINK_TELL_AWAY);
    }
}


void
ngx_uplink_terminals_back(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket)
{
    uint64_t                from;
    ngx_queue_t            *q, *i;
    ngx_uplink_seat_t      *seat;
    ngx_uplink_terminal_t  *t;

    for (q = ngx_queue_head(&ticket->terminals);
         q != ngx_queue_sentinel(&ticket->terminals);
         q = ngx_queue_next(q))
    {
        t = ngx_queue_data(q, ngx_uplink_terminal_t, queue);

        t->version++;
        t->away_until = 0;
        t->attaching = 0;

        ngx_uplink_seats_free(fleet, t);

        if (t->in_ready) {
            ngx_uplink_box_post(fleet, &ticket->link->box,
                                NGX_UPLINK_BIT_TERMINAL);
        }

        if (t->state != NGX_UPLINK_TERMINAL_OPEN) {
            continue;
        }

        ngx_uplink_terminal_tell(fleet, t, NGX_UPLINK_TELL_BACK);

        if (ngx_uplink_lane_level(&t->input)) {
            ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_INPUT);
        }

        /* it may have been told before it was lost */

        if (t->paused) {
            ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_RESUME);
        }

        if (!(ticket->link->features & NGX_UPLINK_FEATURE_REPLAY)) {
            t->lost = 0;
            continue;
        }

        /* what was on the wire comes again, from the first byte missing */

        from = t->offset;

        for (i = ngx_queue_head(&t->seats);
             i != ngx_queue_sentinel(&t->seats);
             i = ngx_queue_next(i))
        {
            seat = ngx_queue_data(i, ngx_uplink_seat_t, queue);
            from = ngx_min(from, seat->next);
        }

        t->attaching = 1;
        t->attach = from;
        ngx_uplink_terminal_todo_add(fleet, t, NGX_UPLINK_TODO_ATTACH);
    }
}


/* nobody comes back */

void
ngx_uplink_terminals_lost(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket)
{
    ngx_queue_t            *q;
    ngx_uplink_terminal_t  *t;

    while (!ngx_queue_empty(&ticket->terminals)) {

        q = ngx_queue_head(&ticket->terminals);
        t = ngx_queue_data(q, ngx_uplink_terminal_t, queue);

        t->todo &= ~NGX_UPLINK_TODO_CLOSE;

        if (t->state == NGX_UPLINK_TERMINAL_ENDED) {
            ngx_uplink_terminal_put(fleet, t);
            continue;
        }

        ngx_uplink_terminal_end(fleet, t, NGX_UPLINK_TELL_EXIT, -1, NULL, 0,
                                "sled_lost", 9);
    }
}


ngx_str_t
ngx_uplink_terminal_field(ngx_uplink_terminal_t *t, ngx_uint_t field)
{
    ngx_str_t   s;
    ngx_uint_t  i;

    s.data = t->text;

    for (i = 0; i < field; i++) {
        s.data += t->len[i];
    }

    s.len = t->len[field];

    return s;
}
