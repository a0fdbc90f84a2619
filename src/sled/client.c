
/*
 * The other side of the Unix socket: for the commands that agents call.
 */


#include "local.h"

#include <sys/socket.h>
#include <sys/un.h>


int
sled_client_open(sled_client_t *client, const char *path)
{
    struct ucred        cred;
    socklen_t           len;
    struct sockaddr_un  sa;

    memset(client, 0, sizeof(sled_client_t));
    memset(&sa, 0, sizeof(sa));

    client->fd = -1;
    sa.sun_family = AF_UNIX;

    if (strlen(path) >= sizeof(sa.sun_path)) {
        errno = ENAMETOOLONG;
        return SLED_ERROR;
    }

    strcpy(sa.sun_path, path);

    client->fd = socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0);
    len = sizeof(cred);

    if (client->fd == -1
        || connect(client->fd, (struct sockaddr *) &sa, sizeof(sa)) == -1
        || getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
    {
        sled_client_close(client);
        return SLED_ERROR;
    }

    /* nor is anybody asked who has put a socket there in its place */

    if (cred.uid != geteuid() && cred.uid != 0 && geteuid() != 0) {
        sled_client_close(client);
        errno = EPERM;
        return SLED_ERROR;
    }

    client->in = malloc(SLED_LOCAL_LINE);

    return client->in ? SLED_OK : SLED_ERROR;
}


/* the request is given away */

int
sled_client_send(sled_client_t *client, json_t *request)
{
    int      rc;
    char    *text, *p;
    size_t   len;
    ssize_t  n;

    text = json_dumps(request, JSON_COMPACT);
    json_decref(request);

    if (text == NULL) {
        return SLED_ERROR;
    }

    rc = SLED_OK;
    len = strlen(text);
    text[len++] = '\n';

    for (p = text; len; p += n, len -= n) {
        n = send(client->fd, p, len, MSG_NOSIGNAL);

        if (n == -1) {
            if (errno != EINTR) {
                rc = SLED_ERROR;
                break;
            }

            n = 0;
        }
    }

    free(text);

    return rc;
}


json_t *
sled_client_read(sled_client_t *client)
{
    char          *end;
    json_t        *reply;
    ssize_t        n;
    json_error_t   error;

    n = recv(client->fd, client->in + client->len,
             SLED_LOCAL_LINE - client->len, 0);

    if (n <= 0) {
        errno = (n == 0) ? EPIPE : (errno == EINTR) ? EAGAIN : errno;
        return NULL;
    }

    client->len += n;
    end = memchr(client->in, '\n', client->len);

    if (end == NULL) {
        errno = (client->len == SLED_LOCAL_LINE) ? EMSGSIZE : EAGAIN;
        return NULL;
    }

    reply = json_loadb(client->in, end - client->in, 0, &error);

    client->len -= end + 1 - client->in;
    memmove(client->in, end + 1, client->len);

    if (reply == NULL) {
        errno = EPROTO;
    }

    return reply;
}


json_t *
sled_client_wait(sled_client_t *client)
{
    json_t  *reply;

    do {
        reply = sled_client_read(client);
    } while (reply == NULL && errno == EAGAIN);

    return reply;
}


void
sled_client_close(sled_client_t *client)
{
    if (client->fd != -1) {
        close(client->fd);
        client->fd = -1;
    }

    free(client->in);
    client->in = NULL;
}
