
/*
 * Data of terminals from their sled: no lock, no allocation and no tree for
 * a message, as long as nobody comes or goes.  Each seat takes from the byte
 * that it wants next, so that what is repeated for one of them doubles
 * nothing for the others.
 */


#include "door/sled_terminal.h"
#include "wire/base64.h"
#include "wire/data.h"


/* the kind, then the handle */

#define NGX_UPLINK_BINARY_KIND  0x01
#define NGX_UPLINK_BINARY_HEAD  9


static ngx_int_t ngx_uplink_sled_deliver(ngx_uplink_sled_route_t *route,
    ngx_uint_t n, ngx_uplink_piece_t *piece, uint64_t at, size_t raw);
static ngx_int_t ngx_uplink_sled_missed(ngx_uplink_sled_route_t *route,
    ngx_uint_t n, uint64_t to, size_t backlog);
static ngx_int_t ngx_uplink_sled_write(ngx_uplink_sled_route_t *route,
    ngx_uint_t n, ngx_uplink_piece_t *piece);
static ngx_int_t ngx_uplink_sled_lane(ngx_uplink_sled_route_t *route,
    ngx_uint_t n, ngx_uint_t kind, u_char *data, size_t len);
static ngx_int_t ngx_uplink_sled_gap(ngx_uplink_sled_route_t *route,
    ngx_uint_t n, uint64_t from, uint64_t to);


ngx_int_t
ngx_uplink_sled_data(ngx_uplink_sled_conn_t *sc, u_char *data, size_t len)
{
    ngx_uplink_data_t         d;
    ngx_uplink_piece_t        piece;
    ngx_uplink_sled_route_t  *route;

    static ngx_uplink_data_shape_t  shape;

    if (sc->link == NULL
        || ngx_uplink_data_match(&shape, data, len, &d) != NGX_OK
        || d.session_len == 0)
    {
        return NGX_DECLINED;
    }

    sc->bad = 0;

    route = ngx_uplink_sled_route(sc, d.session, d.session_len);

    if (route == NULL) {
        ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_foreign_session);
        return NGX_OK;
    }

    piece.data = d.base64;
    piece.lane = NULL;
    piece.len = d.base64_len;
    piece.base64 = 1;

    ngx_uplink_sled_show(route, &piece, d.raw);

    return NGX_OK;
}


/* 0x01, the handle, raw bytes */

void
ngx_uplink_sled_binary(ngx_uplink_sled_conn_t *sc, u_char *data, size_t len)
{
    uint64_t                  handle;
    ngx_uint_t                i;
    ngx_uplink_piece_t        piece;
    ngx_uplink_sled_route_t  *route;

    if (len < NGX_UPLINK_BINARY_HEAD || data[0] != NGX_UPLINK_BINARY_KIND) {
        (void) ngx_uplink_sled_bad_text(sc, "binary message of unknown kind");
        return;
    }

    sc->bad = 0;
    handle = 0;

    for (i = 1; i < NGX_UPLINK_BINARY_HEAD; i++) {
        handle = handle << 8 | data[i];
    }

    route = ngx_uplink_sled_route_handle(sc, handle);

    if (route == NULL) {
        ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_foreign_session);
        return;
    }

    piece.data = data + NGX_UPLINK_BINARY_HEAD;
    piece.lane = NULL;
    piece.len = len - NGX_UPLINK_BINARY_HEAD;
    piece.base64 = 0;

    ngx_uplink_sled_show(route, &piece, piece.len);
}


void
ngx_uplink_sled_show(ngx_uplink_sled_route_t *route,
    ngx_uplink_piece_t *piece, size_t raw)
{
    uint64_t                at;
    ngx_uint_t              i;
    ngx_uplink_terminal_t  *t;

    t = route->route.terminal;

    if (route->route.lost) {

        /* it was sent before the sled has said from which byte */

        return;
    }

    ngx_uplink_add(route->sled->fleet, NGX_UPLINK_COUNT_terminal_shown_bytes,
                   raw);

    at = t->position;

    if (route->route.nseats) {
        route->unread = 0;

    } else {
        ngx_uplink_sled_unread(route, raw);
    }

    for (i = 0; i < route->route.nseats; i++) {
        if (ngx_uplink_sled_deliver(route, i, piece, at, raw) != NGX_OK) {

            /* that was the end of it */

            ngx_uplink_sled_route_free(route);
            return;
        }
    }

    t->position = at + raw;

    if (t->position > t->offset) {
        t->offset = t->position;
    }

    t->active = ngx_current_msec;
}


