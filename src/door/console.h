
/*
 * The web page of a fleet: its files, and what it is told about the fleet.
 */


#ifndef _NGX_UPLINK_CONSOLE_H_INCLUDED_
#define _NGX_UPLINK_CONSOLE_H_INCLUDED_


#include "ngx_uplink.h"


/* one form of a file; its ETag is a strong one */

typedef struct {
    const u_char          *start;
    const u_char          *end;
    ngx_str_t              etag;
} ngx_uplink_page_form_t;


/* gzip: the same, compressed; without a start: there is none */

struct ngx_uplink_page_s {
    ngx_str_t              name;         /* behind the prefix */
    ngx_str_t              type;
    ngx_uplink_page_form_t  plain;
    ngx_uplink_page_form_t  gzip;
};


/* what uplink_console is told: by their parameter's name */

enum {
    NGX_UPLINK_CONSOLE_API = 0,
    NGX_UPLINK_CONSOLE_TERMINAL,
    NGX_UPLINK_CONSOLE_STATUS,
    NGX_UPLINK_CONSOLE_PATHS
};


/* src/door/console_bundle.c: the files; the last one has no name */

extern const ngx_uplink_page_t  ngx_uplink_bundle[];


/* config.json of this fleet; NULL: no memory */

ngx_uplink_page_t *ngx_uplink_console_create(ngx_conf_t *cf,
    ngx_str_t *fleet, ngx_str_t *paths);


#endif /* _NGX_UPLINK_CONSOLE_H_INCLUDED_ */
