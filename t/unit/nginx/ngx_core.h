
/*
 * nginx's types without nginx: what the files that are tested and fuzzed
 * alone (src/wire, parts of src/ws) need of <ngx_core.h>.
 */


#ifndef _NGX_CORE_H_INCLUDED_
#define _NGX_CORE_H_INCLUDED_


#include <ngx_config.h>


#define NGX_OK               0
#define NGX_ERROR           -1
#define NGX_AGAIN           -2
#define NGX_BUSY            -3
#define NGX_DONE            -4
#define NGX_DECLINED        -5
#define NGX_ABORT           -6


typedef struct {
    size_t   len;
    u_char  *data;
} ngx_str_t;


#define ngx_string(str)      { sizeof(str) - 1, (u_char *) str }
#define ngx_null_string      { 0, NULL }

#define ngx_str_set(str, text)                                               \
    (str)->len = sizeof(text) - 1; (str)->data = (u_char *) text

#define ngx_memzero(buf, n)        (void) memset(buf, 0, n)
#define ngx_memset(buf, c, n)      (void) memset(buf, c, n)
#define ngx_memcpy(dst, src, n)    (void) memcpy(dst, src, n)
#define ngx_cpymem(dst, src, n)    (((u_char *) memcpy(dst, src, n)) + (n))
#define ngx_memmove(dst, src, n)   (void) memmove(dst, src, n)
#define ngx_memcmp(s1, s2, n)      memcmp(s1, s2, n)

#define ngx_min(val1, val2)        ((val1 > val2) ? (val2) : (val1))
#define ngx_max(val1, val2)        ((val1 < val2) ? (val2) : (val1))


#endif /* _NGX_CORE_H_INCLUDED_ */
