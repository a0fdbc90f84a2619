
/*
 * The load tool: plays both ends of a gateway over loopback and measures what
 * the workers between them pay.  One thread, one epoll loop; whatever goes
 * wrong ends the run, so that no number is printed for a run that lost a byte.
 */


#ifndef _BENCH_H_INCLUDED_
#define _BENCH_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


#define BENCH_TEXT         0x1
#define BENCH_BINARY       0x2
#define BENCH_CLOSE        0x8
#define BENCH_PING         0x9
#define BENCH_PONG         0xa

#define BENCH_MAX_MESSAGE  65536
#define BENCH_KEY_LEN      24
#define BENCH_ACCEPT_LEN   28

#define bench_max(a, b)    ((a) > (b) ? (a) : (b))
#define bench_min(a, b)    ((a) < (b) ? (a) : (b))


/* what the command line says; every scenario takes what it needs */

typedef struct {
    const char      *scenario;
    const char      *subject;          /* tunnel, echo, sled, terminal */
    const char      *mode;
    const char      *host;             /* the request's Host */
    int              port;             /* nginx */
    int              backend;          /* where the tunnel leads to, or 0 */
    const char      *uri;
    const char      *api;              /* uplink_api's location */
    const char      *issues;           /* uplink_terminal's location */
    const char      *status;           /* uplink_status' location */
    unsigned         n;                /* connections, sessions */
    unsigned         frame;            /* raw bytes in one frame */
    unsigned         rate;             /* frames per second, 0: all it takes */
    unsigned         binary;
    unsigned         across;
    unsigned         anonymous;        /* sleds do not register */
    unsigned         terminals;
    unsigned         requests;
    unsigned         moves;            /* nobody stays where it was */
    const char      *action;           /* what happens to nginx: a script */
    int              cpu;              /* where this program runs */
    double           secs;
    double           warm;
    pid_t            workers[16];
    unsigned         nworkers;
} options_t;


typedef struct conn_s  conn_t;


/* one end of a connection: what it does when something happens */

typedef struct {
    void           (*open)(conn_t *c);
    void           (*message)(conn_t *c, int opcode, u_char *data, size_t len);

    /* NULL: this end expects to be left in peace, a loss is an error */

    void           (*gone)(conn_t *c);
} role_t;


typedef struct {
    u_char          *start;
    size_t           pos;
    size_t           last;
    size_t           size;
} buffer_t;


struct conn_s {
    int              fd;
    const role_t    *role;
    void            *data;
    const char      *uri;
    const char      *headers;          /* more request headers, or NULL */
    uint64_t         serial;
    int              port;             /* X-Uplink-Port, -1: not told */

    buffer_t         part;             /* a frame that is not whole yet */
    buffer_t         out;
    conn_t          *next;             /* in the list of this turn */

    unsigned         listening:1;
    unsigned         server:1;
    unsigned         opened:1;         /* the handshake is done */
    unsigned         patient:1;        /* may be lost before that */
    unsigned         close_sent:1;
    unsigned         close_seen:1;
    unsigned         blocked:1;
    unsigned         dirty:1;
    unsigned         dead:1;
};


/* load.c */

extern options_t  options;

void fail(const char *fmt, ...)
    __attribute__((noreturn, format(printf, 1, 2)));
void result(const char *name, double value);
void *grab(size_t size);


/* net.c */

void net_init(void);
void net_listen(int port, const role_t *role);
conn_t *net_connect(const role_t *role, void *data, const char *uri,
    const char *headers);
void net_turn(int timeout);
void net_until(const unsigned *count, unsigned wanted, double limit,
    const char *what);
void net_write(conn_t *c, const void *data, size_t len);
void net_drop(conn_t *c);
u_char *net_room(conn_t *c, size_t len);
size_t net_pending(conn_t *c);
char *net_http(const char *method, const char *uri, const char *headers,
    const char *body);


/* ws.c */

size_t ws_input(conn_t *c, u_char *data, size_t len);
void ws_request(conn_t *c);
void ws_send(conn_t *c, int opcode, const void *data, size_t len);
u_char *ws_begin(conn_t *c, size_t len);
void ws_end(conn_t *c, int opcode, u_char *data, size_t len);
void ws_close(conn_t *c, unsigned code);


/* digest.c */

void sha1(const void *data, size_t len, u_char digest[20]);
size_t base64(char *dst, const u_char *src, size_t len);
uint64_t mix(uint64_t x);
void json_string(const u_char *data, size_t len, const char *name, char *value,
    size_t size);


/* measure.c */

#define HIST_BITS     6
#define HIST_BUCKETS  ((65 - HIST_BITS) << HIST_BITS)

typedef struct {
    uint64_t         count;
    uint64_t         max;
    uint32_t         bucket[HIST_BUCKETS];
} hist_t;

typedef struct {
    uint64_t         start;            /* all in ns */
    uint64_t         wall;
    uint64_t         cpu;              /* of the workers */
    uint64_t         count;
} span_t;

typedef struct {
    double           anon;             /* heap and stack, bytes */
    double           shmem;            /* touched pages of the zone */
} memory_t;

uint64_t now(void);
uint64_t workers_cpu(void);
void workers_memory(memory_t *m);
void span_begin(span_t *s);
void span_end(span_t *s, uint64_t count);
void span_report(const span_t *s);
void hist_add(hist_t *h, uint64_t ns);
double hist_percentile(const hist_t *h, double p);
void hist_report(const hist_t *h);


/* sled.c */

void sled_register(conn_t *c, unsigned index);
void sled_registered(const u_char *data, size_t len);
size_t sled_request(char *text, size_t size, unsigned index, unsigned seq);


/* the scenarios, a file each */

void idle_run(void);
void handshake_run(void);
void echo_run(void);
void permission_run(void);
void terminal_run(void);
void drain_run(void);


/* echo.c: what the tunnel leads to, unless it is a terminal */

extern const role_t  echo_backend;


#endif /* _BENCH_H_INCLUDED_ */
