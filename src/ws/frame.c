
/*
 * RFC 6455 frames: the header, byte by byte if need be, and the masking.
 */


#include "frame.h"

#if (__SSE2__)
#include <emmintrin.h>
#endif


static ngx_int_t ngx_uplink_frame_first(ngx_uplink_frame_t *f, u_char ch);
static ngx_int_t ngx_uplink_frame_second(ngx_uplink_frame_t *f, u_char ch);
static ngx_int_t ngx_uplink_frame_length(ngx_uplink_frame_t *f, u_char ch);
static ngx_int_t ngx_uplink_frame_wrong(ngx_uplink_frame_t *f,
    const char *fault, const char *error);


ngx_int_t
ngx_uplink_frame_parse(ngx_uplink_frame_t *f, u_char **pos, u_char *last)
{
    u_char    *p;
    ngx_int_t  rc;

    rc = NGX_AGAIN;

    for (p = *pos; p < last && rc == NGX_AGAIN; p++) {

        switch (f->state) {

        case ngx_uplink_frame_st_first:
            rc = ngx_uplink_frame_first(f, *p);
            break;

        case ngx_uplink_frame_st_second:
            rc = ngx_uplink_frame_second(f, *p);
            break;

        case ngx_uplink_frame_st_length:
            rc = ngx_uplink_frame_length(f, *p);
            break;

        default: /* ngx_uplink_frame_st_mask */

            if (f->need == 4 && last - p >= 4) {
                ngx_memcpy(f->mask, p, 4);
                f->need = 0;
                p += 3;

            } else {
                f->mask[4 - f->need--] = *p;
            }

            if (f->need == 0) {
                f->state = ngx_uplink_frame_st_payload;
                f->left = f->length;
                rc = NGX_OK;
            }
        }
    }

    *pos = p;

    return rc;
}


static ngx_int_t
ngx_uplink_frame_wrong(ngx_uplink_frame_t *f, const char *fault,
    const char *error)
{
    f->fault = fault;
    f->error = error;

    return NGX_ERROR;
}


