
/*
 * The inside of a JSON string: runs of plain characters, UTF-8, escapes.
 * Private to src/wire.
 */


#ifndef _NGX_UPLINK_TEXT_H_INCLUDED_
#define _NGX_UPLINK_TEXT_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#if (__SSE2__)
#include <emmintrin.h>
#endif


/* a byte in each of the eight of a word */

#define NGX_UPLINK_TEXT_EACH(c)  (0x0101010101010101ULL * (c))


/*
 * Reads a string's bytes with escapes decoded; pos and last enclose what is
 * between the quotes and is known to be valid.
 */

typedef struct {
    u_char      *pos;
    u_char      *last;
    ngx_uint_t   next;
    ngx_uint_t   n;
    u_char       ch[4];
} ngx_uplink_text_reader_t;


/*
 * The length of the character beyond ASCII at p: 2 to 4, or 0 if it is not
 * UTF-8 (overlong, surrogate, above U+10FFFF, cut off).
 */

ngx_uint_t ngx_uplink_text_utf8(const u_char *p, const u_char *last);

/*
 * The escape at p, which is a backslash: behind it, or NULL if it is none;
 * code is what it stands for.  Two escapes that form a pair are one.
 * On NULL *code is not 0 if the escape is a surrogate without its other half.
 */

u_char *ngx_uplink_text_escape(u_char *p, u_char *last, uint32_t *code);

/* behind the quote that ends the valid string at p */

u_char *ngx_uplink_text_end(u_char *p, u_char *last);

/* as much of valid UTF-8 as fits into size bytes, no character cut */

size_t ngx_uplink_text_fit(const u_char *p, size_t len, size_t size);

/* a code point (no surrogate) in UTF-8: its length */

ngx_uint_t ngx_uplink_text_encode(u_char *dst, uint32_t code);


/* the first byte that is a quote, a backslash, a control or not ASCII */

static ngx_inline u_char *
ngx_uplink_text_plain(u_char *p, u_char *last)
{
#if (__SSE2__)

    int      bits;
    __m128i  v;

    while (last - p >= 16) {
        v = _mm_loadu_si128((__m128i *) p);

        /* compared as signed, all beyond ASCII is below the space */

        bits = _mm_movemask_epi8(
                   _mm_or_si128(
                       _mm_cmplt_epi8(v, _mm_set1_epi8(' ')),
                       _mm_or_si128(
                           _mm_cmpeq_epi8(v, _mm_set1_epi8('"')),
                           _mm_cmpeq_epi8(v, _mm_set1_epi8('\\')))));

        if (bits) {
            return p + __builtin_ctz(bits);
        }

        p += 16;
    }

#else

    uint64_t  w, found;

    while (last - p >= 8) {
        ngx_memcpy(&w, p, 8);

        /*
         * the high bit of a byte says that it stops the run; a borrow can
         * only add false ones beside a true one
         */

        found = (w - NGX_UPLINK_TEXT_EACH(' '))
                | ((w ^ NGX_UPLINK_TEXT_EACH('"')) - NGX_UPLINK_TEXT_EACH(1))
                | ((w ^ NGX_UPLINK_TEXT_EACH('\\')) - NGX_UPLINK_TEXT_EACH(1))
                | w;

        if (found & NGX_UPLINK_TEXT_EACH(0x80)) {
            break;
        }

        p += 8;
    }

#endif

    while (p < last && *p >= ' ' && *p < 0x80 && *p != '"' && *p != '\\') {
        p++;
    }

    return p;
}


static ngx_inline u_char
ngx_uplink_text_read(ngx_uplink_text_reader_t *r)
{
    uint32_t  code;

    if (r->next < r->n) {
        return r->ch[r->next++];
    }

    if (*r->pos != '\\') {
        return *r->pos++;
    }

    r->pos = ngx_uplink_text_escape(r->pos, r->last, &code);
    r->n = ngx_uplink_text_encode(r->ch, code);
    r->next = 1;

    return r->ch[0];
}


#endif /* _NGX_UPLINK_TEXT_H_INCLUDED_ */
