
/*
 * uplink_audit_log: where a fleet's audit log goes, and this process' chain
 * of lines in it.
 */


#ifndef _NGX_UPLINK_AUDIT_H_INCLUDED_
#define _NGX_UPLINK_AUDIT_H_INCLUDED_


#include "door/door.h"
#include "fleet/journal.h"


/* uplink_audit_log PATH [fleet=NAME] [input=on|off] [on_error=log|deny] */

struct ngx_uplink_audit_conf_s {
    ngx_open_file_t         *file;       /* NULL: off */
    ngx_str_t                fleet;      /* len 0: all others */
    unsigned                 input:1;
    unsigned                 deny:1;     /* what cannot be written is not */
};                                       /* approved */


/* src/door/audit_conf.c */

char *ngx_uplink_audit_log(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* at the end of the http block: every fleet's */

char *ngx_uplink_audit_check(ngx_conf_t *cf);


/* where a chain is */

typedef struct {
    uint64_t                 name;
    uint64_t                 seq;        /* of the last line */
    u_char                   sha256[32]; /* of it, or zeroes */
} ngx_uplink_chain_t;

/*
 * src/door/audit_line.c: the next line of a chain, with its newline; the
 * caller has room for as much as this.
 */

#define ngx_uplink_line_room(rec)                                             \
    (NGX_UPLINK_LINE_HEAD + 6 * ((rec)->size + (size_t) (rec)->input_len))

#define NGX_UPLINK_LINE_HEAD  2048       /* with the names of all members */

ngx_int_t ngx_uplink_line(ngx_uplink_fleet_t *fleet,
    ngx_uplink_chain_t *chain, ngx_uplink_record_t *rec, u_char **pos);


/*
 * src/door/audit.c: in init_process, before the port is claimed (a dead one
 * may be cleaned up after) and behind that; and in exit_process
 */

void ngx_uplink_audit_start(ngx_uplink_fleet_t *fleet, ngx_cycle_t *cycle);
void ngx_uplink_audit_begin(ngx_uplink_fleet_t *fleet);
void ngx_uplink_audit_stop(ngx_uplink_fleet_t *fleet);

/* all that is to be written, now: NGX_OK, or NGX_ERROR */

ngx_int_t ngx_uplink_audit_sync(ngx_uplink_fleet_t *fleet);


/*
 * src/door/audit_decide.c: ngx_uplink_request_decide(), but where the fleet
 * wants every approval on record first, and this one cannot be put there,
 * the result is NGX_UPLINK_DECIDE_AUDIT, and nothing has happened.
 */

ngx_int_t ngx_uplink_audit_decide(ngx_uplink_fleet_t *fleet,
    ngx_str_t *req_id, ngx_uplink_actor_t *actor,
    ngx_uplink_decision_t *decision, ngx_uplink_view_t *view,
    ngx_uint_t *result);


/* ---- src/door/audit_door.c */

/*
 * Of an input, as it came, what a line has of it: copied, for it is moved
 * before the line is made.  Good until the next one.
 */

void ngx_uplink_audit_input(ngx_uplink_ask_t *ask, ngx_uplink_fleet_t *fleet,
    ngx_uplink_value_t *input);

#define NGX_UPLINK_AUDIT_TOOL  128

/* a string of JSON for a line: of what is too long nothing but the start */

void ngx_uplink_audit_text(ngx_uplink_value_t *value, u_char *dst,
    size_t size, ngx_str_t *text);

/* who was sent away, and with which code; agent: as it calls itself */

void ngx_uplink_audit_refused(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ask_t *ask, const char *code);
void ngx_uplink_audit_stranger(ngx_uplink_fleet_t *fleet, ngx_connection_t *c,
    ngx_str_t *user, ngx_str_t *agent, const char *code);
void ngx_uplink_audit_visit(ngx_uplink_fleet_t *fleet,
    ngx_uplink_visit_t *visit, const char *code);


#endif /* _NGX_UPLINK_AUDIT_H_INCLUDED_ */
