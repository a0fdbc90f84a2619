
/*
 * Random names and digests, from OpenSSL.
 */


#include "door/door.h"

#include <openssl/evp.h>
#include <openssl/rand.h>


#define NGX_UPLINK_RANDOM_MAX  64


static const EVP_MD *ngx_uplink_sha256(void);


static EVP_MD_CTX  *ngx_uplink_digest_ctx;

#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)
static EVP_MD      *ngx_uplink_digest_md;
#endif


ngx_int_t
ngx_uplink_random(ngx_log_t *log, u_char *dst, size_t n)
{
    if (RAND_bytes(dst, (int) n) != 1) {
        ngx_log_error(NGX_LOG_CRIT, log, 0, "RAND_bytes() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_uplink_random_hex(ngx_log_t *log, u_char *dst, size_t n)
{
    u_char  bytes[NGX_UPLINK_RANDOM_MAX];

    n = ngx_min(n, NGX_UPLINK_RANDOM_MAX);

    if (ngx_uplink_random(log, bytes, n) != NGX_OK) {
        return NGX_ERROR;
    }

    (void) ngx_hex_dump(dst, bytes, n);

    ngx_explicit_memzero(bytes, n);

    return NGX_OK;
}


/* to look it up costs OpenSSL 3 more than to hash a short text */

static const EVP_MD *
ngx_uplink_sha256(void)
{
#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)
    if (ngx_uplink_digest_md == NULL) {
        ngx_uplink_digest_md = EVP_MD_fetch(NULL, "SHA256", NULL);
    }

    return ngx_uplink_digest_md;
#else
    return EVP_sha256();
#endif
}


ngx_int_t
ngx_uplink_digest(ngx_log_t *log, const void *data, size_t len,
    u_char *digest)
{
    EVP_MD_CTX    *ctx;
    const EVP_MD  *md;

    if (ngx_uplink_digest_ctx == NULL) {
        ngx_uplink_digest_ctx = EVP_MD_CTX_new();
    }

    ctx = ngx_uplink_digest_ctx;
    md = ngx_uplink_sha256();

    if (ctx == NULL || md == NULL
        || EVP_DigestInit_ex(ctx, md, NULL) != 1
        || EVP_DigestUpdate(ctx, data, len) != 1
        || EVP_DigestFinal_ex(ctx, digest, NULL) != 1)
    {
        ngx_log_error(NGX_LOG_CRIT, log, 0, "SHA-256 failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_uplink_digest_release(void)
{
    EVP_MD_CTX_free(ngx_uplink_digest_ctx);
    ngx_uplink_digest_ctx = NULL;

#if (OPENSSL_VERSION_NUMBER >= 0x30000000L)
    EVP_MD_free(ngx_uplink_digest_md);
    ngx_uplink_digest_md = NULL;
#endif
}
