
/*
 * Who may do what: roles, workspaces, agents.
 */


#include "auth/source.h"

#include <openssl/crypto.h>


typedef struct {
    ngx_str_t   name;
    ngx_uint_t  bit;
} ngx_uplink_role_t;


static const ngx_uplink_role_t  ngx_uplink_roles[] = {
    { ngx_string("sled"), NGX_UPLINK_ROLE_SLED },
    { ngx_string("operator"), NGX_UPLINK_ROLE_OPERATOR },
    { ngx_string("engine"), NGX_UPLINK_ROLE_ENGINE },
    { ngx_string("viewer"), NGX_UPLINK_ROLE_VIEWER },
    { ngx_string("admin"), NGX_UPLINK_ROLE_ADMIN },
    { ngx_null_string, 0 }
};


ngx_uint_t
ngx_uplink_role(u_char *name, size_t len)
{
    const ngx_uplink_role_t  *role;

    for (role = ngx_uplink_roles; role->bit; role++) {
        if (role->name.len == len
            && ngx_strncmp(role->name.data, name, len) == 0)
        {
            return role->bit;
        }
    }

    return 0;
}


ngx_uint_t
ngx_uplink_agent_id(ngx_str_t *id)
{
    u_char  *p, ch, c;

    if (id->len == 0 || id->len > NGX_UPLINK_NAME_MAX) {
        return 0;
    }

    for (p = id->data; p < id->data + id->len; p++) {
        ch = *p;
        c = (u_char) (ch | 0x20);

        if ((c < 'a' || c > 'z')
            && (ch < '0' || ch > '9')
            && ch != '.' && ch != '_' && ch != ':' && ch != '-')
        {
            return 0;
        }
    }

    return 1;
}


/* visible ASCII without what means something in a tokens file or in JSON */

ngx_uint_t
ngx_uplink_name(ngx_str_t *name)
{
    u_char  *p;

    if (name->len == 0 || name->len > NGX_UPLINK_NAME_MAX) {
        return 0;
    }

    for (p = name->data; p < name->data + name->len; p++) {
        if (*p <= ' ' || *p >= 0x7f
            || *p == ',' || *p == '=' || *p == '*'
            || *p == '"' || *p == '\\')
        {
            return 0;
        }
    }

    return 1;
}


/* such a name goes to logs and to other parties: no control characters */

ngx_uint_t
ngx_uplink_identity(ngx_str_t *name)
{
    u_char  *p;

    if (name->len == 0 || name->len > NGX_UPLINK_IDENTITY_MAX) {
        return 0;
    }

    for (p = name->data; p < name->data + name->len; p++) {
        if (*p < ' ' || *p == 0x7f) {
            return 0;
        }
    }

    return 1;
}


void
ngx_uplink_who_stars(ngx_uplink_who_t *who)
{
    ngx_str_t  star = ngx_string("*");

    who->everywhere = ngx_uplink_listed(who->workspaces, &star);
    who->any_agent = ngx_uplink_listed(who->agents, &star);
}


ngx_int_t
ngx_uplink_who_own_agent(ngx_pool_t *pool, ngx_uplink_who_t *who)
{
    ngx_str_t  *agent;

    who->agents = ngx_array_create(pool, 1, sizeof(ngx_str_t));
    if (who->agents == NULL) {
        return NGX_ERROR;
    }

    agent = ngx_array_push(who->agents);
    *agent = who->name;

    return NGX_OK;
}


ngx_uint_t
ngx_uplink_who_agent(ngx_uplink_who_t *who, ngx_str_t *agent)
{
    return who->any_agent || ngx_uplink_listed(who->agents, agent);
}


ngx_uint_t
ngx_uplink_who_workspace(ngx_uplink_who_t *who, ngx_str_t *ws)
{
    return who->everywhere || ngx_uplink_listed(who->workspaces, ws);
}


ngx_uint_t
ngx_uplink_listed(ngx_array_t *list, ngx_str_t *name)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (list == NULL) {
        return 0;
    }

    value = list->elts;

    for (i = 0; i < list->nelts; i++) {
        if (value[i].len == name->len
            && ngx_memcmp(value[i].data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_uplink_equal(const u_char *a, const u_char *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
