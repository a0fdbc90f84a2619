
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


/* where a token may be: NGX_OK, NGX_DECLINED (not there), NGX_ERROR */

typedef ngx_int_t (*ngx_uplink_carrier_pt)(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token);


static ngx_int_t ngx_uplink_auth_identity(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_auth_off(ngx_uint_t role, ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_auth_unnamed(ngx_uplink_auth_conf_t *conf,
    ngx_uint_t role, ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_auth_presented(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uint_t role, ngx_str_t *token,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_auth_admit(ngx_log_t *log, ngx_uint_t role,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_carrier_bearer(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token);
static ngx_int_t ngx_uplink_carrier_query(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf, ngx_str_t *token);


static const ngx_uplink_carrier_pt  ngx_uplink_carriers[] = {
    ngx_uplink_carrier_bearer,
    ngx_uplink_carrier_query,
    NULL
};


static const ngx_uplink_verify_pt  ngx_uplink_verifiers[] = {
    ngx_uplink_tokens_verify,
    NULL
};


ngx_int_t
ngx_uplink_auth_request(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf,
    ngx_uint_t role, ngx_uplink_who_t *who)
{
    ngx_int_t                     rc;
    ngx_str_t                     token;
    const ngx_uplink_carrier_pt  *carrier;

    ngx_memzero(who, sizeof(ngx_uplink_who_t));

    rc = ngx_uplink_auth_identity(r, conf, who);
    if (rc != NGX_OK) {
        return rc;
    }

    if (conf->mode == NGX_UPLINK_AUTH_OFF) {
        return ngx_uplink_auth_off(role, who);
    }

    if (who->known) {
        return ngx_uplink_auth_unnamed(conf, role, who);
    }

    for (carrier = ngx_uplink_carriers; *carrier; carrier++) {
        rc = (*carrier)(r, conf, &token);

        if (rc == NGX_OK) {
            return ngx_uplink_auth_presented(r->pool, conf, role, &token,
                                             who);
        }

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return ngx_uplink_auth_unnamed(conf, role, who);
}


ngx_int_t
ngx_uplink_auth_token(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uint_t role, ngx_str_t *token, ngx_uplink_who_t *who)
{
    ngx_memzero(who, sizeof(ngx_uplink_who_t));

    if (conf->mode == NGX_UPLINK_AUTH_OFF) {
        return ngx_uplink_auth_off(role, who);
    }

    if (token->len == 0) {
        return ngx_uplink_auth_unnamed(conf, role, who);
    }

    return ngx_uplink_auth_presented(pool, conf, role, token, who);
}


/*
 * The variable was set by something that has authenticated the client; its
 * text goes to logs and to other parties, hence no control characters.
 */

static ngx_int_t
ngx_uplink_auth_identity(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_who_t *who)
{
    u_char     *p;
    ngx_str_t   name;

    if (conf->identity == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, conf->identity, &name) != NGX_OK) {
        return NGX_ERROR;
    }

    if (name.len == 0) {
        return NGX_OK;
    }

    for (p = name.data; p < name.data + name.len; p++) {
        if (*p < ' ' || *p == 0x7f) {
            break;
        }
    }

    if (p < name.data + name.len || name.len > NGX_UPLINK_IDENTITY_MAX) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client has invalid \"uplink_identity\"");
        return NGX_HTTP_FORBIDDEN;
    }

    who->agents = ngx_array_create(r->pool, 1, sizeof(ngx_str_t));
    if (who->agents == NULL) {
        return NGX_ERROR;
    }

    *(ngx_str_t *) ngx_array_push(who->agents) = name;

    who->name = name;
    who->known = 1;

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


/*
 * No token: either uplink_identity says who it is, which is no claim to a
 * workspace, or it is nobody.
 */

static ngx_int_t
ngx_uplink_auth_unnamed(ngx_uplink_auth_conf_t *conf, ngx_uint_t role,
    ngx_uplink_who_t *who)
{
    who->roles = role & NGX_UPLINK_ROLES_UNNAMED;

    if (who->known) {
        return who->roles ? NGX_OK : NGX_HTTP_FORBIDDEN;
    }

    if (conf->mode == NGX_UPLINK_AUTH_REQUIRED || who->roles == 0) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_auth_presented(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uint_t role, ngx_str_t *token, ngx_uplink_who_t *who)
{
    ngx_int_t                    rc;
    const ngx_uplink_verify_pt  *verify;

    rc = NGX_DECLINED;

    for (verify = ngx_uplink_verifiers; *verify; verify++) {
        rc = (*verify)(pool, conf, token, who);

        if (rc != NGX_DECLINED) {
            break;
        }
    }

    if (rc == NGX_OK) {
        return ngx_uplink_auth_admit(pool->log, role, who);
    }

    if (rc == NGX_DECLINED) {
        ngx_log_error(NGX_LOG_INFO, pool->log, 0,
                      "client sent unknown token");
        rc = NGX_HTTP_UNAUTHORIZED;
    }

    ngx_memzero(who, sizeof(ngx_uplink_who_t));

    return rc;
}


static ngx_int_t
ngx_uplink_auth_admit(ngx_log_t *log, ngx_uint_t role, ngx_uplink_who_t *who)
{
    if (who->roles & role) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_INFO, log, 0,
                  "client sent token of \"%V\" which has no role here",
                  &who->name);

    return NGX_HTTP_FORBIDDEN;
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
