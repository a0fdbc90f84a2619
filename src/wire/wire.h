
/*
 * JSON as this project needs it: validate a whole message in one pass, find
 * members as spans of the original bytes, write strings.  No DOM: what is
 * passed on is passed on byte for byte.  Uses no nginx runtime, only its
 * types, so that it can be fuzzed alone.
 */


#ifndef _NGX_UPLINK_WIRE_H_INCLUDED_
#define _NGX_UPLINK_WIRE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


typedef enum {
    NGX_UPLINK_JSON_NONE = 0,    /* no such member */
    NGX_UPLINK_JSON_NULL,
    NGX_UPLINK_JSON_FALSE,
    NGX_UPLINK_JSON_TRUE,
    NGX_UPLINK_JSON_NUMBER,
    NGX_UPLINK_JSON_STRING,
    NGX_UPLINK_JSON_ARRAY,
    NGX_UPLINK_JSON_OBJECT
} ngx_uplink_json_e;


/* a value: its kind and its bytes as they stand in the message */

typedef struct {
    ngx_uplink_json_e   kind;
    u_char             *start;   /* of a string: the opening quote */
    u_char             *end;     /* behind the last byte */
} ngx_uplink_value_t;


/* what is wrong with a message, and where: offset in bytes */

typedef struct {
    const char         *what;    /* "unexpected byte", "duplicate member" … */
    size_t              offset;
    size_t              named;   /* bytes of the name at offset, or 0 */
} ngx_uplink_json_error_t;


/*
 * Validates one JSON text (RFC 8259, UTF-8 included, no U+0000 in member
 * names, nothing behind it): depth of at most NGX_UPLINK_JSON_DEPTH, no
 * object names a member twice (after decoding escapes), lone surrogates
 * in escapes are refused.  NGX_OK and the outermost value, or NGX_ERROR and
 * the error.  Everything below may be called on valid text only.
 */

#define NGX_UPLINK_JSON_DEPTH  64

ngx_int_t ngx_uplink_json_check(u_char *data, size_t len,
    ngx_uplink_value_t *value, ngx_uplink_json_error_t *err);

/*
 * The sentence for people: what, which member, where.  Valid UTF-8 without
 * control bytes, at most size bytes (NGX_UPLINK_JSON_ERROR is enough); its
 * length.
 */

#define NGX_UPLINK_JSON_ERROR  128

size_t ngx_uplink_json_explain(u_char *data, ngx_uplink_json_error_t *err,
    u_char *text, size_t size);

/* releases what ngx_uplink_json_check() keeps between calls (exit, fuzzer) */

void ngx_uplink_json_cleanup(void);

/*
 * The next member of an object, or element of an array (key NULL): *pos is
 * NULL at first.  NGX_OK, or NGX_DONE behind the last.  key is the raw
 * string with its quotes.
 */

ngx_int_t ngx_uplink_json_next(ngx_uplink_value_t *container, u_char **pos,
    ngx_uplink_value_t *key, ngx_uplink_value_t *value);

/* does a raw string (as key above) decode to exactly this text? */

ngx_uint_t ngx_uplink_json_is(ngx_uplink_value_t *string, const char *text,
    size_t len);

/*
 * A member by name; kind is NONE if there is none; returns the kind.  value
 * may be object.
 */

ngx_uplink_json_e ngx_uplink_json_get(ngx_uplink_value_t *object,
    const char *name, ngx_uplink_value_t *value);

/*
 * Many members in one pass over the object: a table of names, an array of
 * values of the same length.
 */

void ngx_uplink_json_members(ngx_uplink_value_t *object,
    const ngx_str_t *names, ngx_uint_t n, ngx_uplink_value_t *values);

/*
 * Decodes a string: at most size bytes to dst (which may be the string's own
 * place: decoding never grows).  NGX_OK; NGX_DECLINED: longer than size;
 * NGX_ERROR: contains U+0000.  *len is the length on NGX_OK.
 */

ngx_int_t ngx_uplink_json_string(ngx_uplink_value_t *value, u_char *dst,
    size_t size, size_t *len);

/* an integer in [min, max], written as one (12, -3; not 1.0, not 1e3) */

ngx_int_t ngx_uplink_json_integer(ngx_uplink_value_t *value, int64_t min,
    int64_t max, int64_t *n);

/*
 * Writes text as a JSON string with its quotes; at most
 * NGX_UPLINK_JSON_QUOTED(len) bytes.  Bytes that are not UTF-8 become U+FFFD.
 */

#define NGX_UPLINK_JSON_QUOTED(len)  (2 + 6 * (len))

u_char *ngx_uplink_json_quote(u_char *dst, const u_char *src, size_t len);


/* n bytes from twice as many lower case hex digits; NGX_OK, NGX_ERROR */

ngx_int_t ngx_uplink_unhex(u_char *dst, const u_char *hex, size_t n);


/* the envelope: {"type", "req_id", "payload"} (protocol.md, section 2) */

#define NGX_UPLINK_TYPE_MAX    64
#define NGX_UPLINK_REQ_ID_MAX  128

typedef struct {
    u_char              type[NGX_UPLINK_TYPE_MAX];
    size_t              type_len;
    u_char              req_id[NGX_UPLINK_REQ_ID_MAX];
    size_t              req_id_len;
    ngx_uplink_value_t  payload;       /* NONE (= {}) or OBJECT */
    ngx_uplink_value_t  message;       /* the whole object: flat forms */
} ngx_uplink_envelope_t;

/*
 * Validates and takes apart.  NGX_OK, or NGX_ERROR with the sentence for
 * "bad_message" (what and where) in text, at most size bytes, *len of them.
 * payload of another kind than object (null = missing) is an error;
 * req_id null = missing; type is required, 1..64 bytes.
 */

ngx_int_t ngx_uplink_envelope(u_char *data, size_t len,
    ngx_uplink_envelope_t *env, u_char *text, size_t size, size_t *text_len);


#endif /* _NGX_UPLINK_WIRE_H_INCLUDED_ */
