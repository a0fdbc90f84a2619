
/*
 * What a browser is shown: what its seat has to tell, and what stands in its
 * lane between that.
 */


#include "door/terminal.h"
#include "door/trail.h"


#define NGX_UPLINK_SHOW_BATCH  65536   /* taken from a lane in one go */


typedef struct {
    const char  *code;
    ngx_uint_t   close;
} ngx_uplink_browser_close_t;


static ngx_int_t ngx_uplink_browser_told(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told);
static ngx_int_t ngx_uplink_browser_opened(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told);
static ngx_int_t ngx_uplink_browser_state(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told);
static ngx_int_t ngx_uplink_browser_exit(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told);
static ngx_int_t ngx_uplink_browser_ended(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told);
static ngx_int_t ngx_uplink_browser_send(ngx_uplink_browser_t *browser,
    ngx_uplink_out_t *out, const char *type, size_t room);
static void ngx_uplink_browser_lane(ngx_uplink_browser_t *browser);
static ngx_int_t ngx_uplink_browser_piece(ngx_uplink_browser_t *browser,
    ngx_uplink_lane_head_t *head, size_t from);


/* what follows terminal.error; 1011 for all that is not here */

static const ngx_uplink_browser_close_t  ngx_uplink_browser_closes[] = {
    { "idle_timeout", NGX_UPLINK_CLOSE_IDLE },
    { "unauthorized", NGX_UPLINK_CLOSE_POLICY },
    { "forbidden", NGX_UPLINK_CLOSE_POLICY },
    { "bad_request", NGX_UPLINK_CLOSE_POLICY },
    { "zone_full", NGX_UPLINK_CLOSE_OVERLOAD },
    { "too_many_terminals", NGX_UPLINK_CLOSE_OVERLOAD },
    { NULL, NGX_UPLINK_CLOSE_INTERNAL }
};


void
ngx_uplink_browser_show(ngx_uplink_browser_t *browser)
{
    ngx_uplink_conn_t  *uc;
    ngx_uplink_seat_t  *seat;

    uc = browser->conn;
    seat = browser->seat;

    if (seat == NULL
        || ngx_uplink_browser_tell(browser, NGX_UPLINK_TELL_OPENED
                                            |NGX_UPLINK_TELL_AWAY
                                            |NGX_UPLINK_TELL_BACK)
           != NGX_OK)
    {
        return;
    }

    ngx_uplink_browser_lane(browser);

    if (uc->closing) {
        return;
    }

    if (ngx_uplink_lane_level(&seat->lane) == 0
        && ngx_uplink_browser_tell(browser, NGX_UPLINK_TELL_EXIT
                                            |NGX_UPLINK_TELL_ERROR)
           != NGX_OK)
    {
        return;
    }

    if (ngx_uplink_conn_backlog(uc) > ngx_uplink_browser_low(uc)) {
        uc->want_sent = 1;
        return;
    }

    uc->want_sent = 0;

    if (ngx_uplink_lane_level(&seat->lane)
        <= ngx_uplink_lane_low(browser->conf))
    {
        (void) ngx_uplink_seat_drained(browser->fleet, seat);
    }
}


