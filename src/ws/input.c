
/*
 * What a connection receives: from the socket to whole messages.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "engine.h"


/* what one connection may read before others have their turn */

#define NGX_UPLINK_INPUT_BUFFER  524288
#define NGX_UPLINK_INPUT_TURN    (2 * NGX_UPLINK_INPUT_BUFFER)

#define NGX_UPLINK_INPUT_PART    512       /* the least for a part */


static ngx_int_t ngx_uplink_input_peek(ngx_uplink_conn_t *uc);
static ngx_int_t ngx_uplink_input_keep(ngx_uplink_conn_t *uc, u_char *pos,
    u_char *last);
static u_char *ngx_uplink_input_feed(ngx_uplink_conn_t *uc, u_char *pos,
    u_char *last);
static ngx_int_t ngx_uplink_input_begin(ngx_uplink_conn_t *uc);
static void ngx_uplink_input_data(ngx_uplink_conn_t *uc, u_char *data,
    size_t len);
static ngx_int_t ngx_uplink_input_ascii(ngx_uplink_conn_t *uc,
    u_char *data, size_t len);
static void ngx_uplink_input_deliver(ngx_uplink_conn_t *uc, u_char *data,
    size_t len);
static u_char *ngx_uplink_input_next(ngx_uplink_conn_t *uc, size_t len);
static ngx_int_t ngx_uplink_input_grow(ngx_uplink_conn_t *uc, size_t len);
static void ngx_uplink_input_control(ngx_uplink_conn_t *uc, u_char *data,
    size_t len);
static void ngx_uplink_input_close(ngx_uplink_conn_t *uc, u_char *data,
    size_t len);
static void ngx_uplink_input_invalid(ngx_uplink_conn_t *uc,
    const char *fault, const char *what);


/*
 * The one of this worker; nothing is kept in it from one call to the next.
 * Not in the pool of a cycle: a single process outlives that.
 */

static u_char  ngx_uplink_input_buffer[NGX_UPLINK_INPUT_BUFFER];


#define ngx_uplink_input_stopped(uc)                                         \
    ((uc)->paused || (uc)->failed || (uc)->peer_closed || (uc)->lost)


