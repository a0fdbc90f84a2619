
/*
 * Signatures: the algorithms, through OpenSSL's EVP.
 */


#include "auth/jwt.h"

#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>


/* RFC 7518, 3.3 */

#define NGX_UPLINK_RSA_BITS   2048

/* SEQUENCE, algorithm, BIT STRING, uncompressed: RFC 5480 */

#define NGX_UPLINK_SPKI_P256                                                 \
    "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86"   \
    "\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04"

#define NGX_UPLINK_SPKI_P384                                                 \
    "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81"   \
    "\x04\x00\x22\x03\x62\x00\x04"

/* of these, before and behind the algorithm */

#define NGX_UPLINK_SPKI_HEAD  2
#define NGX_UPLINK_SPKI_TAIL  4


static const char *ngx_uplink_jwt_check_ec(ngx_uplink_jwt_key_t *key);
static ngx_uint_t ngx_uplink_jwt_hmac(ngx_uplink_jwt_key_t *key,
    ngx_str_t *data, ngx_str_t *signature);
static ngx_uint_t ngx_uplink_jwt_verify_digest(ngx_uplink_jwt_key_t *key,
    ngx_str_t *data, ngx_str_t *signature);
static ngx_uint_t ngx_uplink_jwt_ecdsa(ngx_uplink_jwt_key_t *key,
    ngx_str_t *data, ngx_str_t *signature);


static const ngx_uplink_jwt_alg_t  ngx_uplink_jwt_algs[] = {

    { ngx_string("HS256"), NGX_UPLINK_KEY_HMAC, EVP_sha256, 32, 0,
      ngx_null_string, ngx_null_string },

    { ngx_string("HS384"), NGX_UPLINK_KEY_HMAC, EVP_sha384, 48, 0,
      ngx_null_string, ngx_null_string },

    { ngx_string("HS512"), NGX_UPLINK_KEY_HMAC, EVP_sha512, 64, 0,
      ngx_null_string, ngx_null_string },

    { ngx_string("RS256"), NGX_UPLINK_KEY_RSA, EVP_sha256, 0, 0,
      ngx_null_string, ngx_null_string },

    { ngx_string("RS384"), NGX_UPLINK_KEY_RSA, EVP_sha384, 0, 0,
      ngx_null_string, ngx_null_string },

    { ngx_string("RS512"), NGX_UPLINK_KEY_RSA, EVP_sha512, 0, 0,
      ngx_null_string, ngx_null_string },

    { ngx_string("PS256"), NGX_UPLINK_KEY_RSA, EVP_sha256, 0, 1,
      ngx_null_string, ngx_null_string },

    { ngx_string("ES256"), NGX_UPLINK_KEY_EC, EVP_sha256, 32, 0,
      ngx_string("P-256"), ngx_string(NGX_UPLINK_SPKI_P256) },

    { ngx_string("ES384"), NGX_UPLINK_KEY_EC, EVP_sha384, 48, 0,
      ngx_string("P-384"), ngx_string(NGX_UPLINK_SPKI_P384) },

    { ngx_string("EdDSA"), NGX_UPLINK_KEY_ED, NULL, 32, 0,
      ngx_string("Ed25519"), ngx_null_string },

    { ngx_null_string, 0, NULL, 0, 0, ngx_null_string, ngx_null_string }
};


const ngx_uplink_jwt_alg_t *
ngx_uplink_jwt_alg(ngx_str_t *name)
{
    const ngx_uplink_jwt_alg_t  *alg;

    for (alg = ngx_uplink_jwt_algs; alg->name.len; alg++) {
        if (alg->name.len == name->len
            && ngx_memcmp(alg->name.data, name->data, name->len) == 0)
        {
            return alg;
        }
    }

    return NULL;
}


const ngx_uplink_jwt_alg_t *
ngx_uplink_jwt_alg_curve(ngx_str_t *curve)
{
    const ngx_uplink_jwt_alg_t  *alg;

    for (alg = ngx_uplink_jwt_algs; alg->name.len; alg++) {
        if (alg->curve.len
            && alg->curve.len == curve->len
            && ngx_memcmp(alg->curve.data, curve->data, curve->len) == 0)
        {
            return alg;
        }
    }

    return NULL;
}


const char *
ngx_uplink_jwt_key_check(ngx_uplink_jwt_key_t *key)
{
    int  id;

    id = EVP_PKEY_base_id(key->pkey);

    switch (key->alg->kind) {

    case NGX_UPLINK_KEY_HMAC:
        return NULL;

    case NGX_UPLINK_KEY_RSA:
        if (id != EVP_PKEY_RSA
            && !(id == EVP_PKEY_RSA_PSS && key->alg->pss))
        {
            return "not an RSA key";
        }

        return (EVP_PKEY_bits(key->pkey) < NGX_UPLINK_RSA_BITS)
               ? "RSA key of less than 2048 bits" : NULL;

    case NGX_UPLINK_KEY_EC:
        return (id == EVP_PKEY_EC) ? ngx_uplink_jwt_check_ec(key)
                                   : "not an EC key";

    default: /* NGX_UPLINK_KEY_ED */
        return (id == EVP_PKEY_ED25519) ? NULL : "not an Ed25519 key";
    }
}


