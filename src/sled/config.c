
/*
 * Configuration: one table of options, read from three places.
 */


#include "config.h"

#include <ctype.h>
#include <getopt.h>
#include <pwd.h>
#include <sys/stat.h>


#define SLED_CONF_LINE  4096


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


static int sled_conf_text(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source);
static int sled_conf_list(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source);
static int sled_conf_time(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source);
static int sled_conf_count(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source);
static int sled_conf_file(sled_conf_t *conf, const char *path, int must);
static int sled_conf_environment(sled_conf_t *conf);
static int sled_conf_flags(sled_conf_t *conf, int argc, char **argv,
    int *rest);
static int sled_conf_defaults(sled_conf_t *conf);
static int sled_conf_tasks(sled_conf_t *conf);
static char *sled_conf_home(const char *variable, const char *below);


enum { SLED_FROM_FILE = 1, SLED_FROM_ENVIRONMENT, SLED_FROM_FLAGS };


#define SLED_CONF(member)  offsetof(sled_conf_t, member)


static const sled_option_t  sled_options[] = {

    { "gateway", "URL", sled_conf_list, SLED_CONF(gateways),
      1, SLED_MAX_GATEWAYS,
      "where to dial, wss:// or ws://; several: the next one on failure" },

    { "id", "ID", sled_conf_text, SLED_CONF(id), 1, 128,
      "the name of this sled" },

    { "token-file", "FILE", sled_conf_text, SLED_CONF(token_file), 1, 4096,
      "holds the credential; or the variable SLED_TOKEN" },

    { "workspace", "W", sled_conf_text, SLED_CONF(workspace), 1, 128,
      "the workspace of tasks and requests that name none" },

    { "task", "issue=I,dir=D[,...]", sled_conf_list, SLED_CONF(task_texts),
      1, SLED_MAX_TASKS,
      "announces a task; also task=, workspace=, owner=, session=, title=" },

    { "root", "DIR", sled_conf_list, SLED_CONF(roots), 1, SLED_MAX_ROOTS,
      "shells may start below this; default: in the tasks' folders" },

    { "shell", "FILE", sled_conf_text, SLED_CONF(shell), 1, 4096,
      "the shell; default: the user's, or /bin/sh" },

    { "ca", "FILE", sled_conf_text, SLED_CONF(ca), 1, 4096,
      "trust these certificates instead of the system's" },

    { "cert", "FILE", sled_conf_text, SLED_CONF(cert), 1, 4096,
      "client certificate" },

    { "key", "FILE", sled_conf_text, SLED_CONF(key), 1, 4096,
      "its private key" },

    { "state", "DIR", sled_conf_text, SLED_CONF(state), 1, 4096,
      "rules and the socket are kept here" },

    { "socket", "FILE", sled_conf_text, SLED_CONF(socket), 1, 107,
      "the socket for local agents; default: DIR/socket" },

    { "scrollback", "BYTES", sled_conf_count, SLED_CONF(scrollback),
      16384, 64 * 1024 * 1024, "kept of each terminal's output (262144)" },

    { "max-sessions", "N", sled_conf_count, SLED_CONF(max_sessions),
      1, 4096, "terminals at a time (256)" },

    { "idle-timeout", "TIME", sled_conf_time, SLED_CONF(idle_timeout),
      0, 365 * 86400000ull, "ends a silent terminal (60m), 0: never" },

    { "resume-window", "TIME", sled_conf_time, SLED_CONF(resume_window),
      0, 3600000, "what a lost link may take to come back (30s)" },

    { "grace", "TIME", sled_conf_time, SLED_CONF(grace),
      0, 60000, "who asks without a link is denied after this (2s)" },

    { "retry-max", "TIME", sled_conf_time, SLED_CONF(retry_max),
      1000, 3600000, "between tries to reach a gateway, at most (60s)" },

    { "retry-refused", "TIME", sled_conf_time, SLED_CONF(retry_refused),
      100, 3600000, "between tries at gateways that refuse us (60s)" },

    { "stable", "TIME", sled_conf_time, SLED_CONF(stable),
      0, 3600000, "a link that stood this long was a good one (60s)" },

    { "log-format", "text|json", sled_conf_text, SLED_CONF(log_format),
      1, 16, "one line per event on stderr (text)" },

    { "log-level", "LEVEL", sled_conf_text, SLED_CONF(log_level),
      1, 16, "error, warn, info or debug (info)" },

    { NULL, NULL, NULL, 0, 0, 0, NULL }
};


