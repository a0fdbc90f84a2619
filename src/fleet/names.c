
/*
 * The words of protocol.md, once.
 */


#include "fleet/fleet.h"


/* ngx_uplink_kind_e */

ngx_str_t  ngx_uplink_kinds[] = {
    ngx_string("perm_request"),
    ngx_string("ask"),
    ngx_string("hook_before"),
    ngx_string("hook_after"),
    ngx_string("spawn"),
    ngx_null_string
};


ngx_str_t  ngx_uplink_kind_ids[] = {
    ngx_string("perm"),
    ngx_string("ask"),
    ngx_string("hb"),
    ngx_string("ha"),
    ngx_string("spawn"),
    ngx_null_string
};


/* ngx_uplink_state_e */

ngx_str_t  ngx_uplink_states[] = {
    ngx_string("open"),
    ngx_string("decided"),
    ngx_string("delivered"),
    ngx_string("applied"),
    ngx_string("failed"),
    ngx_string("expired"),
    ngx_string("withdrawn"),
    ngx_null_string
};


/* ngx_uplink_reason_e */

ngx_str_t  ngx_uplink_reasons[] = {
    ngx_string(""),
    ngx_string("operator"),
    ngx_string("timeout"),
    ngx_string("no_operator"),
    ngx_string("too_many_requests"),
    ngx_string("bad_request"),
    ngx_string("too_large"),
    ngx_string("zone_full"),
    ngx_string("shutdown"),
    ngx_string("cancelled"),
    ngx_string("sled_lost"),
    ngx_string("operator_gone"),
    ngx_null_string
};
