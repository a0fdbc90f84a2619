
/*
 * What browsers say.  Whatever session they name, it is that of their seat;
 * and only one who drives is listened to.
 */


#include "door/terminal.h"
#include "wire/base64.h"
#include "wire/data.h"


#define NGX_UPLINK_INPUT_PIECE  16384   /* of what is typed, in the lane */

/* the kind, then the handle, which is ours to know */

#define NGX_UPLINK_BINARY_KIND  0x01
#define NGX_UPLINK_BINARY_HEAD  9


typedef void (*ngx_uplink_browser_message_pt)(ngx_uplink_browser_t *browser,
    ngx_uplink_envelope_t *env);

typedef struct {
    ngx_str_t                       type;
    ngx_uplink_browser_message_pt   handler;
} ngx_uplink_browser_type_t;


static void ngx_uplink_browser_first(ngx_uplink_browser_t *browser,
    ngx_uint_t opcode, u_char *data, size_t len);
static ngx_int_t ngx_uplink_browser_auth(ngx_uplink_browser_t *browser,
    u_char *data, size_t len, ngx_str_t *token);
static void ngx_uplink_browser_binary_message(ngx_uplink_browser_t *browser,
    u_char *data, size_t len);
static void ngx_uplink_browser_envelope(ngx_uplink_browser_t *browser,
    u_char *data, size_t len);
static void ngx_uplink_browser_data(ngx_uplink_browser_t *browser,
    ngx_uplink_envelope_t *env);
static void ngx_uplink_browser_resize(ngx_uplink_browser_t *browser,
    ngx_uplink_envelope_t *env);
static void ngx_uplink_browser_shut(ngx_uplink_browser_t *browser,
    ngx_uplink_envelope_t *env);
static void ngx_uplink_browser_bad(ngx_uplink_browser_t *browser,
    const char *text);
static void ngx_uplink_browser_typed(ngx_uplink_browser_t *browser,
    ngx_uplink_piece_t *piece, size_t raw);
static size_t ngx_uplink_browser_input(ngx_uplink_browser_t *browser,
    u_char *raw, size_t len);
static ngx_int_t ngx_uplink_browser_push(ngx_uplink_browser_t *browser,
    u_char *raw, size_t len);
static void ngx_uplink_browser_keep(ngx_uplink_browser_t *browser,
    u_char *raw, size_t len);


static const ngx_uplink_browser_type_t  ngx_uplink_browser_types[] = {
    { ngx_string("terminal.data"), ngx_uplink_browser_data },
    { ngx_string("terminal.resize"), ngx_uplink_browser_resize },
    { ngx_string("terminal.close"), ngx_uplink_browser_shut },
    { ngx_null_string, NULL }
};


/* what is typed */

