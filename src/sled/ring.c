
/*
 * The last bytes of a stream, by their offset since its start.
 */


#include "ring.h"


int
sled_ring_init(sled_ring_t *ring, size_t size)
{
    ring->data = malloc(size);
    ring->size = size;
    ring->end = 0;

    return ring->data ? SLED_OK : SLED_ERROR;
}


void
sled_ring_free(sled_ring_t *ring)
{
    free(ring->data);
    ring->data = NULL;
}


uint64_t
sled_ring_start(const sled_ring_t *ring)
{
    return (ring->end > ring->size) ? ring->end - ring->size : 0;
}


size_t
sled_ring_room(const sled_ring_t *ring, unsigned char **p)
{
    size_t  at;

    at = ring->end % ring->size;
    *p = ring->data + at;

    return ring->size - at;
}


void
sled_ring_added(sled_ring_t *ring, size_t n)
{
    ring->end += n;
}


size_t
sled_ring_at(const sled_ring_t *ring, uint64_t offset,
    const unsigned char **p)
{
    size_t  at, n;

    at = offset % ring->size;
    n = ring->size - at;
    *p = ring->data + at;

    return (n > ring->end - offset) ? ring->end - offset : n;
}
