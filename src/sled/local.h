
/*
 * The Unix socket, by which local agents ask.
 */


#ifndef _SLED_LOCAL_H_INCLUDED_
#define _SLED_LOCAL_H_INCLUDED_


#include "sled.h"


#define SLED_LOCAL_LINE  (256 * 1024)


int sled_local_init(const char *path);
void sled_local_free(void);


/* the other side: client.c; a line is one JSON object */

typedef struct {
    int        fd;
    char      *in;
    size_t     len;
} sled_client_t;

int sled_client_open(sled_client_t *client, const char *path);
int sled_client_send(sled_client_t *client, json_t *request);

/* NULL and errno EAGAIN: there is not a whole line yet */
json_t *sled_client_read(sled_client_t *client);

/* waits for it */
json_t *sled_client_wait(sled_client_t *client);
void sled_client_close(sled_client_t *client);


#endif /* _SLED_LOCAL_H_INCLUDED_ */
