
/*
 * The configuration of this room: defaults, inheritance, what is refused.
 */


#include "auth/auth.h"


void
ngx_uplink_auth_create_conf(ngx_uplink_auth_conf_t *conf)
{
    conf->mode = NGX_CONF_UNSET_UINT;
    conf->query = NGX_CONF_UNSET;
    conf->tokens = NGX_CONF_UNSET_PTR;
    conf->identity = NGX_CONF_UNSET_PTR;
    conf->origins = NGX_CONF_UNSET_PTR;
}


char *
ngx_uplink_auth_merge_conf(ngx_conf_t *cf, ngx_uplink_auth_conf_t *prev,
    ngx_uplink_auth_conf_t *conf)
{
    ngx_conf_merge_uint_value(conf->mode, prev->mode,
                              NGX_UPLINK_AUTH_REQUIRED);
    ngx_conf_merge_value(conf->query, prev->query, 0);
    ngx_conf_merge_ptr_value(conf->tokens, prev->tokens, NULL);
    ngx_conf_merge_ptr_value(conf->identity, prev->identity, NULL);
    ngx_conf_merge_ptr_value(conf->origins, prev->origins, NULL);

    return NGX_CONF_OK;
}


char *
ngx_uplink_auth_check_conf(ngx_conf_t *cf, ngx_uplink_auth_conf_t *conf,
    const char *door)
{
    if (conf->mode == NGX_UPLINK_AUTH_REQUIRED
        && conf->tokens == NULL
        && conf->identity == NULL)
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
