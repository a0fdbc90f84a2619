
/*
 * Finds members of the same name: at once in small objects, by sorting in
 * large ones, so that no choice of names makes it quadratic.
 */


#include "wire/names.h"
#include "wire/text.h"
#include "wire/wire.h"


#define NGX_UPLINK_NAMES_STATIC  1024
#define NGX_UPLINK_NAMES_SMALL   16


static ngx_int_t ngx_uplink_names_grow(void);
static ngx_int_t ngx_uplink_names_read(ngx_uplink_name_t *name);
static int ngx_uplink_names_cmp(ngx_uplink_name_t *one,
    ngx_uplink_name_t *two);
static void ngx_uplink_names_sort(ngx_uplink_name_t *names, ngx_uint_t n);
static void ngx_uplink_names_sift(ngx_uplink_name_t *names, ngx_uint_t i,
    ngx_uint_t n);


static ngx_uplink_name_t   ngx_uplink_names_static[NGX_UPLINK_NAMES_STATIC];

static ngx_uplink_name_t  *ngx_uplink_names = ngx_uplink_names_static;
static ngx_uint_t          ngx_uplink_names_size = NGX_UPLINK_NAMES_STATIC;
static ngx_uint_t          ngx_uplink_names_n;


void
ngx_uplink_names_reset(void)
{
    ngx_uplink_names_n = 0;
}


ngx_uint_t
ngx_uplink_names_count(void)
{
    return ngx_uplink_names_n;
}


ngx_int_t
ngx_uplink_names_add(ngx_uint_t base, u_char *start, u_char *end)
{
    ngx_uint_t          i;
    ngx_uplink_name_t  *name;

    if (ngx_uplink_names_n == ngx_uplink_names_size
        && ngx_uplink_names_grow() != NGX_OK)
    {
        return NGX_ERROR;
    }

    name = &ngx_uplink_names[ngx_uplink_names_n];

    name->start = start;
    name->raw = (uint32_t) (end - start);

    if (ngx_uplink_names_read(name) != NGX_OK) {
        return NGX_ABORT;
    }

    if (ngx_uplink_names_n - base < NGX_UPLINK_NAMES_SMALL) {

        for (i = base; i < ngx_uplink_names_n; i++) {
            if (ngx_uplink_names[i].head == name->head
                && ngx_uplink_names_cmp(&ngx_uplink_names[i], name) == 0)
            {
                return NGX_DECLINED;
            }
        }
    }

    ngx_uplink_names_n++;

    return NGX_OK;
}


u_char *
ngx_uplink_names_close(ngx_uint_t base)
{
    u_char             *found;
    ngx_uint_t          i, n;
    ngx_uplink_name_t  *names;

    n = ngx_uplink_names_n - base;
    names = &ngx_uplink_names[base];
    found = NULL;

    ngx_uplink_names_n = base;

    if (n <= NGX_UPLINK_NAMES_SMALL) {
        return NULL;
    }

    ngx_uplink_names_sort(names, n);

    for (i = 1; i < n; i++) {
        if (ngx_uplink_names_cmp(&names[i - 1], &names[i]) == 0
            && (found == NULL || names[i].start < found))
        {
            found = names[i].start;
        }
    }

    return found;
}


void
ngx_uplink_json_cleanup(void)
{
    if (ngx_uplink_names != ngx_uplink_names_static) {
        free(ngx_uplink_names);
    }

    ngx_uplink_names = ngx_uplink_names_static;
    ngx_uplink_names_size = NGX_UPLINK_NAMES_STATIC;
    ngx_uplink_names_n = 0;
}


/*
 * A member takes five bytes of the message at least, so this stays within
 * ten times the longest message ever seen; kept, not to be made anew for
 * every large message.
 */

static ngx_int_t
ngx_uplink_names_grow(void)
{
    size_t              size;
    ngx_uplink_name_t  *names;

    size = ngx_uplink_names_size * sizeof(ngx_uplink_name_t);

    names = malloc(size * 2);
    if (names == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(names, ngx_uplink_names, size);

    if (ngx_uplink_names != ngx_uplink_names_static) {
        free(ngx_uplink_names);
    }

    ngx_uplink_names = names;
    ngx_uplink_names_size *= 2;

    return NGX_OK;
}


/* decoded length and first bytes; a name has no U+0000 */

static ngx_int_t
ngx_uplink_names_read(ngx_uplink_name_t *name)
{
    u_char                     ch, head[8];
    uint32_t                   len;
    ngx_uplink_text_reader_t   r;

    name->head = 0;

    if (memchr(name->start, '\\', name->raw) == NULL) {
        name->len = name->raw;
        ngx_memcpy(&name->head, name->start, ngx_min(name->raw, 8));
        return NGX_OK;
    }

    r.pos = name->start;
    r.last = name->start + name->raw;
    r.next = 0;
    r.n = 0;

    for (len = 0; r.pos < r.last || r.next < r.n; len++) {
        ch = ngx_uplink_text_read(&r);

        if (ch == '\0') {
            return NGX_ERROR;
        }

        if (len < 8) {
            head[len] = ch;
        }
    }

    name->len = len;
    ngx_memcpy(&name->head, head, ngx_min(len, 8));

    return NGX_OK;
}


/* any order will do, as long as equal names are equal */

static int
ngx_uplink_names_cmp(ngx_uplink_name_t *one, ngx_uplink_name_t *two)
{
    u_char                     a, b;
    uint32_t                   i;
    ngx_uplink_text_reader_t   r1, r2;

    if (one->head != two->head) {
        return (one->head < two->head) ? -1 : 1;
    }

    if (one->len != two->len) {
        return (one->len < two->len) ? -1 : 1;
    }

    if (one->len <= 8) {
        return 0;
    }

    if (one->raw == one->len && two->raw == two->len) {
        return memcmp(one->start, two->start, one->len);
    }

    r1.pos = one->start;
    r1.last = one->start + one->raw;
    r1.next = 0;
    r1.n = 0;

    r2.pos = two->start;
    r2.last = two->start + two->raw;
    r2.next = 0;
    r2.n = 0;

    for (i = 0; i < one->len; i++) {
        a = ngx_uplink_text_read(&r1);
        b = ngx_uplink_text_read(&r2);

        if (a != b) {
            return (int) a - (int) b;
        }
    }

    return 0;
}


/* in place, and never worse than n log n: the libc's may be or may allocate */

static void
ngx_uplink_names_sort(ngx_uplink_name_t *names, ngx_uint_t n)
{
    ngx_uint_t         i;
    ngx_uplink_name_t  name;

    for (i = n / 2; i > 0; i--) {
        ngx_uplink_names_sift(names, i - 1, n);
    }

    for (i = n - 1; i > 0; i--) {
        name = names[0];
        names[0] = names[i];
        names[i] = name;

        ngx_uplink_names_sift(names, 0, i);
    }
}


static void
ngx_uplink_names_sift(ngx_uplink_name_t *names, ngx_uint_t i, ngx_uint_t n)
{
    int                rc;
    ngx_uint_t         child;
    ngx_uplink_name_t  name;

    name = names[i];

    for (child = 2 * i + 1; child < n; child = 2 * i + 1) {

        if (child + 1 < n) {
            rc = ngx_uplink_names_cmp(&names[child], &names[child + 1]);

            if (rc < 0
                || (rc == 0 && names[child].start < names[child + 1].start))
            {
                child++;
            }
        }

        rc = ngx_uplink_names_cmp(&name, &names[child]);

        if (rc > 0 || (rc == 0 && name.start > names[child].start)) {
            break;
        }

        names[i] = names[child];
        i = child;
    }

    names[i] = name;
}
