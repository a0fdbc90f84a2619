
/*
 * A task as it is written in the configuration.
 */


#include "config.h"


typedef struct {
    const char  *name;
    size_t       offset;
} sled_task_member_t;


static const sled_task_member_t  sled_task_members[] = {
    { "task", offsetof(sled_task_t, id) },
    { "issue", offsetof(sled_task_t, issue) },
    { "workspace", offsetof(sled_task_t, workspace) },
    { "dir", offsetof(sled_task_t, dir) },
    { "owner", offsetof(sled_task_t, owner) },
    { "session", offsetof(sled_task_t, session) },
    { "title", offsetof(sled_task_t, title) },
    { NULL, 0 }
};


static char **
sled_task_member(sled_task_t *task, const char *name, size_t len)
{
    const sled_task_member_t  *member;

    for (member = sled_task_members; member->name; member++) {
        if (strlen(member->name) == len
            && memcmp(member->name, name, len) == 0)
        {
            return (char **) ((char *) task + member->offset);
        }
    }

    return NULL;
}


/* issue=I,dir=D[,...]; a value has no comma */

int
sled_task_parse(sled_task_t *task, const char *text, const char *workspace)
{
    char        **field;
    size_t        len;
    const char   *eq;

    while (*text) {
        len = strcspn(text, ",");
        eq = memchr(text, '=', len);

        if (eq == NULL) {
            return SLED_ERROR;
        }

        field = sled_task_member(task, text, eq - text);

        if (field == NULL || *field) {
            return SLED_ERROR;
        }

        *field = strndup(eq + 1, text + len - eq - 1);

        if (*field == NULL || **field == '\0') {
            return SLED_ERROR;
        }

        text += len;
        text += (*text == ',');
    }

    if (task->issue == NULL || task->dir == NULL || task->dir[0] != '/') {
        return SLED_ERROR;
    }

    if (task->id == NULL && asprintf(&task->id, "task-%s", task->issue) == -1)
    {
        task->id = NULL;
        return SLED_ERROR;
    }

    if (task->workspace == NULL && workspace) {
        task->workspace = sled_copy(workspace);
    }

    return SLED_OK;
}


void
sled_task_free(sled_task_t *task)
{
    char                     **field;
    const sled_task_member_t  *member;

    for (member = sled_task_members; member->name; member++) {
        field = (char **) ((char *) task + member->offset);
        free(*field);
        *field = NULL;
    }
}


sled_task_t *
sled_conf_task(const sled_conf_t *conf, const char *id)
{
    size_t  i;

    for (i = 0; i < conf->ntasks; i++) {
        if (strcmp(conf->tasks[i].id, id) == 0) {
            return &conf->tasks[i];
        }
    }

    return NULL;
}
