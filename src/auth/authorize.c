
/*
 * uplink_authorize: somebody else says who it is, in an internal subrequest
 * like that of auth_request.  It runs behind all of core's access checks and
 * leaves its verdict for the door; it never answers the client itself.
 */


#include "auth/source.h"
#include "ngx_uplink.h"


#define NGX_UPLINK_AUTHORIZE_LIST  256


/* what the subrequest's response says, or NULL */

typedef enum {
    NGX_UPLINK_AUTHORIZE_USER = 0,
    NGX_UPLINK_AUTHORIZE_ROLES,
    NGX_UPLINK_AUTHORIZE_WORKSPACES,
    NGX_UPLINK_AUTHORIZE_AGENTS,
    NGX_UPLINK_AUTHORIZE_HEADERS
} ngx_uplink_authorize_e;


typedef struct {
    ngx_http_request_t      *request;
    ngx_uplink_auth_conf_t  *conf;
    ngx_http_request_t      *subrequest;
    ngx_int_t                rc;         /* see ngx_uplink_credential() */
    ngx_uplink_who_t         who;
    unsigned                 answered:1;
    unsigned                 done:1;
} ngx_uplink_authorize_t;


static ngx_int_t ngx_uplink_authorize_handler(ngx_http_request_t *r);
static ngx_uplink_authorize_t *ngx_uplink_authorize_create(
    ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf);
static ngx_uplink_authorize_t *ngx_uplink_authorize_find(
    ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf);
static void ngx_uplink_authorize_cleanup(void *data);
static ngx_int_t ngx_uplink_authorize_ask(ngx_http_request_t *r,
    ngx_uplink_authorize_t *ctx);
static ngx_int_t ngx_uplink_authorize_answered(ngx_http_request_t *r,
    void *data, ngx_int_t rc);
static ngx_int_t ngx_uplink_authorize_verdict(ngx_uplink_authorize_t *ctx);
static ngx_int_t ngx_uplink_authorize_who(ngx_uplink_authorize_t *ctx);
static ngx_int_t ngx_uplink_authorize_lists(ngx_pool_t *pool,
    ngx_str_t **value, ngx_uplink_who_t *who);
static ngx_int_t ngx_uplink_authorize_headers(ngx_http_request_t *sr,
    ngx_str_t **value);
static ngx_int_t ngx_uplink_authorize_list(ngx_pool_t *pool,
    ngx_str_t *value, ngx_array_t **list);


static const ngx_str_t  ngx_uplink_authorize_names[] = {
    ngx_string("X-Uplink-User"),
    ngx_string("X-Uplink-Roles"),
    ngx_string("X-Uplink-Workspaces"),
    ngx_string("X-Uplink-Agents")
};


char *
ngx_uplink_authorize(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t  *value, *uri;

    uri = (ngx_str_t *) (p + cmd->offset);

    if (uri->data) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        ngx_str_set(uri, "");
        return NGX_CONF_OK;
    }

    if (value[1].len == 0 || value[1].data[0] != '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URI \"%V\", it must begin with \"/\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    *uri = value[1];

    return NGX_CONF_OK;
}


/*
 * Not in the access phase: there, "satisfy any" could skip it, or take it
 * for enough to skip others.
 */

ngx_int_t
ngx_uplink_auth_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_uplink_authorize_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_authorize_handler(ngx_http_request_t *r)
{
    ngx_uplink_loc_conf_t   *ulcf;
    ngx_uplink_authorize_t  *ctx;

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    if (r != r->main
        || ulcf->door == NULL
        || ulcf->auth.authorize.len == 0
        || ulcf->auth.mode == NGX_UPLINK_AUTH_OFF)
    {
        return NGX_DECLINED;
    }

    ctx = ngx_uplink_authorize_find(r, &ulcf->auth);

    if (ctx == NULL) {
        ctx = ngx_uplink_authorize_create(r, &ulcf->auth);
        if (ctx == NULL) {
            return NGX_ERROR;
        }

        ctx->rc = ngx_uplink_credential(r, &ulcf->auth, &ctx->who);

        if (ctx->rc == NGX_AGAIN || ctx->rc == NGX_DECLINED) {
            return ngx_uplink_authorize_ask(r, ctx);
        }

        ctx->done = 1;
    }

    if (!ctx->done) {
        if (!ctx->answered) {
            return NGX_AGAIN;
        }

        ctx->rc = ngx_uplink_authorize_verdict(ctx);
        ctx->done = 1;
    }

    return NGX_DECLINED;
}


