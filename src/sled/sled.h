
/*
 * What every file of the sled program sees.  No nginx in here.
 */


#ifndef _SLED_H_INCLUDED_
#define _SLED_H_INCLUDED_


#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include <jansson.h>


#define SLED_VERSION   "0.1.0"
#define SLED_PROTOCOL  2

#define SLED_OK         0
#define SLED_ERROR     -1
#define SLED_AGAIN     -2


enum {
    SLED_LOG_ERROR = 0,
    SLED_LOG_WARN,
    SLED_LOG_INFO,
    SLED_LOG_DEBUG
};


typedef struct sled_conf_s     sled_conf_t;
typedef struct sled_task_s     sled_task_t;
typedef struct sled_session_s  sled_session_t;


/* log.c: one line per event, on stderr */

void sled_log_init(int json, int level);
void sled_log(int level, const char *event, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));


/* text.c */

void sled_random(void *data, size_t size);
void sled_random_hex(char *text, size_t size);
uint64_t sled_now(void);
char *sled_copy(const char *text);
const char *sled_json_text(json_t *object, const char *name);
int sled_json_flag(json_t *object, const char *name);
int64_t sled_json_number(json_t *object, const char *name, int64_t none);
char *sled_base64(char *dst, const void *data, size_t len);
ssize_t sled_unbase64(unsigned char *dst, const char *text, size_t len);
int sled_directory(const char *path);
int sled_fd_flags(int fd);


#endif /* _SLED_H_INCLUDED_ */
