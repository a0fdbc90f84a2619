
/*
 * Small things about bytes, time and JSON members.
 */


#include "sled.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>


static const char  sled_hex[] = "0123456789abcdef";

static const char  sled_base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";


/* the kernel's generator does not fail once it is seeded */

void
sled_random(void *data, size_t size)
{
    ssize_t         n;
    unsigned char  *p;

    p = data;

    while (size) {
        n = getrandom(p, size, 0);

        if (n > 0) {
            p += n;
            size -= n;

        } else if (errno != EINTR) {
            sled_log(SLED_LOG_ERROR, "random", "getrandom() failed: %s",
                     strerror(errno));
            exit(2);
        }
    }
}


/* size digits and a zero */

void
sled_random_hex(char *text, size_t size)
{
    size_t         i;
    unsigned char  ch;

    ch = 0;

    for (i = 0; i < size; i++) {

        if (i % 2 == 0) {
            sled_random(&ch, 1);
        }

        text[i] = sled_hex[(i % 2) ? (ch & 15) : (ch >> 4)];
    }

    text[size] = '\0';
}


/* milliseconds that never go back */

uint64_t
sled_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


char *
sled_copy(const char *text)
{
    char  *copy;

    copy = strdup(text ? text : "");

    if (copy == NULL) {
        sled_log(SLED_LOG_ERROR, "memory", "out of memory");
        exit(2);
    }

    return copy;
}


/* NULL unless it is a string that C can hold */

const char *
sled_json_text(json_t *object, const char *name)
{
    json_t      *value;
    const char  *text;

    value = json_object_get(object, name);
    text = json_string_value(value);

    if (text && strlen(text) != json_string_length(value)) {
        return NULL;
    }

    return text;
}


int
sled_json_flag(json_t *object, const char *name)
{
    return json_is_true(json_object_get(object, name));
}


int64_t
sled_json_number(json_t *object, const char *name, int64_t none)
{
    json_t  *value;

    value = json_object_get(object, name);

    return json_is_integer(value) ? (int64_t) json_integer_value(value) : none;
}


/* returns the end; 4 * ((len + 2) / 3) bytes, no zero */

char *
sled_base64(char *dst, const void *data, size_t len)
{
    uint32_t              n;
    const unsigned char  *p;

    for (p = data; len >= 3; len -= 3, p += 3) {
        n = (uint32_t) p[0] << 16 | p[1] << 8 | p[2];

        *dst++ = sled_base64_digits[n >> 18];
        *dst++ = sled_base64_digits[n >> 12 & 63];
        *dst++ = sled_base64_digits[n >> 6 & 63];
        *dst++ = sled_base64_digits[n & 63];
    }

    if (len) {
        n = (uint32_t) p[0] << 16 | (len == 2 ? p[1] << 8 : 0);

        *dst++ = sled_base64_digits[n >> 18];
        *dst++ = sled_base64_digits[n >> 12 & 63];
        *dst++ = (len == 2) ? sled_base64_digits[n >> 6 & 63] : '=';
        *dst++ = '=';
    }

    return dst;
}


/* 3 * (len / 4) bytes at most; -1 if it is not what an encoder writes */

ssize_t
sled_unbase64(unsigned char *dst, const char *text, size_t len)
{
    size_t          i, pad;
    uint32_t        n;
    const char     *digit;
    unsigned char  *p;

    if (len % 4) {
        return -1;
    }

    pad = 0;

    if (len && text[len - 1] == '=') {
        pad = (text[len - 2] == '=') ? 2 : 1;
    }

    p = dst;
    n = 0;

    for (i = 0; i < len; i++) {

        if (i >= len - pad) {
            n <<= 6;

        } else {
            digit = text[i] ? strchr(sled_base64_digits, text[i]) : NULL;

            if (digit == NULL) {
                return -1;
            }

            n = n << 6 | (uint32_t) (digit - sled_base64_digits);
        }

        if (i % 4 == 3) {
            *p++ = n >> 16;
            *p++ = n >> 8;
            *p++ = n;
            n = 0;
        }
    }

    return p - dst - pad;
}


/* makes a folder for us alone, with those above it */

int
sled_directory(const char *path)
{
    int    rc;
    char  *copy, *p;

    copy = sled_copy(path);

    for (p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        (void) mkdir(copy, 0700);
        *p = '/';
    }

    free(copy);

    rc = mkdir(path, 0700);

    return (rc == 0 || errno == EEXIST) ? SLED_OK : SLED_ERROR;
}


int
sled_fd_flags(int fd)
{
    int  flags;

    flags = fcntl(fd, F_GETFL);

    if (flags == -1
        || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1
        || fcntl(fd, F_SETFD, FD_CLOEXEC) == -1)
    {
        return SLED_ERROR;
    }

    return SLED_OK;
}
