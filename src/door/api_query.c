
/*
 * The parameters of a call: known ones are read strictly, others ignored.
 */


#include "door/api.h"


typedef const char *(*ngx_uplink_param_pt)(ngx_uplink_query_t *query,
    ngx_str_t *value);

typedef struct {
    ngx_str_t              name;
    ngx_uplink_param_pt    read;
} ngx_uplink_param_t;


static const char *ngx_uplink_param_limit(ngx_uplink_query_t *query,
    ngx_str_t *value);
static const char *ngx_uplink_param_after(ngx_uplink_query_t *query,
    ngx_str_t *value);
static const char *ngx_uplink_param_state(ngx_uplink_query_t *query,
    ngx_str_t *value);
static const char *ngx_uplink_param_kind(ngx_uplink_query_t *query,
    ngx_str_t *value);
static const char *ngx_uplink_param_workspace(ngx_uplink_query_t *query,
    ngx_str_t *value);
static const char *ngx_uplink_param_wait(ngx_uplink_query_t *query,
    ngx_str_t *value);
static const char *ngx_uplink_query_param(ngx_uplink_query_t *query,
    ngx_str_t *name, ngx_str_t *value, ngx_uint_t *given);


static const ngx_uplink_param_t  ngx_uplink_params[] = {
    { ngx_string("limit"), ngx_uplink_param_limit },
    { ngx_string("after"), ngx_uplink_param_after },
    { ngx_string("state"), ngx_uplink_param_state },
    { ngx_string("kind"), ngx_uplink_param_kind },
    { ngx_string("workspace_id"), ngx_uplink_param_workspace },
    { ngx_string("wait"), ngx_uplink_param_wait },
    { ngx_null_string, NULL }
};


const char *
ngx_uplink_query_read(ngx_http_request_t *r, ngx_uplink_query_t *query)
{
    u_char      *p, *last, *end, *src, *dst;
    ngx_str_t    name, value;
    ngx_uint_t   given;
    const char  *wrong;

    ngx_memzero(query, sizeof(ngx_uplink_query_t));

    query->limit = NGX_UPLINK_LIST_DEFAULT;
    query->kind = -1;
    query->wait = -1;

    given = 0;

    p = r->args.data;
    last = p + r->args.len;

    while (p < last) {
        end = ngx_strlchr(p, last, '&');
        if (end == NULL) {
            end = last;
        }

        name.data = p;

        while (p < end && *p != '=') {
            p++;
        }

        name.len = p - name.data;

        if (p < end) {
            p++;
        }

        value.data = ngx_pnalloc(r->pool, end - p + 1);
        if (value.data == NULL) {
            return "there is no memory";
        }

        src = p;
        dst = value.data;
        ngx_unescape_uri(&dst, &src, end - p, 0);
        value.len = dst - value.data;

        wrong = ngx_uplink_query_param(query, &name, &value, &given);
        if (wrong) {
            return wrong;
        }

        p = end + 1;
    }

    return NULL;
}


static const char *
ngx_uplink_query_param(ngx_uplink_query_t *query, ngx_str_t *name,
    ngx_str_t *value, ngx_uint_t *given)
{
    ngx_uint_t  i;

    for (i = 0; ngx_uplink_params[i].read; i++) {

        if (ngx_uplink_params[i].name.len != name->len
            || ngx_memcmp(ngx_uplink_params[i].name.data, name->data,
                          name->len)
               != 0)
        {
            continue;
        }

        if (*given & (1 << i)) {
            return "a parameter was given twice";
        }

        *given |= 1 << i;

        return ngx_uplink_params[i].read(query, value);
    }

    return NULL;
}


static const char *
ngx_uplink_param_limit(ngx_uplink_query_t *query, ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n < 1 || n > NGX_UPLINK_LIST_MAX) {
        return "\"limit\" must be a number from 1 to 1000";
    }

    query->limit = n;

    return NULL;
}


/* for most lists a name, for requests a number */

static const char *
ngx_uplink_param_after(ngx_uplink_query_t *query, ngx_str_t *value)
{
    off_t  n;

    if (value->len == 0 || value->len > NGX_UPLINK_AGENT_MAX) {
        return "\"after\" must be what \"next\" was";
    }

    query->after = *value;

    n = ngx_atoof(value->data, value->len);
    query->version = (n == NGX_ERROR) ? 0 : (uint64_t) n;

    return NULL;
}


static const char *
ngx_uplink_param_state(ngx_uplink_query_t *query, ngx_str_t *value)
{
    if (value->len != sizeof("pending") - 1
        || ngx_memcmp(value->data, "pending", value->len) != 0)
    {
        return "\"state\" can only be \"pending\"";
    }

    return NULL;
}


static const char *
ngx_uplink_param_kind(ngx_uplink_query_t *query, ngx_str_t *value)
{
    ngx_uint_t  i;

    for (i = 0; i <= NGX_UPLINK_KIND_SPAWN; i++) {
        if (ngx_uplink_kinds[i].len == value->len
            && ngx_memcmp(ngx_uplink_kinds[i].data, value->data, value->len)
               == 0)
        {
            query->kind = i;
            return NULL;
        }
    }

    return "\"kind\" must be a type of request, for example \"perm_request\"";
}


static const char *
ngx_uplink_param_workspace(ngx_uplink_query_t *query, ngx_str_t *value)
{
    if (value->len == 0 || value->len > NGX_UPLINK_WORKSPACE_MAX) {
        return "\"workspace_id\" must be 1 to 128 bytes long";
    }

    query->workspace = *value;

    return NULL;
}


static const char *
ngx_uplink_param_wait(ngx_uplink_query_t *query, ngx_str_t *value)
{
    ngx_int_t  n;

    n = ngx_atoi(value->data, value->len);

    if (n < 0 || n > NGX_UPLINK_WAIT_MAX) {
        return "\"wait\" must be a number of seconds from 0 to 3600";
    }

    query->wait = n;

    return NULL;
}
