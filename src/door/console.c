
/*
 * uplink_console: the web page of a fleet, out of the module itself.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_md5.h>

#include "door/console.h"
#include "door/door.h"


#define NGX_UPLINK_PAGE_ETAG  (sizeof("\"\"") - 1 + 2 * 16)


static ngx_int_t ngx_uplink_page_headers(ngx_http_request_t *r);
static ngx_int_t ngx_uplink_page_slash(ngx_http_request_t *r);
static const ngx_uplink_page_t *ngx_uplink_page_find(ngx_str_t *path,
    ngx_uplink_loc_conf_t *ulcf);
static ngx_uint_t ngx_uplink_page_gzip(ngx_http_request_t *r);
static ngx_int_t ngx_uplink_page_send(ngx_http_request_t *r,
    const ngx_uplink_page_t *page);


/*
 * In every answer.  Nothing but the page's own files is ever run or shown,
 * and it talks to its own host alone; xterm.js is bundled so that it does
 * without style elements.
 */

static struct {
    const char  *name;
    ngx_str_t    value;
} ngx_uplink_page_header[] = {

    { "Content-Security-Policy",
      ngx_string("default-src 'none'; script-src 'self'; style-src 'self'; "
                 "connect-src 'self'; img-src 'self' data:; "
                 "frame-ancestors 'none'; base-uri 'none'; "
                 "form-action 'none'") },

    { "X-Content-Type-Options", ngx_string("nosniff") },
    { "Referrer-Policy", ngx_string("no-referrer") },
    { "Cross-Origin-Opener-Policy", ngx_string("same-origin") },
    { "Cache-Control", ngx_string("no-cache") },

    { NULL, ngx_null_string }
};


/* members of config.json */

static const char  *ngx_uplink_page_names[] = { "api", "terminal",
                                                   "status" };


