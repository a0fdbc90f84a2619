
/*
 * What a connection has to send: frames in chunks that all connections of
 * the worker share, and one write for all of them per turn.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "engine.h"


#define NGX_UPLINK_OUTPUT_BUFS    64

/* a TLS record; a write that is tried again must not be shorter */

#define NGX_UPLINK_OUTPUT_RECORD  16384


static ngx_uint_t ngx_uplink_output_full(ngx_uplink_conn_t *uc, size_t size);
static ngx_uplink_chunk_t *ngx_uplink_output_room(ngx_uplink_conn_t *uc,
    size_t size);
static ngx_int_t ngx_uplink_output_wait(ngx_connection_t *c);
static ngx_int_t ngx_uplink_output_head(ngx_uplink_conn_t *uc);
static ngx_uint_t ngx_uplink_output_gather(ngx_uplink_conn_t *uc);
static ngx_uint_t ngx_uplink_output_gather_chunk(ngx_connection_t *c,
    ngx_uplink_chunk_t *ch, ngx_uint_t n);
static void ngx_uplink_output_sent(ngx_uplink_conn_t *uc, ngx_uint_t n);
static ngx_uplink_chunk_t *ngx_uplink_output_drop_sent(
    ngx_uplink_chunk_t *ch);
static u_char *ngx_uplink_output_control(ngx_uplink_conn_t *uc, size_t size);


/* offered in the last write and not taken, or taken in part */

#define ngx_uplink_output_begun(ch, offered)                                 \
    ((ch) && ((ch) == (offered) || (ch)->pos != ngx_uplink_chunk_start(ch)))


/* what is about to be written: only one connection is at a time */

static ngx_buf_t            ngx_uplink_output_bufs[NGX_UPLINK_OUTPUT_BUFS];
static ngx_chain_t          ngx_uplink_output_links[NGX_UPLINK_OUTPUT_BUFS];
static ngx_uplink_chunk_t  *ngx_uplink_output_chunks[NGX_UPLINK_OUTPUT_BUFS];


u_char *
ngx_uplink_conn_reserve(ngx_uplink_conn_t *uc, size_t size)
{
    ngx_uplink_chunk_t  *ch;

    if (uc->closing || ngx_uplink_output_full(uc, size)) {
        return NULL;
    }

    uc->reserved = (u_char) ngx_uplink_frame_head_size(size);

    ch = ngx_uplink_output_room(uc, uc->reserved + size);
    if (ch == NULL) {
        return NULL;
    }

    ngx_uplink_conn_post(uc);

    return ch->last + uc->reserved;
}


void
ngx_uplink_conn_commit(ngx_uplink_conn_t *uc, ngx_uint_t opcode, size_t len)
{
    size_t   head;
    u_char  *p;

    p = uc->out_last->last;
    head = ngx_uplink_frame_head_size(len);

    if (head != uc->reserved) {

        /* much was reserved for little, and lengths have one form only */

        ngx_memmove(p + head, p + uc->reserved, len);
    }

    (void) ngx_uplink_frame_head(p, opcode, len);

    uc->out_last->last += head + len;
    uc->queued += head + len;
    uc->sent += len;
}


