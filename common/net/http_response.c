#include "common/base/error.h"
#include "common/net/http_client_internal.h"

#include <string.h>
#include <strings.h>

/* Headers are kept as "name NUL value NUL", in the order received. */
int
http_response_add(struct http_response *response, const char *line, size_t len, struct error *err)
{
    struct buffer *headers = &response->headers;

    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        buffer_consume(headers, headers->len);
        return 0;
    }
    const char *colon = memchr(line, ':', len);
    if (colon == NULL || memchr(line, '\0', len) != NULL)
        return 0;
    const char *value = colon + 1, *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    if (buffer_append(headers, line, (size_t)(colon - line), err) != 0 || buffer_append(headers, "", 1, err) != 0 ||
        buffer_append(headers, value, (size_t)(end - value), err) != 0 || buffer_append(headers, "", 1, err) != 0)
        return -1;
    return 0;
}

const char *
http_response_header(const struct http_response *response, const char *name)
{
    if (response->headers.len == 0)
        return NULL;
    const char *p = (const char *)response->headers.data, *end = p + response->headers.len;

    while (p < end) {
        const char *value = p + strlen(p) + 1;
        if (strcasecmp(p, name) == 0)
            return value;
        p = value + strlen(value) + 1;
    }
    return NULL;
}

void
http_response_clear(struct http_response *response)
{
    buffer_clear(&response->headers);
    buffer_clear(&response->body);
}
