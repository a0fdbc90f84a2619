
/*
 * Origins: which pages may open a door in a browser (RFC 6454).
 */


#include "auth/auth.h"


typedef struct {
    ngx_str_t   scheme;
    ngx_str_t   host;
    ngx_uint_t  port;            /* 0: a scheme without a port */
    unsigned    any:1;           /* "*" */
} ngx_uplink_origin_t;


static ngx_int_t ngx_uplink_origin_parse(ngx_str_t *text,
    ngx_uplink_origin_t *origin);
static ngx_int_t ngx_uplink_origin_host(u_char *p, u_char *last,
    ngx_uint_t port, ngx_uplink_origin_t *origin);
static ngx_uint_t ngx_uplink_origin_port(ngx_str_t *scheme);
static ngx_int_t ngx_uplink_origin_header(ngx_http_request_t *r,
    ngx_str_t *value);
static ngx_uint_t ngx_uplink_origin_own(ngx_http_request_t *r,
    ngx_uplink_origin_t *origin);
static ngx_uint_t ngx_uplink_origin_listed(ngx_array_t *list,
    ngx_uplink_origin_t *origin);
static ngx_uint_t ngx_uplink_origin_same(ngx_str_t *a, ngx_str_t *b);


char *
ngx_uplink_auth_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    ngx_str_t             *value;
    ngx_uint_t             i;
    ngx_array_t          **list;
    ngx_uplink_origin_t   *origin;

    list = (ngx_array_t **) (p + cmd->offset);

    if (*list == NGX_CONF_UNSET_PTR) {
        *list = ngx_array_create(cf->pool, 2, sizeof(ngx_uplink_origin_t));
        if (*list == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        origin = ngx_array_push(*list);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(origin, sizeof(ngx_uplink_origin_t));

        if (value[i].len == 1 && value[i].data[0] == '*') {
            origin->any = 1;
            continue;
        }

        if (ngx_uplink_origin_parse(&value[i], origin) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid origin \"%V\", it must be "
                               "\"scheme://host\" or "
                               "\"scheme://host:port\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/*
 * A request without Origin does not come from a page.  "null" is what pages
 * have whose origin nobody can tell: it is nobody's.
 */

ngx_int_t
ngx_uplink_auth_origin(ngx_http_request_t *r, ngx_uplink_auth_conf_t *conf,
    ngx_uint_t own)
{
    ngx_int_t            rc;
    ngx_str_t            value;
    ngx_uplink_origin_t  origin;

    rc = ngx_uplink_origin_header(r, &value);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    if (rc == NGX_OK && ngx_uplink_origin_parse(&value, &origin) == NGX_OK) {

        if (conf->origins) {
            if (ngx_uplink_origin_listed(conf->origins, &origin)) {
                return NGX_OK;
            }

        } else if (own && ngx_uplink_origin_own(r, &origin)) {
            return NGX_OK;
        }
    }

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "client sent \"Origin\" header that is not allowed: \"%V\"",
                  &value);

    return NGX_HTTP_FORBIDDEN;
}


/* scheme "://" host [":" port], nothing behind it */

static ngx_int_t
ngx_uplink_origin_parse(ngx_str_t *text, ngx_uplink_origin_t *origin)
{
    u_char  *p, *last, c;

    p = text->data;
    last = p + text->len;

    for ( /* void */ ; p < last && *p != ':'; p++) {
        c = (u_char) (*p | 0x20);

        if (c >= 'a' && c <= 'z') {
            continue;
        }

        if (p == text->data
            || ((*p < '0' || *p > '9')
                && *p != '+' && *p != '-' && *p != '.'))
        {
            return NGX_ERROR;
        }
    }

    origin->scheme.data = text->data;
    origin->scheme.len = p - text->data;
    origin->any = 0;

    if (origin->scheme.len == 0
        || last - p < 3 || p[1] != '/' || p[2] != '/')
    {
        return NGX_ERROR;
    }

    return ngx_uplink_origin_host(p + 3, last,
                                  ngx_uplink_origin_port(&origin->scheme),
                                  origin);
}


/* host [":" port] */

static ngx_int_t
ngx_uplink_origin_host(u_char *p, u_char *last, ngx_uint_t port,
    ngx_uplink_origin_t *origin)
{
    u_char     c;
    ngx_int_t  n;

    origin->host.data = p;

    if (p < last && *p == '[') {

        for (p++; p < last && *p != ']'; p++) {
            c = (u_char) (*p | 0x20);

            if ((*p < '0' || *p > ':') && *p != '.' && (c < 'a' || c > 'f')) {
                return NGX_ERROR;
            }
        }

        if (p++ == last) {
            return NGX_ERROR;
        }

    } else {

        for ( /* void */ ; p < last && *p != ':'; p++) {
            c = (u_char) (*p | 0x20);

            if ((c < 'a' || c > 'z') && (*p < '0' || *p > '9')
                && *p != '.' && *p != '-' && *p != '_')
            {
                return NGX_ERROR;
            }
        }
    }

    origin->host.len = p - origin->host.data;
    origin->port = port;

    if (origin->host.len == 0) {
        return NGX_ERROR;
    }

    if (p == last) {
        return NGX_OK;
    }

    n = (*p == ':') ? ngx_atoi(p + 1, last - p - 1) : NGX_ERROR;

    if (n < 1 || n > 65535) {
        return NGX_ERROR;
    }

    origin->port = n;

    return NGX_OK;
}


static ngx_uint_t
ngx_uplink_origin_port(ngx_str_t *scheme)
{
    ngx_str_t  http = ngx_string("http");
    ngx_str_t  https = ngx_string("https");

    if (ngx_uplink_origin_same(scheme, &http)) {
        return 80;
    }

    if (ngx_uplink_origin_same(scheme, &https)) {
        return 443;
    }

    return 0;
}


/* core has no field for it in 1.22 */

static ngx_int_t
ngx_uplink_origin_header(ngx_http_request_t *r, ngx_str_t *value)
{
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    n = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == sizeof("Origin") - 1
                && ngx_strncasecmp(h[i].key.data, (u_char *) "Origin",
                                   sizeof("Origin") - 1)
                   == 0)
            {
                *value = h[i].value;
                n++;
            }
        }
    }

    if (n == 0) {
        return NGX_DECLINED;
    }

    return (n == 1) ? NGX_OK : NGX_ERROR;
}


