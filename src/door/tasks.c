
/*
 * Tasks as they are announced: which of them are good, and what is said of
 * the others.
 */


#include "door/tasks.h"


#define NGX_UPLINK_TASKS_REFUSAL  64     /* {"index":N,"code":"…"} */

/* all fields of one: a record of the zone is a page at most */

#define NGX_UPLINK_TASKS_TEXT     3072


typedef struct {
    size_t       max;
    ngx_uint_t   required;
} ngx_uplink_task_rule_t;


static const char *ngx_uplink_tasks_one(ngx_uplink_value_t *value,
    ngx_uplink_who_t *who, ngx_uplink_task_spec_t *spec);
static const char *ngx_uplink_tasks_field(ngx_uplink_value_t *value,
    const ngx_uplink_task_rule_t *rule, ngx_str_t *field);


/* by NGX_UPLINK_TASK_… */

static const ngx_uplink_task_rule_t  ngx_uplink_task_rules[] = {
    { NGX_UPLINK_REF_MAX, 1 },
    { NGX_UPLINK_WORKSPACE_MAX, 1 },
    { NGX_UPLINK_REF_MAX, 0 },
    { NGX_UPLINK_TASK_FIELD_MAX, 0 },
    { NGX_UPLINK_BY_MAX, 0 },
    { NGX_UPLINK_REF_MAX, 0 },
    { NGX_UPLINK_TASK_FIELD_MAX, 0 }
};


/* by the result of ngx_uplink_tasks_announce() */

static const char  *ngx_uplink_tasks_results[] = {
    NULL,
    "too_many_tasks",
    "zone_full"
};


ngx_int_t
ngx_uplink_tasks_read(ngx_pool_t *pool, ngx_uplink_value_t *payload,
    ngx_uplink_who_t *who, ngx_uint_t max, ngx_uplink_tasks_t *tasks,
    const char **wrong)
{
    u_char              *pos;
    ngx_uint_t           i;
    ngx_uplink_value_t   list, replace, value;

    ngx_memzero(tasks, sizeof(ngx_uplink_tasks_t));

    ngx_uplink_json_get(payload, "replace", &replace);

    if (replace.kind > NGX_UPLINK_JSON_TRUE) {
        *wrong = "\"replace\" must be true or false";
        return NGX_DECLINED;
    }

    tasks->replace = (replace.kind != NGX_UPLINK_JSON_FALSE);

    if (ngx_uplink_json_get(payload, "tasks", &list)
        != NGX_UPLINK_JSON_ARRAY)
    {
        *wrong = "\"tasks\" must be an array";
        return NGX_DECLINED;
    }

    pos = NULL;

    while (ngx_uplink_json_next(&list, &pos, NULL, &value) == NGX_OK) {

        if (tasks->n++ == max + NGX_UPLINK_TASKS_MORE) {
            *wrong = "\"tasks\" has too many elements";
            return NGX_DECLINED;
        }
    }

    if (tasks->n == 0) {
        return NGX_OK;
    }

    tasks->specs = ngx_palloc(pool,
                              tasks->n * sizeof(ngx_uplink_task_spec_t));
    tasks->index = ngx_palloc(pool, tasks->n * sizeof(ngx_uint_t));
    tasks->codes = ngx_palloc(pool, tasks->n * sizeof(char *));

    if (tasks->specs == NULL || tasks->index == NULL || tasks->codes == NULL) {
        return NGX_ERROR;
    }

    pos = NULL;

    for (i = 0; i < tasks->n; i++) {
        (void) ngx_uplink_json_next(&list, &pos, NULL, &value);

        tasks->codes[i] = ngx_uplink_tasks_one(&value, who,
                                               &tasks->specs[tasks->nspecs]);

        if (tasks->codes[i] == NULL) {
            tasks->index[tasks->nspecs++] = i;
        }
    }

    return NGX_OK;
}


/* NULL, or the code of what is wrong with it */

static const char *
ngx_uplink_tasks_one(ngx_uplink_value_t *value, ngx_uplink_who_t *who,
    ngx_uplink_task_spec_t *spec)
{
    size_t               len;
    ngx_uint_t           i;
    const char          *code;
    ngx_uplink_value_t   v[NGX_UPLINK_TASK_FIELDS];

    if (value->kind != NGX_UPLINK_JSON_OBJECT) {
        return "bad_request";
    }

    ngx_uplink_json_members(value, ngx_uplink_task_fields,
                            NGX_UPLINK_TASK_FIELDS, v);
    len = 0;

    for (i = 0; i < NGX_UPLINK_TASK_FIELDS; i++) {

        code = ngx_uplink_tasks_field(&v[i], &ngx_uplink_task_rules[i],
                                      &spec->field[i]);
        if (code) {
            return code;
        }

        len += spec->field[i].len;
    }

    if (len > NGX_UPLINK_TASKS_TEXT) {
        return "too_large";
    }

    if (!ngx_uplink_who_workspace(who,
                                  &spec->field[NGX_UPLINK_TASK_WORKSPACE]))
    {
        return "forbidden";
    }

    return NULL;
}


static const char *
ngx_uplink_tasks_field(ngx_uplink_value_t *value,
    const ngx_uplink_task_rule_t *rule, ngx_str_t *field)
{
    field->data = (u_char *) "";
    field->len = 0;

    if (value->kind > NGX_UPLINK_JSON_NULL) {

        if (value->kind != NGX_UPLINK_JSON_STRING) {
            return "bad_request";
        }

        field->data = value->start;

        switch (ngx_uplink_json_string(value, field->data, rule->max,
                                       &field->len))
        {

        case NGX_OK:
            break;

        case NGX_DECLINED:
            return "too_large";

        default:
            return "bad_request";
        }
    }

    return (rule->required && field->len == 0) ? "bad_request" : NULL;
}


ngx_int_t
ngx_uplink_tasks_take(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_str_t *agent, ngx_uplink_actor_t *actor, ngx_uint_t max,
    ngx_uplink_tasks_t *tasks)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    rc = ngx_uplink_tasks_announce(fleet, link, agent, actor, tasks->specs,
                                   tasks->nspecs, tasks->replace, max);
    if (rc != NGX_OK) {
        return rc;
    }

    for (i = 0; i < tasks->nspecs; i++) {
        tasks->codes[tasks->index[i]] =
                             ngx_uplink_tasks_results[tasks->specs[i].result];

        tasks->accepted += (tasks->specs[i].result == NGX_UPLINK_TASK_OK);
    }

    return NGX_OK;
}


size_t
ngx_uplink_tasks_room(ngx_uplink_tasks_t *tasks)
{
    return (tasks->n - tasks->accepted) * NGX_UPLINK_TASKS_REFUSAL
           + 3 * NGX_UPLINK_OUT_MEMBER;
}


void
ngx_uplink_tasks_write(ngx_uplink_out_t *out, ngx_uplink_tasks_t *tasks)
{
    ngx_uint_t  i;

    ngx_uplink_out_number(out, "accepted", tasks->accepted);
    ngx_uplink_out_open(out, "refused", '[');

    for (i = 0; i < tasks->n; i++) {

        if (tasks->codes[i] == NULL) {
            continue;
        }

        ngx_uplink_out_open(out, NULL, '{');
        ngx_uplink_out_number(out, "index", i);
        ngx_uplink_out_text(out, "code", tasks->codes[i]);
        ngx_uplink_out_shut(out, '}');
    }

    ngx_uplink_out_shut(out, ']');
}
