
/*
 * The directives that make a location a door, and lists of the doors.
 */


#include "ngx_uplink.h"
#include "fleet/zone.h"
#include "door/console.h"


typedef struct {
    ngx_str_t             name;
    ngx_http_handler_pt   handler;
} ngx_uplink_door_t;


/* every door: its directive and its content handler */

static const ngx_uplink_door_t  ngx_uplink_doors[] = {
    { ngx_string("uplink_echo"), ngx_uplink_echo_handler },
    { ngx_string("uplink_sled"), ngx_uplink_sled_handler },
    { ngx_string("uplink_api"), ngx_uplink_api_handler },
    { ngx_string("uplink_terminal"), ngx_uplink_terminal_handler },
    { ngx_string("uplink_status"), ngx_uplink_status_handler },
    { ngx_string("uplink_console"), ngx_uplink_console_handler },
    { ngx_null_string, NULL }
};


static ngx_int_t ngx_uplink_status_word(ngx_uplink_loc_conf_t *ulcf,
    ngx_str_t *word);


/*
 * A location has one door: it takes the place of the content handler.  The
 * first argument, if there is one, is the fleet.
 */

char *
ngx_uplink_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_uplink_loc_conf_t *ulcf = conf;

    ngx_str_t                 *value;
    const ngx_uplink_door_t   *door;
    ngx_http_core_loc_conf_t  *clcf;

    if (ulcf->door) {
        return "is duplicate";
    }

    for (door = ngx_uplink_doors; door->handler; door++) {
        if (door->name.len == cmd->name.len
            && ngx_strcmp(door->name.data, cmd->name.data) == 0)
        {
            break;
        }
    }

    value = cf->args->elts;

    ulcf->door = (const char *) cmd->name.data;

    if (cf->args->nelts > 1) {
        ulcf->fleet = ngx_uplink_zone_find(cf, &value[1], ulcf->door);
        if (ulcf->fleet == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = door->handler;

    return NGX_CONF_OK;
}


/* what it serves is what follows the location's prefix: there has to be one */

char *
ngx_uplink_prefix_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->named || clcf->noname || clcf->exact_match
#if (NGX_PCRE)
        || clcf->regex
#endif
       )
    {
        return "needs a location given by a prefix";
    }

    return ngx_uplink_door(cf, cmd, conf);
}


/*
 * Where the page finds the fleet's other doors.  They are of its own host:
 * the page may not talk to another.
 */

char *
ngx_uplink_console_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_uplink_loc_conf_t *ulcf = conf;

    char                      *rc;
    u_char                    *data;
    size_t                     len;
    ngx_str_t                 *value, paths[NGX_UPLINK_CONSOLE_PATHS];
    ngx_uint_t                 i, n, given;
    ngx_http_core_loc_conf_t  *clcf;

    static const ngx_str_t  names[] = {
        ngx_string("api="), ngx_string("terminal="), ngx_string("status=")
    };

    rc = ngx_uplink_prefix_door(cf, cmd, conf);
    if (rc != NGX_CONF_OK) {
        return rc;
    }

    ngx_str_set(&paths[NGX_UPLINK_CONSOLE_API], "/v1");
    ngx_str_set(&paths[NGX_UPLINK_CONSOLE_TERMINAL],
                "/ws/issues/{issue}/terminal");
    ngx_str_set(&paths[NGX_UPLINK_CONSOLE_STATUS], "/status");

    value = cf->args->elts;
    given = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        for (n = 0; n < NGX_UPLINK_CONSOLE_PATHS; n++) {
            if (value[i].len > names[n].len
                && ngx_strncmp(value[i].data, names[n].data, names[n].len)
                   == 0)
            {
                break;
            }
        }

        if (n == NGX_UPLINK_CONSOLE_PATHS || (given & (1 << n))) {
            break;
        }

        given |= 1 << n;

        data = value[i].data + names[n].len;
        len = value[i].len - names[n].len;

        if (data[0] != '/' || (len > 1 && data[1] == '/')
            || (n == NGX_UPLINK_CONSOLE_TERMINAL
                && ngx_strstr(data, "{issue}") == NULL))
        {
            break;
        }

        paths[n].data = data;
        paths[n].len = len;
    }

    if (i < cf->args->nelts) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           &value[i]);
        return NGX_CONF_ERROR;
    }

    ulcf->console = ngx_uplink_console_create(cf, &value[1], paths);
    if (ulcf->console == NULL) {
        return NGX_CONF_ERROR;
    }

    /* a request for the prefix without its slash is sent there by core */

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    clcf->auto_redirect = (clcf->name.len
                           && clcf->name.data[clcf->name.len - 1] == '/');

    return NGX_CONF_OK;
}


/* issue, workspace and sled are made of variables, for each browser anew */

