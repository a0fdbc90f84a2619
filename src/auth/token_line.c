
/*
 * One line of a tokens file:
 *
 *     name:role[,role]:sha256-hex[:workspaces=a,b|*][:agents=x,y|*]
 *
 * What is wrong is told by its place only: somebody may have written the
 * token itself where its digest or a role belongs, and that must not reach
 * a log.
 */


#include "auth/tokens.h"


/* the lists at the end of a line: where they go, and what they may have */

typedef struct {
    ngx_str_t   name;
    size_t      list;
    ngx_uint_t  agents;
} ngx_uplink_token_list_t;


static const char *ngx_uplink_token_fields(ngx_conf_t *cf, u_char *p,
    u_char *last, ngx_uplink_token_t *token);
static const char *ngx_uplink_token_roles(u_char *p, u_char *last,
    ngx_uplink_token_t *token);
static const char *ngx_uplink_token_digest(u_char *p, u_char *last,
    ngx_uplink_token_t *token);
static const char *ngx_uplink_token_lists(ngx_conf_t *cf, u_char *p,
    u_char *last, ngx_uplink_token_t *token);
static const char *ngx_uplink_token_list(ngx_conf_t *cf, u_char *p,
    u_char *last, const ngx_uplink_token_list_t *kind,
    ngx_uplink_token_t *token);
static const char *ngx_uplink_token_own_agent(ngx_conf_t *cf,
    ngx_uplink_token_t *token);
static const ngx_uplink_token_list_t *ngx_uplink_token_kind(u_char *p,
    u_char *last);
static u_char *ngx_uplink_token_end(u_char *p, u_char *last, u_char ch);
static ngx_str_t *ngx_uplink_token_push(ngx_conf_t *cf, ngx_array_t **list,
    u_char *p, u_char *last);


static const char  ngx_uplink_token_memory[] = "no memory for the tokens";


static const ngx_uplink_token_list_t  ngx_uplink_token_kinds[] = {
    { ngx_string("workspaces="), offsetof(ngx_uplink_who_t, workspaces), 0 },
    { ngx_string("agents="), offsetof(ngx_uplink_who_t, agents), 1 },
    { ngx_null_string, 0, 0 }
};


