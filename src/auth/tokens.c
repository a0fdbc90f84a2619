
/*
 * Opaque tokens: files of SHA-256 digests, and who has the token of a
 * digest.  A file is read at start and at reload.
 */


#include "auth/tokens.h"
#include "ngx_uplink.h"

#include <openssl/evp.h>


#define NGX_UPLINK_TOKENS_SIZE  (16 * 1024 * 1024)


/* one file, its tokens ordered by digest */

typedef struct {
    ngx_uplink_token_t  *elts;
    ngx_uint_t           nelts;
    ngx_str_t           *agents;     /* of sleds, in order */
    ngx_uint_t           nagents;
} ngx_uplink_tokens_t;


static ngx_int_t ngx_uplink_tokens_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_uplink_tokens_t *tokens, ngx_uint_t nth);
static ngx_int_t ngx_uplink_tokens_agents(ngx_conf_t *cf,
    ngx_uplink_tokens_t *tokens);
static ngx_int_t ngx_uplink_tokens_register(ngx_conf_t *cf,
    ngx_uplink_tokens_t *tokens);
static ngx_int_t ngx_uplink_tokens_unique(ngx_conf_t *cf, ngx_array_t *files);
static ngx_int_t ngx_uplink_tokens_repeated(ngx_conf_t *cf,
    ngx_uplink_token_t **all, ngx_uint_t n,
    int (*cmp)(const void *one, const void *two), const char *what);
static ngx_uplink_token_t *ngx_uplink_tokens_find(ngx_uplink_tokens_t *tokens,
    u_char *digest);
static int ngx_libc_cdecl ngx_uplink_tokens_cmp_digest(const void *one,
    const void *two);
static int ngx_libc_cdecl ngx_uplink_tokens_cmp_digests(const void *one,
    const void *two);
static int ngx_libc_cdecl ngx_uplink_tokens_cmp_names(const void *one,
    const void *two);
static int ngx_libc_cdecl ngx_uplink_tokens_cmp_agents(const void *one,
    const void *two);
static int ngx_uplink_tokens_cmp_place(ngx_uplink_token_t *one,
    ngx_uplink_token_t *two);


