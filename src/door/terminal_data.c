
/*
 * Data of terminals as it is written: text to text and raw to raw as they
 * are, the others translated in the place where they go.
 */


#include "door/terminal.h"
#include "wire/base64.h"


#define NGX_UPLINK_OUTLET_KIND  0x01

#define NGX_UPLINK_OUTLET_OPEN                                                \
    "{\"type\":\"terminal.data\",\"req_id\":\"\",\"payload\":"                \
    "{\"session_id\":"
#define NGX_UPLINK_OUTLET_DATA  ",\"data_b64\":\""
#define NGX_UPLINK_OUTLET_END   "\"}}"


static u_char *ngx_uplink_piece_copy(u_char *dst, ngx_uplink_piece_t *piece);
static ngx_int_t ngx_uplink_outlet_text(ngx_uplink_outlet_t *outlet,
    ngx_uplink_piece_t *piece);
static ngx_int_t ngx_uplink_outlet_binary(ngx_uplink_outlet_t *outlet,
    ngx_uplink_piece_t *piece);


/* all of a message that is always the same is written once */

ngx_int_t
ngx_uplink_outlet_init(ngx_uplink_outlet_t *outlet, ngx_uplink_conn_t *uc,
    ngx_uint_t binary, uint64_t handle, u_char *session, size_t len)
{
    u_char      *p;
    ngx_uint_t   i;

    p = ngx_alloc(sizeof(NGX_UPLINK_OUTLET_OPEN NGX_UPLINK_OUTLET_DATA)
                  + NGX_UPLINK_JSON_QUOTED(len), uc->connection->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_uplink_outlet_free(outlet);

    outlet->conn = uc;
    outlet->binary = binary;

    outlet->head.data = p;

    p = ngx_cpymem(p, NGX_UPLINK_OUTLET_OPEN,
                   sizeof(NGX_UPLINK_OUTLET_OPEN) - 1);
    p = ngx_uplink_json_quote(p, session, len);
    p = ngx_cpymem(p, NGX_UPLINK_OUTLET_DATA,
                   sizeof(NGX_UPLINK_OUTLET_DATA) - 1);

    outlet->head.len = p - outlet->head.data;

    outlet->kind[0] = NGX_UPLINK_OUTLET_KIND;

    for (i = 0; i < 8; i++) {
        outlet->kind[i + 1] = (u_char) (handle >> (56 - 8 * i));
    }

    return NGX_OK;
}


void
ngx_uplink_outlet_free(ngx_uplink_outlet_t *outlet)
{
    if (outlet->head.data) {
        ngx_free(outlet->head.data);
        ngx_str_null(&outlet->head);
    }
}


ngx_int_t
ngx_uplink_outlet_put(ngx_uplink_outlet_t *outlet, ngx_uplink_piece_t *piece)
{
    return outlet->binary ? ngx_uplink_outlet_binary(outlet, piece)
                          : ngx_uplink_outlet_text(outlet, piece);
}


static u_char *
ngx_uplink_piece_copy(u_char *dst, ngx_uplink_piece_t *piece)
{
    if (piece->lane == NULL) {
        return ngx_cpymem(dst, piece->data, piece->len);
    }

    ngx_uplink_lane_copy(piece->lane, dst, piece->from, piece->len);

    return dst + piece->len;
}


static ngx_int_t
ngx_uplink_outlet_text(ngx_uplink_outlet_t *outlet, ngx_uplink_piece_t *piece)
{
    u_char             *p, *start, *raw;
    size_t              len, size;
    ngx_uplink_conn_t  *uc;

    uc = outlet->conn;
    len = piece->base64 ? piece->len
                        : NGX_UPLINK_BASE64_ENCODED(piece->len);

    size = outlet->head.len + len + sizeof(NGX_UPLINK_OUTLET_END);

    start = ngx_uplink_conn_reserve(uc, size + 4);
    if (start == NULL) {
        return uc->closing ? NGX_ERROR : NGX_BUSY;
    }

    p = ngx_cpymem(start, outlet->head.data, outlet->head.len);

    if (piece->base64) {
        p = ngx_uplink_piece_copy(p, piece);

    } else if (piece->lane == NULL) {
        p = ngx_uplink_base64_encode(p, piece->data, piece->len);

    } else {

        /* at the end of the room, so that the text does not catch up */

        raw = p + len + 4 - piece->len;

        (void) ngx_uplink_piece_copy(raw, piece);
        p = ngx_uplink_base64_encode(p, raw, piece->len);
    }

    p = ngx_cpymem(p, NGX_UPLINK_OUTLET_END,
                   sizeof(NGX_UPLINK_OUTLET_END) - 1);

    ngx_uplink_conn_commit(uc, NGX_UPLINK_WS_TEXT, p - start);

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_outlet_binary(ngx_uplink_outlet_t *outlet,
    ngx_uplink_piece_t *piece)
{
    u_char             *p, *start;
    size_t              len;
    ngx_uplink_conn_t  *uc;

    uc = outlet->conn;

    start = ngx_uplink_conn_reserve(uc, sizeof(outlet->kind) + piece->len);
    if (start == NULL) {
        return uc->closing ? NGX_ERROR : NGX_BUSY;
    }

    p = ngx_cpymem(start, outlet->kind, sizeof(outlet->kind));

    if (!piece->base64) {
        len = ngx_uplink_piece_copy(p, piece) - p;

    } else {

        /* it was checked when it came: decoding cannot fail */

        if (piece->lane) {
            (void) ngx_uplink_piece_copy(p, piece);
        }

        (void) ngx_uplink_base64_decode(p, piece->lane ? p : piece->data,
                                        piece->len, &len);
    }

    ngx_uplink_conn_commit(uc, NGX_UPLINK_WS_BINARY,
                           sizeof(outlet->kind) + len);

    return NGX_OK;
}


u_char *
ngx_uplink_piece_trim(ngx_uplink_piece_t *piece, size_t raw, size_t skip,
    ngx_log_t *log)
{
    u_char  *p;
    size_t   len;

    p = ngx_alloc(ngx_max(piece->len, 1), log);
    if (p == NULL) {
        return NULL;
    }

    if (piece->base64) {
        (void) ngx_uplink_base64_decode(p, piece->data, piece->len, &len);

    } else {
        ngx_memcpy(p, piece->data, piece->len);
    }

    piece->data = p + skip;
    piece->len = raw - skip;
    piece->base64 = 0;

    return p;
}


ngx_int_t
ngx_uplink_browser_gap(ngx_uplink_browser_t *browser, uint64_t from,
    uint64_t to)
{
    ngx_int_t         rc;
    ngx_uplink_out_t  out;

    rc = ngx_uplink_message_enveloped(&out, browser->conn, "terminal.gap",
                                      NULL, 0, 2 * NGX_UPLINK_OUT_MEMBER);
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_uplink_count(browser->fleet, NGX_UPLINK_COUNT_terminal_gaps);

    ngx_uplink_out_number(&out, "from", from);
    ngx_uplink_out_number(&out, "to", to);

    return ngx_uplink_message_send(&out);
}
