
/*
 * Base64: checking, decoding, encoding.
 */


#include "wire/base64.h"
#include "wire/text.h"


/* what is in no alphabet has a bit that the 64 values have not */

#define NGX_UPLINK_BASE64_BAD  0x40


static ngx_int_t ngx_uplink_base64_tail(const u_char *src, size_t len,
    size_t *body, size_t *decoded);


static const u_char  ngx_uplink_base64_values[256] = {
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 62, 99, 99, 99, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 99, 99, 99, 99, 99, 99,
    99,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 99, 99, 99, 99, 99,
    99, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99
};


/*
 * What is in the alphabet, 16 bytes at a time: letters with their case
 * taken away, then digits with the slash before them, then the plus.  A range
 * is moved to where signed numbers begin, so that one comparison does.
 */

#if (__SSE2__)

static ngx_inline __m128i
ngx_uplink_base64_in16(__m128i v)
{
    __m128i  letters, digits;

    letters = _mm_or_si128(v, _mm_set1_epi8(0x20));
    letters = _mm_cmplt_epi8(_mm_add_epi8(letters, _mm_set1_epi8(0x1f)),
                             _mm_set1_epi8(-128 + 26));
    digits = _mm_cmplt_epi8(_mm_add_epi8(v, _mm_set1_epi8(0x51)),
                            _mm_set1_epi8(-128 + 11));

    return _mm_or_si128(_mm_or_si128(letters, digits),
                        _mm_cmpeq_epi8(v, _mm_set1_epi8('+')));
}


static ngx_inline __m128i
ngx_uplink_base64_load(u_char *p, ngx_uint_t n)
{
    return ngx_uplink_base64_in16(_mm_loadu_si128((__m128i *) p + n));
}

#endif


