
/*
 * The fast way through a message of type terminal.data.
 */


#include "wire/data.h"
#include "wire/base64.h"
#include "wire/scan.h"
#include "wire/text.h"


typedef enum {
    NGX_UPLINK_DATA_TYPE = 0,
    NGX_UPLINK_DATA_REQ_ID,
    NGX_UPLINK_DATA_PAYLOAD,
    NGX_UPLINK_DATA_SESSION_ID,
    NGX_UPLINK_DATA_BASE64,
    NGX_UPLINK_DATA_MEMBERS
} ngx_uplink_data_e;


typedef struct {
    ngx_uint_t           seen;       /* each member once */
    u_char              *last;
    ngx_uplink_data_t   *data;
} ngx_uplink_data_ctx_t;


static ngx_int_t ngx_uplink_data_alike(ngx_uplink_data_shape_t *shape,
    u_char *data, size_t len, ngx_uplink_data_t *d);
static ngx_int_t ngx_uplink_data_parse(u_char *data, size_t len,
    ngx_uplink_data_t *d);
static void ngx_uplink_data_learn(ngx_uplink_data_shape_t *shape,
    u_char *data, size_t len, ngx_uplink_data_t *d);
static u_char *ngx_uplink_data_object(ngx_uplink_data_ctx_t *ctx, u_char *p,
    ngx_uint_t first, ngx_uint_t last);
static u_char *ngx_uplink_data_value(ngx_uplink_data_ctx_t *ctx, u_char *p,
    ngx_uint_t member);
static u_char *ngx_uplink_data_base64(ngx_uplink_data_ctx_t *ctx, u_char *p);


/* the first three are of the envelope, the others of its payload */

static const ngx_str_t  ngx_uplink_data_names[] = {
    ngx_string("type\""),
    ngx_string("req_id\""),
    ngx_string("payload\""),
    ngx_string("session_id\""),
    ngx_string("data_b64\"")
};


static const ngx_str_t  ngx_uplink_data_type = ngx_string("terminal.data");


