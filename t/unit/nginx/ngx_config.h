
/*
 * nginx's types without nginx: what the files that are tested and fuzzed
 * alone (src/wire, parts of src/ws) need of <ngx_config.h>.
 */


#ifndef _NGX_CONFIG_H_INCLUDED_
#define _NGX_CONFIG_H_INCLUDED_


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <sys/types.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define NGX_HAVE_LITTLE_ENDIAN  1
#endif

#define ngx_inline              inline


typedef intptr_t   ngx_int_t;
typedef uintptr_t  ngx_uint_t;


#endif /* _NGX_CONFIG_H_INCLUDED_ */
