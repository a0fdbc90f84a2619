
/*
 * A whole fleet while its workers leave: sleds with terminals and requests,
 * browsers, an operator, and what each of them went through.
 */


#ifndef _BENCH_DRAIN_H_INCLUDED_
#define _BENCH_DRAIN_H_INCLUDED_


#include "bench.h"


#define DRAIN_HANDLE   8
#define DRAIN_SECONDS  120


/* one end that comes back: its connection, and when to dial again */

typedef struct {
    conn_t          *conn;
    uint64_t         due;              /* 0: not to dial */
    uint64_t         lost;             /* since when it has no connection */
    unsigned         up:1;             /* registered, opened, attached */
    unsigned         told:1;           /* drain */
    unsigned         moved:1;          /* on a connection of afterwards */
} seat_t;


typedef struct {
    seat_t           seat;
    unsigned         index;
    char             connection[64];
    char             ticket[160];
    unsigned         answers;          /* to its request */
} sled_t;


typedef struct {
    seat_t           seat;
    unsigned         index;
    sled_t          *sled;
    char             id[64];
    char             path[160];
    char             headers[320];
    char             token[160];
    u_char           at_sled[DRAIN_HANDLE];
    u_char           at_browser[DRAIN_HANDLE];

    uint64_t         sent;             /* offsets in the stream */
    uint64_t         seen;
    uint64_t         end;
    uint64_t         due;              /* of the next frame */
    unsigned         keys;             /* typed that the sled has got */
    unsigned         open:1;           /* at the sled */
    unsigned         held:1;           /* until terminal.attach */
    unsigned         paused:1;
} shell_t;


typedef struct {
    uint64_t         action;           /* when it began */
    unsigned         seconds[DRAIN_SECONDS];    /* sleds that came back */
    unsigned         resumed;
    unsigned         anew;
    unsigned         lost;             /* connections, without a word before */
    uint64_t         told;             /* the last of these noticed it */
    unsigned         reattached;       /* browsers */
    unsigned         gaps;
    uint64_t         away;             /* the longest of a browser, ns */
    unsigned         repeated;         /* answers that came once more */
} drain_t;


/* drain.c */

extern drain_t    drain;
extern sled_t    *sleds;
extern shell_t   *shells;

void seat_told(seat_t *seat, const u_char *data, size_t len);
int seat_gone(seat_t *seat, conn_t *c);
void seat_up(seat_t *seat);
int message_is(const u_char *data, size_t len, const char *type);
uint64_t message_number(const u_char *data, size_t len, const char *name);


/* drain_sled.c */

extern unsigned   sleds_up;
extern unsigned   requests_answered;

void sled_dial(sled_t *s);
void sled_ask(sled_t *s);


/* drain_shell.c */

extern unsigned   shells_up;
extern unsigned   shells_keyed;

void shell_prepare(void);
void shell_dial(shell_t *s);
void shell_stream(uint64_t now, unsigned last);
void shell_key(shell_t *s);
void shell_sled_message(sled_t *sled, int opcode, u_char *data, size_t len);
void shell_hold(sled_t *sled);


/* drain_operator.c */

extern unsigned   requests_shown;
extern seat_t     operator_seat;

void operator_create(void);
void operator_dial(void);
void operator_decide(void);
void operator_delete(void);
unsigned operator_approves(unsigned index);


#endif /* _BENCH_DRAIN_H_INCLUDED_ */
