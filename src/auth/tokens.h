
/*
 * Inside this room only: a line of a tokens file.
 */


#ifndef _NGX_UPLINK_TOKENS_H_INCLUDED_
#define _NGX_UPLINK_TOKENS_H_INCLUDED_


#include "auth/source.h"


typedef struct {
    u_char             digest[NGX_UPLINK_DIGEST_LEN];
    ngx_uplink_who_t   who;

    ngx_uint_t         nth;      /* file of its level */
    ngx_str_t         *file;
    ngx_uint_t         line;
} ngx_uplink_token_t;


/*
 * Takes the line [p, last) apart; file and line are set already.  NGX_OK,
 * NGX_DECLINED for a blank line or a comment, NGX_ERROR (logged).  The
 * strings of who point into the line.
 */

ngx_int_t ngx_uplink_token_parse(ngx_conf_t *cf, u_char *p, u_char *last,
    ngx_uplink_token_t *token);


#endif /* _NGX_UPLINK_TOKENS_H_INCLUDED_ */