ngx_int_t
ngx_uplink_browser_ascii(ngx_uplink_conn_t *uc, u_char *data, size_t len)
{
    ngx_uplink_data_t      d;
    ngx_uplink_piece_t     piece;
    ngx_uplink_browser_t  *browser;

    static ngx_uplink_data_shape_t  shape;

    browser = uc->data;

    if (uc->closing || !browser->admitted
        || ngx_uplink_data_match(&shape, data, len, &d) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    ngx_uplink_count(browser->fleet, NGX_UPLINK_COUNT_messages_in);

    browser->bad = 0;

    piece.data = d.base64;
    piece.lane = NULL;
    piece.len = d.base64_len;
    piece.base64 = 1;

    ngx_uplink_browser_typed(browser, &piece, d.raw);

    return NGX_OK;
}


void
ngx_uplink_browser_message(ngx_uplink_conn_t *uc, ngx_uint_t opcode,
    u_char *data, size_t len)
{
    ngx_uplink_browser_t  *browser;

    browser = uc->data;

    if (uc->closing) {
        return;
    }

    ngx_uplink_count(browser->fleet, NGX_UPLINK_COUNT_messages_in);

    if (!browser->admitted) {
        ngx_uplink_browser_first(browser, opcode, data, len);
        return;
    }

    if (opcode == NGX_UPLINK_WS_BINARY) {
        ngx_uplink_browser_binary_message(browser, data, len);
        return;
    }

    ngx_uplink_browser_envelope(browser, data, len);
}


static void
ngx_uplink_browser_first(ngx_uplink_browser_t *browser, ngx_uint_t opcode,
    u_char *data, size_t len)
{
    ngx_str_t          token;
    ngx_pool_t        *pool;
    ngx_uplink_out_t   out;

    pool = browser->conn->request->pool;

    if (opcode != NGX_UPLINK_WS_TEXT
        || ngx_uplink_browser_auth(browser, data, len, &token) != NGX_OK
        || ngx_uplink_auth_token(pool, &browser->conf->auth,
                             ngx_uplink_browser_roles(browser->visit->view),
                             &token, &browser->who)
           != NGX_OK)
    {
        ngx_uplink_browser_fail(browser, "unauthorized",
                                "the first message must be auth with "
                                "a valid token");
        return;
    }

    if (!ngx_uplink_browser_member(browser)) {
        ngx_uplink_browser_fail(browser, "forbidden",
                                "the workspace is not one of yours");
        return;
    }

    if (ngx_uplink_message_enveloped(&out, browser->conn, "auth_ack", NULL, 0,
                                     0)
        == NGX_OK)
    {
        (void) ngx_uplink_message_send(&out);
    }

    ngx_uplink_browser_begin(browser);
}


static ngx_int_t
ngx_uplink_browser_auth(ngx_uplink_browser_t *browser, u_char *data,
    size_t len, ngx_str_t *token)
{
    size_t                  n;
    u_char                  text[NGX_UPLINK_JSON_ERROR];
    ngx_uplink_value_t      value;
    ngx_uplink_envelope_t   env;

    if (ngx_uplink_envelope(data, len, &env, text, sizeof(text), &n) != NGX_OK
        || env.type_len != sizeof("auth") - 1
        || ngx_memcmp(env.type, "auth", env.type_len) != 0
        || ngx_uplink_json_get(&env.payload, "token", &value)
           != NGX_UPLINK_JSON_STRING)
    {
        return NGX_ERROR;
    }

    token->data = value.start;

    return ngx_uplink_json_string(&value, token->data,
                                  value.end - value.start, &token->len);
}


static void
ngx_uplink_browser_binary_message(ngx_uplink_browser_t *browser, u_char *data,
    size_t len)
{
    ngx_uplink_piece_t  piece;

    if (!browser->binary) {
        ngx_log_error(NGX_LOG_INFO, browser->conn->connection->log, 0,
                      "client sent binary uplink message");
        ngx_uplink_browser_close(browser, NGX_UPLINK_CLOSE_BINARY,
                                 "binary messages were not agreed");
        return;
    }

    if (len < NGX_UPLINK_BINARY_HEAD || data[0] != NGX_UPLINK_BINARY_KIND) {
        ngx_uplink_browser_bad(browser, "binary message of unknown kind");
        return;
    }

    browser->bad = 0;

    piece.data = data + NGX_UPLINK_BINARY_HEAD;
    piece.lane = NULL;
    piece.len = len - NGX_UPLINK_BINARY_HEAD;
    piece.base64 = 0;

    ngx_uplink_browser_typed(browser, &piece, piece.len);
}


static void
ngx_uplink_browser_envelope(ngx_uplink_browser_t *browser, u_char *data,
    size_t len)
{
    size_t                            n;
    char                              text[NGX_UPLINK_JSON_ERROR + 1];
    ngx_uplink_envelope_t             env;
    const ngx_uplink_browser_type_t  *type;

    if (ngx_uplink_envelope(data, len, &env, (u_char *) text,
                            NGX_UPLINK_JSON_ERROR, &n)
        != NGX_OK)
    {
        text[n] = '\0';
        ngx_uplink_browser_bad(browser, text);
        return;
    }

    for (type = ngx_uplink_browser_types; type->handler; type++) {

        if (type->type.len == env.type_len
            && ngx_memcmp(type->type.data, env.type, env.type_len) == 0)
        {
            if (env.payload.kind == NGX_UPLINK_JSON_NONE) {
                ngx_uplink_browser_bad(browser, "\"payload\" is missing");
                return;
            }

            type->handler(browser, &env);
            return;
        }
    }

    browser->bad = 0;
    ngx_uplink_count(browser->fleet, NGX_UPLINK_COUNT_unknown_type);
}


/* what the fast way has left over */

static void
ngx_uplink_browser_data(ngx_uplink_browser_t *browser,
    ngx_uplink_envelope_t *env)
{
    ngx_uplink_value_t  value;
    ngx_uplink_piece_t  piece;

    ngx_uplink_json_get(&env->payload, "data_b64", &value);

    if (ngx_uplink_base64_decode_value(value.start, &value, &piece.len)
        != NGX_OK)
    {
        ngx_uplink_browser_bad(browser, "\"data_b64\" must be base64");
        return;
    }

    browser->bad = 0;

    piece.data = value.start;
    piece.lane = NULL;
    piece.base64 = 0;

    ngx_uplink_browser_typed(browser, &piece, piece.len);
}


static void
ngx_uplink_browser_resize(ngx_uplink_browser_t *browser,
    ngx_uplink_envelope_t *env)
{
    int64_t             cols, rows;
    ngx_uplink_value_t  c, r;

    ngx_uplink_json_get(&env->payload, "cols", &c);
    ngx_uplink_json_get(&env->payload, "rows", &r);

    if (ngx_uplink_json_integer(&c, 1, NGX_UPLINK_BROWSER_SIZE_MAX, &cols)
        != NGX_OK
        || ngx_uplink_json_integer(&r, 1, NGX_UPLINK_BROWSER_SIZE_MAX, &rows)
           != NGX_OK)
    {
        ngx_uplink_browser_bad(browser, "\"cols\" and \"rows\" must be "
                                        "numbers from 1 to 10000");
        return;
    }

    browser->bad = 0;

    if (browser->seat && !browser->view) {
        (void) ngx_uplink_seat_resize(browser->fleet, browser->seat,
                                      (uint32_t) cols, (uint32_t) rows);
    }
}


static void
ngx_uplink_browser_shut(ngx_uplink_browser_t *browser,
    ngx_uplink_envelope_t *env)
{
    u_char              text[NGX_UPLINK_TEXT_MAX];
    ngx_str_t           reason;
    ngx_uplink_value_t  value;

    ngx_uplink_json_get(&env->payload, "reason", &value);

    reason.data = text;

    if (value.kind != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(&value, text, sizeof(text), &reason.len)
           != NGX_OK)
    {
        ngx_str_set(&reason, "client_close");
    }

    browser->bad = 0;

    if (browser->seat) {
        (void) ngx_uplink_seat_close(browser->fleet, browser->seat, &reason);
    }
}


static void
ngx_uplink_browser_bad(ngx_uplink_browser_t *browser, const char *text)
{
    ngx_uplink_count_word(browser->fleet, NGX_UPLINK_FAMILY_bad_messages,
                          "terminal");

    ngx_log_error(NGX_LOG_INFO, browser->conn->connection->log, 0,
                  "client sent invalid uplink message: %s", text);

    if (++browser->bad == NGX_UPLINK_BROWSER_BAD_ROW) {
        ngx_uplink_browser_fail(browser, "bad_request", text);
        return;
    }

    ngx_uplink_browser_error(browser, "bad_request", text);
}


/*
 * To the sled at once if it is here, else into the lane.  Who types more
 * than is taken is not read until there is room.  raw: how many bytes of it
 * have not been counted yet.
 */

static void
ngx_uplink_browser_typed(ngx_uplink_browser_t *browser,
    ngx_uplink_piece_t *piece, size_t raw)
{
    size_t     left, len;
    ngx_int_t  rc;

    if (browser->seat == NULL || browser->view || piece->len == 0) {
        return;
    }

    ngx_uplink_add(browser->fleet, NGX_UPLINK_COUNT_terminal_typed_bytes,
                   raw);

    rc = browser->opened ? ngx_uplink_sled_typed(browser, piece)
                         : NGX_DECLINED;

    if (rc != NGX_BUSY && rc != NGX_DECLINED) {
        return;
    }

    len = piece->len;

    if (piece->base64) {
        (void) ngx_uplink_base64_decode(piece->data, piece->data, piece->len,
                                        &len);
    }

    left = (rc == NGX_BUSY) ? len
                            : ngx_uplink_browser_input(browser, piece->data,
                                                       len);
    if (left) {
        ngx_uplink_browser_keep(browser, piece->data + len - left, left);
    }
}


/* how much of it is left because there is no room */

static size_t
ngx_uplink_browser_input(ngx_uplink_browser_t *browser, u_char *raw,
    size_t len)
{
    size_t                  size;
    ngx_int_t               rc;
    ngx_uplink_terminal_t  *t;

    t = browser->seat->terminal;

    while (len) {
        size = ngx_min(len, NGX_UPLINK_INPUT_PIECE);
        rc = ngx_uplink_browser_push(browser, raw, size);

        if (rc == NGX_OK) {
            browser->refused = 0;
            raw += size;
            len -= size;
            continue;
        }

        if (rc != NGX_BUSY) {

            /* the zone was rebuilt: it will hear of that */

            return 0;
        }

        if (t->state == NGX_UPLINK_TERMINAL_OPEN && t->away_until == 0) {

            if (ngx_uplink_lane_level(&t->input)) {
                return len;
            }

            ngx_uplink_browser_fail(browser, "zone_full",
                                    "there is no room for what was typed");
            return 0;
        }

        if (!browser->refused) {
            browser->refused = 1;
            ngx_uplink_browser_error(browser, "sled_away",
                                     "no more is kept until the sled reads");
        }

        return 0;
    }

    return 0;
}


/* the sled's side may have made room before it could see that we wait */

static ngx_int_t
ngx_uplink_browser_push(ngx_uplink_browser_t *browser, u_char *raw,
    size_t len)
{
    ngx_int_t  rc;

    rc = ngx_uplink_seat_input(browser->fleet, browser->seat,
                               &browser->writer, raw, len);

    if (rc == NGX_BUSY) {
        browser->seat->terminal->blocked = 1;
        ngx_memory_barrier();

        rc = ngx_uplink_seat_input(browser->fleet, browser->seat,
                                   &browser->writer, raw, len);
    }

    return rc;
}


static void
ngx_uplink_browser_keep(ngx_uplink_browser_t *browser, u_char *raw,
    size_t len)
{
    ngx_uplink_conn_t  *uc;

    uc = browser->conn;

    if (uc->closing) {
        return;
    }

    browser->kept = ngx_alloc(len, uc->connection->log);

    if (browser->kept == NULL) {
        ngx_uplink_browser_fail(browser, "internal", "there is no memory");
        return;
    }

    ngx_memcpy(browser->kept, raw, len);

    browser->kept_len = len;
    browser->held = 1;

    ngx_uplink_conn_pause(uc);
}


void
ngx_uplink_browser_room(ngx_uplink_browser_t *browser)
{
    u_char              *kept;
    ngx_uplink_piece_t   piece;

    if (browser->conn->closing) {
        return;
    }

    kept = browser->kept;

    piece.data = kept;
    piece.lane = NULL;
    piece.len = browser->kept_len;
    piece.base64 = 0;

    browser->kept = NULL;
    browser->held = 0;

    ngx_uplink_browser_typed(browser, &piece, 0);

    ngx_free(kept);

    if (!browser->held) {
        ngx_uplink_conn_resume(browser->conn);
    }
}
