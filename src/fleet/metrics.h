
/*
 * Everything that is counted and measured, once.  uplink_status, the test of
 * docs/metrics.md and the documentation itself follow these lists; a counter
 * more is one line here.
 */


#ifndef _NGX_UPLINK_METRICS_H_INCLUDED_
#define _NGX_UPLINK_METRICS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/*
 * Counters: NAME in JSON, nginx_uplink_NAME_total for Prometheus; what is
 * counted.  They only grow; a port's are written by its owner alone.
 */

#define NGX_UPLINK_COUNTERS(_)                                                \
    _(sleds_accepted, "sled connections admitted")                            \
    _(sleds_resumed, "sled connections that resumed")                         \
    _(sleds_lost, "sleds lost without a resume")                              \
    _(operators_attached, "operator sockets attached")                        \
    _(operators_replaced, "operator sockets replaced by a newer one")         \
    _(messages_in, "messages received")                                       \
    _(messages_out, "messages sent, terminal data not included")              \
    _(unknown_type, "messages of unknown type")                               \
    _(foreign, "messages for what is not the sender's")                       \
    _(foreign_session, "terminal messages for what is not the sled's")        \
    _(requests_opened, "requests opened")                                     \
    _(requests_approved, "permission requests approved")                      \
    _(requests_denied, "permission requests denied by an operator")           \
    _(requests_answered, "questions, hooks and spawns answered")              \
    _(requests_delivered, "decisions delivered")                              \
    _(requests_applied, "decisions applied")                                  \
    _(requests_failed, "decisions that could not be applied")                 \
    _(hooks_dropped, "hook_after to an operator who was away")                \
    _(late_decisions, "decisions that came second or late")                   \
    _(bad_decisions, "decisions that were not well-formed or not allowed")    \
    _(terminals_opened, "terminals opened by their sleds")                    \
    _(terminals_viewed, "browsers that took a seat at a terminal")            \
    _(terminal_pauses, "times a sled was told to stop reading a PTY")         \
    _(terminal_gaps, "times a browser was told that bytes are missing")       \
    _(terminal_shown_bytes, "bytes of terminals, from sleds")                 \
    _(terminal_typed_bytes, "bytes of terminals, from browsers")              \
    _(bus_wakeups, "wake-ups sent to other workers")                          \
    _(bus_late, "boxes found by the tick: a wake-up was lost")                \
    _(bus_drops, "notices between workers that were lost: a bug if not 0")    \
    _(zone_full, "allocations that failed because the zone was full")         \
    _(zone_quarantines, "times the zone was rebuilt after a crash")           \
    _(workers_reaped, "dead workers cleaned up after")                        \
    _(audit_lines, "lines written to the audit log")                          \
    _(audit_lost, "lines of the audit log that could not be kept")            \
    _(audit_errors, "failed writes to the audit log")                         \
    _(audit_refused, "approvals refused for want of an audit log")


/*
 * Families: counters that are told apart by the values of one label.  These
 * events are rare, they are counted in the zone itself.  In JSON NAME is
 * their sum, and "reasons" has them one by one.
 */

#define NGX_UPLINK_FAMILIES(_)                                                \
    _(sleds_refused, reason, "sled connections refused")                      \
    _(requests_refused, reason, "requests refused at once")                   \
    _(requests_expired, reason, "requests that ended without a decision")     \
    _(requests_withdrawn, reason, "requests withdrawn")                       \
    _(permissions_denied, reason, "permission requests not approved")         \
    _(terminals_refused, reason, "browsers that got no terminal")             \
    _(terminals_ended, reason, "terminals ended")                             \
    _(bad_messages, door, "malformed messages")                               \
    _(bad_frames, reason, "connections closed for what a frame was")          \
    _(closes_sent, code, "connections closed by the gateway, by close code")  \
    _(closes_received, code, "connections closed by the peer, by close code")


/* the values; the last one of each family stands for all that is not here */

