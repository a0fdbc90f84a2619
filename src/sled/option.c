
/*
 * Which options there are, and what they take.
 */


#include "option.h"

#include <ctype.h>


static int sled_option_text(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source);
static int sled_option_list(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source);
static int sled_option_time(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source);
static int sled_option_count(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source);


#define SLED_CONF(member)  offsetof(sled_conf_t, member)


const sled_option_t  sled_options[SLED_NOPTIONS + 1] = {

    { "gateway", "URL", sled_option_list, SLED_CONF(gateways),
      1, SLED_MAX_GATEWAYS,
      "where to dial, wss:// or ws://; several: the next one on failure" },

    { "id", "ID", sled_option_text, SLED_CONF(id), 1, 128,
      "the name of this sled" },

    { "token-file", "FILE", sled_option_text, SLED_CONF(token_file), 1, 4096,
      "holds the credential; or the variable SLED_TOKEN" },

    { "workspace", "W", sled_option_text, SLED_CONF(workspace), 1, 128,
      "the workspace of tasks and requests that name none" },

    { "task", "issue=I,dir=D[,...]", sled_option_list, SLED_CONF(task_texts),
      1, SLED_MAX_TASKS,
      "announces a task; also task=, workspace=, owner=, session=, title=" },

    { "root", "DIR", sled_option_list, SLED_CONF(roots), 1, SLED_MAX_ROOTS,
      "shells may start below this; default: in the tasks' folders" },

    { "shell", "FILE", sled_option_text, SLED_CONF(shell), 1, 4096,
      "the shell; default: the user's, or /bin/sh" },

    { "ca", "FILE", sled_option_text, SLED_CONF(ca), 1, 4096,
      "trust these certificates instead of the system's" },

    { "cert", "FILE", sled_option_text, SLED_CONF(cert), 1, 4096,
      "client certificate" },

    { "key", "FILE", sled_option_text, SLED_CONF(key), 1, 4096,
      "its private key" },

    { "state", "DIR", sled_option_text, SLED_CONF(state), 1, 4096,
      "rules and the socket are kept here" },

    { "socket", "FILE", sled_option_text, SLED_CONF(socket), 1, 107,
      "the socket for local agents; default: DIR/socket" },

    { "scrollback", "BYTES", sled_option_count, SLED_CONF(scrollback),
      16384, 64 * 1024 * 1024, "kept of each terminal's output (1048576)" },

    { "max-sessions", "N", sled_option_count, SLED_CONF(max_sessions),
      1, 4096, "terminals at a time (256)" },

    { "idle-timeout", "TIME", sled_option_time, SLED_CONF(idle_timeout),
      0, 365 * 86400000ull, "ends a silent terminal (60m), 0: never" },

    { "resume-window", "TIME", sled_option_time, SLED_CONF(resume_window),
      0, 3600000, "what a lost link may take to come back (30s)" },

    { "grace", "TIME", sled_option_time, SLED_CONF(grace),
      0, 60000, "who asks without a link is denied after this (2s)" },

    { "retry-max", "TIME", sled_option_time, SLED_CONF(retry_max),
      1000, 3600000, "between tries to reach a gateway, at most (60s)" },

    { "retry-refused", "TIME", sled_option_time, SLED_CONF(retry_refused),
      100, 3600000, "between tries at gateways that refuse us (60s)" },

    { "stable", "TIME", sled_option_time, SLED_CONF(stable),
      0, 3600000, "a link that stood this long was a good one (60s)" },

    { "ready-timeout", "TIME", sled_option_time, SLED_CONF(ready_timeout),
      100, 3600000, "sled ssh: how long the host may take at first (60s)" },

    { "ping", "TIME", sled_option_time, SLED_CONF(ping),
      100, 3600000, "sled ssh: silent for three of these is lost (15s)" },

    { "log-format", "text|json", sled_option_text, SLED_CONF(log_format),
      1, 16, "one line per event on stderr (text)" },

    { "log-level", "LEVEL", sled_option_text, SLED_CONF(log_level),
      1, 16, "error, warn, info or debug (info)" },

    { NULL, NULL, NULL, 0, 0, 0, NULL }
};


