
/*
 * Terminal sessions: the streams of them, and how both ends find each other.
 */


#ifndef _BENCH_TERMINAL_H_INCLUDED_
#define _BENCH_TERMINAL_H_INCLUDED_


#include "bench.h"


#define FRAME_HEAD      12             /* number and session, raw bytes */
#define FRAME_HEAD_B64  16
#define FRAME_HANDLE    8
#define FRAME_MAX       16384          /* raw bytes */

#define SESSION_KEYS    4096           /* keystrokes under way at once */


typedef struct {
    unsigned         index;
    char             id[64];
    char             uri[128];
    u_char           handle[FRAME_HANDLE];

    conn_t          *browser;
    conn_t          *sled;             /* its own, or that of all sessions */

    uint64_t         sent;             /* frames of the stream */
    uint64_t         seen;

    uint64_t         keys;             /* keystrokes sent by the browser */
    uint64_t         echoed;           /* by the sled */
    uint64_t         echoes;           /* seen by the browser */
    uint64_t         due[SESSION_KEYS];

    unsigned         paused;           /* terminal.pause */
} session_t;


/* frame.c */

void frame_prepare(unsigned raw);
void frame_send(conn_t *c, session_t *s, unsigned raw, uint64_t number);
void frame_check(session_t *s, unsigned raw, uint64_t number, int opcode,
    const u_char *data, size_t len);


/* attach.c */

void attach_tunnel(void);
void attach_module(void);


/* terminal.c */

extern session_t  *sessions;
extern unsigned    attached;

void terminal_at_sled(session_t *s, int opcode, u_char *data, size_t len);
void terminal_at_browser(session_t *s, int opcode, u_char *data, size_t len);


#endif /* _BENCH_TERMINAL_H_INCLUDED_ */
