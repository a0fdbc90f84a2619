
/*
 * Who a sled may be, and its place in the fleet.
 */


#include "door/audit.h"
#include "door/sled.h"
#include "door/trail.h"


#define NGX_UPLINK_SLED_EXPIRY  3600   /* s */

#define NGX_UPLINK_SLED_ANON  "anon-"
#define NGX_UPLINK_SLED_ANON_LEN                                              \
    (sizeof(NGX_UPLINK_SLED_ANON) - 1 + 12)


static ngx_uplink_sled_refusal_e ngx_uplink_sled_agent(
    ngx_uplink_sled_conn_t *sc, u_char *anon, ngx_str_t *agent);


/* of its capabilities, shown to others */

static const ngx_str_t  ngx_uplink_sled_words[NGX_UPLINK_SLED_WORDS] = {
    ngx_string("name"),
    ngx_string("version")
};


/*
 * Where credentials are optional and none came, this sled may have any name
 * but those that tokens are bound to; the list of the location holds for all.
 */

ngx_uint_t
ngx_uplink_sled_may_be(ngx_uplink_sled_conn_t *sc, ngx_str_t *agent)
{
    ngx_str_t   *name;
    ngx_uint_t   i;

    if (sc->who.known || sc->conf->auth.mode != NGX_UPLINK_AUTH_OPTIONAL) {

        if (!ngx_uplink_who_agent(&sc->who, agent)) {
            return 0;
        }

    } else if (ngx_uplink_auth_bound(&sc->conf->auth, agent)) {
        return 0;
    }

    if (sc->conf->allowed_agents == NULL) {
        return 1;
    }

    name = sc->conf->allowed_agents->elts;

    for (i = 0; i < sc->conf->allowed_agents->nelts; i++) {
        if (name[i].len == agent->len
            && ngx_memcmp(name[i].data, agent->data, agent->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* who has said it in the handshake needs no token, and is not asked for it */

ngx_uplink_sled_refusal_e
ngx_uplink_sled_token(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_value_t *value)
{
    ngx_int_t          rc;
    ngx_str_t          token;
    ngx_uplink_who_t   who;

    if (sc->who.known || sc->conf->auth.mode == NGX_UPLINK_AUTH_OFF) {
        return NGX_UPLINK_SLED_ADMITTED;
    }

    ngx_str_null(&token);

    if (value->kind == NGX_UPLINK_JSON_STRING) {
        token.data = value->start;

        if (ngx_uplink_json_string(value, token.data,
                                   value->end - value->start, &token.len)
            != NGX_OK)
        {
            return NGX_UPLINK_SLED_AUTH_FAILED;
        }
    }

    rc = ngx_uplink_auth_token(sc->conn->request->pool, &sc->conf->auth,
                               NGX_UPLINK_ROLE_SLED, &token, &who);

    if (rc == NGX_OK) {
        sc->who = who;
        return NGX_UPLINK_SLED_ADMITTED;
    }

    return (rc == NGX_DECLINED) ? NGX_UPLINK_SLED_AUTH_REQUIRED
                                : NGX_UPLINK_SLED_AUTH_FAILED;
}


/*
 * What a sled says of itself, for those who look at the list: what is no
 * string, or too long to be a name, is left out.
 */

void
ngx_uplink_sled_about(ngx_uplink_value_t *capabilities, u_char *buf,
    ngx_str_t *about)
{
    size_t               len;
    u_char               text[NGX_UPLINK_SLED_WORD];
    ngx_uint_t           i;
    ngx_uplink_out_t     out;
    ngx_uplink_value_t   v[NGX_UPLINK_SLED_WORDS];

    ngx_uplink_out_init(&out, buf, NGX_UPLINK_SLED_ABOUT);

    if (capabilities->kind == NGX_UPLINK_JSON_OBJECT) {

        ngx_uplink_json_members(capabilities, ngx_uplink_sled_words,
                                NGX_UPLINK_SLED_WORDS, v);

        for (i = 0; i < NGX_UPLINK_SLED_WORDS; i++) {

            if (v[i].kind == NGX_UPLINK_JSON_STRING
                && ngx_uplink_json_string(&v[i], text, sizeof(text), &len)
                   == NGX_OK)
            {
                ngx_uplink_out_string(&out,
                                      (char *) ngx_uplink_sled_words[i].data,
                                      text, len);
            }
        }
    }

    about->data = buf;
    about->len = ngx_uplink_out_len(&out);
}


ngx_uplink_sled_refusal_e
ngx_uplink_sled_admit(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_admission_t *adm, ngx_uint_t *resumed)
{
    u_char              *name, *p;
    ngx_uint_t           result;
    ngx_uplink_link_t   *link;
    ngx_uplink_conn_t   *uc;
    ngx_uplink_trail_t  *trail;

    uc = sc->conn;

    /* the place is not taken for want of the memory to remember its name */

    name = ngx_pnalloc(uc->request->pool,
                       adm->agent.len + 1 + 2 * sizeof(adm->id));
    if (name == NULL) {
        return NGX_UPLINK_SLED_INTERNAL;
    }

    adm->max_connections = sc->conf->max_connections;

    ngx_uplink_origin(&adm->origin, NGX_UPLINK_DOOR_SLED, uc->connection,
                      &sc->who.name);

    adm->digest = sc->who.digest;

    /* who is of every workspace is of none in particular */

    if (sc->who.workspaces && !sc->who.everywhere) {
        adm->workspaces = sc->who.workspaces->elts;
        adm->nworkspaces = sc->who.workspaces->nelts;
    }

    if (ngx_uplink_link_admit(sc->fleet, adm, sc->slot, &link, &result)
        != NGX_OK)
    {
        return NGX_UPLINK_SLED_INTERNAL;
    }

    switch (result) {

    case NGX_UPLINK_ADMIT_TOO_MANY:
        return NGX_UPLINK_SLED_TOO_MANY_CONNECTIONS;

    case NGX_UPLINK_ADMIT_FULL:
        return NGX_UPLINK_SLED_ZONE_FULL;
    }

    *resumed = (result == NGX_UPLINK_ADMIT_RESUMED);

    /* the connection_id begins with the name */

    p = ngx_cpymem(name, adm->agent.data, adm->agent.len);
    *p++ = '-';
    p = ngx_hex_dump(p, adm->id, sizeof(adm->id));

    sc->agent.data = name;
    sc->agent.len = adm->agent.len;

    trail = ngx_uplink_trail_of(uc->request);

    trail->user = sc->who.name;
    trail->sled = sc->agent;
    trail->session.data = name;
    trail->session.len = p - name;

    sc->link = link;
    sc->stranger = 0;
    sc->expected = 0;
    sc->registered = adm->registered;

    uc->max_message = sc->conf->conn.max_message;

    if (!sc->draining) {
        ngx_uplink_sled_expiry(sc);
    }

    return NGX_UPLINK_SLED_ADMITTED;
}


/*
 * A credential that ends takes the connection with it.  Looked at again now
 * and then, in case that somebody sets the clock.
 */

void
ngx_uplink_sled_expiry(ngx_uplink_sled_conn_t *sc)
{
    time_t  left;

    if (sc->who.expires == 0) {
        ngx_uplink_conn_deadline(sc->conn, 0);
        return;
    }

    left = sc->who.expires - ngx_time();

    if (left <= 0) {
        ngx_log_error(NGX_LOG_INFO, sc->conn->connection->log, 0,
                      "JSON web token of sled \"%V\" has expired",
                      &sc->who.name);

        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_POLICY, "expired");
        return;
    }

    ngx_uplink_conn_deadline(sc->conn,
                             (ngx_msec_t) ngx_min(left,
                                                  NGX_UPLINK_SLED_EXPIRY)
                             * 1000);
}


ngx_uplink_sled_refusal_e
ngx_uplink_sled_admit_unregistered(ngx_uplink_sled_conn_t *sc)
{
    u_char                      anon[NGX_UPLINK_SLED_ANON_LEN];
    ngx_uint_t                  resumed;
    ngx_uplink_admission_t      adm;
    ngx_uplink_sled_refusal_e   refusal;

    ngx_memzero(&adm, sizeof(ngx_uplink_admission_t));

    refusal = ngx_uplink_sled_agent(sc, anon, &adm.agent);
    if (refusal != NGX_UPLINK_SLED_ADMITTED) {
        return refusal;
    }

    if (ngx_uplink_random(sc->conn->connection->log, adm.id, sizeof(adm.id))
        != NGX_OK)
    {
        return NGX_UPLINK_SLED_INTERNAL;
    }

    return ngx_uplink_sled_admit(sc, &adm, &resumed);
}


/*
 * The name of one that does not register: from the URL, else from its
 * credential, as far as that leaves no choice, else one made up.
 */

static ngx_uplink_sled_refusal_e
ngx_uplink_sled_agent(ngx_uplink_sled_conn_t *sc, u_char *anon,
    ngx_str_t *agent)
{
    u_char            *p;
    ngx_uplink_who_t  *who;

    who = &sc->who;

    if (sc->agent.len) {
        *agent = sc->agent;
        return NGX_UPLINK_SLED_ADMITTED;
    }

    if (!who->known) {
        p = ngx_cpymem(anon, NGX_UPLINK_SLED_ANON,
                       sizeof(NGX_UPLINK_SLED_ANON) - 1);

        if (ngx_uplink_random_hex(sc->conn->connection->log, p, 6)
            != NGX_OK)
        {
            return NGX_UPLINK_SLED_INTERNAL;
        }

        agent->data = anon;
        agent->len = NGX_UPLINK_SLED_ANON_LEN;

        return NGX_UPLINK_SLED_ADMITTED;
    }

    *agent = who->name;

    if (!ngx_uplink_who_agent(who, agent)
        && who->agents
        && who->agents->nelts == 1)
    {
        *agent = *(ngx_str_t *) who->agents->elts;
    }

    if (!ngx_uplink_agent_id(agent)) {
        return NGX_UPLINK_SLED_AGENT_ID_INVALID;
    }

    return ngx_uplink_sled_may_be(sc, agent)
               ? NGX_UPLINK_SLED_ADMITTED
               : NGX_UPLINK_SLED_AGENT_NOT_ALLOWED;
}
