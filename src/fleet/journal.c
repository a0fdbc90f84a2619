
/*
 * Records for the audit log: put under the lock, taken by their writer,
 * handed on when that is gone.
 */


#include "fleet/journal.h"


#define NGX_UPLINK_JOURNAL_SHARE  8     /* of the zone, at most */


static ngx_uplink_record_t *ngx_uplink_record_create(
    ngx_uplink_fleet_t *fleet, ngx_uplink_audit_e event,
    ngx_uplink_said_t *said);
static void ngx_uplink_record_free(ngx_uplink_fleet_t *fleet,
    ngx_uplink_record_t *rec);
static uint64_t ngx_uplink_audit_mask(ngx_uplink_audit_e event);
static ngx_queue_t *ngx_uplink_journal_of(ngx_uplink_fleet_t *fleet);
static void ngx_uplink_journal_lost(ngx_uplink_fleet_t *fleet);
static void ngx_uplink_journal_orphan(ngx_uplink_fleet_t *fleet,
    ngx_uplink_port_t *port);


#define NGX_UPLINK_AUDIT_MEMBER(name, kind)                                  \
    { ngx_string(#name), NGX_UPLINK_SAID_##kind },

const ngx_uplink_audit_member_t  ngx_uplink_audit_members[] = {
    NGX_UPLINK_AUDIT_MEMBERS(NGX_UPLINK_AUDIT_MEMBER)
    { ngx_null_string, 0 }
};


#define NGX_UPLINK_AUDIT_EVENT(name, members)                                \
    { ngx_string(#name), members },

const ngx_uplink_audit_event_t  ngx_uplink_audit_events[] = {
    NGX_UPLINK_AUDIT_EVENTS(NGX_UPLINK_AUDIT_EVENT)
    { ngx_null_string, NULL }
};


static const ngx_str_t  ngx_uplink_origin_doors[] = {
    ngx_string("sled"),
    ngx_string("api"),
    ngx_string("operator"),
    ngx_string("terminal")
};


void
ngx_uplink_say(ngx_uplink_said_t *said, ngx_uplink_said_e member,
    const void *data, size_t len)
{
    if (len == 0) {
        return;
    }

    said->set |= (uint64_t) 1 << member;
    said->v[member].text.data = (u_char *) data;
    said->v[member].text.len = (member == NGX_UPLINK_SAID_input)
                               ? ngx_min(len, NGX_UPLINK_AUDIT_INPUT)
                               : ngx_min(len, NGX_UPLINK_AUDIT_STRING);
}


void
ngx_uplink_say_number(ngx_uplink_said_t *said, ngx_uplink_said_e member,
    uint64_t n)
{
    said->set |= (uint64_t) 1 << member;
    said->v[member].number = n;
}


void
ngx_uplink_say_origin(ngx_uplink_said_t *said, ngx_uplink_origin_t *origin)
{
    ngx_uplink_say_str(said, NGX_UPLINK_SAID_door,
                       &ngx_uplink_origin_doors[origin->door]);
    ngx_uplink_say_str(said, NGX_UPLINK_SAID_from, &origin->from);
    ngx_uplink_say_str(said, NGX_UPLINK_SAID_user, &origin->user);
}


/* the names of its members, looked up once */

static uint64_t
ngx_uplink_audit_mask(ngx_uplink_audit_e event)
{
    size_t       len;
    ngx_uint_t   i;
    const char  *p;

    static uint64_t  masks[NGX_UPLINK_AUDIT_EVENTS_N];

    if (masks[event]) {
        return masks[event];
    }

    for (p = ngx_uplink_audit_events[event].members; *p; p += len) {

        p += strspn(p, " ");
        len = strcspn(p, " ");

        for (i = 0; i < NGX_UPLINK_SAID_MEMBERS; i++) {
            if (ngx_uplink_audit_members[i].name.len == len
                && ngx_strncmp(ngx_uplink_audit_members[i].name.data, p, len)
                   == 0)
            {
                masks[event] |= (uint64_t) 1 << i;
            }
        }
    }

    return masks[event];
}


ngx_uint_t
ngx_uplink_journal_put(ngx_uplink_fleet_t *fleet, ngx_uplink_audit_e event,
    ngx_uplink_said_t *said)
{
    ngx_uint_t             news;
    ngx_uplink_record_t   *rec;
    ngx_uplink_journal_t  *journal;

    journal = fleet->node->journal;

    news = (event == NGX_UPLINK_AUDIT_lost
            || event == NGX_UPLINK_AUDIT_emptied);

    if ((journal->lost || journal->emptied) && !news) {
        ngx_uplink_journal_lost(fleet);
    }

    rec = journal->lost ? NULL : ngx_uplink_record_create(fleet, event, said);

    if (rec == NULL) {

        if (!news) {
            journal->lost++;
            ngx_uplink_count(fleet, NGX_UPLINK_COUNT_audit_lost);
        }

        return 0;
    }

    ngx_queue_insert_tail(ngx_uplink_journal_of(fleet), &rec->queue);
    fleet->sh->nrecords++;
    fleet->sh->journaled += ngx_uplink_record_size(rec) + rec->input_len;

    ngx_post_event(&journal->event, &ngx_posted_events);

    return 1;
}


/* there is room again: first of all it is told what was not written */

static void
ngx_uplink_journal_lost(ngx_uplink_fleet_t *fleet)
{
    uint64_t               lost;
    ngx_uint_t             emptied;
    ngx_uplink_said_t      said;
    ngx_uplink_journal_t  *journal;

    journal = fleet->node->journal;

    lost = journal->lost;
    emptied = journal->emptied;

    journal->lost = 0;
    journal->emptied = 0;

    ngx_uplink_say_nothing(&said);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_lines, lost);

    if (!ngx_uplink_journal_put(fleet, emptied ? NGX_UPLINK_AUDIT_emptied
                                               : NGX_UPLINK_AUDIT_lost,
                                &said))
    {
        journal->lost = lost;
        journal->emptied = emptied;
    }
}


ngx_uint_t
ngx_uplink_journal_note(ngx_uplink_fleet_t *fleet, ngx_uplink_audit_e event,
    ngx_uplink_said_t *said)
{
    ngx_uint_t  rc;

    if (!ngx_uplink_journal_on(fleet) || ngx_uplink_lock(fleet) != NGX_OK) {
        return 0;
    }

    rc = ngx_uplink_journal_put(fleet, event, said);

    ngx_uplink_unlock(fleet);

    return rc;
}


/* one who has no port leaves it to those who have */

static ngx_queue_t *
ngx_uplink_journal_of(ngx_uplink_fleet_t *fleet)
{
    return ngx_uplink_bus_claimed(fleet)
               ? &ngx_uplink_bus_port(fleet)->journal
               : &fleet->sh->journal;
}


/*
 * Not by ngx_uplink_alloc(): that makes room by forgetting ended requests,
 * and the caller may hold one.
 */

static ngx_uplink_record_t *
ngx_uplink_record_create(ngx_uplink_fleet_t *fleet, ngx_uplink_audit_e event,
    ngx_uplink_said_t *said)
{
    u_char               *p;
    size_t                size;
    uint32_t              len;
    uint64_t              set, bit;
    ngx_str_t            *text;
    ngx_uint_t            i;
    ngx_uplink_record_t  *rec;

    set = said->set & ngx_uplink_audit_mask(event);

    if (!fleet->node->journal->input) {
        set &= ~((uint64_t) 1 << NGX_UPLINK_SAID_input
                 | (uint64_t) 1 << NGX_UPLINK_SAID_input_cut);
    }

    size = 0;

    for (i = 0; i < NGX_UPLINK_SAID_MEMBERS; i++) {
        bit = (uint64_t) 1 << i;

        if (!(set & bit) || i == NGX_UPLINK_SAID_input) {
            continue;
        }

        size += (ngx_uplink_audit_members[i].kind < NGX_UPLINK_SAID_STRING)
                ? sizeof(uint64_t)
                : sizeof(uint32_t) + said->v[i].text.len;
    }

    text = &said->v[NGX_UPLINK_SAID_input].text;

    if (fleet->sh->journaled + size
        + (set & ((uint64_t) 1 << NGX_UPLINK_SAID_input) ? text->len : 0)
        > fleet->shm_zone->shm.size / NGX_UPLINK_JOURNAL_SHARE)
    {
        return NULL;
    }

    rec = ngx_slab_alloc_locked(fleet->pool,
                                offsetof(ngx_uplink_record_t, data) + size);
    if (rec == NULL) {
        return NULL;
    }

    rec->input = NULL;
    rec->input_len = 0;

    if (set & ((uint64_t) 1 << NGX_UPLINK_SAID_input)) {
        rec->input = ngx_uplink_blob_create(fleet, text, 1);

        if (rec->input == NULL) {
            ngx_slab_free_locked(fleet->pool, rec);
            return NULL;
        }

        rec->input_len = (uint32_t) text->len;
    }

    rec->time = ngx_uplink_now();
    rec->chain = 0;
    rec->seq = 0;
    rec->set = set;
    rec->event = event;
    rec->size = (uint32_t) size;

    p = rec->data;

    for (i = 0; i < NGX_UPLINK_SAID_MEMBERS; i++) {
        bit = (uint64_t) 1 << i;

        if (!(set & bit) || i == NGX_UPLINK_SAID_input) {
            continue;
        }

        if (ngx_uplink_audit_members[i].kind < NGX_UPLINK_SAID_STRING) {
            p = ngx_cpymem(p, &said->v[i].number, sizeof(uint64_t));
            continue;
        }

        text = &said->v[i].text;
        len = (uint32_t) text->len;

        p = ngx_cpymem(p, &len, sizeof(uint32_t));
        p = ngx_cpymem(p, text->data, len);
    }

    return rec;
}


u_char *
ngx_uplink_record_next(u_char *p, ngx_uint_t member, ngx_str_t *text,
    uint64_t *number)
{
    uint32_t  len;

    if (ngx_uplink_audit_members[member].kind < NGX_UPLINK_SAID_STRING) {
        ngx_memcpy(number, p, sizeof(uint64_t));
        return p + sizeof(uint64_t);
    }

    ngx_memcpy(&len, p, sizeof(uint32_t));

    text->data = p + sizeof(uint32_t);
    text->len = len;

    return text->data + len;
}


static void
ngx_uplink_record_free(ngx_uplink_fleet_t *fleet, ngx_uplink_record_t *rec)
{
    ngx_queue_remove(&rec->queue);

    fleet->sh->nrecords--;
    fleet->sh->journaled -= ngx_uplink_record_size(rec) + rec->input_len;

    ngx_uplink_blob_free(fleet, rec->input);
    ngx_slab_free_locked(fleet->pool, rec);
}


ngx_int_t
ngx_uplink_journal_begin(ngx_uplink_fleet_t *fleet, uint64_t chain)
{
    ngx_uplink_said_t   said;
    ngx_uplink_port_t  *port;

    if (!ngx_uplink_bus_claimed(fleet) || ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_ERROR;
    }

    port = ngx_uplink_bus_port(fleet);

    ngx_uplink_say_nothing(&said);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_port, fleet->node->port);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_pid, ngx_pid);

    if (port->chain) {
        ngx_uplink_say(&said, NGX_UPLINK_SAID_after_chain, &port->chain, 8);
        ngx_uplink_say_number(&said, NGX_UPLINK_SAID_after_seq,
                              port->chain_seq);
        ngx_uplink_say(&said, NGX_UPLINK_SAID_after_sha256,
                       port->chain_sha256, 32);
    }

    (void) ngx_uplink_journal_put(fleet, NGX_UPLINK_AUDIT_started, &said);

    port->chain = chain;
    port->chain_seq = 0;
    port->audited = 1;
    port->flying = 0;
    port->audit_failing = 0;
    ngx_memzero(port->chain_sha256, 32);

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


ngx_uint_t
ngx_uplink_journal_take(ngx_uplink_fleet_t *fleet, u_char *dst, size_t size)
{
    size_t                room;
    ngx_uint_t            n;
    ngx_queue_t          *q;
    ngx_uplink_port_t    *port;
    ngx_uplink_record_t  *rec, *copy;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return 0;
    }

    if (fleet->node->journal->lost || fleet->node->journal->emptied) {
        ngx_uplink_journal_lost(fleet);
    }

    port = ngx_uplink_bus_port(fleet);

    if (!ngx_queue_empty(&fleet->sh->journal)) {
        ngx_queue_add(&port->journal, &fleet->sh->journal);
        ngx_queue_init(&fleet->sh->journal);
    }

    for (q = ngx_queue_head(&port->journal), n = 0;
         q != ngx_queue_sentinel(&port->journal);
         q = ngx_queue_next(q), n++)
    {
        rec = ngx_queue_data(q, ngx_uplink_record_t, queue);
        room = ngx_align(ngx_uplink_record_size(rec) + rec->input_len,
                         NGX_ALIGNMENT);

        if (room > size) {
            break;
        }

        copy = (ngx_uplink_record_t *) dst;

        ngx_memcpy(copy, rec, ngx_uplink_record_size(rec));

        if (rec->input) {
            (void) ngx_uplink_blob_copy(dst + ngx_uplink_record_size(rec),
                                        rec->input);
        }

        dst += room;
        size -= room;
    }

    port->flying = n;
    fleet->node->journal->epoch = fleet->sh->epoch;

    ngx_uplink_unlock(fleet);

    return n;
}


void
ngx_uplink_journal_done(ngx_uplink_fleet_t *fleet, ngx_uint_t n,
    uint64_t seq, u_char *sha256)
{
    ngx_queue_t        *q;
    ngx_uplink_port_t  *port;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return;
    }

    port = ngx_uplink_bus_port(fleet);

    port->flying = 0;
    port->chain_seq = seq;
    ngx_memcpy(port->chain_sha256, sha256, 32);

    if (fleet->node->journal->epoch != fleet->sh->epoch) {

        /* they went with the zone, but are written */

        n = 0;
    }

    for ( /* void */ ; n; n--) {
        q = ngx_queue_head(&port->journal);

        ngx_uplink_record_free(fleet,
                               ngx_queue_data(q, ngx_uplink_record_t, queue));
    }

    ngx_uplink_unlock(fleet);
}


