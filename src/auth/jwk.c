
/*
 * One key of a JWK set (RFC 7517, RFC 7518 section 6, RFC 8037).
 */


#include "auth/jwt.h"

#include <openssl/err.h>


typedef enum {
    NGX_UPLINK_JWK_KTY = 0,
    NGX_UPLINK_JWK_USE,
    NGX_UPLINK_JWK_ALG,
    NGX_UPLINK_JWK_KID,
    NGX_UPLINK_JWK_CRV,
    NGX_UPLINK_JWK_N,
    NGX_UPLINK_JWK_E,
    NGX_UPLINK_JWK_X,
    NGX_UPLINK_JWK_Y,
    NGX_UPLINK_JWK_K,
    NGX_UPLINK_JWK_MEMBERS
} ngx_uplink_jwk_e;


typedef EVP_PKEY *(*ngx_uplink_jwk_pt)(ngx_pool_t *pool, ngx_str_t *member,
    const ngx_uplink_jwt_alg_t *alg);


/* a type of keys: its algorithms, and the one of a key that names none */

typedef struct {
    ngx_str_t           kty;
    ngx_uint_t          kind;
    ngx_str_t           alg;
    ngx_uplink_jwk_pt   key;
} ngx_uplink_jwk_type_t;


static ngx_int_t ngx_uplink_jwk_strings(ngx_pool_t *pool,
    ngx_uplink_value_t *jwk, ngx_str_t *member, const char **error);
static const ngx_uplink_jwk_type_t *ngx_uplink_jwk_type(ngx_str_t *kty);
static const ngx_uplink_jwt_alg_t *ngx_uplink_jwk_alg(
    const ngx_uplink_jwk_type_t *type, ngx_str_t *member);
static void ngx_uplink_jwk_decode(ngx_pool_t *pool, ngx_str_t *member,
    ngx_str_t *number);
static EVP_PKEY *ngx_uplink_jwk_key_rsa(ngx_pool_t *pool, ngx_str_t *member,
    const ngx_uplink_jwt_alg_t *alg);
static EVP_PKEY *ngx_uplink_jwk_key_ec(ngx_pool_t *pool, ngx_str_t *member,
    const ngx_uplink_jwt_alg_t *alg);
static EVP_PKEY *ngx_uplink_jwk_key_ed(ngx_pool_t *pool, ngx_str_t *member,
    const ngx_uplink_jwt_alg_t *alg);
static EVP_PKEY *ngx_uplink_jwk_key_oct(ngx_pool_t *pool, ngx_str_t *member,
    const ngx_uplink_jwt_alg_t *alg);


static const ngx_str_t  ngx_uplink_jwk_names[NGX_UPLINK_JWK_MEMBERS] = {
    ngx_string("kty"),
    ngx_string("use"),
    ngx_string("alg"),
    ngx_string("kid"),
    ngx_string("crv"),
    ngx_string("n"),
    ngx_string("e"),
    ngx_string("x"),
    ngx_string("y"),
    ngx_string("k")
};


static const ngx_uplink_jwk_type_t  ngx_uplink_jwk_types[] = {

    { ngx_string("RSA"), NGX_UPLINK_KEY_RSA, ngx_string("RS256"),
      ngx_uplink_jwk_key_rsa },

    { ngx_string("EC"), NGX_UPLINK_KEY_EC, ngx_null_string,
      ngx_uplink_jwk_key_ec },

    { ngx_string("OKP"), NGX_UPLINK_KEY_ED, ngx_null_string,
      ngx_uplink_jwk_key_ed },

    { ngx_string("oct"), NGX_UPLINK_KEY_HMAC, ngx_null_string,
      ngx_uplink_jwk_key_oct },

    { ngx_null_string, 0, ngx_null_string, NULL }
};


