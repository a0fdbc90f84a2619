
/*
 * Finds members of the same name.  Private to src/wire.
 */


#ifndef _NGX_UPLINK_NAMES_H_INCLUDED_
#define _NGX_UPLINK_NAMES_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * The names of all objects that are open form one stack: those of the
 * innermost are on top.  A name is known by its decoded length and first
 * bytes; only where these are equal the text is looked at.
 */

typedef struct {
    u_char    *start;   /* behind the opening quote */
    uint64_t   head;    /* first eight bytes, decoded, then zeroes */
    uint32_t   raw;     /* bytes in the message */
    uint32_t   len;     /* bytes decoded; less than raw: has escapes */
} ngx_uplink_name_t;


/* begins a message; how many names of open objects there are */

void ngx_uplink_names_reset(void);
ngx_uint_t ngx_uplink_names_count(void);

/*
 * Adds a name, given as its valid text between the quotes, to the object
 * whose names begin at base.  NGX_OK; NGX_DECLINED: a member has this name;
 * NGX_ERROR: no memory; NGX_ABORT: has U+0000.
 */

ngx_int_t ngx_uplink_names_add(ngx_uint_t base, u_char *start, u_char *end);

/*
 * Removes the names of the object whose names begin at base.  The position
 * of the first name that stood there before, or NULL.
 */

u_char *ngx_uplink_names_close(ngx_uint_t base);


#endif /* _NGX_UPLINK_NAMES_H_INCLUDED_ */
