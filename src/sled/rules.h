
/*
 * What an operator has allowed for always.
 */


#ifndef _SLED_RULES_H_INCLUDED_
#define _SLED_RULES_H_INCLUDED_


#include "sled.h"


#define SLED_MAX_RULES  1024


int sled_rules_init(const char *state);
void sled_rules_free(void);

/* the id of the rule that allows this perm_request, or NULL */
json_t *sled_rules_match(json_t *payload);

/* remembers this perm_request; SLED_ERROR: there are too many */
int sled_rules_add(json_t *payload);

json_t *sled_rules_list(void);
int sled_rules_remove(const char *id);


#endif /* _SLED_RULES_H_INCLUDED_ */
