
/*
 * Inside the sled's door only: one connection, and who does what with it.
 */


#ifndef _NGX_UPLINK_SLED_H_INCLUDED_
#define _NGX_UPLINK_SLED_H_INCLUDED_


#include "door/door.h"
#include "fleet/fleet.h"


#define NGX_UPLINK_SLED_PROTOCOL   2      /* protocol_version of register */
#define NGX_UPLINK_SLED_STRANGER   16384  /* longest message before that */
#define NGX_UPLINK_SLED_BAD_ROW    8      /* bad messages in a row */
#define NGX_UPLINK_SLED_TURN       64     /* news sent in a turn */

/* words of its capabilities that others are shown, and all of them as JSON */

#define NGX_UPLINK_SLED_WORDS      2
#define NGX_UPLINK_SLED_WORD       128
#define NGX_UPLINK_SLED_ABOUT                                                 \
    (NGX_UPLINK_SLED_WORDS * (NGX_UPLINK_JSON_QUOTED(NGX_UPLINK_SLED_WORD)    \
                              + NGX_UPLINK_OUT_MEMBER))


typedef struct ngx_uplink_sled_route_s  ngx_uplink_sled_route_t;

/* its terminals, by session and by handle; src/door/sled_route.c */

typedef struct {
    ngx_uplink_sled_route_t  **sessions;
    ngx_uplink_sled_route_t  **handles;
    ngx_uplink_sled_route_t   *last;
    ngx_uint_t                 mask;
    ngx_uint_t                 n;
} ngx_uplink_sled_routes_t;


typedef struct {
    ngx_uplink_conn_t       *conn;
    ngx_uplink_fleet_t      *fleet;
    ngx_uplink_loc_conf_t   *conf;
    ngx_uplink_link_t       *link;        /* NULL: not admitted yet */
    ngx_uplink_who_t         who;
    ngx_str_t                agent;
    uint64_t                 awaited;     /* an answer ends there; 0: none */
    uint64_t                 fence;       /* pings behind terminal.pause */
    uint64_t                 passed;      /* the last that was answered */
    ngx_msec_t               grace;       /* draining: when it is over */
    ngx_uplink_sled_routes_t routes;
    ngx_event_t              later;       /* for news that can wait */
    uint32_t                 slot;
    unsigned                 bad:4;       /* in a row */
    unsigned                 stranger:1;  /* a credential is still to come */
    unsigned                 expected:1;  /* to say who it is, in time */
    unsigned                 registered:1;
    unsigned                 stalled:1;   /* news wait for room */
    unsigned                 small:1;     /* those that can wait are due */
    unsigned                 held:1;      /* reading stopped: it reads not */
    unsigned                 draining:1;
    unsigned                 leaving:1;   /* goes with its last answer */
    unsigned                 binary:1;    /* uplink.bin.v1 was agreed */
    unsigned                 errands:1;   /* its terminals wait for room */
    unsigned                 thirsty:1;   /* so does what is typed */
} ngx_uplink_sled_conn_t;


/*
 * A message's handler.  NGX_OK, or NGX_ABORT if the message was a bad one
 * and its sender has been told so.
 */

typedef ngx_int_t (*ngx_uplink_sled_message_pt)(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);


/* why a sled is not admitted; src/door/sled_register.c has the words */

typedef enum {
    NGX_UPLINK_SLED_VERSION_MISMATCH = 0,
    NGX_UPLINK_SLED_AGENT_ID_EMPTY,
    NGX_UPLINK_SLED_AGENT_ID_INVALID,
    NGX_UPLINK_SLED_AGENT_NOT_ALLOWED,
    NGX_UPLINK_SLED_AUTH_REQUIRED,
    NGX_UPLINK_SLED_AUTH_FAILED,
    NGX_UPLINK_SLED_TOO_MANY_CONNECTIONS,
    NGX_UPLINK_SLED_REGISTRATION_REQUIRED,
    NGX_UPLINK_SLED_HANDSHAKE_TIMEOUT,
    NGX_UPLINK_SLED_ZONE_FULL,
    NGX_UPLINK_SLED_INTERNAL,
    NGX_UPLINK_SLED_ADMITTED
} ngx_uplink_sled_refusal_e;


/* src/door/sled_answer.c */

