
/*
 * Inside this room only: keys that sign tokens, and what they may sign.
 */


#ifndef _NGX_UPLINK_JWT_H_INCLUDED_
#define _NGX_UPLINK_JWT_H_INCLUDED_


#include "auth/source.h"
#include "wire/wire.h"

#include <openssl/evp.h>


#define NGX_UPLINK_KEY_HMAC  0
#define NGX_UPLINK_KEY_RSA   1
#define NGX_UPLINK_KEY_EC    2
#define NGX_UPLINK_KEY_ED    3

#define NGX_UPLINK_KID_MAX   256


/*
 * An algorithm of RFC 7518 or RFC 8037.  A key has one, fixed by the
 * configuration: what a token says about its algorithm can only exclude a
 * key, never change how it is used.
 */

typedef struct {
    ngx_str_t            name;
    ngx_uint_t           kind;
    const EVP_MD      *(*md)(void);     /* NULL: the key has its own */
    size_t               size;          /* of the secret, of a coordinate */
    ngx_uint_t           pss;
    ngx_str_t            curve;         /* its name in a JWK */
    ngx_str_t            spki;          /* DER before the point, if EC */
} ngx_uplink_jwt_alg_t;


typedef struct {
    const ngx_uplink_jwt_alg_t  *alg;
    ngx_str_t                    kid;   /* empty: none */
    EVP_PKEY                    *pkey;
} ngx_uplink_jwt_key_t;


/* src/auth/jwt_alg.c */

const ngx_uplink_jwt_alg_t *ngx_uplink_jwt_alg(ngx_str_t *name);
const ngx_uplink_jwt_alg_t *ngx_uplink_jwt_alg_curve(ngx_str_t *curve);

/* NULL, or what is wrong with this key for its algorithm */

const char *ngx_uplink_jwt_key_check(ngx_uplink_jwt_key_t *key);

/* is this the key's signature of data?  1 or 0 */

ngx_uint_t ngx_uplink_jwt_signed(ngx_uplink_jwt_key_t *key, ngx_str_t *data,
    ngx_str_t *signature);


/*
 * src/auth/jwk.c: the key of one JWK.  NGX_DECLINED: no key for signatures
 * that this page knows; NGX_ERROR: one that is wrong, with what is wrong.
 */

ngx_int_t ngx_uplink_jwk(ngx_pool_t *pool, ngx_uplink_value_t *jwk,
    ngx_uplink_jwt_key_t *key, const char **error);


/* src/auth/jwk_der.c: public keys of their numbers; NULL if they are none */

EVP_PKEY *ngx_uplink_jwk_rsa(ngx_str_t *n, ngx_str_t *e);
EVP_PKEY *ngx_uplink_jwk_ec(const ngx_uplink_jwt_alg_t *alg, ngx_str_t *x,
    ngx_str_t *y);


/* src/auth/jwt_claims.c: what the signed claims say: NGX_OK, 401, or error */

ngx_int_t ngx_uplink_jwt_claims(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_value_t *claims,
    ngx_uplink_who_t *who);


/* without "=" and anything else that is not of the alphabet */

ngx_int_t ngx_uplink_base64url(ngx_str_t *dst, ngx_str_t *src);


#endif /* _NGX_UPLINK_JWT_H_INCLUDED_ */