ngx_int_t
ngx_uplink_browser_tell(ngx_uplink_browser_t *browser, ngx_uint_t mask)
{
    ngx_int_t          rc;
    ngx_uplink_told_t  told;

    while (browser->seat && !browser->conn->closing) {

        if (!(*(volatile ngx_uint_t *) &browser->seat->tell & mask)) {
            return NGX_OK;
        }

        rc = ngx_uplink_seat_tell(browser->fleet, browser->seat, mask, &told);

        if (rc == NGX_DONE) {
            return NGX_OK;
        }

        if (rc != NGX_OK) {

            /* the zone was rebuilt: it will hear of that */

            return NGX_ERROR;
        }

        rc = ngx_uplink_browser_told(browser, &told);

        if (rc != NGX_OK && !browser->conn->closing) {

            /* there is room for this: if not, it is not read at all */

            ngx_uplink_browser_close(browser, NGX_UPLINK_CLOSE_OVERLOAD,
                                     "too much was not read");
        }
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_uplink_browser_told(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told)
{
    switch (told->what) {

    case NGX_UPLINK_TELL_OPENED:
        return ngx_uplink_browser_opened(browser, told);

    case NGX_UPLINK_TELL_AWAY:
    case NGX_UPLINK_TELL_BACK:
        return ngx_uplink_browser_state(browser, told);

    case NGX_UPLINK_TELL_EXIT:
        return ngx_uplink_browser_exit(browser, told);

    default: /* NGX_UPLINK_TELL_ERROR */
        return ngx_uplink_browser_ended(browser, told);
    }
}


static ngx_int_t
ngx_uplink_browser_opened(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told)
{
    u_char               handle[16];
    ngx_int_t            rc;
    ngx_uplink_out_t     out;
    ngx_uplink_trail_t  *trail;

    if (browser->opened) {

        /* it was slow, and what it has missed comes again */

        return NGX_OK;
    }

    if (ngx_uplink_outlet_init(&browser->outlet, browser->conn,
                               browser->binary, told->handle, told->session,
                               told->session_len)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    rc = ngx_uplink_browser_send(browser, &out, "terminal.opened",
                                 8 * NGX_UPLINK_OUT_MEMBER + told->opened.len
                                 + sizeof(told->request)
                                 + sizeof(browser->secret)
                                 + NGX_UPLINK_JSON_QUOTED(told->session_len));
    if (rc != NGX_OK) {
        return rc;
    }

    (void) ngx_sprintf(handle, "%016xL", told->handle);

    ngx_uplink_out_string(&out, "request_id", told->request,
                          told->request_len);
    ngx_uplink_out_string(&out, "session_id", told->session,
                          told->session_len);
    ngx_uplink_out_members(&out, &told->opened);
    ngx_uplink_out_number(&out, "offset", told->offset);
    ngx_uplink_out_string(&out, "handle", handle, sizeof(handle));
    ngx_uplink_out_text(&out, "mode", told->view ? "view" : "drive");

    if (!told->view) {
        ngx_uplink_out_string(&out, "resume_token", browser->secret,
                              sizeof(browser->secret));
    }

    trail = ngx_uplink_trail_of(browser->conn->request);

    ngx_uplink_trail_copy(browser->conn->request, &trail->session,
                          told->session, told->session_len);

    if (told->view) {
        ngx_str_set(&trail->role, "viewer");
    }

    browser->opened = 1;
    browser->view = (told->view != 0);

    return ngx_uplink_message_send(&out);
}


static ngx_int_t
ngx_uplink_browser_state(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told)
{
    ngx_int_t         rc;
    ngx_uplink_out_t  out;

    rc = ngx_uplink_browser_send(browser, &out, "terminal.state",
                                 4 * NGX_UPLINK_OUT_MEMBER
                                 + NGX_UPLINK_JSON_QUOTED(told->session_len));
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_uplink_out_string(&out, "session_id", told->session,
                          told->session_len);

    if (told->what == NGX_UPLINK_TELL_AWAY) {
        ngx_uplink_out_text(&out, "state", "sled_away");
        ngx_uplink_out_number(&out, "until_ms", told->until);

    } else {
        ngx_uplink_out_text(&out, "state", "attached");
        browser->refused = 0;
    }

    return ngx_uplink_message_send(&out);
}


static ngx_int_t
ngx_uplink_browser_exit(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told)
{
    u_char            code[NGX_INT64_LEN];
    ngx_int_t         rc;
    ngx_uplink_out_t  out;

    rc = ngx_uplink_browser_send(browser, &out, "terminal.exit",
                                 4 * NGX_UPLINK_OUT_MEMBER
                                 + NGX_UPLINK_JSON_QUOTED(told->session_len)
                                 + NGX_UPLINK_JSON_QUOTED(told->text_len));
    if (rc != NGX_OK) {
        return rc;
    }

    ngx_uplink_out_string(&out, "session_id", told->session,
                          told->session_len);
    ngx_uplink_out_value(&out, "exit_code", code,
                         ngx_sprintf(code, "%i", told->exit_code) - code);

    if (told->text_len) {
        ngx_uplink_out_string(&out, "reason", told->text, told->text_len);
    }

    rc = ngx_uplink_message_send(&out);

    ngx_uplink_browser_close(browser, NGX_UPLINK_CLOSE_DONE, "exit");

    return rc;
}


static ngx_int_t
ngx_uplink_browser_ended(ngx_uplink_browser_t *browser,
    ngx_uplink_told_t *told)
{
    u_char  text[NGX_UPLINK_TEXT_MAX + 1];
    u_char  code[NGX_UPLINK_CODE_MAX + 1];

    (void) ngx_cpystrn(code, told->code, told->code_len + 1);
    (void) ngx_cpystrn(text, told->text, told->text_len + 1);

    ngx_uplink_browser_fail(browser, (char *) code, (char *) text);

    return NGX_OK;
}


static ngx_int_t
ngx_uplink_browser_send(ngx_uplink_browser_t *browser, ngx_uplink_out_t *out,
    const char *type, size_t room)
{
    ngx_int_t  rc;

    rc = ngx_uplink_message_enveloped(out, browser->conn, type, NULL, 0,
                                      room);

    if (rc == NGX_OK) {
        ngx_uplink_count(browser->fleet, NGX_UPLINK_COUNT_messages_out);
    }

    return rc;
}


void
ngx_uplink_browser_error(ngx_uplink_browser_t *browser, const char *code,
    const char *text)
{
    ngx_uplink_out_t  out;

    if (ngx_uplink_browser_send(browser, &out, "terminal.error",
                                2 * NGX_UPLINK_OUT_MEMBER
                                + ngx_uplink_out_quoted(code,
                                                        ngx_strlen(code))
                                + ngx_uplink_out_quoted(text,
                                                        ngx_strlen(text)))
        == NGX_OK)
    {
        ngx_uplink_out_text(&out, "code", code);
        ngx_uplink_out_text(&out, "message", text);
        (void) ngx_uplink_message_send(&out);
    }
}


void
ngx_uplink_browser_fail(ngx_uplink_browser_t *browser, const char *code,
    const char *text)
{
    const ngx_uplink_browser_close_t  *c;

    ngx_log_error(NGX_LOG_INFO, browser->conn->connection->log, 0,
                  "uplink terminal failed: %s", code);

    ngx_uplink_browser_error(browser, code, text);

    for (c = ngx_uplink_browser_closes; c->code; c++) {
        if (ngx_strcmp(c->code, code) == 0) {
            break;
        }
    }

    ngx_uplink_browser_close(browser, c->close, code);
}


void
ngx_uplink_browser_close(ngx_uplink_browser_t *browser, ngx_uint_t code,
    const char *reason)
{
    ngx_str_t  text;

    text.data = (u_char *) reason;
    text.len = ngx_strlen(reason);

    ngx_uplink_conn_close(browser->conn, code, &text);
}


/* as long as the browser reads; the rest stays where it is */

static void
ngx_uplink_browser_lane(ngx_uplink_browser_t *browser)
{
    size_t                   level, done;
    ngx_uplink_conn_t       *uc;
    ngx_uplink_lane_t       *lane;
    ngx_uplink_lane_head_t   head;

    uc = browser->conn;
    lane = &browser->seat->lane;

    ngx_uplink_lane_heard(browser->fleet, lane);

    level = ngx_uplink_lane_level(lane);
    done = 0;

    while (done < level) {

        if (ngx_uplink_conn_backlog(uc) > ngx_uplink_browser_high(uc)) {
            break;
        }

        ngx_uplink_lane_copy(lane, (u_char *) &head, done, sizeof(head));

        if (ngx_uplink_browser_piece(browser, &head, done + sizeof(head))
            != NGX_OK)
        {
            break;
        }

        done += sizeof(head) + head.len;

        if (done >= NGX_UPLINK_SHOW_BATCH) {

            if (ngx_uplink_lane_take(browser->fleet, lane, done) != NGX_OK) {
                return;
            }

            level = ngx_uplink_lane_level(lane);
            done = 0;
        }
    }

    if (done) {
        (void) ngx_uplink_lane_take(browser->fleet, lane, done);
    }
}


static ngx_int_t
ngx_uplink_browser_piece(ngx_uplink_browser_t *browser,
    ngx_uplink_lane_head_t *head, size_t from)
{
    uint64_t            span[2];
    ngx_uplink_piece_t  piece;

    if (head->kind == NGX_UPLINK_LANE_GAP) {
        ngx_uplink_lane_copy(&browser->seat->lane, (u_char *) span, from,
                             sizeof(span));

        return ngx_uplink_browser_gap(browser, span[0], span[1]);
    }

    piece.data = NULL;
    piece.lane = &browser->seat->lane;
    piece.from = from;
    piece.len = head->len;
    piece.base64 = (head->kind == NGX_UPLINK_LANE_BASE64);

    return ngx_uplink_outlet_put(&browser->outlet, &piece);
}
