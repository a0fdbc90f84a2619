
/*
 * What doors say for the audit log: who came, what was asked, and whom they
 * have sent away.
 */


#include "door/audit.h"


void
ngx_uplink_origin(ngx_uplink_origin_t *origin, ngx_uplink_door_e door,
    ngx_connection_t *c, ngx_str_t *user)
{
    origin->door = door;

    /* as realip has left it */

    origin->from = c->addr_text;

    if (user) {
        origin->user = *user;

    } else {
        ngx_str_null(&origin->user);
    }
}


void
ngx_uplink_audit_input(ngx_uplink_ask_t *ask, ngx_uplink_fleet_t *fleet,
    ngx_uplink_value_t *input)
{
    size_t  len;

    static u_char  copy[NGX_UPLINK_AUDIT_INPUT];

    if (fleet->audit == NULL || !fleet->audit->input) {
        return;
    }

    len = input->end - input->start;

    ask->cut = (len > sizeof(copy));
    ask->input.data = copy;
    ask->input.len = ngx_min(len, sizeof(copy));

    ngx_memcpy(copy, input->start, ask->input.len);
}


void
ngx_uplink_audit_text(ngx_uplink_value_t *value, u_char *dst, size_t size,
    ngx_str_t *text)
{
    ngx_str_null(text);

    if (value->kind != NGX_UPLINK_JSON_STRING) {
        return;
    }

    text->data = dst;

    if (ngx_uplink_json_string(value, dst, size, &text->len) != NGX_OK) {

        /* it does not fit, or has a NUL: as it stands, escapes and all */

        text->len = ngx_min(size, (size_t) (value->end - value->start) - 2);
        ngx_memcpy(dst, value->start + 1, text->len);
    }
}


void
ngx_uplink_audit_refused(ngx_uplink_fleet_t *fleet, ngx_uplink_ask_t *ask,
    const char *code)
{
    ngx_uplink_said_t  said;

    ngx_uplink_say_nothing(&said);

    ngx_uplink_say_origin(&said, &ask->origin);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_kind,
                       &ngx_uplink_kinds[ask->kind]);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sled, &ask->agent);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sled_req_id, &ask->ref);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_tool_name, &ask->tool);
    ngx_uplink_say_text(&said, NGX_UPLINK_SAID_code, code);

    if (ask->sha256) {
        ngx_uplink_say(&said, NGX_UPLINK_SAID_input_sha256, ask->sha256,
                       NGX_UPLINK_DIGEST);
    }

    (void) ngx_uplink_journal_note(fleet, NGX_UPLINK_AUDIT_refused, &said);
}


void
ngx_uplink_audit_stranger(ngx_uplink_fleet_t *fleet, ngx_connection_t *c,
    ngx_str_t *user, ngx_str_t *agent, const char *code)
{
    ngx_uplink_said_t    said;
    ngx_uplink_origin_t  origin;

    ngx_uplink_origin(&origin, NGX_UPLINK_DOOR_SLED, c, user);

    ngx_uplink_say_nothing(&said);

    ngx_uplink_say_origin(&said, &origin);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sled, agent);
    ngx_uplink_say_text(&said, NGX_UPLINK_SAID_code, code);

    (void) ngx_uplink_journal_note(fleet, NGX_UPLINK_AUDIT_sled_refused,
                                   &said);
}


void
ngx_uplink_audit_visit(ngx_uplink_fleet_t *fleet, ngx_uplink_visit_t *visit,
    const char *code)
{
    ngx_uplink_said_t  said;

    ngx_uplink_say_nothing(&said);

    ngx_uplink_say_origin(&said, &visit->origin);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sled, &visit->sled);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_workspace_id,
                       &visit->workspace);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_issue_id, &visit->issue);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_session_id, &visit->session);
    ngx_uplink_say_text(&said, NGX_UPLINK_SAID_code, code);

    (void) ngx_uplink_journal_note(fleet, NGX_UPLINK_AUDIT_terminal_refused,
                                   &said);
}
