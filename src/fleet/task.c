
/*
 * Announced tasks.
 */


#include "fleet/task.h"


#define NGX_UPLINK_TASK_SCAN  256


static ngx_uplink_task_t *ngx_uplink_task_create(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled, ngx_uplink_task_spec_t *spec);
static void ngx_uplink_task_free(ngx_uplink_fleet_t *fleet,
    ngx_uplink_task_t *task);
static void ngx_uplink_task_fill(ngx_uplink_task_view_t *view,
    ngx_uplink_task_t *task, ngx_uint_t n);


/* by NGX_UPLINK_TASK_... */

const ngx_str_t  ngx_uplink_task_fields[] = {
    ngx_string("task_id"),
    ngx_string("workspace_id"),
    ngx_string("issue_id"),
    ngx_string("work_dir"),
    ngx_string("owner"),
    ngx_string("prior_session_id"),
    ngx_string("title")
};


ngx_int_t
ngx_uplink_tasks_announce(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_str_t *agent, ngx_uplink_actor_t *actor,
    ngx_uplink_task_spec_t *tasks, ngx_uint_t n, ngx_uint_t replace,
    ngx_uint_t max)
{
    ngx_str_t          *id;
    ngx_uint_t          i;
    ngx_uplink_sled_t  *sled;
    ngx_uplink_task_t  *task, *old;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    sled = link ? link->sled : ngx_uplink_roster_find(fleet, agent, actor);

    if (sled == NULL) {
        ngx_uplink_unlock(fleet);
        return NGX_ABORT;
    }

    if (replace) {
        ngx_uplink_tasks_forget(fleet, sled);
    }

    for (i = 0; i < n; i++) {

        id = &tasks[i].field[NGX_UPLINK_TASK_ID];

        old = ngx_uplink_name_find(&sled->tasks, id->data, id->len);

        if (old == NULL && sled->ntasks >= max) {
            tasks[i].result = NGX_UPLINK_TASK_TOO_MANY;
            continue;
        }

        task = ngx_uplink_task_create(fleet, sled, &tasks[i]);

        if (task == NULL) {
            tasks[i].result = NGX_UPLINK_TASK_FULL;
            continue;
        }

        if (old) {
            ngx_uplink_task_free(fleet, old);
        }

        ngx_uplink_name_insert(&sled->tasks, &task->name);
        ngx_queue_insert_tail(&sled->announced, &task->queue);
        sled->ntasks++;

        tasks[i].result = NGX_UPLINK_TASK_OK;
    }

    ngx_uplink_unlock(fleet);

    return NGX_OK;
}


static ngx_uplink_task_t *
ngx_uplink_task_create(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled,
    ngx_uplink_task_spec_t *spec)
{
    size_t              len;
    u_char             *p;
    ngx_uint_t          i;
    ngx_uplink_task_t  *task;

    len = 0;

    for (i = 0; i < NGX_UPLINK_TASK_FIELDS; i++) {
        len += spec->field[i].len;
    }

    /* nodes of a page at most */

    if (offsetof(ngx_uplink_task_t, text) + len > ngx_pagesize) {
        return NULL;
    }

    task = ngx_uplink_alloc(fleet, offsetof(ngx_uplink_task_t, text) + len);
    if (task == NULL) {
        return NULL;
    }

    task->sled = sled;

    p = task->text;

    for (i = 0; i < NGX_UPLINK_TASK_FIELDS; i++) {
        task->len[i] = (uint16_t) spec->field[i].len;
        p = ngx_cpymem(p, spec->field[i].data, spec->field[i].len);
    }

    /* the task id is the first of the fields */

    task->name.data = task->text;
    task->name.len = task->len[NGX_UPLINK_TASK_ID];

    if (task->len[NGX_UPLINK_TASK_ISSUE] == 0) {
        return task;
    }

    task->issue = ngx_uplink_issue_get(fleet,
                                   &spec->field[NGX_UPLINK_TASK_WORKSPACE],
                                   &spec->field[NGX_UPLINK_TASK_ISSUE]);
    if (task->issue == NULL) {
        ngx_uplink_free(fleet, task);
        return NULL;
    }

    ngx_queue_insert_head(&task->issue->tasks, &task->siblings);

    return task;
}


static void
ngx_uplink_task_free(ngx_uplink_fleet_t *fleet, ngx_uplink_task_t *task)
{
    ngx_uplink_tree_delete(&task->sled->tasks, &task->name.node);
    ngx_queue_remove(&task->queue);
    task->sled->ntasks--;

    if (task->issue) {
        ngx_queue_remove(&task->siblings);
        ngx_uplink_issue_put(fleet, task->issue);
    }

    ngx_uplink_free(fleet, task);
}


void
ngx_uplink_tasks_forget(ngx_uplink_fleet_t *fleet, ngx_uplink_sled_t *sled)
{
    while (!ngx_queue_empty(&sled->announced)) {
        ngx_uplink_task_free(fleet,
                             ngx_queue_data(ngx_queue_head(&sled->announced),
                                            ngx_uplink_task_t, queue));
    }
}


ngx_str_t
ngx_uplink_task_field(ngx_uplink_task_t *task, ngx_uint_t field)
{
    ngx_str_t   s;
    ngx_uint_t  i;

    s.data = task->text;

    for (i = 0; i < field; i++) {
        s.data += task->len[i];
    }

    s.len = task->len[field];

    return s;
}


