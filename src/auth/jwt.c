
/*
 * JSON Web Tokens in the compact form (RFC 7515, RFC 7519).
 */


#include "auth/jwt.h"


#define NGX_UPLINK_JWT_SIZE  8192
#define NGX_UPLINK_JWT_HEAD  4096


/* the parts as they are sent, and decoded */

typedef struct {
    ngx_str_t  header;
    ngx_str_t  claims;
    ngx_str_t  signature;
    ngx_str_t  input;               /* what is signed */
} ngx_uplink_jwt_t;


static ngx_int_t ngx_uplink_jwt_split(ngx_str_t *token,
    ngx_uplink_jwt_t *jwt);
static ngx_int_t ngx_uplink_jwt_decode(ngx_str_t *part, u_char **pos);
static ngx_int_t ngx_uplink_jwt_object(ngx_str_t *text,
    ngx_uplink_value_t *object);
static const char *ngx_uplink_jwt_header(ngx_uplink_value_t *header,
    ngx_str_t *alg, ngx_str_t *kid);
static ngx_uint_t ngx_uplink_jwt_signed_by_any(ngx_array_t *keys,
    ngx_uplink_jwt_t *jwt, ngx_str_t *alg, ngx_str_t *kid);


ngx_int_t
ngx_uplink_jwt_verify(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_str_t *token, ngx_uplink_who_t *who)
{
    u_char              *p, decoded[NGX_UPLINK_JWT_SIZE];
    ngx_str_t            alg, kid;
    const char          *error;
    ngx_uplink_jwt_t     jwt;
    ngx_uplink_value_t   header, claims;

    if (conf->jwt_keys == NULL
        || ngx_uplink_jwt_split(token, &jwt) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (token->len > NGX_UPLINK_JWT_SIZE
        || jwt.header.len > NGX_UPLINK_JWT_HEAD)
    {
        error = "too large JSON web token";
        goto invalid;
    }

    p = decoded;

    if (ngx_uplink_jwt_decode(&jwt.header, &p) != NGX_OK
        || ngx_uplink_jwt_object(&jwt.header, &header) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    error = ngx_uplink_jwt_header(&header, &alg, &kid);

    if (error) {
        goto invalid;
    }

    error = "JSON web token without a valid signature";

    if (ngx_uplink_jwt_decode(&jwt.signature, &p) != NGX_OK
        || !ngx_uplink_jwt_signed_by_any(conf->jwt_keys, &jwt, &alg, &kid))
    {
        goto invalid;
    }

    error = "JSON web token without valid claims";

    if (ngx_uplink_jwt_decode(&jwt.claims, &p) != NGX_OK
        || ngx_uplink_jwt_object(&jwt.claims, &claims) != NGX_OK)
    {
        goto invalid;
    }

    return ngx_uplink_jwt_claims(pool, conf, &claims, who);

invalid:

    ngx_log_error(NGX_LOG_INFO, pool->log, 0, "client sent %s", error);

    return NGX_HTTP_UNAUTHORIZED;
}


/* three parts, none of the first two empty */

static ngx_int_t
ngx_uplink_jwt_split(ngx_str_t *token, ngx_uplink_jwt_t *jwt)
{
    u_char  *first, *second, *last;

    last = token->data + token->len;
    first = ngx_strlchr(token->data, last, '.');

    if (first == NULL || first == token->data) {
        return NGX_DECLINED;
    }

    second = ngx_strlchr(first + 1, last, '.');

    if (second == NULL || second == first + 1
        || ngx_strlchr(second + 1, last, '.'))
    {
        return NGX_DECLINED;
    }

    jwt->header.data = token->data;
    jwt->header.len = first - token->data;

    jwt->claims.data = first + 1;
    jwt->claims.len = second - (first + 1);

    jwt->signature.data = second + 1;
    jwt->signature.len = last - (second + 1);

    jwt->input.data = token->data;
    jwt->input.len = second - token->data;

    return NGX_OK;
}


/* at pos is room for it: all parts together are shorter than the token */

static ngx_int_t
ngx_uplink_jwt_decode(ngx_str_t *part, u_char **pos)
{
    ngx_str_t  dst;

    dst.data = *pos;

    if (ngx_uplink_base64url(&dst, part) != NGX_OK) {
        return NGX_ERROR;
    }

    *pos += dst.len;
    *part = dst;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_jwt_object(ngx_str_t *text, ngx_uplink_value_t *object)
{
    ngx_uplink_json_error_t  err;

    if (ngx_uplink_json_check(text->data, text->len, object, &err) != NGX_OK
        || object->kind != NGX_UPLINK_JSON_OBJECT)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* NULL, or what is wrong; the strings are decoded in their place */

static const char *
ngx_uplink_jwt_header(ngx_uplink_value_t *header, ngx_str_t *alg,
    ngx_str_t *kid)
{
    ngx_uplink_value_t  value;

    /* "crit" names what must be understood: there is nothing we do */

    if (ngx_uplink_json_get(header, "crit", &value) != NGX_UPLINK_JSON_NONE) {
        return "JSON web token with critical extensions";
    }

    if (ngx_uplink_json_get(header, "alg", &value) != NGX_UPLINK_JSON_STRING) {
        return "JSON web token without \"alg\"";
    }

    alg->data = value.start;

    if (ngx_uplink_json_string(&value, alg->data, value.end - value.start,
                               &alg->len)
        != NGX_OK)
    {
        return "JSON web token with invalid \"alg\"";
    }

    ngx_str_null(kid);

    if (ngx_uplink_json_get(header, "kid", &value) == NGX_UPLINK_JSON_NONE) {
        return NULL;
    }

    kid->data = value.start;

    if (value.kind != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(&value, kid->data, NGX_UPLINK_KID_MAX,
                                  &kid->len)
           != NGX_OK)
    {
        return "JSON web token with invalid \"kid\"";
    }

    return NULL;
}


static ngx_uint_t
ngx_uplink_jwt_signed_by_any(ngx_array_t *keys, ngx_uplink_jwt_t *jwt,
    ngx_str_t *alg, ngx_str_t *kid)
{
    ngx_uint_t             i;
    ngx_uplink_jwt_key_t  *key;

    key = keys->elts;

    for (i = 0; i < keys->nelts; i++) {

        if (key[i].alg->name.len != alg->len
            || ngx_memcmp(key[i].alg->name.data, alg->data, alg->len) != 0)
        {
            continue;
        }

        if (key[i].kid.len && kid->data
            && (key[i].kid.len != kid->len
                || ngx_memcmp(key[i].kid.data, kid->data, kid->len) != 0))
        {
            continue;
        }

        if (ngx_uplink_jwt_signed(&key[i], &jwt->input, &jwt->signature)) {
            return 1;
        }
    }

    return 0;
}
