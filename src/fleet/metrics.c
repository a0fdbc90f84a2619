
/*
 * The lists of metrics.h as tables, and how things are counted.
 */


#include "fleet/fleet.h"

#include <time.h>


#define NGX_UPLINK_COUNTER_ROW(name, help)                                    \
    { ngx_string(#name), help },

const ngx_uplink_counter_row_t  ngx_uplink_counter_rows[] = {
    NGX_UPLINK_COUNTERS(NGX_UPLINK_COUNTER_ROW)
};


#define NGX_UPLINK_FAMILY_ROW(name, label, help)                              \
    { ngx_string(#name), #label, help },

const ngx_uplink_family_row_t  ngx_uplink_family_rows[] = {
    NGX_UPLINK_FAMILIES(NGX_UPLINK_FAMILY_ROW)
};


#define NGX_UPLINK_VALUE_ROW(name, value)                                     \
    { NGX_UPLINK_FAMILY_##name, ngx_string(#value) },

const ngx_uplink_value_row_t  ngx_uplink_value_rows[] = {
    NGX_UPLINK_VALUES(NGX_UPLINK_VALUE_ROW)
};


#define NGX_UPLINK_BOUNDS_TABLE(name, ...)                                    \
    static const uint64_t  ngx_uplink_bounds_##name[NGX_UPLINK_BUCKETS]       \
        = { __VA_ARGS__ };

NGX_UPLINK_BOUNDS(NGX_UPLINK_BOUNDS_TABLE)


#define NGX_UPLINK_HISTOGRAM_ROW(name, bounds, help)                          \
    { ngx_string(#name), ngx_uplink_bounds_##bounds, help },

const ngx_uplink_histogram_row_t  ngx_uplink_histogram_rows[] = {
    NGX_UPLINK_HISTOGRAMS(NGX_UPLINK_HISTOGRAM_ROW)
};


/*
 * One who has no port yet cleans up after his predecessor: that counts, too,
 * but others may count in the same place.
 */

void
ngx_uplink_add(ngx_uplink_fleet_t *fleet, ngx_uplink_counter_e n,
    uint64_t value)
{
    if (fleet->node->tally) {
        fleet->node->tally->counters[n] += value;
        return;
    }

    (void) __atomic_add_fetch(&fleet->sh->totals.counters[n], value,
                              __ATOMIC_RELAXED);
}


void
ngx_uplink_observe(ngx_uplink_fleet_t *fleet, ngx_uplink_histogram_e n,
    uint64_t usec)
{
    ngx_uint_t               i;
    const uint64_t          *bounds;
    ngx_uplink_histogram_t  *h;

    if (fleet->node->tally == NULL) {
        return;
    }

    bounds = ngx_uplink_histogram_rows[n].bounds;

    for (i = 0; i < NGX_UPLINK_BUCKETS && usec > bounds[i]; i++) {
        /* void */
    }

    h = &fleet->node->tally->histograms[n];

    h->bucket[i]++;
    h->sum += usec;
}


void
ngx_uplink_count_value(ngx_uplink_fleet_t *fleet, ngx_uplink_family_e family,
    const void *data, size_t len)
{
    ngx_uint_t                     i, found;
    const ngx_uplink_value_row_t  *row;

    found = NGX_UPLINK_NVALUES;

    for (i = 0; i < NGX_UPLINK_NVALUES; i++) {
        row = &ngx_uplink_value_rows[i];

        if (row->family != family) {
            continue;
        }

        found = i;

        if (row->value.len == len && ngx_memcmp(row->value.data, data, len)
                                     == 0)
        {
            break;
        }
    }

    (void) __atomic_add_fetch(&fleet->sh->values[found], 1,
                              __ATOMIC_RELAXED);
}


void
ngx_uplink_tally_add(ngx_uplink_tally_t *to, ngx_uplink_tally_t *from)
{
    uint64_t    *src, *dst;
    ngx_uint_t   i;

    src = (uint64_t *) from;
    dst = (uint64_t *) to;

    for (i = 0; i < sizeof(ngx_uplink_tally_t) / sizeof(uint64_t); i++) {
        (void) __atomic_add_fetch(&dst[i], src[i], __ATOMIC_RELAXED);
    }
}


uint64_t
ngx_uplink_usec(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}
