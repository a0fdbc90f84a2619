
/*
 * When the connections of a leaving worker are to come back.
 */


#include "door/door.h"
#include "fleet/fleet.h"


/*
 * Workers that leave together know nothing of each other: what is left over
 * by the number of ports is the port, as long as there are enough of such
 * times for all.
 */

ngx_msec_t
ngx_uplink_drain_after(ngx_uplink_fleet_t *fleet, ngx_msec_t within)
{
    uint64_t             rank, n, step, times;
    ngx_uplink_node_t   *node;

    node = fleet->node;

    n = ngx_max(node->to_drain, 1);
    rank = ngx_min(node->drained, n - 1);

    step = fleet->sh->nports;
    times = within / step;

    if (n > times) {
        return (ngx_msec_t) (within * rank / n);
    }

    return (ngx_msec_t) (times * rank / n * step + node->port);
}
