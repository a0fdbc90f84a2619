
/*
 * What the connection of a sled knows of its terminals: found by session or
 * by handle without the lock, looked up again when somebody came or went.
 */


#include "door/sled_terminal.h"
#include "wire/data.h"


#define NGX_UPLINK_ROUTES_MIN  16

static ngx_int_t ngx_uplink_routes_grow(ngx_uplink_sled_routes_t *routes,
    ngx_log_t *log);
static void ngx_uplink_routes_insert(ngx_uplink_sled_routes_t *routes,
    ngx_uplink_sled_route_t *route);
static ngx_uplink_sled_route_t *ngx_uplink_route_create(
    ngx_uplink_sled_conn_t *sc, u_char *session, size_t len);
static ngx_int_t ngx_uplink_route_look(ngx_uplink_sled_route_t *route);
static void ngx_uplink_route_detach(ngx_uplink_sled_route_t *route);


ngx_uplink_sled_route_t *
ngx_uplink_sled_route_find(ngx_uplink_sled_conn_t *sc, u_char *session,
    size_t len)
{
    uint32_t                   hash;
    ngx_uplink_sled_route_t   *route;
    ngx_uplink_sled_routes_t  *routes;

    routes = &sc->routes;
    route = routes->last;

    /* a burst is of one terminal */

    if (route && route->session_len == len
        && ngx_memcmp(route->session, session, len) == 0)
    {
        return route;
    }

    if (routes->n == 0) {
        return NULL;
    }

    hash = ngx_uplink_data_hash(session, len);

    for (route = routes->sessions[hash & routes->mask];
         route;
         route = route->session_next)
    {
        if (route->hash == hash && route->session_len == len
            && ngx_memcmp(route->session, session, len) == 0)
        {
            return route;
        }
    }

    return NULL;
}


ngx_uplink_sled_route_t *
ngx_uplink_sled_route(ngx_uplink_sled_conn_t *sc, u_char *session, size_t len)
{
    ngx_uplink_sled_route_t  *route;

    route = ngx_uplink_sled_route_find(sc, session, len);

    if (route == NULL) {
        return ngx_uplink_route_create(sc, session, len);
    }

    if (route->route.version
        != *(volatile uint64_t *) &route->route.terminal->version
        && ngx_uplink_route_look(route) != NGX_OK)
    {
        ngx_uplink_sled_route_free(route);
        return NULL;
    }

    sc->routes.last = route;

    return route;
}


ngx_uplink_sled_route_t *
ngx_uplink_sled_route_handle(ngx_uplink_sled_conn_t *sc, uint64_t handle)
{
    size_t                     len;
    u_char                     session[NGX_UPLINK_SESSION_MAX];
    ngx_uplink_sled_route_t   *route;
    ngx_uplink_sled_routes_t  *routes;

    routes = &sc->routes;

    for (route = routes->n ? routes->handles[handle & routes->mask] : NULL;
         route;
         route = route->handle_next)
    {
        if (route->route.handle == handle) {
            return ngx_uplink_sled_route(sc, route->session,
                                         route->session_len);
        }
    }

    if (ngx_uplink_terminal_session(sc->fleet, sc->link, handle, session,
                                    &len)
        != NGX_OK)
    {
        return NULL;
    }

    return ngx_uplink_sled_route(sc, session, len);
}


static ngx_uplink_sled_route_t *
ngx_uplink_route_create(ngx_uplink_sled_conn_t *sc, u_char *session,
    size_t len)
{
    ngx_log_t                 *log;
    ngx_uplink_sled_route_t   *route;
    ngx_uplink_sled_routes_t  *routes;

    log = sc->conn->connection->log;
    routes = &sc->routes;

    if (sc->link == NULL || len > NGX_UPLINK_SESSION_MAX) {
        return NULL;
    }

    route = ngx_calloc(sizeof(ngx_uplink_sled_route_t), log);
    if (route == NULL) {
        return NULL;
    }

    route->sled = sc;
    route->session_len = len;
    ngx_memcpy(route->session, session, len);

    /* who names what is not his costs no more than this */

    if (ngx_uplink_route_look(route) != NGX_OK) {
        ngx_free(route);
        return NULL;
    }

    if ((routes->n >= routes->mask
         && ngx_uplink_routes_grow(routes, log) != NGX_OK)
        || ngx_uplink_outlet_init(&route->outlet, sc->conn, sc->binary,
                                  route->route.handle, session, len)
           != NGX_OK)
    {
        ngx_uplink_route_detach(route);
        ngx_free(route);
        return NULL;
    }

    route->hash = ngx_uplink_data_hash(session, len);

    ngx_uplink_routes_insert(routes, route);
    routes->n++;

    return route;
}


