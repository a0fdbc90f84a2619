
/*
 * Keys from the configuration: one of a file, or a JWK set.
 */


#include "auth/jwt.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>


#define NGX_UPLINK_KEY_FILE_SIZE  (64 * 1024)
#define NGX_UPLINK_JWKS_SIZE      (256 * 1024)

/*
 * A token without a "kid" may be tried with each of them, hence a limit to
 * what one token can cost.
 */

#define NGX_UPLINK_KEYS_MAX       32


static ngx_uplink_jwt_key_t *ngx_uplink_jwt_key_push(ngx_conf_t *cf,
    ngx_array_t **keys);
static void ngx_uplink_jwt_key_free(void *data);
static const char *ngx_uplink_jwt_key_read(ngx_uplink_jwt_key_t *key,
    ngx_str_t *text);
static EVP_PKEY *ngx_uplink_jwt_secret(ngx_str_t *text);
static EVP_PKEY *ngx_uplink_jwt_public(ngx_str_t *text);
static ngx_int_t ngx_uplink_jwks_keys(ngx_conf_t *cf, ngx_str_t *name,
    ngx_uplink_value_t *set, ngx_array_t **list);


/* uplink_auth_jwt_key ALG file=PATH [kid=ID] */

char *
ngx_uplink_auth_jwt_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t             *value, name, text;
    ngx_uint_t             i;
    const char            *error;
    ngx_uplink_jwt_key_t  *key;

    key = ngx_uplink_jwt_key_push(cf, (ngx_array_t **) (p + cmd->offset));
    if (key == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    key->alg = ngx_uplink_jwt_alg(&value[1]);

    if (key->alg == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "unsupported algorithm \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    ngx_str_null(&name);

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "file=", 5) == 0
            && name.data == NULL)
        {
            name.data = value[i].data + 5;
            name.len = value[i].len - 5;
            continue;
        }

        if (ngx_strncmp(value[i].data, "kid=", 4) == 0
            && key->kid.data == NULL
            && value[i].len > 4
            && value[i].len <= 4 + NGX_UPLINK_KID_MAX)
        {
            key->kid.data = value[i].data + 4;
            key->kid.len = value[i].len - 4;
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\"", &value[i]);
        return NGX_CONF_ERROR;
    }

    if (name.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" must have \"file\" parameter",
                           &cmd->name);
        return NGX_CONF_ERROR;
    }

    if (ngx_uplink_auth_file(cf, &name, NGX_UPLINK_KEY_FILE_SIZE, &text)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    error = ngx_uplink_jwt_key_read(key, &text);

    ngx_explicit_memzero(text.data, text.len);

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s in \"%V\" for \"%V\"",
                           error, &name, &key->alg->name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* uplink_auth_jwks FILE */

char *
ngx_uplink_auth_jwks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    u_char                    error[NGX_UPLINK_JSON_ERROR];
    size_t                    len;
    ngx_int_t                 rc;
    ngx_str_t                *value, name, text;
    ngx_uplink_value_t        json, set;
    ngx_uplink_json_error_t   err;

    value = cf->args->elts;
    name = value[1];

    if (ngx_uplink_auth_file(cf, &name, NGX_UPLINK_JWKS_SIZE, &text)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_uplink_json_check(text.data, text.len, &json, &err) != NGX_OK) {
        len = ngx_uplink_json_explain(text.data, &err, error, sizeof(error));

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%*s in \"%V\"",
                           len, error, &name);
        return NGX_CONF_ERROR;
    }

    if (json.kind != NGX_UPLINK_JSON_OBJECT
        || ngx_uplink_json_get(&json, "keys", &set) != NGX_UPLINK_JSON_ARRAY)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "no \"keys\" in \"%V\"",
                           &name);
        return NGX_CONF_ERROR;
    }

    rc = ngx_uplink_jwks_keys(cf, &name, &set,
                              (ngx_array_t **) (p + cmd->offset));

    ngx_explicit_memzero(text.data, text.len);

    return (rc == NGX_OK) ? NGX_CONF_OK : NGX_CONF_ERROR;
}


/*
 * A set may have keys for other purposes, which are left out, as RFC 7517
 * says; but a set of nothing else is certainly a mistake.
 */

