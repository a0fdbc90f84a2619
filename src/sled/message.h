
/*
 * Which message of the gateway goes where.
 */


#ifndef _SLED_MESSAGE_H_INCLUDED_
#define _SLED_MESSAGE_H_INCLUDED_


#include "sled.h"


void sled_message_dispatch(const char *type, const char *req_id,
    json_t *payload);


#endif /* _SLED_MESSAGE_H_INCLUDED_ */
