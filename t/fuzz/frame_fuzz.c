/* sources: src/ws/frame.c */
/* options: -max_len=512 */

/*
 * A stream of frames says the same however it is cut: as a whole, byte by
 * byte, and at the places that the input itself names.
 */


#include "ws/frame.h"


#define must(condition)                                                      \
    if (!(condition)) {                                                      \
        fprintf(stderr, "line %d: %s\n", __LINE__, #condition);              \
        abort();                                                             \
    }


/* what was read, as text of one byte an event, and how it ended */

typedef struct {
    u_char              *events;
    size_t               len;
    ngx_uplink_frame_t   frame;
    ngx_int_t            rc;
    size_t               consumed;     /* up to the end, or the error */
} story_t;


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* a block of just this size, so that reading beyond it is found */

static void
feed(story_t *s, const u_char *data, size_t size)
{
    u_char              *copy, *p, *last;
    size_t               n;
    ngx_uplink_frame_t  *f;

    f = &s->frame;

    copy = malloc(size ? size : 1);
    memcpy(copy, data, size);

    p = copy;
    last = copy + size;

    while (s->rc != NGX_ERROR) {

        if (!ngx_uplink_frame_in_payload(f)) {

            s->rc = ngx_uplink_frame_parse(f, &p, last);

            if (s->rc != NGX_OK) {
                break;
            }

            must(!ngx_uplink_frame_is_control(f)
                 || (f->fin && f->length <= NGX_UPLINK_FRAME_MAX_CONTROL));
            must(f->length <= INT64_MAX && f->left == f->length);
            must(ngx_uplink_frame_is_control(f) || f->message);

            s->events[s->len++] = 'F';
            s->events[s->len++] = f->opcode | f->fin << 7;
        }

        n = last - p;
        n = f->left < n ? f->left : n;

        ngx_uplink_frame_unmask(f, p, p, n);

        memcpy(s->events + s->len, p, n);
        s->len += n;
        p += n;

        if (f->left) {
            must(p == last);
            s->rc = NGX_AGAIN;
            break;
        }

        s->events[s->len++] = '.';
        ngx_uplink_frame_next(f);
    }

    must(p <= last && (p == last || s->rc == NGX_ERROR));

    s->consumed += p - copy;

    free(copy);
}


static void
begin(story_t *s, size_t size)
{
    memset(s, 0, sizeof(story_t));

    /* the shortest frame has six bytes and three events */

    s->events = malloc(size + 4);
    s->rc = NGX_AGAIN;
}


static void
same(story_t *a, story_t *b)
{
    must(a->rc == b->rc);
    must(a->consumed == b->consumed);
    must(a->frame.error == b->frame.error);
    must(a->len == b->len && memcmp(a->events, b->events, a->len) == 0);
    must(a->frame.state == b->frame.state && a->frame.left == b->frame.left);
    must(a->frame.message == b->frame.message);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t   i, n, step;
    story_t  whole, bytes, parts;

    if (size == 0) {
        return 0;
    }

    step = data[0];
    data++;
    size--;

    begin(&whole, size);
    feed(&whole, data, size);

    begin(&bytes, size);

    for (i = 0; i < size && bytes.rc != NGX_ERROR; i++) {
        feed(&bytes, data + i, 1);
    }

    begin(&parts, size);

    for (i = 0; i < size && parts.rc != NGX_ERROR; i += n) {
        step = step * 5 + 3;
        n = step % 23;
        n = n < size - i ? n : size - i;

        feed(&parts, data + i, n);
    }

    same(&whole, &bytes);
    same(&whole, &parts);

    free(whole.events);
    free(bytes.events);
    free(parts.events);

    return 0;
}
