
/*
 * Walks through valid JSON: members, elements, integers.
 */


#include "wire/scan.h"
#include "wire/text.h"


static u_char *ngx_uplink_value_end(u_char *p, u_char *last);


ngx_int_t
ngx_uplink_json_next(ngx_uplink_value_t *container, u_char **pos,
    ngx_uplink_value_t *key, ngx_uplink_value_t *value)
{
    u_char  *p, *end, *last;

    if (container->kind < NGX_UPLINK_JSON_ARRAY) {
        return NGX_DONE;
    }

    last = container->end;

    if (*pos == NULL) {
        p = ngx_uplink_scan_space(container->start + 1, last);

    } else {
        p = ngx_uplink_scan_space(*pos, last);

        if (*p == ',') {
            p = ngx_uplink_scan_space(p + 1, last);
        }
    }

    if (p == last - 1) {
        *pos = p;
        return NGX_DONE;
    }

    if (container->kind == NGX_UPLINK_JSON_OBJECT) {

        end = ngx_uplink_text_end(p + 1, last);

        if (key) {
            key->kind = NGX_UPLINK_JSON_STRING;
            key->start = p;
            key->end = end;
        }

        p = ngx_uplink_scan_space(end, last);
        p = ngx_uplink_scan_space(p + 1, last);
    }

    value->kind = ngx_uplink_scan_kind(*p);
    value->start = p;
    value->end = ngx_uplink_value_end(p, last);

    *pos = value->end;

    return NGX_OK;
}


ngx_uplink_json_e
ngx_uplink_json_get(ngx_uplink_value_t *object, const char *name,
    ngx_uplink_value_t *value)
{
    ngx_str_t  names[1];

    names[0].len = strlen(name);
    names[0].data = (u_char *) name;

    ngx_uplink_json_members(object, names, 1, value);

    return value->kind;
}


void
ngx_uplink_json_members(ngx_uplink_value_t *object, const ngx_str_t *names,
    ngx_uint_t n, ngx_uplink_value_t *values)
{
    u_char              *pos;
    ngx_uint_t           i, left;
    ngx_uplink_value_t   from, key, value;

    /* the object may be one of the values: get(&v, "a", &v) */

    from = *object;

    for (i = 0; i < n; i++) {
        values[i].kind = NGX_UPLINK_JSON_NONE;
        values[i].start = NULL;
        values[i].end = NULL;
    }

    if (from.kind != NGX_UPLINK_JSON_OBJECT) {
        return;
    }

    pos = NULL;
    left = n;

    /* no object names a member twice: nothing to find when all are there */

    while (left
           && ngx_uplink_json_next(&from, &pos, &key, &value) == NGX_OK)
    {
        for (i = 0; i < n; i++) {
            if (ngx_uplink_json_is(&key, (char *) names[i].data,
                                   names[i].len))
            {
                values[i] = value;
                left--;
                break;
            }
        }
    }
}


ngx_int_t
ngx_uplink_json_integer(ngx_uplink_value_t *value, int64_t min, int64_t max,
    int64_t *n)
{
    u_char    *p;
    int64_t    v;
    ngx_int_t  digit, minus;

    if (value->kind != NGX_UPLINK_JSON_NUMBER) {
        return NGX_ERROR;
    }

    p = value->start;
    minus = (*p == '-');

    if (minus) {
        p++;
    }

    /* counted downwards: there is one more below zero than above */

    v = 0;

    for ( /* void */ ; p < value->end; p++) {
        digit = *p - '0';

        if (digit < 0 || digit > 9) {
            return NGX_ERROR;
        }

        if (v < (INT64_MIN + digit) / 10) {
            return NGX_ERROR;
        }

        v = v * 10 - digit;
    }

    if (!minus) {
        if (v == INT64_MIN) {
            return NGX_ERROR;
        }

        v = -v;
    }

    if (v < min || v > max) {
        return NGX_ERROR;
    }

    *n = v;

    return NGX_OK;
}


static u_char *
ngx_uplink_value_end(u_char *p, u_char *last)
{
    ngx_uint_t  depth;

    depth = 0;

    switch (*p) {

    case '"':
        return ngx_uplink_text_end(p + 1, last);

    case '{':
    case '[':
        break;

    default:

        /* within a container something always follows */

        while (*p > ' ' && *p != ',' && *p != '}' && *p != ']') {
            p++;
        }

        return p;
    }

    for ( ;; ) {

        switch (*p++) {

        case '"':
            p = ngx_uplink_text_end(p, last);
            break;

        case '{':
        case '[':
            depth++;
            break;

        case '}':
        case ']':
            if (--depth == 0) {
                return p;
            }

            break;
        }
    }
}
