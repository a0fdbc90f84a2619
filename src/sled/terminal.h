
/*
 * Terminals as the gateway sees them: the messages terminal.*.
 */


#ifndef _SLED_TERMINAL_H_INCLUDED_
#define _SLED_TERMINAL_H_INCLUDED_


#include "session.h"


#define SLED_TERMINAL_BIN  9            /* bytes before the data */


/* all of them; whose turn it is comes first */
extern sled_session_t   *sled_sessions;
extern sled_session_t  **sled_sessions_last;


void sled_terminal_init(const sled_conf_t *conf,
    const sled_backend_t *backend);
void sled_terminal_free(void);
size_t sled_terminal_count(void);

void sled_terminal_open(const char *type, const char *req_id,
    json_t *payload);
void sled_terminal_data(const char *type, const char *req_id,
    json_t *payload);
void sled_terminal_resize(const char *type, const char *req_id,
    json_t *payload);
void sled_terminal_close(const char *type, const char *req_id,
    json_t *payload);
void sled_terminal_pause(const char *type, const char *req_id,
    json_t *payload);
void sled_terminal_attach(const char *type, const char *req_id,
    json_t *payload);
void sled_terminal_binary(const unsigned char *data, size_t len);

size_t sled_terminal_frame(unsigned char *data, size_t size,
    int binary_agreed, int *binary);
void sled_terminal_marked(void);
void sled_terminal_confirmed(void);

void sled_terminal_up(void);
void sled_terminal_down(void);
void sled_terminal_lost(void);

/* ends them all; it has been told when the count is 0 */
void sled_terminal_shutdown(const char *reason);

/* of session.c: the messages about one */
void sled_terminal_told_opened(sled_session_t *s, const char *request_id,
    uint64_t offset, int attached);
void sled_terminal_told_error(const char *request_id, const char *session_id,
    const char *code, const char *message);
void sled_terminal_remove(sled_session_t *s);


#endif /* _SLED_TERMINAL_H_INCLUDED_ */
