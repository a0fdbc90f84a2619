
/*
 * What a shell is started with: where, which, and what it may know.
 */


#include "config.h"
#include "pty.h"

#include <limits.h>
#include <pwd.h>
#include <sys/stat.h>


#define SLED_SPAWN_VARIABLES  48


static int sled_spawn_dir(sled_exec_t *exec, const sled_conf_t *conf,
    const char *dir, const char **code, const char **message);
static int sled_spawn_below(const char *dir, const char *root);
static int sled_spawn_shell(sled_exec_t *exec, const sled_conf_t *conf);
static int sled_spawn_environment(sled_exec_t *exec, const sled_conf_t *conf,
    const sled_spawn_t *spawn, const char *session_id);


/* of ours, nothing else: there may be secrets in what we were started with */

static const char  *sled_spawn_kept[] = {
    "PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_COLLATE",
    "LC_MESSAGES", "LC_NUMERIC", "LC_TIME", "LC_MONETARY", "TZ", "TMPDIR",
    "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME",
    "XDG_STATE_HOME", "DBUS_SESSION_BUS_ADDRESS", NULL
};


int
sled_spawn_prepare(sled_exec_t *exec, const sled_conf_t *conf,
    const sled_spawn_t *spawn, const char *session_id, const char **code,
    const char **message)
{
    memset(exec, 0, sizeof(sled_exec_t));

    if (sled_spawn_dir(exec, conf, spawn->work_dir, code, message)
        != SLED_OK)
    {
        return SLED_ERROR;
    }

    *code = "spawn_failed";
    *message = "the shell cannot be executed";

    if (sled_spawn_shell(exec, conf) != SLED_OK
        || sled_spawn_environment(exec, conf, spawn, session_id) != SLED_OK)
    {
        sled_spawn_free(exec);
        return SLED_ERROR;
    }

    return SLED_OK;
}


static int
sled_spawn_dir(sled_exec_t *exec, const sled_conf_t *conf, const char *dir,
    const char **code, const char **message)
{
    size_t       i;
    struct stat  st;

    *code = "task_not_found";

    if (dir == NULL || dir[0] != '/') {
        *message = "the task has no absolute work_dir";
        return SLED_ERROR;
    }

    exec->dir = realpath(dir, NULL);

    if (exec->dir == NULL || stat(exec->dir, &st) == -1
        || !S_ISDIR(st.st_mode))
    {
        *code = "spawn_failed";
        *message = "work_dir is not there, or is not a folder";

    } else if (access(exec->dir, X_OK) == -1) {
        *code = "spawn_failed";
        *message = "work_dir cannot be entered";

    } else {

        for (i = 0; i < conf->roots.n; i++) {
            if (sled_spawn_below(exec->dir, conf->roots.text[i])) {
                return SLED_OK;
            }
        }

        for (i = 0; conf->roots.n == 0 && i < conf->ntasks; i++) {
            if (sled_spawn_below(exec->dir, conf->tasks[i].dir)) {
                return SLED_OK;
            }
        }

        *message = "work_dir is not where this sled may start a shell";
    }

    free(exec->dir);
    exec->dir = NULL;

    return SLED_ERROR;
}


/* both as they really are: links lead nowhere else */

static int
sled_spawn_below(const char *dir, const char *root)
{
    int     below;
    char   *real;
    size_t  len;

    real = realpath(root, NULL);
    if (real == NULL) {
        return 0;
    }

    len = strlen(real);

    below = (len == 1
             || (strncmp(dir, real, len) == 0
                 && (dir[len] == '\0' || dir[len] == '/')));

    free(real);

    return below;
}


static int
sled_spawn_shell(sled_exec_t *exec, const sled_conf_t *conf)
{
    const char     *shell, *name;
    struct passwd  *pw;

    shell = conf->shell;

    if (shell == NULL) {
        pw = getpwuid(geteuid());
        shell = pw ? pw->pw_shell : NULL;

        if (shell == NULL || access(shell, X_OK) == -1) {
            shell = "/bin/sh";
        }
    }

    if (shell[0] != '/' || access(shell, X_OK) == -1) {
        return SLED_ERROR;
    }

    name = strrchr(shell, '/') + 1;

    exec->shell = sled_copy(shell);
    exec->name = sled_copy(name);

    /* a login shell */

    if (asprintf(&exec->argv[0], "-%s", name) == -1) {
        exec->argv[0] = NULL;
        return SLED_ERROR;
    }

    return SLED_OK;
}


static int
sled_spawn_variable(sled_exec_t *exec, size_t *n, const char *name,
    const char *value)
{
    if (value == NULL || *n + 1 >= SLED_SPAWN_VARIABLES) {
        return SLED_OK;
    }

    if (asprintf(&exec->env[*n], "%s=%s", name, value) == -1) {
        exec->env[*n] = NULL;
        return SLED_ERROR;
    }

    (*n)++;

    return SLED_OK;
}


static int
sled_spawn_environment(sled_exec_t *exec, const sled_conf_t *conf,
    const sled_spawn_t *spawn, const char *session_id)
{
    int              i, rc;
    size_t           n;
    const char     **name;
    struct passwd   *pw;

    pw = getpwuid(geteuid());

    const struct {
        const char  *name;
        const char  *value;
    } own[] = {
        { "TERM", "xterm-256color" },
        { "HOME", pw ? pw->pw_dir : getenv("HOME") },
        { "USER", pw ? pw->pw_name : getenv("USER") },
        { "LOGNAME", pw ? pw->pw_name : getenv("LOGNAME") },
        { "SHELL", exec->shell },
        { "PWD", exec->dir },
        { "SLED_SOCKET", conf->socket },
        { "UPLINK_WORKSPACE_ID", spawn->workspace },
        { "UPLINK_TASK_ID", spawn->task },
        { "UPLINK_ISSUE_ID", spawn->issue },
        { "UPLINK_USER_ID", spawn->user },
        { "UPLINK_SESSION_ID", session_id },
        { "CLAUDE_SESSION_ID", spawn->prior_session },
        { NULL, NULL }
    };

    exec->env = calloc(SLED_SPAWN_VARIABLES, sizeof(char *));
    if (exec->env == NULL) {
        return SLED_ERROR;
    }

    n = 0;
    rc = SLED_OK;

    for (i = 0; own[i].name && rc == SLED_OK; i++) {
        rc = sled_spawn_variable(exec, &n, own[i].name, own[i].value);
    }

    for (name = sled_spawn_kept; *name && rc == SLED_OK; name++) {
        rc = sled_spawn_variable(exec, &n, *name, getenv(*name));
    }

    return rc;
}


void
sled_spawn_free(sled_exec_t *exec)
{
    size_t  i;

    for (i = 0; exec->env && exec->env[i]; i++) {
        free(exec->env[i]);
    }

    free(exec->env);
    free(exec->argv[0]);
    free(exec->shell);
    free(exec->name);
    free(exec->dir);

    memset(exec, 0, sizeof(sled_exec_t));
}