static ngx_int_t
ngx_uplink_routes_grow(ngx_uplink_sled_routes_t *routes, ngx_log_t *log)
{
    ngx_uint_t                i, size, last;
    ngx_uplink_sled_route_t  *route, *next, **old;

    old = routes->sessions;
    size = old ? 2 * (routes->mask + 1) : NGX_UPLINK_ROUTES_MIN;

    routes->sessions = ngx_calloc(2 * size
                                  * sizeof(ngx_uplink_sled_route_t *), log);
    if (routes->sessions == NULL) {
        routes->sessions = old;
        return NGX_ERROR;
    }

    last = old ? routes->mask + 1 : 0;

    routes->handles = routes->sessions + size;
    routes->mask = size - 1;

    for (i = 0; i < last; i++) {
        for (route = old[i]; route; route = next) {
            next = route->session_next;
            ngx_uplink_routes_insert(routes, route);
        }
    }

    if (old) {
        ngx_free(old);
    }

    return NGX_OK;
}


static void
ngx_uplink_routes_insert(ngx_uplink_sled_routes_t *routes,
    ngx_uplink_sled_route_t *route)
{
    ngx_uplink_sled_route_t  **chain;

    chain = &routes->sessions[route->hash & routes->mask];
    route->session_next = *chain;
    *chain = route;

    chain = &routes->handles[route->route.handle & routes->mask];
    route->handle_next = *chain;
    *chain = route;
}


void
ngx_uplink_sled_route_free(ngx_uplink_sled_route_t *route)
{
    ngx_uplink_sled_route_t   **chain;
    ngx_uplink_sled_routes_t   *routes;

    routes = &route->sled->routes;

    for (chain = &routes->sessions[route->hash & routes->mask];
         *chain != route;
         chain = &(*chain)->session_next)
    {
        /* void */
    }

    *chain = route->session_next;

    for (chain = &routes->handles[route->route.handle & routes->mask];
         *chain != route;
         chain = &(*chain)->handle_next)
    {
        /* void */
    }

    *chain = route->handle_next;

    if (routes->last == route) {
        routes->last = NULL;
    }

    routes->n--;

    ngx_uplink_route_detach(route);
    ngx_uplink_outlet_free(&route->outlet);
    ngx_free(route);
}


void
ngx_uplink_sled_routes_free(ngx_uplink_sled_conn_t *sc)
{
    ngx_uint_t                 i;
    ngx_uplink_sled_routes_t  *routes;

    routes = &sc->routes;

    for (i = 0; routes->n && i <= routes->mask; i++) {
        while (routes->sessions[i]) {
            ngx_uplink_sled_route_free(routes->sessions[i]);
        }
    }

    if (routes->sessions) {
        ngx_free(routes->sessions);
        routes->sessions = NULL;
    }
}


/* who sits there now; browsers of this process learn their way back */

static ngx_int_t
ngx_uplink_route_look(ngx_uplink_sled_route_t *route)
{
    ngx_uint_t               i;
    ngx_uplink_browser_t    *browser;
    ngx_uplink_sled_conn_t  *sc;

    sc = route->sled;

    ngx_uplink_route_detach(route);

    if (sc->link == NULL
        || ngx_uplink_terminal_route(sc->fleet, sc->link, route->session,
                                     route->session_len, &route->route)
           != NGX_OK)
    {
        route->route.nseats = 0;
        return NGX_DECLINED;
    }

    for (i = 0; i < route->route.nseats; i++) {
        browser = ngx_uplink_route_browser(route, i);

        if (browser) {
            browser->route = route;
        }
    }

    return NGX_OK;
}


ngx_uplink_browser_t *
ngx_uplink_route_browser(ngx_uplink_sled_route_t *route, ngx_uint_t n)
{
    ngx_uplink_route_seat_t  *rs;

    rs = &route->route.seats[n];

    return rs->local ? ngx_uplink_slot_data(route->sled->fleet, rs->slot,
                                            rs->serial)
                     : NULL;
}


static void
ngx_uplink_route_detach(ngx_uplink_sled_route_t *route)
{
    ngx_uint_t             i;
    ngx_uplink_browser_t  *browser;

    for (i = 0; i < route->route.nseats; i++) {
        browser = ngx_uplink_route_browser(route, i);

        if (browser && browser->route == route) {
            browser->route = NULL;
        }
    }
}
