
/*
 * Workspaces: names that requests and operators have in common.
 */


#include "fleet/fleet.h"


ngx_uplink_workspace_t *
ngx_uplink_workspace_get(ngx_uplink_fleet_t *fleet, ngx_str_t *name)
{
    ngx_uplink_workspace_t  *ws;

    ws = ngx_uplink_name_find(&fleet->sh->workspaces, name->data, name->len);

    if (ws == NULL) {

        ws = ngx_uplink_alloc(fleet, offsetof(ngx_uplink_workspace_t, text)
                                     + name->len);
        if (ws == NULL) {
            return NULL;
        }

        ngx_memcpy(ws->text, name->data, name->len);

        ws->name.data = ws->text;
        ws->name.len = name->len;

        ngx_uplink_name_insert(&fleet->sh->workspaces, &ws->name);
    }

    ws->refs++;

    return ws;
}


void
ngx_uplink_workspace_put(ngx_uplink_fleet_t *fleet,
    ngx_uplink_workspace_t *ws)
{
    if (--ws->refs) {
        return;
    }

    ngx_uplink_tree_delete(&fleet->sh->workspaces, &ws->name.node);
    ngx_uplink_free(fleet, ws);
}
