/* sources: src/wire/scan.c src/wire/names.c src/wire/text.c */
/* sources: src/wire/value.c */
/* libs: -ljansson */
/* options: -max_len=4096 -dict=t/fuzz/json.dict t/fuzz/json */

/*
 * The validator and the walk beside jansson: what one takes the other takes,
 * and both find the same in it.  Known to differ: jansson refuses numbers
 * that do not fit into its types and takes a zero byte behind the value for
 * the end; we refuse more than 64 levels.
 */


#include "wire/wire.h"

#include <jansson.h>


#define must(condition)                                                      \
    if (!(condition)) {                                                      \
        fprintf(stderr, "line %d: %s\n", __LINE__, #condition);              \
        abort();                                                             \
    }


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* writes what the walk finds, without space, and compares it on the way */

static u_char *
walk(u_char *dst, ngx_uplink_value_t *value, json_t *json)
{
    int64_t                   n;
    u_char                   *pos, *text;
    void                     *iter;
    size_t                    len, size;
    ngx_int_t                 rc;
    ngx_uint_t                i;
    ngx_uplink_value_t        key, inner, again;
    ngx_uplink_json_error_t   err;

    len = value->end - value->start;

    /* a span is JSON by itself */

    must(ngx_uplink_json_check(value->start, len, &again, &err) == NGX_OK);
    must(again.kind == value->kind);
    must(again.start == value->start && again.end == value->end);

    pos = NULL;

    switch (value->kind) {

    case NGX_UPLINK_JSON_OBJECT:
        must(json == NULL || json_is_object(json));

        iter = json ? json_object_iter(json) : NULL;
        *dst++ = '{';

        for (i = 0;
             ngx_uplink_json_next(value, &pos, &key, &inner) == NGX_OK;
             i++)
        {
            must(key.start > value->start && inner.end < value->end);
            must(key.end < inner.start && pos == inner.end);

            if (i) {
                *dst++ = ',';
            }

            dst = ngx_cpymem(dst, key.start, key.end - key.start);
            *dst++ = ':';

            if (json) {
                must(iter != NULL);
                must(ngx_uplink_json_is(&key, json_object_iter_key(iter),
                                      strlen(json_object_iter_key(iter))));
                must(ngx_uplink_json_get(value, json_object_iter_key(iter),
                                         &again) == inner.kind);
                must(again.start == inner.start && again.end == inner.end);
            }

            dst = walk(dst, &inner,
                       json ? json_object_iter_value(iter) : NULL);

            if (json) {
                iter = json_object_iter_next(json, iter);
            }
        }

        must(iter == NULL);
        *dst++ = '}';

        return dst;

    case NGX_UPLINK_JSON_ARRAY:
        must(json == NULL || json_is_array(json));

        *dst++ = '[';

        for (i = 0;
             ngx_uplink_json_next(value, &pos, NULL, &inner) == NGX_OK;
             i++)
        {
            must(inner.start > value->start && inner.end < value->end);

            if (i) {
                *dst++ = ',';
            }

            dst = walk(dst, &inner, json ? json_array_get(json, i) : NULL);
        }

        must(json == NULL || i == json_array_size(json));
        *dst++ = ']';

        return dst;

    case NGX_UPLINK_JSON_STRING:
        must(json == NULL || json_is_string(json));

        text = malloc(len);
        rc = ngx_uplink_json_string(value, text, len, &size);

        must(rc == NGX_OK || rc == NGX_ERROR);

        if (json) {
            must((memchr(json_string_value(json), '\0',
                         json_string_length(json)) != NULL)
                 == (rc == NGX_ERROR));
            must(ngx_uplink_json_is(value, json_string_value(json),
                                    json_string_length(json)));
        }

        if (json && rc == NGX_OK) {
            must(size == json_string_length(json));
            must(memcmp(text, json_string_value(json), size) == 0);
        }

        if (rc == NGX_OK && size) {
            must(ngx_uplink_json_string(value, text, size, &len) == NGX_OK);
            must(ngx_uplink_json_string(value, text, size - 1, &len)
                 == NGX_DECLINED);
        }

        free(text);
        break;

    case NGX_UPLINK_JSON_NUMBER:
        must(json == NULL || json_is_number(json));

        rc = ngx_uplink_json_integer(value, INT64_MIN, INT64_MAX, &n);

        if (json) {
            must(json_is_integer(json) == (rc == NGX_OK));
            must(rc != NGX_OK || n == json_integer_value(json));
        }

        break;

    case NGX_UPLINK_JSON_NULL:
        must(json == NULL || json_is_null(json));
        break;

    case NGX_UPLINK_JSON_TRUE:
        must(json == NULL || json_is_true(json));
        break;

    case NGX_UPLINK_JSON_FALSE:
        must(json == NULL || json_is_false(json));
        break;

    default:
        must(0);
    }

    return ngx_cpymem(dst, value->start, value->end - value->start);
}


/* the same text without space between its tokens, by other means */

static size_t
squeeze(u_char *dst, const u_char *src, size_t size)
{
    size_t      i, n;
    ngx_uint_t  string;

    string = 0;
    n = 0;

    for (i = 0; i < size; i++) {

        if (string && src[i] == '\\') {
            dst[n++] = src[i++];

        } else if (src[i] == '"') {
            string = !string;

        } else if (!string && strchr(" \t\r\n", src[i])) {
            continue;
        }

        dst[n++] = src[i];
    }

    return n;
}


static void
check(u_char *data, size_t size)
{
    json_t                   *json;
    u_char                   *found, *wanted, *end;
    ngx_int_t                 rc;
    json_error_t              jerr;
    ngx_uplink_value_t        value;
    ngx_uplink_json_error_t   err;

    rc = ngx_uplink_json_check(data, size, &value, &err);

    json = json_loadb((char *) data, size,
                      JSON_REJECT_DUPLICATES|JSON_DECODE_ANY|JSON_ALLOW_NUL,
                      &jerr);

    if (rc != NGX_OK) {
        must(err.offset <= size && err.what != NULL);
        must(err.offset + err.named <= size);
        must(json == NULL || strcmp(err.what, "nested too deeply") == 0
             || data[err.offset] == '\0');

        json_decref(json);
        return;
    }

    must(json || json_error_code(&jerr) == json_error_numeric_overflow);

    found = malloc(size);
    wanted = malloc(size);

    end = walk(found, &value, json);

    must(squeeze(wanted, data, size) == (size_t) (end - found));
    must(memcmp(found, wanted, end - found) == 0);

    free(found);
    free(wanted);
    json_decref(json);
}


/* any bytes, quoted, are a string; UTF-8 comes back as it was */

static void
quote(u_char *data, size_t size)
{
    json_t                   *json;
    u_char                   *quoted, *end;
    size_t                    len;
    ngx_int_t                 rc;
    ngx_uplink_value_t        value;
    ngx_uplink_json_error_t   err;

    quoted = malloc(NGX_UPLINK_JSON_QUOTED(size));
    end = ngx_uplink_json_quote(quoted, data, size);

    must(end - quoted <= (ssize_t) NGX_UPLINK_JSON_QUOTED(size));
    must(ngx_uplink_json_check(quoted, end - quoted, &value, &err) == NGX_OK);
    must(value.kind == NGX_UPLINK_JSON_STRING);
    must(value.start == quoted && value.end == end);

    /* NULL if it is not UTF-8 */

    json = json_stringn((char *) data, size);

    must(ngx_uplink_json_is(&value, (char *) data, size) == (json != NULL));

    rc = ngx_uplink_json_string(&value, quoted, end - quoted, &len);

    must((rc == NGX_ERROR) == (memchr(data, '\0', size) != NULL));

    if (json && rc == NGX_OK) {
        must(len == size && memcmp(quoted, data, size) == 0);
    }

    json_decref(json);
    free(quoted);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    u_char  *copy;

    /* of the very size, so that a byte read beyond it is seen */

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);

    check(copy, size);
    quote(copy, size);

    free(copy);

    return 0;
}
