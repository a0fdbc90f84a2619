
/*
 * sled ssh: the command line.
 */


#include "config.h"
#include "run.h"
#include "ssh.h"


static sled_ssh_t  sled_ssh_conf;


static int
sled_ssh_begin(void)
{
    return sled_ssh_start(&sled_ssh_conf);
}


/* what is ssh's own is taken out: -i, -F, -o, -J with their arguments */

static int
sled_ssh_arguments(int *argc, char **argv)
{
    int    i, n;
    char  *arg;

    n = 1;

    for (i = 1; i < *argc; i++) {
        arg = argv[i];

        if (arg[0] == '-' && arg[1] != '-' && arg[1] != '\0') {

            if (strchr("iFoJ", arg[1]) == NULL || arg[2] || i + 1 == *argc
                || sled_ssh_conf.noptions + 2 > SLED_MAX_SSH_OPTIONS)
            {
                fprintf(stderr, "sled: invalid option \"%s\" of ssh\n", arg);
                return SLED_ERROR;
            }

            sled_ssh_conf.options[sled_ssh_conf.noptions++] = arg;
            sled_ssh_conf.options[sled_ssh_conf.noptions++] = argv[++i];
            continue;
        }

        if (arg[0] == '-') {
            argv[n++] = arg;

            if (strchr(arg, '=') == NULL && i + 1 < *argc) {
                argv[n++] = argv[++i];
            }

            continue;
        }

        if (sled_ssh_conf.name
            || sled_target_parse(&sled_ssh_conf.target, arg) != SLED_OK)
        {
            fprintf(stderr, "sled: invalid host \"%s\"\n", arg);
            return SLED_ERROR;
        }

        sled_ssh_conf.name = arg;
    }

    *argc = n;

    if (sled_ssh_conf.name == NULL) {
        fprintf(stderr, "usage: sled ssh [user@]host[:port] [-i KEY]"
                " [OPTION]...\n");
        return SLED_ERROR;
    }

    return SLED_OK;
}


int
sled_ssh_command_main(int argc, char **argv)
{
    int          rc;
    size_t       i;
    json_t      *roots;
    sled_conf_t  conf;

    if (sled_ssh_arguments(&argc, argv) != SLED_OK) {
        return 2;
    }

    rc = 2;

    if (sled_conf_load(&conf, argc, argv, NULL) == SLED_OK
        && sled_conf_secret(&conf) == SLED_OK)
    {
        roots = json_array();

        for (i = 0; i < conf.roots.n; i++) {
            json_array_append_new(roots, json_string(conf.roots.text[i]));
        }

        for (i = 0; conf.roots.n == 0 && i < conf.ntasks; i++) {
            json_array_append_new(roots, json_string(conf.tasks[i].dir));
        }

        sled_ssh_conf.roots = json_dumps(roots,
                                         JSON_COMPACT|JSON_ENSURE_ASCII);
        json_decref(roots);

        sled_ssh_conf.ready_timeout = conf.ready_timeout;
        sled_ssh_conf.ping = conf.ping;

        sled_remote_init(&conf);
        rc = sled_run(&conf, &sled_remote_backend, sled_ssh_begin);
        free(sled_ssh_conf.roots);
    }

    sled_conf_free(&conf);

    return rc;
}
