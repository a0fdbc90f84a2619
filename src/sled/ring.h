
/*
 * The last bytes of a stream, by their offset since its start.
 */


#ifndef _SLED_RING_H_INCLUDED_
#define _SLED_RING_H_INCLUDED_


#include "sled.h"


typedef struct {
    unsigned char  *data;
    size_t          size;
    uint64_t        end;        /* bytes written since the start */
} sled_ring_t;


int sled_ring_init(sled_ring_t *ring, size_t size);
void sled_ring_free(sled_ring_t *ring);

/* the oldest byte that is still there */
uint64_t sled_ring_start(const sled_ring_t *ring);

/* where the next bytes go, how many in one piece */
size_t sled_ring_room(const sled_ring_t *ring, unsigned char **p);
void sled_ring_added(sled_ring_t *ring, size_t n);

/* those from offset on, how many in one piece */
size_t sled_ring_at(const sled_ring_t *ring, uint64_t offset,
    const unsigned char **p);


#endif /* _SLED_RING_H_INCLUDED_ */
