
/*
 * The uplink: one logical connection to the gateway, whatever sockets it
 * stands on.
 */


#ifndef _SLED_UPLINK_H_INCLUDED_
#define _SLED_UPLINK_H_INCLUDED_


#include "config.h"
#include "loop.h"
#include "reconnect.h"
#include "resolve.h"
#include "url.h"


#define SLED_MAX_IN        (256 * 1024)
#define SLED_MAX_QUEUED    (4 * 1024 * 1024)
#define SLED_FRAME         (64 * 1024)
#define SLED_DATA_FRAME    (16 * 1024)

/* owner of what means nothing to another connection */
#define SLED_ONCE          UINT64_MAX


typedef struct sled_uplink_s    sled_uplink_t;
typedef struct sled_link_s      sled_link_t;
typedef struct sled_message_s   sled_message_t;


/* what is queued is sent once more after a resume, until a mark confirms it */

struct sled_message_s {
    sled_message_t   *next;
    uint64_t          mark;         /* the first mark that was sent after it */
    uint64_t          owner;        /* for sled_uplink_forget(), or 0 */
    size_t            len;
    unsigned char     data[];
};


typedef struct {
    sled_message_t   *first;
    sled_message_t  **last;
} sled_queue_t;


/* one connection: link.c */

typedef enum {
    SLED_LINK_DIALING = 0,
    SLED_LINK_OPEN,             /* upgraded */
    SLED_LINK_REGISTERING,      /* may say who it is */
    SLED_LINK_WAITING,          /* has said it */
    SLED_LINK_READY
} sled_link_state_e;


struct sled_link_s {
    sled_uplink_t       *uplink;
    struct lws          *wsi;
    sled_link_state_e    state;

    unsigned             binary:1;
    unsigned             retired:1;
    unsigned             closing:1;
    unsigned             connecting:1;
    unsigned             in_binary:1;

    unsigned char       *in;
    size_t               in_len;
    size_t               in_size;

    uint64_t             since;
    uint64_t             heard;

    sled_resolve_t       resolve;
    sled_timer_t         timer;

    sled_failure_e       failure;
    int                  close_code;        /* ours */
    char                 error[256];
};


/* what the parts of the program want to know, and have to say */

typedef struct {
    /* registered; not resumed: the gateway knows nothing of us */
    void     (*up)(int resumed);

    void     (*down)(void);

    /* nothing of before can go on any more */
    void     (*lost)(void);

    void     (*message)(const char *type, const char *req_id,
                        json_t *payload);
    void     (*binary)(const unsigned char *data, size_t len);

    /* writes one frame into data; 0: there is none */
    size_t   (*frame)(unsigned char *data, size_t size, int binary_agreed,
                      int *binary);

    /* a mark is on its way behind everything sent; it has been answered */
    void     (*marked)(void);
    void     (*confirmed)(void);
} sled_uplink_ops_t;


struct sled_uplink_s {
    const sled_conf_t        *conf;
    const sled_uplink_ops_t  *ops;
    struct lws_vhost        **vhosts;       /* by gateway */

    size_t                    gateway;
    size_t                    tries;        /* picks the address */
    sled_link_t              *link;         /* registered */
    sled_link_t              *next;         /* on its way to be */
    sled_link_t              *old;          /* replaced, may still speak */

    sled_queue_t              queue;        /* not sent yet */
    sled_queue_t              sent;         /* not confirmed yet */
    size_t                    queued;       /* bytes in both */

    uint64_t                  mark;         /* number of the last one */
    unsigned                  marking:1;    /* it has not been answered */
    unsigned                  want_mark:1;
    unsigned                  barrier:1;    /* the link is being replaced */
    unsigned                  syncing:1;    /* "sent" waits for a mark */
    unsigned                  paused:1;
    unsigned                  ever:1;
    unsigned                  stopping:1;
    unsigned                  drained:1;    /* we are to dial when "due" */

    char                      connection_id[256];
    char                      resume_token[256];
    size_t                    max_message;
    uint64_t                  heartbeat;
    uint64_t                  down_since;
    uint64_t                  due;
    size_t                    refused;      /* in a row */

    sled_reconnect_t          reconnect;
    sled_timer_t              dial;
    sled_timer_t              beat;
    sled_timer_t              window;
    sled_timer_t              barrier_timer;
};


int sled_uplink_init(sled_uplink_t *up, const sled_conf_t *conf,
    const sled_uplink_ops_t *ops);
void sled_uplink_start(sled_uplink_t *up);
void sled_uplink_stop(sled_uplink_t *up);
void sled_uplink_free(sled_uplink_t *up);

/* the payload is given away; SLED_ERROR: it is too large, or there are more
 * than may be queued */
int sled_uplink_send(sled_uplink_t *up, const char *type, const char *req_id,
    json_t *payload, uint64_t owner);
void sled_uplink_forget(sled_uplink_t *up, uint64_t owner);
void sled_uplink_write(sled_uplink_t *up);
void sled_uplink_want_mark(sled_uplink_t *up);
void sled_uplink_pause(sled_uplink_t *up, int pause);
void sled_uplink_drain(sled_uplink_t *up, json_t *payload);

extern sled_uplink_t  sled_uplink;

/* for link.c */
void sled_uplink_opened(sled_link_t *link);
void sled_uplink_closed(sled_link_t *link);
void sled_uplink_received(sled_link_t *link, int binary,
    const unsigned char *data, size_t len);
size_t sled_uplink_next_frame(sled_link_t *link, unsigned char *data,
    size_t size, int *binary);

/* register.c */
void sled_uplink_registered(sled_link_t *link, json_t *payload);
size_t sled_uplink_register_frame(sled_uplink_t *up, unsigned char *data,
    size_t size);
void sled_uplink_barrier_over(sled_timer_t *timer);
void sled_uplink_lost(sled_uplink_t *up);

/* queue.c */
void sled_queue_init(sled_queue_t *queue);
sled_message_t *sled_message_create(const char *type, const char *req_id,
    json_t *payload);
void sled_queue_push(sled_queue_t *queue, sled_message_t *message);
sled_message_t *sled_queue_shift(sled_queue_t *queue);
size_t sled_queue_drop(sled_queue_t *queue, uint64_t owner);
void sled_queue_join(sled_queue_t *queue, sled_queue_t *front);

/* link.c */
void sled_link_dial(sled_uplink_t *up);
void sled_link_want_write(sled_link_t *link);
void sled_link_close(sled_link_t *link, int code, sled_failure_e why,
    const char *error);
int sled_link_vhosts(sled_uplink_t *up);
int sled_link_callback(struct lws *wsi, enum lws_callback_reasons reason,
    void *user, void *in, size_t len);


#endif /* _SLED_UPLINK_H_INCLUDED_ */
