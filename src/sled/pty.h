
/*
 * Shells of this machine.
 */


#ifndef _SLED_PTY_H_INCLUDED_
#define _SLED_PTY_H_INCLUDED_


#include "session.h"


extern const sled_backend_t  sled_pty_backend;


void sled_pty_init(const sled_conf_t *conf);

/* shells, and what was left of them; free kills the rest */
size_t sled_pty_count(void);
void sled_pty_free(void);

/* spawn.c: what runs in the child; both returned vectors are freed by
 * sled_spawn_free() */
typedef struct {
    char    *shell;
    char    *name;              /* its last part */
    char    *dir;               /* resolved */
    char   **env;
    char    *argv[2];
} sled_exec_t;

int sled_spawn_prepare(sled_exec_t *exec, const sled_conf_t *conf,
    const sled_spawn_t *spawn, const char *session_id, const char **code,
    const char **message);
void sled_spawn_free(sled_exec_t *exec);

/* keeper.c: between forkpty() and exec(), does not return */
void sled_keeper(sled_exec_t *exec, int started, int keeper);


#endif /* _SLED_PTY_H_INCLUDED_ */