#define NGX_UPLINK_VALUES(_)                                                  \
    _(sleds_refused, version_mismatch)                                        \
    _(sleds_refused, agent_id_empty)                                          \
    _(sleds_refused, agent_id_invalid)                                        \
    _(sleds_refused, agent_not_allowed)                                       \
    _(sleds_refused, auth_required)                                           \
    _(sleds_refused, auth_failed)                                             \
    _(sleds_refused, too_many_connections)                                    \
    _(sleds_refused, registration_required)                                   \
    _(sleds_refused, handshake_timeout)                                       \
    _(sleds_refused, zone_full)                                               \
    _(sleds_refused, other)                                                   \
    _(requests_refused, duplicate_req_id)                                     \
    _(requests_refused, too_many_requests)                                    \
    _(requests_refused, zone_full)                                            \
    _(requests_refused, no_operator)                                          \
    _(requests_refused, operator_unknown)                                     \
    _(requests_refused, bad_request)                                          \
    _(requests_refused, too_large)                                            \
    _(requests_refused, other)                                                \
    _(requests_expired, timeout)                                              \
    _(requests_expired, operator_gone)                                        \
    _(requests_expired, shutdown)                                             \
    _(requests_expired, other)                                                \
    _(requests_withdrawn, cancelled)                                          \
    _(requests_withdrawn, sled_lost)                                          \
    _(requests_withdrawn, other)                                              \
    _(permissions_denied, operator)                                           \
    _(permissions_denied, timeout)                                            \
    _(permissions_denied, no_operator)                                        \
    _(permissions_denied, too_many_requests)                                  \
    _(permissions_denied, bad_request)                                        \
    _(permissions_denied, too_large)                                          \
    _(permissions_denied, zone_full)                                          \
    _(permissions_denied, shutdown)                                           \
    _(permissions_denied, other)                                              \
    _(terminals_refused, task_not_found)                                      \
    _(terminals_refused, session_not_found)                                   \
    _(terminals_refused, sled_offline)                                        \
    _(terminals_refused, sled_paused)                                         \
    _(terminals_refused, unauthorized)                                        \
    _(terminals_refused, forbidden)                                           \
    _(terminals_refused, bad_request)                                         \
    _(terminals_refused, too_many_terminals)                                  \
    _(terminals_refused, zone_full)                                           \
    _(terminals_refused, other)                                               \
    _(terminals_ended, exit)                                                  \
    _(terminals_ended, browser_disconnect)                                    \
    _(terminals_ended, sled_lost)                                             \
    _(terminals_ended, sled_offline)                                          \
    _(terminals_ended, open_timeout)                                          \
    _(terminals_ended, idle_timeout)                                          \
    _(terminals_ended, slow_consumer)                                         \
    _(terminals_ended, spawn_failed)                                          \
    _(terminals_ended, zone_full)                                             \
    _(terminals_ended, internal)                                              \
    _(terminals_ended, other)                                                 \
    _(bad_messages, sled)                                                     \
    _(bad_messages, operator)                                                 \
    _(bad_messages, terminal)                                                 \
    _(bad_messages, other)                                                    \
    _(bad_frames, reserved_bits)                                              \
    _(bad_frames, reserved_opcode)                                            \
    _(bad_frames, fragmented_control)                                         \
    _(bad_frames, long_control)                                               \
    _(bad_frames, bad_fragment)                                               \
    _(bad_frames, unmasked)                                                   \
    _(bad_frames, bad_length)                                                 \
    _(bad_frames, bad_close)                                                  \
    _(bad_frames, invalid_utf8)                                               \
    _(bad_frames, too_large)                                                  \
    _(bad_frames, binary)                                                     \
    _(bad_frames, other)                                                      \
    _(closes_sent, 1000)                                                      \
    _(closes_sent, 1002)                                                      \
    _(closes_sent, 1003)                                                      \
    _(closes_sent, 1007)                                                      \
    _(closes_sent, 1008)                                                      \
    _(closes_sent, 1009)                                                      \
    _(closes_sent, 1011)                                                      \
    _(closes_sent, 1012)                                                      \
    _(closes_sent, 1013)                                                      \
    _(closes_sent, 4001)                                                      \
    _(closes_sent, 4003)                                                      \
    _(closes_sent, 4004)                                                      \
    _(closes_sent, other)                                                     \
    _(closes_received, 1000)                                                  \
    _(closes_received, 1001)                                                  \
    _(closes_received, 1002)                                                  \
    _(closes_received, 1005)                                                  \
    _(closes_received, 1006)                                                  \
    _(closes_received, 1007)                                                  \
    _(closes_received, 1008)                                                  \
    _(closes_received, 1009)                                                  \
    _(closes_received, 1011)                                                  \
    _(closes_received, other)


