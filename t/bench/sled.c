
/*
 * A sled's way in, for every scenario that has sleds.
 */


#define _GNU_SOURCE

#include <stdio.h>
#include <string.h>

#include "bench.h"


void
sled_register(conn_t *c, unsigned index)
{
    int   n;
    char  text[512];

    n = snprintf(text, sizeof(text),
                 "{\"type\":\"register\",\"req_id\":\"r%u\",\"payload\":{"
                 "\"protocol_version\":2,\"agent_id\":\"bench-%u\","
                 "\"auth_token\":null,\"capabilities\":{"
                 "\"name\":\"bench\",\"version\":\"1.0.0\","
                 "\"supported_events\":[],"
                 "\"features\":[\"terminal.flow\"],\"limits\":{}},"
                 "\"metadata\":null}}", index, index);

    ws_send(c, BENCH_TEXT, text, n);
}


void
sled_registered(const u_char *data, size_t len)
{
    char  type[64];

    json_string(data, len, "type", type, sizeof(type));

    if (strcmp(type, "registered") != 0
        || memmem(data, len, "\"success\":true", 14) == NULL)
    {
        fail("a sled was not registered: %.*s", (int) len, data);
    }
}


/* a permission request of a usual size; whoever answers can tell which */

size_t
sled_request(char *text, size_t size, unsigned index, unsigned seq)
{
    return snprintf(text, size,
                    "{\"type\":\"perm_request\",\"req_id\":\"q-%u-%u\","
                    "\"payload\":{\"tool_name\":\"Bash\",\"tool_input\":{"
                    "\"command\":\"make -C build check #%u-%u\","
                    "\"description\":\"Run the test suite once more\","
                    "\"timeout\":120000},"
                    "\"workspace_id\":\"ws-A\",\"issue_id\":\"issue-%u\","
                    "\"task_id\":\"task-%u\"}}",
                    index, seq, index, seq, index, index);
}
