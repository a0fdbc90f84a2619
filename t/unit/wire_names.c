/* sources: src/wire/scan.c src/wire/names.c src/wire/text.c */

/*
 * Members of the same name: found in objects of any size, in any order,
 * nested in any way, at a cost that does not grow with the square.
 */


#include <time.h>

#include "tap.h"
#include "wire/wire.h"


#define TWICE  "duplicate member"


static ngx_uplink_value_t       value;
static ngx_uplink_json_error_t  err;


/* in a block of its own, so that a byte read beyond it is seen */

static ngx_int_t
check(const char *text, size_t len)
{
    u_char     *p;
    ngx_int_t   rc;

    p = malloc(len);
    memcpy(p, text, len);

    rc = ngx_uplink_json_check(p, len, &value, &err);

    free(p);

    return rc;
}


/* an object of n members written by fmt, one more name at the end or NULL */

static char *
many(const char *fmt, int n, const char *last, size_t *len)
{
    int     i;
    char   *text, *p;

    text = malloc(n * 80 + 256);
    p = text;
    *p++ = '{';

    for (i = 0; i < n; i++) {
        p += sprintf(p, fmt, i);
        p += sprintf(p, ":%d,", i);
    }

    if (last) {
        p += sprintf(p, "%s:0,", last);
    }

    p[-1] = '}';
    *len = p - text;

    return text;
}


static void
large_objects(void)
{
    int         n;
    char       *text;
    size_t      len;

    static const int  sizes[] = { 15, 16, 17, 18, 1023, 1024, 1025, 5000, 0 };

    for (n = 0; sizes[n]; n++) {
        text = many("\"%d\"", sizes[n], NULL, &len);
        ok(check(text, len) == NGX_OK, "%d members", sizes[n]);
        free(text);

        text = many("\"name-%d\"", sizes[n], "\"n\\u0061me-3\"", &len);
        ok(check(text, len) == NGX_ERROR
           && strcmp(err.what, TWICE) == 0
           && err.offset == len - 16 && err.named == 13,
           "%d members, then an old one with an escape", sizes[n]);
        free(text);

        text = many("\"n\\u0061me-%d\"", sizes[n], "\"name-0\"", &len);
        ok(check(text, len) == NGX_ERROR
           && strcmp(err.what, TWICE) == 0
           && err.offset == len - 11 && err.named == 8,
           "%d members with escapes, then an old one", sizes[n]);
        free(text);
    }

    text = malloc(64 * 1024);
    len = sprintf(text, "{");

    for (n = 0; n < 40; n++) {
        len += sprintf(text + len, "\"k%d\":0,", (n == 30 || n == 35) ? 5 : n);
    }

    text[len - 1] = '}';

    ok(check(text, len) == NGX_ERROR
       && err.offset == (size_t) (strstr(text + 40, "\"k5\"") - text),
       "of several duplicates the first is told");

    free(text);
}


/* members in any order, one of them twice, with and without escapes */

static void
shuffled(void)
{
    int          i, j, n, round, one, two, at, wrong, name[300];
    char        *text, *p;
    uint32_t     x;

    static const char *const  forms[] = {
        "\"%d\":0,", "\"name-of-%d\":0,", "\"name-\\u006ff-%d\":0,",
        "\"\\u006eame-of-%d\":0,"
    };

    text = malloc(300 * 40);
    x = 1;
    wrong = 0;

    for (round = 0; round < 3000; round++) {
        x = x * 1664525 + 1013904223;
        n = 2 + (x >> 16) % (round % 3 ? 40 : 298);

        for (i = 0; i < n; i++) {
            x = x * 1664525 + 1013904223;
            j = (x >> 8) % (i + 1);
            name[i] = name[j];
            name[j] = i;
        }

        x = x * 1664525 + 1013904223;
        one = (x >> 8) % n;
        two = (x >> 20) % n;

        if (one == two) {
            two = one ? 0 : 1;
        }

        if (one > two) {
            i = one;
            one = two;
            two = i;
        }

        /* even rounds have the same name twice, odd ones have not */

        if (round % 2 == 0) {
            name[two] = name[one];
        }

        p = text;
        *p++ = '{';
        at = 0;

        for (i = 0; i < n; i++) {
            if (i == two) {
                at = p - text;
            }

            x = x * 1664525 + 1013904223;
            p += sprintf(p, forms[round % 5 ? 1 + (x >> 8) % 3 : 0], name[i]);
        }

        p[-1] = '}';

        if (round % 2) {
            wrong += check(text, p - text) != NGX_OK;

        } else {
            wrong += check(text, p - text) != NGX_ERROR
                     || strcmp(err.what, TWICE) != 0
                     || err.offset != (size_t) at;
        }
    }

    ok(wrong == 0, "3,000 objects in any order");

    free(text);
}


