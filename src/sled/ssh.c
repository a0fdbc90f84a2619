
/*
 * ssh as a child, the agent shipped over its stdin, and both again when they
 * are lost.
 */


#include "run.h"
#include "ssh_state.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>


#define SLED_SSH_SILENCE  3ul           /* pings without an answer */


static void sled_ssh_dial(sled_timer_t *timer);
static void sled_ssh_child(int in, int out, const char *command);
static char *sled_ssh_command(void);
static void sled_ssh_late(sled_timer_t *timer);
static void sled_ssh_exited(sled_child_t *child, int status);
static void sled_ssh_close(void);
static void sled_ssh_down(const char *why);


static const unsigned char  sled_ssh_agent[] = {
#include "agent.inc"
};


sled_ssh_state_t  sled_ssh;


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

    sled_timer_set(&sled_ssh.limit, sled_ssh.conf->ready_timeout);
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

    if (sled_ssh.ever) {

        /* nobody may be there to be asked */

        argv[n++] = "-o";
        argv[n++] = "BatchMode=yes";
    }

    /* ssh takes the first of several values */

    for (i = 0; i < conf->noptions; i++) {
        argv[n++] = conf->options[i];
    }

    argv[n++] = "-o";
    argv[n++] = "ServerAliveInterval=15";
    argv[n++] = "-o";
    argv[n++] = "ServerAliveCountMax=3";

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

    size = 512 + 4 * strlen(sled_ssh.conf->roots);

    command = malloc(size);
    if (command == NULL) {
        return NULL;
    }

    p = command + snprintf(command, size, "exec python3 -c 'import sys;"
                           "exec(compile(sys.stdin.buffer.read("
                           "int(sys.argv[1])),\"agent\",\"exec\"))' "
                           "%zu %lu '", sizeof(sled_ssh_agent),
                           SLED_SSH_SILENCE * sled_ssh.conf->ping);

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


/* not ready in time, silent, or gone without an exit code */

static void
sled_ssh_late(sled_timer_t *timer)
{
    if (!sled_ssh.in.active) {
        sled_ssh_broken("ssh closed its output");
        return;
    }

    if (!sled_ssh.ready) {
        sled_ssh_broken("the agent was not ready in time: see what ssh or "
                        "the host waits for, or set \"ready-timeout\"");
        return;
    }

    if (sled_now() - sled_ssh.heard > SLED_SSH_SILENCE * sled_ssh.conf->ping) {
        sled_ssh_broken("the host is silent");
        return;
    }

    (void) sled_ssh_json(json_pack("{ss}", "op", "ping"));
    sled_timer_set(timer, sled_ssh.conf->ping);
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
