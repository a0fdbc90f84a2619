
/*
 * Connections that do nothing, after one message each: what they cost the
 * workers in memory.
 */


#define _GNU_SOURCE

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench.h"


#define IDLE_WARM    16
#define IDLE_FLIGHT  64


static void idle_backend(void);
static void idle_connect(unsigned n);
static void idle_settle(void);
static double idle_zone(void);
static void idle_open(conn_t *c);
static void idle_message(conn_t *c, int opcode, u_char *data, size_t len);
static void idle_gone(conn_t *c);


static const role_t  idle_role = { idle_open, idle_message, NULL };
static const role_t  idle_warm_role = { idle_open, idle_message, idle_gone };

static unsigned      started;
static unsigned      up;
static unsigned      gone;
static unsigned      sleds;


void
idle_run(void)
{
    double    zone;
    conn_t   *warm[IDLE_WARM];
    unsigned  i;
    memory_t  before, after;

    sleds = (strcmp(options.subject, "sled") == 0);

    if (options.backend) {
        idle_backend();
    }

    for (i = 0; i < IDLE_WARM; i++) {
        warm[i] = net_connect(&idle_warm_role,
                              (void *) (uintptr_t) (options.n + i),
                              options.uri, NULL);
        started++;
    }

    net_until(&up, IDLE_WARM, 10, "connections");

    for (i = 0; i < IDLE_WARM; i++) {
        ws_close(warm[i], 1000);
    }

    net_until(&gone, IDLE_WARM, 10, "closed connections");
    idle_settle();

    up = 0;
    started = 0;

    zone = idle_zone();
    workers_memory(&before);

    idle_connect(options.n);
    idle_settle();

    workers_memory(&after);

    result("anon", (after.anon - before.anon) / options.n);
    result("shmem", (after.shmem - before.shmem) / options.n);

    if (options.status[0]) {
        result("zone", (idle_zone() - zone) / options.n);
    }
}


/* a process of its own, for the sake of the limit of open files */

static void
idle_backend(void)
{
    int    fd[2];
    char   ready;
    pid_t  pid, parent;

    parent = getpid();

    if (pipe(fd) == -1) {
        fail("pipe() failed");
    }

    pid = fork();

    if (pid == -1) {
        fail("fork() failed");
    }

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);

        net_init();
        net_listen(options.backend, &echo_backend);

        if (write(fd[1], "", 1) != 1) {
            fail("write() failed");
        }

        while (getppid() == parent) {
            net_turn(1000);
        }

        exit(0);
    }

    if (read(fd[0], &ready, 1) != 1) {
        fail("the tunnel's end did not start");
    }
}


static void
idle_connect(unsigned n)
{
    uint64_t  end;

    end = now() + 60000000000;

    while (up < n) {

        while (started < n && started - up < IDLE_FLIGHT) {
            (void) net_connect(&idle_role, (void *) (uintptr_t) started,
                               options.uri, NULL);
            started++;
        }

        net_turn(100);

        if (now() > end) {
            fail("%u of %u connections after a minute", up, n);
        }
    }
}


/* the workers have done what there was to do; everybody is still there */

static void
idle_settle(void)
{
    uint64_t  end;

    end = now() + 300000000;

    while (now() < end) {
        net_turn(50);
    }
}


static double
idle_zone(void)
{
    double       used;
    const char  *p;

    if (options.status[0] == '\0') {
        return 0;
    }

    p = strstr(net_http("GET", options.status, "", ""), "\"zone\":");
    p = p ? strstr(p, "\"used\":") : NULL;

    if (p == NULL || sscanf(p, "\"used\":%lf", &used) != 1) {
        fail("no zone.used in the status");
    }

    return used;
}


static void
idle_open(conn_t *c)
{
    if (sleds) {
        sled_register(c, (unsigned) (uintptr_t) c->data);

    } else {
        ws_send(c, BENCH_TEXT, "still here", 10);
    }
}


static void
idle_message(conn_t *c, int opcode, u_char *data, size_t len)
{
    (void) c;
    (void) opcode;

    if (sleds) {
        sled_registered(data, len);

    } else if (len != 10 || memcmp(data, "still here", 10) != 0) {
        fail("the echo is wrong: %.*s", (int) len, data);
    }

    up++;
}


static void
idle_gone(conn_t *c)
{
    (void) c;

    gone++;
}
