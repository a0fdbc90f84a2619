
/*
 * What a browser asks for: from the directive's variables and the URL.
 */


#include "door/terminal.h"


typedef const char *(*ngx_uplink_browser_param_pt)(ngx_uplink_visit_t *visit,
    ngx_str_t *value);

typedef struct {
    ngx_str_t                     name;
    ngx_uplink_browser_param_pt   read;
} ngx_uplink_browser_param_t;


static const char *ngx_uplink_browser_cols(ngx_uplink_visit_t *visit,
    ngx_str_t *value);
static const char *ngx_uplink_browser_rows(ngx_uplink_visit_t *visit,
    ngx_str_t *value);
static const char *ngx_uplink_browser_mode(ngx_uplink_visit_t *visit,
    ngx_str_t *value);
static const char *ngx_uplink_browser_session(ngx_uplink_visit_t *visit,
    ngx_str_t *value);
static const char *ngx_uplink_browser_offset(ngx_uplink_visit_t *visit,
    ngx_str_t *value);
static const char *ngx_uplink_browser_size(ngx_str_t *value, uint32_t *n);
static const char *ngx_uplink_browser_names(ngx_http_request_t *r,
    ngx_uplink_browser_t *browser);


static const ngx_uplink_browser_param_t  ngx_uplink_browser_params[] = {
    { ngx_string("cols"), ngx_uplink_browser_cols },
    { ngx_string("rows"), ngx_uplink_browser_rows },
    { ngx_string("mode"), ngx_uplink_browser_mode },
    { ngx_string("session"), ngx_uplink_browser_session },
    { ngx_string("offset"), ngx_uplink_browser_offset },
    { ngx_null_string, NULL }
};


const char *
ngx_uplink_browser_query(ngx_http_request_t *r, ngx_uplink_browser_t *browser)
{
    u_char                            *src, *dst;
    ngx_str_t                          value;
    const char                        *wrong, *first;
    ngx_uplink_visit_t                *visit;
    const ngx_uplink_browser_param_t  *param;

    visit = browser->visit;
    visit->cols = NGX_UPLINK_BROWSER_COLS;
    visit->rows = NGX_UPLINK_BROWSER_ROWS;

    first = NULL;

    for (param = ngx_uplink_browser_params; param->read; param++) {

        if (ngx_http_arg(r, param->name.data, param->name.len, &value)
            != NGX_OK)
        {
            continue;
        }

        dst = ngx_pnalloc(r->pool, value.len + 1);
        if (dst == NULL) {
            return "there is no memory";
        }

        src = value.data;
        value.data = dst;

        ngx_unescape_uri(&dst, &src, value.len, 0);
        value.len = dst - value.data;

        wrong = param->read(visit, &value);

        if (first == NULL) {
            first = wrong;
        }
    }

    if (first == NULL && visit->exact && visit->session.len == 0) {
        first = "\"offset\" needs \"session\"";
    }

    return first ? first : ngx_uplink_browser_names(r, browser);
}


static const char *
ngx_uplink_browser_cols(ngx_uplink_visit_t *visit, ngx_str_t *value)
{
    return ngx_uplink_browser_size(value, &visit->cols);
}


static const char *
ngx_uplink_browser_rows(ngx_uplink_visit_t *visit, ngx_str_t *value)
{
    return ngx_uplink_browser_size(value, &visit->rows);
}


/* 0 or nothing: as it is without */

static const char *
ngx_uplink_browser_size(ngx_str_t *value, uint32_t *n)
{
    ngx_int_t  size;

    if (value->len == 0) {
        return NULL;
    }

    size = ngx_atoi(value->data, value->len);

    if (size == NGX_ERROR || size > NGX_UPLINK_BROWSER_SIZE_MAX) {
        return "\"cols\" and \"rows\" must be numbers from 1 to 10000";
    }

    if (size) {
        *n = (uint32_t) size;
    }

    return NULL;
}


static const char *
ngx_uplink_browser_mode(ngx_uplink_visit_t *visit, ngx_str_t *value)
{
    if (value->len == sizeof("view") - 1
        && ngx_memcmp(value->data, "view", sizeof("view") - 1) == 0)
    {
        visit->view = 1;
        return NULL;
    }

    if (value->len == sizeof("drive") - 1
        && ngx_memcmp(value->data, "drive", sizeof("drive") - 1) == 0)
    {
        return NULL;
    }

    return "\"mode\" must be \"view\" or \"drive\"";
}


static const char *
ngx_uplink_browser_session(ngx_uplink_visit_t *visit, ngx_str_t *value)
{
    if (value->len == 0 || value->len > NGX_UPLINK_SESSION_MAX) {
        return "\"session\" must be 1 to 128 bytes long";
    }

    visit->session = *value;

    return NULL;
}


static const char *
ngx_uplink_browser_offset(ngx_uplink_visit_t *visit, ngx_str_t *value)
{
    off_t  n;

    n = ngx_atoof(value->data, value->len);

    if (n == NGX_ERROR) {
        return "\"offset\" must be a number of bytes";
    }

    visit->offset = (uint64_t) n;
    visit->exact = 1;

    return NULL;
}


static const char *
ngx_uplink_browser_names(ngx_http_request_t *r, ngx_uplink_browser_t *browser)
{
    ngx_uplink_visit_t     *visit;
    ngx_uplink_loc_conf_t  *ulcf;

    visit = browser->visit;
    ulcf = browser->conf;

    if ((ulcf->terminal_issue
         && ngx_http_complex_value(r, ulcf->terminal_issue, &visit->issue)
            != NGX_OK)
        || (ulcf->terminal_workspace
            && ngx_http_complex_value(r, ulcf->terminal_workspace,
                                      &visit->workspace)
               != NGX_OK)
        || (ulcf->terminal_sled
            && ngx_http_complex_value(r, ulcf->terminal_sled, &visit->sled)
               != NGX_OK))
    {
        return "there is no memory";
    }

    if (visit->workspace.len == 0
        || visit->workspace.len > NGX_UPLINK_WORKSPACE_MAX)
    {
        return "the workspace must be 1 to 128 bytes long";
    }

    if (visit->sled.len && !ngx_uplink_agent_id(&visit->sled)) {
        return "the sled's name is 1 to 128 characters of "
               "A-Z a-z 0-9 . _ : -";
    }

    if ((visit->issue.len == 0 && visit->sled.len == 0)
        || visit->issue.len > NGX_UPLINK_REF_MAX)
    {
        return "the issue must be 1 to 128 bytes long";
    }

    return NULL;
}
