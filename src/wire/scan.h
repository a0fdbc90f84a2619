
/*
 * What stands between the tokens.  Private to src/wire.
 */


#ifndef _NGX_UPLINK_SCAN_H_INCLUDED_
#define _NGX_UPLINK_SCAN_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "wire/wire.h"


static ngx_inline u_char *
ngx_uplink_scan_space(u_char *p, u_char *last)
{
    while (p < last
           && *p <= ' '
           && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
    {
        p++;
    }

    return p;
}


/* by the first byte of a valid value */

static ngx_inline ngx_uplink_json_e
ngx_uplink_scan_kind(u_char ch)
{
    switch (ch) {

    case '"':
        return NGX_UPLINK_JSON_STRING;

    case '{':
        return NGX_UPLINK_JSON_OBJECT;

    case '[':
        return NGX_UPLINK_JSON_ARRAY;

    case 'n':
        return NGX_UPLINK_JSON_NULL;

    case 'f':
        return NGX_UPLINK_JSON_FALSE;

    case 't':
        return NGX_UPLINK_JSON_TRUE;

    default:
        return NGX_UPLINK_JSON_NUMBER;
    }
}


#endif /* _NGX_UPLINK_SCAN_H_INCLUDED_ */
