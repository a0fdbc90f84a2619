
/*
 * sled hook: what an agent calls before it uses a tool, JSON on stdin and
 * JSON on stdout.
 */


#include "config.h"
#include "local.h"
#include "run.h"


#define SLED_HOOK_INPUT  (256 * 1024)


static json_t *sled_hook_read(void);
static json_t *sled_hook_payload(json_t *event);
static int sled_hook_write(json_t *reply);


/*
 * Whatever goes wrong, the tool is not used: exit code 2 is a "no" to those
 * who call hooks, and what is on stderr is its reason.
 */

int
sled_hook_command(int argc, char **argv)
{
    int             rc;
    json_t         *event, *payload, *reply;
    sled_conf_t     conf;
    sled_client_t   client;

    rc = 2;
    reply = NULL;
    payload = NULL;
    event = NULL;
    client.fd = -1;
    client.in = NULL;

    if (sled_conf_load(&conf, argc, argv, NULL) != SLED_OK) {
        goto done;
    }

    event = sled_hook_read();
    payload = event ? sled_hook_payload(event) : NULL;

    if (payload == NULL) {
        fprintf(stderr, "sled: stdin is no tool use: a JSON object with "
                "\"tool_name\" and \"tool_input\"\n");
        goto done;
    }

    if (sled_client_open(&client, conf.socket) != SLED_OK
        || sled_client_send(&client, json_pack("{ss, ss, sO}", "op", "ask",
                                               "kind", "perm",
                                               "payload", payload))
           != SLED_OK)
    {
        fprintf(stderr, "sled: not allowed: no running sled answers at %s\n",
                conf.socket);
        goto done;
    }

    reply = sled_client_wait(&client);

    if (reply == NULL) {
        fprintf(stderr, "sled: not allowed: the running sled went away\n");
        goto done;
    }

    if (sled_hook_write(reply) != SLED_OK) {
        goto done;
    }

    rc = 0;

    (void) sled_client_send(&client, json_pack("{ss, sb}", "op", "applied",
                                               "applied", 1));
    json_decref(reply);
    reply = sled_client_wait(&client);

done:

    json_decref(reply);
    json_decref(payload);
    json_decref(event);
    sled_client_close(&client);
    sled_conf_free(&conf);

    return rc;
}


static json_t *
sled_hook_read(void)
{
    char    *text;
    size_t   len;
    json_t  *event;

    text = malloc(SLED_HOOK_INPUT + 1);
    if (text == NULL) {
        return NULL;
    }

    event = NULL;
    len = fread(text, 1, SLED_HOOK_INPUT + 1, stdin);

    if (len <= SLED_HOOK_INPUT) {
        event = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
    }

    free(text);

    return event;
}


static json_t *
sled_hook_payload(json_t *event)
{
    json_t  *tool, *input;

    tool = json_object_get(event, "tool_name");
    input = json_object_get(event, "tool_input");

    if (!json_is_string(tool) || input == NULL) {
        return NULL;
    }

    return json_pack("{sO, sO, sO*}", "tool_name", tool, "tool_input", input,
                     "tool_use_id", json_object_get(event, "tool_use_id"));
}


static int
sled_hook_write(json_t *reply)
{
    int          approved, rc;
    json_t      *output, *input;
    const char  *reason;

    approved = sled_json_flag(reply, "approved");
    reason = sled_json_text(reply, "message")
             ?: sled_json_text(reply, "reason") ?: "";

    output = json_pack("{ss, ss, ss}", "hookEventName", "PreToolUse",
                       "permissionDecision", approved ? "allow" : "deny",
                       "permissionDecisionReason", reason);

    input = json_object_get(reply, "updated_input");

    if (approved && input) {
        json_object_set(output, "updatedInput", input);
    }

    output = json_pack("{so}", "hookSpecificOutput", output);

    rc = json_dumpf(output, stdout, JSON_COMPACT);
    json_decref(output);

    if (rc != 0 || putchar('\n') == EOF || fflush(stdout) == EOF) {
        return SLED_ERROR;
    }

    return SLED_OK;
}
