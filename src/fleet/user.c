
/*
 * Users of terminals: how many each of them has.
 */


#include "fleet/terminal.h"


typedef struct {
    ngx_uplink_name_t        name;
    ngx_uint_t               terminals;
    u_char                   text[1];
} ngx_uplink_user_t;


ngx_uplink_name_t *
ngx_uplink_user_get(ngx_uplink_fleet_t *fleet, ngx_str_t *user)
{
    ngx_uplink_user_t  *u;

    u = ngx_uplink_name_find(&fleet->sh->users, user->data, user->len);

    if (u == NULL) {

        u = ngx_uplink_alloc(fleet, offsetof(ngx_uplink_user_t, text)
                                    + user->len);
        if (u == NULL) {
            return NULL;
        }

        ngx_memcpy(u->text, user->data, user->len);

        u->name.data = u->text;
        u->name.len = user->len;

        ngx_uplink_name_insert(&fleet->sh->users, &u->name);
    }

    u->terminals++;

    return &u->name;
}


void
ngx_uplink_user_put(ngx_uplink_fleet_t *fleet, ngx_uplink_name_t *user)
{
    ngx_uplink_user_t  *u;

    u = (ngx_uplink_user_t *) user;

    if (--u->terminals == 0) {
        ngx_uplink_tree_delete(&fleet->sh->users, &u->name.node);
        ngx_uplink_free(fleet, u);
    }
}


ngx_uint_t
ngx_uplink_user_count(ngx_uplink_fleet_t *fleet, ngx_str_t *user)
{
    ngx_uplink_user_t  *u;

    u = ngx_uplink_name_find(&fleet->sh->users, user->data, user->len);

    return u ? u->terminals : 0;
}
