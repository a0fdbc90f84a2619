
/*
 * Strings: characters and escapes, decoding, comparing, quoting.
 */


#include "wire/text.h"
#include "wire/wire.h"


#define NGX_UPLINK_TEXT_HIGH(code)  (((code) & 0xfffffc00) == 0xd800)
#define NGX_UPLINK_TEXT_LOW(code)   (((code) & 0xfffffc00) == 0xdc00)


static ngx_int_t ngx_uplink_text_hex(u_char *p, u_char *last,
    uint32_t *code);


ngx_uint_t
ngx_uplink_text_utf8(const u_char *p, const u_char *last)
{
    u_char      ch, min, max;
    ngx_uint_t  i, n;

    ch = *p;

    /* the second byte is what tells overlong forms and surrogates */

    min = 0x80;
    max = 0xbf;

    if (ch >= 0xc2 && ch <= 0xdf) {
        n = 2;

    } else if (ch >= 0xe0 && ch <= 0xef) {
        n = 3;

        if (ch == 0xe0) {
            min = 0xa0;

        } else if (ch == 0xed) {
            max = 0x9f;
        }

    } else if (ch >= 0xf0 && ch <= 0xf4) {
        n = 4;

        if (ch == 0xf0) {
            min = 0x90;

        } else if (ch == 0xf4) {
            max = 0x8f;
        }

    } else {
        return 0;
    }

    if ((size_t) (last - p) < n || p[1] < min || p[1] > max) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}


u_char *
ngx_uplink_text_escape(u_char *p, u_char *last, uint32_t *code)
{
    u_char    *found;
    uint32_t   low;

    static const char  letters[] = "\"\\/bfnrt";
    static const char  meant[] = "\"\\/\b\f\n\r\t";

    *code = 0;

    if (last - p < 2) {
        return NULL;
    }

    if (p[1] != 'u') {
        found = memchr(letters, p[1], sizeof(letters) - 1);

        if (found == NULL) {
            return NULL;
        }

        *code = (u_char) meant[(char *) found - letters];

        return p + 2;
    }

    if (ngx_uplink_text_hex(p, last, code) != NGX_OK) {
        return NULL;
    }

    if (NGX_UPLINK_TEXT_LOW(*code)) {
        return NULL;
    }

    if (!NGX_UPLINK_TEXT_HIGH(*code)) {
        return p + 6;
    }

    if (ngx_uplink_text_hex(p + 6, last, &low) != NGX_OK
        || !NGX_UPLINK_TEXT_LOW(low))
    {
        return NULL;
    }

    *code = 0x10000 + ((*code - 0xd800) << 10) + (low - 0xdc00);

    return p + 12;
}


/* \uXXXX */

static ngx_int_t
ngx_uplink_text_hex(u_char *p, u_char *last, uint32_t *code)
{
    u_char      ch;
    uint32_t    n;
    ngx_uint_t  i;

    if (last - p < 6 || p[0] != '\\' || p[1] != 'u') {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 2; i < 6; i++) {
        ch = p[i];

        if (ch >= '0' && ch <= '9') {
            n = n * 16 + (ch - '0');
            continue;
        }

        ch |= 0x20;

        if (ch < 'a' || ch > 'f') {
            return NGX_ERROR;
        }

        n = n * 16 + (ch - 'a' + 10);
    }

    *code = n;

    return NGX_OK;
}


u_char *
ngx_uplink_text_end(u_char *p, u_char *last)
{
    for ( ;; ) {
        p = ngx_uplink_text_plain(p, last);

        if (*p == '"') {
            return p + 1;
        }

        /* the byte behind a backslash is never the end */

        p += (*p == '\\') ? 2 : 1;
    }
}


size_t
ngx_uplink_text_fit(const u_char *p, size_t len, size_t size)
{
    if (len <= size) {
        return len;
    }

    while (size && (p[size] & 0xc0) == 0x80) {
        size--;
    }

    return size;
}


ngx_uint_t
ngx_uplink_text_encode(u_char *dst, uint32_t code)
{
    if (code < 0x80) {
        dst[0] = (u_char) code;
        return 1;
    }

    if (code < 0x800) {
        dst[0] = (u_char) (0xc0 | (code >> 6));
        dst[1] = (u_char) (0x80 | (code & 0x3f));
        return 2;
    }

    if (code < 0x10000) {
        dst[0] = (u_char) (0xe0 | (code >> 12));
        dst[1] = (u_char) (0x80 | ((code >> 6) & 0x3f));
        dst[2] = (u_char) (0x80 | (code & 0x3f));
        return 3;
    }

    dst[0] = (u_char) (0xf0 | (code >> 18));
    dst[1] = (u_char) (0x80 | ((code >> 12) & 0x3f));
    dst[2] = (u_char) (0x80 | ((code >> 6) & 0x3f));
    dst[3] = (u_char) (0x80 | (code & 0x3f));

    return 4;
}


