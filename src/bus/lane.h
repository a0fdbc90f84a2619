
/*
 * Lanes: bytes from one worker to another, in order, without a lock for each
 * message.  One process writes, one reads; what is between them stands in
 * pages of the zone and is charged to the session.
 */


#ifndef _NGX_UPLINK_LANE_H_INCLUDED_
#define _NGX_UPLINK_LANE_H_INCLUDED_


#include "bus/bus.h"


typedef struct ngx_uplink_page_s  ngx_uplink_page_t;

struct ngx_uplink_page_s {
    ngx_uplink_page_t   *next;
    u_char               data[1];
};


/*
 * In the zone.  Bytes are there when `in' says so, which is stored last: a
 * writer that dies half-way has written nothing.
 */

typedef struct {
    ngx_uplink_page_t   *head;       /* the reader's */
    ngx_uplink_page_t   *tail;       /* changed under the lock alone */
    uint64_t             base;       /* what `in' is where head begins */
    ngx_uint_t           npages;
    uint64_t             in;         /* bytes ever written */
    uint64_t             out;        /* of these, read */
    ngx_atomic_t         signalled;  /* the reader knows that there is some */
    uint64_t             since;      /* when it was told; 0: it has looked */
} ngx_uplink_lane_t;


/* where the writer stands: of its process, made anew when another writes */

typedef struct {
    ngx_uplink_page_t   *page;
    size_t               pos;
} ngx_uplink_lane_writer_t;


#define ngx_uplink_lane_level(lane)                                          \
    ((size_t) (*(volatile uint64_t *) &(lane)->in                            \
               - *(volatile uint64_t *) &(lane)->out))

void ngx_uplink_lane_init(ngx_uplink_lane_t *lane);

/* locked: gives back every page, and what is in them */

void ngx_uplink_lane_clear(ngx_uplink_fleet_t *fleet,
    ngx_uplink_lane_t *lane);

/* locked: stand behind the last byte that was published */

void ngx_uplink_lane_writer(ngx_uplink_lane_t *lane,
    ngx_uplink_lane_writer_t *w);

/*
 * The parts in one run, published together.  Not locked: takes the lock for
 * pages only.  NGX_OK; NGX_BUSY: the zone is full; NGX_DECLINED.
 */

ngx_int_t ngx_uplink_lane_put(ngx_uplink_fleet_t *fleet,
    ngx_uplink_lane_t *lane, ngx_uplink_lane_writer_t *w, ngx_str_t *parts,
    ngx_uint_t n);

/* 1: the reader is to be told (once, until it has looked) */

ngx_uint_t ngx_uplink_lane_signal(ngx_uplink_lane_t *lane);

/* the reader, before it looks */

void ngx_uplink_lane_heard(ngx_uplink_fleet_t *fleet,
    ngx_uplink_lane_t *lane);

/*
 * The reader: len bytes from `from' behind the place where it stands; the
 * caller has looked at the level.
 */

void ngx_uplink_lane_copy(ngx_uplink_lane_t *lane, u_char *dst, size_t from,
    size_t len);

/* it has done with so many; pages that are empty now go back */

ngx_int_t ngx_uplink_lane_take(ngx_uplink_fleet_t *fleet,
    ngx_uplink_lane_t *lane, size_t len);


#endif /* _NGX_UPLINK_LANE_H_INCLUDED_ */