ngx_int_t
ngx_uplink_console_handler(ngx_http_request_t *r)
{
    ngx_int_t                 rc;
    ngx_str_t                 path;
    ngx_uplink_who_t          who;
    const ngx_uplink_page_t  *page;
    ngx_uplink_loc_conf_t    *ulcf;

    if (ngx_uplink_page_headers(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_uplink_reply_readonly(r, "the console can only be read");
    }

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    rc = ngx_uplink_auth_request(r, &ulcf->auth, NGX_UPLINK_ROLE_ANY, &who);

    if (rc != NGX_OK) {
        return ngx_uplink_reply_denied(r, rc);
    }

    rc = ngx_uplink_path(r, &path);

    if (rc == NGX_DONE) {
        return ngx_uplink_page_slash(r);
    }

    page = (rc == NGX_OK) ? ngx_uplink_page_find(&path, ulcf) : NULL;

    if (page == NULL) {
        return ngx_uplink_reply_error(r, NGX_HTTP_NOT_FOUND, "not_found",
                                      "the console has no such file");
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    return ngx_uplink_page_send(r, page);
}


static ngx_int_t
ngx_uplink_page_headers(ngx_http_request_t *r)
{
    ngx_uint_t  i;

    for (i = 0; ngx_uplink_page_header[i].name; i++) {
        if (ngx_uplink_reply_header(r, ngx_uplink_page_header[i].name,
                                    &ngx_uplink_page_header[i].value)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * The page names its files relative to its own address, which must end with
 * a slash.  Core does this itself where the location's name ends so.
 */

static ngx_int_t
ngx_uplink_page_slash(ngx_http_request_t *r)
{
    u_char           *p;
    size_t            len;
    ngx_table_elt_t  *location;

    len = r->uri.len
          + 2 * ngx_escape_uri(NULL, r->uri.data, r->uri.len, NGX_ESCAPE_URI);

    p = ngx_pnalloc(r->pool, len + sizeof("/?") - 1 + r->args.len);
    location = ngx_list_push(&r->headers_out.headers);

    if (p == NULL || location == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    location->hash = 1;
#if (nginx_version >= 1023000)
    location->next = NULL;
#endif
    ngx_str_set(&location->key, "Location");
    location->value.data = p;

    p = (u_char *) ngx_escape_uri(p, r->uri.data, r->uri.len, NGX_ESCAPE_URI);
    *p++ = '/';

    if (r->args.len) {
        *p++ = '?';
        p = ngx_cpymem(p, r->args.data, r->args.len);
    }

    location->value.len = p - location->value.data;
    r->headers_out.location = location;

    return NGX_HTTP_MOVED_PERMANENTLY;
}


static const ngx_uplink_page_t *
ngx_uplink_page_find(ngx_str_t *path, ngx_uplink_loc_conf_t *ulcf)
{
    const ngx_uplink_page_t  *page;

    page = ulcf->console;

    if (path->len == page->name.len
        && ngx_memcmp(path->data, page->name.data, path->len) == 0)
    {
        return page;
    }

    page = ngx_uplink_bundle;

    if (path->len == 0) {
        return page;
    }

    for ( /* void */ ; page->name.len; page++) {
        if (path->len == page->name.len
            && ngx_memcmp(path->data, page->name.data, path->len) == 0)
        {
            return page;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_uplink_page_gzip(ngx_http_request_t *r)
{
#if (NGX_HTTP_GZIP)
    return ngx_http_gzip_ok(r) == NGX_OK;
#else
    return 0;
#endif
}


static ngx_int_t
ngx_uplink_page_send(ngx_http_request_t *r, const ngx_uplink_page_t *page)
{
    ngx_int_t                      rc;
    ngx_str_t                      gzip, vary;
    ngx_buf_t                     *b;
    ngx_chain_t                    out;
    const ngx_uplink_page_form_t  *form;

    ngx_str_set(&gzip, "gzip");
    ngx_str_set(&vary, "Accept-Encoding");

    form = &page->plain;

    if (page->gzip.start) {

        if (ngx_uplink_reply_header(r, "Vary", &vary) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (ngx_uplink_page_gzip(r)) {
            form = &page->gzip;

            if (ngx_uplink_reply_known(r, "Content-Encoding", &gzip,
                                       &r->headers_out.content_encoding)
                != NGX_OK)
            {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }
        }
    }

    if (ngx_uplink_reply_known(r, "ETag", &form->etag,
                               &r->headers_out.etag)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = form->end - form->start;
    r->headers_out.content_type = page->type;
    r->headers_out.content_type_len = page->type.len;
    r->headers_out.content_type_lowcase = NULL;

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->pos = (u_char *) form->start;
    b->last = (u_char *) form->end;
    b->memory = 1;
    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


/* what the page is told of its fleet: no secret, whoever asks */

ngx_uplink_page_t *
ngx_uplink_console_create(ngx_conf_t *cf, ngx_str_t *fleet, ngx_str_t *paths)
{
    u_char             *p;
    size_t              size;
    ngx_md5_t           md5;
    ngx_uint_t          i;
    u_char              digest[16];
    ngx_uplink_out_t    out;
    ngx_uplink_page_t  *page;

    size = 5 * NGX_UPLINK_OUT_MEMBER
           + ngx_uplink_out_quoted(fleet->data, fleet->len);

    for (i = 0; i < NGX_UPLINK_CONSOLE_PATHS; i++) {
        size += ngx_uplink_out_quoted(paths[i].data, paths[i].len);
    }

    page = ngx_pcalloc(cf->pool, sizeof(ngx_uplink_page_t));
    p = ngx_pnalloc(cf->pool, size + NGX_UPLINK_PAGE_ETAG);

    if (page == NULL || p == NULL) {
        return NULL;
    }

    ngx_uplink_out_init(&out, p, size);

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_str(&out, "fleet", fleet);
    ngx_uplink_out_text(&out, "version", NGX_UPLINK_VERSION);

    for (i = 0; i < NGX_UPLINK_CONSOLE_PATHS; i++) {
        ngx_uplink_out_str(&out, ngx_uplink_page_names[i], &paths[i]);
    }

    ngx_uplink_out_shut(&out, '}');
    ngx_uplink_out_raw(&out, "\n", 1);

    ngx_str_set(&page->name, "config.json");
    ngx_str_set(&page->type, "application/json");
    page->plain.start = out.start;
    page->plain.end = out.pos;

    ngx_md5_init(&md5);
    ngx_md5_update(&md5, out.start, out.pos - out.start);
    ngx_md5_final(digest, &md5);

    p += size;
    page->plain.etag.data = p;
    page->plain.etag.len = NGX_UPLINK_PAGE_ETAG;

    *p++ = '"';
    p = ngx_hex_dump(p, digest, sizeof(digest));
    *p = '"';

    return page;
}
