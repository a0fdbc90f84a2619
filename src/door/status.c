
/*
 * uplink_status: the numbers of a fleet, for people and load balancers.
 */


#include "door/door.h"
#include "fleet/fleet.h"


#define NGX_UPLINK_STATUS_WORKER  (6 * NGX_UPLINK_OUT_MEMBER)


static ngx_int_t ngx_uplink_status_method(ngx_http_request_t *r);
static const char *ngx_uplink_status_word(ngx_uplink_loc_conf_t *ulcf,
    ngx_uplink_status_t *status);
static void ngx_uplink_status_write(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status, const char *word);
static void ngx_uplink_status_workers(ngx_uplink_out_t *out,
    ngx_uplink_status_t *status);


/* too large for the stack */

static ngx_uplink_status_t  ngx_uplink_status_now;


ngx_int_t
ngx_uplink_status_handler(ngx_http_request_t *r)
{
    u_char                 *p;
    size_t                  size;
    ngx_int_t               rc;
    const char             *word;
    ngx_uplink_who_t        who;
    ngx_uplink_out_t        out;
    ngx_uplink_status_t    *status;
    ngx_uplink_loc_conf_t  *ulcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_uplink_status_method(r);
    }

    ulcf = ngx_http_get_module_loc_conf(r, ngx_uplink_module);

    rc = ngx_uplink_auth_request(r, &ulcf->auth, NGX_UPLINK_ROLE_ANY, &who);

    if (rc != NGX_OK) {
        return ngx_uplink_reply_denied(r, rc);
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    status = &ngx_uplink_status_now;

    if (ngx_uplink_status(ulcf->fleet, status) != NGX_OK) {
        return ngx_uplink_reply_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "restarted",
                                      "the fleet was restarted, try again");
    }

    size = (NGX_UPLINK_NCOUNTERS + 48) * NGX_UPLINK_OUT_MEMBER
           + status->ports * NGX_UPLINK_STATUS_WORKER;

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    word = ngx_uplink_status_word(ulcf, status);

    ngx_uplink_out_init(&out, p, size);
    ngx_uplink_status_write(&out, status, word);
    ngx_uplink_out_raw(&out, "\n", 1);

    if (out.over) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "uplink status is longer than its room");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_uplink_reply_json(r, word ? NGX_HTTP_SERVICE_UNAVAILABLE
                                         : NGX_HTTP_OK,
                                 out.start, ngx_uplink_out_len(&out));
}


static ngx_int_t
ngx_uplink_status_method(ngx_http_request_t *r)
{
    ngx_str_t  allow;

    ngx_str_set(&allow, "GET, HEAD");

    if (ngx_uplink_reply_header(r, "Allow", &allow) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_uplink_reply_error(r, NGX_HTTP_NOT_ALLOWED,
                                  "method_not_allowed",
                                  "the status can only be read");
}


/* NULL: all is well */

static const char *
ngx_uplink_status_word(ngx_uplink_loc_conf_t *ulcf,
    ngx_uplink_status_t *status)
{
    if (status->draining) {
        return "draining";
    }

    if (status->agents < (ngx_uint_t) ulcf->min_sleds) {
        return "degraded";
    }

    return NULL;
}


static void
ngx_uplink_status_write(ngx_uplink_out_t *out, ngx_uplink_status_t *status,
    const char *word)
{
    ngx_uint_t  i;

    ngx_uplink_out_open(out, NULL, '{');

    ngx_uplink_out_text(out, "status", word ? word : "ok");
    ngx_uplink_out_text(out, "version", NGX_UPLINK_VERSION);
    ngx_uplink_out_number(out, "uptime", status->uptime);

    ngx_uplink_status_workers(out, status);

    ngx_uplink_out_open(out, "sleds", '{');
    ngx_uplink_out_number(out, "agents", status->agents);
    ngx_uplink_out_number(out, "connections", status->links);
    ngx_uplink_out_number(out, "paused", status->paused);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "operators", '{');
    ngx_uplink_out_number(out, "sessions", status->sessions);
    ngx_uplink_out_number(out, "connected", status->attached);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "terminals", '{');
    ngx_uplink_out_number(out, "sessions", status->terminals);
    ngx_uplink_out_number(out, "browsers", status->browsers);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "requests", '{');
    ngx_uplink_out_number(out, "pending", status->open);
    ngx_uplink_out_number(out, "ended", status->ended);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "zone", '{');
    ngx_uplink_out_number(out, "size", status->size);
    ngx_uplink_out_number(out, "used", status->used);
    ngx_uplink_out_number(out, "entries", status->entries);
    ngx_uplink_out_shut(out, '}');

    ngx_uplink_out_open(out, "counters", '{');

    for (i = 0; i < NGX_UPLINK_NCOUNTERS; i++) {
        ngx_uplink_out_number(out,
                              (const char *) ngx_uplink_counter_names[i].data,
                              status->counters[i]);
    }

    ngx_uplink_out_shut(out, '}');
    ngx_uplink_out_shut(out, '}');
}


static void
ngx_uplink_status_workers(ngx_uplink_out_t *out, ngx_uplink_status_t *status)
{
    ngx_uint_t  i;

    ngx_uplink_out_open(out, "workers", '[');

    for (i = 0; i < status->ports; i++) {
        ngx_uplink_out_open(out, NULL, '{');
        ngx_uplink_out_number(out, "slot", status->port[i].slot);
        ngx_uplink_out_number(out, "port", status->port[i].port);
        ngx_uplink_out_number(out, "pid", status->port[i].pid);
        ngx_uplink_out_number(out, "connections",
                              status->port[i].connections);
        ngx_uplink_out_bool(out, "leaving", status->port[i].leaving);
        ngx_uplink_out_shut(out, '}');
    }

    ngx_uplink_out_shut(out, ']');
}