static ngx_int_t
ngx_uplink_frame_first(ngx_uplink_frame_t *f, u_char ch)
{
    f->fin = ch >> 7;
    f->opcode = ch & 0xf;

    /* no extension is negotiated */

    if (ch & 0x70) {
        return ngx_uplink_frame_wrong(f, "reserved_bits",
                                      "frame with reserved bits set");
    }

    if (f->opcode > NGX_UPLINK_FRAME_PONG
        || (f->opcode > NGX_UPLINK_FRAME_BINARY
            && f->opcode < NGX_UPLINK_FRAME_CLOSE))
    {
        return ngx_uplink_frame_wrong(f, "reserved_opcode",
                                      "frame with reserved opcode");
    }

    if (ngx_uplink_frame_is_control(f)) {

        if (!f->fin) {
            return ngx_uplink_frame_wrong(f, "fragmented_control",
                                          "fragmented control frame");
        }

    } else if (f->opcode == NGX_UPLINK_FRAME_CONTINUATION) {

        if (f->message == 0) {
            return ngx_uplink_frame_wrong(f, "bad_fragment",
                                          "continuation frame without a "
                                          "message");
        }

    } else if (f->message) {
        return ngx_uplink_frame_wrong(f, "bad_fragment",
                                      "new message inside a fragmented one");
    }

    f->state = ngx_uplink_frame_st_second;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_uplink_frame_second(ngx_uplink_frame_t *f, u_char ch)
{
    if (!(ch & 0x80)) {
        return ngx_uplink_frame_wrong(f, "unmasked", "unmasked frame");
    }

    f->length = ch & 0x7f;

    if (f->length > NGX_UPLINK_FRAME_MAX_CONTROL) {

        if (ngx_uplink_frame_is_control(f)) {
            return ngx_uplink_frame_wrong(f, "long_control",
                                          "too long control frame");
        }

        f->state = ngx_uplink_frame_st_length;
        f->need = (f->length == 126) ? 2 : 8;
        f->length = 0;

    } else {
        f->state = ngx_uplink_frame_st_mask;
        f->need = 4;
    }

    /* from here on the frame has begun, and so has its message */

    if (f->opcode == NGX_UPLINK_FRAME_TEXT
        || f->opcode == NGX_UPLINK_FRAME_BINARY)
    {
        f->message = f->opcode;
    }

    return NGX_AGAIN;
}


/*
 * The most significant byte comes first; what was needed when the state was
 * entered is 2 or 8, and after the last byte the length tells which form
 * would have been enough.
 */

static ngx_int_t
ngx_uplink_frame_length(ngx_uplink_frame_t *f, u_char ch)
{
    if (f->need == 8 && (ch & 0x80)) {
        return ngx_uplink_frame_wrong(f, "bad_length",
                                      "frame with length over 63 bits");
    }

    if (f->need > 2) {

        /* the upper bytes of the long form */

        f->length = f->length << 8 | ch;
        f->need--;

        if (f->need == 2) {

            if (f->length == 0) {
                return ngx_uplink_frame_wrong(f, "bad_length",
                                              "frame with length not in the "
                                              "shortest form");
            }

            f->length <<= 16;
        }

        return NGX_AGAIN;
    }

    if (f->need == 2) {
        f->length |= (uint64_t) ch << 8;
        f->need = 1;

        return NGX_AGAIN;
    }

    f->length |= ch;

    if (f->length <= NGX_UPLINK_FRAME_MAX_CONTROL) {
        return ngx_uplink_frame_wrong(f, "bad_length",
                                      "frame with length not in the "
                                      "shortest form");
    }

    f->state = ngx_uplink_frame_st_mask;
    f->need = 4;

    return NGX_AGAIN;
}


/* the mask as it is for the byte that is n further on */

static ngx_inline uint32_t
ngx_uplink_frame_turn(uint32_t mask, size_t n)
{
    ngx_uint_t  bits;

    bits = 8 * (n & 3);

    if (bits == 0) {
        return mask;
    }

#if (NGX_HAVE_LITTLE_ENDIAN)
    return mask >> bits | mask << (32 - bits);
#else
    return mask << bits | mask >> (32 - bits);
#endif
}


#if (__SSE2__)

static ngx_inline __m128i
ngx_uplink_frame_masked(u_char *src, __m128i mask)
{
    return _mm_xor_si128(_mm_loadu_si128((__m128i *) src), mask);
}


/* of 16 bytes or more: the last 16 are taken first, so that none is left */

static void
ngx_uplink_frame_unmask16(u_char *dst, u_char *src, size_t len, uint32_t mask)
{
    u_char   *end;
    __m128i   all, tail;

    all = _mm_set1_epi32((int) mask);
    end = dst + len - 16;

    tail = ngx_uplink_frame_masked(src + len - 16,
                                   _mm_set1_epi32((int)
                                       ngx_uplink_frame_turn(mask, len)));

    for ( /* void */ ; end - dst >= 64; dst += 64, src += 64) {
        _mm_storeu_si128((__m128i *) dst,
                         ngx_uplink_frame_masked(src, all));
        _mm_storeu_si128((__m128i *) dst + 1,
                         ngx_uplink_frame_masked(src + 16, all));
        _mm_storeu_si128((__m128i *) dst + 2,
                         ngx_uplink_frame_masked(src + 32, all));
        _mm_storeu_si128((__m128i *) dst + 3,
                         ngx_uplink_frame_masked(src + 48, all));
    }

    for ( /* void */ ; dst < end; dst += 16, src += 16) {
        _mm_storeu_si128((__m128i *) dst, ngx_uplink_frame_masked(src, all));
    }

    _mm_storeu_si128((__m128i *) end, tail);
}

#endif


void
ngx_uplink_frame_unmask(ngx_uplink_frame_t *f, u_char *dst, u_char *src,
    size_t len)
{
    size_t    i;
    uint32_t  mask, next;
    uint64_t  word;

    f->left -= len;

    ngx_memcpy(&mask, f->mask, 4);

    if (f->left) {
        next = ngx_uplink_frame_turn(mask, len);
        ngx_memcpy(f->mask, &next, 4);
    }

    if (dst == NULL) {
        return;
    }

#if (__SSE2__)

    if (len >= 16) {
        ngx_uplink_frame_unmask16(dst, src, len, mask);
        return;
    }

#endif

    while (len >= 8) {
        ngx_memcpy(&word, src, 8);
        word ^= (uint64_t) mask << 32 | mask;
        ngx_memcpy(dst, &word, 8);

        src += 8;
        dst += 8;
        len -= 8;
    }

    for (i = 0; i < len; i++) {
        dst[i] = src[i] ^ ((u_char *) &mask)[i & 3];
    }
}


void
ngx_uplink_frame_next(ngx_uplink_frame_t *f)
{
    if (f->fin && !ngx_uplink_frame_is_control(f)) {
        f->message = 0;
    }

    f->state = ngx_uplink_frame_st_first;
}


size_t
ngx_uplink_frame_head_size(size_t len)
{
    if (len <= 125) {
        return 2;
    }

    return (len <= 65535) ? 4 : 10;
}


u_char *
ngx_uplink_frame_head(u_char *p, ngx_uint_t opcode, size_t len)
{
    ngx_int_t  shift;

    *p++ = (u_char) (0x80 | opcode);

    if (len <= 125) {
        *p++ = (u_char) len;
        return p;
    }

    if (len <= 65535) {
        *p++ = 126;
        shift = 8;

    } else {
        *p++ = 127;
        shift = 56;
    }

    for ( /* void */ ; shift >= 0; shift -= 8) {
        *p++ = (u_char) ((uint64_t) len >> shift);
    }

    return p;
}


/* 1004, 1005, 1006 and 1015 are reserved, 1016 to 2999 are not defined */

ngx_uint_t
ngx_uplink_frame_close_code(ngx_uint_t code)
{
    if (code >= 3000) {
        return code <= 4999;
    }

    return code >= 1000 && code <= 1014 && (code < 1004 || code > 1006);
}
