
/*
 * What a signed token claims: until when, from whom, for whom, and who its
 * bearer is.
 */


#include "auth/jwt.h"


#define NGX_UPLINK_CLAIM_LIST  256
#define NGX_UPLINK_CLAIM_ITEM  256

/* 999999999999999 s: behind the end of any calendar, and safe to add to */

#define NGX_UPLINK_DATE_DIGITS  15


typedef enum {
    NGX_UPLINK_CLAIM_SUB = 0,
    NGX_UPLINK_CLAIM_EXP,
    NGX_UPLINK_CLAIM_NBF,
    NGX_UPLINK_CLAIM_ISS,
    NGX_UPLINK_CLAIM_AUD,
    NGX_UPLINK_CLAIM_ROLES,
    NGX_UPLINK_CLAIM_WORKSPACES,
    NGX_UPLINK_CLAIM_AGENTS,
    NGX_UPLINK_CLAIMS
} ngx_uplink_claim_e;


/* a claim and its check: NGX_OK, NGX_DECLINED (not valid), NGX_ERROR */

typedef struct {
    ngx_uplink_claim_e   claim;
    ngx_int_t          (*check)(ngx_pool_t *pool,
                           ngx_uplink_auth_conf_t *conf,
                           ngx_uplink_value_t *value, ngx_uplink_who_t *who);
    const char          *invalid;
} ngx_uplink_claim_check_t;


