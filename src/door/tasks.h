
/*
 * An announcement of tasks, be it a sled's message or the body of a call:
 * {"tasks": [{"task_id", "workspace_id", …}], "replace": true}.
 */


#ifndef _NGX_UPLINK_TASKS_H_INCLUDED_
#define _NGX_UPLINK_TASKS_H_INCLUDED_


#include "door/door.h"
#include "fleet/task.h"


/* so many elements more than may stand are refused one by one */

#define NGX_UPLINK_TASKS_MORE  1024


typedef struct {
    ngx_uplink_task_spec_t  *specs;     /* good ones, in their order */
    ngx_uint_t              *index;     /* where each stands in the array */
    ngx_uint_t               nspecs;
    const char             **codes;     /* by element; NULL: it was taken */
    ngx_uint_t               n;
    ngx_uint_t               accepted;
    unsigned                 replace:1;
} ngx_uplink_tasks_t;


/*
 * Reads it, with memory from pool; strings are decoded in place, so that
 * payload is spent.  who: whose workspaces they must be of.  max:
 * uplink_max_tasks.  NGX_OK, with a code for each that cannot be taken;
 * NGX_DECLINED, and *wrong says what is; NGX_ERROR: no memory.
 */

ngx_int_t ngx_uplink_tasks_read(ngx_pool_t *pool, ngx_uplink_value_t *payload,
    ngx_uplink_who_t *who, ngx_uint_t max, ngx_uplink_tasks_t *tasks,
    const char **wrong);

/*
 * Announces what is good, as ngx_uplink_tasks_announce() does: of link, or,
 * if that is NULL, of agent as far as actor may see it.
 */

ngx_int_t ngx_uplink_tasks_take(ngx_uplink_fleet_t *fleet,
    ngx_uplink_link_t *link, ngx_str_t *agent, ngx_uplink_actor_t *actor,
    ngx_uint_t max, ngx_uplink_tasks_t *tasks);

/* the members of tasks_ok, and room that is enough for them */

size_t ngx_uplink_tasks_room(ngx_uplink_tasks_t *tasks);
void ngx_uplink_tasks_write(ngx_uplink_out_t *out, ngx_uplink_tasks_t *tasks);


#endif /* _NGX_UPLINK_TASKS_H_INCLUDED_ */
