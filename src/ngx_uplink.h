
/*
 * The configuration: what ngx_uplink_module.c fills in and the doors read.
 */


#ifndef _NGX_UPLINK_H_INCLUDED_
#define _NGX_UPLINK_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "auth/auth.h"
#include "ws/conn.h"


#define NGX_UPLINK_VERSION  "1.0.0"


typedef struct ngx_uplink_fleet_s  ngx_uplink_fleet_t;
typedef struct ngx_uplink_page_s  ngx_uplink_page_t;


typedef struct {
    ngx_array_t              fleets;      /* of ngx_uplink_fleet_t * */
    ngx_array_t              audits;      /* of ngx_uplink_audit_conf_t */
    ngx_array_t             *tokens;      /* every file; NULL: none */
} ngx_uplink_main_conf_t;


typedef struct {

    /* the door of this location, not inherited */

    ngx_uplink_fleet_t      *fleet;
    const char              *door;        /* the directive's name or NULL */
    ngx_uint_t               view;        /* uplink_status format= ... */
    ngx_int_t                min_sleds;   /* and min_sleds= */
    ngx_uint_t               by_sled;     /* and labels=sled */
    ngx_uplink_page_t       *console;     /* config.json of it */
    ngx_http_complex_value_t  *terminal_issue;
    ngx_http_complex_value_t  *terminal_workspace;
    ngx_http_complex_value_t  *terminal_sled;
    off_t                    max_body;    /* client_max_body_size, 0: any */

    /* the rest is inherited */

    ngx_uplink_auth_conf_t   auth;
    ngx_uplink_conn_conf_t   conn;

    ngx_uint_t               registration;      /* required or optional */
    ngx_msec_t               handshake_timeout;
    ngx_array_t             *allowed_agents;    /* of ngx_str_t, or NULL */
    ngx_uint_t               max_connections;   /* of one agent */
    ngx_msec_t               resume_window;
    ngx_msec_t               drain_timeout;

    ngx_msec_t               permission_timeout;
    ngx_msec_t               permission_max;
    ngx_uint_t               no_operator;       /* wait or deny */
    ngx_uint_t               max_inflight;      /* of one sled */
    ngx_uint_t               max_tasks;         /* of one sled */
    ngx_msec_t               request_timeout;   /* of a question */
    ngx_msec_t               request_memory;

    ngx_msec_t               session_ttl;
    ngx_uint_t               max_sessions;      /* of one fleet */

    ngx_http_complex_value_t  *resolve;         /* URI, or NULL */
    ngx_msec_t               open_timeout;      /* of a terminal */
    ngx_msec_t               idle_timeout;
    ngx_msec_t               terminal_linger;
    ngx_uint_t               max_terminals;     /* of one sled */
    ngx_uint_t               max_terminals_per_user;
} ngx_uplink_loc_conf_t;


#define NGX_UPLINK_REGISTRATION_OPTIONAL  0
#define NGX_UPLINK_REGISTRATION_REQUIRED  1

#define NGX_UPLINK_STATUS_JSON            1
#define NGX_UPLINK_STATUS_PROMETHEUS      2
#define NGX_UPLINK_STATUS_READY           3
#define NGX_UPLINK_STATUS_LIVE            4

#define NGX_UPLINK_NO_OPERATOR_WAIT       0
#define NGX_UPLINK_NO_OPERATOR_DENY       1


extern ngx_module_t  ngx_uplink_module;


/* src/door/conf.c: the directives of the doors */

char *ngx_uplink_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_prefix_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_status_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_console_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_terminal_door(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_uplink_resolve(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_allowed_agents(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* the doors: content handlers, one file each in src/door */

ngx_int_t ngx_uplink_echo_handler(ngx_http_request_t *r);
ngx_int_t ngx_uplink_sled_handler(ngx_http_request_t *r);
ngx_int_t ngx_uplink_api_handler(ngx_http_request_t *r);
ngx_int_t ngx_uplink_terminal_handler(ngx_http_request_t *r);
ngx_int_t ngx_uplink_status_handler(ngx_http_request_t *r);
ngx_int_t ngx_uplink_console_handler(ngx_http_request_t *r);


/* src/door/revoke.c, in init_process: tokens as in the main configuration */

void ngx_uplink_revoke_start(ngx_uplink_fleet_t *fleet, ngx_array_t *tokens,
    ngx_cycle_t *cycle);


/* src/door/terminal_resolve.c: before the content */

ngx_int_t ngx_uplink_resolve_init(ngx_conf_t *cf);


/*
 * src/door/path.c: the part of the URI behind the location's prefix, without
 * its slash.  NGX_DONE: not even a slash; NGX_DECLINED: not of this location
 */

ngx_int_t ngx_uplink_path(ngx_http_request_t *r, ngx_str_t *path);


/* src/door/reply.c: JSON over HTTP, for every door */

ngx_int_t ngx_uplink_reply_json(ngx_http_request_t *r, ngx_uint_t status,
    u_char *json, size_t len);
ngx_int_t ngx_uplink_reply_error(ngx_http_request_t *r, ngx_uint_t status,
    const char *code, const char *message);

/* 405, where there is nothing but GET and HEAD */

ngx_int_t ngx_uplink_reply_readonly(ngx_http_request_t *r,
    const char *message);
ngx_int_t ngx_uplink_reply_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);

/* a header to which headers_out has a pointer */

ngx_int_t ngx_uplink_reply_known(ngx_http_request_t *r, const char *name,
    const ngx_str_t *value, ngx_table_elt_t **known);
ngx_int_t ngx_uplink_reply_refusal(ngx_http_request_t *r,
    ngx_uplink_refusal_t *refusal);

/*
 * src/door/denied.c: for whom ngx_uplink_auth_request() or _origin() did not
 * return NGX_OK
 */

ngx_int_t ngx_uplink_reply_denied(ngx_http_request_t *r, ngx_int_t rc);


#endif /* _NGX_UPLINK_H_INCLUDED_ */
