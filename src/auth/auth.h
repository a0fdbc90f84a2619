
/*
 * Who is knocking: credentials and what they allow.  Knows nginx requests
 * and configuration, no connection after its handshake and no fleet.
 */


#ifndef _NGX_UPLINK_AUTH_H_INCLUDED_
#define _NGX_UPLINK_AUTH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>


#define NGX_UPLINK_AUTH_OFF        0
#define NGX_UPLINK_AUTH_OPTIONAL   1
#define NGX_UPLINK_AUTH_REQUIRED   2

#define NGX_UPLINK_ROLE_SLED       0x01
#define NGX_UPLINK_ROLE_OPERATOR   0x02
#define NGX_UPLINK_ROLE_ENGINE     0x04
#define NGX_UPLINK_ROLE_VIEWER     0x08
#define NGX_UPLINK_ROLE_ADMIN      0x10
#define NGX_UPLINK_ROLE_ANY        0x1f


/*
 * Somebody, as a credential describes them.  Strings live as long as the
 * configuration (tokens file) or as r->pool (variables).
 */

typedef struct {
    ngx_str_t              name;
    ngx_uint_t             roles;        /* NGX_UPLINK_ROLE_… */
    ngx_array_t           *workspaces;   /* of ngx_str_t; NULL: none */
    ngx_array_t           *agents;       /* of ngx_str_t; NULL: none */
    u_char                *digest;       /* of the token, 32 bytes, or NULL */
    time_t                 expires;      /* leeway included; 0: never */
    unsigned               known:1;      /* a credential was there and good */
    unsigned               everywhere:1; /* workspaces=* , or auth is off */
    unsigned               any_agent:1;  /* agents=* , or auth is off */
    unsigned               unnamed:1;    /* the door's own role, see below */
} ngx_uplink_who_t;


/* the part of a location configuration that this room reads */

typedef struct {
    ngx_uint_t             mode;         /* NGX_UPLINK_AUTH_… */
    ngx_flag_t             query;        /* uplink_auth_query */
    ngx_array_t           *tokens;       /* of ngx_uplink_tokens_t *, NULL */
    ngx_http_complex_value_t  *identity; /* uplink_identity $variable */
    ngx_array_t           *origins;      /* NULL: not set */
    ngx_array_t           *jwt_keys;     /* NULL: none */
    ngx_array_t           *jwt_issuers;  /* of ngx_str_t; NULL: any */
    ngx_array_t           *jwt_audiences;  /* of ngx_str_t; NULL: none */
    time_t                 jwt_leeway;
    ngx_str_t              cookie;       /* its name; empty: off */
    ngx_str_t              authorize;    /* URI; empty: off */
} ngx_uplink_auth_conf_t;


/*
 * Checks the request's own credentials.  role is what the door asks for (any
 * of these bits).  In this order, the first that is there counts:
 *
 * uplink_identity; a token, as Authorization: Bearer, as the cookie
 * uplink_auth_cookie, or as the query parameter "token" (uplink_auth_query).
 * A token is looked for in uplink_auth_tokens and then checked as a JWT.
 * Where that is not enough to say who it is (an identity, a token that is
 * nobody's, or nothing at all), uplink_authorize is asked, if there is one.
 *
 * Whom nginx itself has authenticated (uplink_identity, or uplink_authorize
 * without X-Uplink-Roles) is a sled or an operator, as the door asks, and
 * never anything else.  It is the agent of its own name, and without
 * X-Uplink-Workspaces it has no workspace.  Nobody at all (uplink_auth
 * optional, who->known is 0) is the same without a name, hence without an
 * agent.  With uplink_auth off all roles, workspaces and agents are granted,
 * but at the sled door whom uplink_identity names is that agent only.
 *
 * What a browser adds by itself (a cookie, a certificate, an address) is a
 * credential only from an origin that is allowed: otherwise 403.
 *
 * NGX_OK        who is filled in, has the role, and is admitted
 * NGX_DECLINED  no credential at all came, and one is required: the door may
 *               wait for it in a first message, or answer 401
 * 401, 403      wrong credential, or a good one without the role
 * NGX_ERROR     500
 */

ngx_int_t ngx_uplink_auth_request(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_uint_t role, ngx_uplink_who_t *who);

/* a token from a message (register, auth, subprotocol): as above, no 500 */

ngx_int_t ngx_uplink_auth_token(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uint_t role, ngx_str_t *token,
    ngx_uplink_who_t *who);

/* the Bearer token of a request, if there is one: NGX_OK or NGX_DECLINED */

ngx_int_t ngx_uplink_auth_bearer(ngx_http_request_t *r, ngx_str_t *token);

/*
 * Origin: NGX_OK or NGX_HTTP_FORBIDDEN.  own: without uplink_allowed_origins
 * the request's own host is allowed (not at the sled door).
 */

ngx_int_t ngx_uplink_auth_origin(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_uint_t own);

ngx_uint_t ngx_uplink_who_agent(ngx_uplink_who_t *who, ngx_str_t *agent);
ngx_uint_t ngx_uplink_who_workspace(ngx_uplink_who_t *who, ngx_str_t *ws);

/* is a token of uplink_auth_tokens bound to this agent by name? */

ngx_uint_t ngx_uplink_auth_bound(ngx_uplink_auth_conf_t *conf,
    ngx_str_t *agent);

/* is it the digest of a token in any of these files (which may be NULL)? */

ngx_uint_t ngx_uplink_auth_known(ngx_array_t *files, u_char *digest);

/* is it 1..128 of A-Za-z0-9._:- ? */

ngx_uint_t ngx_uplink_agent_id(ngx_str_t *id);

/* 1 if equal, in a time that depends on the lengths only */

ngx_uint_t ngx_uplink_equal(const u_char *a, const u_char *b, size_t len);


/* directives and configuration, for the table in ngx_uplink_module.c */

char *ngx_uplink_auth_tokens(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_auth_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_auth_jwt_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_auth_jwks(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_auth_names(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_uplink_authorize(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_uplink_auth_init(ngx_conf_t *cf);
void ngx_uplink_auth_create_conf(ngx_uplink_auth_conf_t *conf);
char *ngx_uplink_auth_merge_conf(ngx_conf_t *cf, ngx_uplink_auth_conf_t *prev,
    ngx_uplink_auth_conf_t *conf);

/*
 * After merging, for a location with a door that asks for credentials:
 * required without a source is a configuration error that names the line
 * to add; uplink_auth_query on warns.
 */

char *ngx_uplink_auth_check_conf(ngx_conf_t *cf, ngx_uplink_auth_conf_t *conf,
    const char *door);


#endif /* _NGX_UPLINK_AUTH_H_INCLUDED_ */
