
/*
 * What a sled says of its terminals.
 */


#include "door/sled_terminal.h"
#include "wire/base64.h"


#define NGX_UPLINK_OPENED_MAX  NGX_UPLINK_TOLD_OPENED
#define NGX_UPLINK_OFFSET_MAX  ((int64_t) ((uint64_t) -1 >> 1))


enum {
    NGX_UPLINK_SAYS_REQUEST = 0,
    NGX_UPLINK_SAYS_SESSION,
    NGX_UPLINK_SAYS_OFFSET,
    NGX_UPLINK_SAYS_EXIT_CODE,
    NGX_UPLINK_SAYS_REASON,
    NGX_UPLINK_SAYS_CODE,
    NGX_UPLINK_SAYS_MESSAGE,
    NGX_UPLINK_SAYS_DATA,
    NGX_UPLINK_SAYS_MEMBERS
};


typedef struct {
    ngx_uplink_value_t   v[NGX_UPLINK_SAYS_MEMBERS];
    ngx_str_t            request;
    ngx_str_t            session;
    ngx_str_t            code;
    ngx_str_t            text;
    u_char               request_buf[NGX_UPLINK_REQ_ID_MAX];
    u_char               session_buf[NGX_UPLINK_SESSION_MAX];
    u_char               code_buf[NGX_UPLINK_CODE_MAX];
    u_char               text_buf[NGX_UPLINK_TEXT_MAX];
} ngx_uplink_says_t;


static ngx_int_t ngx_uplink_sled_says(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_says_t *says);
static ngx_int_t ngx_uplink_sled_says_string(ngx_uplink_value_t *value,
    ngx_str_t *s, u_char *buf, size_t size);
static void ngx_uplink_sled_says_text(ngx_uplink_value_t *value,
    ngx_str_t *s, u_char *buf, size_t size);
static size_t ngx_uplink_sled_members(ngx_uplink_value_t *payload);
static ngx_uint_t ngx_uplink_sled_own_member(ngx_uplink_value_t *key);
static ngx_int_t ngx_uplink_sled_end(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_says_t *says, ngx_uint_t what, ngx_int_t exit_code);
static void ngx_uplink_sled_shut(ngx_uplink_sled_conn_t *sc,
    ngx_str_t *session);


static const ngx_str_t  ngx_uplink_sled_says_names[] = {
    ngx_string("request_id"),
    ngx_string("session_id"),
    ngx_string("offset"),
    ngx_string("exit_code"),
    ngx_string("reason"),
    ngx_string("code"),
    ngx_string("message"),
    ngx_string("data_b64")
};


/* what only the gateway says of it to a browser */

static const ngx_str_t  ngx_uplink_sled_own_members[] = {
    ngx_string("request_id"),
    ngx_string("session_id"),
    ngx_string("resume_token"),
    ngx_string("offset"),
    ngx_string("handle"),
    ngx_string("mode"),
    ngx_null_string
};


ngx_int_t
ngx_uplink_sled_opened(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env)
{
    int64_t                   offset;
    ngx_str_t                 members;
    ngx_uplink_says_t         says;
    ngx_uplink_value_t       *value;
    ngx_uplink_sled_route_t  *route;

    if (ngx_uplink_sled_says(sc, env, &says) != NGX_OK) {
        return NGX_ABORT;
    }

    if (says.request.len == 0 || says.session.len == 0) {
        return ngx_uplink_sled_bad_text(sc, "\"request_id\" and "
                                            "\"session_id\" must be strings "
                                            "of 1 to 128 bytes");
    }

    value = &says.v[NGX_UPLINK_SAYS_OFFSET];
    offset = 0;

    if (value->kind > NGX_UPLINK_JSON_NULL
        && ngx_uplink_json_integer(value, 0, NGX_UPLINK_OFFSET_MAX, &offset)
           != NGX_OK)
    {
        return ngx_uplink_sled_bad_text(sc, "\"offset\" must be a number");
    }

    members.data = env->payload.start + 1;
    members.len = ngx_uplink_sled_members(&env->payload);

    if (members.len > NGX_UPLINK_OPENED_MAX) {
        return ngx_uplink_sled_bad_text(sc, "terminal.opened is too long");
    }

    switch (ngx_uplink_terminal_opened(sc->fleet, sc->link, &says.request,
                                       &says.session, &members,
                                       (uint64_t) offset))
    {

    case NGX_OK:

        /* made now, so that what follows finds it */

        route = ngx_uplink_sled_route(sc, says.session.data,
                                      says.session.len);
        if (route) {
            ngx_uplink_sled_gaps(route);
        }

        break;

    case NGX_ABORT:
        ngx_uplink_sled_shut(sc, &says.session);
        break;

    case NGX_BUSY:
        ngx_uplink_sled_error(sc, env->req_id, env->req_id_len, "internal",
                              "this session_id is another terminal's");
    }

    return NGX_OK;
}