ngx_int_t
ngx_uplink_token_parse(ngx_conf_t *cf, u_char *p, u_char *last,
    ngx_uplink_token_t *token)
{
    const char  *error;

    while (p < last && (*p == ' ' || *p == '\t')) {
        p++;
    }

    while (p < last
           && (last[-1] == ' ' || last[-1] == '\t' || last[-1] == CR))
    {
        last--;
    }

    if (p == last || *p == '#') {
        return NGX_DECLINED;
    }

    ngx_memzero(&token->who, sizeof(ngx_uplink_who_t));

    token->who.known = 1;

    error = ngx_uplink_token_fields(cf, p, last, token);

    if (error) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "%s in %V:%ui",
                      error, token->file, token->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static const char *
ngx_uplink_token_fields(ngx_conf_t *cf, u_char *p, u_char *last,
    ngx_uplink_token_t *token)
{
    u_char      *end;
    const char  *error;

    end = ngx_uplink_token_end(p, last, ':');

    token->who.name.data = p;
    token->who.name.len = end - p;

    if (!ngx_uplink_name(&token->who.name)) {
        return "invalid name";
    }

    if (end == last) {
        return "no roles";
    }

    p = end + 1;
    end = ngx_uplink_token_end(p, last, ':');

    error = ngx_uplink_token_roles(p, end, token);
    if (error) {
        return error;
    }

    if (end == last) {
        return "no digest";
    }

    p = end + 1;
    end = ngx_uplink_token_end(p, last, ':');

    error = ngx_uplink_token_digest(p, end, token);
    if (error) {
        return error;
    }

    if (end < last) {
        error = ngx_uplink_token_lists(cf, end + 1, last, token);
        if (error) {
            return error;
        }
    }

    return ngx_uplink_token_own_agent(cf, token);
}


static const char *
ngx_uplink_token_roles(u_char *p, u_char *last, ngx_uplink_token_t *token)
{
    u_char      *end;
    ngx_uint_t   role;

    for ( ;; ) {
        end = ngx_uplink_token_end(p, last, ',');

        role = ngx_uplink_role(p, end - p);

        if (role == 0) {
            return "unknown role";
        }

        if (token->who.roles & role) {
            return "duplicate role";
        }

        token->who.roles |= role;

        if (end == last) {
            return NULL;
        }

        p = end + 1;
    }
}


static const char *
ngx_uplink_token_digest(u_char *p, u_char *last, ngx_uplink_token_t *token)
{
    ngx_int_t   n;
    ngx_uint_t  i;

    if (last - p != 2 * NGX_UPLINK_DIGEST_LEN) {
        return "invalid digest";
    }

    for (i = 0; i < NGX_UPLINK_DIGEST_LEN; i++) {
        n = ngx_hextoi(p + 2 * i, 2);

        if (n == NGX_ERROR) {
            return "invalid digest";
        }

        token->digest[i] = (u_char) n;
    }

    return NULL;
}


/*
 * An agent may have a ":" in its name: a list ends where the next begins.
 */

static const char *
ngx_uplink_token_lists(ngx_conf_t *cf, u_char *p, u_char *last,
    ngx_uplink_token_t *token)
{
    u_char                         *end;
    const char                     *error;
    const ngx_uplink_token_list_t  *kind;

    for ( ;; ) {
        kind = ngx_uplink_token_kind(p, last);

        if (kind == NULL) {
            return "unknown parameter";
        }

        p += kind->name.len;

        for (end = ngx_uplink_token_end(p, last, ':');
             end < last && ngx_uplink_token_kind(end + 1, last) == NULL;
             end = ngx_uplink_token_end(end + 1, last, ':'))
        {
            /* void */
        }

        error = ngx_uplink_token_list(cf, p, end, kind, token);

        if (error || end == last) {
            return error;
        }

        p = end + 1;
    }
}


static const char *
ngx_uplink_token_list(ngx_conf_t *cf, u_char *p, u_char *last,
    const ngx_uplink_token_list_t *kind, ngx_uplink_token_t *token)
{
    u_char        *end;
    ngx_str_t     *item;
    ngx_array_t  **list;

    list = (ngx_array_t **) ((u_char *) &token->who + kind->list);

    if (*list || (kind->agents ? token->who.any_agent
                               : token->who.everywhere))
    {
        return kind->agents ? "duplicate agents" : "duplicate workspaces";
    }

    if (last - p == 1 && *p == '*') {

        if (kind->agents) {
            token->who.any_agent = 1;

        } else {
            token->who.everywhere = 1;
        }

        return NULL;
    }

    for ( ;; ) {
        end = ngx_uplink_token_end(p, last, ',');

        item = ngx_uplink_token_push(cf, list, p, end);
        if (item == NULL) {
            return ngx_uplink_token_memory;
        }

        if (kind->agents ? !ngx_uplink_agent_id(item)
                         : !ngx_uplink_name(item))
        {
            return kind->agents ? "invalid agent" : "invalid workspace";
        }

        if (end == last) {
            return NULL;
        }

        p = end + 1;
    }
}


/* a sled whose line names no agent is the agent of its own name */

static const char *
ngx_uplink_token_own_agent(ngx_conf_t *cf, ngx_uplink_token_t *token)
{
    if (!(token->who.roles & NGX_UPLINK_ROLE_SLED)
        || token->who.agents
        || token->who.any_agent)
    {
        return NULL;
    }

    if (!ngx_uplink_agent_id(&token->who.name)) {
        return "no agents for a sled whose name is not an agent's";
    }

    if (ngx_uplink_who_own_agent(cf->pool, &token->who) != NGX_OK) {
        return ngx_uplink_token_memory;
    }

    return NULL;
}


static const ngx_uplink_token_list_t *
ngx_uplink_token_kind(u_char *p, u_char *last)
{
    const ngx_uplink_token_list_t  *kind;

    for (kind = ngx_uplink_token_kinds; kind->name.len; kind++) {
        if ((size_t) (last - p) >= kind->name.len
            && ngx_memcmp(p, kind->name.data, kind->name.len) == 0)
        {
            return kind;
        }
    }

    return NULL;
}


static u_char *
ngx_uplink_token_end(u_char *p, u_char *last, u_char ch)
{
    u_char  *end;

    end = ngx_strlchr(p, last, ch);

    return end ? end : last;
}


static ngx_str_t *
ngx_uplink_token_push(ngx_conf_t *cf, ngx_array_t **list, u_char *p,
    u_char *last)
{
    ngx_str_t  *item;

    if (*list == NULL) {
        *list = ngx_array_create(cf->pool, 1, sizeof(ngx_str_t));
        if (*list == NULL) {
            return NULL;
        }
    }

    item = ngx_array_push(*list);
    if (item == NULL) {
        return NULL;
    }

    item->data = p;
    item->len = last - p;

    return item;
}
