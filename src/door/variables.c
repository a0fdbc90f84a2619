
/*
 * Variables: which worker this is, and what a request's trail says.
 */


#include "door/trail.h"
#include "fleet/fleet.h"


static ngx_int_t ngx_uplink_variable_port(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_uplink_variable_text(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_uplink_variable_close(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_uplink_variable_amount(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_uplink_variable_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uint64_t n);
static ngx_int_t ngx_uplink_variable_none(ngx_http_variable_value_t *v);


/* none can be kept: they change while a connection lasts */

static ngx_http_variable_t  ngx_uplink_vars[] = {

    { ngx_string("uplink_port"), NULL, ngx_uplink_variable_port, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("uplink_role"), NULL, ngx_uplink_variable_text,
      offsetof(ngx_uplink_trail_t, role), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("uplink_sled"), NULL, ngx_uplink_variable_text,
      offsetof(ngx_uplink_trail_t, sled), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("uplink_user"), NULL, ngx_uplink_variable_text,
      offsetof(ngx_uplink_trail_t, user), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("uplink_session"), NULL, ngx_uplink_variable_text,
      offsetof(ngx_uplink_trail_t, session), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("uplink_close"), NULL, ngx_uplink_variable_close, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("uplink_bytes_in"), NULL, ngx_uplink_variable_amount,
      offsetof(ngx_uplink_conn_t, received), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("uplink_bytes_out"), NULL, ngx_uplink_variable_amount,
      offsetof(ngx_uplink_conn_t, sent), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("uplink_messages"), NULL, ngx_uplink_variable_amount,
      offsetof(ngx_uplink_conn_t, messages), NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_uplink_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_uplink_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


/* which worker this is, in the fleet of the location */

static ngx_int_t
ngx_uplink_variable_port(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_uplink_loc_conf_t  *ulcf;

    (void) data;

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    if (ulcf->fleet == NULL || !ngx_uplink_bus_claimed(ulcf->fleet)) {
        return ngx_uplink_variable_none(v);
    }

    return ngx_uplink_variable_number(r, v, ulcf->fleet->node->port);
}


static ngx_int_t
ngx_uplink_variable_text(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t           *text;
    ngx_uplink_trail_t  *trail;

    trail = ngx_uplink_trail_of(r);

    if (trail == NULL) {
        return ngx_uplink_variable_none(v);
    }

    text = (ngx_str_t *) ((u_char *) trail + data);

    if (text->len == 0) {
        return ngx_uplink_variable_none(v);
    }

    v->len = text->len;
    v->data = text->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_variable_close(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_uplink_trail_t  *trail;

    (void) data;

    trail = ngx_uplink_trail_of(r);

    if (trail == NULL || trail->close == 0) {
        return ngx_uplink_variable_none(v);
    }

    return ngx_uplink_variable_number(r, v, trail->close);
}


/* of its WebSocket, which is in the request's pool */

static ngx_int_t
ngx_uplink_variable_amount(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_uplink_trail_t  *trail;

    trail = ngx_uplink_trail_of(r);

    if (trail == NULL || trail->conn == NULL) {
        return ngx_uplink_variable_none(v);
    }

    return ngx_uplink_variable_number(r, v,
                        *(uint64_t *) ((u_char *) trail->conn + data));
}


static ngx_int_t
ngx_uplink_variable_number(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uint64_t n)
{
    u_char  *p;

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(p, "%uL", n) - p;
    v->data = p;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_variable_none(ngx_http_variable_value_t *v)
{
    v->not_found = 1;

    return NGX_OK;
}
