
/*
 * The opening handshake of RFC 6455, section 4.2.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#include <ngx_sha1.h>

#include "engine.h"


#define NGX_UPLINK_WS_KEY_LEN        24      /* 16 bytes in base64 */
#define NGX_UPLINK_WS_MAX_PROTOCOLS  16
#define NGX_UPLINK_WS_GUID           "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


#define ngx_uplink_ws_is_space(ch)  ((ch) == ' ' || (ch) == '\t')


typedef struct {
    ngx_uint_t         count;
    ngx_str_t          value;          /* of the first of them */
    unsigned           token:1;        /* the wanted one was there */
} ngx_uplink_ws_header_t;


enum {
    NGX_UPLINK_WS_UPGRADE = 0,
    NGX_UPLINK_WS_CONNECTION,
    NGX_UPLINK_WS_KEY,
    NGX_UPLINK_WS_VERSION,
    NGX_UPLINK_WS_PROTOCOL,
    NGX_UPLINK_WS_HEADERS
};


static void ngx_uplink_ws_collect(ngx_http_request_t *r,
    ngx_uplink_ws_header_t *headers);
static ngx_int_t ngx_uplink_ws_key(ngx_uplink_ws_header_t *key);
static ngx_int_t ngx_uplink_ws_protocols(ngx_http_request_t *r);
static ngx_uplink_refusal_t *ngx_uplink_ws_upgrade_required(
    ngx_http_request_t *r, ngx_uplink_refusal_t *refusal);
static u_char *ngx_uplink_ws_item(u_char **pos, u_char *last, size_t *len);
static ngx_int_t ngx_uplink_ws_add_header(ngx_http_request_t *r,
    const char *name, ngx_str_t *value);


static ngx_str_t  ngx_uplink_ws_names[] = {
    ngx_string("upgrade"),
    ngx_string("connection"),
    ngx_string("sec-websocket-key"),
    ngx_string("sec-websocket-version"),
    ngx_string("sec-websocket-protocol")
};


/* what Upgrade and Connection must contain; the others have no such thing */

static ngx_str_t  ngx_uplink_ws_tokens[] = {
    ngx_string("websocket"),
    ngx_string("upgrade"),
    ngx_null_string,
    ngx_null_string,
    ngx_null_string
};


#define ngx_uplink_ws_refusal(status, code, message)                         \
    { status, ngx_string(code), ngx_string(message) }


static ngx_uplink_refusal_t  ngx_uplink_ws_subrequest =
    ngx_uplink_ws_refusal(NGX_HTTP_BAD_REQUEST, "bad_request",
                          "a subrequest cannot be upgraded");

static ngx_uplink_refusal_t  ngx_uplink_ws_bad_method =
    ngx_uplink_ws_refusal(NGX_HTTP_NOT_ALLOWED, "method_not_allowed",
                          "a WebSocket handshake is a GET");

static ngx_uplink_refusal_t  ngx_uplink_ws_bad_protocol =
    ngx_uplink_ws_refusal(NGX_HTTP_BAD_REQUEST, "bad_request",
                          "a WebSocket handshake needs HTTP/1.1");

static ngx_uplink_refusal_t  ngx_uplink_ws_has_body =
    ngx_uplink_ws_refusal(NGX_HTTP_BAD_REQUEST, "bad_request",
                          "a WebSocket handshake has no body");

static ngx_uplink_refusal_t  ngx_uplink_ws_no_upgrade =
    ngx_uplink_ws_refusal(426, "upgrade_required",
                          "this is a WebSocket: send Upgrade: websocket");

static ngx_uplink_refusal_t  ngx_uplink_ws_bad_connection =
    ngx_uplink_ws_refusal(NGX_HTTP_BAD_REQUEST, "bad_request",
                          "Connection: upgrade is missing");

static ngx_uplink_refusal_t  ngx_uplink_ws_no_version =
    ngx_uplink_ws_refusal(NGX_HTTP_BAD_REQUEST, "bad_request",
                          "Sec-WebSocket-Version is missing or repeated");

static ngx_uplink_refusal_t  ngx_uplink_ws_bad_version =
    ngx_uplink_ws_refusal(426, "upgrade_required",
                          "the only Sec-WebSocket-Version here is 13");

static ngx_uplink_refusal_t  ngx_uplink_ws_bad_key =
    ngx_uplink_ws_refusal(NGX_HTTP_BAD_REQUEST, "bad_request",
                          "Sec-WebSocket-Key must be there once, as "
                          "16 bytes in base64");

static ngx_uplink_refusal_t  ngx_uplink_ws_bad_subprotocol =
    ngx_uplink_ws_refusal(NGX_HTTP_BAD_REQUEST, "bad_request",
                          "Sec-WebSocket-Protocol must be a list of tokens, "
                          "each of them once, at most 16");

static ngx_uplink_refusal_t  ngx_uplink_ws_internal =
    ngx_uplink_ws_refusal(NGX_HTTP_INTERNAL_SERVER_ERROR, "internal",
                          "out of memory");


