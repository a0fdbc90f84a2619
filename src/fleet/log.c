
/*
 * Logs and tables in the zone.
 */


#include "fleet/log.h"


#define ngx_uplink_log_block(version)  ((version) >> NGX_UPLINK_LOG_BLOCK)

#define ngx_uplink_log_mark(log, block)                                      \
    ((log)->marks[(block) % NGX_UPLINK_LOG_MARKS])

#define ngx_uplink_log_entry(q)                                              \
    ngx_queue_data(q, ngx_uplink_entry_t, queue)


static ngx_uplink_cell_t **ngx_uplink_table_bucket(ngx_uplink_table_t *table,
    uint64_t hash);


void
ngx_uplink_log_init(ngx_uplink_log_t *log)
{
    ngx_queue_init(&log->entries);
    ngx_memzero(log->marks, sizeof(log->marks));
}


void
ngx_uplink_log_append(ngx_uplink_log_t *log, ngx_uplink_entry_t *e,
    uint64_t version)
{
    uint64_t             block;
    ngx_uplink_entry_t  *mark;

    e->version = version;
    ngx_queue_insert_tail(&log->entries, &e->queue);

    block = ngx_uplink_log_block(version);
    mark = ngx_uplink_log_mark(log, block);

    if (mark == NULL || ngx_uplink_log_block(mark->version) != block) {
        ngx_uplink_log_mark(log, block) = e;
    }
}


void
ngx_uplink_log_remove(ngx_uplink_log_t *log, ngx_uplink_entry_t *e)
{
    uint64_t             block;
    ngx_uplink_entry_t  *next;

    block = ngx_uplink_log_block(e->version);

    if (ngx_uplink_log_mark(log, block) == e) {
        next = ngx_uplink_log_next(log, e);

        if (next && ngx_uplink_log_block(next->version) != block) {
            next = NULL;
        }

        ngx_uplink_log_mark(log, block) = next;
    }

    ngx_queue_remove(&e->queue);
}


ngx_uplink_entry_t *
ngx_uplink_log_next(ngx_uplink_log_t *log, ngx_uplink_entry_t *e)
{
    ngx_queue_t  *q;

    q = ngx_queue_next(&e->queue);

    return (q == ngx_queue_sentinel(&log->entries)) ? NULL
                                                    : ngx_uplink_log_entry(q);
}


ngx_uplink_entry_t *
ngx_uplink_log_above(ngx_uplink_log_t *log, uint64_t version)
{
    uint64_t             block, last;
    ngx_uint_t           n;
    ngx_queue_t         *q;
    ngx_uplink_entry_t  *e, *found, *mark;

    found = NULL;
    q = ngx_queue_last(&log->entries);

    for (n = 0; n < (1 << NGX_UPLINK_LOG_BLOCK); n++) {

        if (q == ngx_queue_sentinel(&log->entries)) {
            return found;
        }

        e = ngx_uplink_log_entry(q);

        if (e->version <= version) {
            return found;
        }

        found = e;
        q = ngx_queue_prev(q);
    }

    /* far behind: from the nearest mark, or, older than these, the head */

    block = ngx_uplink_log_block(version);
    last = ngx_uplink_log_block(found->version);

    e = ngx_uplink_log_entry(ngx_queue_head(&log->entries));

    if (last - block < NGX_UPLINK_LOG_MARKS) {

        for ( /* void */ ; block <= last; block++) {
            mark = ngx_uplink_log_mark(log, block);

            if (mark && ngx_uplink_log_block(mark->version) == block) {
                e = mark;
                break;
            }
        }
    }

    while (e && e->version <= version) {
        e = ngx_uplink_log_next(log, e);
    }

    return e;
}


ngx_int_t
ngx_uplink_table_init(ngx_uplink_table_t *table, ngx_slab_pool_t *pool,
    ngx_uint_t n)
{
    ngx_uint_t  i, size, per;

    per = ngx_pagesize / sizeof(ngx_uplink_cell_t *);

    for (size = 64; size < n && size < NGX_UPLINK_TABLE_PAGES * per; /**/ ) {
        size *= 2;
    }

    table->mask = size - 1;

    for (i = 0; i < (size + per - 1) / per; i++) {

        table->pages[i] = ngx_slab_calloc_locked(pool,
                              ngx_min(size, per)
                              * sizeof(ngx_uplink_cell_t *));

        if (table->pages[i] == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_uplink_cell_t **
ngx_uplink_table_bucket(ngx_uplink_table_t *table, uint64_t hash)
{
    ngx_uint_t  n, per;

    per = ngx_pagesize / sizeof(ngx_uplink_cell_t *);
    n = (hash ^ hash >> 32) & table->mask;

    return &table->pages[n / per][n % per];
}


void
ngx_uplink_table_insert(ngx_uplink_table_t *table, ngx_uplink_cell_t *cell,
    uint64_t hash)
{
    ngx_uplink_cell_t  **bucket;

    bucket = ngx_uplink_table_bucket(table, hash);

    cell->hash = hash;
    cell->next = *bucket;
    cell->prev = bucket;

    if (cell->next) {
        cell->next->prev = &cell->next;
    }

    *bucket = cell;
}


void
ngx_uplink_table_delete(ngx_uplink_cell_t *cell)
{
    *cell->prev = cell->next;

    if (cell->next) {
        cell->next->prev = cell->prev;
    }
}


ngx_uplink_cell_t *
ngx_uplink_table_find(ngx_uplink_table_t *table, uint64_t hash)
{
    ngx_uplink_cell_t  *cell;

    for (cell = *ngx_uplink_table_bucket(table, hash);
         cell && cell->hash != hash;
         cell = cell->next)
    {
        /* void */
    }

    return cell;
}


ngx_uplink_cell_t *
ngx_uplink_table_next(ngx_uplink_cell_t *cell)
{
    uint64_t  hash;

    hash = cell->hash;

    do {
        cell = cell->next;
    } while (cell && cell->hash != hash);

    return cell;
}