void
ngx_uplink_journal_failing(ngx_uplink_fleet_t *fleet, ngx_uint_t on)
{
    ngx_uplink_bus_port(fleet)->audit_failing = on;
}


void
ngx_uplink_journal_reap(ngx_uplink_fleet_t *fleet, ngx_uplink_port_t *port)
{
    ngx_queue_t        *q;
    ngx_uplink_said_t   said;

    if (!ngx_uplink_journal_on(fleet)) {

        /* nobody writes: not even what one did who wrote */

        while (!ngx_queue_empty(&port->journal)) {
            q = ngx_queue_head(&port->journal);
            ngx_uplink_record_free(fleet,
                               ngx_queue_data(q, ngx_uplink_record_t, queue));
        }

        port->audited = 0;
        return;
    }

    if (port->pid == ngx_pid || !port->audited) {
        return;
    }

    port->audited = 0;

    ngx_uplink_say_nothing(&said);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_port,
                          port - fleet->sh->ports);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_pid, port->pid);
    ngx_uplink_say(&said, NGX_UPLINK_SAID_after_chain, &port->chain, 8);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_after_seq, port->chain_seq);
    ngx_uplink_say(&said, NGX_UPLINK_SAID_after_sha256, port->chain_sha256,
                   32);

    (void) ngx_uplink_journal_put(fleet, NGX_UPLINK_AUDIT_worker_lost, &said);

    ngx_uplink_journal_orphan(fleet, port);
}


