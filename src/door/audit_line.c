
/*
 * A line of the audit log: a record in JSON, behind the name of its chain,
 * its number there, and the digest of the line before.
 */


#include "door/audit.h"


static void ngx_uplink_line_member(ngx_uplink_out_t *out, ngx_uint_t member,
    ngx_str_t *text, uint64_t number);


ngx_int_t
ngx_uplink_line(ngx_uplink_fleet_t *fleet, ngx_uplink_chain_t *chain,
    ngx_uplink_record_t *rec, u_char **pos)
{
    u_char           *p;
    uint64_t          n;
    ngx_str_t         text;
    ngx_uint_t        i;
    ngx_uplink_out_t  out;

    ngx_uplink_out_init(&out, *pos, ngx_uplink_line_room(rec));

    /* no line has an object in it: this begins a line and nothing else */

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_hex(&out, "chain", (u_char *) &chain->name, 8);
    ngx_uplink_out_number(&out, "seq", chain->seq + 1);
    ngx_uplink_out_hex(&out, "prev", chain->sha256, 32);
    ngx_uplink_out_number(&out, "time_ms", rec->time);
    ngx_uplink_out_str(&out, "fleet", &fleet->name);
    ngx_uplink_out_str(&out, "event",
                       &ngx_uplink_audit_events[rec->event].name);

    /* its writer died over it: it may stand in the log already, as this */

    if (rec->chain) {
        ngx_uplink_out_hex(&out, "again_chain", (u_char *) &rec->chain, 8);
        ngx_uplink_out_number(&out, "again_seq", rec->seq);
    }

    p = rec->data;
    n = 0;

    for (i = 0; i < NGX_UPLINK_SAID_MEMBERS; i++) {

        if (!(rec->set & (uint64_t) 1 << i)) {
            continue;
        }

        if (i == NGX_UPLINK_SAID_input) {
            text.data = rec->data + rec->size;
            text.len = rec->input_len;

        } else {
            p = ngx_uplink_record_next(p, i, &text, &n);
        }

        ngx_uplink_line_member(&out, i, &text, n);
    }

    ngx_uplink_out_shut(&out, '}');

    if (ngx_uplink_digest(ngx_cycle->log, out.start, ngx_uplink_out_len(&out),
                          chain->sha256)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_uplink_out_raw(&out, "\n", 1);

    if (out.over) {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "uplink audit line is longer than its room");
        return NGX_ERROR;
    }

    chain->seq++;
    *pos = out.pos;

    return NGX_OK;
}


static void
ngx_uplink_line_member(ngx_uplink_out_t *out, ngx_uint_t member,
    ngx_str_t *text, uint64_t number)
{
    u_char       p[NGX_INT64_LEN + 1];
    const char  *name;

    name = (const char *) ngx_uplink_audit_members[member].name.data;

    switch (ngx_uplink_audit_members[member].kind) {

    case NGX_UPLINK_SAID_NUMBER:
        ngx_uplink_out_number(out, name, number);
        break;

    case NGX_UPLINK_SAID_INTEGER:
        ngx_uplink_out_value(out, name, p,
                             ngx_sprintf(p, "%L", (int64_t) number) - p);
        break;

    case NGX_UPLINK_SAID_BOOL:
        ngx_uplink_out_bool(out, name, number != 0);
        break;

    case NGX_UPLINK_SAID_STRING:
        ngx_uplink_out_str(out, name, text);
        break;

    default:
        ngx_uplink_out_hex(out, name, text->data, text->len);
        break;
    }
}
