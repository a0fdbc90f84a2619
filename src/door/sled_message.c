
/*
 * The small messages: about requests that stand, and about the connection.
 */


#include "door/sled.h"


typedef ngx_int_t (*ngx_uplink_sled_ref_pt)(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, u_char *ref, size_t len);


static ngx_int_t ngx_uplink_sled_ref(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uplink_sled_ref_pt handler);
static void ngx_uplink_sled_foreign(ngx_uplink_sled_conn_t *sc,
    ngx_int_t rc);


ngx_int_t
ngx_uplink_sled_perm_cancel(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    ngx_int_t  rc;

    rc = ngx_uplink_sled_ref(sc, env, ngx_uplink_request_cancel);

    ngx_uplink_sled_drain_check(sc);

    return rc;
}


ngx_int_t
ngx_uplink_sled_perm_ack(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    ngx_int_t  rc;

    rc = ngx_uplink_sled_ref(sc, env, ngx_uplink_request_ack);

    ngx_uplink_sled_drain_check(sc);

    return rc;
}


ngx_int_t
ngx_uplink_sled_perm_applied(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    ngx_uplink_value_t  applied;

    if (env->req_id_len == 0) {
        return ngx_uplink_sled_bad_text(sc, "\"req_id\" is missing");
    }

    switch (ngx_uplink_json_get(&env->payload, "applied", &applied)) {

    case NGX_UPLINK_JSON_TRUE:
    case NGX_UPLINK_JSON_FALSE:
        break;

    default:
        return ngx_uplink_sled_bad_text(sc, "\"applied\" must be true "
                                            "or false");
    }

    ngx_uplink_sled_foreign(sc,
                            ngx_uplink_request_applied(sc->fleet, sc->link,
                                        env->req_id, env->req_id_len,
                                        applied.kind == NGX_UPLINK_JSON_TRUE));

    ngx_uplink_sled_drain_check(sc);

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_sled_ref(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env,
    ngx_uplink_sled_ref_pt handler)
{
    if (env->req_id_len == 0) {
        return ngx_uplink_sled_bad_text(sc, "\"req_id\" is missing");
    }

    ngx_uplink_sled_foreign(sc, handler(sc->fleet, sc->link, env->req_id,
                                        env->req_id_len));

    return NGX_OK;
}


/* it may have ended a moment ago, so that this is nobody's fault */

static void
ngx_uplink_sled_foreign(ngx_uplink_sled_conn_t *sc, ngx_int_t rc)
{
    if (rc == NGX_ABORT) {
        ngx_uplink_count(sc->fleet, NGX_UPLINK_COUNT_foreign);
    }
}


ngx_int_t
ngx_uplink_sled_flow_control(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    ngx_uint_t          paused;
    ngx_uplink_value_t  action;

    if (ngx_uplink_json_get(&env->payload, "action", &action)
        != NGX_UPLINK_JSON_STRING)
    {
        return ngx_uplink_sled_bad_text(sc, "\"action\" must be a string");
    }

    if (ngx_uplink_json_is(&action, "pause", sizeof("pause") - 1)) {
        paused = 1;

    } else if (ngx_uplink_json_is(&action, "resume", sizeof("resume") - 1)) {
        paused = 0;

    } else {
        return ngx_uplink_sled_bad_text(sc, "\"action\" must be pause "
                                            "or resume");
    }

    (void) ngx_uplink_link_pause(sc->fleet, sc->link, paused);

    return NGX_OK;
}


ngx_int_t
ngx_uplink_sled_heartbeat(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env)
{
    ngx_uplink_out_t  out;

    if (ngx_uplink_sled_answer(sc, &out, "heartbeat_ack", env->req_id,
                               env->req_id_len, 0)
        == NGX_OK)
    {
        ngx_uplink_sled_send(sc, &out);
    }

    return NGX_OK;
}
