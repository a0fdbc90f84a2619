
/*
 * Requests over REST: what is open, what became of one, and deciding it.
 */


#include "door/api.h"
#include "door/audit.h"


#define NGX_UPLINK_LIST_SCAN  1000    /* requests looked at for one reply */


static ngx_int_t ngx_uplink_list_add(ngx_http_request_t *r,
    ngx_uplink_out_t *out, ngx_uplink_view_t *view);
static ngx_int_t ngx_uplink_request_reply(ngx_http_request_t *r,
    ngx_uint_t status, const ngx_uplink_fault_t *fault,
    ngx_uplink_view_t *view);
static ngx_int_t ngx_uplink_decision_text(ngx_http_request_t *r,
    ngx_uplink_answer_t *answer, ngx_str_t *text);
static const ngx_uplink_fault_t *ngx_uplink_decision_read(
    ngx_uplink_call_t *call, ngx_uplink_answer_t *answer);
static const char *ngx_uplink_decision_type(ngx_uplink_call_t *call,
    ngx_uplink_value_t *type);


enum {
    NGX_UPLINK_REPLY_TYPE = 0,
    NGX_UPLINK_REPLY_REQ_ID,
    NGX_UPLINK_REPLY_PAYLOAD,
    NGX_UPLINK_REPLY_MEMBERS
};


static const ngx_str_t  ngx_uplink_reply_names[] = {
    ngx_string("type"),
    ngx_string("req_id"),
    ngx_string("payload")
};


static const ngx_uplink_fault_t  ngx_uplink_reply_bad_type = {
    NGX_HTTP_BAD_REQUEST, "bad_request", "\"type\" is not that of a reply"
};

static const ngx_uplink_fault_t  ngx_uplink_reply_bad_id = {
    NGX_HTTP_BAD_REQUEST, "bad_request",
    "\"req_id\" is not the one of the path"
};

static const ngx_uplink_fault_t  ngx_uplink_reply_bad_payload = {
    NGX_HTTP_BAD_REQUEST, "bad_request", "\"payload\" must be an object"
};

static const ngx_uplink_fault_t  ngx_uplink_reply_unknown = {
    NGX_HTTP_NOT_FOUND, "unknown_req",
    "no such request, or none that you may see"
};