/* the first of them may have been written: they carry the name they had */

static void
ngx_uplink_journal_orphan(ngx_uplink_fleet_t *fleet, ngx_uplink_port_t *port)
{
    uint64_t              seq;
    ngx_queue_t          *q;
    ngx_uplink_record_t  *rec;

    seq = port->chain_seq;

    for (q = ngx_queue_head(&port->journal);
         q != ngx_queue_sentinel(&port->journal) && port->flying;
         q = ngx_queue_next(q))
    {
        rec = ngx_queue_data(q, ngx_uplink_record_t, queue);
        seq++;

        if (rec->chain == 0) {
            rec->chain = port->chain;
            rec->seq = seq;
        }

        port->flying--;
    }

    if (!ngx_queue_empty(&port->journal)) {
        ngx_queue_add(&fleet->sh->journal, &port->journal);
        ngx_queue_init(&port->journal);
    }
}


void
ngx_uplink_journal_leave(ngx_uplink_fleet_t *fleet)
{
    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return;
    }

    ngx_uplink_journal_orphan(fleet, ngx_uplink_bus_port(fleet));
    ngx_uplink_bus_port(fleet)->audited = 0;

    ngx_uplink_unlock(fleet);
}


void
ngx_uplink_journal_emptied(ngx_uplink_fleet_t *fleet)
{
    ngx_uplink_journal_t  *journal;

    journal = fleet->node->journal;

    if (journal == NULL) {
        return;
    }

    journal->emptied = 1;
    journal->lost += fleet->sh->nrecords;

    /* told in another turn, when this process knows the new zone */

    ngx_post_event(&journal->event, &ngx_posted_next_events);

    fleet->sh->totals.counters[NGX_UPLINK_COUNT_audit_lost]
        += fleet->sh->nrecords;
}