static const u_char  ngx_uplink_base64_chars[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


u_char *
ngx_uplink_base64_run(u_char *p, u_char *last)
{
#if (__SSE2__)

    int      bits;
    __m128i  all;

    while (last - p >= 64) {
        all = _mm_and_si128(_mm_and_si128(ngx_uplink_base64_load(p, 0),
                                          ngx_uplink_base64_load(p, 1)),
                            _mm_and_si128(ngx_uplink_base64_load(p, 2),
                                          ngx_uplink_base64_load(p, 3)));

        if (_mm_movemask_epi8(all) != 0xffff) {
            break;
        }

        p += 64;
    }

    while (last - p >= 16) {
        bits = _mm_movemask_epi8(ngx_uplink_base64_load(p, 0));

        if (bits != 0xffff) {
            return p + __builtin_ctz(~bits);
        }

        p += 16;
    }

#endif

    while (p < last
           && !(ngx_uplink_base64_values[*p] & NGX_UPLINK_BASE64_BAD))
    {
        p++;
    }

    return p;
}


ngx_int_t
ngx_uplink_base64_check(const u_char *src, size_t len, size_t *decoded)
{
    size_t   body;
    u_char  *last;

    if (ngx_uplink_base64_tail(src, len, &body, decoded) != NGX_OK) {
        return NGX_ERROR;
    }

    last = (u_char *) src + body;

    return (ngx_uplink_base64_run((u_char *) src, last) == last) ? NGX_OK
                                                                 : NGX_ERROR;
}


ngx_int_t
ngx_uplink_base64_decode(u_char *dst, const u_char *src, size_t len,
    size_t *decoded)
{
    u_char         bad, a, b, c, d;
    size_t         body;
    const u_char  *t, *last;

    if (ngx_uplink_base64_tail(src, len, &body, decoded) != NGX_OK) {
        return NGX_ERROR;
    }

    t = ngx_uplink_base64_values;
    bad = 0;

    for (last = src + body; src < last; src += 4) {
        a = t[src[0]];
        b = t[src[1]];
        c = t[src[2]];
        d = t[src[3]];

        bad |= a | b | c | d;

        *dst++ = (u_char) (a << 2 | b >> 4);
        *dst++ = (u_char) (b << 4 | c >> 2);
        *dst++ = (u_char) (c << 6 | d);
    }

    if (bad & NGX_UPLINK_BASE64_BAD) {
        return NGX_ERROR;
    }

    if (body < len) {
        a = t[src[0]];
        b = t[src[1]];

        *dst++ = (u_char) (a << 2 | b >> 4);

        if (src[2] != '=') {
            *dst = (u_char) (b << 4 | t[src[2]] >> 2);
        }
    }

    return NGX_OK;
}


/* the group with the padding, if there is one, and the lengths */

static ngx_int_t
ngx_uplink_base64_tail(const u_char *src, size_t len, size_t *body,
    size_t *decoded)
{
    u_char         bad;
    const u_char  *t;

    if (len % 4) {
        return NGX_ERROR;
    }

    *body = len;
    *decoded = NGX_UPLINK_BASE64_DECODED(len);

    if (len == 0 || src[len - 1] != '=') {
        return NGX_OK;
    }

    *body -= 4;
    *decoded -= 1;

    src += *body;
    t = ngx_uplink_base64_values;

    bad = t[src[0]] | t[src[1]];

    if (src[2] == '=') {
        *decoded -= 1;

    } else {
        bad |= t[src[2]];
    }

    return (bad & NGX_UPLINK_BASE64_BAD) ? NGX_ERROR : NGX_OK;
}


u_char *
ngx_uplink_base64_encode(u_char *dst, const u_char *src, size_t len)
{
    const u_char  *t, *last;

    t = ngx_uplink_base64_chars;

    for (last = src + len; last - src >= 3; src += 3) {
        *dst++ = t[src[0] >> 2];
        *dst++ = t[(src[0] & 0x03) << 4 | src[1] >> 4];
        *dst++ = t[(src[1] & 0x0f) << 2 | src[2] >> 6];
        *dst++ = t[src[2] & 0x3f];
    }

    if (src == last) {
        return dst;
    }

    *dst++ = t[src[0] >> 2];

    if (last - src == 1) {
        *dst++ = t[(src[0] & 0x03) << 4];
        *dst++ = '=';

    } else {
        *dst++ = t[(src[0] & 0x03) << 4 | src[1] >> 4];
        *dst++ = t[(src[1] & 0x0f) << 2];
    }

    *dst++ = '=';

    return dst;
}


ngx_int_t
ngx_uplink_base64_check_value(ngx_uplink_value_t *value, size_t *decoded)
{
    u_char                     ch, bad;
    size_t                     len, raw, padding;
    ngx_uplink_text_reader_t   r;

    if (value->kind != NGX_UPLINK_JSON_STRING) {
        return NGX_ERROR;
    }

    raw = value->end - value->start - 2;

    if (memchr(value->start + 1, '\\', raw) == NULL) {
        return ngx_uplink_base64_check(value->start + 1, raw, decoded);
    }

    r.pos = value->start + 1;
    r.last = value->end - 1;
    r.next = 0;
    r.n = 0;

    padding = 0;
    bad = 0;

    for (len = 0; r.pos < r.last || r.next < r.n; len++) {
        ch = ngx_uplink_text_read(&r);

        if (ch == '=') {
            padding++;
            continue;
        }

        bad |= padding ? NGX_UPLINK_BASE64_BAD : ngx_uplink_base64_values[ch];
    }

    if ((bad & NGX_UPLINK_BASE64_BAD) || len % 4 || padding > 2) {
        return NGX_ERROR;
    }

    *decoded = NGX_UPLINK_BASE64_DECODED(len) - padding;

    return NGX_OK;
}


ngx_int_t
ngx_uplink_base64_decode_value(u_char *dst, ngx_uplink_value_t *value,
    size_t *decoded)
{
    size_t  len, raw;

    if (value->kind != NGX_UPLINK_JSON_STRING) {
        return NGX_ERROR;
    }

    raw = value->end - value->start - 2;

    if (memchr(value->start + 1, '\\', raw) == NULL) {
        return ngx_uplink_base64_decode(dst, value->start + 1, raw, decoded);
    }

    if (ngx_uplink_json_string(value, dst, raw, &len) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_uplink_base64_decode(dst, dst, len, decoded);
}
