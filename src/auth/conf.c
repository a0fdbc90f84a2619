
#include "auth/auth.h"


char *
ngx_uplink_auth_tokens(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    return NGX_CONF_OK;
}


void
ngx_uplink_auth_create_conf(ngx_uplink_auth_conf_t *conf)
{
    conf->mode = NGX_CONF_UNSET_UINT;
    conf->query = NGX_CONF_UNSET;
}


char *
ngx_uplink_auth_merge_conf(ngx_conf_t *cf, ngx_uplink_auth_conf_t *prev,
    ngx_uplink_auth_conf_t *conf)
{
    ngx_conf_merge_uint_value(conf->mode, prev->mode,
                              NGX_UPLINK_AUTH_REQUIRED);
    ngx_conf_merge_value(conf->query, prev->query, 0);

    return NGX_CONF_OK;
}


char *
ngx_uplink_auth_check_conf(ngx_conf_t *cf, ngx_uplink_auth_conf_t *conf,
    const char *door)
{
    return NGX_CONF_OK;
}
