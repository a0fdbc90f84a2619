
/*
 * Options: one table, whatever place they are read from.
 */


#ifndef _SLED_OPTION_H_INCLUDED_
#define _SLED_OPTION_H_INCLUDED_


#include "config.h"


enum { SLED_FROM_FILE = 1, SLED_FROM_ENVIRONMENT, SLED_FROM_FLAGS };


typedef struct sled_option_s  sled_option_t;

struct sled_option_s {
    const char   *name;
    const char   *argument;
    int         (*set)(sled_conf_t *conf, const sled_option_t *option,
                       const char *value, int source);
    size_t        offset;
    uint64_t      min;
    uint64_t      max;
    const char   *help;
};


/* the last one has no name */

#define SLED_NOPTIONS  24

extern const sled_option_t  sled_options[SLED_NOPTIONS + 1];


int sled_option_set(sled_conf_t *conf, const char *name, const char *value,
    int source);
int sled_option_is_list(const sled_option_t *option);
void sled_option_free(sled_conf_t *conf);


#endif /* _SLED_OPTION_H_INCLUDED_ */
