
/*
 * uplink_audit_log: a fleet's audit log.  It stands in the http block, as
 * uplink_zone does: what happens to a request happens in several locations,
 * and some of it (an expiry, a worker that died) in none.
 */


#include "door/audit.h"


static ngx_uplink_audit_conf_t *ngx_uplink_audit_find(
    ngx_uplink_main_conf_t *umcf, ngx_str_t *fleet);


/* a parameter, and where its word goes */

typedef struct {
    ngx_str_t                name;
    ngx_str_t                words[2];   /* 0 and 1 */
} ngx_uplink_audit_parameter_t;


enum {
    NGX_UPLINK_AUDIT_PARAMETER_INPUT = 0,
    NGX_UPLINK_AUDIT_PARAMETER_ERROR
};


static const ngx_uplink_audit_parameter_t  ngx_uplink_audit_parameters[] = {
    { ngx_string("input="), { ngx_string("off"), ngx_string("on") } },
    { ngx_string("on_error="), { ngx_string("log"), ngx_string("deny") } },
    { ngx_null_string, { ngx_null_string, ngx_null_string } }
};


static ngx_int_t
ngx_uplink_audit_word(ngx_str_t *value, ngx_uint_t *parameter,
    ngx_uint_t *word)
{
    ngx_str_t                            s;
    const ngx_uplink_audit_parameter_t  *p;

    for (p = ngx_uplink_audit_parameters; p->name.len; p++) {

        if (value->len < p->name.len
            || ngx_strncmp(value->data, p->name.data, p->name.len) != 0)
        {
            continue;
        }

        s.data = value->data + p->name.len;
        s.len = value->len - p->name.len;

        for (*word = 0; *word < 2; (*word)++) {
            if (s.len == p->words[*word].len
                && ngx_strncmp(s.data, p->words[*word].data, s.len) == 0)
            {
                *parameter = p - ngx_uplink_audit_parameters;
                return NGX_OK;
            }
        }
    }

    return NGX_DECLINED;
}


char *
ngx_uplink_audit_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_uplink_main_conf_t  *umcf = conf;

    ngx_str_t                *value, fleet;
    ngx_uint_t                i, parameter, word;
    ngx_uplink_audit_conf_t  *audit;

    value = cf->args->elts;

    ngx_str_set(&fleet, "");

    audit = ngx_array_push(&umcf->audits);
    if (audit == NULL) {
        return NGX_CONF_ERROR;
    }

    umcf->audits.nelts--;
    ngx_memzero(audit, sizeof(ngx_uplink_audit_conf_t));

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "fleet=", 6) == 0 && value[i].len > 6) {
            fleet.data = value[i].data + 6;
            fleet.len = value[i].len - 6;
            continue;
        }

        if (ngx_uplink_audit_word(&value[i], &parameter, &word) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (parameter == NGX_UPLINK_AUDIT_PARAMETER_INPUT) {
            audit->input = word;

        } else {
            audit->deny = word;
        }
    }

    if (ngx_uplink_audit_find(umcf, &fleet)) {
        return "is duplicate";
    }

    /* it must be there in the end, as for the doors */

    if (fleet.len && ngx_uplink_zone_find(cf, &fleet, "uplink_audit_log")
                     == NULL)
    {
        return NGX_CONF_ERROR;
    }

    audit->fleet = fleet;
    umcf->audits.nelts++;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    audit->file = ngx_conf_open_file(cf->cycle, &value[1]);
    if (audit->file == NULL) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_uplink_audit_conf_t *
ngx_uplink_audit_find(ngx_uplink_main_conf_t *umcf, ngx_str_t *fleet)
{
    ngx_uint_t                i;
    ngx_uplink_audit_conf_t  *audit;

    audit = umcf->audits.elts;

    for (i = 0; i < umcf->audits.nelts; i++) {
        if (audit[i].fleet.len == fleet->len
            && ngx_strncmp(audit[i].fleet.data, fleet->data, fleet->len) == 0)
        {
            return &audit[i];
        }
    }

    return NULL;
}


/* a fleet's own, or that of all fleets */

char *
ngx_uplink_audit_check(ngx_conf_t *cf)
{
    ngx_str_t                 all;
    ngx_uint_t                i;
    ngx_uplink_fleet_t      **fleets;
    ngx_uplink_main_conf_t   *umcf;
    ngx_uplink_audit_conf_t  *audit;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_uplink_module);

    ngx_str_set(&all, "");

    fleets = umcf->fleets.elts;

    for (i = 0; i < umcf->fleets.nelts; i++) {

        audit = ngx_uplink_audit_find(umcf, &fleets[i]->name);

        if (audit == NULL) {
            audit = ngx_uplink_audit_find(umcf, &all);
        }

        fleets[i]->audit = (audit && audit->file) ? audit : NULL;
    }

    return NGX_CONF_OK;
}
