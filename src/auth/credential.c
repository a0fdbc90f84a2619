
/*
 * What a request brings along, and who that is.
 */


#include "auth/source.h"


/*
 * What nginx itself has authenticated, or nobody at all where that is
 * allowed, can be nothing but these.
 */

#define NGX_UPLINK_ROLES_UNNAMED                                             \
    (NGX_UPLINK_ROLE_SLED|NGX_UPLINK_ROLE_OPERATOR)


/*
 * Where a token may be: NGX_OK, NGX_DECLINED (not there), NGX_ERROR.  What
 * is ambient is added by a browser, whoever made the request.
 */

typedef struct {
    ngx_int_t          (*get)(ngx_http_request_t *r,
                           ngx_uplink_auth_conf_t *conf, ngx_str_t *token);
    ngx_uint_t           ambient;
} ngx_uplink_carrier_t;


static ngx_int_t ngx_uplink_credential_identity(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_credential_token(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_credential_verify(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token, ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_auth_off(ngx_uint_t role, ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_auth_admit(ngx_log_t *log,
    ngx_uplink_auth_conf_t *conf, ngx_int_t rc, ngx_uint_t role,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_carrier_bearer(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token);
static ngx_int_t ngx_uplink_carrier_cookie(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token);
static ngx_int_t ngx_uplink_carrier_query(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token);


static const ngx_uplink_carrier_t  ngx_uplink_carriers[] = {
    { ngx_uplink_carrier_bearer, 0 },
    { ngx_uplink_carrier_cookie, 1 },
    { ngx_uplink_carrier_query, 0 },
    { NULL, 0 }
};


static const ngx_uplink_verify_pt  ngx_uplink_verifiers[] = {
    ngx_uplink_tokens_verify,
    ngx_uplink_jwt_verify,
    NULL
};


ngx_int_t
ngx_uplink_auth_request(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf,
    ngx_uint_t role, ngx_uplink_who_t *who)
{
    ngx_int_t  rc;

    rc = ngx_uplink_authorized(r, conf, who);

    return ngx_uplink_auth_admit(r->connection->log, conf, rc, role, who);
}


ngx_int_t
ngx_uplink_auth_token(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uint_t role, ngx_str_t *token, ngx_uplink_who_t *who)
{
    ngx_int_t  rc;

    ngx_memzero(who, sizeof(ngx_uplink_who_t));

    rc = NGX_DECLINED;

    if (conf->mode != NGX_UPLINK_AUTH_OFF && token->len) {
        rc = ngx_uplink_credential_verify(pool, conf, token, who);
    }

    return ngx_uplink_auth_admit(pool->log, conf, rc, role, who);
}


ngx_int_t
ngx_uplink_credential(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_who_t *who)
{
    ngx_int_t  rc;

    ngx_memzero(who, sizeof(ngx_uplink_who_t));

    rc = ngx_uplink_credential_identity(r, conf, who);

    if (rc == NGX_DECLINED && conf->mode != NGX_UPLINK_AUTH_OFF) {
        rc = ngx_uplink_credential_token(r, conf, who);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    if (rc != NGX_OK && rc != NGX_DECLINED) {
        return rc;
    }

    /* an identity, an address, or just being able to connect is ambient */

    rc = ngx_uplink_auth_origin(r, conf, 1);

    return (rc == NGX_OK) ? NGX_DECLINED : rc;
}


static ngx_int_t
ngx_uplink_credential_identity(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_who_t *who)
{
    ngx_str_t  name;

    if (conf->identity == NULL) {
        return NGX_DECLINED;
    }

    if (ngx_http_complex_value(r, conf->identity, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (name.len == 0) {
        return NGX_DECLINED;
    }

    if (!ngx_uplink_identity(&name)) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client has invalid \"uplink_identity\"");
        return NGX_HTTP_FORBIDDEN;
    }

    who->name = name;
    who->known = 1;
    who->unnamed = 1;

    return ngx_uplink_who_own_agent(r->pool, who);
}


static ngx_int_t
ngx_uplink_credential_token(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_who_t *who)
{
    ngx_int_t                    rc;
    ngx_str_t                    token;
    const ngx_uplink_carrier_t  *carrier;

    for (carrier = ngx_uplink_carriers; carrier->get; carrier++) {
        rc = carrier->get(r, conf, &token);

        if (rc == NGX_DECLINED) {
            continue;
        }

        if (rc == NGX_OK && carrier->ambient) {
            rc = ngx_uplink_auth_origin(r, conf, 1);
        }

        if (rc == NGX_OK) {
            rc = ngx_uplink_credential_verify(r->pool, conf, &token, who);
        }

        return rc;
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_uplink_credential_verify(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_str_t *token, ngx_uplink_who_t *who)
{
    ngx_int_t                    rc;
    const ngx_uplink_verify_pt  *verify;

    for (verify = ngx_uplink_verifiers; *verify; verify++) {
        rc = (*verify)(pool, conf, token, who);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_AGAIN;
}


/* rc is what is known about the credential, see ngx_uplink_credential() */

static ngx_int_t
ngx_uplink_auth_admit(ngx_log_t *log, ngx_uplink_auth_conf_t *conf,
    ngx_int_t rc, ngx_uint_t role, ngx_uplink_who_t *who)
{
    if (rc == NGX_AGAIN) {
        ngx_log_error(NGX_LOG_INFO, log, 0, "client sent unknown token");
        rc = NGX_HTTP_UNAUTHORIZED;
    }

    if (rc != NGX_OK && rc != NGX_DECLINED) {
        ngx_memzero(who, sizeof(ngx_uplink_who_t));
        return rc;
    }

    if (conf->mode == NGX_UPLINK_AUTH_OFF) {
        return ngx_uplink_auth_off(role, who);
    }

    if (who->unnamed || !who->known) {
        who->roles = role & NGX_UPLINK_ROLES_UNNAMED;
    }

    if (who->known) {
        if (who->roles & role) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_INFO, log, 0,
                      "client \"%V\" has no role for this", &who->name);

        return NGX_HTTP_FORBIDDEN;
    }

    if (conf->mode == NGX_UPLINK_AUTH_REQUIRED || who->roles == 0) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_auth_off(ngx_uint_t role, ngx_uplink_who_t *who)
{
    who->roles = NGX_UPLINK_ROLE_ANY;
    who->everywhere = 1;

    if (!who->known || !(role & NGX_UPLINK_ROLE_SLED)) {
        who->any_agent = 1;
    }

    return NGX_OK;
}


ngx_int_t
ngx_uplink_auth_bearer(ngx_http_request_t *r, ngx_str_t *token)
{
    u_char           *p, *last;
    ngx_table_elt_t  *h;

    h = r->headers_in.authorization;

    if (h == NULL
        || h->value.len < sizeof("Bearer") - 1
        || ngx_strncasecmp(h->value.data, (u_char *) "Bearer",
                           sizeof("Bearer") - 1)
           != 0)
    {
        return NGX_DECLINED;
    }

    p = h->value.data + sizeof("Bearer") - 1;
    last = h->value.data + h->value.len;

    if (p < last && *p != ' ') {
        return NGX_DECLINED;
    }

    while (p < last && *p == ' ') {
        p++;
    }

    token->data = p;
    token->len = last - p;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_carrier_bearer(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf,
    ngx_str_t *token)
{
    return ngx_uplink_auth_bearer(r, token);
}


static ngx_int_t
ngx_uplink_carrier_cookie(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf,
    ngx_str_t *token)
{
    if (conf->cookie.len == 0) {
        return NGX_DECLINED;
    }

#if (nginx_version >= 1029006)

    if (ngx_http_parse_cookie_lines(r, r->headers_in.cookie, &conf->cookie,
                                    token)
        == NULL)
    {
        return NGX_DECLINED;
    }

#elif (nginx_version >= 1023000)

    if (ngx_http_parse_multi_header_lines(r, r->headers_in.cookie,
                                          &conf->cookie, token)
        == NULL)
    {
        return NGX_DECLINED;
    }

#else

    if (ngx_http_parse_multi_header_lines(&r->headers_in.cookies,
                                          &conf->cookie, token)
        == NGX_DECLINED)
    {
        return NGX_DECLINED;
    }

#endif

    return token->len ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_uplink_carrier_query(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf,
    ngx_str_t *token)
{
    u_char     *src, *dst;
    ngx_str_t   value;

    if (!conf->query
        || ngx_http_arg(r, (u_char *) "token", sizeof("token") - 1, &value)
           != NGX_OK
        || value.len == 0)
    {
        return NGX_DECLINED;
    }

    dst = ngx_pnalloc(r->pool, value.len);
    if (dst == NULL) {
        return NGX_ERROR;
    }

    token->data = dst;
    src = value.data;

    ngx_unescape_uri(&dst, &src, value.len, 0);

    token->len = dst - token->data;

    return NGX_OK;
}
