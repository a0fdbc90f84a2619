
/*
 * Random names and digests, from OpenSSL.
 */


#include "door/door.h"

#include <openssl/evp.h>
#include <openssl/rand.h>


#define NGX_UPLINK_RANDOM_MAX  64


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


ngx_int_t
ngx_uplink_digest(ngx_log_t *log, const void *data, size_t len,
    u_char *digest)
{
    if (EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) != 1) {
        ngx_log_error(NGX_LOG_CRIT, log, 0, "EVP_Digest() failed");
        return NGX_ERROR;
    }

    return NGX_OK;
}