ngx_int_t
ngx_uplink_input_read(ngx_uplink_conn_t *uc)
{
    size_t             total;
    u_char            *pos, *last;
    ssize_t            n;
    ngx_buf_t         *b;
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    c = uc->connection;
    rev = c->read;
    b = uc->request->header_in;

    /* what came behind the handshake, and what a pause has left over */

    if (b->pos < b->last) {
        b->pos = ngx_uplink_input_feed(uc, b->pos, b->last);
    }

    if (uc->rest) {
        uc->rest_pos = ngx_uplink_input_feed(uc, uc->rest_pos,
                                             uc->rest_last);

        if (uc->rest_pos == uc->rest_last) {
            ngx_free(uc->rest);
            uc->rest = NULL;
        }
    }

    for (total = 0; rev->ready; total += n) {

        if (ngx_uplink_input_stopped(uc)) {
            return ngx_uplink_input_peek(uc);
        }

        if (total >= NGX_UPLINK_INPUT_TURN) {
            ngx_post_event(rev, &ngx_posted_next_events);
            return NGX_OK;
        }

        n = c->recv(c, ngx_uplink_input_buffer, NGX_UPLINK_INPUT_BUFFER);

        if (n == NGX_AGAIN) {
            break;
        }

        if (n == 0 && !uc->closing) {
            ngx_log_error(NGX_LOG_INFO, c->log, 0,
                          "client prematurely closed connection");
        }

        if (n <= 0) {
            return NGX_ERROR;
        }

        uc->heard = ngx_current_msec;

        last = ngx_uplink_input_buffer + n;
        pos = ngx_uplink_input_feed(uc, ngx_uplink_input_buffer, last);

        if (pos < last && ngx_uplink_input_keep(uc, pos, last) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_handle_read_event(rev, 0);
}


/*
 * A connection that is not read must not outlive its peer unnoticed.  What
 * the peer has sent stays where it is, and so does the end of it.
 */

static ngx_int_t
ngx_uplink_input_peek(ngx_uplink_conn_t *uc)
{
    char               buf[1];
    ngx_err_t          err;
    ngx_connection_t  *c;

    c = uc->connection;

    if (recv(c->fd, buf, 1, MSG_PEEK) == -1) {
        err = ngx_socket_errno;

        if (err != NGX_EAGAIN) {
            ngx_connection_error(c, err, "recv() failed");
            return NGX_ERROR;
        }
    }

    return ngx_handle_read_event(c->read, 0);
}


/* paused in the middle of what was read: the buffer is the next one's */

static ngx_int_t
ngx_uplink_input_keep(ngx_uplink_conn_t *uc, u_char *pos, u_char *last)
{
    if (!uc->paused) {

        /* nothing more of this client is wanted, ever */

        return NGX_OK;
    }

    uc->rest = ngx_alloc(last - pos, uc->connection->log);
    if (uc->rest == NULL) {
        return NGX_ERROR;
    }

    uc->rest_pos = uc->rest;
    uc->rest_last = ngx_cpymem(uc->rest, pos, last - pos);

    return NGX_OK;
}


/* returns how far it came, which is less than all only if it was stopped */

static u_char *
ngx_uplink_input_feed(ngx_uplink_conn_t *uc, u_char *pos, u_char *last)
{
    size_t               len;
    u_char              *data;
    ngx_int_t            rc;
    ngx_uplink_frame_t  *f;

    f = &uc->frame;

    while (pos < last && !ngx_uplink_input_stopped(uc)) {

        if (!ngx_uplink_frame_in_payload(f)) {

            rc = ngx_uplink_frame_parse(f, &pos, last);

            if (rc == NGX_AGAIN) {
                break;
            }

            if (rc == NGX_ERROR) {
                ngx_uplink_input_invalid(uc, f->fault, f->error);
                break;
            }

            if (ngx_uplink_input_begin(uc) != NGX_OK) {
                break;
            }
        }

        data = pos;
        len = (size_t) ngx_min(f->left, (uint64_t) (last - pos));
        pos += len;

        if (len == 0 && f->left) {
            break;
        }

        if (ngx_uplink_frame_is_control(f)) {
            ngx_uplink_input_control(uc, data, len);

        } else {
            ngx_uplink_input_data(uc, data, len);
        }
    }

    return pos;
}


/* a header is complete: the limit is checked before anything is allocated */

static ngx_int_t
ngx_uplink_input_begin(ngx_uplink_conn_t *uc)
{
    ngx_uplink_frame_t  *f;

    f = &uc->frame;

    ngx_log_debug3(NGX_LOG_DEBUG_HTTP, uc->connection->log, 0,
                   "uplink frame: %ui fin:%ui %uL", (ngx_uint_t) f->opcode,
                   (ngx_uint_t) f->fin, f->length);

    if (ngx_uplink_frame_is_control(f) || uc->closing) {
        return NGX_OK;
    }

    if (uc->part_len > uc->max_message
        || f->length > uc->max_message - uc->part_len)
    {
        ngx_log_error(NGX_LOG_INFO, uc->connection->log, 0,
                      "client intended to send too large message: %uL bytes",
                      f->length + uc->part_len);

        ngx_uplink_conn_fail(uc, NGX_UPLINK_CLOSE_TOO_BIG, "too_large");
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_uplink_input_data(ngx_uplink_conn_t *uc, u_char *data, size_t len)
{
    u_char              *dst;
    ngx_uint_t           last, whole;
    ngx_uplink_frame_t  *f;

    f = &uc->frame;

    if (uc->closing) {
        ngx_uplink_frame_unmask(f, NULL, data, len);

        if (f->left == 0) {
            ngx_uplink_frame_next(f);
        }

        if (uc->part) {
            ngx_free(uc->part);
            uc->part = NULL;
        }

        return;
    }

    last = f->fin && len == f->left;
    whole = last && uc->part_len == 0;

    if (!whole && ngx_uplink_input_grow(uc, len) != NGX_OK) {
        ngx_uplink_conn_fail(uc, NGX_UPLINK_CLOSE_INTERNAL, NULL);
        return;
    }

    dst = whole ? data : uc->part + uc->part_len;

    ngx_uplink_frame_unmask(f, dst, data, len);

    if (!whole) {
        uc->part_len += len;
    }

    if (last
        && ngx_uplink_input_ascii(uc, whole ? data : uc->part,
                                  whole ? len : uc->part_len)
           == NGX_OK)
    {
        return;
    }

    if (f->message == NGX_UPLINK_FRAME_TEXT
        && (ngx_uplink_utf8_check(&uc->utf8, dst, len) != NGX_OK
            || (last && !ngx_uplink_utf8_complete(&uc->utf8))))
    {
        ngx_log_error(NGX_LOG_INFO, uc->connection->log, 0,
                      "client sent invalid UTF-8 in uplink message");

        ngx_uplink_conn_fail(uc, NGX_UPLINK_CLOSE_UTF8, "invalid_utf8");
        return;
    }

    if (last) {
        ngx_uplink_input_deliver(uc, whole ? data : uc->part,
                                 whole ? len : uc->part_len);
        return;
    }

    if (f->left == 0) {
        ngx_uplink_frame_next(f);
    }
}


/* the traffic, which is looked at once only */

static ngx_int_t
ngx_uplink_input_ascii(ngx_uplink_conn_t *uc, u_char *data, size_t len)
{
    u_char  *part;

    if (uc->ops->ascii == NULL
        || uc->frame.message != NGX_UPLINK_FRAME_TEXT
        || uc->ops->ascii(uc, data, len) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    part = ngx_uplink_input_next(uc, len);

    if (part) {
        ngx_free(part);
    }

    return NGX_OK;
}


static void
ngx_uplink_input_deliver(ngx_uplink_conn_t *uc, u_char *data, size_t len)
{
    u_char      *part;
    ngx_uint_t   opcode;

    opcode = uc->frame.message;
    part = ngx_uplink_input_next(uc, len);

    uc->ops->message(uc, opcode, data, len);

    if (part) {
        ngx_free(part);
    }
}


/* the message is complete; what it was put together in is the caller's */

static u_char *
ngx_uplink_input_next(ngx_uplink_conn_t *uc, size_t len)
{
    u_char  *part;

    ngx_uplink_frame_next(&uc->frame);

    part = uc->part;

    uc->part = NULL;
    uc->part_len = 0;
    uc->part_size = 0;

    uc->received += len;
    uc->messages++;

    return part;
}


/*
 * Memory follows what has come, not what was announced: at most twice as
 * much, and never more than the message can become.
 */

static ngx_int_t
ngx_uplink_input_grow(ngx_uplink_conn_t *uc, size_t len)
{
    size_t    size, max, need;
    u_char   *part;

    need = uc->part_len + len;

    if (need <= uc->part_size) {
        return NGX_OK;
    }

    max = uc->frame.fin ? uc->part_len + (size_t) uc->frame.left
                        : uc->max_message;

    size = ngx_max(2 * uc->part_len, NGX_UPLINK_INPUT_PART);
    size = ngx_min(size, max);

    /* max_message may have been lowered since the frame was let in */

    size = ngx_max(size, need);

    part = ngx_alloc(size, uc->connection->log);
    if (part == NULL) {
        return NGX_ERROR;
    }

    if (uc->part) {
        ngx_memcpy(part, uc->part, uc->part_len);
        ngx_free(uc->part);
    }

    uc->part = part;
    uc->part_size = size;

    return NGX_OK;
}


static void
ngx_uplink_input_control(ngx_uplink_conn_t *uc, u_char *data, size_t len)
{
    u_char              *part;
    ngx_uplink_frame_t  *f;

    f = &uc->frame;
    part = uc->control_part;

    if (part == NULL && len < f->length) {

        part = ngx_alloc((size_t) f->length, uc->connection->log);
        if (part == NULL) {
            ngx_uplink_conn_fail(uc, NGX_UPLINK_CLOSE_INTERNAL, NULL);
            return;
        }

        uc->control_part = part;
        uc->control_len = 0;
    }

    if (part) {
        ngx_uplink_frame_unmask(f, part + uc->control_len, data, len);
        uc->control_len += len;

        if (f->left) {
            return;
        }

        data = part;
        len = uc->control_len;

    } else {
        ngx_uplink_frame_unmask(f, data, data, len);
    }

    ngx_uplink_frame_next(f);

    if (f->opcode == NGX_UPLINK_FRAME_CLOSE) {
        ngx_uplink_input_close(uc, data, len);

    } else if (f->opcode == NGX_UPLINK_FRAME_PING && !uc->closing) {
        ngx_uplink_output_pong(uc, data, len);

    } else if (f->opcode == NGX_UPLINK_FRAME_PONG && !uc->closing
               && uc->ops->pong)
    {
        uc->ops->pong(uc, data, len);
    }

    if (part) {
        ngx_free(part);
        uc->control_part = NULL;
    }
}


static void
ngx_uplink_input_close(ngx_uplink_conn_t *uc, u_char *data, size_t len)
{
    ngx_uint_t         code;
    ngx_uplink_utf8_t  utf8;

    if (len == 0) {
        ngx_uplink_conn_peer_close(uc, NGX_UPLINK_CLOSE_NONE);
        return;
    }

    if (len == 1) {
        ngx_uplink_input_invalid(uc, "bad_close",
                                 "close frame with half a code");
        return;
    }

    code = data[0] << 8 | data[1];

    if (!ngx_uplink_frame_close_code(code)) {
        ngx_uplink_input_invalid(uc, "bad_close",
                                 "close frame with invalid code");
        return;
    }

    ngx_memzero(&utf8, sizeof(ngx_uplink_utf8_t));

    if (ngx_uplink_utf8_check(&utf8, data + 2, len - 2) != NGX_OK
        || !ngx_uplink_utf8_complete(&utf8))
    {
        ngx_log_error(NGX_LOG_INFO, uc->connection->log, 0,
                      "client sent invalid UTF-8 in close frame");

        ngx_uplink_conn_fail(uc, NGX_UPLINK_CLOSE_UTF8, "invalid_utf8");
        return;
    }

    ngx_uplink_conn_peer_close(uc, code);
}


static void
ngx_uplink_input_invalid(ngx_uplink_conn_t *uc, const char *fault,
    const char *what)
{
    ngx_log_error(NGX_LOG_INFO, uc->connection->log, 0,
                  "client sent %s", what);

    ngx_uplink_conn_fail(uc, NGX_UPLINK_CLOSE_PROTOCOL, fault);
}


void
ngx_uplink_input_free(ngx_uplink_conn_t *uc)
{
    if (uc->part) {
        ngx_free(uc->part);
        uc->part = NULL;
    }

    if (uc->control_part) {
        ngx_free(uc->control_part);
        uc->control_part = NULL;
    }

    if (uc->rest) {
        ngx_free(uc->rest);
        uc->rest = NULL;
    }
}
