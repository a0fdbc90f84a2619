
/*
 * sled ask, and the small commands about a running sled.
 */


#include "config.h"
#include "local.h"
#include "run.h"

#include <getopt.h>


enum {
    SLED_ASK_TOOL = 1, SLED_ASK_INPUT, SLED_ASK_KIND, SLED_ASK_PAYLOAD,
    SLED_ASK_TIMEOUT, SLED_ASK_SOCKET, SLED_ASK_DESCRIPTION, SLED_ASK_TASK,
    SLED_ASK_WORKSPACE, SLED_ASK_ISSUE, SLED_ASK_QUESTION,
    SLED_ASK_OPERATOR
};


typedef struct {
    json_t        *payload;
    const char    *kind;
    const char    *socket;
    int64_t        timeout;
} sled_ask_arguments_t;


static int sled_ask_arguments(int argc, char **argv,
    sled_ask_arguments_t *args);
static int sled_ask_json(json_t *payload, const char *name,
    const char *text, int must);
static int sled_ask_outcome(const char *kind, json_t *reply);


static const struct option  sled_ask_flags[] = {
    { "tool", required_argument, NULL, SLED_ASK_TOOL },
    { "input", required_argument, NULL, SLED_ASK_INPUT },
    { "kind", required_argument, NULL, SLED_ASK_KIND },
    { "payload", required_argument, NULL, SLED_ASK_PAYLOAD },
    { "timeout", required_argument, NULL, SLED_ASK_TIMEOUT },
    { "socket", required_argument, NULL, SLED_ASK_SOCKET },
    { "description", required_argument, NULL, SLED_ASK_DESCRIPTION },
    { "task", required_argument, NULL, SLED_ASK_TASK },
    { "workspace", required_argument, NULL, SLED_ASK_WORKSPACE },
    { "issue", required_argument, NULL, SLED_ASK_ISSUE },
    { "question", required_argument, NULL, SLED_ASK_QUESTION },
    { "operator", required_argument, NULL, SLED_ASK_OPERATOR },
    { NULL, 0, NULL, 0 }
};


static const char  *sled_ask_members[] = {
    NULL, "tool_name", "tool_input", NULL, NULL, NULL, NULL, "description",
    "task_id", "workspace_id", "issue_id", "question", "operator"
};


/* 0: yes, 1: no, 2: it could not be asked */

int
sled_ask_command(int argc, char **argv)
{
    int                   rc;
    json_t               *reply;
    sled_conf_t           conf;
    sled_client_t         client;
    sled_ask_arguments_t  args;

    memset(&args, 0, sizeof(args));
    client.fd = -1;
    client.in = NULL;
    rc = 2;
    reply = NULL;

    args.payload = json_object();
    args.kind = "perm";

    if (sled_conf_load(&conf, 1, argv, NULL) != SLED_OK
        || sled_ask_arguments(argc, argv, &args) != SLED_OK)
    {
        goto done;
    }

    if (sled_client_open(&client, args.socket ? args.socket : conf.socket)
        != SLED_OK
        || sled_client_send(&client,
                            json_pack("{ss, ss, sO, sI}", "op", "ask",
                                      "kind", args.kind,
                                      "payload", args.payload, "timeout_ms",
                                      (json_int_t) args.timeout))
           != SLED_OK)
    {
        fprintf(stderr, "sled: no running sled answers at %s: %s\n",
                args.socket ? args.socket : conf.socket, strerror(errno));
        goto done;
    }

    reply = sled_client_wait(&client);

    if (reply == NULL) {
        fprintf(stderr, "sled: the running sled went away\n");
        goto done;
    }

    if (json_dumpf(reply, stdout, JSON_COMPACT) != 0
        || putchar('\n') == EOF || fflush(stdout) == EOF)
    {
        fprintf(stderr, "sled: the answer could not be written\n");
        goto done;
    }

    rc = sled_ask_outcome(args.kind, reply);
    json_decref(reply);

    /* taken: whoever has decided may know it */

    (void) sled_client_send(&client, json_pack("{ss, sb}", "op", "applied",
                                               "applied", 1));
    reply = sled_client_wait(&client);

done:

    json_decref(reply);
    json_decref(args.payload);
    sled_client_close(&client);
    sled_conf_free(&conf);

    return rc;
}


static int
sled_ask_arguments(int argc, char **argv, sled_ask_arguments_t *args)
{
    int      c;
    char    *end;
    double   seconds;
    json_t  *extra;

    optind = 0;

    while ((c = getopt_long(argc, argv, "", sled_ask_flags, NULL)) != -1) {

        switch (c) {

        case SLED_ASK_KIND:
            args->kind = optarg;
            break;

        case SLED_ASK_SOCKET:
            args->socket = optarg;
            break;

        case SLED_ASK_TIMEOUT:
            seconds = strtod(optarg, &end);

            if (end == optarg || *end || !(seconds > 0)
                || seconds > 86400 * 365.0)
            {
                fprintf(stderr, "sled: invalid \"--timeout\"\n");
                return SLED_ERROR;
            }

            args->timeout = (int64_t) (seconds * 1000) + 1;
            break;

        case SLED_ASK_PAYLOAD:
            extra = json_loads(optarg, JSON_REJECT_DUPLICATES, NULL);

            if (!json_is_object(extra)) {
                json_decref(extra);
                fprintf(stderr, "sled: \"--payload\" is no JSON object\n");
                return SLED_ERROR;
            }

            json_object_update(args->payload, extra);
            json_decref(extra);
            break;

        case SLED_ASK_INPUT:
        case SLED_ASK_QUESTION:
            if (sled_ask_json(args->payload, sled_ask_members[c], optarg,
                              c == SLED_ASK_INPUT)
                != SLED_OK)
            {
                return SLED_ERROR;
            }

            break;

        case '?':
            return SLED_ERROR;

        default:
            json_object_set_new(args->payload, sled_ask_members[c],
                                json_string(optarg));
            break;
        }
    }

    if (optind < argc) {
        fprintf(stderr, "sled: unexpected argument \"%s\"\n", argv[optind]);
        return SLED_ERROR;
    }

    return SLED_OK;
}


