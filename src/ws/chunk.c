
/*
 * The memory that all connections of a worker queue their output in.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "engine.h"


#define NGX_UPLINK_CHUNK_NORMAL   16384

/* how many of each are kept for the next one who needs them */

#define NGX_UPLINK_CHUNKS_SMALL   512
#define NGX_UPLINK_CHUNKS_NORMAL  256


typedef struct {
    ngx_uplink_chunk_t   *free;
    ngx_uint_t            count;
    ngx_uint_t            max;
} ngx_uplink_chunks_t;


static ngx_uplink_chunks_t  ngx_uplink_chunks_small = {
    NULL, 0, NGX_UPLINK_CHUNKS_SMALL
};

static ngx_uplink_chunks_t  ngx_uplink_chunks_normal = {
    NULL, 0, NGX_UPLINK_CHUNKS_NORMAL
};


ngx_uplink_chunk_t *
ngx_uplink_chunk_alloc(ngx_log_t *log, size_t size)
{
    ngx_uplink_chunk_t   *ch;
    ngx_uplink_chunks_t  *chunks;

    size += sizeof(ngx_uplink_chunk_t);
    chunks = NULL;

    if (size <= NGX_UPLINK_CHUNK_SMALL) {
        size = NGX_UPLINK_CHUNK_SMALL;
        chunks = &ngx_uplink_chunks_small;

    } else if (size <= NGX_UPLINK_CHUNK_NORMAL) {
        size = NGX_UPLINK_CHUNK_NORMAL;
        chunks = &ngx_uplink_chunks_normal;
    }

    if (chunks && chunks->free) {
        ch = chunks->free;
        chunks->free = ch->next;
        chunks->count--;

    } else {
        ch = ngx_alloc(size, log);
        if (ch == NULL) {
            return NULL;
        }
    }

    ch->next = NULL;
    ch->pos = ngx_uplink_chunk_start(ch);
    ch->last = ch->pos;
    ch->end = (u_char *) ch + size;

    return ch;
}


void
ngx_uplink_chunk_free(ngx_uplink_chunk_t *ch)
{
    ngx_uplink_chunks_t  *chunks;

    switch (ch->end - (u_char *) ch) {

    case NGX_UPLINK_CHUNK_SMALL:
        chunks = &ngx_uplink_chunks_small;
        break;

    case NGX_UPLINK_CHUNK_NORMAL:
        chunks = &ngx_uplink_chunks_normal;
        break;

    default:
        ngx_free(ch);
        return;
    }

    if (chunks->count == chunks->max) {
        ngx_free(ch);
        return;
    }

    ch->next = chunks->free;
    chunks->free = ch;
    chunks->count++;
}


void
ngx_uplink_conn_exit_process(void)
{
    ngx_uint_t            i;
    ngx_uplink_chunk_t   *ch;
    ngx_uplink_chunks_t  *chunks[2];

    chunks[0] = &ngx_uplink_chunks_small;
    chunks[1] = &ngx_uplink_chunks_normal;

    for (i = 0; i < 2; i++) {

        while (chunks[i]->free) {
            ch = chunks[i]->free;
            chunks[i]->free = ch->next;
            ngx_free(ch);
        }

        chunks[i]->count = 0;
    }
}
