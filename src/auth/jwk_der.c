
/*
 * Public keys of their numbers.  OpenSSL has no way of building one that is
 * in 1.1.1 and not deprecated in 3.0, but all versions read DER (RFC 5280,
 * SubjectPublicKeyInfo).
 */


#include "auth/jwt.h"

#include <openssl/err.h>
#include <openssl/x509.h>


#define NGX_UPLINK_DER_INTEGER     0x02
#define NGX_UPLINK_DER_BIT_STRING  0x03
#define NGX_UPLINK_DER_SEQUENCE    0x30

/* modulus of 16384 bits, exponent of 64, and what is around them */

#define NGX_UPLINK_RSA_MODULUS     2048
#define NGX_UPLINK_RSA_EXPONENT    8
#define NGX_UPLINK_DER_SIZE        (NGX_UPLINK_RSA_MODULUS + 128)


static u_char *ngx_uplink_der_number(u_char *p, ngx_str_t *number);
static u_char *ngx_uplink_der_header(u_char *p, size_t len, u_char tag);
static EVP_PKEY *ngx_uplink_der_key(u_char *p, size_t len);


/* SEQUENCE { OID rsaEncryption, NULL } */

static const u_char  ngx_uplink_der_rsa[] =
    "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";


/* written from the end, as each part begins with its length */

EVP_PKEY *
ngx_uplink_jwk_rsa(ngx_str_t *n, ngx_str_t *e)
{
    u_char  *p, *end, der[NGX_UPLINK_DER_SIZE];

    if (n->len == 0 || n->len > NGX_UPLINK_RSA_MODULUS
        || e->len == 0 || e->len > NGX_UPLINK_RSA_EXPONENT)
    {
        return NULL;
    }

    end = der + sizeof(der);

    p = ngx_uplink_der_number(end, e);
    p = ngx_uplink_der_number(p, n);
    p = ngx_uplink_der_header(p, end - p, NGX_UPLINK_DER_SEQUENCE);

    *--p = 0;
    p = ngx_uplink_der_header(p, end - p, NGX_UPLINK_DER_BIT_STRING);

    p -= sizeof(ngx_uplink_der_rsa) - 1;
    ngx_memcpy(p, ngx_uplink_der_rsa, sizeof(ngx_uplink_der_rsa) - 1);
    p = ngx_uplink_der_header(p, end - p, NGX_UPLINK_DER_SEQUENCE);

    return ngx_uplink_der_key(p, end - p);
}


EVP_PKEY *
ngx_uplink_jwk_ec(const ngx_uplink_jwt_alg_t *alg, ngx_str_t *x, ngx_str_t *y)
{
    u_char  *p, der[NGX_UPLINK_DER_SIZE];

    if (x->len != alg->size || y->len != alg->size) {
        return NULL;
    }

    p = ngx_cpymem(der, alg->spki.data, alg->spki.len);
    p = ngx_cpymem(p, x->data, x->len);
    p = ngx_cpymem(p, y->data, y->len);

    return ngx_uplink_der_key(der, p - der);
}


/* the bytes before p become a positive INTEGER; returns where it begins */

static u_char *
ngx_uplink_der_number(u_char *p, ngx_str_t *number)
{
    u_char  *end;

    end = p;

    p -= number->len;
    ngx_memcpy(p, number->data, number->len);

    while (p < end - 1 && *p == 0) {
        p++;
    }

    if (*p & 0x80) {
        *--p = 0;
    }

    return ngx_uplink_der_header(p, end - p, NGX_UPLINK_DER_INTEGER);
}


static u_char *
ngx_uplink_der_header(u_char *p, size_t len, u_char tag)
{
    *--p = (u_char) len;

    if (len > 0xff) {
        *--p = (u_char) (len >> 8);
        *--p = 0x82;

    } else if (len > 0x7f) {
        *--p = 0x81;
    }

    *--p = tag;

    return p;
}


static EVP_PKEY *
ngx_uplink_der_key(u_char *p, size_t len)
{
    EVP_PKEY      *pkey;
    const u_char  *der;

    der = p;
    pkey = d2i_PUBKEY(NULL, &der, (long) len);

    if (pkey == NULL) {
        ERR_clear_error();
    }

    return pkey;
}
