
/*
 * Frames of the agent at the other end of ssh: its first words, and then
 * what is said both ways.
 */


#include "ssh_state.h"

#include <arpa/inet.h>


#define SLED_SSH_AGENT  1               /* the version of its protocol */
#define SLED_SSH_QUEUE  (16 * 1024 * 1024)
#define SLED_SSH_NOISE  16384           /* a login may be talkative */
#define SLED_SSH_LAST   500             /* for the exit code, after the EOF */


static int sled_ssh_hello(void);
static void sled_ssh_frames(void);


void
sled_ssh_read(sled_watch_t *watch, uint32_t events)
{
    ssize_t  n;

    n = read(watch->fd, sled_ssh.input + sled_ssh.input_len,
             SLED_SSH_FRAME + 4 - sled_ssh.input_len);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0) {

        /* why, its exit code will say, which is a moment away */

        sled_watch_del(watch);
        sled_timer_set(&sled_ssh.limit, SLED_SSH_LAST);
        return;
    }

    sled_ssh.heard = sled_now();
    sled_ssh.input_len += n;

    if (!sled_ssh.ready && sled_ssh_hello() != SLED_OK) {
        return;
    }

    sled_ssh_frames();
}


/* the login's own words may come before */

static int
sled_ssh_hello(void)
{
    int             version;
    char            text[256];
    unsigned char  *line, *end;
    size_t          left, len;

    line = sled_ssh.input;

    for ( ;; ) {
        left = sled_ssh.input_len - (line - sled_ssh.input);
        end = memchr(line, '\n', left);

        if (end == NULL) {
            break;
        }

        len = end - line;

        if (len < 64 && memcmp(line, "SLED-AGENT ", 11) == 0) {
            memcpy(text, line, len);
            text[len] = '\0';

            if (sscanf(text, "SLED-AGENT %d ready", &version) != 1
                || version != SLED_SSH_AGENT)
            {
                sled_ssh_broken("the agent speaks another version of its "
                                "protocol: is there another sled's?");
                return SLED_ERROR;
            }

            left -= len + 1;
            memmove(sled_ssh.input, end + 1, left);
            sled_ssh.input_len = left;

            sled_ssh.ready = 1;
            sled_ssh.ever = 1;
            sled_ssh.since = sled_now();

            sled_log(SLED_LOG_INFO, "ssh", "%s is ready",
                     sled_ssh.conf->name);

            sled_timer_set(&sled_ssh.limit, sled_ssh.conf->ping);
            sled_remote_ready();

            return SLED_OK;
        }

        line = end + 1;
    }

    if (sled_ssh.input_len > SLED_SSH_NOISE) {
        sled_ssh_broken("the login says too much: make it quiet where there "
                        "is no terminal");
    }

    return SLED_ERROR;
}


static void
sled_ssh_frames(void)
{
    size_t          used;
    uint32_t        len, channel;
    unsigned char  *p;

    used = 0;

    while (sled_ssh.ready && sled_ssh.input_len - used >= 9) {
        p = sled_ssh.input + used;

        memcpy(&len, p, 4);
        memcpy(&channel, p + 5, 4);
        len = ntohl(len);
        channel = ntohl(channel);

        if (len < 5 || len > SLED_SSH_FRAME) {
            sled_ssh_broken("the agent says what is not understood");
            return;
        }

        if (sled_ssh.input_len - used < len + 4) {
            break;
        }

        sled_remote_frame((char) p[4], channel, p + 9, len - 5);
        used += len + 4;
    }

    if (sled_ssh.ready) {
        memmove(sled_ssh.input, sled_ssh.input + used,
                sled_ssh.input_len - used);
        sled_ssh.input_len -= used;
    }
}


int
sled_ssh_queue(const void *data, size_t len)
{
    size_t          size;
    unsigned char  *output;

    if (sled_ssh.output_len + len > sled_ssh.output_size) {
        size = sled_ssh.output_len + len + 65536;
        output = (size <= SLED_SSH_QUEUE) ? realloc(sled_ssh.output, size)
                                          : NULL;
        if (output == NULL) {
            return SLED_ERROR;
        }

        sled_ssh.output = output;
        sled_ssh.output_size = size;
    }

    memcpy(sled_ssh.output + sled_ssh.output_len, data, len);
    sled_ssh.output_len += len;

    return sled_watch_set(&sled_ssh.out, EPOLLOUT);
}


int
sled_ssh_send(char kind, uint32_t channel, const void *data, size_t len)
{
    uint32_t       n;
    unsigned char  head[9];

    if (!sled_ssh.ready
        || sled_ssh.output_len + len + sizeof(head) > SLED_SSH_QUEUE / 2)
    {
        return SLED_ERROR;
    }

    n = htonl(len + 5);
    memcpy(head, &n, 4);
    head[4] = (unsigned char) kind;
    n = htonl(channel);
    memcpy(head + 5, &n, 4);

    if (sled_ssh_queue(head, sizeof(head)) != SLED_OK) {
        return SLED_ERROR;
    }

    return sled_ssh_queue(data, len);
}


/* the message is given away */

int
sled_ssh_json(json_t *message)
{
    int    rc;
    char  *text;

    text = json_dumps(message, JSON_COMPACT);
    json_decref(message);

    if (text == NULL) {
        return SLED_ERROR;
    }

    rc = sled_ssh_send('J', 0, text, strlen(text));
    free(text);

    return rc;
}


void
sled_ssh_write(sled_watch_t *watch, uint32_t events)
{
    ssize_t  n;

    n = write(watch->fd, sled_ssh.output + sled_ssh.output_pos,
              sled_ssh.output_len - sled_ssh.output_pos);

    if (n == -1) {
        if (errno != EAGAIN && errno != EINTR) {
            sled_watch_del(watch);
        }

        return;
    }

    sled_ssh.output_pos += n;

    if (sled_ssh.output_pos > 65536
        || sled_ssh.output_pos == sled_ssh.output_len)
    {
        sled_ssh.output_len -= sled_ssh.output_pos;
        memmove(sled_ssh.output, sled_ssh.output + sled_ssh.output_pos,
                sled_ssh.output_len);
        sled_ssh.output_pos = 0;
    }

    if (sled_ssh.output_len == 0) {
        sled_watch_del(watch);
    }
}
