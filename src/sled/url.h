
/*
 * WebSocket addresses, and the proxies on the way to them.
 */


#ifndef _SLED_URL_H_INCLUDED_
#define _SLED_URL_H_INCLUDED_


#include "sled.h"


typedef struct {
    int     tls;
    int     port;
    char    host[256];          /* without brackets */
    char    authority[300];     /* for the Host header */
    char    path[2048];
} sled_url_t;


typedef struct {
    int     port;
    char    host[256];
    char    login[256];         /* "user:password@", or empty */
} sled_proxy_t;


int sled_url_parse(sled_url_t *url, const char *text);

/* SLED_OK, SLED_AGAIN: none is to be used, SLED_ERROR: not understood */
int sled_url_proxy(sled_proxy_t *proxy, const sled_url_t *url);

/* what is read from the environment is then taken out of it */
void sled_url_proxy_init(void);
void sled_url_proxy_free(void);


#endif /* _SLED_URL_H_INCLUDED_ */
