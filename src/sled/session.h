
/*
 * A terminal's stream, whoever hosts the shell.
 */


#ifndef _SLED_SESSION_H_INCLUDED_
#define _SLED_SESSION_H_INCLUDED_


#include "loop.h"
#include "ring.h"


#define SLED_SESSION_ID  32


/* what a shell is to be started with; belongs to the caller */

typedef struct {
    const char     *work_dir;
    const char     *workspace;
    const char     *task;
    const char     *issue;
    const char     *user;
    const char     *prior_session;
    unsigned        cols;
    unsigned        rows;
} sled_spawn_t;


/*
 * Who hosts the shells.  open() is answered by sled_session_opened() or
 * _failed(), hangup() by sled_session_ended(), none of them from within.
 */

typedef struct {
    void     *(*open)(sled_session_t *s, const sled_spawn_t *spawn,
                      const char **code, const char **message);

    /* SLED_ERROR: more is waiting than it takes */
    int       (*input)(void *host, const unsigned char *data, size_t len);

    void      (*resize)(void *host, unsigned cols, unsigned rows);
    void      (*hangup)(void *host);

    /* there is room again, or there is to be none */
    void      (*flow)(void *host);

    void      (*forget)(void *host);
} sled_backend_t;


struct sled_session_s {
    sled_session_t        *next;

    char                   id[SLED_SESSION_ID + 1];
    char                  *request_id;
    char                  *work_dir;
    char                  *shell;
    uint64_t               handle;
    const sled_backend_t  *backend;
    void                  *host;

    sled_ring_t            ring;
    uint64_t               sent;            /* offsets */
    uint64_t               marked;
    uint64_t               confirmed;

    unsigned               has_handle:1;
    unsigned               opened:1;
    unsigned               paused:1;        /* by the gateway */
    unsigned               held:1;          /* until it says where it is */
    unsigned               closing:1;       /* nobody reads it any more */
    unsigned               orphan:1;        /* nor knows of it */
    unsigned               ended:1;
    unsigned               exit_sent:1;
    unsigned               exit_marked:1;

    int                    exit_code;
    char                   reason[64];

    uint64_t               active;          /* when data went either way */
    sled_timer_t           idle;
};


void sled_session_opened(sled_session_t *s, const char *work_dir,
    const char *shell);
void sled_session_failed(sled_session_t *s, const char *code,
    const char *message);

/* how many bytes are taken now, and where they go */
size_t sled_session_room(sled_session_t *s, unsigned char **p);
void sled_session_output(sled_session_t *s, size_t n);

/* the same in one go, for hosts that are told beforehand how much they may */
size_t sled_session_space(sled_session_t *s);
void sled_session_put(sled_session_t *s, const unsigned char *data,
    size_t len);

/* all of its output has been given; reason NULL: why it was hung up */
void sled_session_ended(sled_session_t *s, int code, const char *reason);


#endif /* _SLED_SESSION_H_INCLUDED_ */
