
/*
 * The terminal that the program itself runs in.
 */


#include "screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>


static struct termios  sled_screen_saved;
static int             sled_screen_changed;


void
sled_screen_raw(void)
{
    struct termios  raw;

    if (tcgetattr(STDIN_FILENO, &sled_screen_saved) == -1) {
        return;
    }

    raw = sled_screen_saved;
    cfmakeraw(&raw);

    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0 && !sled_screen_changed)
    {
        sled_screen_changed = 1;
        (void) atexit(sled_screen_restore);
    }
}


void
sled_screen_restore(void)
{
    if (sled_screen_changed) {
        (void) tcsetattr(STDIN_FILENO, TCSADRAIN, &sled_screen_saved);
        sled_screen_changed = 0;
    }
}


void
sled_screen_size(unsigned *cols, unsigned *rows)
{
    struct winsize  size;

    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == -1
        || size.ws_col == 0 || size.ws_row == 0)
    {
        *cols = 80;
        *rows = 24;
        return;
    }

    *cols = size.ws_col;
    *rows = size.ws_row;
}


void
sled_screen_say(const char *text)
{
    fprintf(stderr, "\r\n[%s]\r\n", text);
}


void
sled_screen_wait(void)
{
    struct pollfd  fd;

    fd.fd = STDOUT_FILENO;
    fd.events = POLLOUT;

    (void) poll(&fd, 1, -1);
}
