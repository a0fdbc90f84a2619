
/*
 * What an operator has allowed for always: per exact tool and input, in a
 * file of their own.  In a rule that was written by hand, a "*" in a string
 * of the input stands for anything.
 */


#include "rules.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <time.h>


static int sled_rules_equal(json_t *rule, json_t *value, int pattern);
static int sled_rules_save(void);


static json_t  *sled_rules;
static char    *sled_rules_path;


int
sled_rules_init(const char *state)
{
    json_error_t  error;

    if (asprintf(&sled_rules_path, "%s/rules.json", state) == -1) {
        return SLED_ERROR;
    }

    if (access(sled_rules_path, F_OK) == -1) {
        sled_rules = json_array();
        return SLED_OK;
    }

    sled_rules = json_load_file(sled_rules_path, JSON_REJECT_DUPLICATES,
                                &error);

    if (!json_is_array(sled_rules)) {

        /* nobody is let in by a file that cannot be read */

        sled_log(SLED_LOG_ERROR, "rules", "%s: %s", sled_rules_path,
                 sled_rules ? "not an array" : error.text);
        return SLED_ERROR;
    }

    return SLED_OK;
}


void
sled_rules_free(void)
{
    json_decref(sled_rules);
    sled_rules = NULL;

    free(sled_rules_path);
    sled_rules_path = NULL;
}


json_t *
sled_rules_match(json_t *payload)
{
    int     pattern;
    size_t  i;
    json_t  *rule, *workspace;

    json_array_foreach(sled_rules, i, rule) {
        workspace = json_object_get(rule, "workspace_id");
        pattern = sled_json_flag(rule, "pattern");

        if (json_equal(json_object_get(rule, "tool_name"),
                       json_object_get(payload, "tool_name"))
            && (workspace == NULL
                || json_equal(workspace,
                              json_object_get(payload, "workspace_id")))
            && sled_rules_equal(json_object_get(rule, "tool_input"),
                                json_object_get(payload, "tool_input"),
                                pattern))
        {
            return json_incref(json_object_get(rule, "id"));
        }
    }

    return NULL;
}


/* all members, and no more: an unknown one could change what it means */

static int
sled_rules_equal(json_t *rule, json_t *value, int pattern)
{
    size_t       i;
    json_t      *member;
    const char  *name;

    if (!pattern) {
        return json_equal(rule, value);
    }

    if (json_is_string(rule) && json_is_string(value)) {
        return strlen(json_string_value(value)) == json_string_length(value)
               && fnmatch(json_string_value(rule), json_string_value(value),
                          0)
                  == 0;
    }

    if (json_is_object(rule) && json_is_object(value)) {

        if (json_object_size(rule) != json_object_size(value)) {
            return 0;
        }

        json_object_foreach(rule, name, member) {
            if (!sled_rules_equal(member, json_object_get(value, name), 1)) {
                return 0;
            }
        }

        return 1;
    }

    if (json_is_array(rule) && json_is_array(value)) {

        if (json_array_size(rule) != json_array_size(value)) {
            return 0;
        }

        json_array_foreach(rule, i, member) {
            if (!sled_rules_equal(member, json_array_get(value, i), 1)) {
                return 0;
            }
        }

        return 1;
    }

    return json_equal(rule, value);
}


int
sled_rules_add(json_t *payload)
{
    char     id[17];
    json_t  *rule, *known;

    known = sled_rules_match(payload);

    if (known) {
        json_decref(known);
        return SLED_OK;
    }

    if (json_array_size(sled_rules) >= SLED_MAX_RULES) {
        sled_log(SLED_LOG_WARN, "rules", "too many, not remembered");
        return SLED_ERROR;
    }

    sled_random_hex(id, 16);

    rule = json_pack("{ss, sO, sO, sI}", "id", id,
                     "tool_name", json_object_get(payload, "tool_name"),
                     "tool_input", json_object_get(payload, "tool_input"),
                     "created", (json_int_t) time(NULL));
    if (rule == NULL) {
        return SLED_ERROR;
    }

    if (json_object_get(payload, "workspace_id")) {
        json_object_set(rule, "workspace_id",
                        json_object_get(payload, "workspace_id"));
    }

    if (sled_json_flag(payload, "pattern")) {
        json_object_set_new(rule, "pattern", json_true());
    }

    json_array_append_new(sled_rules, rule);

    sled_log(SLED_LOG_INFO, "rule", "%s: always allowed", id);

    return sled_rules_save();
}


json_t *
sled_rules_list(void)
{
    return json_deep_copy(sled_rules);
}


int
sled_rules_remove(const char *id)
{
    size_t   i;
    json_t  *rule;

    json_array_foreach(sled_rules, i, rule) {
        if (strcmp(sled_json_text(rule, "id") ?: "", id) == 0) {
            json_array_remove(sled_rules, i);
            sled_log(SLED_LOG_INFO, "rule", "%s: revoked", id);
            return sled_rules_save();
        }
    }

    return SLED_ERROR;
}


/* a new file, then its name: never half of one */

static int
sled_rules_save(void)
{
    int    fd, rc;
    char  *path;

    if (asprintf(&path, "%s.new", sled_rules_path) == -1) {
        return SLED_ERROR;
    }

    rc = -1;
    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC, 0600);

    if (fd != -1) {
        rc = json_dumpfd(sled_rules, fd, JSON_INDENT(2)|JSON_SORT_KEYS);
        rc |= fsync(fd);
        rc |= close(fd);
    }

    if (rc == 0) {
        rc = rename(path, sled_rules_path);
    }

    if (rc) {
        sled_log(SLED_LOG_ERROR, "rules", "%s: not saved: %s", path,
                 strerror(errno));
    }

    free(path);

    return rc ? SLED_ERROR : SLED_OK;
}
