
/*
 * UTF-8 as text comes in, in any pieces (RFC 3629, section 4).
 */


#include "utf8.h"


#define NGX_UPLINK_UTF8_HIGH_BITS  0x8080808080808080ULL


static u_char *ngx_uplink_utf8_skip_ascii(u_char *p, u_char *last);
static ngx_int_t ngx_uplink_utf8_lead(ngx_uplink_utf8_t *u, u_char ch);


ngx_int_t
ngx_uplink_utf8_check(ngx_uplink_utf8_t *u, u_char *p, size_t len)
{
    u_char  *last;

    last = p + len;

    while (p < last) {

        if (u->need == 0) {

            if (*p < 0x80) {
                p = ngx_uplink_utf8_skip_ascii(p, last);
                continue;
            }

            if (ngx_uplink_utf8_lead(u, *p++) != NGX_OK) {
                return NGX_ERROR;
            }

            continue;
        }

        if (*p < u->low || *p > u->high) {
            return NGX_ERROR;
        }

        /* only the first continuation byte has a range of its own */

        u->low = 0x80;
        u->high = 0xbf;
        u->need--;
        p++;
    }

    return NGX_OK;
}


static u_char *
ngx_uplink_utf8_skip_ascii(u_char *p, u_char *last)
{
    uint64_t  word[2];

    while (last - p >= 16) {
        ngx_memcpy(word, p, 16);

        if ((word[0] | word[1]) & NGX_UPLINK_UTF8_HIGH_BITS) {
            break;
        }

        p += 16;
    }

    while (p < last && *p < 0x80) {
        p++;
    }

    return p;
}


/* no overlong forms, no surrogates, nothing above U+10FFFF */

static ngx_int_t
ngx_uplink_utf8_lead(ngx_uplink_utf8_t *u, u_char ch)
{
    if (ch < 0xc2 || ch > 0xf4) {
        return NGX_ERROR;
    }

    u->need = (ch < 0xe0) ? 1 : (ch < 0xf0) ? 2 : 3;
    u->low = (ch == 0xe0) ? 0xa0 : (ch == 0xf0) ? 0x90 : 0x80;
    u->high = (ch == 0xed) ? 0x9f : (ch == 0xf4) ? 0x8f : 0xbf;

    return NGX_OK;
}
