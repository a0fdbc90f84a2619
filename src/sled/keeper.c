
/*
 * The leader of a terminal's session.
 *
 * When it exits, the kernel throws away what was written to the terminal and
 * not yet read.  So it is not the shell: a child of ours waits for the shell,
 * tells how it ended, and stays until everything has been read.
 */


#include "pty.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>


static void sled_keeper_shell(sled_exec_t *exec);


/* leads the session, and holds the terminal: 3 and 4 are all it needs else */

void
sled_keeper(sled_exec_t *exec, int started, int keeper)
{
    int       signo, status;
    pid_t     pid;
    sigset_t  set;

    for (signo = 1; signo < NSIG; signo++) {
        (void) signal(signo, SIG_DFL);
    }

    (void) signal(SIGTTOU, SIG_IGN);

    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);

    started = fcntl(started, F_DUPFD_CLOEXEC, 10);
    keeper = fcntl(keeper, F_DUPFD_CLOEXEC, 10);
    (void) dup3(started, 3, O_CLOEXEC);
    (void) dup3(keeper, 4, O_CLOEXEC);
    (void) close_range(5, ~0U, 0);

    status = 127 << 8;
    pid = fork();

    if (pid == 0) {
        sled_keeper_shell(exec);
    }

    close(3);
    close(1);
    close(2);

    (void) prctl(PR_SET_NAME, "sled-keeper");
    (void) !write(4, &pid, sizeof(pid));

    while (pid != -1 && waitpid(pid, &status, 0) == -1 && errno == EINTR) {
        /* void */
    }

    /* what is read now ends, unless others have the terminal open, too */

    close(0);

    (void) signal(SIGPIPE, SIG_IGN);
    (void) !write(4, &status, sizeof(status));

    /* the other end is closed when nobody reads the terminal any more */

    (void) !read(4, &status, 1);
    _exit(0);
}


/* in front of the terminal, as job control wants it; then exec() */

static void
sled_keeper_shell(sled_exec_t *exec)
{
    int  fd, error;

    fd = 3;

    (void) setpgid(0, 0);
    (void) tcsetpgrp(STDIN_FILENO, getpid());
    (void) signal(SIGTTOU, SIG_DFL);

    if (chdir(exec->dir) == 0) {
        execve(exec->shell, exec->argv, exec->env);
    }

    error = errno;
    (void) !write(fd, &error, sizeof(error));
    _exit(127);
}
