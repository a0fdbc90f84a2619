
/*
 * Directives, configuration, module hooks; nothing else.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_uplink.h"
#include "fleet/fleet.h"
#include "door/audit.h"
#include "door/trail.h"


static void *ngx_uplink_create_main_conf(ngx_conf_t *cf);
static void *ngx_uplink_create_loc_conf(ngx_conf_t *cf);
static char *ngx_uplink_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_uplink_init_main_conf(ngx_conf_t *cf, void *conf);
static ngx_int_t ngx_uplink_init(ngx_conf_t *cf);

static ngx_int_t ngx_uplink_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_uplink_init_process(ngx_cycle_t *cycle);
static void ngx_uplink_exit_process(ngx_cycle_t *cycle);


#define NGX_UPLINK_ANY_CONF                                                  \
    NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF


static ngx_conf_enum_t  ngx_uplink_auth_modes[] = {
    { ngx_string("required"), NGX_UPLINK_AUTH_REQUIRED },
    { ngx_string("optional"), NGX_UPLINK_AUTH_OPTIONAL },
    { ngx_string("off"), NGX_UPLINK_AUTH_OFF },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_uplink_registrations[] = {
    { ngx_string("optional"), NGX_UPLINK_REGISTRATION_OPTIONAL },
    { ngx_string("required"), NGX_UPLINK_REGISTRATION_REQUIRED },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_uplink_no_operator[] = {
    { ngx_string("wait"), NGX_UPLINK_NO_OPERATOR_WAIT },
    { ngx_string("deny"), NGX_UPLINK_NO_OPERATOR_DENY },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_uplink_commands[] = {

    { ngx_string("uplink_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE23,
      ngx_uplink_zone,
      0,
      0,
      NULL },

    { ngx_string("uplink_audit_log"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1234,
      ngx_uplink_audit_log,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    /* the doors */

    { ngx_string("uplink_echo"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_uplink_door,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("uplink_sled"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_uplink_door,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("uplink_api"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_uplink_prefix_door,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("uplink_terminal"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_uplink_terminal_door,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("uplink_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_uplink_status_door,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("uplink_console"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1234,
      ngx_uplink_console_door,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    /* credentials */

    { ngx_string("uplink_auth"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.mode),
      &ngx_uplink_auth_modes },

    { ngx_string("uplink_auth_query"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.query),
      NULL },

    { ngx_string("uplink_auth_tokens"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_uplink_auth_tokens,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.tokens),
      NULL },

    { ngx_string("uplink_identity"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_http_set_complex_value_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.identity),
      NULL },

    { ngx_string("uplink_allowed_origins"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_1MORE,
      ngx_uplink_auth_origins,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.origins),
      NULL },

    { ngx_string("uplink_auth_jwt_key"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE23,
      ngx_uplink_auth_jwt_key,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.jwt_keys),
      NULL },

    { ngx_string("uplink_auth_jwks"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_uplink_auth_jwks,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.jwt_keys),
      NULL },

    { ngx_string("uplink_auth_jwt_issuer"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_1MORE,
      ngx_uplink_auth_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.jwt_issuers),
      NULL },

    { ngx_string("uplink_auth_jwt_audience"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_1MORE,
      ngx_uplink_auth_names,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.jwt_audiences),
      NULL },

    { ngx_string("uplink_auth_jwt_leeway"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_sec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.jwt_leeway),
      NULL },

    { ngx_string("uplink_auth_cookie"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_str_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.cookie),
      NULL },

    { ngx_string("uplink_authorize"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_uplink_authorize,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, auth.authorize),
      NULL },

    /* sleds */

    { ngx_string("uplink_registration"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, registration),
      &ngx_uplink_registrations },

    { ngx_string("uplink_handshake_timeout"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, handshake_timeout),
      NULL },

    { ngx_string("uplink_allowed_agents"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_1MORE,
      ngx_uplink_allowed_agents,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("uplink_max_connections_per_agent"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, max_connections),
      NULL },

    { ngx_string("uplink_resume_window"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, resume_window),
      NULL },

    { ngx_string("uplink_drain_timeout"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, drain_timeout),
      NULL },

    /* requests */

    { ngx_string("uplink_permission_timeout"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, permission_timeout),
      NULL },

    { ngx_string("uplink_permission_max"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, permission_max),
      NULL },

    { ngx_string("uplink_no_operator"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, no_operator),
      &ngx_uplink_no_operator },

    { ngx_string("uplink_max_inflight"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, max_inflight),
      NULL },

    { ngx_string("uplink_max_tasks"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, max_tasks),
      NULL },

    { ngx_string("uplink_request_timeout"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, request_timeout),
      NULL },

    { ngx_string("uplink_request_memory"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, request_memory),
      NULL },

    /* operators */

    { ngx_string("uplink_session_ttl"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, session_ttl),
      NULL },

    { ngx_string("uplink_max_sessions"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, max_sessions),
      NULL },

    /* terminals */

    { ngx_string("uplink_resolve"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_uplink_resolve,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, resolve),
      NULL },

    { ngx_string("uplink_open_timeout"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, open_timeout),
      NULL },

    { ngx_string("uplink_idle_timeout"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, idle_timeout),
      NULL },

    { ngx_string("uplink_terminal_linger"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, terminal_linger),
      NULL },

    { ngx_string("uplink_max_terminals"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, max_terminals),
      NULL },

    { ngx_string("uplink_max_terminals_per_user"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, max_terminals_per_user),
      NULL },

    /* every WebSocket */

    { ngx_string("uplink_max_message"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, conn.max_message),
      NULL },

    { ngx_string("uplink_send_buffer"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_size_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, conn.send_buffer),
      NULL },

    { ngx_string("uplink_ping_interval"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, conn.ping_interval),
      NULL },

    { ngx_string("uplink_ping_timeout"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, conn.ping_timeout),
      NULL },

    { ngx_string("uplink_close_timeout"),
      NGX_UPLINK_ANY_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_msec_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_uplink_loc_conf_t, conn.close_timeout),
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_uplink_module_ctx = {
    ngx_uplink_variables,                  /* preconfiguration */
    ngx_uplink_init,                       /* postconfiguration */

    ngx_uplink_create_main_conf,           /* create main configuration */
    ngx_uplink_init_main_conf,             /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_uplink_create_loc_conf,            /* create location configuration */
    ngx_uplink_merge_loc_conf              /* merge location configuration */
};


ngx_module_t  ngx_uplink_module = {
    NGX_MODULE_V1,
    &ngx_uplink_module_ctx,                /* module context */
    ngx_uplink_commands,                   /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_uplink_init_module,                /* init module */
    ngx_uplink_init_process,               /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_uplink_exit_process,               /* exit process */
    ngx_uplink_exit_process,               /* exit master */
    NGX_MODULE_V1_PADDING
};


static void *
ngx_uplink_create_main_conf(ngx_conf_t *cf)
{
    ngx_uplink_main_conf_t  *umcf;

    umcf = ngx_pcalloc(cf->pool, sizeof(ngx_uplink_main_conf_t));
    if (umcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&umcf->fleets, cf->pool, 2,
                       sizeof(ngx_uplink_fleet_t *))
        != NGX_OK)
    {
        return NULL;
    }

    if (ngx_array_init(&umcf->audits, cf->pool, 2,
                       sizeof(ngx_uplink_audit_conf_t))
        != NGX_OK)
    {
        return NULL;
    }

    return umcf;
}


static char *
ngx_uplink_init_main_conf(ngx_conf_t *cf, void *conf)
{
    (void) conf;

    if (ngx_uplink_zone_check(cf) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_uplink_audit_check(cf);
}


static void *
ngx_uplink_create_loc_conf(ngx_conf_t *cf)
{
    ngx_uplink_loc_conf_t  *ulcf;

    ulcf = ngx_pcalloc(cf->pool, sizeof(ngx_uplink_loc_conf_t));
    if (ulcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     ulcf->fleet = NULL;
     *     ulcf->door = NULL;
     *     ulcf->view = 0;
     *     ulcf->min_sleds = 0;
     *     ulcf->console = NULL;
     *     ulcf->by_sled = 0;
     *     ulcf->terminal_issue = NULL;
     *     ulcf->terminal_workspace = NULL;
     *     ulcf->terminal_sled = NULL;
     *     ulcf->max_body = 0;
     */

    ngx_uplink_auth_create_conf(&ulcf->auth);

    ulcf->conn.max_message = NGX_CONF_UNSET_SIZE;
    ulcf->conn.send_buffer = NGX_CONF_UNSET_SIZE;
    ulcf->conn.ping_interval = NGX_CONF_UNSET_MSEC;
    ulcf->conn.ping_timeout = NGX_CONF_UNSET_MSEC;
    ulcf->conn.close_timeout = NGX_CONF_UNSET_MSEC;

    ulcf->registration = NGX_CONF_UNSET_UINT;
    ulcf->handshake_timeout = NGX_CONF_UNSET_MSEC;
    ulcf->allowed_agents = NGX_CONF_UNSET_PTR;
    ulcf->max_connections = NGX_CONF_UNSET_UINT;
    ulcf->resume_window = NGX_CONF_UNSET_MSEC;
    ulcf->drain_timeout = NGX_CONF_UNSET_MSEC;

    ulcf->permission_timeout = NGX_CONF_UNSET_MSEC;
    ulcf->permission_max = NGX_CONF_UNSET_MSEC;
    ulcf->no_operator = NGX_CONF_UNSET_UINT;
    ulcf->max_inflight = NGX_CONF_UNSET_UINT;
    ulcf->max_tasks = NGX_CONF_UNSET_UINT;
    ulcf->request_timeout = NGX_CONF_UNSET_MSEC;
    ulcf->request_memory = NGX_CONF_UNSET_MSEC;

    ulcf->session_ttl = NGX_CONF_UNSET_MSEC;
    ulcf->max_sessions = NGX_CONF_UNSET_UINT;

    ulcf->resolve = NGX_CONF_UNSET_PTR;
    ulcf->open_timeout = NGX_CONF_UNSET_MSEC;
    ulcf->idle_timeout = NGX_CONF_UNSET_MSEC;
    ulcf->terminal_linger = NGX_CONF_UNSET_MSEC;
    ulcf->max_terminals = NGX_CONF_UNSET_UINT;
    ulcf->max_terminals_per_user = NGX_CONF_UNSET_UINT;

    return ulcf;
}


static char *
ngx_uplink_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_uplink_loc_conf_t  *prev = parent;
    ngx_uplink_loc_conf_t  *conf = child;

    ngx_http_core_loc_conf_t  *clcf;

    if (ngx_uplink_auth_merge_conf(cf, &prev->auth, &conf->auth)
        != NGX_CONF_OK)
    {
        return NGX_CONF_ERROR;
    }

    ngx_conf_merge_size_value(conf->conn.max_message,
                              prev->conn.max_message, 65536);
    ngx_conf_merge_size_value(conf->conn.send_buffer,
                              prev->conn.send_buffer, 1024 * 1024);
    ngx_conf_merge_msec_value(conf->conn.ping_interval,
                              prev->conn.ping_interval, 25000);
    ngx_conf_merge_msec_value(conf->conn.ping_timeout,
                              prev->conn.ping_timeout, 60000);
    ngx_conf_merge_msec_value(conf->conn.close_timeout,
                              prev->conn.close_timeout, 5000);

    ngx_conf_merge_uint_value(conf->registration, prev->registration,
                              NGX_UPLINK_REGISTRATION_OPTIONAL);
    ngx_conf_merge_msec_value(conf->handshake_timeout,
                              prev->handshake_timeout, 10000);
    ngx_conf_merge_ptr_value(conf->allowed_agents, prev->allowed_agents,
                              NULL);
    ngx_conf_merge_uint_value(conf->max_connections,
                              prev->max_connections, 4);
    ngx_conf_merge_msec_value(conf->resume_window, prev->resume_window,
                              30000);
    ngx_conf_merge_msec_value(conf->drain_timeout, prev->drain_timeout,
                              30000);

    ngx_conf_merge_msec_value(conf->permission_timeout,
                              prev->permission_timeout, 120000);
    ngx_conf_merge_msec_value(conf->permission_max, prev->permission_max,
                              30 * 60 * 1000);
    ngx_conf_merge_uint_value(conf->no_operator, prev->no_operator,
                              NGX_UPLINK_NO_OPERATOR_WAIT);
    ngx_conf_merge_uint_value(conf->max_inflight, prev->max_inflight, 256);
    ngx_conf_merge_uint_value(conf->max_tasks, prev->max_tasks, 1024);
    ngx_conf_merge_msec_value(conf->request_timeout,
                              prev->request_timeout, 30000);
    ngx_conf_merge_msec_value(conf->request_memory, prev->request_memory,
                              10 * 60 * 1000);

    ngx_conf_merge_msec_value(conf->session_ttl, prev->session_ttl,
                              24 * 60 * 60 * 1000);
    ngx_conf_merge_uint_value(conf->max_sessions, prev->max_sessions, 1024);

    ngx_conf_merge_ptr_value(conf->resolve, prev->resolve, NULL);
    ngx_conf_merge_msec_value(conf->open_timeout, prev->open_timeout, 5000);
    ngx_conf_merge_msec_value(conf->idle_timeout, prev->idle_timeout,
                              60 * 60 * 1000);
    ngx_conf_merge_msec_value(conf->terminal_linger, prev->terminal_linger,
                              0);
    ngx_conf_merge_uint_value(conf->max_terminals, prev->max_terminals, 256);
    ngx_conf_merge_uint_value(conf->max_terminals_per_user,
                              prev->max_terminals_per_user, 64);

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (conf->door == NULL && prev->door && clcf->noname) {

        /* an "if" in a door's location: the handler stays the door's */

        conf->fleet = prev->fleet;
        conf->door = prev->door;
        conf->view = prev->view;
        conf->min_sleds = prev->min_sleds;
        conf->console = prev->console;
        conf->by_sled = prev->by_sled;
        conf->terminal_issue = prev->terminal_issue;
        conf->terminal_workspace = prev->terminal_workspace;
        conf->terminal_sled = prev->terminal_sled;
    }

    if (conf->door == NULL) {
        return NGX_CONF_OK;
    }

    conf->conn.send_timeout = clcf->send_timeout;

    /* calls check it themselves: core would answer in HTML */

    if (clcf->handler == ngx_uplink_api_handler) {
        conf->max_body = clcf->client_max_body_size;
        clcf->client_max_body_size = 0;
    }

    /*
     * counts are for load balancers and scrapers, which have no credential,
     * and the console is the page that asks for one
     */

    ngx_conf_init_uint_value(conf->auth.mode,
                             (clcf->handler == ngx_uplink_status_handler
                              || clcf->handler == ngx_uplink_console_handler)
                             ? NGX_UPLINK_AUTH_OFF : NGX_UPLINK_AUTH_REQUIRED);

    return ngx_uplink_auth_check_conf(cf, &conf->auth, conf->door);
}


/* of a phase the last handler comes first: who it is, then what it wants */

static ngx_int_t
ngx_uplink_init(ngx_conf_t *cf)
{
    if (ngx_uplink_resolve_init(cf) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_uplink_auth_init(cf);
}


/* the fleets of a cycle, or none */

static ngx_array_t *
ngx_uplink_fleets(ngx_cycle_t *cycle)
{
    ngx_uplink_main_conf_t  *umcf;

    umcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_uplink_module);

    return umcf ? &umcf->fleets : NULL;
}


static ngx_int_t
ngx_uplink_init_module(ngx_cycle_t *cycle)
{
    ngx_uint_t            i;
    ngx_array_t          *fleets;
    ngx_uplink_fleet_t  **fleet;

    fleets = ngx_uplink_fleets(cycle);

    if (fleets == NULL) {
        return NGX_OK;
    }

    fleet = fleets->elts;

    for (i = 0; i < fleets->nelts; i++) {

        /* by the master alone: workers know whose configuration is newer */

        fleet[i]->generation = ++fleet[i]->sh->generation;

        if (ngx_uplink_bus_init_module(fleet[i], cycle) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t               i;
    ngx_array_t             *fleets;
    ngx_uplink_fleet_t     **fleet;
    ngx_uplink_main_conf_t  *umcf;

    /* the cache manager and the cache loader come here, too */

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    fleets = ngx_uplink_fleets(cycle);

    if (fleets == NULL) {
        return NGX_OK;
    }

    fleet = fleets->elts;
    umcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_uplink_module);

    for (i = 0; i < fleets->nelts; i++) {
        ngx_uplink_audit_start(fleet[i], cycle);
        ngx_uplink_bus_init_process(fleet[i], cycle, ngx_uplink_reap_port,
                                    ngx_uplink_sweep);
        ngx_uplink_audit_begin(fleet[i]);
        ngx_uplink_revoke_start(fleet[i], umcf->tokens, cycle);
    }

    return NGX_OK;
}


static void
ngx_uplink_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t            i;
    ngx_array_t          *fleets;
    ngx_uplink_fleet_t  **fleet;

    fleets = ngx_uplink_fleets(cycle);

    if (fleets) {
        fleet = fleets->elts;

        for (i = 0; i < fleets->nelts; i++) {
            ngx_uplink_audit_stop(fleet[i]);
            ngx_uplink_bus_exit_process(fleet[i]);
        }
    }

    ngx_uplink_conn_exit_process();
    ngx_uplink_view_release();
    ngx_uplink_digest_release();
    ngx_uplink_json_cleanup();
}