ngx_int_t
ngx_uplink_call_list_requests(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    u_char             next[NGX_INT64_LEN], *p;
    uint64_t           after;
    ngx_int_t          rc;
    ngx_uint_t         n, scanned;
    ngx_uplink_out_t   out;
    ngx_uplink_view_t  view;

    if (call->query.after.len && call->query.version == 0) {
        return ngx_uplink_reply_error(r, NGX_HTTP_BAD_REQUEST, "bad_request",
                                      "\"after\" must be what \"next\" was");
    }

    if (ngx_uplink_page_init(r, &out, 8192) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->actor.only = call->query.workspace;
    view.answer.len = 0;
    after = call->query.version;
    n = 0;

    ngx_uplink_out_open(&out, NULL, '{');
    ngx_uplink_out_open(&out, "requests", '[');

    for (scanned = 0; scanned < NGX_UPLINK_LIST_SCAN; scanned++) {

        rc = ngx_uplink_request_after(call->fleet, after, &call->actor,
                                      &view);
        if (rc == NGX_DONE) {
            after = 0;
            break;
        }

        if (rc != NGX_OK && rc != NGX_AGAIN) {
            return ngx_uplink_call_failed(r, rc);
        }

        if (rc == NGX_OK
            && (call->query.kind == -1
                || (ngx_uint_t) call->query.kind == view.kind))
        {
            if (n++ == call->query.limit
                || ngx_uplink_out_len(&out) > NGX_UPLINK_LIST_BYTES)
            {
                break;
            }

            if (ngx_uplink_list_add(r, &out, &view) != NGX_OK) {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }
        }

        after = view.version;
    }

    ngx_uplink_out_shut(&out, ']');

    if (ngx_uplink_page_room(r, &out, 4 * NGX_UPLINK_OUT_MEMBER) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a number in quotes: to the client it is only a name */

    if (after) {
        p = ngx_sprintf(next, "%uL", after);
        ngx_uplink_out_string(&out, "next", next, p - next);

    } else {
        ngx_uplink_out_null(&out, "next");
    }

    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, NGX_HTTP_OK, &out);
}


static ngx_int_t
ngx_uplink_list_add(ngx_http_request_t *r, ngx_uplink_out_t *out,
    ngx_uplink_view_t *view)
{
    if (ngx_uplink_page_room(r, out, ngx_uplink_view_room(view)
                                     + 4 * NGX_UPLINK_OUT_MEMBER)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_uplink_out_open(out, NULL, '{');
    ngx_uplink_out_str(out, "type", &ngx_uplink_kinds[view->kind]);
    ngx_uplink_view_request(out, view, 1);
    ngx_uplink_out_shut(out, '}');

    return NGX_OK;
}


ngx_int_t
ngx_uplink_call_show_request(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t          rc;
    ngx_uplink_view_t  view;

    rc = ngx_uplink_request_view(call->fleet, call->id.data, call->id.len,
                                 &call->actor, &view);

    if (rc == NGX_OK) {
        return ngx_uplink_request_reply(r, NGX_HTTP_OK, NULL, &view);
    }

    if (rc == NGX_ABORT) {
        return ngx_uplink_reply_error(r, ngx_uplink_reply_unknown.status,
                                      ngx_uplink_reply_unknown.code,
                                      ngx_uplink_reply_unknown.message);
    }

    return ngx_uplink_call_failed(r, rc);
}


ngx_int_t
ngx_uplink_call_decide(ngx_http_request_t *r, ngx_uplink_call_t *call)
{
    ngx_int_t                  rc;
    ngx_uint_t                 result;
    ngx_uplink_view_t          view;
    ngx_uplink_answer_t        answer;
    const ngx_uplink_fault_t  *fault;

    fault = ngx_uplink_decision_read(call, &answer);

    if (fault == NULL) {
        view.payload.len = 0;
        view.answer.len = 0;

        rc = ngx_uplink_audit_decide(call->fleet, &call->id, &call->actor,
                                     &answer.decision, &view, &result);
        if (rc != NGX_OK) {
            return ngx_uplink_call_failed(r, rc);
        }

        fault = ngx_uplink_answer_fault(result, &view);

        if (fault == NULL) {

            if (ngx_uplink_decision_text(r, &answer, &view.answer)
                != NGX_OK)
            {
                return NGX_HTTP_INTERNAL_SERVER_ERROR;
            }

            return ngx_uplink_request_reply(r, NGX_HTTP_OK, NULL, &view);
        }

        if (fault->status == NGX_HTTP_CONFLICT) {
            return ngx_uplink_request_reply(r, NGX_HTTP_CONFLICT, fault,
                                            &view);
        }
    }

    if (fault->status == NGX_HTTP_BAD_REQUEST) {
        ngx_uplink_count(call->fleet, NGX_UPLINK_COUNT_bad_decisions);

        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      "client sent invalid decision in uplink call: %s",
                      fault->message);
    }

    return ngx_uplink_reply_error(r, fault->status, fault->code,
                                  fault->message);
}


/* the view was made before the decision */

static ngx_int_t
ngx_uplink_decision_text(ngx_http_request_t *r, ngx_uplink_answer_t *answer,
    ngx_str_t *text)
{
    u_char      *p;
    size_t       len;
    ngx_uint_t   i;

    len = 0;

    for (i = 0; i < answer->decision.nparts; i++) {
        len += answer->parts[i].len;
    }

    p = ngx_pnalloc(r->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;
    text->len = len;

    for (i = 0; i < answer->decision.nparts; i++) {
        p = ngx_cpymem(p, answer->parts[i].data, answer->parts[i].len);
    }

    return NGX_OK;
}


/* the fields may stand in the body, or as on the WebSocket in a payload */

static const ngx_uplink_fault_t *
ngx_uplink_decision_read(ngx_uplink_call_t *call, ngx_uplink_answer_t *answer)
{
    size_t               len;
    u_char               req_id[NGX_UPLINK_REQ_MAX];
    const char          *type;
    ngx_uplink_value_t  *fields, *id, v[NGX_UPLINK_REPLY_MEMBERS];

    ngx_uplink_json_members(&call->body, ngx_uplink_reply_names,
                            NGX_UPLINK_REPLY_MEMBERS, v);

    id = &v[NGX_UPLINK_REPLY_REQ_ID];

    if (id->kind > NGX_UPLINK_JSON_NULL
        && (id->kind != NGX_UPLINK_JSON_STRING
            || ngx_uplink_json_string(id, req_id, sizeof(req_id), &len)
               != NGX_OK
            || len != call->id.len
            || ngx_memcmp(req_id, call->id.data, len) != 0))
    {
        return &ngx_uplink_reply_bad_id;
    }

    fields = &v[NGX_UPLINK_REPLY_PAYLOAD];

    if (fields->kind <= NGX_UPLINK_JSON_NULL) {
        fields = &call->body;

    } else if (fields->kind != NGX_UPLINK_JSON_OBJECT) {
        return &ngx_uplink_reply_bad_payload;
    }

    if (v[NGX_UPLINK_REPLY_TYPE].kind > NGX_UPLINK_JSON_NULL) {
        type = ngx_uplink_decision_type(call, &v[NGX_UPLINK_REPLY_TYPE]);

        if (type == NULL) {
            return &ngx_uplink_reply_bad_type;
        }

    } else {
        type = ngx_uplink_answer_awaited(call->id.data, call->id.len);

        if (type == NULL) {
            return &ngx_uplink_reply_unknown;
        }
    }

    return ngx_uplink_answer_read(answer, type, fields, &call->actor);
}


static const char *
ngx_uplink_decision_type(ngx_uplink_call_t *call, ngx_uplink_value_t *type)
{
    u_char  text[NGX_UPLINK_TYPE_MAX];
    size_t  len;

    if (type->kind != NGX_UPLINK_JSON_STRING
        || ngx_uplink_json_string(type, text, sizeof(text), &len) != NGX_OK)
    {
        return NULL;
    }

    return ngx_uplink_answer_type(text, len);
}


static ngx_int_t
ngx_uplink_request_reply(ngx_http_request_t *r, ngx_uint_t status,
    const ngx_uplink_fault_t *fault, ngx_uplink_view_t *view)
{
    ngx_str_t         sid, by;
    ngx_uplink_out_t  out;

    if (ngx_uplink_page_init(r, &out, 2 * ngx_uplink_view_room(view) + 512)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_uplink_out_open(&out, NULL, '{');

    if (fault) {
        ngx_uplink_out_open(&out, "error", '{');
        ngx_uplink_out_text(&out, "code", fault->code);
        ngx_uplink_out_text(&out, "message", fault->message);
        ngx_uplink_out_shut(&out, '}');
    }

    ngx_uplink_out_string(&out, "req_id", view->req_id, view->req_id_len);
    ngx_uplink_out_str(&out, "state", &ngx_uplink_states[view->state]);

    if (view->reason != NGX_UPLINK_REASON_NONE) {
        ngx_uplink_out_str(&out, "reason", &ngx_uplink_reasons[view->reason]);
    }

    sid.data = view->by_sid;
    sid.len = view->by_sid_len;
    by.data = view->by;
    by.len = view->by_len;

    ngx_uplink_view_by(&out, "by", &sid, &by);
    ngx_uplink_view_decision(&out, "decision", view);
    ngx_uplink_out_shut(&out, '}');

    return ngx_uplink_page_reply(r, status, &out);
}