char *
ngx_uplink_auth_tokens(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t             *value;
    ngx_array_t          **files;
    ngx_uplink_tokens_t   *tokens;

    files = (ngx_array_t **) (p + cmd->offset);

    if (*files == NGX_CONF_UNSET_PTR) {
        *files = ngx_array_create(cf->pool, 1, sizeof(ngx_uplink_tokens_t));
        if (*files == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    tokens = ngx_array_push(*files);
    if (tokens == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (ngx_uplink_tokens_read(cf, &value[1], tokens, (*files)->nelts)
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (ngx_uplink_tokens_unique(cf, *files) != NGX_OK
        || ngx_uplink_tokens_agents(cf, tokens) != NGX_OK
        || ngx_uplink_tokens_register(cf, tokens) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_uplink_tokens_read(ngx_conf_t *cf, ngx_str_t *name,
    ngx_uplink_tokens_t *tokens, ngx_uint_t nth)
{
    u_char              *p, *end, *last;
    ngx_int_t            rc;
    ngx_str_t            text, *file;
    ngx_uint_t           i, lines;
    ngx_uplink_token_t  *token;

    file = ngx_palloc(cf->pool, sizeof(ngx_str_t));
    if (file == NULL) {
        return NGX_ERROR;
    }

    *file = *name;

    if (ngx_uplink_auth_file(cf, file, NGX_UPLINK_TOKENS_SIZE, &text)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    last = text.data + text.len;
    lines = 1;

    for (p = text.data; p < last; p++) {
        lines += (*p == LF);
    }

    tokens->nelts = 0;
    tokens->elts = ngx_pcalloc(cf->pool, lines * sizeof(ngx_uplink_token_t));
    if (tokens->elts == NULL) {
        return NGX_ERROR;
    }

    lines = 0;

    for (p = text.data; p < last; p = end + 1) {
        end = ngx_strlchr(p, last, LF);
        if (end == NULL) {
            end = last;
        }

        token = &tokens->elts[tokens->nelts];
        token->nth = nth;
        token->file = file;
        token->line = ++lines;

        rc = ngx_uplink_token_parse(cf, p, end, token);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (rc == NGX_OK) {
            tokens->nelts++;
        }
    }

    ngx_qsort(tokens->elts, (size_t) tokens->nelts,
              sizeof(ngx_uplink_token_t), ngx_uplink_tokens_cmp_digest);

    for (i = 0; i < tokens->nelts; i++) {
        tokens->elts[i].who.digest = tokens->elts[i].digest;
    }

    return NGX_OK;
}


/* whom a token is bound to, for those who come without one */

static ngx_int_t
ngx_uplink_tokens_agents(ngx_conf_t *cf, ngx_uplink_tokens_t *tokens)
{
    ngx_str_t         *agent;
    ngx_uint_t         i, j, n;
    ngx_uplink_who_t  *who;

    n = 0;

    for (i = 0; i < tokens->nelts; i++) {
        who = &tokens->elts[i].who;
        n += who->agents ? who->agents->nelts : 0;
    }

    tokens->nagents = 0;
    tokens->agents = ngx_palloc(cf->pool, (n + 1) * sizeof(ngx_str_t));
    if (tokens->agents == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < tokens->nelts; i++) {
        who = &tokens->elts[i].who;

        if (who->agents == NULL || !(who->roles & NGX_UPLINK_ROLE_SLED)) {
            continue;
        }

        agent = who->agents->elts;

        for (j = 0; j < who->agents->nelts; j++) {
            tokens->agents[tokens->nagents++] = agent[j];
        }
    }

    ngx_qsort(tokens->agents, (size_t) tokens->nagents, sizeof(ngx_str_t),
              ngx_uplink_tokens_cmp_agents);

    return NGX_OK;
}


/* every file of the configuration, for ngx_uplink_auth_known() */

static ngx_int_t
ngx_uplink_tokens_register(ngx_conf_t *cf, ngx_uplink_tokens_t *tokens)
{
    ngx_uplink_tokens_t     *file;
    ngx_uplink_main_conf_t  *umcf;

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_uplink_module);

    if (umcf->tokens == NULL) {
        umcf->tokens = ngx_array_create(cf->pool, 1,
                                        sizeof(ngx_uplink_tokens_t));
        if (umcf->tokens == NULL) {
            return NGX_ERROR;
        }
    }

    file = ngx_array_push(umcf->tokens);
    if (file == NULL) {
        return NGX_ERROR;
    }

    *file = *tokens;

    return NGX_OK;
}


/*
 * A name or a token stands once in all files of a level: with two lines it
 * would depend on their order who somebody is.
 */

static ngx_int_t
ngx_uplink_tokens_unique(ngx_conf_t *cf, ngx_array_t *files)
{
    ngx_int_t              rc;
    ngx_uint_t             i, j, n;
    ngx_uplink_token_t   **all;
    ngx_uplink_tokens_t   *tokens;

    tokens = files->elts;
    n = 0;

    for (i = 0; i < files->nelts; i++) {
        n += tokens[i].nelts;
    }

    if (n == 0) {
        return NGX_OK;
    }

    all = ngx_alloc(n * sizeof(ngx_uplink_token_t *), cf->log);
    if (all == NULL) {
        return NGX_ERROR;
    }

    n = 0;

    for (i = 0; i < files->nelts; i++) {
        for (j = 0; j < tokens[i].nelts; j++) {
            all[n++] = &tokens[i].elts[j];
        }
    }

    rc = ngx_uplink_tokens_repeated(cf, all, n, ngx_uplink_tokens_cmp_names,
                                    "name");
    if (rc == NGX_OK) {
        rc = ngx_uplink_tokens_repeated(cf, all, n,
                                        ngx_uplink_tokens_cmp_digests,
                                        "digest");
    }

    ngx_free(all);

    return rc;
}


static ngx_int_t
ngx_uplink_tokens_repeated(ngx_conf_t *cf, ngx_uplink_token_t **all,
    ngx_uint_t n, int (*cmp)(const void *one, const void *two),
    const char *what)
{
    ngx_uint_t           i;
    ngx_uplink_token_t  *token, *first;

    ngx_qsort(all, (size_t) n, sizeof(ngx_uplink_token_t *), cmp);

    for (i = 1; i < n; i++) {
        if (cmp(&all[i - 1], &all[i]) != 0) {
            continue;
        }

        token = all[i - 1];
        first = all[i];

        if (ngx_uplink_tokens_cmp_place(token, first) < 0) {
            token = all[i];
            first = all[i - 1];
        }

        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "duplicate %s of \"%V\" in %V:%ui, "
                      "the first one is in %V:%ui",
                      what, &token->who.name, token->file, token->line,
                      first->file, first->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_uplink_tokens_verify(ngx_pool_t *pool, ngx_uplink_auth_conf_t *conf,
    ngx_str_t *token, ngx_uplink_who_t *who)
{
    u_char                digest[NGX_UPLINK_DIGEST_LEN];
    ngx_uint_t            i;
    ngx_uplink_token_t   *found;
    ngx_uplink_tokens_t  *tokens;

    if (conf->tokens == NULL) {
        return NGX_DECLINED;
    }

    if (EVP_Digest(token->data, token->len, digest, NULL, EVP_sha256(), NULL)
        != 1)
    {
        ngx_log_error(NGX_LOG_ALERT, pool->log, 0, "EVP_Digest() failed");
        return NGX_ERROR;
    }

    tokens = conf->tokens->elts;

    for (i = 0; i < conf->tokens->nelts; i++) {
        found = ngx_uplink_tokens_find(&tokens[i], digest);

        if (found) {
            *who = found->who;
            return NGX_OK;
        }
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_uplink_auth_known(ngx_array_t *files, u_char *digest)
{
    ngx_uint_t            i;
    ngx_uplink_tokens_t  *tokens;

    if (files == NULL) {
        return 0;
    }

    tokens = files->elts;

    for (i = 0; i < files->nelts; i++) {
        if (ngx_uplink_tokens_find(&tokens[i], digest)) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_uplink_auth_bound(ngx_uplink_auth_conf_t *conf, ngx_str_t *agent)
{
    int                   rc;
    ngx_uint_t            i, left, right, middle;
    ngx_uplink_tokens_t  *tokens;

    if (conf->tokens == NULL) {
        return 0;
    }

    tokens = conf->tokens->elts;

    for (i = 0; i < conf->tokens->nelts; i++) {

        left = 0;
        right = tokens[i].nagents;

        while (left < right) {
            middle = left + (right - left) / 2;

            rc = ngx_uplink_tokens_cmp_agents(&tokens[i].agents[middle],
                                              agent);
            if (rc == 0) {
                return 1;
            }

            if (rc < 0) {
                left = middle + 1;

            } else {
                right = middle;
            }
        }
    }

    return 0;
}


/*
 * How long the search takes tells something about a digest of a token, but
 * nothing about the token; still, what says "yes" takes the same time always.
 */

static ngx_uplink_token_t *
ngx_uplink_tokens_find(ngx_uplink_tokens_t *tokens, u_char *digest)
{
    ngx_uint_t           left, right, middle;
    ngx_uplink_token_t  *token;

    left = 0;
    right = tokens->nelts;

    while (left < right) {
        middle = left + (right - left) / 2;

        if (ngx_memcmp(tokens->elts[middle].digest, digest,
                       NGX_UPLINK_DIGEST_LEN)
            < 0)
        {
            left = middle + 1;

        } else {
            right = middle;
        }
    }

    if (left == tokens->nelts) {
        return NULL;
    }

    token = &tokens->elts[left];

    if (!ngx_uplink_equal(token->digest, digest, NGX_UPLINK_DIGEST_LEN)) {
        return NULL;
    }

    return token;
}


static int ngx_libc_cdecl
ngx_uplink_tokens_cmp_digest(const void *one, const void *two)
{
    const ngx_uplink_token_t  *first = one;
    const ngx_uplink_token_t  *second = two;

    return ngx_memcmp(first->digest, second->digest, NGX_UPLINK_DIGEST_LEN);
}


static int ngx_libc_cdecl
ngx_uplink_tokens_cmp_digests(const void *one, const void *two)
{
    ngx_uplink_token_t  *const *first = one;
    ngx_uplink_token_t  *const *second = two;

    return ngx_uplink_tokens_cmp_digest(*first, *second);
}


static int ngx_libc_cdecl
ngx_uplink_tokens_cmp_names(const void *one, const void *two)
{
    ngx_uplink_token_t  *const *first = one;
    ngx_uplink_token_t  *const *second = two;

    return (int) ngx_memn2cmp((*first)->who.name.data,
                              (*second)->who.name.data,
                              (*first)->who.name.len,
                              (*second)->who.name.len);
}


static int ngx_libc_cdecl
ngx_uplink_tokens_cmp_agents(const void *one, const void *two)
{
    const ngx_str_t  *first = one;
    const ngx_str_t  *second = two;

    return (int) ngx_memn2cmp(first->data, second->data, first->len,
                              second->len);
}


static int
ngx_uplink_tokens_cmp_place(ngx_uplink_token_t *one, ngx_uplink_token_t *two)
{
    if (one->nth != two->nth) {
        return (one->nth < two->nth) ? -1 : 1;
    }

    return (one->line < two->line) ? -1 : 1;
}
