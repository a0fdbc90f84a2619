
/*
 * Configuration: options, read from three places, and a secret.
 */


#include "option.h"

#include <ctype.h>
#include <getopt.h>
#include <pwd.h>
#include <sys/stat.h>


#define SLED_CONF_LINE  4096


static int sled_conf_file(sled_conf_t *conf, const char *path, int must);
static int sled_conf_environment(sled_conf_t *conf);
static int sled_conf_flags(sled_conf_t *conf, int argc, char **argv,
    int *rest);
static int sled_conf_defaults(sled_conf_t *conf);
static int sled_conf_tasks(sled_conf_t *conf);
static char *sled_conf_home(const char *variable, const char *below);


int
sled_conf_load(sled_conf_t *conf, int argc, char **argv, int *rest)
{
    int          i, must;
    char        *path, *home;
    const char  *given;

    memset(conf, 0, sizeof(sled_conf_t));

    conf->scrollback = 1048576;
    conf->max_sessions = 256;
    conf->idle_timeout = 3600000;
    conf->resume_window = 30000;
    conf->grace = 2000;
    conf->retry_max = 60000;
    conf->retry_refused = 60000;
    conf->stable = 60000;
    conf->ready_timeout = 60000;
    conf->ping = 15000;

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

        rc = sled_option_set(conf, name, value, SLED_FROM_FILE);

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

        if (!sled_option_is_list(option)) {

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
    struct option         flags[SLED_NOPTIONS + 2];
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
            && sled_option_set(conf, flags[index].name, optarg,
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
sled_conf_free(sled_conf_t *conf)
{
    size_t  i;

    sled_option_free(conf);

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