/* what the fast way has left over */

ngx_int_t
ngx_uplink_sled_terminal_data(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    size_t                    raw;
    ngx_uplink_says_t         says;
    ngx_uplink_piece_t        piece;
    ngx_uplink_value_t       *value;
    ngx_uplink_sled_route_t  *route;

    if (ngx_uplink_sled_says(sc, env, &says) != NGX_OK) {
        return NGX_ABORT;
    }

    value = &says.v[NGX_UPLINK_SAYS_DATA];

    if (ngx_uplink_base64_decode_value(value->start, value, &raw) != NGX_OK) {
        return ngx_uplink_sled_bad_text(sc, "\"data_b64\" must be base64");
    }

    route = says.session.len ? ngx_uplink_sled_route(sc, says.session.data,
                                                     says.session.len)
                             : NULL;
    if (route == NULL) {
        ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_foreign_session);
        return NGX_OK;
    }

    piece.data = value->start;
    piece.lane = NULL;
    piece.len = raw;
    piece.base64 = 0;

    ngx_uplink_sled_show(route, &piece, raw);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_sled_exit(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env)
{
    int64_t            exit_code;
    ngx_uplink_says_t  says;

    if (ngx_uplink_sled_says(sc, env, &says) != NGX_OK) {
        return NGX_ABORT;
    }

    if (ngx_uplink_json_integer(&says.v[NGX_UPLINK_SAYS_EXIT_CODE],
                                -0x80000000LL, 0x7fffffffLL, &exit_code)
        != NGX_OK)
    {
        return ngx_uplink_sled_bad_text(sc, "\"exit_code\" must be a number");
    }

    return ngx_uplink_sled_end(sc, &says, NGX_UPLINK_TELL_EXIT,
                               (ngx_int_t) exit_code);
}


ngx_int_t
ngx_uplink_sled_closed_by(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    ngx_uplink_says_t  says;

    if (ngx_uplink_sled_says(sc, env, &says) != NGX_OK) {
        return NGX_ABORT;
    }

    return ngx_uplink_sled_end(sc, &says, NGX_UPLINK_TELL_EXIT, -1);
}


ngx_int_t
ngx_uplink_sled_failed(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env)
{
    ngx_uplink_says_t  says;

    if (ngx_uplink_sled_says(sc, env, &says) != NGX_OK) {
        return NGX_ABORT;
    }

    if (says.code.len == 0) {
        return ngx_uplink_sled_bad_text(sc, "\"code\" must be a string of "
                                            "1 to 32 bytes");
    }

    ngx_uplink_sled_says_text(&says.v[NGX_UPLINK_SAYS_MESSAGE], &says.text,
                              says.text_buf, sizeof(says.text_buf));

    return ngx_uplink_sled_end(sc, &says, NGX_UPLINK_TELL_ERROR, 0);
}


