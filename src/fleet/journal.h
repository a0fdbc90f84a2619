
/*
 * What is said for the audit log, in the zone until it is written: a record
 * enters under the same lock as the change that it tells of, so that neither
 * is there without the other, whoever dies.  It is written by the process
 * that made the change, or by the one that cleans up after it.
 */


#ifndef _NGX_UPLINK_JOURNAL_H_INCLUDED_
#define _NGX_UPLINK_JOURNAL_H_INCLUDED_


#include "fleet/terminal.h"


/*
 * Every member of a line once, in the order in which they are written, with
 * its kind.  docs/audit.md says what they mean, and t/audit_docs.t compares.
 */

#define NGX_UPLINK_AUDIT_MEMBERS(_)                                           \
    _(port, NUMBER)                                                           \
    _(pid, NUMBER)                                                            \
    _(lines, NUMBER)                                                          \
    _(after_chain, HEX)                                                       \
    _(after_seq, NUMBER)                                                      \
    _(after_sha256, HEX)                                                      \
    _(req_id, STRING)                                                         \
    _(kind, STRING)                                                           \
    _(handle, HEX)                                                            \
    _(sled, STRING)                                                           \
    _(sled_req_id, STRING)                                                    \
    _(connection_id, STRING)                                                  \
    _(sid, STRING)                                                            \
    _(user, STRING)                                                           \
    _(door, STRING)                                                           \
    _(from, STRING)                                                           \
    _(workspace_id, STRING)                                                   \
    _(issue_id, STRING)                                                       \
    _(task_id, STRING)                                                        \
    _(session_id, STRING)                                                     \
    _(work_dir, STRING)                                                       \
    _(mode, STRING)                                                           \
    _(operator, STRING)                                                       \
    _(tool_name, STRING)                                                      \
    _(input_sha256, HEX)                                                      \
    _(input, STRING)                                                          \
    _(input_cut, BOOL)                                                        \
    _(registered, BOOL)                                                       \
    _(resumed, BOOL)                                                          \
    _(approved, BOOL)                                                         \
    _(always_allow, BOOL)                                                     \
    _(updated_input_sha256, HEX)                                              \
    _(message, STRING)                                                        \
    _(reason, STRING)                                                         \
    _(code, STRING)                                                           \
    _(exit_code, INTEGER)                                                     \
    _(expires_ms, NUMBER)                                                     \
    _(duration_ms, NUMBER)                                                    \
    _(bytes_in, NUMBER)                                                       \
    _(bytes_out, NUMBER)


/* every event once, and which of these members it may have */

#define NGX_UPLINK_AUDIT_EVENTS(_)                                            \
    _(started, "port pid after_chain after_seq after_sha256")                 \
    _(stopped, "port pid")                                                    \
    _(worker_lost, "port pid after_chain after_seq after_sha256")             \
    _(lost, "lines")                                                          \
    _(emptied, "lines")                                                       \
    _(sled_admitted, "sled connection_id user door from registered resumed")  \
    _(sled_refused, "sled user door from code")                               \
    _(sled_kicked, "sled sid user door from")                                 \
    _(sled_away, "sled connection_id")                                        \
    _(sled_left, "sled connection_id")                                        \
    _(session_created, "sid user door from")                                  \
    _(session_deleted, "sid user door from")                                  \
    _(operator_joined, "sid user door from")                                  \
    _(operator_left, "sid user")                                              \
    _(asked, "req_id kind sled sled_req_id user door from workspace_id "      \
             "task_id operator tool_name input_sha256 input input_cut "       \
             "expires_ms")                                                    \
    _(refused, "kind sled sled_req_id user door from tool_name "              \
               "input_sha256 code")                                           \
    _(approving, "req_id sid user door from always_allow "                    \
                 "updated_input_sha256 message")                              \
    _(not_approved, "req_id sid user code")                                   \
    _(decided, "req_id kind sled workspace_id sid user door from approved "   \
               "always_allow input_sha256 updated_input_sha256 message "      \
               "duration_ms")                                                 \
    _(extended, "req_id sled sid user door from expires_ms")                  \
    _(delivered, "req_id sled duration_ms")                                   \
    _(applied, "req_id sled duration_ms")                                     \
    _(failed, "req_id sled duration_ms")                                      \
    _(expired, "req_id kind sled workspace_id reason duration_ms")            \
    _(withdrawn, "req_id kind sled workspace_id reason duration_ms")          \
    _(terminal_asked, "handle sled user door from workspace_id issue_id "     \
                      "task_id work_dir")                                     \
    _(terminal_refused, "sled user door from workspace_id issue_id "          \
                        "session_id code")                                    \
    _(terminal_opened, "handle sled user workspace_id issue_id task_id "      \
                       "session_id")                                          \
    _(terminal_joined, "handle sled user door from session_id mode")          \
    _(terminal_left, "handle sled mode")                                      \
    _(terminal_deleted, "handle sled sid user door from")                     \
    _(terminal_ended, "handle sled user workspace_id issue_id task_id "       \
                      "session_id reason code exit_code duration_ms "         \
                      "bytes_in bytes_out")


