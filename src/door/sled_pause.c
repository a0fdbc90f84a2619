
/*
 * Sleds that are told to stop reading a PTY, because its browser is slow or
 * nobody is there, and what is taken of them behind that.
 */


#include "door/sled_terminal.h"


/*
 * Behind terminal.pause goes a ping.  What comes before its pong was under
 * way already, in the sockets on both sides, and is not the sled's fault;
 * what comes after it is, and little of that is taken.  A sled that never
 * answers has had its time when as much has come as can have been under way.
 */

#define NGX_UPLINK_OVER_MAX    (256 * 1024)   /* raw, of one terminal */
#define NGX_UPLINK_UNREAD_MAX  (128 * 1024)   /* the same */

#define NGX_UPLINK_FENCE       8


static ngx_int_t ngx_uplink_sled_stop(ngx_uplink_sled_route_t *route);
static void ngx_uplink_sled_fence(ngx_uplink_sled_route_t *route);
static size_t ngx_uplink_sled_under_way(ngx_uplink_sled_route_t *route,
    ngx_uint_t n);


/* the browser may have read all before it could see that it is to say so */

void
ngx_uplink_sled_pause(ngx_uplink_sled_route_t *route, ngx_uint_t n)
{
    ngx_uplink_conn_t       *uc;
    ngx_uplink_seat_t       *seat;
    ngx_uplink_sled_conn_t  *sc;

    sc = route->sled;
    seat = route->route.seats[n].seat;

    if (ngx_uplink_sled_stop(route) != NGX_OK) {
        return;
    }

    uc = ngx_uplink_sled_direct(route, n);

    if (uc) {
        ngx_uplink_browser_widen(uc->data, route->in_socket);

    } else {
        ngx_memory_barrier();

        if (ngx_uplink_lane_level(&seat->lane)
            <= ngx_uplink_lane_low(sc->conf))
        {
            (void) ngx_uplink_seat_drained(sc->fleet, seat);
        }
    }
}


void
ngx_uplink_sled_unread(ngx_uplink_sled_route_t *route, size_t raw)
{
    if (route->paused) {
        return;
    }

    route->unread += raw;

    if (route->unread > NGX_UPLINK_UNREAD_MAX) {
        (void) ngx_uplink_sled_stop(route);
    }
}


/* whoever wants more of it, or comes to read it, undoes this in the fleet */

static ngx_int_t
ngx_uplink_sled_stop(ngx_uplink_sled_route_t *route)
{
    ngx_uplink_out_t         out;
    ngx_uplink_sled_conn_t  *sc;

    sc = route->sled;

    if (!(route->route.features & NGX_UPLINK_FEATURE_FLOW)
        || ngx_uplink_terminal_pause(sc->fleet, sc->link,
                                     route->route.terminal,
                                     route->route.version)
           != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_uplink_sled_answer(sc, &out, "terminal.pause", NULL, 0,
                               NGX_UPLINK_JSON_QUOTED(NGX_UPLINK_SESSION_MAX)
                               + NGX_UPLINK_OUT_MEMBER)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_uplink_out_string(&out, "session_id", route->session,
                          route->session_len);
    ngx_uplink_sled_send(sc, &out);

    route->paused = 1;
    route->over = 0;
    route->unread = 0;

    ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_terminal_pauses);

    ngx_uplink_sled_fence(route);

    return NGX_OK;
}


static void
ngx_uplink_sled_fence(ngx_uplink_sled_route_t *route)
{
    u_char                   payload[NGX_UPLINK_FENCE];
    ngx_uint_t               i;
    ngx_uplink_sled_conn_t  *sc;

    sc = route->sled;

    route->fence = ++sc->fence;
    route->paused_at = sc->conn->received;
    route->in_socket = ngx_uplink_conn_unread(sc->conn);

    for (i = 0; i < NGX_UPLINK_FENCE; i++) {
        payload[i] = (u_char) (route->fence >> (56 - 8 * i));
    }

    /* without it the sled has as long as one that does not answer */

    (void) ngx_uplink_conn_send(sc->conn, NGX_UPLINK_WS_PING, payload,
                                NGX_UPLINK_FENCE);
}


/* the last of several pings may be the only one that is answered */

void
ngx_uplink_sled_pong(ngx_uplink_conn_t *uc, u_char *data, size_t len)
{
    uint64_t                 fence;
    ngx_uint_t               i;
    ngx_uplink_sled_conn_t  *sc;

    sc = uc->data;

    if (len != NGX_UPLINK_FENCE) {
        return;
    }

    fence = 0;

    for (i = 0; i < NGX_UPLINK_FENCE; i++) {
        fence = fence << 8 | data[i];
    }

    sc->passed = ngx_max(sc->passed, fence);
}


ngx_uint_t
ngx_uplink_sled_overrun(ngx_uplink_sled_route_t *route, ngx_uint_t n,
    size_t backlog, size_t high, size_t raw)
{
    size_t                   under_way;
    ngx_uplink_sled_conn_t  *sc;

    sc = route->sled;

    if (backlog <= high) {
        return 0;
    }

    if (!(route->route.features & NGX_UPLINK_FEATURE_FLOW)) {
        return backlog > sc->conf->conn.send_buffer;
    }

    if (!route->paused) {

        /* it will be, with this */

        return 0;
    }

    under_way = ngx_uplink_sled_under_way(route, n);

    if (sc->passed < route->fence
        && sc->conn->received - route->paused_at <= under_way)
    {
        return backlog > high + under_way;
    }

    route->over += raw;

    return route->over > NGX_UPLINK_OVER_MAX;
}


/* a lane is the zone's, and others need that, too */

static size_t
ngx_uplink_sled_under_way(ngx_uplink_sled_route_t *route, ngx_uint_t n)
{
    size_t  max, rest;

    max = ngx_uplink_under_way(route->sled->conf) + route->in_socket;

    if (ngx_uplink_sled_direct(route, n)) {
        return max;
    }

    rest = ngx_uplink_zone_rest(route->sled->fleet) / 4;

    return ngx_max(ngx_min(max, rest), NGX_UPLINK_PAUSED_MAX);
}