ngx_uint_t
ngx_uplink_json_is(ngx_uplink_value_t *string, const char *text, size_t len)
{
    size_t                     raw, i;
    ngx_uplink_text_reader_t   r;

    if (string->kind != NGX_UPLINK_JSON_STRING) {
        return 0;
    }

    r.pos = string->start + 1;
    r.last = string->end - 1;
    r.next = 0;
    r.n = 0;

    raw = r.last - r.pos;

    /* an escape is longer than what it stands for */

    if (raw < len) {
        return 0;
    }

    if (raw == len) {
        return memcmp(r.pos, text, len) == 0
               && memchr(r.pos, '\\', len) == NULL;
    }

    for (i = 0; i < len; i++) {
        if ((r.pos == r.last && r.next == r.n)
            || ngx_uplink_text_read(&r) != (u_char) text[i])
        {
            return 0;
        }
    }

    return r.pos == r.last && r.next == r.n;
}


ngx_int_t
ngx_uplink_json_string(ngx_uplink_value_t *value, u_char *dst, size_t size,
    size_t *len)
{
    size_t       n;
    u_char      *p, *last, *run, *start, ch[4];
    uint32_t     code;

    p = value->start + 1;
    last = value->end - 1;
    start = dst;

    while (p < last) {

        if (*p == '\\') {
            p = ngx_uplink_text_escape(p, last, &code);

            if (code == 0) {
                return NGX_ERROR;
            }

            n = ngx_uplink_text_encode(ch, code);
            run = ch;

        } else {
            run = p;
            p = memchr(p, '\\', last - p);

            if (p == NULL) {
                p = last;
            }

            n = p - run;
        }

        if (n > size) {
            return NGX_DECLINED;
        }

        ngx_memmove(dst, run, n);

        dst += n;
        size -= n;
    }

    *len = dst - start;

    return NGX_OK;
}


u_char *
ngx_uplink_json_quote(u_char *dst, const u_char *src, size_t len)
{
    u_char      *p, *run, *last, *found;
    ngx_uint_t   n;

    static const char    letters[] = "\"\\\b\f\n\r\t";
    static const char    written[] = "\"\\bfnrt";
    static const u_char  hex[] = "0123456789abcdef";

    p = (u_char *) src;
    last = p + len;

    *dst++ = '"';

    while (p < last) {
        run = p;
        p = ngx_uplink_text_plain(p, last);
        dst = ngx_cpymem(dst, run, p - run);

        if (p == last) {
            break;
        }

        if (*p >= 0x80) {
            n = ngx_uplink_text_utf8(p, last);

            if (n == 0) {
                p++;
                dst = ngx_cpymem(dst, "\xef\xbf\xbd", 3);
                continue;
            }

            dst = ngx_cpymem(dst, p, n);
            p += n;
            continue;
        }

        *dst++ = '\\';

        found = memchr(letters, *p, sizeof(letters) - 1);

        if (found) {
            *dst++ = written[(char *) found - letters];

        } else {
            dst = ngx_cpymem(dst, "u00", 3);
            *dst++ = hex[*p >> 4];
            *dst++ = hex[*p & 0xf];
        }

        p++;
    }

    *dst++ = '"';

    return dst;
}


ngx_int_t
ngx_uplink_unhex(u_char *dst, const u_char *hex, size_t n)
{
    u_char  high, low, bad;
    size_t  i;

    /* what a digit is worth; 0x10 and above: it is none */

#define NGX_UPLINK_HEX(ch)                                                   \
    (u_char) ((u_char) ((ch) - '0') < 10 ? (ch) - '0'                        \
              : (u_char) ((ch) - 'a') < 6 ? (ch) - 'a' + 10 : 0x10)

    bad = 0;

    for (i = 0; i < n; i++) {
        high = NGX_UPLINK_HEX(hex[2 * i]);
        low = NGX_UPLINK_HEX(hex[2 * i + 1]);

        bad |= high | low;
        dst[i] = (u_char) (high << 4 | low);
    }

#undef NGX_UPLINK_HEX

    return (bad & 0x10) ? NGX_ERROR : NGX_OK;
}
