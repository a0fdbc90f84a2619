
/*
 * tasks: what terminals of this sled can attach to.
 */


#include "door/sled.h"
#include "door/tasks.h"


static ngx_int_t ngx_uplink_sled_tasks_take(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_pool_t *pool);


ngx_int_t
ngx_uplink_sled_tasks(ngx_uplink_sled_conn_t *sc, ngx_uplink_envelope_t *env)
{
    ngx_int_t    rc;
    ngx_pool_t  *pool;

    pool = ngx_create_pool(NGX_DEFAULT_POOL_SIZE, sc->conn->connection->log);

    if (pool == NULL) {
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_INTERNAL, "internal");
        return NGX_OK;
    }

    rc = ngx_uplink_sled_tasks_take(sc, env, pool);

    ngx_destroy_pool(pool);

    return rc;
}


static ngx_int_t
ngx_uplink_sled_tasks_take(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_envelope_t *env, ngx_pool_t *pool)
{
    const char          *wrong;
    ngx_uplink_out_t     out;
    ngx_uplink_tasks_t   tasks;

    switch (ngx_uplink_tasks_read(pool, &env->payload, &sc->who,
                                  sc->conf->max_tasks, &tasks, &wrong))
    {

    case NGX_OK:
        break;

    case NGX_DECLINED:
        return ngx_uplink_sled_bad(sc, wrong, ngx_strlen(wrong));

    default:
        ngx_uplink_sled_close(sc, NGX_UPLINK_CLOSE_INTERNAL, "internal");
        return NGX_OK;
    }

    /* where that fails, the connection hears that the fleet was rebuilt */

    if (ngx_uplink_tasks_take(sc->fleet, sc->link, NULL, NULL,
                              sc->conf->max_tasks, &tasks)
        == NGX_OK
        && env->req_id_len
        && ngx_uplink_sled_answer(sc, &out, "tasks_ok", env->req_id,
                                  env->req_id_len,
                                  ngx_uplink_tasks_room(&tasks))
           == NGX_OK)
    {
        ngx_uplink_tasks_write(&out, &tasks);
        ngx_uplink_sled_send(sc, &out);
    }

    return NGX_OK;
}