/* objects within objects, each with members before and behind the inner */

static void
names_of_many_levels(void)
{
    int      i, n;
    char    *text, *p;

    text = malloc(256 * 1024);
    p = text;

    for (n = 0; n < 60; n++) {
        *p++ = '{';

        for (i = 0; i < 40; i++) {
            p += sprintf(p, "\"a%d\":[],", i);
        }

        p += sprintf(p, "\"in\":");
    }

    *p++ = '0';

    for (n = 0; n < 60; n++) {
        p += sprintf(p, ",\"b\":{\"a1\":{},\"in\":1}}");
    }

    ok(check(text, p - text) == NGX_OK, "2,520 names outstanding");

    p -= 2;
    p += sprintf(p, ",\"in\":1},\"a39\":1}");

    ok(check(text, p - text) == NGX_ERROR, "the same, one twice");
    ok(strcmp(err.what, TWICE) == 0, "told as that");

    free(text);
}


/* the CPU time of a check must not grow with the square of the members */

static double
cost(const char *fmt, int n)
{
    char             *text;
    size_t            len;
    double            spent;
    struct timespec   from, to;

    text = many(fmt, n, NULL, &len);

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);

    if (ngx_uplink_json_check((u_char *) text, len, &value, &err) != NGX_OK) {
        note("%s", err.what);
    }

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);

    free(text);

    spent = (to.tv_sec - from.tv_sec) * 1e3
            + (to.tv_nsec - from.tv_nsec) / 1e6;

    note("%d members %s: %.1f ms", n, fmt, spent);

    return spent;
}


static void
hostile_objects(void)
{
    int  i;

    static const char *const  names[] = {
        "\"%d\"",
        "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%08d\"",
        "\"%08daaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
        "\"\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061\\u0061%08d\"",
        NULL
    };

    for (i = 0; names[i]; i++) {

        /* ten times the members: thirteen times the work, not a hundred */

        ok(cost(names[i], 50000) < 40 * (cost(names[i], 5000) + 1),
           "50,000 members beside 5,000");
    }
}


/* t/unit.t builds with the sanitizer whose malloc() fails on demand */

const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "allocator_may_return_null=1:max_allocation_size_mb=16";
}


static void
no_memory(void)
{
    int     n;
    u_char *p;

    static u_char  text[16 * 1024 * 1024];

    ngx_uplink_json_cleanup();

    p = text;
    *p++ = '{';

    for (n = 0; n < 1000000; n++) {
        p += sprintf((char *) p, "\"%d\":0,", n);

        if (n == 400000) {
            p[-1] = '}';

            ok(ngx_uplink_json_check(text, p - text, &value, &err) == NGX_OK,
               "400,000 members");

            p[-1] = ',';
        }
    }

    p[-1] = '}';

    ok(ngx_uplink_json_check(text, p - text, &value, &err) == NGX_ERROR
       && strcmp(err.what, "no memory for member") == 0 && err.named,
       "1,000,000 members: %s at %d", err.what, (int) err.offset);

    ok(check("{\"a\":1}", 7) == NGX_OK, "goes on without memory");

    ngx_uplink_json_cleanup();

    ok(check("{\"a\":1}", 7) == NGX_OK, "goes on after cleanup");

    ngx_uplink_json_cleanup();
}


int
main(void)
{
    large_objects();
    shuffled();
    names_of_many_levels();
    hostile_objects();
    no_memory();

    return done();
}