ngx_uplink_refusal_t *
ngx_uplink_ws_check(ngx_http_request_t *r)
{
    ngx_str_t                allow;
    ngx_uplink_ws_header_t   headers[NGX_UPLINK_WS_HEADERS];
    ngx_uplink_ws_header_t  *version;

    if (r != r->main) {
        return &ngx_uplink_ws_subrequest;
    }

    if (r->method != NGX_HTTP_GET) {
        ngx_str_set(&allow, "GET");

        if (ngx_uplink_ws_add_header(r, "Allow", &allow) != NGX_OK) {
            return &ngx_uplink_ws_internal;
        }

        return &ngx_uplink_ws_bad_method;
    }

    /* HTTP/2 and HTTP/3 have no Upgrade */

    if (r->http_version != NGX_HTTP_VERSION_11) {
        return &ngx_uplink_ws_bad_protocol;
    }

    ngx_uplink_ws_collect(r, headers);

    if (!headers[NGX_UPLINK_WS_UPGRADE].token) {
        return ngx_uplink_ws_upgrade_required(r, &ngx_uplink_ws_no_upgrade);
    }

    if (!headers[NGX_UPLINK_WS_CONNECTION].token) {
        return &ngx_uplink_ws_bad_connection;
    }

    if (r->headers_in.content_length_n > 0 || r->headers_in.chunked) {
        return &ngx_uplink_ws_has_body;
    }

    version = &headers[NGX_UPLINK_WS_VERSION];

    if (version->count != 1) {
        return &ngx_uplink_ws_no_version;
    }

    if (version->value.len != 2
        || ngx_strncmp(version->value.data, "13", 2) != 0)
    {
        return ngx_uplink_ws_upgrade_required(r, &ngx_uplink_ws_bad_version);
    }

    if (ngx_uplink_ws_key(&headers[NGX_UPLINK_WS_KEY]) != NGX_OK) {
        return &ngx_uplink_ws_bad_key;
    }

    if (headers[NGX_UPLINK_WS_PROTOCOL].count
        && ngx_uplink_ws_protocols(r) != NGX_OK)
    {
        return &ngx_uplink_ws_bad_subprotocol;
    }

    return NULL;
}


/* one pass over all headers; which nginx links equal ones does not matter */

static void
ngx_uplink_ws_collect(ngx_http_request_t *r, ngx_uplink_ws_header_t *headers)
{
    size_t            len;
    u_char           *p, *last, *item;
    ngx_str_t        *name, *token;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    ngx_memzero(headers, NGX_UPLINK_WS_HEADERS
                         * sizeof(ngx_uplink_ws_header_t));

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            for (n = 0; n < NGX_UPLINK_WS_HEADERS; n++) {
                name = &ngx_uplink_ws_names[n];

                if (h[i].key.len == name->len
                    && ngx_memcmp(h[i].lowcase_key, name->data, name->len)
                       == 0)
                {
                    break;
                }
            }

            if (n == NGX_UPLINK_WS_HEADERS) {
                continue;
            }

            if (headers[n].count++ == 0) {
                headers[n].value = h[i].value;
            }

            token = &ngx_uplink_ws_tokens[n];
            p = h[i].value.data;
            last = p + h[i].value.len;

            while (token->len
                   && (item = ngx_uplink_ws_item(&p, last, &len)) != NULL)
            {
                if (len == token->len
                    && ngx_strncasecmp(item, token->data, len) == 0)
                {
                    headers[n].token = 1;
                }
            }
        }
    }
}


static ngx_int_t
ngx_uplink_ws_key(ngx_uplink_ws_header_t *key)
{
    u_char     buf[ngx_base64_decoded_length(NGX_UPLINK_WS_KEY_LEN)];
    ngx_str_t  decoded;

    if (key->count != 1 || key->value.len != NGX_UPLINK_WS_KEY_LEN
        || ngx_strncmp(key->value.data + NGX_UPLINK_WS_KEY_LEN - 2, "==", 2)
           != 0)
    {
        return NGX_ERROR;
    }

    decoded.data = buf;

    if (ngx_decode_base64(&decoded, &key->value) != NGX_OK
        || decoded.len != 16)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* RFC 7230 tokens, which RFC 6455 wants unique */

static ngx_int_t
ngx_uplink_ws_protocols(ngx_http_request_t *r)
{
    size_t      i;
    u_char      ch;
    ngx_str_t   names[NGX_UPLINK_WS_MAX_PROTOCOLS], name;
    ngx_uint_t  n, m;

    for (n = 0; ngx_uplink_ws_offered(r, n, &name) == NGX_OK; n++) {

        if (n == NGX_UPLINK_WS_MAX_PROTOCOLS) {
            return NGX_ERROR;
        }

        for (i = 0; i < name.len; i++) {
            ch = name.data[i];

            if (ch <= ' ' || ch >= 0x7f
                || ngx_strchr("\"(),/:;<=>?@[\\]{}", ch) != NULL)
            {
                return NGX_ERROR;
            }
        }

        for (m = 0; m < n; m++) {

            if (names[m].len == name.len
                && ngx_strncmp(names[m].data, name.data, name.len) == 0)
            {
                return NGX_ERROR;
            }
        }

        names[n] = name;
    }

    return n ? NGX_OK : NGX_ERROR;
}


ngx_int_t
ngx_uplink_ws_offered(ngx_http_request_t *r, ngx_uint_t n, ngx_str_t *name)
{
    u_char           *p, *last;
    ngx_str_t        *key;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    key = &ngx_uplink_ws_names[NGX_UPLINK_WS_PROTOCOL];

    for (part = &r->headers_in.headers.part; part; part = part->next) {

        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len != key->len
                || ngx_memcmp(h[i].lowcase_key, key->data, key->len) != 0)
            {
                continue;
            }

            p = h[i].value.data;
            last = p + h[i].value.len;

            while ((name->data = ngx_uplink_ws_item(&p, last, &name->len))
                   != NULL)
            {
                if (n-- == 0) {
                    return NGX_OK;
                }
            }
        }
    }

    return NGX_DECLINED;
}