ngx_int_t
ngx_uplink_task_after(ngx_uplink_fleet_t *fleet, ngx_str_t *agent,
    ngx_str_t *task_id, ngx_uplink_actor_t *actor,
    ngx_uplink_task_view_t *view)
{
    ngx_int_t           rc;
    ngx_str_t           ws;
    ngx_uint_t          n;
    ngx_uplink_sled_t  *sled;
    ngx_uplink_task_t  *task;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    rc = NGX_ABORT;
    sled = ngx_uplink_roster_find(fleet, agent, actor);

    if (sled == NULL) {
        goto done;
    }

    rc = NGX_DONE;
    task = ngx_uplink_name_after(&sled->tasks, task_id->data, task_id->len);

    for (n = 1; task; n++) {

        ws = ngx_uplink_task_field(task, NGX_UPLINK_TASK_WORKSPACE);

        if (ngx_uplink_actor_sees(actor, &ws)) {
            ngx_uplink_task_fill(view, task, NGX_UPLINK_TASK_FIELDS);
            rc = NGX_OK;
            break;
        }

        if (n == NGX_UPLINK_TASK_SCAN) {
            ngx_uplink_task_fill(view, task, NGX_UPLINK_TASK_ID + 1);
            rc = NGX_AGAIN;
            break;
        }

        task = (ngx_uplink_task_t *)
                   ngx_uplink_tree_next(&sled->tasks, &task->name.node);
    }

done:

    ngx_uplink_unlock(fleet);

    return rc;
}


static void
ngx_uplink_task_fill(ngx_uplink_task_view_t *view, ngx_uplink_task_t *task,
    ngx_uint_t n)
{
    u_char      *p;
    ngx_str_t    field;
    ngx_uint_t   i;

    p = view->text;

    for (i = 0; i < n; i++) {
        field = ngx_uplink_task_field(task, i);

        view->field[i].data = p;
        view->field[i].len = field.len;
        p = ngx_cpymem(p, field.data, field.len);
    }
}


ngx_int_t
ngx_uplink_task_workspace(ngx_uplink_fleet_t *fleet, ngx_uplink_link_t *link,
    ngx_str_t *task_id, ngx_str_t *ws)
{
    ngx_int_t           rc;
    ngx_str_t           field;
    ngx_uplink_task_t  *task;

    if (ngx_uplink_lock(fleet) != NGX_OK) {
        return NGX_DECLINED;
    }

    task = ngx_uplink_name_find(&link->sled->tasks, task_id->data,
                                task_id->len);
    rc = NGX_ABORT;

    if (task) {
        field = ngx_uplink_task_field(task, NGX_UPLINK_TASK_WORKSPACE);

        ngx_memcpy(ws->data, field.data, field.len);
        ws->len = field.len;
        rc = NGX_OK;
    }

    ngx_uplink_unlock(fleet);

    return rc;
}


static size_t
ngx_uplink_issue_name(u_char *dst, ngx_str_t *workspace, ngx_str_t *issue)
{
    u_char  *p;

    p = ngx_cpymem(dst, workspace->data, workspace->len);
    *p++ = '\0';

    if (issue->len) {
        p = ngx_cpymem(p, issue->data, issue->len);
    }

    return p - dst;
}


ngx_uplink_issue_t *
ngx_uplink_issue_find(ngx_uplink_fleet_t *fleet, ngx_str_t *workspace,
    ngx_str_t *issue)
{
    size_t  len;
    u_char  name[NGX_UPLINK_WORKSPACE_MAX + 1 + NGX_UPLINK_TASK_FIELD_MAX];

    if (workspace->len > NGX_UPLINK_WORKSPACE_MAX
        || issue->len > NGX_UPLINK_TASK_FIELD_MAX)
    {
        return NULL;
    }

    len = ngx_uplink_issue_name(name, workspace, issue);

    return ngx_uplink_name_find(&fleet->sh->issues, name, len);
}


ngx_uplink_issue_t *
ngx_uplink_issue_get(ngx_uplink_fleet_t *fleet, ngx_str_t *workspace,
    ngx_str_t *issue)
{
    ngx_uplink_issue_t  *is;

    is = ngx_uplink_issue_find(fleet, workspace, issue);

    if (is) {
        return is;
    }

    is = ngx_uplink_alloc(fleet, offsetof(ngx_uplink_issue_t, text)
                                 + workspace->len + 1 + issue->len);
    if (is == NULL) {
        return NULL;
    }

    is->name.data = is->text;
    is->name.len = ngx_uplink_issue_name(is->text, workspace, issue);

    ngx_queue_init(&is->tasks);
    ngx_queue_init(&is->terminals);
    ngx_uplink_name_insert(&fleet->sh->issues, &is->name);

    return is;
}


void
ngx_uplink_issue_put(ngx_uplink_fleet_t *fleet, ngx_uplink_issue_t *issue)
{
    if (!ngx_queue_empty(&issue->tasks)
        || !ngx_queue_empty(&issue->terminals))
    {
        return;
    }

    ngx_uplink_tree_delete(&fleet->sh->issues, &issue->name.node);
    ngx_uplink_free(fleet, issue);
}
