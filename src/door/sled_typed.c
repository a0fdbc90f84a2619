
/*
 * What drivers type, on its way to their sled.  A sled that does not read
 * makes them wait, long before it would hurt what else it is told.
 */


#include "door/sled_terminal.h"


#define ngx_uplink_sled_full(uc)   ((uc)->conf->send_buffer / 4)
#define ngx_uplink_sled_empty(uc)  ((uc)->conf->send_buffer / 8)


static ngx_int_t ngx_uplink_sled_put(ngx_uplink_sled_route_t *route,
    ngx_uplink_piece_t *piece);


ngx_int_t
ngx_uplink_sled_typed(ngx_uplink_browser_t *browser,
    ngx_uplink_piece_t *piece)
{
    ngx_uplink_terminal_t    *t;
    ngx_uplink_sled_route_t  *route;

    route = browser->route;

    if (route == NULL || route->sled->link == NULL
        || route->sled->conn->closing)
    {
        return NGX_DECLINED;
    }

    t = route->route.terminal;

    if (route->route.version != *(volatile uint64_t *) &t->version
        || route->route.lost
        || t->driver != browser->seat
        || ngx_uplink_lane_level(&t->input))
    {
        return NGX_DECLINED;
    }

    t->active = ngx_current_msec;

    return ngx_uplink_sled_put(route, piece);
}


static ngx_int_t
ngx_uplink_sled_put(ngx_uplink_sled_route_t *route, ngx_uplink_piece_t *piece)
{
    ngx_int_t           rc;
    ngx_uplink_conn_t  *uc;

    uc = route->sled->conn;

    if (ngx_uplink_conn_backlog(uc) <= ngx_uplink_sled_full(uc)) {
        rc = ngx_uplink_outlet_put(&route->outlet, piece);

        if (rc != NGX_BUSY) {
            return rc;
        }
    }

    route->sled->thirsty = 1;
    uc->want_sent = 1;

    return NGX_BUSY;
}


void
ngx_uplink_sled_input(ngx_uplink_sled_route_t *route)
{
    size_t                   done, level;
    uint32_t                 len;
    ngx_uplink_lane_t       *lane;
    ngx_uplink_piece_t       piece;
    ngx_uplink_terminal_t   *t;

    t = route->route.terminal;
    lane = &t->input;

    route->input = 0;

    ngx_uplink_lane_heard(route->sled->fleet, lane);

    level = ngx_uplink_lane_level(lane);

    piece.data = NULL;
    piece.lane = lane;
    piece.base64 = 0;

    for (done = 0; done < level; done += sizeof(uint32_t) + len) {

        ngx_uplink_lane_copy(lane, (u_char *) &len, done, sizeof(uint32_t));

        piece.from = done + sizeof(uint32_t);
        piece.len = len;

        if (ngx_uplink_sled_put(route, &piece) != NGX_OK) {
            route->input = 1;
            break;
        }
    }

    if (done && ngx_uplink_lane_take(route->sled->fleet, lane, done)
                == NGX_OK)
    {
        ngx_uplink_terminal_room(route->sled->fleet, t);
    }
}


void
ngx_uplink_sled_room(ngx_uplink_sled_conn_t *sc)
{
    ngx_uint_t                 i, n;
    ngx_uplink_conn_t         *uc;
    ngx_uplink_browser_t      *browser;
    ngx_uplink_sled_route_t   *route, *next;
    ngx_uplink_sled_routes_t  *routes;

    uc = sc->conn;
    routes = &sc->routes;

    if (!sc->thirsty
        || ngx_uplink_conn_backlog(uc) > ngx_uplink_sled_empty(uc))
    {
        return;
    }

    sc->thirsty = 0;

    for (i = 0; routes->n && i <= routes->mask; i++) {

        for (route = routes->sessions[i]; route; route = next) {
            next = route->session_next;

            /* somebody may have come or gone */

            route = ngx_uplink_sled_route(sc, route->session,
                                          route->session_len);
            if (route == NULL) {
                continue;
            }

            if (route->input) {
                ngx_uplink_sled_input(route);
            }

            for (n = 0; n < route->route.nseats; n++) {
                browser = ngx_uplink_route_browser(route, n);

                if (browser && browser->held) {
                    ngx_uplink_browser_room(browser);
                }
            }
        }
    }
}
