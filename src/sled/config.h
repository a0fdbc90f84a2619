
/*
 * What a sled is told: by file, by environment, by flags, the later one
 * stronger.
 */


#ifndef _SLED_CONFIG_H_INCLUDED_
#define _SLED_CONFIG_H_INCLUDED_


#include "sled.h"


#define SLED_MAX_GATEWAYS  16
#define SLED_MAX_ROOTS     64
#define SLED_MAX_TASKS     1024


typedef struct {
    char      **text;
    size_t      n;
} sled_list_t;


/* an announced task; members that were not given are NULL */

struct sled_task_s {
    char       *id;
    char       *issue;
    char       *workspace;
    char       *dir;
    char       *owner;
    char       *session;
    char       *title;
};


struct sled_conf_s {
    sled_list_t    gateways;
    sled_list_t    roots;
    sled_list_t    task_texts;

    sled_task_t   *tasks;
    size_t         ntasks;

    char          *id;
    char          *workspace;
    char          *token_file;
    char          *token;
    char          *ca;
    char          *cert;
    char          *key;
    char          *state;
    char          *socket;
    char          *shell;
    char          *log_format;
    char          *log_level;

    uint64_t       scrollback;          /* bytes */
    uint64_t       max_sessions;
    uint64_t       idle_timeout;        /* ms, as all below */
    uint64_t       resume_window;
    uint64_t       grace;
    uint64_t       retry_max;
    uint64_t       retry_refused;
    uint64_t       stable;
    uint64_t       ready_timeout;
    uint64_t       ping;
};


int sled_conf_load(sled_conf_t *conf, int argc, char **argv, int *rest);

/* the credential, for those that dial */
int sled_conf_secret(sled_conf_t *conf);

void sled_option_usage(FILE *out);
void sled_conf_free(sled_conf_t *conf);

sled_task_t *sled_conf_task(const sled_conf_t *conf, const char *id);
int sled_task_parse(sled_task_t *task, const char *text,
    const char *workspace);
void sled_task_free(sled_task_t *task);


#endif /* _SLED_CONFIG_H_INCLUDED_ */
