
/*
 * Two ways to find things in the zone that cost the same however many there
 * are: a log, ordered by version, and a table, by hash.
 */


#ifndef _NGX_UPLINK_LOG_H_INCLUDED_
#define _NGX_UPLINK_LOG_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * A log: entries are appended with ever higher versions and leave in any
 * order.  Who follows is near the end; for who lags behind there is a mark
 * at the first entry of every block of versions.
 */

#define NGX_UPLINK_LOG_BLOCK  6      /* a block is so many bits of version */
#define NGX_UPLINK_LOG_MARKS  128    /* blocks, the newest ones */

typedef struct {
    ngx_queue_t            queue;
    uint64_t               version;
    ngx_uint_t             what;     /* the owner's */
} ngx_uplink_entry_t;

typedef struct {
    ngx_queue_t            entries;
    ngx_uplink_entry_t    *marks[NGX_UPLINK_LOG_MARKS];
} ngx_uplink_log_t;

void ngx_uplink_log_init(ngx_uplink_log_t *log);
void ngx_uplink_log_append(ngx_uplink_log_t *log, ngx_uplink_entry_t *e,
    uint64_t version);
void ngx_uplink_log_remove(ngx_uplink_log_t *log, ngx_uplink_entry_t *e);

/* the first above this version, the one behind it; NULL: none */

ngx_uplink_entry_t *ngx_uplink_log_above(ngx_uplink_log_t *log,
    uint64_t version);
ngx_uplink_entry_t *ngx_uplink_log_next(ngx_uplink_log_t *log,
    ngx_uplink_entry_t *e);


/*
 * A table of chains.  Its buckets stand in pages that the zone takes once;
 * what is equal the owner decides.
 */

#define NGX_UPLINK_TABLE_PAGES  64

typedef struct ngx_uplink_cell_s  ngx_uplink_cell_t;

struct ngx_uplink_cell_s {
    ngx_uplink_cell_t     *next;
    ngx_uplink_cell_t    **prev;
    uint64_t               hash;
};

typedef struct {
    ngx_uplink_cell_t    **pages[NGX_UPLINK_TABLE_PAGES];
    ngx_uint_t             mask;     /* buckets - 1 */
} ngx_uplink_table_t;

/* locked; n is rounded up to a power of two; NGX_ERROR: no memory */

ngx_int_t ngx_uplink_table_init(ngx_uplink_table_t *table,
    ngx_slab_pool_t *pool, ngx_uint_t n);
void ngx_uplink_table_insert(ngx_uplink_table_t *table,
    ngx_uplink_cell_t *cell, uint64_t hash);
void ngx_uplink_table_delete(ngx_uplink_cell_t *cell);

/* the first of this hash, the one behind it; NULL: none */

ngx_uplink_cell_t *ngx_uplink_table_find(ngx_uplink_table_t *table,
    uint64_t hash);
ngx_uplink_cell_t *ngx_uplink_table_next(ngx_uplink_cell_t *cell);


#endif /* _NGX_UPLINK_LOG_H_INCLUDED_ */
