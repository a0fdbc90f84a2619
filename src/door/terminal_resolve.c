
/*
 * uplink_resolve: somebody else knows which sled and which task belong to an
 * issue.  Asked by an internal subrequest before the content, as
 * uplink_authorize is, and for those alone who may be admitted.
 */


#include "door/terminal.h"


typedef struct {
    ngx_http_request_t      *request;
    ngx_http_request_t      *subrequest;
    ngx_int_t                rc;
    unsigned                 answered:1;
} ngx_uplink_resolve_t;


enum {
    NGX_UPLINK_RESOLVE_AGENT = NGX_UPLINK_TASK_FIELDS,
    NGX_UPLINK_RESOLVE_MEMBERS
};


static ngx_int_t ngx_uplink_resolve_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_uplink_resolve_wanted(ngx_http_request_t *r,
    ngx_uplink_loc_conf_t *ulcf);
static ngx_uplink_resolve_t *ngx_uplink_resolve_find(ngx_http_request_t *r);
static ngx_int_t ngx_uplink_resolve_ask(ngx_http_request_t *r,
    ngx_http_complex_value_t *value);
static void ngx_uplink_resolve_cleanup(void *data);
static ngx_int_t ngx_uplink_resolve_answered(ngx_http_request_t *r,
    void *data, ngx_int_t rc);
static const char *ngx_uplink_resolve_read(ngx_buf_t *b,
    ngx_uplink_visit_t *visit);
static const char *ngx_uplink_resolve_check(ngx_uplink_visit_t *visit);


ngx_int_t
ngx_uplink_resolve_init(ngx_conf_t *cf)
{
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    h = ngx_array_push(&cmcf->phases[NGX_HTTP_PRECONTENT_PHASE].handlers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    *h = ngx_uplink_resolve_handler;

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_resolve_handler(ngx_http_request_t *r)
{
    ngx_uplink_resolve_t   *ctx;
    ngx_uplink_loc_conf_t  *ulcf;

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    if (r != r->main || ulcf->terminal_workspace == NULL
        || ulcf->resolve == NULL)
    {
        return NGX_DECLINED;
    }

    ctx = ngx_uplink_resolve_find(r);

    if (ctx) {
        return ctx->answered ? NGX_DECLINED : NGX_AGAIN;
    }

    if (!ngx_uplink_resolve_wanted(r, ulcf)) {
        return NGX_DECLINED;
    }

    return ngx_uplink_resolve_ask(r, ulcf->resolve);
}


/* a new terminal, for one who was not refused already */

static ngx_uint_t
ngx_uplink_resolve_wanted(ngx_http_request_t *r, ngx_uplink_loc_conf_t *ulcf)
{
    ngx_int_t          rc;
    ngx_str_t          value;
    ngx_uplink_who_t   who;

    if (!r->headers_in.upgrade
        || ngx_http_arg(r, (u_char *) "session", 7, &value) == NGX_OK
        || (ngx_http_arg(r, (u_char *) "mode", 4, &value) == NGX_OK
            && value.len == 4 && ngx_memcmp(value.data, "view", 4) == 0)
        || ngx_uplink_auth_origin(r, &ulcf->auth, 1) != NGX_OK)
    {
        return 0;
    }

    /* a shell on a sled that is named has no task */

    if (ulcf->terminal_sled
        && (ngx_http_complex_value(r, ulcf->terminal_sled, &value) != NGX_OK
            || value.len))
    {
        return 0;
    }

    ngx_memzero(&who, sizeof(ngx_uplink_who_t));

    rc = ngx_uplink_auth_request(r, &ulcf->auth, ngx_uplink_browser_roles(0),
                                 &who);

    return rc == NGX_OK || rc == NGX_DECLINED;
}


static ngx_uplink_resolve_t *
ngx_uplink_resolve_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t    *cln;
    ngx_uplink_resolve_t  *ctx;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_uplink_resolve_cleanup) {
            ctx = cln->data;

            if (ctx->request == r) {
                return ctx;
            }
        }
    }

    return NULL;
}


static void
ngx_uplink_resolve_cleanup(void *data)
{
    ngx_uplink_resolve_t  *ctx = data;

    /* all that it has is of the same pool */

    ctx->subrequest = NULL;
}


static ngx_int_t
ngx_uplink_resolve_ask(ngx_http_request_t *r, ngx_http_complex_value_t *value)
{
    ngx_str_t                    uri, args;
    ngx_uint_t                   flags;
    ngx_http_request_t          *sr;
    ngx_pool_cleanup_t          *cln;
    ngx_uplink_resolve_t        *ctx;
    ngx_http_post_subrequest_t  *ps;

    flags = 0;
    ngx_str_null(&args);

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_uplink_resolve_t));
    ps = ngx_palloc(r->pool, sizeof(ngx_http_post_subrequest_t));

    if (cln == NULL || ps == NULL
        || ngx_http_complex_value(r, value, &uri) != NGX_OK)
    {
        return NGX_ERROR;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_uplink_resolve_t));

    ctx->request = r;
    cln->handler = ngx_uplink_resolve_cleanup;

    /* what stands in variables may be anything */

    if (ngx_http_parse_unsafe_uri(r, &uri, &args, &flags) != NGX_OK) {
        ctx->rc = NGX_HTTP_BAD_REQUEST;
        ctx->answered = 1;
        return NGX_DECLINED;
    }

    ps->handler = ngx_uplink_resolve_answered;
    ps->data = ctx;

    if (ngx_http_subrequest(r, &uri, &args, &sr, ps,
                            NGX_HTTP_SUBREQUEST_IN_MEMORY
                            |NGX_HTTP_SUBREQUEST_WAITED)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* so that nobody reads the body of the main request, as in core */

    sr->request_body = ngx_pcalloc(r->pool, sizeof(ngx_http_request_body_t));
    if (sr->request_body == NULL) {
        return NGX_ERROR;
    }

    ctx->subrequest = sr;

    return NGX_AGAIN;
}


