
/*
 * The link to a host by ssh: shared by those who keep it, and who speak
 * through it.
 */


#ifndef _SLED_SSH_STATE_H_INCLUDED_
#define _SLED_SSH_STATE_H_INCLUDED_


#include "reconnect.h"
#include "ssh.h"


#define SLED_SSH_FRAME  (1024 * 1024)


typedef struct {
    sled_ssh_t         *conf;
    sled_child_t        child;
    sled_watch_t        in;             /* ours to read */
    sled_watch_t        out;
    sled_timer_t        dial;
    sled_timer_t        limit;
    sled_reconnect_t    reconnect;

    unsigned            ready:1;
    unsigned            ever:1;
    unsigned            stopping:1;

    uint64_t            since;
    uint64_t            heard;
    char                why[512];

    unsigned char      *input;
    size_t              input_len;
    unsigned char      *output;
    size_t              output_len;
    size_t              output_pos;
    size_t              output_size;
} sled_ssh_state_t;


extern sled_ssh_state_t  sled_ssh;


/* ssh_stream.c */
void sled_ssh_read(sled_watch_t *watch, uint32_t events);
void sled_ssh_write(sled_watch_t *watch, uint32_t events);
int sled_ssh_queue(const void *data, size_t len);


#endif /* _SLED_SSH_STATE_H_INCLUDED_ */