static ngx_int_t ngx_uplink_claim_exp(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_value_t *value,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_claim_nbf(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_value_t *value,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_claim_iss(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_value_t *value,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_claim_aud(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_value_t *value,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_claim_sub(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_value_t *value,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_claim_roles(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_value_t *value,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_claim_workspaces(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_value_t *value,
    ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_claim_agents(ngx_pool_t *pool,
    ngx_uplink_auth_conf_t *conf, ngx_uplink_value_t *value,
    ngx_uplink_who_t *who);

static ngx_int_t ngx_uplink_claim_date(ngx_uplink_value_t *value,
    int64_t *date);
static ngx_int_t ngx_uplink_claim_list(ngx_pool_t *pool,
    ngx_uplink_value_t *value, ngx_array_t **list);
static ngx_int_t ngx_uplink_claim_string(ngx_pool_t *pool,
    ngx_uplink_value_t *value, ngx_array_t *list);


static const ngx_str_t  ngx_uplink_claim_names[NGX_UPLINK_CLAIMS] = {
    ngx_string("sub"),
    ngx_string("exp"),
    ngx_string("nbf"),
    ngx_string("iss"),
    ngx_string("aud"),
    ngx_string("roles"),
    ngx_string("workspaces"),
    ngx_string("agents")
};


/* in this order: whether the token is good comes before what is in it */

static const ngx_uplink_claim_check_t  ngx_uplink_claim_checks[] = {

    { NGX_UPLINK_CLAIM_EXP, ngx_uplink_claim_exp,
      "expired JSON web token" },

    { NGX_UPLINK_CLAIM_NBF, ngx_uplink_claim_nbf,
      "JSON web token that is not valid yet" },

    { NGX_UPLINK_CLAIM_ISS, ngx_uplink_claim_iss,
      "JSON web token of an issuer not in \"uplink_auth_jwt_issuer\"" },

    { NGX_UPLINK_CLAIM_AUD, ngx_uplink_claim_aud,
      "JSON web token for an audience not in \"uplink_auth_jwt_audience\"" },

    { NGX_UPLINK_CLAIM_SUB, ngx_uplink_claim_sub,
      "JSON web token without valid \"sub\"" },

    { NGX_UPLINK_CLAIM_ROLES, ngx_uplink_claim_roles,
      "JSON web token with invalid \"roles\"" },

    { NGX_UPLINK_CLAIM_WORKSPACES, ngx_uplink_claim_workspaces,
      "JSON web token with invalid \"workspaces\"" },

    { NGX_UPLINK_CLAIM_AGENTS, ngx_uplink_claim_agents,
      "JSON web token with invalid \"agents\"" },

    { 0, NULL, NULL }
};


ngx_int_t
ngx_uplink_jwt_claims(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_value_t *claims, ngx_uplink_who_t *who)
{
    ngx_int_t                        rc;
    ngx_uplink_value_t               value[NGX_UPLINK_CLAIMS];
    const ngx_uplink_claim_check_t  *check;

    ngx_uplink_json_members(claims, ngx_uplink_claim_names, NGX_UPLINK_CLAIMS,
                            value);

    for (check = ngx_uplink_claim_checks; check->check; check++) {

        rc = check->check(pool, conf, &value[check->claim], who);

        if (rc == NGX_DECLINED) {
            ngx_log_error(NGX_LOG_INFO, pool->log, 0, "client sent %s",
                          check->invalid);
            return NGX_HTTP_UNAUTHORIZED;
        }

        if (rc != NGX_OK) {
            return rc;
        }
    }

    ngx_uplink_who_stars(who);
    who->known = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_claim_exp(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_value_t *value, ngx_uplink_who_t *who)
{
    int64_t  date;

    if (value->kind == NGX_UPLINK_JSON_NONE) {
        return NGX_OK;
    }

    if (ngx_uplink_claim_date(value, &date) != NGX_OK
        || (int64_t) ngx_time() >= date + (int64_t) conf->jwt_leeway)
    {
        return NGX_DECLINED;
    }

    who->expires = (time_t) (date + (int64_t) conf->jwt_leeway);

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_claim_nbf(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_value_t *value, ngx_uplink_who_t *who)
{
    int64_t  date;

    if (value->kind == NGX_UPLINK_JSON_NONE) {
        return NGX_OK;
    }

    if (ngx_uplink_claim_date(value, &date) != NGX_OK
        || (int64_t) ngx_time() < date - (int64_t) conf->jwt_leeway)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_claim_iss(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_value_t *value, ngx_uplink_who_t *who)
{
    ngx_int_t     rc;
    ngx_str_t    *issuer;
    ngx_array_t  *list;

    if (conf->jwt_issuers == NULL) {
        return NGX_OK;
    }

    if (value->kind != NGX_UPLINK_JSON_STRING) {
        return NGX_DECLINED;
    }

    rc = ngx_uplink_claim_list(pool, value, &list);
    if (rc != NGX_OK) {
        return rc;
    }

    issuer = list->elts;

    return ngx_uplink_listed(conf->jwt_issuers, issuer) ? NGX_OK
                                                        : NGX_DECLINED;
}


/*
 * Who does not find himself in "aud" must refuse the token (RFC 7519,
 * 4.1.3): without uplink_auth_jwt_audience we are no audience at all.
 */

static ngx_int_t
ngx_uplink_claim_aud(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_value_t *value, ngx_uplink_who_t *who)
{
    ngx_int_t     rc;
    ngx_str_t    *audience;
    ngx_uint_t    i;
    ngx_array_t  *list;

    if (value->kind == NGX_UPLINK_JSON_NONE) {
        return conf->jwt_audiences ? NGX_DECLINED : NGX_OK;
    }

    if (conf->jwt_audiences == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_uplink_claim_list(pool, value, &list);
    if (rc != NGX_OK) {
        return rc;
    }

    audience = list->elts;

    for (i = 0; i < list->nelts; i++) {
        if (ngx_uplink_listed(conf->jwt_audiences, &audience[i])) {
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_uplink_claim_sub(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_value_t *value, ngx_uplink_who_t *who)
{
    ngx_int_t     rc;
    ngx_array_t  *list;

    if (value->kind != NGX_UPLINK_JSON_STRING) {
        return NGX_DECLINED;
    }

    rc = ngx_uplink_claim_list(pool, value, &list);
    if (rc != NGX_OK) {
        return rc;
    }

    who->name = *(ngx_str_t *) list->elts;

    return ngx_uplink_identity(&who->name) ? NGX_OK : NGX_DECLINED;
}


/* roles that are not ours are left out: a token may be for others, too */

static ngx_int_t
ngx_uplink_claim_roles(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_value_t *value, ngx_uplink_who_t *who)
{
    ngx_int_t     rc;
    ngx_str_t    *role;
    ngx_uint_t    i;
    ngx_array_t  *list;

    rc = ngx_uplink_claim_list(pool, value, &list);
    if (rc != NGX_OK) {
        return rc;
    }

    role = list->elts;

    for (i = 0; i < list->nelts; i++) {
        who->roles |= ngx_uplink_role(role[i].data, role[i].len);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_claim_workspaces(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_value_t *value, ngx_uplink_who_t *who)
{
    return ngx_uplink_claim_list(pool, value, &who->workspaces);
}


static ngx_int_t
ngx_uplink_claim_agents(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_value_t *value, ngx_uplink_who_t *who)
{
    if (value->kind != NGX_UPLINK_JSON_NONE) {
        return ngx_uplink_claim_list(pool, value, &who->agents);
    }

    if (who->roles & NGX_UPLINK_ROLE_SLED) {
        return ngx_uplink_who_own_agent(pool, who);
    }

    return NGX_OK;
}


/*
 * NumericDate: seconds, maybe with a fraction, which is left out.  With an
 * exponent it is a valid number, too, but nobody's clock writes that.
 */

static ngx_int_t
ngx_uplink_claim_date(ngx_uplink_value_t *value, int64_t *date)
{
    u_char   *p, *digits;
    int64_t   n;

    if (value->kind != NGX_UPLINK_JSON_NUMBER) {
        return NGX_DECLINED;
    }

    digits = value->start + (*value->start == '-');
    n = 0;

    for (p = digits; p < value->end && *p >= '0' && *p <= '9'; p++) {
        if (p - digits == NGX_UPLINK_DATE_DIGITS) {
            return NGX_DECLINED;
        }

        n = n * 10 + (*p - '0');
    }

    *date = (digits == value->start) ? n : -n;

    if (p < value->end && *p == '.') {
        for (p++; p < value->end && *p >= '0' && *p <= '9'; p++) {
            /* void */
        }
    }

    return (p == value->end) ? NGX_OK : NGX_DECLINED;
}


/* an array of strings, or a single one */

static ngx_int_t
ngx_uplink_claim_list(ngx_pool_t *pool, ngx_uplink_value_t *value,
    ngx_array_t **list)
{
    u_char              *pos;
    ngx_int_t            rc;
    ngx_uplink_value_t   item;

    *list = ngx_array_create(pool, 1, sizeof(ngx_str_t));
    if (*list == NULL) {
        return NGX_ERROR;
    }

    switch (value->kind) {

    case NGX_UPLINK_JSON_NONE:
        return NGX_OK;

    case NGX_UPLINK_JSON_STRING:
        return ngx_uplink_claim_string(pool, value, *list);

    case NGX_UPLINK_JSON_ARRAY:
        break;

    default:
        return NGX_DECLINED;
    }

    pos = NULL;

    while (ngx_uplink_json_next(value, &pos, NULL, &item) == NGX_OK) {

        if ((*list)->nelts == NGX_UPLINK_CLAIM_LIST) {
            return NGX_DECLINED;
        }

        rc = ngx_uplink_claim_string(pool, &item, *list);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_claim_string(ngx_pool_t *pool, ngx_uplink_value_t *value,
    ngx_array_t *list)
{
    size_t      len;
    ngx_str_t  *item;

    if (value->kind != NGX_UPLINK_JSON_STRING) {
        return NGX_DECLINED;
    }

    /* without its quotes */

    len = value->end - value->start - 2;

    item = ngx_array_push(list);
    if (item == NULL) {
        return NGX_ERROR;
    }

    item->data = ngx_pnalloc(pool, len + 1);
    if (item->data == NULL) {
        return NGX_ERROR;
    }

    if (ngx_uplink_json_string(value, item->data,
                               ngx_min(len, NGX_UPLINK_CLAIM_ITEM),
                               &item->len)
        != NGX_OK)
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}