ngx_int_t
ngx_uplink_jwk(ngx_pool_t *pool, ngx_uplink_value_t *jwk,
    ngx_uplink_jwt_key_t *key, const char **error)
{
    ngx_str_t                     member[NGX_UPLINK_JWK_MEMBERS], *use;
    const ngx_uplink_jwk_type_t  *type;

    if (ngx_uplink_jwk_strings(pool, jwk, member, error) != NGX_OK) {
        return NGX_ERROR;
    }

    use = &member[NGX_UPLINK_JWK_USE];
    type = ngx_uplink_jwk_type(&member[NGX_UPLINK_JWK_KTY]);

    if (type == NULL
        || (use->data
            && (use->len != 3 || ngx_memcmp(use->data, "sig", 3) != 0)))
    {
        return NGX_DECLINED;
    }

    key->kid = member[NGX_UPLINK_JWK_KID];
    key->alg = ngx_uplink_jwk_alg(type, member);

    if (key->alg == NULL) {
        return NGX_DECLINED;
    }

    if (key->alg->kind != type->kind) {
        *error = "\"alg\" is not for its \"kty\"";
        return NGX_ERROR;
    }

    key->pkey = type->key(pool, member, key->alg);

    if (key->pkey == NULL) {
        ERR_clear_error();
        *error = "its numbers are no key of its algorithm";
        return NGX_ERROR;
    }

    *error = ngx_uplink_jwt_key_check(key);

    if (*error) {
        EVP_PKEY_free(key->pkey);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what is not there has neither data nor length */

static ngx_int_t
ngx_uplink_jwk_strings(ngx_pool_t *pool, ngx_uplink_value_t *jwk,
    ngx_str_t *member, const char **error)
{
    size_t               size;
    ngx_uint_t           i;
    ngx_uplink_value_t   value[NGX_UPLINK_JWK_MEMBERS];

    ngx_uplink_json_members(jwk, ngx_uplink_jwk_names, NGX_UPLINK_JWK_MEMBERS,
                            value);

    for (i = 0; i < NGX_UPLINK_JWK_MEMBERS; i++) {
        ngx_str_null(&member[i]);

        if (value[i].kind == NGX_UPLINK_JSON_NONE) {
            continue;
        }

        *error = "a member that must be a string is not";

        if (value[i].kind != NGX_UPLINK_JSON_STRING) {
            return NGX_ERROR;
        }

        size = value[i].end - value[i].start;

        member[i].data = ngx_pnalloc(pool, size);
        if (member[i].data == NULL) {
            *error = "no memory";
            return NGX_ERROR;
        }

        if (ngx_uplink_json_string(&value[i], member[i].data, size,
                                   &member[i].len)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    *error = "\"kid\" is too long";

    return (member[NGX_UPLINK_JWK_KID].len > NGX_UPLINK_KID_MAX) ? NGX_ERROR
                                                                 : NGX_OK;
}


static const ngx_uplink_jwk_type_t *
ngx_uplink_jwk_type(ngx_str_t *kty)
{
    const ngx_uplink_jwk_type_t  *type;

    for (type = ngx_uplink_jwk_types; type->kty.len; type++) {
        if (type->kty.len == kty->len
            && ngx_memcmp(type->kty.data, kty->data, kty->len) == 0)
        {
            return type;
        }
    }

    return NULL;
}


/*
 * A key has one algorithm even if its JWK does not say so: that of its
 * curve, or RS256, what everybody signs with who has an RSA key.  A secret
 * must say it.
 */

static const ngx_uplink_jwt_alg_t *
ngx_uplink_jwk_alg(const ngx_uplink_jwk_type_t *type, ngx_str_t *member)
{
    ngx_str_t  name;

    if (member[NGX_UPLINK_JWK_ALG].data) {
        return ngx_uplink_jwt_alg(&member[NGX_UPLINK_JWK_ALG]);
    }

    if (member[NGX_UPLINK_JWK_CRV].data) {
        return ngx_uplink_jwt_alg_curve(&member[NGX_UPLINK_JWK_CRV]);
    }

    name = type->alg;

    return ngx_uplink_jwt_alg(&name);
}


/* what cannot be decoded has no length, and no key is made of that */

static void
ngx_uplink_jwk_decode(ngx_pool_t *pool, ngx_str_t *member, ngx_str_t *number)
{
    ngx_str_null(number);

    number->data = ngx_pnalloc(pool, ngx_base64_decoded_length(member->len)
                                     + 1);

    if (number->data == NULL || ngx_uplink_base64url(number, member) != NGX_OK)
    {
        number->len = 0;
    }
}


static EVP_PKEY *
ngx_uplink_jwk_key_rsa(ngx_pool_t *pool, ngx_str_t *member,
    const ngx_uplink_jwt_alg_t *alg)
{
    ngx_str_t  n, e;

    ngx_uplink_jwk_decode(pool, &member[NGX_UPLINK_JWK_N], &n);
    ngx_uplink_jwk_decode(pool, &member[NGX_UPLINK_JWK_E], &e);

    return ngx_uplink_jwk_rsa(&n, &e);
}


static EVP_PKEY *
ngx_uplink_jwk_key_ec(ngx_pool_t *pool, ngx_str_t *member,
    const ngx_uplink_jwt_alg_t *alg)
{
    ngx_str_t  x, y;

    ngx_uplink_jwk_decode(pool, &member[NGX_UPLINK_JWK_X], &x);
    ngx_uplink_jwk_decode(pool, &member[NGX_UPLINK_JWK_Y], &y);

    return ngx_uplink_jwk_ec(alg, &x, &y);
}


static EVP_PKEY *
ngx_uplink_jwk_key_ed(ngx_pool_t *pool, ngx_str_t *member,
    const ngx_uplink_jwt_alg_t *alg)
{
    ngx_str_t  x;

    ngx_uplink_jwk_decode(pool, &member[NGX_UPLINK_JWK_X], &x);

    if (x.len != alg->size
        || ngx_uplink_jwt_alg_curve(&member[NGX_UPLINK_JWK_CRV]) != alg)
    {
        return NULL;
    }

    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, x.data, x.len);
}


static EVP_PKEY *
ngx_uplink_jwk_key_oct(ngx_pool_t *pool, ngx_str_t *member,
    const ngx_uplink_jwt_alg_t *alg)
{
    ngx_str_t  k;

    ngx_uplink_jwk_decode(pool, &member[NGX_UPLINK_JWK_K], &k);

    if (k.len < alg->size) {
        return NULL;
    }

    return EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, k.data, k.len);
}