/*
 * The context of the module is the door's: ours hangs on the request's pool,
 * and is found there, as core's realip module does it.
 */

static ngx_uplink_authorize_t *
ngx_uplink_authorize_create(ngx_http_request_t *r,
    ngx_uplink_auth_conf_t *conf)
{
    ngx_pool_cleanup_t      *cln;
    ngx_uplink_authorize_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_uplink_authorize_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;

    ngx_memzero(ctx, sizeof(ngx_uplink_authorize_t));

    ctx->request = r;
    ctx->conf = conf;

    cln->handler = ngx_uplink_authorize_cleanup;

    return ctx;
}


static ngx_uplink_authorize_t *
ngx_uplink_authorize_find(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf)
{
    ngx_pool_cleanup_t      *cln;
    ngx_uplink_authorize_t  *ctx;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {
        if (cln->handler != ngx_uplink_authorize_cleanup) {
            continue;
        }

        ctx = cln->data;

        if (ctx->request == r && ctx->conf == conf) {
            return ctx;
        }
    }

    return NULL;
}


static void
ngx_uplink_authorize_cleanup(void *data)
{
    ngx_uplink_authorize_t  *ctx = data;

    /* all that it has is of the same pool */

    ctx->subrequest = NULL;
}


static ngx_int_t
ngx_uplink_authorize_ask(ngx_http_request_t *r, ngx_uplink_authorize_t *ctx)
{
    ngx_http_request_t          *sr;
    ngx_http_post_subrequest_t  *ps;

    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));
    if (ps == NULL) {
        return NGX_ERROR;
    }

    ps->handler = ngx_uplink_authorize_answered;
    ps->data = ctx;

    if (ngx_http_subrequest(r, &ctx->conf->authorize, NULL, &sr, ps,
                            NGX_HTTP_SUBREQUEST_WAITED)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* so that nobody reads the body of the main request, as in core */

    sr->request_body = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    if (sr->request_body == NULL) {
        return NGX_ERROR;
    }

    sr->header_only = 1;

    ctx->subrequest = sr;

    return NGX_AGAIN;
}


static ngx_int_t
ngx_uplink_authorize_answered(ngx_http_request_t *r, void *data, ngx_int_t rc)
{
    ngx_uplink_authorize_t  *ctx = data;

    ctx->answered = 1;

    return rc;
}


static ngx_int_t
ngx_uplink_authorize_verdict(ngx_uplink_authorize_t *ctx)
{
    ngx_uint_t  status;

    status = ctx->subrequest->headers_out.status;

    if (status == NGX_HTTP_FORBIDDEN) {
        return NGX_HTTP_FORBIDDEN;
    }

    if (status == NGX_HTTP_UNAUTHORIZED) {

        /* with no credential that we know, the door may wait for one */

        return (ctx->rc == NGX_DECLINED && !ctx->who.known)
               ? NGX_DECLINED : NGX_HTTP_UNAUTHORIZED;
    }

    if (status >= NGX_HTTP_OK && status < NGX_HTTP_SPECIAL_RESPONSE) {
        return ngx_uplink_authorize_who(ctx);
    }

    ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                  "\"uplink_authorize\" unexpected status: %ui", status);

    return NGX_ERROR;
}


