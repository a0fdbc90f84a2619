
/*
 * What is said for the audit log of requests, sleds, operators and
 * terminals.  All of it is called under the lock, with the change.
 */


#include "fleet/journal.h"
#include "fleet/request.h"
#include "fleet/terminal_life.h"


static void ngx_uplink_audit_req(ngx_uplink_said_t *said, u_char *id,
    ngx_uplink_request_t *q);
static void ngx_uplink_audit_actor(ngx_uplink_said_t *said,
    ngx_uplink_actor_t *actor);
static void ngx_uplink_audit_time(ngx_uplink_said_t *said, uint64_t since);
static void ngx_uplink_audit_connection(ngx_uplink_said_t *said, u_char *id,
    ngx_uplink_ticket_t *ticket);


/* <agent>-<32 hex> */

#define NGX_UPLINK_AUDIT_CONNECTION  (NGX_UPLINK_AGENT_MAX + 33)


/* what all lines of a request may have; id is the caller's */

static void
ngx_uplink_audit_req(ngx_uplink_said_t *said, u_char *id,
    ngx_uplink_request_t *q)
{
    static const u_char  none[32];

    ngx_uplink_say_nothing(said);

    ngx_uplink_say(said, NGX_UPLINK_SAID_req_id, id,
                   ngx_uplink_view_id(id, q));
    ngx_uplink_say_str(said, NGX_UPLINK_SAID_kind,
                       &ngx_uplink_kinds[q->kind]);
    ngx_uplink_say(said, NGX_UPLINK_SAID_sled, q->text, q->agent_len);
    ngx_uplink_say_str(said, NGX_UPLINK_SAID_sled_req_id, &q->ref);
    ngx_uplink_say(said, NGX_UPLINK_SAID_operator, q->target, q->target_len);
    ngx_uplink_say_number(said, NGX_UPLINK_SAID_expires_ms, q->expires);

    if (q->workspace) {
        ngx_uplink_say_str(said, NGX_UPLINK_SAID_workspace_id,
                           &q->workspace->name);
    }

    if (ngx_memcmp(q->sha256, none, sizeof(none)) != 0) {
        ngx_uplink_say(said, NGX_UPLINK_SAID_input_sha256, q->sha256,
                       sizeof(q->sha256));
    }

    ngx_uplink_say_str(said, NGX_UPLINK_SAID_reason,
                       &ngx_uplink_reasons[q->reason]);
}


static void
ngx_uplink_audit_actor(ngx_uplink_said_t *said, ngx_uplink_actor_t *actor)
{
    ngx_uplink_say_origin(said, &actor->origin);
    ngx_uplink_say_str(said, NGX_UPLINK_SAID_sid, &actor->sid);
    ngx_uplink_say_str(said, NGX_UPLINK_SAID_user, &actor->by);
}


/* clocks are set: it never took less than nothing */

static void
ngx_uplink_audit_time(ngx_uplink_said_t *said, uint64_t since)
{
    uint64_t  now;

    now = ngx_uplink_now();

    ngx_uplink_say_number(said, NGX_UPLINK_SAID_duration_ms,
                          (now > since) ? now - since : 0);
}


void
ngx_uplink_audit_asked(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uplink_ask_t *ask)
{
    u_char             id[NGX_UPLINK_REQ_MAX];
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_audit_req(&said, id, q);

    ngx_uplink_say_origin(&said, &ask->origin);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_task_id, &ask->task);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_tool_name, &ask->tool);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_input, &ask->input);

    if (ask->cut) {
        ngx_uplink_say_number(&said, NGX_UPLINK_SAID_input_cut, 1);
    }

    (void) ngx_uplink_journal_put(fleet, NGX_UPLINK_AUDIT_asked, &said);
}


void
ngx_uplink_audit_request(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uplink_audit_e event)
{
    u_char             id[NGX_UPLINK_REQ_MAX];
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_audit_req(&said, id, q);
    ngx_uplink_audit_time(&said, q->created);

    (void) ngx_uplink_journal_put(fleet, event, &said);
}


void
ngx_uplink_audit_decided(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uplink_actor_t *actor, ngx_uplink_decision_t *decision)
{
    u_char             id[NGX_UPLINK_REQ_MAX];
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_audit_req(&said, id, q);
    ngx_uplink_audit_time(&said, q->created);
    ngx_uplink_audit_actor(&said, actor);

    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_approved, q->approved);

    if (q->kind == NGX_UPLINK_KIND_PERM) {
        ngx_uplink_say_number(&said, NGX_UPLINK_SAID_always_allow, q->always);
    }

    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_message, &decision->words);

    if (decision->updated) {
        ngx_uplink_say(&said, NGX_UPLINK_SAID_updated_input_sha256,
                       decision->updated, 32);
    }

    (void) ngx_uplink_journal_put(fleet, NGX_UPLINK_AUDIT_decided, &said);
}


void
ngx_uplink_audit_extended(ngx_uplink_fleet_t *fleet, ngx_uplink_request_t *q,
    ngx_uplink_actor_t *actor)
{
    u_char             id[NGX_UPLINK_REQ_MAX];
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_audit_req(&said, id, q);
    ngx_uplink_audit_actor(&said, actor);

    (void) ngx_uplink_journal_put(fleet, NGX_UPLINK_AUDIT_extended, &said);
}


/* the buffer is the caller's, as that of a req_id */

