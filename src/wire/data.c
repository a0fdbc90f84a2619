
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
ngx_uplink_data_match(u_char *data, size_t len, ngx_uplink_data_t *d)
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
