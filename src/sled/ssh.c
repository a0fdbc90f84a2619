
/*
 * ssh as a child, the agent shipped over its stdin, and both again when they
 * are lost.
 */


#include "reconnect.h"
#include "run.h"
#include "ssh.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>


#define SLED_SSH_AGENT     1            /* the version of its protocol */
#define SLED_SSH_READY     60000
#define SLED_SSH_PING      15000
#define SLED_SSH_DEAD      45000
#define SLED_SSH_FRAME     (1024 * 1024)
#define SLED_SSH_QUEUE     (16 * 1024 * 1024)
#define SLED_SSH_NOISE     16384        /* a login may be talkative */
#define SLED_SSH_LAST      500          /* for the exit code, after the EOF */


static void sled_ssh_dial(sled_timer_t *timer);
static void sled_ssh_child(int in, int out, const char *command);
static char *sled_ssh_command(void);
static void sled_ssh_read(sled_watch_t *watch, uint32_t events);
static void sled_ssh_write(sled_watch_t *watch, uint32_t events);
static int sled_ssh_hello(void);
static void sled_ssh_frames(void);
static void sled_ssh_late(sled_timer_t *timer);
static void sled_ssh_exited(sled_child_t *child, int status);
static void sled_ssh_close(void);
static void sled_ssh_down(const char *why);
static int sled_ssh_queue(const void *data, size_t len);


static const unsigned char  sled_ssh_agent[] = {
#include "agent.inc"
};


static struct {
    sled_ssh_t         *conf;
    sled_child_t        child;
    sled_watch_t        in;             /* ours to read */
    sled_watch_t        out;
    sled_timer_t        dial;
    sled_timer_t        limit;
    sled_reconnect_t    reconnect;

    unsigned            ready:1;
    unsigned            ever:1;
    unsigned            stopping:1;

    uint64_t            since;
    uint64_t            heard;
    char                why[512];

    unsigned char      *input;
    size_t              input_len;
    unsigned char      *output;
    size_t              output_len;
    size_t              output_pos;
    size_t              output_size;
} sled_ssh;


int
sled_ssh_start(sled_ssh_t *ssh)
{
    sled_ssh.conf = ssh;
    sled_ssh.in.fd = -1;
    sled_ssh.out.fd = -1;
    sled_ssh.dial.handler = sled_ssh_dial;
    sled_ssh.limit.handler = sled_ssh_late;
    sled_ssh.child.handler = sled_ssh_exited;
    sled_ssh.reconnect.max = 60000;
    sled_ssh.reconnect.refused = 60000;
    sled_ssh.reconnect.stable = 60000;

    sled_ssh.input = malloc(SLED_SSH_FRAME + 4);
    if (sled_ssh.input == NULL) {
        return SLED_ERROR;
    }

    sled_timer_set(&sled_ssh.dial, 0);

    return SLED_OK;
}


/* nothing of ours stays: ssh is killed, and reaped */

void
sled_ssh_stop(void)
{
    if (sled_ssh.conf == NULL) {
        return;
    }

    sled_ssh.stopping = 1;

    sled_timer_del(&sled_ssh.dial);
    sled_timer_del(&sled_ssh.limit);
    sled_ssh_close();

    if (sled_ssh.child.pid) {
        kill(sled_ssh.child.pid, SIGKILL);
        sled_child_del(&sled_ssh.child);
        (void) waitpid(sled_ssh.child.pid, NULL, 0);
        sled_ssh.child.pid = 0;
    }

    free(sled_ssh.input);
    free(sled_ssh.output);
    sled_ssh.input = NULL;
    sled_ssh.output = NULL;
}


int
sled_ssh_ready(void)
{
    return sled_ssh.ready;
}


static void
sled_ssh_dial(sled_timer_t *timer)
{
    int     in[2], out[2];
    char   *command;
    pid_t   pid;

    sled_log(SLED_LOG_INFO, "ssh", "dialing %s", sled_ssh.conf->name);

    command = sled_ssh_command();

    if (command == NULL || pipe2(in, O_CLOEXEC) == -1) {
        free(command);
        sled_ssh_down("no pipe, or no memory");
        return;
    }

    if (pipe2(out, O_CLOEXEC) == -1) {
        close(in[0]);
        close(in[1]);
        free(command);
        sled_ssh_down("no pipe");
        return;
    }

    pid = fork();

    if (pid == 0) {
        sled_ssh_child(out[0], in[1], command);
    }

    free(command);
    close(in[1]);
    close(out[0]);

    sled_ssh.in.fd = in[0];
    sled_ssh.in.handler = sled_ssh_read;
    sled_ssh.out.fd = out[1];
    sled_ssh.out.handler = sled_ssh_write;
    sled_ssh.why[0] = '\0';

    if (pid == -1) {
        sled_ssh_down("no process");
        return;
    }

    (void) sled_fd_flags(in[0]);
    (void) sled_fd_flags(out[1]);

    sled_ssh.child.pid = pid;
    sled_child_add(&sled_ssh.child);

    (void) sled_ssh_queue(sled_ssh_agent, sizeof(sled_ssh_agent));
    (void) sled_watch_set(&sled_ssh.in, EPOLLIN);

    sled_timer_set(&sled_ssh.limit, SLED_SSH_READY);
}


