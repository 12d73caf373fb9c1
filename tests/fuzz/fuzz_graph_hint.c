#include "common/net/http_client.h"
#include "common/net/http_client_internal.h"
#include "transporter/graph/graph_retry.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Header lines as they come from the wire, then what they say about waiting. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_response response = HTTP_RESPONSE_INIT;

    buffer_init(&response.headers, 64 << 10);
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end != NULL ? (size_t)(end - (data + at)) + 1 : size - at;
        if (http_response_add(&response, (const char *)data + at, len, NULL) != 0)
            break;
        at += len;
    }
    struct graph_hint hint = graph_retry_hint(&response, 1767225600000);
    if (hint.retry_after_ms > GRAPH_RETRY_HINT_MAX_MS || graph_retry_pace_ms(&hint) > GRAPH_RETRY_HINT_MAX_MS)
        abort();
    http_response_clear(&response);
    return 0;
}
