
/*
 * The log: one line per event, as text or as JSON.
 */


#include "sled.h"

#include <stdarg.h>
#include <time.h>


#define SLED_LOG_LINE  2048


static size_t sled_log_escape(char *dst, size_t size, const char *text);


static const char  *sled_log_names[] = { "error", "warn", "info", "debug" };

static int  sled_log_json;
static int  sled_log_level = SLED_LOG_INFO;


void
sled_log_init(int json, int level)
{
    sled_log_json = json;
    sled_log_level = level;
}


void
sled_log(int level, const char *event, const char *fmt, ...)
{
    int              n;
    char             text[SLED_LOG_LINE], safe[SLED_LOG_LINE * 2];
    char             line[SLED_LOG_LINE * 2 + 256], when[32];
    va_list          args;
    ssize_t          rc;
    struct tm        tm;
    struct timespec  ts;

    if (level > sled_log_level) {
        return;
    }

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    (void) sled_log_escape(safe, sizeof(safe), text);

    clock_gettime(CLOCK_REALTIME, &ts);

    if (sled_log_json) {
        gmtime_r(&ts.tv_sec, &tm);
        strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);

        n = snprintf(line, sizeof(line), "{\"time\":\"%s.%03ldZ\","
                     "\"level\":\"%s\",\"event\":\"%s\",\"message\":\"%s\"}\n",
                     when, ts.tv_nsec / 1000000, sled_log_names[level],
                     event, safe);

    } else {
        localtime_r(&ts.tv_sec, &tm);
        strftime(when, sizeof(when), "%Y/%m/%d %H:%M:%S", &tm);

        n = snprintf(line, sizeof(line), "%s [%s] %s: %s\n", when,
                     sled_log_names[level], event, safe);
    }

    /* a log that nobody reads any more must not stop the work */

    do {
        rc = write(STDERR_FILENO, line, n);
    } while (rc == -1 && errno == EINTR);
}


/* what came from outside stays within its line, and within its string */

static size_t
sled_log_escape(char *dst, size_t size, const char *text)
{
    char                 *p;
    const unsigned char  *s;

    p = dst;

    for (s = (const unsigned char *) text; *s; s++) {

        if ((size_t) (p - dst) + 7 > size) {
            break;
        }

        if (*s < ' ' || *s == 0x7f) {
            p += sprintf(p, "\\u%04x", *s);

        } else if (sled_log_json && (*s == '"' || *s == '\\')) {
            *p++ = '\\';
            *p++ = *s;

        } else {
            *p++ = *s;
        }
    }

    *p = '\0';

    return p - dst;
}