/*
 * Histograms: nginx_uplink_NAME; the row of bounds; from when to when.  Each
 * is a port's own, as the counters are.
 */

#define NGX_UPLINK_HISTOGRAMS(_)                                              \
    _(decision_seconds, people,                                               \
      "from the opening of a permission request to its decision")             \
    _(answer_seconds, people,                                                 \
      "from the opening of a question, hook or spawn to its answer")          \
    _(applied_seconds, people,                                                \
      "from a decision to the sled's word that it was acted on")              \
    _(terminal_open_seconds, sleds,                                           \
      "from the browser's wish to the sled's terminal.opened")                \
    _(relay_seconds, workers,                                                 \
      "terminal data written to an idle lane until its worker reads it")      \
    _(bus_lag_seconds, workers,                                               \
      "from a wake-up sent to a worker until it reads its box")

#define NGX_UPLINK_BUCKETS  12

/* upper bounds, in microseconds */

#define NGX_UPLINK_BOUNDS(_)                                                  \
    _(people, 100000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000,  \
      60000000, 120000000, 300000000, 600000000, 1800000000)                  \
    _(sleds, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000,   \
      1000000, 2500000, 5000000)                                              \
    _(workers, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000, 50000, 250000,   \
      1000000)


#define NGX_UPLINK_COUNTER_ENUM(name, help)  NGX_UPLINK_COUNT_##name,

typedef enum {
    NGX_UPLINK_COUNTERS(NGX_UPLINK_COUNTER_ENUM)
    NGX_UPLINK_NCOUNTERS
} ngx_uplink_counter_e;


#define NGX_UPLINK_FAMILY_ENUM(name, label, help)  NGX_UPLINK_FAMILY_##name,

typedef enum {
    NGX_UPLINK_FAMILIES(NGX_UPLINK_FAMILY_ENUM)
    NGX_UPLINK_NFAMILIES
} ngx_uplink_family_e;


#define NGX_UPLINK_VALUE_ENUM(name, value)  NGX_UPLINK_VALUE_##name##_##value,

typedef enum {
    NGX_UPLINK_VALUES(NGX_UPLINK_VALUE_ENUM)
    NGX_UPLINK_NVALUES
} ngx_uplink_value_e;


#define NGX_UPLINK_HISTOGRAM_ENUM(name, bounds, help)  NGX_UPLINK_TIME_##name,

typedef enum {
    NGX_UPLINK_HISTOGRAMS(NGX_UPLINK_HISTOGRAM_ENUM)
    NGX_UPLINK_NHISTOGRAMS
} ngx_uplink_histogram_e;


/* the lists as tables; src/fleet/metrics.c */

typedef struct {
    ngx_str_t            name;
    const char          *help;
} ngx_uplink_counter_row_t;

typedef struct {
    ngx_str_t            name;
    const char          *label;
    const char          *help;
} ngx_uplink_family_row_t;

typedef struct {
    ngx_uplink_family_e  family;
    ngx_str_t            value;
} ngx_uplink_value_row_t;

typedef struct {
    ngx_str_t            name;
    const uint64_t      *bounds;
    const char          *help;
} ngx_uplink_histogram_row_t;

extern const ngx_uplink_counter_row_t    ngx_uplink_counter_rows[];
extern const ngx_uplink_family_row_t     ngx_uplink_family_rows[];
extern const ngx_uplink_value_row_t      ngx_uplink_value_rows[];
extern const ngx_uplink_histogram_row_t  ngx_uplink_histogram_rows[];


typedef struct {
    uint64_t             bucket[NGX_UPLINK_BUCKETS + 1];   /* last: above */
    uint64_t             sum;        /* microseconds */
} ngx_uplink_histogram_t;


/* what one process has counted: numbers of 64 bits, and nothing else */

typedef struct {
    uint64_t                counters[NGX_UPLINK_NCOUNTERS];
    ngx_uplink_histogram_t  histograms[NGX_UPLINK_NHISTOGRAMS];
} ngx_uplink_tally_t;


/* these add in one step what others may add to at the same time */

void ngx_uplink_tally_add(ngx_uplink_tally_t *to, ngx_uplink_tally_t *from);


/* microseconds of a clock that all processes share and nobody sets */

uint64_t ngx_uplink_usec(void);


#endif /* _NGX_UPLINK_METRICS_H_INCLUDED_ */
