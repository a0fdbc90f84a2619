
/*
 * [user@]host[:port], as ssh would be told.
 */


#ifndef _SLED_TARGET_H_INCLUDED_
#define _SLED_TARGET_H_INCLUDED_


#include "sled.h"


typedef struct {
    char    user[128];          /* empty: ssh knows */
    char    host[256];          /* without brackets; may be of ssh_config */
    char    port[8];            /* empty: ssh knows */
} sled_target_t;


int sled_target_parse(sled_target_t *target, const char *text);


#endif /* _SLED_TARGET_H_INCLUDED_ */