ngx_uint_t
ngx_uplink_ws_offers(ngx_http_request_t *r, ngx_str_t *name, ngx_str_t *rest)
{
    ngx_str_t   offered;
    ngx_uint_t  n;

    for (n = 0; ngx_uplink_ws_offered(r, n, &offered) == NGX_OK; n++) {

        if (offered.len < name->len
            || (rest == NULL) != (offered.len == name->len)
            || ngx_memcmp(offered.data, name->data, name->len) != 0)
        {
            continue;
        }

        if (rest) {
            rest->data = offered.data + name->len;
            rest->len = offered.len - name->len;
        }

        return 1;
    }

    return 0;
}


/* the next item of a comma-separated list, empty ones are passed over */

static u_char *
ngx_uplink_ws_item(u_char **pos, u_char *last, size_t *len)
{
    u_char  *p, *start, *end;

    p = *pos;

    while (p < last && (*p == ',' || ngx_uplink_ws_is_space(*p))) {
        p++;
    }

    if (p == last) {
        *pos = p;
        return NULL;
    }

    start = p;

    while (p < last && *p != ',') {
        p++;
    }

    *pos = p;

    for (end = p; ngx_uplink_ws_is_space(end[-1]); end--) { /* void */ }

    *len = end - start;

    return start;
}


static ngx_uplink_refusal_t *
ngx_uplink_ws_upgrade_required(ngx_http_request_t *r,
    ngx_uplink_refusal_t *refusal)
{
    ngx_str_t  upgrade, version;

    ngx_str_set(&upgrade, "websocket");
    ngx_str_set(&version, "13");

    if (ngx_uplink_ws_add_header(r, "Upgrade", &upgrade) != NGX_OK
        || ngx_uplink_ws_add_header(r, "Sec-WebSocket-Version", &version)
           != NGX_OK)
    {
        return &ngx_uplink_ws_internal;
    }

    /* this status has no line in nginx's own table */

    ngx_str_set(&r->headers_out.status_line, "426 Upgrade Required");

    return refusal;
}


ngx_int_t
ngx_uplink_ws_accept(ngx_http_request_t *r, ngx_str_t *protocol)
{
    u_char                   digest[20];
    ngx_str_t                value, raw;
    ngx_sha1_t               sha1;
    ngx_uplink_ws_header_t   headers[NGX_UPLINK_WS_HEADERS];
    ngx_uplink_ws_header_t  *key;

    ngx_uplink_ws_collect(r, headers);

    key = &headers[NGX_UPLINK_WS_KEY];

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key->value.data, key->value.len);
    ngx_sha1_update(&sha1, NGX_UPLINK_WS_GUID, sizeof(NGX_UPLINK_WS_GUID) - 1);
    ngx_sha1_final(digest, &sha1);

    raw.len = sizeof(digest);
    raw.data = digest;

    value.data = ngx_pnalloc(r->pool, ngx_base64_encoded_length(raw.len));
    if (value.data == NULL) {
        return NGX_ERROR;
    }

    ngx_encode_base64(&value, &raw);

    if (ngx_uplink_ws_add_header(r, "Sec-WebSocket-Accept", &value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_str_set(&value, "websocket");

    if (ngx_uplink_ws_add_header(r, "Upgrade", &value) != NGX_OK) {
        return NGX_ERROR;
    }

    if (protocol && protocol->len
        && ngx_uplink_ws_add_header(r, "Sec-WebSocket-Protocol", protocol)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->headers_out.status = NGX_HTTP_SWITCHING_PROTOCOLS;
    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_ws_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
#if (nginx_version >= 1023000)
    h->next = NULL;
#endif
    h->key.len = ngx_strlen(name);
    h->key.data = (u_char *) name;
    h->value = *value;

    return NGX_OK;
}
