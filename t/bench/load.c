
/*
 * load SCENARIO name=value ...: one measurement of one subject; prints
 * "name value" lines, or says on stderr what went wrong and exits with 1.
 */


#define _GNU_SOURCE

#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench.h"


typedef struct {
    const char    *name;
    enum {
        OPTION_STRING,
        OPTION_NUMBER,
        OPTION_SECONDS,
        OPTION_PIDS
    }              type;
    size_t         offset;
} option_t;


typedef struct {
    const char    *name;
    void         (*run)(void);
} scenario_t;


static void set_option(const char *arg);
static void set_workers(const char *list);
static void prepare(void);


options_t  options = {
    .subject = "tunnel", .mode = "", .host = "127.0.0.1", .uri = "/",
    .api = "/v1", .issues = "/ws/issues", .status = "",
    .n = 1, .frame = 64, .cpu = -1, .secs = 1, .warm = 0.2
};


static const scenario_t  scenarios[] = {
    { "idle", idle_run },
    { "handshake", handshake_run },
    { "echo", echo_run },
    { "permission", permission_run },
    { "terminal", terminal_run },
    { "drain", drain_run },
    { NULL, NULL }
};


static const option_t  table[] = {
    { "subject", OPTION_STRING, offsetof(options_t, subject) },
    { "mode", OPTION_STRING, offsetof(options_t, mode) },
    { "uri", OPTION_STRING, offsetof(options_t, uri) },
    { "api", OPTION_STRING, offsetof(options_t, api) },
    { "issues", OPTION_STRING, offsetof(options_t, issues) },
    { "status", OPTION_STRING, offsetof(options_t, status) },
    { "port", OPTION_NUMBER, offsetof(options_t, port) },
    { "backend", OPTION_NUMBER, offsetof(options_t, backend) },
    { "cpu", OPTION_NUMBER, offsetof(options_t, cpu) },
    { "n", OPTION_NUMBER, offsetof(options_t, n) },
    { "frame", OPTION_NUMBER, offsetof(options_t, frame) },
    { "rate", OPTION_NUMBER, offsetof(options_t, rate) },
    { "binary", OPTION_NUMBER, offsetof(options_t, binary) },
    { "across", OPTION_NUMBER, offsetof(options_t, across) },
    { "terminals", OPTION_NUMBER, offsetof(options_t, terminals) },
    { "requests", OPTION_NUMBER, offsetof(options_t, requests) },
    { "moves", OPTION_NUMBER, offsetof(options_t, moves) },
    { "action", OPTION_STRING, offsetof(options_t, action) },
    { "anonymous", OPTION_NUMBER, offsetof(options_t, anonymous) },
    { "secs", OPTION_SECONDS, offsetof(options_t, secs) },
    { "warm", OPTION_SECONDS, offsetof(options_t, warm) },
    { "workers", OPTION_PIDS, 0 },
    { NULL, 0, 0 }
};


int
main(int argc, char *const *argv)
{
    int                i;
    const scenario_t  *s;

    if (argc < 2) {
        fail("usage: load SCENARIO name=value ...");
    }

    for (s = scenarios; s->name; s++) {
        if (strcmp(s->name, argv[1]) == 0) {
            break;
        }
    }

    if (s->name == NULL) {
        fail("unknown scenario \"%s\"", argv[1]);
    }

    options.scenario = s->name;

    for (i = 2; i < argc; i++) {
        set_option(argv[i]);
    }

    prepare();
    net_init();

    s->run();

    return 0;
}


static void
set_option(const char *arg)
{
    char            *p;
    const char      *value;
    const option_t  *o;

    value = strchr(arg, '=');
    if (value == NULL) {
        fail("\"%s\" is not name=value", arg);
    }

    for (o = table; o->name; o++) {
        if (strlen(o->name) == (size_t) (value - arg)
            && strncmp(o->name, arg, value - arg) == 0)
        {
            break;
        }
    }

    if (o->name == NULL) {
        fail("unknown option \"%s\"", arg);
    }

    value++;
    p = (char *) &options + o->offset;

    switch (o->type) {

    case OPTION_STRING:
        *(const char **) p = value;
        break;

    case OPTION_NUMBER:
        *(int *) p = atoi(value);
        break;

    case OPTION_SECONDS:
        *(double *) p = atof(value);
        break;

    case OPTION_PIDS:
        set_workers(value);
        break;
    }
}


static void
set_workers(const char *list)
{
    char      *end;
    unsigned   n;

    n = 0;

    do {
        if (n == sizeof(options.workers) / sizeof(options.workers[0])) {
            fail("too many workers");
        }

        options.workers[n] = strtol(list, &end, 10);

        if (options.workers[n++] <= 0) {
            fail("\"%s\" is no process", list);
        }

        list = end + 1;

    } while (*end == ',');

    options.nworkers = n;
}


static void
prepare(void)
{
    cpu_set_t      set;
    struct rlimit  rl;

    if (options.nworkers == 0 || options.port == 0) {
        fail("port= and workers= are required");
    }

    if (options.cpu >= 0) {
        CPU_ZERO(&set);
        CPU_SET(options.cpu, &set);

        if (sched_setaffinity(0, sizeof(set), &set) == -1) {
            fail("cannot run on core %d", options.cpu);
        }
    }

    if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
        rl.rlim_cur = rl.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &rl);
    }

    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
}


void
fail(const char *fmt, ...)
{
    va_list  args;

    fprintf(stderr, "load: ");

    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);

    fprintf(stderr, "\n");

    exit(1);
}


void
result(const char *name, double value)
{
    printf("%s %.6g\n", name, value);
}


void *
grab(size_t size)
{
    void  *p;

    p = calloc(1, size);
    if (p == NULL) {
        fail("out of memory");
    }

    return p;
}
