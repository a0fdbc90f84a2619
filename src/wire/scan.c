
/*
 * Validates a JSON text in one pass, without recursion.
 */


#include "wire/names.h"
#include "wire/scan.h"
#include "wire/text.h"


#define NGX_UPLINK_SCAN_MAX    0x7fffffff
#define NGX_UPLINK_SCAN_ARRAY  ((ngx_uint_t) -1)

#define ngx_uplink_scan_digit(ch)  ((u_char) ((ch) - '0') <= 9)


typedef struct {
    u_char                   *start;
    u_char                   *last;
    ngx_uplink_json_error_t  *err;

    /* the open containers: where the names of an object begin, or ARRAY */

    ngx_uint_t                depth;
    ngx_uint_t                base[NGX_UPLINK_JSON_DEPTH];
} ngx_uplink_scan_t;


static u_char *ngx_uplink_scan_value(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_open(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_behind(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_close(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_name(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_string(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_escape(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_number(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_digits(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_word(ngx_uplink_scan_t *s, u_char *p,
    const char *word);
static u_char *ngx_uplink_scan_unexpected(ngx_uplink_scan_t *s, u_char *p);
static u_char *ngx_uplink_scan_error(ngx_uplink_scan_t *s, u_char *p,
    const char *what);


ngx_int_t
ngx_uplink_json_check(u_char *data, size_t len, ngx_uplink_value_t *value,
    ngx_uplink_json_error_t *err)
{
    u_char             *p;
    ngx_uint_t          depth;
    ngx_uplink_scan_t   s;

    s.start = data;
    s.last = data + len;
    s.err = err;
    s.depth = 0;

    err->named = 0;

    if (len > NGX_UPLINK_SCAN_MAX) {
        (void) ngx_uplink_scan_error(&s, s.last, "message too long");
        return NGX_ERROR;
    }

    ngx_uplink_names_reset();

    p = ngx_uplink_scan_space(data, s.last);

    value->start = p;

    do {
        depth = s.depth;

        p = ngx_uplink_scan_value(&s, p);

        /* one that has just been opened goes on with a value */

        if (p != NULL && s.depth <= depth) {
            p = ngx_uplink_scan_behind(&s, p);
        }

        if (p == NULL) {
            return NGX_ERROR;
        }

    } while (s.depth);

    value->kind = ngx_uplink_scan_kind(*value->start);
    value->end = p;

    p = ngx_uplink_scan_space(p, s.last);

    if (p != s.last) {
        (void) ngx_uplink_scan_unexpected(&s, p);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* a whole scalar or empty container, or all up to the first value in one */

static u_char *
ngx_uplink_scan_value(ngx_uplink_scan_t *s, u_char *p)
{
    if (p == s->last) {
        return ngx_uplink_scan_unexpected(s, p);
    }

    switch (ngx_uplink_scan_kind(*p)) {

    case NGX_UPLINK_JSON_STRING:
        return ngx_uplink_scan_string(s, p + 1);

    case NGX_UPLINK_JSON_OBJECT:
    case NGX_UPLINK_JSON_ARRAY:
        return ngx_uplink_scan_open(s, p);

    case NGX_UPLINK_JSON_NULL:
        return ngx_uplink_scan_word(s, p, "null");

    case NGX_UPLINK_JSON_FALSE:
        return ngx_uplink_scan_word(s, p, "false");

    case NGX_UPLINK_JSON_TRUE:
        return ngx_uplink_scan_word(s, p, "true");

    default:
        return ngx_uplink_scan_number(s, p);
    }
}


static u_char *
ngx_uplink_scan_open(ngx_uplink_scan_t *s, u_char *p)
{
    u_char  ch;

    if (s->depth == NGX_UPLINK_JSON_DEPTH) {
        return ngx_uplink_scan_error(s, p, "nested too deeply");
    }

    ch = *p;
    p = ngx_uplink_scan_space(p + 1, s->last);

    if (ch == '{') {
        if (p < s->last && *p == '}') {
            return p + 1;
        }

        s->base[s->depth++] = ngx_uplink_names_count();

        return ngx_uplink_scan_name(s, p);
    }

    if (p < s->last && *p == ']') {
        return p + 1;
    }

    s->base[s->depth++] = NGX_UPLINK_SCAN_ARRAY;

    return p;
}


/* behind a value: all up to the next one, or up to the end */

static u_char *
ngx_uplink_scan_behind(ngx_uplink_scan_t *s, u_char *p)
{
    ngx_uint_t  array;

    while (s->depth) {
        p = ngx_uplink_scan_space(p, s->last);

        if (p == s->last) {
            return ngx_uplink_scan_unexpected(s, p);
        }

        array = (s->base[s->depth - 1] == NGX_UPLINK_SCAN_ARRAY);

        if (*p == ',') {
            p = ngx_uplink_scan_space(p + 1, s->last);
            return array ? p : ngx_uplink_scan_name(s, p);
        }

        if (*p != (array ? ']' : '}')) {
            return ngx_uplink_scan_unexpected(s, p);
        }

        p = ngx_uplink_scan_close(s, p);
        if (p == NULL) {
            return NULL;
        }
    }

    return p;
}


static u_char *
ngx_uplink_scan_close(ngx_uplink_scan_t *s, u_char *p)
{
    u_char      *twice;
    ngx_uint_t   base;

    base = s->base[--s->depth];

    if (base != NGX_UPLINK_SCAN_ARRAY) {
        twice = ngx_uplink_names_close(base);

        if (twice) {
            s->err->named = ngx_uplink_text_end(twice, s->last) - twice + 1;
            return ngx_uplink_scan_error(s, twice - 1, "duplicate member");
        }
    }

    return p + 1;
}


/* a name, and all up to its value */

static u_char *
ngx_uplink_scan_name(ngx_uplink_scan_t *s, u_char *p)
{
    u_char     *end;
    ngx_int_t   rc;

    if (p == s->last || *p != '"') {
        return ngx_uplink_scan_unexpected(s, p);
    }

    end = ngx_uplink_scan_string(s, p + 1);
    if (end == NULL) {
        return NULL;
    }

    rc = ngx_uplink_names_add(s->base[s->depth - 1], p + 1, end - 1);

    if (rc != NGX_OK) {
        s->err->named = end - p;
    }

    if (rc == NGX_DECLINED) {
        return ngx_uplink_scan_error(s, p, "duplicate member");
    }

    if (rc == NGX_ABORT) {
        return ngx_uplink_scan_error(s, p, "U+0000 in name of member");
    }

    if (rc != NGX_OK) {
        return ngx_uplink_scan_error(s, p, "no memory for member");
    }

    p = ngx_uplink_scan_space(end, s->last);

    if (p == s->last || *p != ':') {
        return ngx_uplink_scan_unexpected(s, p);
    }

    return ngx_uplink_scan_space(p + 1, s->last);
}


/* p is behind the opening quote */

static u_char *
ngx_uplink_scan_string(ngx_uplink_scan_t *s, u_char *p)
{
    ngx_uint_t  n;

    for ( ;; ) {
        p = ngx_uplink_text_plain(p, s->last);

        if (p == s->last) {
            return ngx_uplink_scan_unexpected(s, p);
        }

        if (*p == '"') {
            return p + 1;
        }

        if (*p == '\\') {
            p = ngx_uplink_scan_escape(s, p);
            if (p == NULL) {
                return NULL;
            }

            continue;
        }

        if (*p < ' ') {
            return ngx_uplink_scan_error(s, p, "control byte in string");
        }

        /* text beyond ASCII comes in runs */

        do {
            n = ngx_uplink_text_utf8(p, s->last);
            if (n == 0) {
                return ngx_uplink_scan_error(s, p, "invalid UTF-8");
            }

            p += n;

        } while (p < s->last && *p >= 0x80);
    }
}


static u_char *
ngx_uplink_scan_escape(ngx_uplink_scan_t *s, u_char *p)
{
    u_char    *end;
    uint32_t   code;

    end = ngx_uplink_text_escape(p, s->last, &code);

    if (end == NULL) {
        return ngx_uplink_scan_error(s, p, code ? "lone surrogate"
                                                : "invalid escape");
    }

    return end;
}


static u_char *
ngx_uplink_scan_number(ngx_uplink_scan_t *s, u_char *p)
{
    if (*p == '-') {
        p++;
    }

    if (p < s->last && *p == '0') {
        p++;

    } else {
        p = ngx_uplink_scan_digits(s, p);
        if (p == NULL) {
            return NULL;
        }
    }

    if (p < s->last && *p == '.') {
        p = ngx_uplink_scan_digits(s, p + 1);
        if (p == NULL) {
            return NULL;
        }
    }

    if (p < s->last && (*p == 'e' || *p == 'E')) {
        p++;

        if (p < s->last && (*p == '+' || *p == '-')) {
            p++;
        }

        return ngx_uplink_scan_digits(s, p);
    }

    return p;
}


static u_char *
ngx_uplink_scan_digits(ngx_uplink_scan_t *s, u_char *p)
{
    if (p == s->last || !ngx_uplink_scan_digit(*p)) {
        return ngx_uplink_scan_unexpected(s, p);
    }

    do {
        p++;
    } while (p < s->last && ngx_uplink_scan_digit(*p));

    return p;
}


static u_char *
ngx_uplink_scan_word(ngx_uplink_scan_t *s, u_char *p, const char *word)
{
    for ( /* void */ ; *word; word++, p++) {
        if (p == s->last || *p != (u_char) *word) {
            return ngx_uplink_scan_unexpected(s, p);
        }
    }

    return p;
}


static u_char *
ngx_uplink_scan_unexpected(ngx_uplink_scan_t *s, u_char *p)
{
    return ngx_uplink_scan_error(s, p, (p == s->last) ? "unexpected end"
                                                      : "unexpected byte");
}


static u_char *
ngx_uplink_scan_error(ngx_uplink_scan_t *s, u_char *p, const char *what)
{
    s->err->what = what;
    s->err->offset = p - s->start;

    return NULL;
}