#define NGX_UPLINK_AUDIT_MEMBER_ENUM(name, kind)  NGX_UPLINK_SAID_##name,

typedef enum {
    NGX_UPLINK_AUDIT_MEMBERS(NGX_UPLINK_AUDIT_MEMBER_ENUM)
    NGX_UPLINK_SAID_MEMBERS
} ngx_uplink_said_e;


#define NGX_UPLINK_AUDIT_EVENT_ENUM(name, members)  NGX_UPLINK_AUDIT_##name,

typedef enum {
    NGX_UPLINK_AUDIT_EVENTS(NGX_UPLINK_AUDIT_EVENT_ENUM)
    NGX_UPLINK_AUDIT_EVENTS_N
} ngx_uplink_audit_e;


typedef enum {
    NGX_UPLINK_SAID_NUMBER = 0,
    NGX_UPLINK_SAID_INTEGER,
    NGX_UPLINK_SAID_BOOL,
    NGX_UPLINK_SAID_STRING,              /* these two have a length */
    NGX_UPLINK_SAID_HEX
} ngx_uplink_said_kind_e;


typedef struct {
    ngx_str_t                name;
    ngx_uint_t               kind;
} ngx_uplink_audit_member_t;

typedef struct {
    ngx_str_t                name;
    const char              *members;
} ngx_uplink_audit_event_t;

extern const ngx_uplink_audit_member_t  ngx_uplink_audit_members[];
extern const ngx_uplink_audit_event_t   ngx_uplink_audit_events[];


/* as much of an input as a line has (input=on), and of other strings */

#define NGX_UPLINK_AUDIT_INPUT   16384
#define NGX_UPLINK_AUDIT_STRING  512


/* what is to be said: members that the event does not have are left out */

typedef struct {
    uint64_t                 set;
    union {
        ngx_str_t            text;
        uint64_t             number;
    }                        v[NGX_UPLINK_SAID_MEMBERS];
} ngx_uplink_said_t;

#define ngx_uplink_say_nothing(said)  (said)->set = 0

/* an empty text is left out */

void ngx_uplink_say(ngx_uplink_said_t *said, ngx_uplink_said_e member,
    const void *data, size_t len);
void ngx_uplink_say_number(ngx_uplink_said_t *said, ngx_uplink_said_e member,
    uint64_t n);
void ngx_uplink_say_origin(ngx_uplink_said_t *said,
    ngx_uplink_origin_t *origin);

#define ngx_uplink_say_str(said, member, s)                                   \
    ngx_uplink_say(said, member, (s)->data, (s)->len)

#define ngx_uplink_say_text(said, member, s)                                  \
    ngx_uplink_say(said, member, s, ngx_strlen((s)))


/* a record: in the zone, or copied out of it with all that is behind it */

typedef struct {
    ngx_queue_t              queue;      /* port->journal, sh->journal */
    ngx_uplink_blob_t       *input;      /* or NULL */
    uint64_t                 time;       /* ms since 1970 */
    uint64_t                 chain;      /* it may stand there already, */
    uint64_t                 seq;        /* as this line; chain 0: it cannot */
    uint64_t                 set;        /* members that follow */
    uint32_t                 event;
    uint32_t                 size;       /* of data */
    uint32_t                 input_len;
    u_char                   data[1];
} ngx_uplink_record_t;