static ngx_int_t
ngx_uplink_sled_says(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env,
    ngx_uplink_says_t *says)
{
    ngx_uplink_value_t  *v;

    v = says->v;

    ngx_uplink_json_members(&env->payload, ngx_uplink_sled_says_names,
                            NGX_UPLINK_SAYS_MEMBERS, v);

    if (ngx_uplink_sled_says_string(&v[NGX_UPLINK_SAYS_REQUEST],
                                    &says->request, says->request_buf,
                                    sizeof(says->request_buf))
        != NGX_OK
        || ngx_uplink_sled_says_string(&v[NGX_UPLINK_SAYS_SESSION],
                                       &says->session, says->session_buf,
                                       sizeof(says->session_buf))
           != NGX_OK)
    {
        return ngx_uplink_sled_bad_text(sc, "\"request_id\" and "
                                            "\"session_id\" must be strings "
                                            "of at most 128 bytes");
    }

    if (ngx_uplink_sled_says_string(&v[NGX_UPLINK_SAYS_CODE], &says->code,
                                    says->code_buf, sizeof(says->code_buf))
        != NGX_OK)
    {
        ngx_str_null(&says->code);
    }

    ngx_uplink_sled_says_text(&v[NGX_UPLINK_SAYS_REASON], &says->text,
                              says->text_buf, sizeof(says->text_buf));

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_sled_says_string(ngx_uplink_value_t *value, ngx_str_t *s,
    u_char *buf, size_t size)
{
    s->data = buf;
    s->len = 0;

    if (value->kind <= NGX_UPLINK_JSON_NULL) {
        return NGX_OK;
    }

    return (value->kind == NGX_UPLINK_JSON_STRING
            && ngx_uplink_json_string(value, buf, size, &s->len) == NGX_OK)
               ? NGX_OK : NGX_ERROR;
}


/* for people: what is too long is cut, what is no text is left out */

static void
ngx_uplink_sled_says_text(ngx_uplink_value_t *value, ngx_str_t *s,
    u_char *buf, size_t size)
{
    size_t  len;

    s->data = buf;
    s->len = 0;

    if (value->kind != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(value, value->start,
                                  value->end - value->start, &len)
           != NGX_OK)
    {
        return;
    }

    if (len > size) {
        for (len = size; len && (value->start[len] & 0xc0) == 0x80; len--) {
            /* void */
        }
    }

    ngx_memcpy(buf, value->start, len);
    s->len = len;
}


/* the others, moved together behind the brace */

static size_t
ngx_uplink_sled_members(ngx_uplink_value_t *payload)
{
    size_t              len;
    u_char             *p, *pos, *start;
    ngx_uplink_value_t  key, value;

    pos = NULL;
    start = payload->start + 1;
    p = start;

    while (ngx_uplink_json_next(payload, &pos, &key, &value) == NGX_OK) {

        if (ngx_uplink_sled_own_member(&key)) {
            continue;
        }

        if (p != start) {
            *p++ = ',';
        }

        len = value.end - key.start;
        p = ngx_movemem(p, key.start, len);
    }

    return p - start;
}


static ngx_uint_t
ngx_uplink_sled_own_member(ngx_uplink_value_t *key)
{
    const ngx_str_t  *name;

    for (name = ngx_uplink_sled_own_members; name->len; name++) {
        if (ngx_uplink_json_is(key, (char *) name->data, name->len)) {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_uplink_sled_end(ngx_uplink_sled_conn_t *sc, ngx_uplink_says_t *says,
    ngx_uint_t what, ngx_int_t exit_code)
{
    ngx_uplink_sled_route_t  *route;

    if (says->session.len == 0 && says->request.len == 0) {
        return ngx_uplink_sled_bad_text(sc, "\"session_id\" is missing");
    }

    if (ngx_uplink_terminal_exit(sc->fleet, sc->link, &says->request,
                                 &says->session, what, exit_code,
                                 &says->code, &says->text)
        == NGX_ABORT)
    {
        ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_foreign_session);
        return NGX_OK;
    }

    route = ngx_uplink_sled_route_find(sc, says->session.data,
                                       says->session.len);
    if (route) {
        ngx_uplink_sled_route_free(route);
    }

    return NGX_OK;
}


/* nobody has waited for it */

static void
ngx_uplink_sled_shut(ngx_uplink_sled_conn_t *sc, ngx_str_t *session)
{
    ngx_uplink_out_t  out;

    if (ngx_uplink_sled_answer(sc, &out, "terminal.close", NULL, 0,
                               4 * NGX_UPLINK_OUT_MEMBER
                               + ngx_uplink_out_quoted(session->data,
                                                       session->len))
        != NGX_OK)
    {
        return;
    }

    ngx_uplink_out_str(&out, "session_id", session);
    ngx_uplink_out_text(&out, "reason", "browser_disconnect");

    ngx_uplink_sled_send(sc, &out);
}