static void
ngx_uplink_audit_connection(ngx_uplink_said_t *said, u_char *id,
    ngx_uplink_ticket_t *ticket)
{
    u_char             *p;
    ngx_uplink_name_t  *name;

    name = &ticket->sled->name;

    p = ngx_cpymem(id, name->data, ngx_min(name->len, NGX_UPLINK_AGENT_MAX));
    *p++ = '-';
    p = ngx_hex_dump(p, ticket->id, sizeof(ticket->id));

    ngx_uplink_say_nothing(said);

    ngx_uplink_say_str(said, NGX_UPLINK_SAID_sled, name);
    ngx_uplink_say(said, NGX_UPLINK_SAID_connection_id, id, p - id);
}


void
ngx_uplink_audit_admitted(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket, ngx_uplink_admission_t *adm,
    ngx_uint_t resumed)
{
    u_char             id[NGX_UPLINK_AUDIT_CONNECTION];
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_audit_connection(&said, id, ticket);

    ngx_uplink_say_origin(&said, &adm->origin);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_registered, adm->registered);
    ngx_uplink_say_number(&said, NGX_UPLINK_SAID_resumed, resumed);

    (void) ngx_uplink_journal_put(fleet, NGX_UPLINK_AUDIT_sled_admitted,
                                  &said);
}


void
ngx_uplink_audit_ticket(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket, ngx_uplink_audit_e event)
{
    u_char             id[NGX_UPLINK_AUDIT_CONNECTION];
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_audit_connection(&said, id, ticket);

    (void) ngx_uplink_journal_put(fleet, event, &said);
}


void
ngx_uplink_audit_kicked(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled,
    ngx_uplink_actor_t *actor)
{
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_say_nothing(&said);
    ngx_uplink_audit_actor(&said, actor);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sled, &sled->name);

    (void) ngx_uplink_journal_put(fleet, NGX_UPLINK_AUDIT_sled_kicked, &said);
}


void
ngx_uplink_audit_operator(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op, ngx_uplink_audit_e event,
    ngx_uplink_origin_t *origin)
{
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_say_nothing(&said);

    if (origin) {
        ngx_uplink_say_origin(&said, origin);
    }

    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sid, &op->name);
    ngx_uplink_say(&said, NGX_UPLINK_SAID_user, op->by, op->by_len);

    (void) ngx_uplink_journal_put(fleet, event, &said);
}


/* deleted: by somebody, or by time, or with the token that made it */

void
ngx_uplink_audit_session(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op, ngx_uplink_actor_t *actor)
{
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_say_nothing(&said);

    if (actor) {
        ngx_uplink_audit_actor(&said, actor);
    }

    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sid, &op->name);

    (void) ngx_uplink_journal_put(fleet, NGX_UPLINK_AUDIT_session_deleted,
                                  &said);
}


void
ngx_uplink_audit_terminal(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uplink_audit_e event,
    ngx_uplink_origin_t *origin, ngx_uplink_seat_t *seat)
{
    ngx_str_t           field[NGX_UPLINK_TERMINAL_FIELDS];
    ngx_uint_t          i;
    ngx_uplink_said_t   said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    for (i = 0; i < NGX_UPLINK_TERMINAL_FIELDS; i++) {
        field[i] = ngx_uplink_terminal_field(t, i);
    }

    ngx_uplink_say_nothing(&said);

    ngx_uplink_say(&said, NGX_UPLINK_SAID_handle, t->request, 8);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_user,
                       &field[NGX_UPLINK_TERMINAL_USER]);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_workspace_id,
                       &field[NGX_UPLINK_TERMINAL_WORKSPACE]);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_issue_id,
                       &field[NGX_UPLINK_TERMINAL_ISSUE]);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_task_id,
                       &field[NGX_UPLINK_TERMINAL_TASK]);
    ngx_uplink_say_str(&said, NGX_UPLINK_SAID_work_dir,
                       &field[NGX_UPLINK_TERMINAL_WORK_DIR]);
    ngx_uplink_say(&said, NGX_UPLINK_SAID_session_id, t->session_id,
                   t->session.len);

    if (t->ticket) {
        ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sled,
                           &t->ticket->sled->name);
    }

    if (origin) {
        ngx_uplink_say_origin(&said, origin);
    }

    if (seat) {
        ngx_uplink_say_text(&said, NGX_UPLINK_SAID_mode,
                            seat->view ? "view" : "drive");
    }

    if (event == NGX_UPLINK_AUDIT_terminal_ended) {
        ngx_uplink_audit_time(&said, t->created);
        ngx_uplink_say(&said, NGX_UPLINK_SAID_code, t->code, t->code_len);
        ngx_uplink_say(&said, NGX_UPLINK_SAID_reason, t->message,
                       t->text_len);

        if (t->code_len == 0) {
            ngx_uplink_say_number(&said, NGX_UPLINK_SAID_exit_code,
                                  (uint64_t) t->exit_code);
        }

        ngx_uplink_say_number(&said, NGX_UPLINK_SAID_bytes_in, t->typed);
        ngx_uplink_say_number(&said, NGX_UPLINK_SAID_bytes_out, t->offset);
    }

    (void) ngx_uplink_journal_put(fleet, event, &said);
}


void
ngx_uplink_audit_deleted(ngx_uplink_fleet_t *fleet, ngx_uplink_terminal_t *t,
    ngx_uplink_actor_t *actor)
{
    ngx_uplink_said_t  said;

    if (!ngx_uplink_journal_on(fleet)) {
        return;
    }

    ngx_uplink_say_nothing(&said);

    ngx_uplink_audit_actor(&said, actor);
    ngx_uplink_say(&said, NGX_UPLINK_SAID_handle, t->request, 8);

    if (t->ticket) {
        ngx_uplink_say_str(&said, NGX_UPLINK_SAID_sled,
                           &t->ticket->sled->name);
    }

    (void) ngx_uplink_journal_put(fleet, NGX_UPLINK_AUDIT_terminal_deleted,
                                  &said);
}