#define ngx_uplink_record_size(rec)                                           \
    (offsetof(ngx_uplink_record_t, data) + (rec)->size)

/* the next of its members, in order: NULL at the end */

u_char *ngx_uplink_record_next(u_char *p, ngx_uint_t member,
    ngx_str_t *text, uint64_t *number);


/*
 * This process' part, for one fleet; node->journal, and NULL where there is
 * no audit log.
 */

struct ngx_uplink_journal_s {
    ngx_event_t              event;      /* posted when there is something */
    uint64_t                 lost;       /* not written, not yet told of */
    uint64_t                 epoch;      /* of the zone, when last taken from */
    unsigned                 input:1;    /* it is to be recorded */
    unsigned                 emptied:1;  /* the zone was, by this process */
};


/* locked; 0: there is no room, and the line is lost */

ngx_uint_t ngx_uplink_journal_put(ngx_uplink_fleet_t *fleet,
    ngx_uplink_audit_e event, ngx_uplink_said_t *said);

/* the same, not locked */

ngx_uint_t ngx_uplink_journal_note(ngx_uplink_fleet_t *fleet,
    ngx_uplink_audit_e event, ngx_uplink_said_t *said);

#define ngx_uplink_journal_on(fleet)                                          \
    ((fleet)->node && (fleet)->node->journal)

/*
 * The writer.  begin(): this process writes a chain of this name from here
 * on.  take(): copies records of our port to dst, one behind the other,
 * aligned, as many as fit; they stay until done(), which says how far the
 * chain is.  Not locked.
 */

ngx_int_t ngx_uplink_journal_begin(ngx_uplink_fleet_t *fleet,
    uint64_t chain);
ngx_uint_t ngx_uplink_journal_take(ngx_uplink_fleet_t *fleet, u_char *dst,
    size_t size);
void ngx_uplink_journal_done(ngx_uplink_fleet_t *fleet, ngx_uint_t n,
    uint64_t seq, u_char *sha256);

/* is the log of this process behind, for want of a disk? */

void ngx_uplink_journal_failing(ngx_uplink_fleet_t *fleet, ngx_uint_t on);

/* locked, for the file that reaps: what is left of a port is everybody's */

void ngx_uplink_journal_reap(ngx_uplink_fleet_t *fleet,
    ngx_uplink_port_t *port);

/* locked, before the zone is made anew: what was in it is gone */

void ngx_uplink_journal_emptied(ngx_uplink_fleet_t *fleet);

/* in exit_process: what is left of ours */

void ngx_uplink_journal_leave(ngx_uplink_fleet_t *fleet);


/* ---- src/fleet/audit.c; locked: what is said of whom */

void ngx_uplink_audit_asked(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uplink_ask_t *ask);
void ngx_uplink_audit_request(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uplink_audit_e event);
void ngx_uplink_audit_decided(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uplink_actor_t *actor,
    ngx_uplink_decision_t *decision);
void ngx_uplink_audit_extended(ngx_uplink_fleet_t *fleet,
    ngx_uplink_request_t *q, ngx_uplink_actor_t *actor);

void ngx_uplink_audit_admitted(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket, ngx_uplink_admission_t *adm,
    ngx_uint_t resumed);
void ngx_uplink_audit_ticket(ngx_uplink_fleet_t *fleet,
    ngx_uplink_ticket_t *ticket, ngx_uplink_audit_e event);
void ngx_uplink_audit_kicked(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled, ngx_uplink_actor_t *actor);

/* origin may be NULL */

void ngx_uplink_audit_operator(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op, ngx_uplink_audit_e event,
    ngx_uplink_origin_t *origin);

/* actor may be NULL */

void ngx_uplink_audit_session(ngx_uplink_fleet_t *fleet,
    ngx_uplink_operator_t *op, ngx_uplink_actor_t *actor);

/* origin or seat may be NULL */

void ngx_uplink_audit_terminal(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uplink_audit_e event,
    ngx_uplink_origin_t *origin, ngx_uplink_seat_t *seat);
void ngx_uplink_audit_deleted(ngx_uplink_fleet_t *fleet,
    ngx_uplink_terminal_t *t, ngx_uplink_actor_t *actor);


#endif /* _NGX_UPLINK_JOURNAL_H_INCLUDED_ */