/* who has set it last, by option */

static int  sled_option_source[SLED_NOPTIONS];


int
sled_option_set(sled_conf_t *conf, const char *name, const char *value,
    int source)
{
    const sled_option_t  *option;

    for (option = sled_options; option->name; option++) {
        if (strcmp(option->name, name) == 0) {
            return option->set(conf, option, value, source);
        }
    }

    fprintf(stderr, "sled: unknown option \"%s\"\n", name);

    return SLED_ERROR;
}


static int
sled_option_wrong(const sled_option_t *option, const char *value)
{
    fprintf(stderr, "sled: invalid value \"%s\" of \"%s\"\n", value,
            option->name);

    return SLED_ERROR;
}


static int
sled_option_text(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source)
{
    char  **field;

    if (strlen(value) < option->min || strlen(value) > option->max) {
        return sled_option_wrong(option, value);
    }

    field = (char **) ((char *) conf + option->offset);

    free(*field);
    *field = sled_copy(value);

    return SLED_OK;
}


/* a stronger place replaces the list of a weaker one */

static int
sled_option_list(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source)
{
    char         **text;
    sled_list_t   *list;

    list = (sled_list_t *) ((char *) conf + option->offset);

    if (sled_option_source[option - sled_options] != source) {
        sled_option_source[option - sled_options] = source;

        while (list->n) {
            free(list->text[--list->n]);
        }
    }

    if (*value == '\0' || list->n == option->max) {
        return sled_option_wrong(option, value);
    }

    text = realloc(list->text, (list->n + 1) * sizeof(char *));
    if (text == NULL) {
        return SLED_ERROR;
    }

    list->text = text;
    list->text[list->n++] = sled_copy(value);

    return SLED_OK;
}


/* 250ms, 30s, 60m, 2h; a number alone is seconds */

static int
sled_option_time(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source)
{
    char      *end;
    uint64_t   n, unit;

    errno = 0;
    n = strtoull(value, &end, 10);

    unit = (strcmp(end, "ms") == 0) ? 1
           : (*end == '\0' || strcmp(end, "s") == 0) ? 1000
           : (strcmp(end, "m") == 0) ? 60000
           : (strcmp(end, "h") == 0) ? 3600000 : 0;

    if (!isdigit((unsigned char) *value) || errno || unit == 0
        || n > UINT64_MAX / 3600000
        || n * unit < option->min || n * unit > option->max)
    {
        return sled_option_wrong(option, value);
    }

    *(uint64_t *) ((char *) conf + option->offset) = n * unit;

    return SLED_OK;
}


static int
sled_option_count(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source)
{
    char      *end;
    uint64_t   n;

    errno = 0;
    n = strtoull(value, &end, 10);

    if (!isdigit((unsigned char) *value) || errno || *end
        || n < option->min || n > option->max)
    {
        return sled_option_wrong(option, value);
    }

    *(uint64_t *) ((char *) conf + option->offset) = n;

    return SLED_OK;
}


void
sled_option_usage(FILE *out)
{
    char                  flag[64];
    const sled_option_t  *option;

    for (option = sled_options; option->name; option++) {
        snprintf(flag, sizeof(flag), "--%s %s", option->name,
                 option->argument);
        fprintf(out, "  %-26s%s%s\n", flag,
                strlen(flag) > 25 ? "\n                            " : "",
                option->help);
    }

    fprintf(out, "  %-26s%s\n", "--config FILE",
            "a file with lines \"name value\"");
}


int
sled_option_is_list(const sled_option_t *option)
{
    return option->set == sled_option_list;
}


void
sled_option_free(sled_conf_t *conf)
{
    char                 **field;
    sled_list_t           *list;
    const sled_option_t   *option;

    for (option = sled_options; option->name; option++) {

        if (option->set == sled_option_text) {
            field = (char **) ((char *) conf + option->offset);
            free(*field);

        } else if (option->set == sled_option_list) {
            list = (sled_list_t *) ((char *) conf + option->offset);

            while (list->n) {
                free(list->text[--list->n]);
            }

            free(list->text);
        }
    }
}