/* who has set it last, by option */

static int  sled_conf_source[sizeof(sled_options) / sizeof(sled_options[0])];


int
sled_conf_load(sled_conf_t *conf, int argc, char **argv, int *rest)
{
    int          i, must;
    char        *path, *home;
    const char  *given;

    memset(conf, 0, sizeof(sled_conf_t));
    memset(sled_conf_source, 0, sizeof(sled_conf_source));

    conf->scrollback = 262144;
    conf->max_sessions = 256;
    conf->idle_timeout = 3600000;
    conf->resume_window = 30000;
    conf->grace = 2000;
    conf->retry_max = 60000;
    conf->retry_refused = 60000;
    conf->stable = 60000;

    /* which file it is stands in what is stronger than the file */

    given = getenv("SLED_CONFIG");
    must = (given != NULL);

    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {

        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            given = argv[++i];
            must = 1;

        } else if (strncmp(argv[i], "--config=", 9) == 0) {
            given = argv[i] + 9;
            must = 1;
        }
    }

    if (given) {
        path = sled_copy(given);

    } else {
        home = sled_conf_home("XDG_CONFIG_HOME", ".config");

        if (asprintf(&path, "%s/sled/sled.conf", home) == -1) {
            path = sled_copy("");
        }

        free(home);
    }

    i = sled_conf_file(conf, path, must);
    free(path);

    if (i != SLED_OK
        || sled_conf_environment(conf) != SLED_OK
        || sled_conf_flags(conf, argc, argv, rest) != SLED_OK
        || sled_conf_defaults(conf) != SLED_OK)
    {
        return SLED_ERROR;
    }

    return sled_conf_tasks(conf);
}