static void
sled_ssh_child(int in, int out, const char *command)
{
    size_t       i, n;
    sigset_t     set;
    const char  *argv[SLED_MAX_SSH_OPTIONS * 2 + 24];
    sled_ssh_t  *conf;

    conf = sled_ssh.conf;
    n = 0;

    argv[n++] = "ssh";
    argv[n++] = "-T";
    argv[n++] = "-o";
    argv[n++] = "ServerAliveInterval=15";
    argv[n++] = "-o";
    argv[n++] = "ServerAliveCountMax=3";

    if (sled_ssh.ever) {

        /* nobody may be there to be asked */

        argv[n++] = "-o";
        argv[n++] = "BatchMode=yes";
    }

    for (i = 0; i < conf->noptions; i++) {
        argv[n++] = conf->options[i];
    }

    if (conf->target.port[0]) {
        argv[n++] = "-p";
        argv[n++] = conf->target.port;
    }

    if (conf->target.user[0]) {
        argv[n++] = "-l";
        argv[n++] = conf->target.user;
    }

    argv[n++] = "--";
    argv[n++] = conf->target.host;
    argv[n++] = command;
    argv[n] = NULL;

    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    (void) close_range(3, ~0U, 0);

    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);

    execvp("ssh", (char *const *) argv);

    fprintf(stderr, "sled: ssh: %s\n", strerror(errno));
    _exit(126);
}


/* what the shell of the host is given; the roots are data, whatever they are */

static char *
sled_ssh_command(void)
{
    char        *command, *p;
    size_t       size;
    const char  *s;

    size = 256 + 4 * strlen(sled_ssh.conf->roots);

    command = malloc(size);
    if (command == NULL) {
        return NULL;
    }

    p = command + snprintf(command, size, "exec python3 -c 'import sys;"
                           "exec(compile(sys.stdin.buffer.read("
                           "int(sys.argv[1])),\"agent\",\"exec\"))' %zu '",
                           sizeof(sled_ssh_agent));

    for (s = sled_ssh.conf->roots; *s; s++) {
        if (*s == '\'') {
            p += sprintf(p, "'\\''");

        } else {
            *p++ = *s;
        }
    }

    strcpy(p, "'");

    return command;
}


static void
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

            sled_timer_set(&sled_ssh.limit, SLED_SSH_PING);
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


static int
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


static void
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


/* not ready in time, silent, or gone without an exit code */

static void
sled_ssh_late(sled_timer_t *timer)
{
    if (!sled_ssh.in.active) {
        sled_ssh_broken("ssh closed its output");
        return;
    }

    if (!sled_ssh.ready) {
        sled_ssh_broken("the agent was not ready in time");
        return;
    }

    if (sled_now() - sled_ssh.heard > SLED_SSH_DEAD) {
        sled_ssh_broken("the host is silent");
        return;
    }

    (void) sled_ssh_json(json_pack("{ss}", "op", "ping"));
    sled_timer_set(timer, SLED_SSH_PING);
}


/* the rest follows when it has been reaped */

void
sled_ssh_broken(const char *why)
{
    snprintf(sled_ssh.why, sizeof(sled_ssh.why), "%s", why);

    sled_ssh.ready = 0;
    sled_timer_del(&sled_ssh.limit);
    sled_watch_del(&sled_ssh.in);

    if (sled_ssh.child.pid) {
        kill(sled_ssh.child.pid, SIGKILL);

    } else {
        sled_ssh_down(why);
    }
}


static void
sled_ssh_exited(sled_child_t *child, int status)
{
    char         text[1024];
    const char  *name;

    name = sled_ssh.conf->name;

    if (sled_ssh.why[0]) {
        snprintf(text, sizeof(text), "%s: %s", name, sled_ssh.why);

    } else if (WIFSIGNALED(status)) {
        snprintf(text, sizeof(text), "%s: ssh was killed by signal %d", name,
                 WTERMSIG(status));

    } else if (WEXITSTATUS(status) == 255) {
        snprintf(text, sizeof(text), "%s cannot be reached, or does not "
                 "accept these credentials: see what ssh said, and try "
                 "\"ssh %s\"", name, sled_ssh.conf->target.host);

    } else if (WEXITSTATUS(status) == 127) {
        snprintf(text, sizeof(text), "%s has no python3: install it there",
                 name);

    } else if (WEXITSTATUS(status) == 126) {
        snprintf(text, sizeof(text), "ssh, or python3 on %s, cannot be "
                 "executed", name);

    } else {
        snprintf(text, sizeof(text), "%s: the agent ended with code %d",
                 name, WEXITSTATUS(status));
    }

    sled_ssh_down(text);
}


static void
sled_ssh_close(void)
{
    sled_ssh.ready = 0;
    sled_ssh.input_len = 0;
    sled_ssh.output_len = 0;
    sled_ssh.output_pos = 0;

    sled_watch_del(&sled_ssh.in);
    sled_watch_del(&sled_ssh.out);

    if (sled_ssh.in.fd != -1) {
        close(sled_ssh.in.fd);
        sled_ssh.in.fd = -1;
    }

    if (sled_ssh.out.fd != -1) {
        close(sled_ssh.out.fd);
        sled_ssh.out.fd = -1;
    }
}


static void
sled_ssh_down(const char *why)
{
    uint64_t  delay, random;

    sled_timer_del(&sled_ssh.limit);
    sled_ssh_close();

    if (sled_ssh.stopping) {
        return;
    }

    sled_log(SLED_LOG_ERROR, "ssh", "%s", why);

    if (!sled_ssh.ever) {

        /* whoever started us is there, and can do something */

        sled_run_fail();
        return;
    }

    sled_remote_lost(why);

    sled_random(&random, sizeof(random));
    delay = sled_reconnect_delay(&sled_ssh.reconnect, SLED_LOST,
                                 sled_now() - sled_ssh.since + 1, random);

    sled_timer_set(&sled_ssh.dial, delay);
}