/* a question may be a plain text, a tool's input is always JSON */

static int
sled_ask_json(json_t *payload, const char *name, const char *text, int must)
{
    json_t  *value;

    value = json_loads(text, JSON_DECODE_ANY|JSON_REJECT_DUPLICATES, NULL);

    if (value == NULL) {
        if (must) {
            fprintf(stderr, "sled: \"--input\" is not JSON\n");
            return SLED_ERROR;
        }

        value = json_pack("{ss}", "text", text);
    }

    json_object_set_new(payload, name, value);

    return SLED_OK;
}


static int
sled_ask_outcome(const char *kind, json_t *reply)
{
    const char  *type;

    if (strcmp(kind, "perm") == 0 && json_object_get(reply, "approved")) {
        return sled_json_flag(reply, "approved") ? 0 : 1;
    }

    /* what an operator has answered has a type: an error is somebody else's */

    type = sled_json_text(reply, "type");

    if (type == NULL) {
        return 2;
    }

    if (strcmp(type, "hook_ack") == 0) {
        return sled_json_flag(reply, "ok") ? 0 : 1;
    }

    if (strcmp(type, "spawn_ack") == 0) {
        return json_is_false(json_object_get(reply, "ok")) ? 1 : 0;
    }

    return (strcmp(type, "spawn_halt") == 0) ? 1 : 0;
}


/* one request, one line of JSON, ok or not */

static int
sled_command_request(const char *path, json_t *request, int pretty)
{
    int            rc;
    json_t        *reply, *list;
    sled_client_t  client;

    if (sled_client_open(&client, path) != SLED_OK
        || sled_client_send(&client, request) != SLED_OK)
    {
        fprintf(stderr, "sled: no running sled answers at %s: %s\n", path,
                strerror(errno));
        sled_client_close(&client);
        return 2;
    }

    rc = 2;
    reply = sled_client_wait(&client);

    if (reply) {
        list = json_object_get(reply, "rules");
        json_dumpf(list ? list : reply, stdout,
                   pretty ? JSON_INDENT(2) : JSON_COMPACT);
        putchar('\n');
        rc = json_is_false(json_object_get(reply, "ok")) ? 1 : 0;
    }

    json_decref(reply);
    sled_client_close(&client);

    return rc;
}


int
sled_control_command(int argc, char **argv)
{
    int          rc;
    sled_conf_t  conf;

    rc = 2;

    if (sled_conf_load(&conf, argc, argv, NULL) == SLED_OK) {
        rc = sled_command_request(conf.socket,
                                  json_pack("{ss}", "op", argv[0]), 0);
    }

    sled_conf_free(&conf);

    return rc;
}


/* rules [list] | rules add --tool T --input JSON [--pattern] |
 * rules revoke ID */

int
sled_rules_command(int argc, char **argv)
{
    int          i, rc, rest;
    json_t      *payload, *request;
    sled_conf_t  conf;

    rc = 2;
    request = NULL;

    if (sled_conf_load(&conf, argc, argv, &rest) != SLED_OK) {
        goto done;
    }

    if (rest == argc || strcmp(argv[rest], "list") == 0) {
        request = json_pack("{ss}", "op", "rules");

    } else if (strcmp(argv[rest], "revoke") == 0 && rest + 2 == argc) {
        request = json_pack("{ss, ss}", "op", "rule_remove",
                            "id", argv[rest + 1]);

    } else if (strcmp(argv[rest], "add") == 0) {
        payload = json_object();

        for (i = rest + 1; i < argc; i++) {

            if (strcmp(argv[i], "--pattern") == 0) {
                json_object_set_new(payload, "pattern", json_true());

            } else if (strcmp(argv[i], "--tool") == 0 && i + 1 < argc) {
                json_object_set_new(payload, "tool_name",
                                    json_string(argv[++i]));

            } else if (strcmp(argv[i], "--input") == 0 && i + 1 < argc) {
                if (sled_ask_json(payload, "tool_input", argv[++i], 1)
                    != SLED_OK)
                {
                    json_decref(payload);
                    goto done;
                }

            } else {
                break;
            }
        }

        if (i == argc && json_object_get(payload, "tool_name")
            && json_object_get(payload, "tool_input"))
        {
            request = json_pack("{ss, sO}", "op", "rule_add",
                                "payload", payload);
        }

        json_decref(payload);
    }

    if (request == NULL) {
        fprintf(stderr, "usage: sled rules [list | revoke ID |"
                " add --tool T --input JSON [--pattern]]\n");
        goto done;
    }

    rc = sled_command_request(conf.socket, request, 1);

done:

    sled_conf_free(&conf);

    return rc;
}