ngx_int_t ngx_uplink_sled_bad(ngx_uplink_sled_conn_t *sc, const char *text,
    size_t len);
void ngx_uplink_sled_error(ngx_uplink_sled_conn_t *sc, const u_char *req_id,
    size_t len, const char *code, const char *text);
void ngx_uplink_sled_close(ngx_uplink_sled_conn_t *sc, ngx_uint_t code,
    const char *reason);

#define ngx_uplink_sled_bad_text(sc, text)                                    \
    ngx_uplink_sled_bad(sc, text, sizeof(text) - 1)

/* a message to the sled: as in door.h, NGX_BUSY closes the connection */

ngx_int_t ngx_uplink_sled_answer(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_out_t *out, const char *type, const u_char *req_id, size_t len,
    size_t room);
void ngx_uplink_sled_send(ngx_uplink_sled_conn_t *sc, ngx_uplink_out_t *out);
void ngx_uplink_sled_deny(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_uint_t reason, const char *text);


/* src/door/sled_register.c */

ngx_int_t ngx_uplink_sled_register(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_identity(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
void ngx_uplink_sled_refuse(ngx_uplink_sled_conn_t *sc, const u_char *req_id,
    size_t len, ngx_str_t *agent, ngx_uplink_sled_refusal_e refusal);


/* src/door/sled_admit.c */

/* may this sled be that agent, as far as credential and lists say? */

ngx_uint_t ngx_uplink_sled_may_be(ngx_uplink_sled_conn_t *sc,
    ngx_str_t *agent);

/* the token of its first message: who it is, if that was not known yet */

ngx_uplink_sled_refusal_e ngx_uplink_sled_token(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_value_t *value);

/* JSON members, in buf of NGX_UPLINK_SLED_ABOUT bytes */

void ngx_uplink_sled_about(ngx_uplink_value_t *capabilities, u_char *buf,
    ngx_str_t *about);

/* takes the place */

ngx_uplink_sled_refusal_e ngx_uplink_sled_admit(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_admission_t *adm, ngx_uint_t *resumed);

/* until its credential ends; in place of the time to register */

void ngx_uplink_sled_expiry(ngx_uplink_sled_conn_t *sc);

/* the same for one that does not register, under the name that it has */

ngx_uplink_sled_refusal_e ngx_uplink_sled_admit_unregistered(
    ngx_uplink_sled_conn_t *sc);


/* src/door/sled_request.c */

ngx_int_t ngx_uplink_sled_perm_request(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_ask_request(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_hook_before(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_hook_after(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_spawn(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);


/* src/door/sled_message.c */

ngx_int_t ngx_uplink_sled_perm_cancel(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_perm_ack(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_perm_applied(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_flow_control(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_heartbeat(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);


/* src/door/sled_terminal.c */

ngx_int_t ngx_uplink_sled_opened(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_terminal_data(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_exit(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_closed_by(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);
ngx_int_t ngx_uplink_sled_failed(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);


/* src/door/sled_errand.c: what the fleet wants of its terminals */

void ngx_uplink_sled_errands(ngx_uplink_sled_conn_t *sc);


/* src/door/sled_pause.c: its answer to a fence */

void ngx_uplink_sled_pong(ngx_uplink_conn_t *uc, u_char *data, size_t len);


/* src/door/sled_tasks.c */

ngx_int_t ngx_uplink_sled_tasks(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env);


/* src/door/sled_outbox.c: what is to be sent, and what was */

void ngx_uplink_sled_outbox(ngx_uplink_sled_conn_t *sc);
void ngx_uplink_sled_outbox_later(ngx_uplink_sled_conn_t *sc);
ngx_int_t ngx_uplink_sled_outbox_send(ngx_uplink_sled_conn_t *sc,
    ngx_uint_t max);
void ngx_uplink_sled_written(ngx_uplink_sled_conn_t *sc);


/* src/door/sled_drain.c */

void ngx_uplink_sled_drain(ngx_uplink_sled_conn_t *sc);
void ngx_uplink_sled_drain_deadline(ngx_uplink_sled_conn_t *sc);
void ngx_uplink_sled_drain_check(ngx_uplink_sled_conn_t *sc);


#endif /* _NGX_UPLINK_SLED_H_INCLUDED_ */
