
/*
 * Asking: permissions, questions, hooks and spawns of local agents.
 */


#ifndef _SLED_PERM_H_INCLUDED_
#define _SLED_PERM_H_INCLUDED_


#include "sled.h"


#define SLED_MAX_ASKS  256


typedef struct sled_ask_s  sled_ask_t;

/* the reply is given away; no more is heard of the ask after it */
typedef void (*sled_answer_pt)(void *data, json_t *reply, int applicable);


void sled_perm_init(const sled_conf_t *conf);
void sled_perm_free(void);

/* NULL: it has been answered already */
sled_ask_t *sled_perm_ask(json_t *request, sled_answer_pt answer,
    void *data, char *req_id, size_t size);

/* the one who asked went away */
void sled_perm_withdraw(sled_ask_t *ask);

/* and this was made of the decision */
void sled_perm_applied(const char *req_id, int applied, const char *error);

void sled_perm_up(void);
void sled_perm_lost(void);
size_t sled_perm_pending(void);

void sled_perm_response(const char *type, const char *req_id,
    json_t *payload);
void sled_perm_error(const char *type, const char *req_id, json_t *payload);


#endif /* _SLED_PERM_H_INCLUDED_ */