static ngx_int_t
ngx_uplink_jwks_keys(ngx_conf_t *cf, ngx_str_t *name,
    ngx_uplink_value_t *set, ngx_array_t **list)
{
    u_char                *pos;
    ngx_int_t              rc;
    ngx_uint_t             n, used;
    const char            *error;
    ngx_uplink_value_t     jwk;
    ngx_uplink_jwt_key_t   key, *new;

    pos = NULL;
    used = 0;

    for (n = 1; ngx_uplink_json_next(set, &pos, NULL, &jwk) == NGX_OK; n++) {

        ngx_memzero(&key, sizeof(ngx_uplink_jwt_key_t));

        error = "not an object";
        rc = NGX_ERROR;

        if (jwk.kind == NGX_UPLINK_JSON_OBJECT) {
            rc = ngx_uplink_jwk(cf->pool, &jwk, &key, &error);
        }

        if (rc == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid key %ui in \"%V\": %s",
                               n, name, error);
            return NGX_ERROR;
        }

        if (rc == NGX_DECLINED) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "key %ui in \"%V\" is not used, as it is for "
                               "no supported signature", n, name);
            continue;
        }

        new = ngx_uplink_jwt_key_push(cf, list);
        if (new == NULL) {
            EVP_PKEY_free(key.pkey);
            return NGX_ERROR;
        }

        *new = key;
        used++;
    }

    if (used == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "no usable key in \"%V\"",
                           name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_uplink_jwt_key_t *
ngx_uplink_jwt_key_push(ngx_conf_t *cf, ngx_array_t **keys)
{
    ngx_pool_cleanup_t    *cln;
    ngx_uplink_jwt_key_t  *key;

    if (*keys == NGX_CONF_UNSET_PTR) {

        /* made for all of them: the cleanups point into it */

        *keys = ngx_array_create(cf->pool, NGX_UPLINK_KEYS_MAX,
                                 sizeof(ngx_uplink_jwt_key_t));
        if (*keys == NULL) {
            return NULL;
        }
    }

    if ((*keys)->nelts == NGX_UPLINK_KEYS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "more than %d keys",
                           NGX_UPLINK_KEYS_MAX);
        return NULL;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NULL;
    }

    key = ngx_array_push(*keys);

    ngx_memzero(key, sizeof(ngx_uplink_jwt_key_t));

    cln->handler = ngx_uplink_jwt_key_free;
    cln->data = key;

    return key;
}


static void
ngx_uplink_jwt_key_free(void *data)
{
    ngx_uplink_jwt_key_t  *key = data;

    EVP_PKEY_free(key->pkey);
}


/* NULL, or what is wrong */

static const char *
ngx_uplink_jwt_key_read(ngx_uplink_jwt_key_t *key, ngx_str_t *text)
{
    ngx_uint_t  pem;

    pem = (ngx_strnstr(text->data, "-----BEGIN ", text->len) != NULL);

    if (key->alg->kind == NGX_UPLINK_KEY_HMAC) {

        /* everybody may know a public key, and could sign with it then */

        if (pem) {
            return "a PEM key instead of a secret";
        }

        key->pkey = ngx_uplink_jwt_secret(text);

        if (text->len < key->alg->size) {
            return "a secret shorter than the digest (RFC 7518, 3.2)";
        }

        return key->pkey ? NULL : "no secret";
    }

    key->pkey = pem ? ngx_uplink_jwt_public(text) : NULL;

    if (key->pkey == NULL) {
        ERR_clear_error();
        return "no public key or certificate in PEM";
    }

    return ngx_uplink_jwt_key_check(key);
}


/*
 * A secret that is text may have been written with an editor, which ends
 * the line; one of random bytes may end with any byte.
 */

static EVP_PKEY *
ngx_uplink_jwt_secret(ngx_str_t *text)
{
    u_char  *p, *last;

    last = text->data + text->len;

    if (last > text->data && last[-1] == LF) {
        last--;
    }

    if (last > text->data && last < text->data + text->len
        && last[-1] == CR)
    {
        last--;
    }

    for (p = text->data; p < last; p++) {
        if (*p < ' ' || *p >= 0x7f) {
            break;
        }
    }

    if (p == last) {
        text->len = last - text->data;
    }

    return EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, text->data,
                                        text->len);
}


static EVP_PKEY *
ngx_uplink_jwt_public(ngx_str_t *text)
{
    BIO       *bio;
    X509      *cert;
    EVP_PKEY  *pkey;

    bio = BIO_new_mem_buf(text->data, (int) text->len);
    if (bio == NULL) {
        return NULL;
    }

    /* the last argument is a password: without it OpenSSL asks a terminal */

    pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, (void *) "");

    if (pkey == NULL && BIO_reset(bio) == 1) {
        cert = PEM_read_bio_X509(bio, NULL, NULL, (void *) "");

        if (cert) {
            pkey = X509_get_pubkey(cert);
            X509_free(cert);
        }

        ERR_clear_error();
    }

    BIO_free(bio);

    return pkey;
}