char *
ngx_uplink_terminal_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_uplink_loc_conf_t *ulcf = conf;

    char                             *rc;
    ngx_str_t                        *value, text;
    ngx_uint_t                        i, n;
    ngx_http_compile_complex_value_t  ccv;

    static const ngx_str_t  names[] = {
        ngx_string("issue="), ngx_string("workspace="), ngx_string("sled=")
    };

    ngx_http_complex_value_t  **slots[] = {
        &ulcf->terminal_issue, &ulcf->terminal_workspace, &ulcf->terminal_sled
    };

    rc = ngx_uplink_door(cf, cmd, conf);
    if (rc != NGX_CONF_OK) {
        return rc;
    }

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        for (n = 0; n < 3; n++) {
            if (value[i].len > names[n].len
                && ngx_strncmp(value[i].data, names[n].data, names[n].len)
                   == 0)
            {
                break;
            }
        }

        if (n == 3 || *slots[n]) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        *slots[n] = ngx_pcalloc(cf->pool, sizeof(ngx_http_complex_value_t));
        if (*slots[n] == NULL) {
            return NGX_CONF_ERROR;
        }

        text.data = value[i].data + names[n].len;
        text.len = value[i].len - names[n].len;

        ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

        ccv.cf = cf;
        ccv.value = &text;
        ccv.complex_value = *slots[n];

        if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

    if (ulcf->terminal_workspace == NULL
        || (ulcf->terminal_issue == NULL && ulcf->terminal_sled == NULL))
    {
        return "needs \"workspace=\", and \"issue=\" or \"sled=\"";
    }

    return NGX_CONF_OK;
}


/* "off", where a level above has one */

char *
ngx_uplink_resolve(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_uplink_loc_conf_t *ulcf = conf;

    ngx_str_t  *value;

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (ulcf->resolve != NGX_CONF_UNSET_PTR) {
            return "is duplicate";
        }

        ulcf->resolve = NULL;
        return NGX_CONF_OK;
    }

    if (value[1].len == 0 || value[1].data[0] != '/') {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid URI \"%V\", it must begin with \"/\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    return ngx_http_set_complex_value_slot(cf, cmd, conf);
}


char *
ngx_uplink_status_door(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_uplink_loc_conf_t *ulcf = conf;

    char        *rc;
    ngx_str_t   *value;
    ngx_uint_t   i;

    rc = ngx_uplink_door(cf, cmd, conf);
    if (rc != NGX_CONF_OK) {
        return rc;
    }

    value = cf->args->elts;

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_uplink_status_word(ulcf, &value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    if (ulcf->view == 0) {
        ulcf->view = NGX_UPLINK_STATUS_JSON;
    }

    if (ulcf->by_sled && ulcf->view != NGX_UPLINK_STATUS_PROMETHEUS) {
        return "has \"labels=\" without \"format=prometheus\"";
    }

    if (ulcf->min_sleds && ulcf->view == NGX_UPLINK_STATUS_LIVE) {
        return "has \"min_sleds=\" with \"live\"";
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_uplink_status_word(ngx_uplink_loc_conf_t *ulcf, ngx_str_t *word)
{
    const ngx_conf_enum_t  *e;

    static const ngx_conf_enum_t  views[] = {
        { ngx_string("format=json"), NGX_UPLINK_STATUS_JSON },
        { ngx_string("format=prometheus"), NGX_UPLINK_STATUS_PROMETHEUS },
        { ngx_string("ready"), NGX_UPLINK_STATUS_READY },
        { ngx_string("live"), NGX_UPLINK_STATUS_LIVE },
        { ngx_null_string, 0 }
    };

    for (e = views; e->name.len; e++) {

        if (ngx_strcmp(word->data, e->name.data) != 0) {
            continue;
        }

        /* one of them; but "ready" and "live" are JSON anyway */

        if (ulcf->view
            && (ngx_min(ulcf->view, e->value) != NGX_UPLINK_STATUS_JSON
                || ngx_max(ulcf->view, e->value) < NGX_UPLINK_STATUS_READY))
        {
            return NGX_ERROR;
        }

        ulcf->view = ngx_max(ulcf->view, e->value);

        return NGX_OK;
    }

    if (ngx_strcmp(word->data, "labels=sled") == 0) {
        ulcf->by_sled = 1;
        return NGX_OK;
    }

    if (ngx_strncmp(word->data, "min_sleds=", 10) != 0) {
        return NGX_ERROR;
    }

    ulcf->min_sleds = ngx_atoi(word->data + 10, word->len - 10);

    return (ulcf->min_sleds == NGX_ERROR) ? NGX_ERROR : NGX_OK;
}


char *
ngx_uplink_allowed_agents(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_uplink_loc_conf_t *ulcf = conf;

    ngx_str_t   *value, *agent;
    ngx_uint_t   i;

    if (ulcf->allowed_agents == NGX_CONF_UNSET_PTR) {
        ulcf->allowed_agents = ngx_array_create(cf->pool, 4,
                                                sizeof(ngx_str_t));
        if (ulcf->allowed_agents == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (!ngx_uplink_agent_id(&value[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid agent id \"%V\" in \"%V\" directive",
                               &value[i], &cmd->name);
            return NGX_CONF_ERROR;
        }

        agent = ngx_array_push(ulcf->allowed_agents);
        if (agent == NULL) {
            return NGX_CONF_ERROR;
        }

        *agent = value[i];
    }

    return NGX_CONF_OK;
}
