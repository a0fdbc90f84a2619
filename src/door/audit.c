
/*
 * The writer of an audit log: takes records from the journal, makes lines of
 * them, and writes these in one go, once in a turn of the event loop.  A line
 * that is not written yet is kept, and tried again.
 */


#include "door/audit.h"


#define NGX_UPLINK_AUDIT_RAW    (32 * 1024)    /* records of one write */
#define NGX_UPLINK_AUDIT_LINES  (160 * 1024)   /* as lines */
#define NGX_UPLINK_AUDIT_RETRY  1000
#define NGX_UPLINK_AUDIT_LOG    60             /* s, between two complaints */
#define NGX_UPLINK_AUDIT_TURNS  64             /* writes, where it must be */


typedef struct {
    ngx_uplink_journal_t      journal;   /* first: node->journal */
    ngx_uplink_fleet_t       *fleet;
    ngx_uplink_audit_conf_t  *conf;
    ngx_uplink_chain_t        chain;
    ngx_event_t               retry;
    time_t                    logged;
    ngx_fd_t                  fd;        /* that the line was torn in */
    u_char                   *pos;       /* of what is not written yet */
    u_char                   *last;
    ngx_uint_t                n;         /* records that the lines are of */
    unsigned                  failing:1;
    unsigned                  torn:1;    /* some of the line at pos is there */
    u_char                   *room;      /* a newline, then lines */
    u_char                   *raw;
} ngx_uplink_audit_t;


static ngx_uplink_audit_t *ngx_uplink_audit_create(ngx_uplink_fleet_t *fleet,
    ngx_log_t *log);
static void ngx_uplink_audit_close(ngx_uplink_audit_t *audit);
static void ngx_uplink_audit_handler(ngx_event_t *ev);
static void ngx_uplink_audit_retry_handler(ngx_event_t *ev);
static ngx_int_t ngx_uplink_audit_flush(ngx_uplink_audit_t *audit);
static ngx_int_t ngx_uplink_audit_make(ngx_uplink_audit_t *audit);
static ngx_int_t ngx_uplink_audit_write(ngx_uplink_audit_t *audit);
static void ngx_uplink_audit_failed(ngx_uplink_audit_t *audit, ssize_t n,
    ngx_err_t err);
static void ngx_uplink_audit_free(ngx_uplink_audit_t *audit);


/* must not fail, as all of init_process */

void
ngx_uplink_audit_start(ngx_uplink_fleet_t *fleet, ngx_cycle_t *cycle)
{
    ngx_uplink_audit_t  *audit;

    audit = (ngx_uplink_audit_t *) fleet->node->journal;

    if (audit) {

        /* master_process off: the same process after a reload */

        if (fleet->audit == NULL) {
            ngx_uplink_audit_close(audit);
            return;
        }

        audit->fleet = fleet;
        audit->conf = fleet->audit;
        audit->journal.input = audit->conf->input;
        return;
    }

    if (fleet->audit == NULL) {
        return;
    }

    audit = ngx_uplink_audit_create(fleet, cycle->log);

    if (audit == NULL) {
        ngx_log_error(NGX_LOG_CRIT, cycle->log, 0,
                      "this worker writes no uplink audit log of \"%V\"",
                      &fleet->name);
        return;
    }

    fleet->node->journal = &audit->journal;
}


void
ngx_uplink_audit_begin(ngx_uplink_fleet_t *fleet)
{
    ngx_uplink_audit_t  *audit;

    audit = (ngx_uplink_audit_t *) fleet->node->journal;

    if (audit == NULL || audit->chain.seq
        || ngx_uplink_journal_begin(fleet, audit->chain.name) != NGX_OK)
    {
        return;
    }

    (void) ngx_uplink_audit_sync(fleet);
}


