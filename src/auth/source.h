
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
 * Who has this token?  NGX_OK: who is filled in.  NGX_DECLINED: not one of
 * mine, ask the next.  NGX_HTTP_UNAUTHORIZED: mine, but not valid.
 */

typedef ngx_int_t (*ngx_uplink_verify_pt)(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token, ngx_uplink_who_t *who);

ngx_int_t ngx_uplink_tokens_verify(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token, ngx_uplink_who_t *who);
ngx_int_t ngx_uplink_jwt_verify(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token, ngx_uplink_who_t *who);


/*
 * What the request itself says, before anybody else is asked:
 *
 * NGX_OK        a token, and who has it
 * NGX_DECLINED  no token; who->known tells whether there is an identity
 * NGX_AGAIN     a token that is nobody's
 * 401, 403, NGX_ERROR
 */

ngx_int_t ngx_uplink_credential(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_who_t *who);

/* the same after uplink_authorize, which has run before the door */

ngx_int_t ngx_uplink_authorized(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_who_t *who);


/* the bit of a role's name, or 0 */

ngx_uint_t ngx_uplink_role(u_char *name, size_t len);

/* may stand in a tokens file as a name or a workspace */

ngx_uint_t ngx_uplink_name(ngx_str_t *name);

/* may be the name of somebody whom others have authenticated */

ngx_uint_t ngx_uplink_identity(ngx_str_t *name);

/* is it in the list (which may be NULL)? */

ngx_uint_t ngx_uplink_listed(ngx_array_t *list, ngx_str_t *name);

/* "*" in workspaces or agents is all of them */

void ngx_uplink_who_stars(ngx_uplink_who_t *who);

/* where no agents are named it is the one of its own name */

ngx_int_t ngx_uplink_who_own_agent(ngx_pool_t *pool, ngx_uplink_who_t *who);

/* a whole file, at configuration time, at most max bytes; logs what fails */

ngx_int_t ngx_uplink_auth_file(ngx_conf_t *cf, ngx_str_t *name, size_t max,
    ngx_str_t *text);


#endif /* _NGX_UPLINK_SOURCE_H_INCLUDED_ */