/* NGX_OK, or NGX_DONE: the terminal has ended by that */

static ngx_int_t
ngx_uplink_sled_deliver(ngx_uplink_sled_route_t *route, ngx_uint_t n,
    ngx_uplink_piece_t *piece, uint64_t at, size_t raw)
{
    u_char                   *trimmed;
    size_t                    backlog, high;
    ngx_int_t                 rc;
    ngx_uplink_conn_t        *uc;
    ngx_uplink_seat_t        *seat;
    ngx_uplink_piece_t        part;
    ngx_uplink_route_seat_t  *rs;

    rs = &route->route.seats[n];
    seat = rs->seat;

    if (rs->waiting || at + raw <= seat->next) {
        return NGX_OK;
    }

    uc = ngx_uplink_sled_direct(route, n);

    if (uc) {
        backlog = ngx_uplink_conn_backlog(uc);
        high = ngx_uplink_browser_high(uc);

    } else {
        backlog = ngx_uplink_lane_level(&seat->lane);
        high = ngx_uplink_lane_high(route->sled->conf);
    }

    if (!rs->driver && backlog > high && seat->next >= at) {

        /* it gets the rest when it has read this */

        return NGX_OK;
    }

    if (rs->driver
        && ngx_uplink_sled_overrun(route, n, backlog, high, raw))
    {
        (void) ngx_uplink_terminal_fail(route->sled->fleet,
                                        route->sled->link,
                                        route->route.handle, "slow_consumer",
                                        "the browser did not read in time");
        return NGX_DONE;
    }

    if (seat->next < at
        && ngx_uplink_sled_missed(route, n, at, backlog) != NGX_OK)
    {
        return NGX_OK;
    }

    part = *piece;
    trimmed = NULL;

    if (seat->next > at) {
        trimmed = ngx_uplink_piece_trim(&part, raw, seat->next - at,
                                        route->sled->conn->connection->log);
        if (trimmed == NULL) {
            return NGX_OK;
        }
    }

    rc = ngx_uplink_sled_write(route, n, &part);

    if (trimmed) {
        ngx_free(trimmed);
    }

    if (rc == NGX_BUSY && rs->driver) {
        (void) ngx_uplink_terminal_fail(route->sled->fleet,
                                        route->sled->link,
                                        route->route.handle,
                                        uc ? "slow_consumer" : "zone_full",
                                        "there is no room for its data");
        return NGX_DONE;
    }

    if (rc == NGX_BUSY) {
        return NGX_OK;
    }

    seat->next = at + raw;

    if (rs->driver && backlog + part.len > high && !route->paused) {
        ngx_uplink_sled_pause(route, n);
    }

    return NGX_OK;
}


/*
 * Bytes before this one were not for it, or came while it was slow: the sled
 * repeats them, for which the browser asks when it has read all, or it is
 * told.  NGX_OK: it goes on from here.
 */

static ngx_int_t
ngx_uplink_sled_missed(ngx_uplink_sled_route_t *route, ngx_uint_t n,
    uint64_t to, size_t backlog)
{
    size_t                    low;
    ngx_uplink_conn_t        *uc;
    ngx_uplink_seat_t        *seat;
    ngx_uplink_route_seat_t  *rs;

    rs = &route->route.seats[n];
    seat = rs->seat;

    if (!rs->driver) {
        uc = ngx_uplink_sled_direct(route, n);
        low = uc ? ngx_uplink_browser_low(uc)
                 : ngx_uplink_lane_low(route->sled->conf);

        if (backlog > low) {
            return NGX_DECLINED;
        }

        if (route->route.features & NGX_UPLINK_FEATURE_REPLAY) {
            (void) ngx_uplink_seat_drained(route->sled->fleet, seat);
            return NGX_DECLINED;
        }
    }

    if (ngx_uplink_sled_gap(route, n, seat->next, to) != NGX_OK) {
        return NGX_DECLINED;
    }

    seat->next = to;

    return NGX_OK;
}