static ngx_uplink_audit_t *
ngx_uplink_audit_create(ngx_uplink_fleet_t *fleet, ngx_log_t *log)
{
    ngx_uplink_audit_t  *audit;

    audit = ngx_calloc(sizeof(ngx_uplink_audit_t), log);
    if (audit == NULL) {
        return NULL;
    }

    /* a newline before the first line: see ngx_uplink_audit_write() */

    audit->raw = ngx_alloc(NGX_UPLINK_AUDIT_RAW, log);
    audit->room = ngx_alloc(NGX_UPLINK_AUDIT_LINES + 1, log);

    if (audit->raw == NULL || audit->room == NULL
        || ngx_uplink_random(log, (u_char *) &audit->chain.name,
                             sizeof(audit->chain.name))
           != NGX_OK)
    {
        ngx_uplink_audit_free(audit);
        return NULL;
    }

    audit->room[0] = LF;

    audit->fleet = fleet;
    audit->conf = fleet->audit;
    audit->pos = audit->room + 1;
    audit->last = audit->pos;

    audit->journal.input = audit->conf->input;
    audit->journal.event.data = audit;
    audit->journal.event.handler = ngx_uplink_audit_handler;
    audit->journal.event.log = log;

    audit->retry.data = audit;
    audit->retry.handler = ngx_uplink_audit_retry_handler;
    audit->retry.log = log;
    audit->retry.cancelable = 1;

    return audit;
}


/* what is left behind by one who leaves is told, and closes the chain */

void
ngx_uplink_audit_stop(ngx_uplink_fleet_t *fleet)
{
    ngx_int_t  rc;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    do {
        if (!ngx_uplink_bus_claimed(fleet)) {
            break;
        }

        if (ngx_uplink_lock(fleet) != NGX_OK) {
            break;
        }

        rc = ngx_uplink_reap_port(fleet, ngx_uplink_bus_port(fleet));

        ngx_uplink_unlock(fleet);

    } while (rc == NGX_AGAIN);

    ngx_uplink_audit_close((ngx_uplink_audit_t *) fleet->node->journal);
}


static void
ngx_uplink_audit_close(ngx_uplink_audit_t *audit)
{
    ngx_uplink_said_t    said;
    ngx_uplink_fleet_t  *fleet;

    fleet = audit->fleet;

    ngx_uplink_say_nothing(&said);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_port, fleet->node->port);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_pid, ngx_pid);

    if (ngx_uplink_bus_claimed(fleet)) {
        (void) ngx_uplink_journal_note(fleet, NGX_UPLINK_AUDIT_stopped, &said);
        (void) ngx_uplink_audit_sync(fleet);

        ngx_uplink_journal_leave(fleet);
        ngx_uplink_journal_failing(fleet, 0);
    }

    if (audit->journal.event.posted) {
        ngx_delete_posted_event(&audit->journal.event);
    }

    if (audit->retry.timer_set) {
        ngx_del_timer(&audit->retry);
    }

    fleet->node->journal = NULL;

    ngx_uplink_audit_free(audit);
}


static void
ngx_uplink_audit_free(ngx_uplink_audit_t *audit)
{
    if (audit->raw) {
        ngx_free(audit->raw);
    }

    if (audit->room) {
        ngx_free(audit->room);
    }

    ngx_free(audit);
}


/* one write a turn: there may be more for the next one */

static void
ngx_uplink_audit_handler(ngx_event_t *ev)
{
    if (ngx_uplink_audit_flush(ev->data) == NGX_AGAIN) {
        ngx_post_event(ev, &ngx_posted_next_events);
    }
}


static void
ngx_uplink_audit_retry_handler(ngx_event_t *ev)
{
    ngx_uplink_audit_t  *audit;

    audit = ev->data;

    ngx_uplink_audit_handler(&audit->journal.event);
}


ngx_int_t
ngx_uplink_audit_sync(ngx_uplink_fleet_t *fleet)
{
    ngx_int_t   rc;
    ngx_uint_t  n;

    for (n = 0; n < NGX_UPLINK_AUDIT_TURNS; n++) {

        rc = ngx_uplink_audit_flush((ngx_uplink_audit_t *)
                                    fleet->node->journal);
        if (rc != NGX_AGAIN) {
            return rc;
        }
    }

    return NGX_ERROR;
}


/* NGX_OK: all is written; NGX_AGAIN: there may be more; NGX_ERROR */

