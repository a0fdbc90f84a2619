
/*
 * Tasks that sleds have announced: what a terminal can attach to, and which
 * workspace a request is of.  They live as long as their logical sled.
 */


#ifndef _NGX_UPLINK_TASK_H_INCLUDED_
#define _NGX_UPLINK_TASK_H_INCLUDED_


#include "fleet/fleet.h"


#define NGX_UPLINK_TASK_FIELD_MAX  1024   /* each; work_dir may be long */
#define NGX_UPLINK_TASK_TEXT       4096   /* all of them, with room */


/* fields of a task, in the order of the names in task.c */

enum {
    NGX_UPLINK_TASK_ID = 0,
    NGX_UPLINK_TASK_WORKSPACE,
    NGX_UPLINK_TASK_ISSUE,
    NGX_UPLINK_TASK_WORK_DIR,
    NGX_UPLINK_TASK_OWNER,
    NGX_UPLINK_TASK_PRIOR,
    NGX_UPLINK_TASK_TITLE,
    NGX_UPLINK_TASK_FIELDS
};

extern const ngx_str_t  ngx_uplink_task_fields[];   /* "task_id" … */


#define NGX_UPLINK_TASK_OK        0
#define NGX_UPLINK_TASK_TOO_MANY  1     /* uplink_max_tasks */
#define NGX_UPLINK_TASK_FULL      2     /* zone_full */

typedef struct {
    ngx_str_t                field[NGX_UPLINK_TASK_FIELDS];
    ngx_uint_t               result;    /* filled in: one of the above */
} ngx_uplink_task_spec_t;


typedef struct ngx_uplink_issue_s  ngx_uplink_issue_t;
typedef struct ngx_uplink_task_s   ngx_uplink_task_t;

/* the tasks of one issue of one workspace, newest first, and terminals */

struct ngx_uplink_issue_s {
    ngx_uplink_name_t        name;      /* workspace, a zero byte, issue */
    ngx_queue_t              tasks;
    ngx_queue_t              terminals; /* terminal.h; newest first */
    u_char                   text[1];
};

struct ngx_uplink_task_s {
    ngx_uplink_name_t        name;      /* task_id, in sled->tasks */
    ngx_queue_t              queue;     /* sled->announced */
    ngx_queue_t              siblings;  /* issue->tasks */
    ngx_uplink_sled_t       *sled;
    ngx_uplink_issue_t      *issue;     /* NULL: it has none */
    uint16_t                 len[NGX_UPLINK_TASK_FIELDS];
    u_char                   text[1];   /* the fields, in their order */
};


/*
 * A sled's announcement, or one on its behalf.  replace: those that stood
 * before are forgotten.  A task of the same id takes the place of the older.
 * link NULL: by agent, as far as actor may see it.  NGX_OK, with a result in
 * each; NGX_ABORT: no such sled.
 */

ngx_int_t ngx_uplink_tasks_announce(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_str_t *agent, ngx_uplink_actor_t *actor,
    ngx_uplink_task_spec_t *tasks, ngx_uint_t n, ngx_uint_t replace,
    ngx_uint_t max);

/* a task as others see it; the fields stand in text */

typedef struct {
    ngx_str_t                field[NGX_UPLINK_TASK_FIELDS];
    u_char                   text[NGX_UPLINK_TASK_TEXT];
} ngx_uplink_task_view_t;

/*
 * The task of a sled that comes behind this task_id, as far as actor may see
 * both.  NGX_OK; NGX_DONE: that was the last; NGX_AGAIN: enough were looked
 * at, go on behind the task_id in view; NGX_ABORT: no such sled.
 */

ngx_int_t ngx_uplink_task_after(ngx_uplink_fleet_t *fleet, ngx_str_t *agent,
    ngx_str_t *task_id, ngx_uplink_actor_t *actor,
    ngx_uplink_task_view_t *view);

/*
 * The workspace of a sled's task: NGX_OK, with at most
 * NGX_UPLINK_WORKSPACE_MAX bytes in ws; NGX_ABORT: unknown.
 */

ngx_int_t ngx_uplink_task_workspace(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_str_t *task_id, ngx_str_t *ws);

/* locked */

void ngx_uplink_tasks_forget(ngx_uplink_fleet_t *fleet,
    ngx_uplink_sled_t *sled);

/* the field of a task */

ngx_str_t ngx_uplink_task_field(ngx_uplink_task_t *task, ngx_uint_t field);

/* locked; NULL if there are none */

ngx_uplink_issue_t *ngx_uplink_issue_find(ngx_uplink_fleet_t *fleet,
    ngx_str_t *workspace, ngx_str_t *issue);

/* the same, made if it is not there; given back when something left it */

ngx_uplink_issue_t *ngx_uplink_issue_get(ngx_uplink_fleet_t *fleet,
    ngx_str_t *workspace, ngx_str_t *issue);
void ngx_uplink_issue_put(ngx_uplink_fleet_t *fleet,
    ngx_uplink_issue_t *issue);


#endif /* _NGX_UPLINK_TASK_H_INCLUDED_ */