static int
sled_conf_set(sled_conf_t *conf, const char *name, const char *value,
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
sled_conf_wrong(const sled_option_t *option, const char *value)
{
    fprintf(stderr, "sled: invalid value \"%s\" of \"%s\"\n", value,
            option->name);

    return SLED_ERROR;
}


static int
sled_conf_text(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source)
{
    char  **field;

    if (strlen(value) < option->min || strlen(value) > option->max) {
        return sled_conf_wrong(option, value);
    }

    field = (char **) ((char *) conf + option->offset);

    free(*field);
    *field = sled_copy(value);

    return SLED_OK;
}


/* a stronger place replaces the list of a weaker one */

static int
sled_conf_list(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source)
{
    char         **text;
    sled_list_t   *list;

    list = (sled_list_t *) ((char *) conf + option->offset);

    if (sled_conf_source[option - sled_options] != source) {
        sled_conf_source[option - sled_options] = source;

        while (list->n) {
            free(list->text[--list->n]);
        }
    }

    if (*value == '\0' || list->n == option->max) {
        return sled_conf_wrong(option, value);
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
sled_conf_time(sled_conf_t *conf, const sled_option_t *option,
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
        return sled_conf_wrong(option, value);
    }

    *(uint64_t *) ((char *) conf + option->offset) = n * unit;

    return SLED_OK;
}


static int
sled_conf_count(sled_conf_t *conf, const sled_option_t *option,
    const char *value, int source)
{
    char      *end;
    uint64_t   n;

    errno = 0;
    n = strtoull(value, &end, 10);

    if (!isdigit((unsigned char) *value) || errno || *end
        || n < option->min || n > option->max)
    {
        return sled_conf_wrong(option, value);
    }

    *(uint64_t *) ((char *) conf + option->offset) = n;

    return SLED_OK;
}


/* lines "name value", # starts a comment line */

static int
sled_conf_file(sled_conf_t *conf, const char *path, int must)
{
    int    rc, n;
    char   line[SLED_CONF_LINE], *name, *value, *end;
    FILE  *file;

    file = fopen(path, "re");

    if (file == NULL) {

        if (!must && (errno == ENOENT || errno == ENOTDIR)) {
            return SLED_OK;
        }

        fprintf(stderr, "sled: %s: %s\n", path, strerror(errno));
        return SLED_ERROR;
    }

    rc = SLED_OK;

    for (n = 1; rc == SLED_OK && fgets(line, sizeof(line), file); n++) {
        name = line + strspn(line, " \t");
        end = name + strlen(name);

        while (end > name && isspace((unsigned char) end[-1])) {
            *--end = '\0';
        }

        if (*name == '\0' || *name == '#') {
            continue;
        }

        value = name + strcspn(name, " \t");

        if (*value) {
            *value++ = '\0';
            value += strspn(value, " \t");
        }

        rc = sled_conf_set(conf, name, value, SLED_FROM_FILE);

        if (rc != SLED_OK) {
            fprintf(stderr, "sled: in %s:%d\n", path, n);
        }
    }

    fclose(file);

    return rc;
}


/* SLED_TOKEN_FILE and so on; lists have one value a line */

static int
sled_conf_environment(sled_conf_t *conf)
{
    int                   rc;
    char                  name[64], *p, *copy, *line, *next;
    const char           *value;
    const sled_option_t  *option;

    for (option = sled_options; option->name; option++) {
        snprintf(name, sizeof(name), "SLED_%s", option->name);

        for (p = name; *p; p++) {
            *p = (*p == '-') ? '_' : toupper((unsigned char) *p);
        }

        value = getenv(name);

        if (value == NULL || *value == '\0') {
            continue;
        }

        if (option->set != sled_conf_list) {

            if (option->set(conf, option, value, SLED_FROM_ENVIRONMENT)
                != SLED_OK)
            {
                return SLED_ERROR;
            }

            continue;
        }

        copy = sled_copy(value);
        rc = SLED_OK;

        for (line = strtok_r(copy, "\n", &next);
             line && rc == SLED_OK;
             line = strtok_r(NULL, "\n", &next))
        {
            rc = option->set(conf, option, line, SLED_FROM_ENVIRONMENT);
        }

        free(copy);

        if (rc != SLED_OK) {
            return SLED_ERROR;
        }
    }

    return SLED_OK;
}


static int
sled_conf_flags(sled_conf_t *conf, int argc, char **argv, int *rest)
{
    int                   c, index;
    size_t                n, len;
    const char           *word;
    struct option         flags[sizeof(sled_options)
                                / sizeof(sled_options[0]) + 1];
    const sled_option_t  *option;

    memset(flags, 0, sizeof(flags));

    for (n = 0, option = sled_options; option->name; option++, n++) {
        flags[n].name = option->name;
        flags[n].has_arg = required_argument;
    }

    flags[n].name = "config";
    flags[n].has_arg = required_argument;

    optind = 0;

    /* "+": what follows the first word that is no flag is the command's */

    while ((c = getopt_long(argc, argv, "+", flags, &index)) != -1) {

        if (c != 0) {
            return SLED_ERROR;
        }

        /* nothing is short for anything: a token is not the file of one */

        word = argv[optind - 1] == optarg ? argv[optind - 2]
                                          : argv[optind - 1];
        len = strcspn(word, "=");

        if (strlen(flags[index].name) + 2 != len) {
            fprintf(stderr, "sled: unknown option \"%.*s\"\n", (int) len,
                    word);
            return SLED_ERROR;
        }

        if ((size_t) index < n
            && sled_conf_set(conf, flags[index].name, optarg,
                             SLED_FROM_FLAGS)
               != SLED_OK)
        {
            return SLED_ERROR;
        }
    }

    if (rest) {
        *rest = optind;

    } else if (optind < argc) {
        fprintf(stderr, "sled: unexpected argument \"%s\"\n", argv[optind]);
        return SLED_ERROR;
    }

    return SLED_OK;
}


/*
 * The variable is wiped where the kernel shows it, and is not inherited by
 * anybody.
 */

int
sled_conf_secret(sled_conf_t *conf)
{
    char         *value, text[8192];
    FILE         *file;
    size_t        n;
    struct stat   st;

    value = getenv("SLED_TOKEN");

    if (value) {
        conf->token = *value ? sled_copy(value) : NULL;
        memset(value, 0, strlen(value));
        unsetenv("SLED_TOKEN");
    }

    if (conf->token_file == NULL) {
        return SLED_OK;
    }

    file = fopen(conf->token_file, "re");

    if (file == NULL) {
        fprintf(stderr, "sled: %s: %s\n", conf->token_file, strerror(errno));
        return SLED_ERROR;
    }

    n = fread(text, 1, sizeof(text) - 1, file);
    text[n] = '\0';
    text[strcspn(text, "\r\n")] = '\0';

    if (fstat(fileno(file), &st) == 0 && (st.st_mode & 077)) {
        sled_log(SLED_LOG_WARN, "token", "others may read %s",
                 conf->token_file);
    }

    fclose(file);

    for (n = 0; text[n]; n++) {
        if (text[n] < '!' || text[n] > '~') {
            break;
        }
    }

    if (n == 0 || text[n]) {
        fprintf(stderr, "sled: %s holds no token\n", conf->token_file);
        explicit_bzero(text, sizeof(text));
        return SLED_ERROR;
    }

    free(conf->token);
    conf->token = sled_copy(text);
    explicit_bzero(text, sizeof(text));

    return SLED_OK;
}


static char *
sled_conf_home(const char *variable, const char *below)
{
    char           *path;
    const char     *dir;
    struct passwd  *pw;

    dir = getenv(variable);

    if (dir && *dir == '/') {
        return sled_copy(dir);
    }

    dir = getenv("HOME");

    if (dir == NULL || *dir != '/') {
        pw = getpwuid(getuid());
        dir = pw ? pw->pw_dir : "";
    }

    if (asprintf(&path, "%s/%s", dir, below) == -1) {
        return sled_copy("");
    }

    return path;
}


static int
sled_conf_defaults(sled_conf_t *conf)
{
    int     json, level;
    char   *home;
    size_t  i;

    static const char  *levels[] = { "error", "warn", "info", "debug" };

    if (conf->state == NULL) {
        home = sled_conf_home("XDG_STATE_HOME", ".local/state");

        if (asprintf(&conf->state, "%s/sled", home) == -1) {
            conf->state = NULL;
        }

        free(home);
    }

    if (conf->socket == NULL
        && asprintf(&conf->socket, "%s/socket", conf->state) == -1)
    {
        conf->socket = NULL;
    }

    if (conf->state == NULL || conf->socket == NULL) {
        return SLED_ERROR;
    }

    level = SLED_LOG_INFO;

    if (conf->log_level) {
        for (level = 0; level < 4; level++) {
            if (strcmp(conf->log_level, levels[level]) == 0) {
                break;
            }
        }
    }

    json = conf->log_format && strcmp(conf->log_format, "json") == 0;

    if (level == 4
        || (conf->log_format && !json
            && strcmp(conf->log_format, "text") != 0))
    {
        fprintf(stderr, "sled: invalid \"log-format\" or \"log-level\"\n");
        return SLED_ERROR;
    }

    sled_log_init(json, level);

    for (i = 0; i < conf->roots.n; i++) {
        if (conf->roots.text[i][0] != '/') {
            fprintf(stderr, "sled: \"root\" must be an absolute path: "
                    "\"%s\"\n", conf->roots.text[i]);
            return SLED_ERROR;
        }
    }

    return SLED_OK;
}


static int
sled_conf_tasks(sled_conf_t *conf)
{
    size_t  i;

    conf->tasks = calloc(conf->task_texts.n + 1, sizeof(sled_task_t));
    if (conf->tasks == NULL) {
        return SLED_ERROR;
    }

    for (i = 0; i < conf->task_texts.n; i++) {

        if (sled_task_parse(&conf->tasks[i], conf->task_texts.text[i],
                            conf->workspace)
            != SLED_OK)
        {
            conf->ntasks = i + 1;
            fprintf(stderr, "sled: invalid value \"%s\" of \"task\"\n",
                    conf->task_texts.text[i]);
            return SLED_ERROR;
        }

        conf->ntasks = i + 1;
    }

    return SLED_OK;
}


void
sled_conf_usage(FILE *out)
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


void
sled_conf_free(sled_conf_t *conf)
{
    char                 **field;
    size_t                 i;
    sled_list_t           *list;
    const sled_option_t   *option;

    for (option = sled_options; option->name; option++) {

        if (option->set == sled_conf_text) {
            field = (char **) ((char *) conf + option->offset);
            free(*field);

        } else if (option->set == sled_conf_list) {
            list = (sled_list_t *) ((char *) conf + option->offset);

            while (list->n) {
                free(list->text[--list->n]);
            }

            free(list->text);
        }
    }

    for (i = 0; i < conf->ntasks; i++) {
        sled_task_free(&conf->tasks[i]);
    }

    free(conf->tasks);

    if (conf->token) {
        explicit_bzero(conf->token, strlen(conf->token));
        free(conf->token);
    }

    memset(conf, 0, sizeof(sled_conf_t));
}
