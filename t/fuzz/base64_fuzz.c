/* sources: src/wire/base64.c src/wire/text.c src/wire/scan.c */
/* sources: src/wire/names.c */
/* options: -max_len=256 */

/*
 * Base64: any bytes there and back; any text is taken or refused as the
 * plain definition says, whatever the way it is written in JSON.
 */


#include "wire/base64.h"


#define must(condition)                                                      \
    if (!(condition)) {                                                      \
        fprintf(stderr, "line %d: %s\n", __LINE__, #condition);              \
        abort();                                                             \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* four characters a group; the last may end with one or two "=" */

static ngx_uint_t
is_base64(const u_char *text, size_t len)
{
    size_t  i;

    static const char  chars[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    if (len % 4) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (memchr(chars, text[i], 64)) {
            continue;
        }

        if (text[i] == '='
            && (i + 1 == len || (i + 2 == len && text[i + 1] == '=')))
        {
            continue;
        }

        return 0;
    }

    return 1;
}


static void
there_and_back(u_char *data, size_t size)
{
    u_char  *text, *end, *back;
    size_t   len, checked;

    text = malloc(NGX_UPLINK_BASE64_ENCODED(size) + 1);
    end = ngx_uplink_base64_encode(text, data, size);
    len = end - text;

    must(len == NGX_UPLINK_BASE64_ENCODED(size));
    must(is_base64(text, len));
    must(ngx_uplink_base64_check(text, len, &checked) == NGX_OK);
    must(checked == size);

    back = malloc(NGX_UPLINK_BASE64_DECODED(len) + 1);

    must(ngx_uplink_base64_decode(back, text, len, &checked) == NGX_OK);
    must(checked == size && memcmp(back, data, size) == 0);

    must(ngx_uplink_base64_decode(text, text, len, &checked) == NGX_OK);
    must(checked == size && memcmp(text, data, size) == 0);

    free(text);
    free(back);
}


/* every third byte as an escape, from a given one on */

static void
escaped(u_char *data, size_t size, size_t from, ngx_int_t good)
{
    u_char                   *text, *p, *out;
    size_t                    i, checked, decoded;
    ngx_uplink_value_t        value;
    ngx_uplink_json_error_t   err;

    text = malloc(6 * size + 3);
    p = text;
    *p++ = '"';

    for (i = 0; i < size; i++) {
        if (i % 3 == from || data[i] < ' ' || data[i] == '"'
            || data[i] == '\\')
        {
            p += sprintf((char *) p, "\\u%04x", data[i]);

        } else {
            *p++ = data[i];
        }
    }

    *p++ = '"';

    if (ngx_uplink_json_check(text, p - text, &value, &err) == NGX_OK) {
        out = malloc(p - text);

        must(ngx_uplink_base64_check_value(&value, &checked) == good);
        must(ngx_uplink_base64_decode_value(out, &value, &decoded) == good);
        must(good != NGX_OK || checked == decoded);

        free(out);
    }

    free(text);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char     *copy, *out;
    size_t      checked, decoded;
    ngx_int_t   good;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);

    there_and_back(copy, size);

    good = is_base64(copy, size) ? NGX_OK : NGX_ERROR;
    out = malloc(NGX_UPLINK_BASE64_DECODED(size) + 1);

    must(ngx_uplink_base64_check(copy, size, &checked) == good);
    must(ngx_uplink_base64_decode(out, copy, size, &decoded) == good);
    must(good != NGX_OK || checked == decoded);

    escaped(copy, size, 0, good);
    escaped(copy, size, 1, good);
    escaped(copy, size, 3, good);

    free(out);
    free(copy);

    return 0;
}