static ngx_int_t
ngx_uplink_audit_flush(ngx_uplink_audit_t *audit)
{
    if (!ngx_uplink_bus_claimed(audit->fleet)) {

        /* it writes nothing: who has a port does */

        return NGX_OK;
    }

    if (audit->pos == audit->last) {

        if (ngx_uplink_audit_make(audit) != NGX_OK) {
            return NGX_ERROR;
        }

        if (audit->n == 0) {
            return NGX_OK;
        }
    }

    if (ngx_uplink_audit_write(audit) != NGX_OK) {

        if (!audit->retry.timer_set) {
            ngx_add_timer(&audit->retry, NGX_UPLINK_AUDIT_RETRY);
        }

        return NGX_ERROR;
    }

    ngx_uplink_journal_done(audit->fleet, audit->n, audit->chain.seq,
                            audit->chain.sha256);
    audit->n = 0;

    return NGX_AGAIN;
}


/* as many lines as there is room for */

static ngx_int_t
ngx_uplink_audit_make(ngx_uplink_audit_t *audit)
{
    u_char               *p, *last;
    ngx_uint_t            n;
    ngx_uplink_record_t  *rec;

    audit->pos = audit->room + 1;
    audit->last = audit->pos;
    audit->n = 0;

    n = ngx_uplink_journal_take(audit->fleet, audit->raw,
                                NGX_UPLINK_AUDIT_RAW);
    p = audit->raw;
    last = audit->room + 1 + NGX_UPLINK_AUDIT_LINES;

    for ( /* void */ ; n; n--) {
        rec = (ngx_uplink_record_t *) p;

        if ((size_t) (last - audit->last) < ngx_uplink_line_room(rec)) {
            break;
        }

        if (ngx_uplink_line(audit->fleet, &audit->chain, rec, &audit->last)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        audit->n++;

        p += ngx_align(ngx_uplink_record_size(rec) + rec->input_len,
                       NGX_ALIGNMENT);
    }

    return NGX_OK;
}


/*
 * Several processes write to the file: a line that was cut off there is not
 * continued behind those of others, but written again, from its start.
 */

static ngx_int_t
ngx_uplink_audit_write(ngx_uplink_audit_t *audit)
{
    u_char      *p, *end;
    ssize_t      n;
    ngx_err_t    err;
    ngx_fd_t     fd;

    fd = audit->conf->file->fd;
    p = audit->pos;

    if (audit->torn && fd == audit->fd) {

        /* the newline in front of it ends what is there of it */

        p--;
    }

    n = ngx_write_fd(fd, p, audit->last - p);
    err = (n == -1) ? ngx_errno : 0;

    if (n != audit->last - p) {

        if (n > 0) {
            end = p + n;

            for (p = end; p[-1] != LF; p--) { /* void */ }

            audit->torn = (p != end);
            audit->pos = p;
            audit->fd = fd;
        }

        ngx_uplink_audit_failed(audit, n, err);

        return NGX_ERROR;
    }

    audit->pos = audit->last;
    audit->torn = 0;

    ngx_uplink_add(audit->fleet, NGX_UPLINK_COUNT_audit_lines, audit->n);

    if (audit->failing) {
        audit->failing = 0;
        audit->logged = 0;
        ngx_uplink_journal_failing(audit->fleet, 0);

        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "uplink audit log \"%V\" is written again",
                      &audit->conf->file->name);
    }

    return NGX_OK;
}


static void
ngx_uplink_audit_failed(ngx_uplink_audit_t *audit, ssize_t n, ngx_err_t err)
{
    time_t  now;

    ngx_uplink_count(audit->fleet, NGX_UPLINK_COUNT_audit_errors);
    ngx_uplink_journal_failing(audit->fleet, 1);

    audit->failing = 1;

    now = ngx_time();

    if (audit->logged && now - audit->logged < NGX_UPLINK_AUDIT_LOG) {
        return;
    }

    audit->logged = now;

    if (n == -1) {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, err,
                      ngx_write_fd_n " to uplink audit log \"%V\" failed",
                      &audit->conf->file->name);
        return;
    }

    ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                  ngx_write_fd_n " to uplink audit log \"%V\" was "
                  "incomplete: %z", &audit->conf->file->name, n);
}
