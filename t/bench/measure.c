
/*
 * What is measured: time, CPU time and memory of the workers, latencies.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"


static double smaps_value(const char *text, const char *name);


uint64_t
now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
}


/* in nanoseconds, from the scheduler's own account, not from clock ticks */

uint64_t
workers_cpu(void)
{
    uint64_t         sum;
    unsigned         i;
    clockid_t        clock;
    struct timespec  ts;

    sum = 0;

    for (i = 0; i < options.nworkers; i++) {

        if (clock_getcpuclockid(options.workers[i], &clock) != 0
            || clock_gettime(clock, &ts) != 0)
        {
            fail("worker %d is gone", (int) options.workers[i]);
        }

        sum += (uint64_t) ts.tv_sec * 1000000000 + ts.tv_nsec;
    }

    return sum;
}


/*
 * User memory: pages shared with the master count by halves and turn private
 * when the worker writes to them, so a difference shows what was really used.
 */

void
workers_memory(memory_t *m)
{
    char      path[64], text[4096];
    FILE     *f;
    size_t    n;
    unsigned  i;

    m->anon = 0;
    m->shmem = 0;

    for (i = 0; i < options.nworkers; i++) {
        snprintf(path, sizeof(path), "/proc/%d/smaps_rollup",
                 (int) options.workers[i]);

        f = fopen(path, "r");
        if (f == NULL) {
            fail("cannot open %s", path);
        }

        n = fread(text, 1, sizeof(text) - 1, f);
        text[n] = '\0';
        fclose(f);

        m->anon += smaps_value(text, "\nPss_Anon:");
        m->shmem += smaps_value(text, "\nPss_Shmem:");
    }
}


static double
smaps_value(const char *text, const char *name)
{
    double       value;
    const char  *p;

    p = strstr(text, name);
    if (p == NULL || sscanf(p + strlen(name), " %lf", &value) != 1) {
        fail("no %s in smaps_rollup", name + 1);
    }

    return value * 1024;
}


void
span_begin(span_t *s)
{
    s->start = now();
    s->cpu = workers_cpu();
}


void
span_end(span_t *s, uint64_t count)
{
    s->cpu = workers_cpu() - s->cpu;
    s->wall = now() - s->start;
    s->count = count;
}


/*
 * Only when all is verified.  busy tells whether the rate is the gateway's
 * limit or this tool's.
 */

void
span_report(const span_t *s)
{
    if (s->count == 0) {
        fail("nothing came through");
    }

    result("count", s->count);
    result("rate", s->count * 1e9 / s->wall);
    result("cpu_us", s->cpu / 1e3 / s->count);
    result("busy", (double) s->cpu / s->wall / options.nworkers);
}


/* buckets of 1/64 of an octave: an error of 1.6 % at most */

void
hist_add(hist_t *h, uint64_t ns)
{
    unsigned  shift, i;

    if (ns < (1 << HIST_BITS)) {
        i = ns;

    } else {
        shift = 63 - __builtin_clzll(ns) - HIST_BITS;
        i = ((shift + 1) << HIST_BITS) + (ns >> shift) - (1 << HIST_BITS);
    }

    h->bucket[i]++;
    h->count++;
    h->max = bench_max(h->max, ns);
}


double
hist_percentile(const hist_t *h, double p)
{
    unsigned  i, shift;
    uint64_t  rank, seen, low;

    rank = (uint64_t) (h->count * p / 100);
    rank = bench_min(rank, h->count - 1);
    seen = 0;

    for (i = 0; i < HIST_BUCKETS; i++) {
        seen += h->bucket[i];

        if (seen > rank) {
            break;
        }
    }

    if (i < (1 << HIST_BITS)) {
        return i;
    }

    shift = (i >> HIST_BITS) - 1;
    low = (uint64_t) (i - (shift << HIST_BITS)) << shift;

    return low + (double) ((uint64_t) 1 << shift) / 2;
}


void
hist_report(const hist_t *h)
{
    if (h->count == 0) {
        fail("no latency was measured");
    }

    result("p50_us", hist_percentile(h, 50) / 1e3);
    result("p99_us", hist_percentile(h, 99) / 1e3);
    result("max_us", h->max / 1e3);
}
