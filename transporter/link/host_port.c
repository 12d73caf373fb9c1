#include "transporter/link/host_port.h"

#include "common/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
parse_port(const char *text, uint16_t *port)
{
    char *end = NULL;
    if (*text < '0' || *text > '9')
        return -1;
    unsigned long value = strtoul(text, &end, 10);
    if (*end != '\0' || value > UINT16_MAX)
        return -1;
    *port = (uint16_t)value;
    return 0;
}

int
host_port_parse(const char *text, struct host_port *out, struct error *err)
{
    const char *host = text;
    const char *end = NULL;
    const char *port = NULL;
    if (text[0] == '[') {
        host = text + 1;
        end = strstr(host, "]:");
        port = end != NULL ? end + 2 : NULL;
    } else {
        end = strrchr(text, ':');
        port = end != NULL && strchr(text, ':') == end ? end + 1 : NULL;
    }
    if (port == NULL || end == host || (size_t)(end - host) >= sizeof(out->host) || parse_port(port, &out->port) != 0)
        return FAIL(err, ERROR_USAGE, 0, "'%.64s' is no address of the form host:port", text);
    snprintf(out->host, sizeof(out->host), "%.*s", (int)(end - host), host);
    return 0;
}