ngx_uplink_conn_t *
ngx_uplink_sled_direct(ngx_uplink_sled_route_t *route, ngx_uint_t n)
{
    ngx_uplink_browser_t     *browser;
    ngx_uplink_route_seat_t  *rs;

    rs = &route->route.seats[n];

    if (!rs->local || ngx_uplink_lane_level(&rs->seat->lane)) {
        return NULL;
    }

    browser = ngx_uplink_route_browser(route, n);

    return browser ? browser->conn : NULL;
}


static ngx_int_t
ngx_uplink_sled_write(ngx_uplink_sled_route_t *route, ngx_uint_t n,
    ngx_uplink_piece_t *piece)
{
    ngx_int_t              rc;
    ngx_uplink_conn_t     *uc;
    ngx_uplink_browser_t  *browser;

    uc = ngx_uplink_sled_direct(route, n);

    if (uc == NULL) {
        return ngx_uplink_sled_lane(route, n, piece->base64
                                              ? NGX_UPLINK_LANE_BASE64
                                              : NGX_UPLINK_LANE_RAW,
                                    piece->data, piece->len);
    }

    browser = uc->data;

    if (!browser->opened
        && (ngx_uplink_browser_tell(browser, NGX_UPLINK_TELL_OPENED)
            != NGX_OK
            || !browser->opened))
    {
        return NGX_ERROR;
    }

    rc = ngx_uplink_outlet_put(&browser->outlet, piece);

    if (rc == NGX_ERROR && !uc->closing) {
        ngx_uplink_conn_abort(uc);
    }

    if (ngx_uplink_conn_backlog(uc) > ngx_uplink_browser_low(uc)) {
        uc->want_sent = 1;
    }

    return rc;
}


static ngx_int_t
ngx_uplink_sled_lane(ngx_uplink_sled_route_t *route, ngx_uint_t n,
    ngx_uint_t kind, u_char *data, size_t len)
{
    ngx_int_t                 rc;
    ngx_str_t                 parts[2];
    ngx_uplink_seat_t        *seat;
    ngx_uplink_lane_head_t    head;
    ngx_uplink_route_seat_t  *rs;

    rs = &route->route.seats[n];
    seat = rs->seat;

    if (rs->local && ngx_uplink_route_browser(route, n) == NULL) {

        /* it has just left */

        return NGX_OK;
    }

    head.len = (uint32_t) len;
    head.kind = (uint32_t) kind;

    parts[0].data = (u_char *) &head;
    parts[0].len = sizeof(ngx_uplink_lane_head_t);
    parts[1].data = data;
    parts[1].len = len;

    rc = ngx_uplink_lane_put(route->sled->fleet, &seat->lane, &rs->writer,
                             parts, 2);

    if (rc == NGX_OK) {
        ngx_uplink_seat_signal(route->sled->fleet, seat);
    }

    return rc;
}


static ngx_int_t
ngx_uplink_sled_gap(ngx_uplink_sled_route_t *route, ngx_uint_t n,
    uint64_t from, uint64_t to)
{
    uint64_t            span[2];
    ngx_uplink_conn_t  *uc;

    uc = ngx_uplink_sled_direct(route, n);

    if (uc) {
        return ngx_uplink_browser_gap(uc->data, from, to);
    }

    span[0] = from;
    span[1] = to;

    return ngx_uplink_sled_lane(route, n, NGX_UPLINK_LANE_GAP,
                                (u_char *) span, sizeof(span));
}


void
ngx_uplink_sled_gaps(ngx_uplink_sled_route_t *route)
{
    uint64_t                  at;
    ngx_uint_t                i;
    ngx_uplink_conn_t        *uc;
    ngx_uplink_route_seat_t  *rs;

    at = route->route.terminal->position;

    for (i = 0; i < route->route.nseats; i++) {
        rs = &route->route.seats[i];

        if (rs->waiting || rs->seat->next >= at) {
            continue;
        }

        uc = ngx_uplink_sled_direct(route, i);

        if (uc) {
            (void) ngx_uplink_browser_tell(uc->data, NGX_UPLINK_TELL_OPENED);
        }

        if (ngx_uplink_sled_gap(route, i, rs->seat->next, at) == NGX_OK) {
            rs->seat->next = at;
        }
    }
}