/*
 * The host that the browser asked for is the origin of its page.  Behind
 * something that ends TLS a plain request may belong to a page of either
 * scheme; over TLS a plain page is another origin.
 */

static ngx_uint_t
ngx_uplink_origin_own(ngx_http_request_t *r, ngx_uplink_origin_t *origin)
{
    ngx_str_t            *host;
    ngx_uint_t            port;
    ngx_uplink_origin_t   own;

    port = ngx_uplink_origin_port(&origin->scheme);

    if (port == 0 || r->headers_in.host == NULL) {
        return 0;
    }

#if (NGX_HTTP_SSL)

    if (r->connection->ssl && port != 443) {
        return 0;
    }

#endif

    host = &r->headers_in.host->value;

    if (ngx_uplink_origin_host(host->data, host->data + host->len, port, &own)
        != NGX_OK)
    {
        return 0;
    }

    return own.port == origin->port
           && ngx_uplink_origin_same(&own.host, &origin->host);
}


static ngx_uint_t
ngx_uplink_origin_listed(ngx_array_t *list, ngx_uplink_origin_t *origin)
{
    ngx_uint_t            i;
    ngx_uplink_origin_t  *allowed;

    allowed = list->elts;

    for (i = 0; i < list->nelts; i++) {
        if (allowed[i].any
            || (allowed[i].port == origin->port
                && ngx_uplink_origin_same(&allowed[i].scheme, &origin->scheme)
                && ngx_uplink_origin_same(&allowed[i].host, &origin->host)))
        {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_uplink_origin_same(ngx_str_t *a, ngx_str_t *b)
{
    return a->len == b->len
           && ngx_strncasecmp(a->data, b->data, a->len) == 0;
}
