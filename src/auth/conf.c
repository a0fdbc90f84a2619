
/*
 * The configuration of this room: defaults, inheritance, what is refused.
 */


#include "auth/auth.h"


#define NGX_UPLINK_JWT_LEEWAY  60


void
ngx_uplink_auth_create_conf(ngx_uplink_auth_conf_t *conf)
{
    conf->mode = NGX_CONF_UNSET_UINT;
    conf->query = NGX_CONF_UNSET;
    conf->tokens = NGX_CONF_UNSET_PTR;
    conf->origins = NGX_CONF_UNSET_PTR;
    conf->jwt_keys = NGX_CONF_UNSET_PTR;
    conf->jwt_issuers = NGX_CONF_UNSET_PTR;
    conf->jwt_audiences = NGX_CONF_UNSET_PTR;
    conf->jwt_leeway = NGX_CONF_UNSET;

    /*
     * set by ngx_pcalloc(), identity as well: before 1.21.0 its slot takes
     * NGX_CONF_UNSET_PTR for a value
     *
     *     conf->identity = NULL;
     *     conf->cookie = { 0, NULL };
     *     conf->authorize = { 0, NULL };
     */
}


char *
ngx_uplink_auth_merge_conf(ngx_conf_t *cf, ngx_uplink_auth_conf_t *prev,
    ngx_uplink_auth_conf_t *conf)
{
    /* the default is the door's */

    ngx_conf_merge_uint_value(conf->mode, prev->mode, NGX_CONF_UNSET_UINT);
    ngx_conf_merge_value(conf->query, prev->query, 0);
    ngx_conf_merge_ptr_value(conf->tokens, prev->tokens, NULL);
    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);
    ngx_conf_merge_ptr_value(conf->jwt_keys, prev->jwt_keys, NULL);
    ngx_conf_merge_ptr_value(conf->jwt_issuers, prev->jwt_issuers, NULL);
    ngx_conf_merge_ptr_value(conf->jwt_audiences, prev->jwt_audiences, NULL);
    ngx_conf_merge_sec_value(conf->jwt_leeway, prev->jwt_leeway,
                             NGX_UPLINK_JWT_LEEWAY);
    ngx_conf_merge_str_value(conf->cookie, prev->cookie, "");
    ngx_conf_merge_str_value(conf->authorize, prev->authorize, "");

    if (conf->identity == NULL) {
        conf->identity = prev->identity;
    }

    return NGX_CONF_OK;
}


char *
ngx_uplink_auth_check_conf(ngx_conf_t *cf, ngx_uplink_auth_conf_t *conf,
    const char *door)
{
    if (conf->mode == NGX_UPLINK_AUTH_REQUIRED
        && conf->tokens == NULL
        && conf->identity == NULL
        && conf->jwt_keys == NULL
        && conf->authorize.len == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%s\" requires credentials but no source is "
                           "configured, add \"uplink_auth_tokens FILE;\" or "
                           "write \"uplink_auth off;\"", door);
        return NGX_CONF_ERROR;
    }

    if (conf->mode != NGX_UPLINK_AUTH_OFF && conf->query) {

        /* the request line is in every message of core about a request, too */

        ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                           "\"uplink_auth_query\" lets tokens of \"%s\" "
                           "into access and error logs", door);
    }

    return NGX_CONF_OK;
}


/* a list of strings, which adds up within a level */

char *
ngx_uplink_auth_names(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t     *value, *name;
    ngx_uint_t     i;
    ngx_array_t  **list;

    list = (ngx_array_t **) (p + cmd->offset);

    if (*list == NGX_CONF_UNSET_PTR) {
        *list = ngx_array_create(cf->pool, 2, sizeof(ngx_str_t));
        if (*list == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        name = ngx_array_push(*list);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = value[i];
    }

    return NGX_CONF_OK;
}