/* the curve, asked in a way that all versions of OpenSSL answer */

static const char *
ngx_uplink_jwt_check_ec(ngx_uplink_jwt_key_t *key)
{
    int           len;
    u_char       *der;
    ngx_str_t     spki;
    const char   *error;

    der = NULL;
    len = i2d_PUBKEY(key->pkey, &der);

    if (len < 0) {
        return "not an EC key";
    }

    spki.data = key->alg->spki.data + NGX_UPLINK_SPKI_HEAD;
    spki.len = key->alg->spki.len - NGX_UPLINK_SPKI_HEAD
               - NGX_UPLINK_SPKI_TAIL;

    error = NULL;

    if ((size_t) len < NGX_UPLINK_SPKI_HEAD + spki.len
        || ngx_memcmp(der + NGX_UPLINK_SPKI_HEAD, spki.data, spki.len) != 0)
    {
        error = "not a key of the algorithm's curve";
    }

    OPENSSL_free(der);

    return error;
}


ngx_uint_t
ngx_uplink_jwt_signed(ngx_uplink_jwt_key_t *key, ngx_str_t *data,
    ngx_str_t *signature)
{
    ngx_uint_t  rc;

    switch (key->alg->kind) {

    case NGX_UPLINK_KEY_HMAC:
        rc = ngx_uplink_jwt_hmac(key, data, signature);
        break;

    case NGX_UPLINK_KEY_EC:
        rc = ngx_uplink_jwt_ecdsa(key, data, signature);
        break;

    default:
        rc = ngx_uplink_jwt_verify_digest(key, data, signature);
        break;
    }

    if (!rc) {

        /* otherwise core finds it at the next TLS operation, and alerts */

        ERR_clear_error();
    }

    return rc;
}


static ngx_uint_t
ngx_uplink_jwt_hmac(ngx_uplink_jwt_key_t *key, ngx_str_t *data,
    ngx_str_t *signature)
{
    u_char       mac[EVP_MAX_MD_SIZE];
    size_t       len;
    ngx_uint_t   rc;
    EVP_MD_CTX  *ctx;

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return 0;
    }

    len = sizeof(mac);

    rc = EVP_DigestSignInit(ctx, NULL, key->alg->md(), NULL, key->pkey) == 1
         && EVP_DigestSign(ctx, mac, &len, data->data, data->len) == 1
         && signature->len == len
         && ngx_uplink_equal(mac, signature->data, len);

    EVP_MD_CTX_free(ctx);

    return rc;
}


static ngx_uint_t
ngx_uplink_jwt_verify_digest(ngx_uplink_jwt_key_t *key, ngx_str_t *data,
    ngx_str_t *signature)
{
    ngx_uint_t     rc;
    EVP_MD_CTX    *ctx;
    EVP_PKEY_CTX  *pctx;

    ctx = EVP_MD_CTX_new();
    if (ctx == NULL) {
        return 0;
    }

    rc = EVP_DigestVerifyInit(ctx, &pctx, key->alg->md ? key->alg->md() : NULL,
                              NULL, key->pkey)
         == 1;

    if (rc && key->alg->pss) {
        rc = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
             && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST)
                == 1;
    }

    rc = rc && EVP_DigestVerify(ctx, signature->data, signature->len,
                                data->data, data->len)
               == 1;

    EVP_MD_CTX_free(ctx);

    return rc;
}


/* a token has r and s as they are, OpenSSL wants them in DER */

static ngx_uint_t
ngx_uplink_jwt_ecdsa(ngx_uplink_jwt_key_t *key, ngx_str_t *data,
    ngx_str_t *signature)
{
    int          len;
    size_t       size;
    BIGNUM      *r, *s;
    ngx_str_t    der;
    ECDSA_SIG   *sig;
    ngx_uint_t   rc;

    size = key->alg->size;

    if (signature->len != 2 * size) {
        return 0;
    }

    sig = ECDSA_SIG_new();
    if (sig == NULL) {
        return 0;
    }

    r = BN_bin2bn(signature->data, (int) size, NULL);
    s = BN_bin2bn(signature->data + size, (int) size, NULL);

    if (r == NULL || s == NULL || ECDSA_SIG_set0(sig, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(sig);
        return 0;
    }

    der.data = NULL;
    len = i2d_ECDSA_SIG(sig, &der.data);

    ECDSA_SIG_free(sig);

    if (len < 0) {
        return 0;
    }

    der.len = len;
    rc = ngx_uplink_jwt_verify_digest(key, data, &der);

    OPENSSL_free(der.data);

    return rc;
}


ngx_int_t
ngx_uplink_base64url(ngx_str_t *dst, ngx_str_t *src)
{
    /* core's decoder takes the first "=" for the end */

    if (ngx_strlchr(src->data, src->data + src->len, '=')) {
        return NGX_ERROR;
    }

    return ngx_decode_base64url(dst, src);
}
