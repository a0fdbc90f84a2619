
/*
 * sled attach: shared by the link, and by what goes over it.
 */


#ifndef _SLED_ATTACH_H_INCLUDED_
#define _SLED_ATTACH_H_INCLUDED_


#include "config.h"
#include "loop.h"
#include "resolve.h"
#include "url.h"


#define SLED_ATTACH_QUEUE  (64 * 1024)
#define SLED_ATTACH_IN     (256 * 1024)


typedef struct {
    sled_conf_t         conf;
    sled_url_t          url;
    struct lws_vhost   *vhost;
    struct lws         *wsi;
    sled_resolve_t      resolve;
    sled_timer_t        dial;
    sled_watch_t        input;

    unsigned            binary:1;
    unsigned            open:1;         /* upgraded */
    unsigned            resized:1;
    unsigned            done:1;
    unsigned            line:1;         /* at the start of one */
    unsigned            tilde:1;

    uint64_t            lost;           /* when, 0: it is not */
    uint64_t            offset;
    unsigned char       handle[8];
    char                session[129];
    char                token[256];
    char                error[256];

    unsigned char       keys[SLED_ATTACH_QUEUE];
    size_t              nkeys;
    unsigned char      *in;
    size_t              in_len;
    int                 in_binary;
    int                 code;
} sled_attach_state_t;


extern sled_attach_state_t  sled_attach;


void sled_attach_end(int code, const char *message);

/* attach_stream.c */
void sled_attach_message(const unsigned char *data, size_t len);
void sled_attach_output(const unsigned char *data, size_t len);
int sled_attach_write(struct lws *wsi);
void sled_attach_stdin(sled_watch_t *watch, uint32_t events);


#endif /* _SLED_ATTACH_H_INCLUDED_ */
