
/*
 * Inside this room only: what tells who the bearer of a token is.
 */


#ifndef _NGX_UPLINK_SOURCE_H_INCLUDED_
#define _NGX_UPLINK_SOURCE_H_INCLUDED_


#include "auth/auth.h"


#define NGX_UPLINK_DIGEST_LEN  32
#define NGX_UPLINK_NAME_MAX    128
#define NGX_UPLINK_IDENTITY_MAX  256


/*
 * Who is this?  NGX_OK: who is filled in.  NGX_DECLINED: not one of mine,
 * ask the next.  NGX_HTTP_UNAUTHORIZED: mine, but not valid.
 */

typedef ngx_int_t (*ngx_uplink_verify_pt)(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token, ngx_uplink_who_t *who);

ngx_int_t ngx_uplink_tokens_verify(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token, ngx_uplink_who_t *who);


/* the bit of a role's name, or 0 */

ngx_uint_t ngx_uplink_role(u_char *name, size_t len);

/* may stand in a tokens file as a name or a workspace */

ngx_uint_t ngx_uplink_name(ngx_str_t *name);

/* a whole file, at configuration time, at most max bytes; logs what fails */

ngx_int_t ngx_uplink_auth_file(ngx_conf_t *cf, ngx_str_t *name, size_t max,
    ngx_str_t *text);


#endif /* _NGX_UPLINK_SOURCE_H_INCLUDED_ */
