
/*
 * RFC 6455 frames: the header, byte by byte if need be, and the masking.
 * Uses nginx's types, not its runtime.
 */


#ifndef _NGX_UPLINK_FRAME_H_INCLUDED_
#define _NGX_UPLINK_FRAME_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


#define NGX_UPLINK_FRAME_CONTINUATION  0x0
#define NGX_UPLINK_FRAME_TEXT          0x1
#define NGX_UPLINK_FRAME_BINARY        0x2
#define NGX_UPLINK_FRAME_CLOSE         0x8
#define NGX_UPLINK_FRAME_PING          0x9
#define NGX_UPLINK_FRAME_PONG          0xa

#define NGX_UPLINK_FRAME_MAX_CONTROL   125


typedef enum {
    ngx_uplink_frame_st_first = 0,
    ngx_uplink_frame_st_second,
    ngx_uplink_frame_st_length,
    ngx_uplink_frame_st_mask,
    ngx_uplink_frame_st_payload
} ngx_uplink_frame_state_e;


/* zeroed, it waits for the first frame */

typedef struct {
    uint64_t      length;      /* of the payload */
    uint64_t      left;        /* of these, not consumed yet */
    const char   *error;       /* what the client sent, after NGX_ERROR */
    const char   *fault;       /* the same, in a word */

    u_char        mask[4];     /* mask[0] is for the next byte */
    u_char        state;
    u_char        need;        /* bytes missing of what state reads */
    u_char        opcode;      /* of this frame */
    u_char        message;     /* of the message under way, 0: none is */
    u_char        fin;
} ngx_uplink_frame_t;


#define ngx_uplink_frame_is_control(f)  ((f)->opcode & 0x8)

#define ngx_uplink_frame_in_payload(f)                                       \
    ((f)->state == ngx_uplink_frame_st_payload)


/*
 * Consumes header bytes from *pos.  NGX_OK: the header is complete, the
 * payload follows; NGX_AGAIN: all is consumed, more is needed; NGX_ERROR:
 * no frame that this client may send now, found at the first byte that
 * tells so.
 */

ngx_int_t ngx_uplink_frame_parse(ngx_uplink_frame_t *f, u_char **pos,
    u_char *last);

/*
 * Unmasks the next len bytes of the payload; dst and src may be the same.
 * NULL as dst: they are only consumed.
 */

void ngx_uplink_frame_unmask(ngx_uplink_frame_t *f, u_char *dst, u_char *src,
    size_t len);

/* the payload is consumed: the next frame may come */

void ngx_uplink_frame_next(ngx_uplink_frame_t *f);

/* the header of an unfragmented, unmasked frame: its size, and the thing */

size_t ngx_uplink_frame_head_size(size_t len);
u_char *ngx_uplink_frame_head(u_char *p, ngx_uint_t opcode, size_t len);

/* may this close code go over the wire? */

ngx_uint_t ngx_uplink_frame_close_code(ngx_uint_t code);


#endif /* _NGX_UPLINK_FRAME_H_INCLUDED_ */
