
/*
 * What the fleet wants of a sled's terminals: to open, to close, to repeat,
 * and what was typed in another worker.
 */


#include "door/sled_terminal.h"


#define NGX_UPLINK_ERRANDS_TURN  64


typedef void (*ngx_uplink_errand_pt)(ngx_uplink_out_t *out,
    ngx_uplink_todo_t *todo);

typedef struct {
    ngx_uint_t             what;
    const char            *type;
    ngx_uplink_errand_pt   write;
} ngx_uplink_errand_t;


static void ngx_uplink_errand_do(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_todo_t *todo);
static void ngx_uplink_errand_after(ngx_uplink_sled_conn_t *sc,
    ngx_uplink_todo_t *todo);
static void ngx_uplink_errand_open(ngx_uplink_out_t *out,
    ngx_uplink_todo_t *todo);
static void ngx_uplink_errand_attach(ngx_uplink_out_t *out,
    ngx_uplink_todo_t *todo);
static void ngx_uplink_errand_resize(ngx_uplink_out_t *out,
    ngx_uplink_todo_t *todo);
static void ngx_uplink_errand_resume(ngx_uplink_out_t *out,
    ngx_uplink_todo_t *todo);
static void ngx_uplink_errand_close(ngx_uplink_out_t *out,
    ngx_uplink_todo_t *todo);


/* in the order in which they make sense */

static const ngx_uplink_errand_t  ngx_uplink_errands[] = {
    { NGX_UPLINK_TODO_OPEN, "terminal.open", ngx_uplink_errand_open },
    { NGX_UPLINK_TODO_ATTACH, "terminal.attach", ngx_uplink_errand_attach },
    { NGX_UPLINK_TODO_RESIZE, "terminal.resize", ngx_uplink_errand_resize },
    { NGX_UPLINK_TODO_RESUME, "terminal.resume", ngx_uplink_errand_resume },
    { NGX_UPLINK_TODO_CLOSE, "terminal.close", ngx_uplink_errand_close },
    { 0, NULL, NULL }
};


/* in the order of NGX_UPLINK_TERMINAL_...; the last three if they are there */

static const struct {
    const char  *name;
    ngx_uint_t   optional;
} ngx_uplink_errand_fields[NGX_UPLINK_TERMINAL_FIELDS] = {
    { "task_id", 0 },
    { "workspace_id", 0 },
    { "issue_id", 1 },
    { "work_dir", 0 },
    { "prior_session_id", 1 },
    { "user_id", 1 }
};


void
ngx_uplink_sled_errands(ngx_uplink_sled_conn_t *sc)
{
    ngx_uint_t          n;
    ngx_uplink_conn_t  *uc;
    ngx_uplink_todo_t   todo;

    uc = sc->conn;
    sc->errands = 0;

    for (n = 0; sc->link && !uc->closing; n++) {

        if (ngx_uplink_conn_backlog(uc) > uc->conf->send_buffer / 2) {
            sc->errands = 1;
            uc->want_sent = 1;
            return;
        }

        if (n == NGX_UPLINK_ERRANDS_TURN) {
            sc->errands = 1;
            ngx_uplink_conn_wake(uc);
            return;
        }

        if (ngx_uplink_terminal_todo(sc->fleet, sc->link, &todo) != NGX_OK) {
            return;
        }

        ngx_uplink_errand_do(sc, &todo);
        ngx_uplink_errand_after(sc, &todo);
    }
}


