
/*
 * What a sled is told at once, about its own message.
 */


#include "door/sled.h"


#define NGX_UPLINK_SLED_DENIAL  512    /* a denial with its sentence */


ngx_int_t
ngx_uplink_sled_bad(ngx_uplink_sled_conn_t *sc, const char *text, size_t len)
{
    ngx_uplink_out_t  out;

    ngx_uplink_count_word(sc->fleet, NGX_UPLINK_FAMILY_bad_messages, "sled");

    ngx_log_error(NGX_LOG_INFO, sc->conn->connection->log, 0,
                  "client sent invalid uplink message: %*s", len, text);

    if (ngx_uplink_sled_answer(sc, &out, "error", NULL, 0,
                               2 * NGX_UPLINK_OUT_MEMBER
                               + ngx_uplink_out_quoted(text, len))
        == NGX_OK)
    {
        ngx_uplink_out_text(&out, "code", "bad_message");
        ngx_uplink_out_string(&out, "message", text, len);
        ngx_uplink_sled_send(sc, &out);
    }

    if (++sc->bad == NGX_UPLINK_SLED_BAD_ROW) {
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_POLICY,
                              "too many bad messages");
    }

    return NGX_ABORT;
}


void
ngx_uplink_sled_error(ngx_uplink_sled_conn_t *sc, const u_char *req_id,
    size_t len, const char *code, const char *text)
{
    ngx_uplink_out_t  out;

    if (ngx_uplink_sled_answer(sc, &out, "error", req_id, len,
                               2 * NGX_UPLINK_OUT_MEMBER + ngx_strlen(code)
                               + ngx_uplink_out_quoted(text,
                                                       ngx_strlen(text)))
        == NGX_OK)
    {
        ngx_uplink_out_text(&out, "code", code);
        ngx_uplink_out_text(&out, "message", text);
        ngx_uplink_sled_send(sc, &out);
    }
}


void
ngx_uplink_sled_close(ngx_uplink_sled_conn_t *sc, ngx_uint_t code,
    const char *reason)
{
    ngx_str_t  text;

    text.data = (u_char *) reason;
    text.len = ngx_strlen(reason);

    ngx_uplink_conn_close(sc->conn, code, &text);
}


/*
 * Reading was stopped long before the queue was full: who fills it even so
 * will not read the rest either.
 */

ngx_int_t
ngx_uplink_sled_answer(ngx_uplink_sled_conn_t *sc, ngx_uplink_out_t *out,
    const char *type, const u_char *req_id, size_t len, size_t room)
{
    ngx_int_t  rc;

    rc = ngx_uplink_message_enveloped(out, sc->conn, type, req_id, len, room);

    if (rc == NGX_BUSY) {
        ngx_log_error(NGX_LOG_INFO, sc->conn->connection->log, 0,
                      "client does not read uplink messages");
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_OVERLOAD,
                              "too much was not read");
    }

    return rc;
}


void
ngx_uplink_sled_send(ngx_uplink_sled_conn_t *sc, ngx_uplink_out_t *out)
{
    if (ngx_uplink_message_send(out) == NGX_OK) {
        ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_messages_out);
    }
}


/* a request that cannot be taken has its answer at once */

void
ngx_uplink_sled_deny(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env,
    ngx_uint_t reason, const char *text)
{
    ngx_uplink_out_t  out;

    if (ngx_uplink_sled_answer(sc, &out, "perm_response", env->req_id,
                               env->req_id_len, NGX_UPLINK_SLED_DENIAL)
        != NGX_OK)
    {
        return;
    }

    ngx_uplink_out_bool(&out, "approved", 0);
    ngx_uplink_out_bool(&out, "always_allow", 0);
    ngx_uplink_out_str(&out, "reason", &ngx_uplink_reasons[reason]);

    if (text) {
        ngx_uplink_out_text(&out, "message", text);
    }

    ngx_uplink_sled_send(sc, &out);
}