static ngx_int_t
ngx_uplink_authorize_who(ngx_uplink_authorize_t *ctx)
{
    ngx_str_t         *value[NGX_UPLINK_AUTHORIZE_HEADERS];
    ngx_pool_t        *pool;
    ngx_uplink_who_t  *who;

    who = &ctx->who;
    pool = ctx->request->pool;

    if (ngx_uplink_authorize_headers(ctx->subrequest, value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (value[NGX_UPLINK_AUTHORIZE_USER]
        && value[NGX_UPLINK_AUTHORIZE_USER]->len)
    {
        who->name = *value[NGX_UPLINK_AUTHORIZE_USER];
    }

    who->known = 1;
    who->unnamed = (value[NGX_UPLINK_AUTHORIZE_ROLES] == NULL);
    who->agents = NULL;

    if (ngx_uplink_authorize_lists(pool, value, who) != NGX_OK) {
        return NGX_ERROR;
    }

    if (who->name.len
        && who->agents == NULL
        && (who->unnamed || (who->roles & NGX_UPLINK_ROLE_SLED))
        && ngx_uplink_who_own_agent(pool, who) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_uplink_who_stars(who);

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_authorize_lists(ngx_pool_t *pool, ngx_str_t **value,
    ngx_uplink_who_t *who)
{
    ngx_str_t    *role;
    ngx_uint_t    i;
    ngx_array_t  *roles, **list[NGX_UPLINK_AUTHORIZE_HEADERS];

    roles = NULL;

    list[NGX_UPLINK_AUTHORIZE_ROLES] = &roles;
    list[NGX_UPLINK_AUTHORIZE_WORKSPACES] = &who->workspaces;
    list[NGX_UPLINK_AUTHORIZE_AGENTS] = &who->agents;

    for (i = NGX_UPLINK_AUTHORIZE_ROLES; i < NGX_UPLINK_AUTHORIZE_HEADERS;
         i++)
    {
        if (value[i]
            && ngx_uplink_authorize_list(pool, value[i], list[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (roles == NULL) {
        return NGX_OK;
    }

    role = roles->elts;

    for (i = 0; i < roles->nelts; i++) {
        who->roles |= ngx_uplink_role(role[i].data, role[i].len);
    }

    return NGX_OK;
}


/* each of them once: two users, or two lists, contradict each other */

static ngx_int_t
ngx_uplink_authorize_headers(ngx_http_request_t *sr, ngx_str_t **value)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    ngx_memzero(value, NGX_UPLINK_AUTHORIZE_HEADERS * sizeof(ngx_str_t *));

    for (part = &sr->headers_out.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            for (n = 0; n < NGX_UPLINK_AUTHORIZE_HEADERS; n++) {
                if (h[i].hash
                    && h[i].key.len == ngx_uplink_authorize_names[n].len
                    && ngx_strncasecmp(h[i].key.data,
                                       ngx_uplink_authorize_names[n].data,
                                       h[i].key.len)
                       == 0)
                {
                    break;
                }
            }

            if (n == NGX_UPLINK_AUTHORIZE_HEADERS) {
                continue;
            }

            if (value[n]
                || (n == NGX_UPLINK_AUTHORIZE_USER
                    && h[i].value.len
                    && !ngx_uplink_identity(&h[i].value)))
            {
                ngx_log_error(NGX_LOG_ERR, sr->connection->log, 0,
                              "\"uplink_authorize\" got %s \"%V\" header",
                              value[n] ? "duplicate" : "invalid", &h[i].key);
                return NGX_ERROR;
            }

            value[n] = &h[i].value;
        }
    }

    return NGX_OK;
}


/* separated by commas or spaces */

static ngx_int_t
ngx_uplink_authorize_list(ngx_pool_t *pool, ngx_str_t *value,
    ngx_array_t **list)
{
    u_char     *p, *start, *last;
    ngx_str_t  *item;

    *list = ngx_array_create(pool, 2, sizeof(ngx_str_t));
    if (*list == NULL) {
        return NGX_ERROR;
    }

    p = value->data;
    last = p + value->len;

    while (p < last) {

        if (*p == ',' || *p == ' ') {
            p++;
            continue;
        }

        for (start = p; p < last && *p != ',' && *p != ' '; p++) {
            /* void */
        }

        if ((*list)->nelts == NGX_UPLINK_AUTHORIZE_LIST) {
            ngx_log_error(NGX_LOG_ERR, pool->log, 0,
                          "\"uplink_authorize\" got too long list");
            return NGX_ERROR;
        }

        item = ngx_array_push(*list);
        if (item == NULL) {
            return NGX_ERROR;
        }

        item->data = start;
        item->len = p - start;
    }

    return NGX_OK;
}


ngx_int_t
ngx_uplink_authorized(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf,
    ngx_uplink_who_t *who)
{
    ngx_uplink_authorize_t  *ctx;

    ctx = ngx_uplink_authorize_find(r, conf);

    if (ctx) {
        *who = ctx->who;
        return ctx->rc;
    }

    return ngx_uplink_credential(r, conf, who);
}
