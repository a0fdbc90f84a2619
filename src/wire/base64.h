
/*
 * Base64 (RFC 4648, section 4) as strict as "data_b64" has to be: the
 * alphabet, whole groups of four, padding only where it belongs.  What the
 * last character says beyond the last byte is not looked at.
 */


#ifndef _NGX_UPLINK_BASE64_H_INCLUDED_
#define _NGX_UPLINK_BASE64_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "wire/wire.h"


#define NGX_UPLINK_BASE64_ENCODED(len)  (((len) + 2) / 3 * 4)
#define NGX_UPLINK_BASE64_DECODED(len)  ((len) / 4 * 3)


/* the first byte that is not of the alphabet */

u_char *ngx_uplink_base64_run(u_char *p, u_char *last);

/* NGX_OK and the length it decodes to, or NGX_ERROR */

ngx_int_t ngx_uplink_base64_check(const u_char *src, size_t len,
    size_t *decoded);

/*
 * dst has room for NGX_UPLINK_BASE64_DECODED(len) bytes and may be src: the
 * text is overwritten as it is read.  On NGX_ERROR dst holds rubbish.
 */

ngx_int_t ngx_uplink_base64_decode(u_char *dst, const u_char *src, size_t len,
    size_t *decoded);

/* writes NGX_UPLINK_BASE64_ENCODED(len) bytes; returns what is behind them */

u_char *ngx_uplink_base64_encode(u_char *dst, const u_char *src, size_t len);

/*
 * The same for a member of a message, which may be written with escapes
 * ("\/" is common): any other kind than string is NGX_ERROR.  To decode, dst
 * has room for the value's raw length (end - start).
 */

ngx_int_t ngx_uplink_base64_check_value(ngx_uplink_value_t *value,
    size_t *decoded);
ngx_int_t ngx_uplink_base64_decode_value(u_char *dst,
    ngx_uplink_value_t *value, size_t *decoded);


#endif /* _NGX_UPLINK_BASE64_H_INCLUDED_ */
