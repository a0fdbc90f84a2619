
/*
 * The sled program: which command it is.
 */


#include "config.h"
#include "run.h"


typedef struct {
    const char   *name;
    int         (*command)(int argc, char **argv);
    const char   *help;
} sled_command_t;


static const sled_command_t  sled_commands[] = {
    { "run", sled_run_command, "dial out, host shells, let agents ask" },
    { "ssh", sled_ssh_command_main, "the same for a host that has nothing "
                                    "but ssh and python3" },
    { "ask", sled_ask_command, "ask for a permission, or a question" },
    { "mcp", sled_mcp_command, "an MCP server with the tool \"approve\"" },
    { "hook", sled_hook_command, "a hook of an agent before it uses a tool" },
    { "attach", sled_attach_command, "a terminal of a gateway, here; \"~.\" "
                                     "leaves" },
    { "rules", sled_rules_command, "what is always allowed: list, add, "
                                   "revoke" },
    { "audit-verify", sled_audit_command, "is an audit log of the gateway "
                                          "whole?" },
    { "status", sled_control_command, "how the running sled is" },
    { "pause", sled_control_command, "the running sled takes no new work" },
    { "resume", sled_control_command, "and takes it again" },
    { NULL, NULL, NULL }
};


static int
sled_usage(FILE *out)
{
    const sled_command_t  *c;

    fprintf(out, "usage: sled COMMAND [OPTION]...\n\n");

    for (c = sled_commands; c->name; c++) {
        fprintf(out, "  %-14s%s\n", c->name, c->help);
    }

    fprintf(out, "\nOptions, also as lines of a file, and as variables "
            "SLED_...:\n\n");
    sled_option_usage(out);

    return (out == stdout) ? 0 : 2;
}


int
main(int argc, char **argv)
{
    const sled_command_t  *c;

    if (argc < 2) {
        return sled_usage(stderr);
    }

    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0
        || strcmp(argv[1], "help") == 0)
    {
        return sled_usage(stdout);
    }

    if (strcmp(argv[1], "--version") == 0) {
        printf("sled %s\n", SLED_VERSION);
        return 0;
    }

    for (c = sled_commands; c->name; c++) {
        if (strcmp(c->name, argv[1]) == 0) {
            return c->command(argc - 1, argv + 1);
        }
    }

    fprintf(stderr, "sled: unknown command \"%s\"\n", argv[1]);

    return sled_usage(stderr);
}
