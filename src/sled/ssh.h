
/*
 * The way to a host where nothing is installed: ssh, and the agent at its
 * other end.
 */


#ifndef _SLED_SSH_H_INCLUDED_
#define _SLED_SSH_H_INCLUDED_


#include "session.h"
#include "target.h"


#define SLED_MAX_SSH_OPTIONS  32


typedef struct {
    sled_target_t    target;
    const char      *name;                      /* as it was written */
    const char      *options[SLED_MAX_SSH_OPTIONS * 2];
    size_t           noptions;
    char            *roots;                     /* JSON */
    uint64_t         ready_timeout;             /* ms */
    uint64_t         ping;
} sled_ssh_t;


/* SLED_ERROR: out of memory; how it went is told by sled_remote_ready() and
 * sled_remote_lost() */
int sled_ssh_start(sled_ssh_t *ssh);
void sled_ssh_stop(void);

/* SLED_ERROR: there is no link now */
int sled_ssh_send(char kind, uint32_t channel, const void *data, size_t len);
int sled_ssh_json(json_t *message);
int sled_ssh_ready(void);
void sled_ssh_broken(const char *why);


/* remote.c: what is done over it */

extern const sled_backend_t  sled_remote_backend;
extern const sled_conf_t    *sled_remote_conf;       /* NULL: there is none */

void sled_remote_init(const sled_conf_t *conf);
void sled_remote_ready(void);
void sled_remote_lost(const char *why);
void sled_remote_frame(char kind, uint32_t channel,
    const unsigned char *data, size_t len);
void sled_remote_free(void);

/* remote_call.c: http_request of the gateway */
void sled_remote_calls_end(int status, const char *code,
    const char *message);
void sled_remote_result(json_t *message);
void sled_remote_http(const char *type, const char *req_id, json_t *payload);


#endif /* _SLED_SSH_H_INCLUDED_ */