/* whatever it was, it is told to the browser, and ends nothing else */

static ngx_int_t
ngx_uplink_resolve_answered(ngx_http_request_t *r, void *data, ngx_int_t rc)
{
    ngx_uplink_resolve_t  *ctx = data;

    if (ctx->answered) {
        return rc;
    }

    ctx->answered = 1;
    ctx->rc = (rc >= NGX_HTTP_SPECIAL_RESPONSE || rc == NGX_ERROR)
              ? rc : (ngx_int_t) r->headers_out.status;

    return (rc == NGX_ERROR && r->connection->error) ? rc : NGX_OK;
}


const char *
ngx_uplink_resolved(ngx_http_request_t *r, ngx_uplink_visit_t *visit)
{
    const char            *code;
    ngx_chain_t           *out;
    ngx_uplink_resolve_t  *ctx;

    ctx = ngx_uplink_resolve_find(r);

    if (ctx == NULL) {
        return NULL;
    }

    if (ctx->rc == NGX_HTTP_NOT_FOUND || ctx->rc == NGX_HTTP_BAD_REQUEST) {
        return "task_not_found";
    }

    if (ctx->rc == NGX_HTTP_FORBIDDEN || ctx->rc == NGX_HTTP_UNAUTHORIZED) {
        return "forbidden";
    }

    out = ctx->subrequest ? ctx->subrequest->out : NULL;

    visit->resolved = ngx_pcalloc(r->pool, sizeof(ngx_uplink_task_spec_t));

    if (ctx->rc != NGX_HTTP_OK || out == NULL || visit->resolved == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"uplink_resolve\" unexpected status: %i", ctx->rc);
        return "internal";
    }

    code = ngx_uplink_resolve_read(out->buf, visit);

    if (code && ngx_strcmp(code, "internal") == 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"uplink_resolve\" answered no valid JSON object");
    }

    return code;
}


static const char *
ngx_uplink_resolve_read(ngx_buf_t *b, ngx_uplink_visit_t *visit)
{
    size_t                    max;
    ngx_str_t                 names[NGX_UPLINK_RESOLVE_MEMBERS], *field;
    ngx_uint_t                i;
    ngx_uplink_value_t        json, v[NGX_UPLINK_RESOLVE_MEMBERS];
    ngx_uplink_json_error_t   err;

    if (ngx_uplink_json_check(b->pos, b->last - b->pos, &json, &err) != NGX_OK
        || json.kind != NGX_UPLINK_JSON_OBJECT)
    {
        return "internal";
    }

    for (i = 0; i < NGX_UPLINK_TASK_FIELDS; i++) {
        names[i] = ngx_uplink_task_fields[i];
    }

    ngx_str_set(&names[NGX_UPLINK_RESOLVE_AGENT], "agent_id");

    ngx_uplink_json_members(&json, names, NGX_UPLINK_RESOLVE_MEMBERS, v);

    for (i = 0; i < NGX_UPLINK_RESOLVE_MEMBERS; i++) {

        if (v[i].kind <= NGX_UPLINK_JSON_NULL) {
            continue;
        }

        field = (i == NGX_UPLINK_RESOLVE_AGENT) ? &visit->sled
                                                : &visit->resolved->field[i];
        max = (i == NGX_UPLINK_TASK_WORK_DIR) ? NGX_UPLINK_TASK_FIELD_MAX
                                              : NGX_UPLINK_REF_MAX;
        field->data = v[i].start;

        if (v[i].kind != NGX_UPLINK_JSON_STRING
            || ngx_uplink_json_string(&v[i], field->data, max, &field->len)
               != NGX_OK)
        {
            return "internal";
        }
    }

    return ngx_uplink_resolve_check(visit);
}


static const char *
ngx_uplink_resolve_check(ngx_uplink_visit_t *visit)
{
    ngx_str_t  *ws;

    ws = &visit->resolved->field[NGX_UPLINK_TASK_WORKSPACE];

    if (ws->len && (ws->len != visit->workspace.len
                    || ngx_memcmp(ws->data, visit->workspace.data, ws->len)
                       != 0))
    {
        return "workspace_mismatch";
    }

    return (visit->sled.len
            && visit->resolved->field[NGX_UPLINK_TASK_WORK_DIR].len)
               ? NULL : "task_not_found";
}