ngx_int_t
ngx_uplink_data_match(ngx_uplink_data_shape_t *shape, u_char *data,
    size_t len, ngx_uplink_data_t *d)
{
    if (ngx_uplink_data_alike(shape, data, len, d) == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_uplink_data_parse(data, len, d) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_uplink_data_learn(shape, data, len, d);

    return NGX_OK;
}


/* what is compared is short: a call would cost more */

static ngx_inline ngx_uint_t
ngx_uplink_data_same(u_char *p, u_char *q, size_t len)
{
#if (__SSE2__)

    __m128i  v;

    for ( /* void */ ; len >= 16; len -= 16, p += 16, q += 16) {
        v = _mm_cmpeq_epi8(_mm_loadu_si128((__m128i *) p),
                           _mm_loadu_si128((__m128i *) q));

        if (_mm_movemask_epi8(v) != 0xffff) {
            return 0;
        }
    }

#endif

    while (len && *p == *q) {
        p++;
        q++;
        len--;
    }

    return len == 0;
}


/*
 * The same bytes up to a value bring the parser into the same state: both
 * values are checked, and end where they did, before a quote.
 */

static ngx_int_t
ngx_uplink_data_alike(ngx_uplink_data_shape_t *shape, u_char *data,
    size_t len, ngx_uplink_data_t *d)
{
    u_char                 *p, *last, *text;
    ngx_uplink_data_ctx_t   ctx;

    text = shape->text;

    if (shape->head == 0
        || len < shape->head + shape->middle + shape->tail
        || !ngx_uplink_data_same(data, text, shape->head))
    {
        return NGX_DECLINED;
    }

    last = data + len;
    text += shape->head;

    d->session = data + shape->head;

    p = ngx_uplink_text_plain(d->session, last);

    d->session_len = p - d->session;

    if (d->session_len == 0 || d->session_len > NGX_UPLINK_DATA_SESSION
        || (size_t) (last - p) < shape->middle
        || !ngx_uplink_data_same(p, text, shape->middle))
    {
        return NGX_DECLINED;
    }

    ctx.last = last;
    ctx.data = d;

    p = ngx_uplink_data_base64(&ctx, p + shape->middle);
    text += shape->middle;

    if (p == NULL || (size_t) (last - p) != shape->tail
        || !ngx_uplink_data_same(p, text, shape->tail))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static void
ngx_uplink_data_learn(ngx_uplink_data_shape_t *shape, u_char *data,
    size_t len, ngx_uplink_data_t *d)
{
    size_t   head, middle, tail;
    u_char  *p, *behind;

    shape->head = 0;

    if (d->session_len == 0 || d->session > d->base64) {
        return;
    }

    p = d->session + d->session_len;
    behind = d->base64 + d->base64_len + 1;

    head = d->session - data;
    middle = d->base64 - p;
    tail = data + len - behind;

    if (head + middle + tail > NGX_UPLINK_DATA_SHAPE) {
        return;
    }

    ngx_memcpy(shape->text, data, head);
    ngx_memcpy(shape->text + head, p, middle);
    ngx_memcpy(shape->text + head + middle, behind, tail);

    shape->head = head;
    shape->middle = middle;
    shape->tail = tail;
}


static ngx_int_t
ngx_uplink_data_parse(u_char *data, size_t len, ngx_uplink_data_t *d)
{
    u_char                 *p;
    ngx_uplink_data_ctx_t   ctx;

    ctx.seen = 0;
    ctx.last = data + len;
    ctx.data = d;

    d->session_len = 0;

    p = ngx_uplink_scan_space(data, ctx.last);
    p = ngx_uplink_data_object(&ctx, p, NGX_UPLINK_DATA_TYPE,
                               NGX_UPLINK_DATA_PAYLOAD);

    if (p == NULL
        || !(ctx.seen & (1 << NGX_UPLINK_DATA_TYPE))
        || !(ctx.seen & (1 << NGX_UPLINK_DATA_BASE64)))
    {
        return NGX_DECLINED;
    }

    return (ngx_uplink_scan_space(p, ctx.last) == ctx.last) ? NGX_OK
                                                            : NGX_DECLINED;
}


/* an object that is not empty, with these members; behind it, or NULL */

static u_char *
ngx_uplink_data_object(ngx_uplink_data_ctx_t *ctx, u_char *p,
    ngx_uint_t first, ngx_uint_t last)
{
    ngx_uint_t        i;
    const ngx_str_t  *name;

    if (p == ctx->last || *p++ != '{') {
        return NULL;
    }

    for ( ;; ) {

        p = ngx_uplink_scan_space(p, ctx->last);

        if (p == ctx->last || *p++ != '"') {
            return NULL;
        }

        for (i = first; /* void */ ; i++) {

            if (i > last) {
                return NULL;
            }

            name = &ngx_uplink_data_names[i];

            if ((size_t) (ctx->last - p) > name->len
                && ngx_memcmp(p, name->data, name->len) == 0)
            {
                break;
            }
        }

        if (ctx->seen & (1 << i)) {
            return NULL;
        }

        ctx->seen |= 1 << i;

        p = ngx_uplink_scan_space(p + name->len, ctx->last);

        if (p == ctx->last || *p++ != ':') {
            return NULL;
        }

        p = ngx_uplink_scan_space(p, ctx->last);

        p = (i == NGX_UPLINK_DATA_PAYLOAD)
            ? ngx_uplink_data_object(ctx, p, NGX_UPLINK_DATA_SESSION_ID,
                                     NGX_UPLINK_DATA_BASE64)
            : ngx_uplink_data_value(ctx, p, i);

        if (p == NULL) {
            return NULL;
        }

        p = ngx_uplink_scan_space(p, ctx->last);

        if (p == ctx->last) {
            return NULL;
        }

        if (*p == '}') {
            return p + 1;
        }

        if (*p++ != ',') {
            return NULL;
        }
    }
}


/* a string without escapes and without what is not ASCII; behind it */

static u_char *
ngx_uplink_data_value(ngx_uplink_data_ctx_t *ctx, u_char *p,
    ngx_uint_t member)
{
    size_t   len;
    u_char  *start;

    if (p == ctx->last || *p++ != '"') {
        return NULL;
    }

    if (member == NGX_UPLINK_DATA_BASE64) {
        return ngx_uplink_data_base64(ctx, p);
    }

    start = p;
    p = ngx_uplink_text_plain(p, ctx->last);

    if (p == ctx->last || *p != '"') {
        return NULL;
    }

    len = p - start;

    switch (member) {

    case NGX_UPLINK_DATA_TYPE:

        if (len != ngx_uplink_data_type.len
            || ngx_memcmp(start, ngx_uplink_data_type.data, len) != 0)
        {
            return NULL;
        }

        break;

    case NGX_UPLINK_DATA_REQ_ID:

        if (len > NGX_UPLINK_REQ_ID_MAX) {
            return NULL;
        }

        break;

    default: /* NGX_UPLINK_DATA_SESSION_ID */

        if (len == 0 || len > NGX_UPLINK_DATA_SESSION) {
            return NULL;
        }

        ctx->data->session = start;
        ctx->data->session_len = len;
    }

    return p + 1;
}


/* where the alphabet ends there is the padding, then the quote */

static u_char *
ngx_uplink_data_base64(ngx_uplink_data_ctx_t *ctx, u_char *p)
{
    u_char      *start;
    ngx_uint_t   padding;

    start = p;
    p = ngx_uplink_base64_run(p, ctx->last);

    for (padding = 0; padding < 2 && p < ctx->last && *p == '='; padding++) {
        p++;
    }

    if (p == ctx->last || *p != '"' || (p - start) % 4) {
        return NULL;
    }

    ctx->data->base64 = start;
    ctx->data->base64_len = p - start;
    ctx->data->raw = NGX_UPLINK_BASE64_DECODED(p - start) - padding;

    return p + 1;
}


uint32_t
ngx_uplink_data_hash(u_char *session, size_t len)
{
    uint64_t  first, last;

    first = 0;
    last = len;

    if (len < sizeof(uint64_t)) {
        ngx_memcpy(&first, session, len);

    } else {
        ngx_memcpy(&first, session, sizeof(uint64_t));
        ngx_memcpy(&last, session + len - sizeof(uint64_t),
                   sizeof(uint64_t));
    }

    /* a product hands differences up, never down: they are folded back */

    first ^= last * 0x9e3779b97f4a7c15;
    first ^= first >> 32;
    first *= 0xff51afd7ed558ccd;
    first ^= first >> 16;

    return (uint32_t) (first >> 32);
}