ngx_int_t
ngx_uplink_conn_send(ngx_uplink_conn_t *uc, ngx_uint_t opcode, u_char *data,
    size_t len)
{
    u_char  *p;

    if (!uc->closing && ngx_uplink_output_full(uc, len)) {
        return NGX_BUSY;
    }

    p = ngx_uplink_conn_reserve(uc, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(p, data, len);
    ngx_uplink_conn_commit(uc, opcode, len);

    return NGX_OK;
}


/* a message larger than the bound may pass, but alone */

static ngx_uint_t
ngx_uplink_output_full(ngx_uplink_conn_t *uc, size_t size)
{
    uint64_t  pending;

    pending = uc->queued - uc->written;

    return pending && pending + size > uc->send_buffer;
}


static ngx_uplink_chunk_t *
ngx_uplink_output_room(ngx_uplink_conn_t *uc, size_t size)
{
    ngx_uplink_chunk_t  *ch;

    ch = uc->out_last;

    if (ch && (size_t) (ch->end - ch->last) >= size) {
        return ch;
    }

    /* one small message is what most have; who has more will have many */

    ch = ngx_uplink_chunk_alloc(uc->connection->log,
                                ch ? ngx_max(size, NGX_UPLINK_CHUNK_SMALL)
                                   : size);
    if (ch == NULL) {
        return NULL;
    }

    if (uc->out_last) {
        uc->out_last->next = ch;

    } else {
        uc->out = ch;
    }

    uc->out_last = ch;

    return ch;
}


ngx_int_t
ngx_uplink_output_flush(ngx_uplink_conn_t *uc)
{
    ngx_int_t          rc;
    ngx_uint_t         n;
    ngx_chain_t       *cl;
    ngx_connection_t  *c;

    c = uc->connection;

    if (!uc->headed) {
        rc = ngx_uplink_output_head(uc);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    for ( ;; ) {

        n = ngx_uplink_output_gather(uc);

        if (n && !c->write->ready) {
            return ngx_uplink_output_wait(c);
        }

        cl = n ? c->send_chain(c, ngx_uplink_output_links, 0) : NULL;

        if (cl == NGX_CHAIN_ERROR) {
            return NGX_ERROR;
        }

        ngx_uplink_output_sent(uc, n);

        if (cl) {
            return ngx_uplink_output_wait(c);
        }

        if (n < NGX_UPLINK_OUTPUT_BUFS) {
            return NGX_OK;
        }
    }
}


static ngx_int_t
ngx_uplink_output_wait(ngx_connection_t *c)
{
    if (ngx_handle_write_event(c->write, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    return NGX_AGAIN;
}


/* the 101 goes the way of every response, and once only */

static ngx_int_t
ngx_uplink_output_head(ngx_uplink_conn_t *uc)
{
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = uc->request;
    c = uc->connection;

    if ((r->out || c->buffered)
        && ngx_http_output_filter(r, NULL) == NGX_ERROR)
    {
        return NGX_ERROR;
    }

    if (r->out || c->buffered) {
        return ngx_uplink_output_wait(c);
    }

    uc->headed = 1;

#if (NGX_HTTP_SSL)

    if (c->ssl) {

        /* our chunks are as good as this buffer, and need no copy */

        ngx_ssl_free_buffer(c);
        c->ssl->buffer = 0;
    }

#endif

    return NGX_OK;
}


/*
 * A chunk that was offered to the socket already must be continued as it
 * was: part of a frame may be out, or, with TLS, part of a record.
 */

static ngx_uint_t
ngx_uplink_output_gather(ngx_uplink_conn_t *uc)
{
    ngx_uint_t           n;
    ngx_connection_t    *c;
    ngx_uplink_chunk_t  *ch, *control;

    n = 0;
    c = uc->connection;
    ch = uc->out;

    if (ch && uc->out_begun) {
        n = ngx_uplink_output_gather_chunk(c, ch, n);

        if (n == NGX_UPLINK_OUTPUT_BUFS) {
            goto done;
        }

        ch = ch->next;
    }

    for (control = uc->control; control; control = control->next) {
        n = ngx_uplink_output_gather_chunk(c, control, n);
    }

    while (ch && n < NGX_UPLINK_OUTPUT_BUFS) {
        n = ngx_uplink_output_gather_chunk(c, ch, n);
        ch = ch->next;
    }

done:

    if (n) {
        ngx_uplink_output_links[n - 1].next = NULL;
    }

    return n;
}


static ngx_uint_t
ngx_uplink_output_gather_chunk(ngx_connection_t *c, ngx_uplink_chunk_t *ch,
    ngx_uint_t n)
{
    u_char      *p;
    size_t       size;
    ngx_buf_t   *b;

    for (p = ch->pos; p < ch->last && n < NGX_UPLINK_OUTPUT_BUFS; p += size) {

        size = ch->last - p;

#if (NGX_SSL)
        if (c->ssl && size > NGX_UPLINK_OUTPUT_RECORD) {
            size = NGX_UPLINK_OUTPUT_RECORD;
        }
#endif

        b = &ngx_uplink_output_bufs[n];

        b->memory = 1;
        b->pos = p;
        b->last = p + size;

        ngx_uplink_output_chunks[n] = ch;
        ngx_uplink_output_links[n].buf = b;
        ngx_uplink_output_links[n].next = &ngx_uplink_output_links[n + 1];

        n++;
    }

    return n;
}


/* send_chain() has moved the positions of what it took */

static void
ngx_uplink_output_sent(ngx_uplink_conn_t *uc, ngx_uint_t n)
{
    u_char              *p;
    ngx_uint_t           i;
    ngx_uplink_chunk_t  *ch, *begun, *control;

    begun = NULL;
    control = uc->control;

    for (i = 0; i < n; i++) {
        ch = ngx_uplink_output_chunks[i];
        p = ngx_uplink_output_bufs[i].pos;

        if (p > ch->pos) {
            uc->progress = ngx_current_msec;

            if (control == NULL || (ch != control && ch != control->next)) {
                uc->written += p - ch->pos;
            }

            ch->pos = p;
        }

        if (p < ngx_uplink_output_bufs[i].last) {
            begun = ch;
            break;
        }
    }

    /* the close frame comes last and is not counted in queued */

    uc->written = ngx_min(uc->written, uc->queued);

    uc->out = ngx_uplink_output_drop_sent(uc->out);
    uc->out_begun = ngx_uplink_output_begun(uc->out, begun);

    if (uc->out == NULL) {
        uc->out_last = NULL;
    }

    uc->control = ngx_uplink_output_drop_sent(uc->control);
    uc->control_begun = ngx_uplink_output_begun(uc->control, begun);

    if (uc->control == NULL) {
        uc->control_last = NULL;
    }
}


static ngx_uplink_chunk_t *
ngx_uplink_output_drop_sent(ngx_uplink_chunk_t *ch)
{
    ngx_uplink_chunk_t  *next;

    while (ch && ch->pos == ch->last) {
        next = ch->next;
        ngx_uplink_chunk_free(ch);
        ch = next;
    }

    return ch;
}


/*
 * Control frames have two chunks at most, one that the socket has seen and
 * one that it has not, so there is a bound to them.  Who pings more than
 * fits into it gets no answer but to the newest, as RFC 6455, 5.5.3, has it.
 */

static u_char *
ngx_uplink_output_control(ngx_uplink_conn_t *uc, size_t size)
{
    u_char              *p;
    ngx_uplink_chunk_t  *ch;

    ch = uc->control_last;

    if (ch == NULL || (ch == uc->control && uc->control_begun)) {

        ch = ngx_uplink_chunk_alloc(uc->connection->log, 0);
        if (ch == NULL) {
            return NULL;
        }

        if (uc->control) {
            uc->control->next = ch;

        } else {
            uc->control = ch;
        }

        uc->control_last = ch;
    }

    if ((size_t) (ch->end - ch->last) < size) {
        ch->last = ch->pos;
    }

    p = ch->last;
    ch->last += size;

    ngx_uplink_conn_post(uc);

    return p;
}


void
ngx_uplink_output_pong(ngx_uplink_conn_t *uc, u_char *data, size_t len)
{
    u_char  *p;

    p = ngx_uplink_output_control(uc, ngx_uplink_frame_head_size(len) + len);

    if (p) {
        p = ngx_uplink_frame_head(p, NGX_UPLINK_FRAME_PONG, len);
        ngx_memcpy(p, data, len);
    }
}


void
ngx_uplink_output_ping(ngx_uplink_conn_t *uc)
{
    u_char  *p;

    p = ngx_uplink_output_control(uc, ngx_uplink_frame_head_size(0));

    if (p) {
        (void) ngx_uplink_frame_head(p, NGX_UPLINK_FRAME_PING, 0);
    }
}


ngx_int_t
ngx_uplink_output_close(ngx_uplink_conn_t *uc, ngx_uint_t code,
    ngx_str_t *reason)
{
    size_t               len, text;
    u_char              *p;
    ngx_uplink_chunk_t  *ch;

    len = 0;
    text = 0;

    if (ngx_uplink_frame_close_code(code)) {
        text = reason ? reason->len : 0;
        len = 2;

        if (text > NGX_UPLINK_FRAME_MAX_CONTROL - len) {
            text = NGX_UPLINK_FRAME_MAX_CONTROL - len;

            /* never the half of a character */

            while (text && (reason->data[text] & 0xc0) == 0x80) {
                text--;
            }
        }

        len += text;
    }

    ch = ngx_uplink_output_room(uc, ngx_uplink_frame_head_size(len) + len);
    if (ch == NULL) {
        return NGX_ERROR;
    }

    p = ngx_uplink_frame_head(ch->last, NGX_UPLINK_FRAME_CLOSE, len);

    if (len) {
        *p++ = (u_char) (code >> 8);
        *p++ = (u_char) code;
    }

    if (text) {
        p = ngx_cpymem(p, reason->data, text);
    }

    ch->last = p;

    return NGX_OK;
}


void
ngx_uplink_output_free(ngx_uplink_conn_t *uc)
{
    ngx_uplink_chunk_t  *ch, *next;

    for (ch = uc->out; ch; ch = next) {
        next = ch->next;
        ngx_uplink_chunk_free(ch);
    }

    for (ch = uc->control; ch; ch = next) {
        next = ch->next;
        ngx_uplink_chunk_free(ch);
    }

    uc->out = NULL;
    uc->out_last = NULL;
    uc->control = NULL;
    uc->control_last = NULL;
}