static void
ngx_uplink_errand_do(ngx_uplink_sled_conn_t *sc, ngx_uplink_todo_t *todo)
{
    size_t                      room;
    ngx_uint_t                  i;
    ngx_uplink_out_t            out;
    const ngx_uplink_errand_t  *errand;

    room = 12 * NGX_UPLINK_OUT_MEMBER + sizeof(todo->request)
           + ngx_uplink_out_quoted(todo->session, todo->session_len)
           + ngx_uplink_out_quoted(todo->reason, todo->reason_len);

    for (i = 0; (todo->what & NGX_UPLINK_TODO_OPEN)
                && i < NGX_UPLINK_TERMINAL_FIELDS; i++)
    {
        room += NGX_UPLINK_OUT_MEMBER
                + ngx_uplink_out_quoted(todo->field[i].data,
                                        todo->field[i].len);
    }

    for (errand = ngx_uplink_errands; errand->what; errand++) {

        if (!(todo->what & errand->what)
            || (errand->what != NGX_UPLINK_TODO_OPEN
                && todo->session_len == 0))
        {
            continue;
        }

        if (ngx_uplink_sled_answer(sc, &out, errand->type, NULL, 0, room)
            != NGX_OK)
        {
            return;
        }

        errand->write(&out, todo);

        ngx_uplink_sled_send(sc, &out);
    }
}


/* its route follows, which ends with it */

static void
ngx_uplink_errand_after(ngx_uplink_sled_conn_t *sc, ngx_uplink_todo_t *todo)
{
    ngx_uplink_sled_route_t  *route;

    if (todo->session_len == 0) {
        return;
    }

    route = ngx_uplink_sled_route_find(sc, todo->session, todo->session_len);

    if (route && todo->terminal == NULL) {
        ngx_uplink_sled_route_free(route);
        return;
    }

    if (route && (todo->what & NGX_UPLINK_TODO_RESUME)) {
        route->paused = 0;
    }

    if (todo->what & NGX_UPLINK_TODO_INPUT) {
        route = ngx_uplink_sled_route(sc, todo->session, todo->session_len);

        if (route) {
            ngx_uplink_sled_input(route);
        }
    }
}


static void
ngx_uplink_errand_open(ngx_uplink_out_t *out, ngx_uplink_todo_t *todo)
{
    u_char      handle[16];
    ngx_uint_t  i;

    ngx_uplink_out_string(out, "request_id", todo->request,
                          sizeof(todo->request));

    for (i = 0; i < NGX_UPLINK_TERMINAL_FIELDS; i++) {

        if (todo->field[i].len || !ngx_uplink_errand_fields[i].optional) {
            ngx_uplink_out_str(out, ngx_uplink_errand_fields[i].name,
                               &todo->field[i]);
        }
    }

    ngx_uplink_out_number(out, "cols", todo->cols);
    ngx_uplink_out_number(out, "rows", todo->rows);

    (void) ngx_sprintf(handle, "%016xL", todo->handle);
    ngx_uplink_out_string(out, "handle", handle, sizeof(handle));
}


static void
ngx_uplink_errand_attach(ngx_uplink_out_t *out, ngx_uplink_todo_t *todo)
{
    ngx_uplink_out_string(out, "request_id", todo->request,
                          sizeof(todo->request));
    ngx_uplink_out_string(out, "session_id", todo->session,
                          todo->session_len);
    ngx_uplink_out_number(out, "offset", todo->offset);
}


static void
ngx_uplink_errand_resize(ngx_uplink_out_t *out, ngx_uplink_todo_t *todo)
{
    ngx_uplink_out_string(out, "session_id", todo->session,
                          todo->session_len);
    ngx_uplink_out_number(out, "cols", todo->cols);
    ngx_uplink_out_number(out, "rows", todo->rows);
}


static void
ngx_uplink_errand_resume(ngx_uplink_out_t *out, ngx_uplink_todo_t *todo)
{
    ngx_uplink_out_string(out, "session_id", todo->session,
                          todo->session_len);
}


static void
ngx_uplink_errand_close(ngx_uplink_out_t *out, ngx_uplink_todo_t *todo)
{
    ngx_uplink_out_string(out, "session_id", todo->session,
                          todo->session_len);
    ngx_uplink_out_string(out, "reason", todo->reason, todo->reason_len);
}
