
/*
 * TAP for the tests in C: ok(condition, "what, %s", text) and done().
 */


#ifndef _UPLINK_TAP_H_INCLUDED_
#define _UPLINK_TAP_H_INCLUDED_


#include <stdarg.h>
#include <stdio.h>


static int  tap_run;
static int  tap_failed;


__attribute__((unused, format(printf, 2, 3)))
static int
ok(int good, const char *fmt, ...)
{
    char     what[256], *p;
    va_list  args;

    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);

    /* TAP is made of lines, and its comments begin with a hash */

    for (p = what; *p; p++) {
        if (*p == '#' || (*p > 0 && *p < ' ')) {
            *p = '.';
        }
    }

    printf("%sok %d - %s\n", good ? "" : "not ", ++tap_run, what);
    fflush(stdout);

    tap_failed += !good;

    return good;
}


__attribute__((unused, format(printf, 1, 2)))
static void
note(const char *fmt, ...)
{
    va_list  args;

    printf("# ");

    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);

    printf("\n");
}


static int
done(void)
{
    printf("1..%d\n", tap_run);

    return tap_failed != 0;
}


#endif /* _UPLINK_TAP_H_INCLUDED_ */
