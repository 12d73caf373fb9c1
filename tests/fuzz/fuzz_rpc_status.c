#include "common/rpc/rpc_status.h"

#include "common/net/h2_headers.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
round_trip_message(const char *text)
{
    char encoded[2000], decoded[512];
    rpc_status_encode_message(text, encoded, sizeof(encoded));
    rpc_status_decode_message(encoded, strlen(encoded), decoded, sizeof(decoded));
    if (strlen(text) >= sizeof(decoded) || strlen(encoded) + 4 >= sizeof(encoded))
        return;
    for (size_t i = 0; text[i] != '\0'; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != 0x7f && decoded[i] != text[i])
            abort();
    }
}

static void
round_trip_timeout(const char *text, size_t len)
{
    uint64_t ms = 0, again = 0;
    char formatted[16];
    if (rpc_status_parse_timeout(text, len, &ms) != 0)
        return;
    rpc_status_format_timeout(ms, formatted);
    if (rpc_status_parse_timeout(formatted, strlen(formatted), &again) != 0 ||
        (again < ms && ms < UINT64_C(99999999) * 1000))
        abort();
}

/* The input stands for a message, a timeout, and for trailers that are lines of "name value". */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096)
        return 0;
    char text[4097];
    memcpy(text, data, size);
    text[size] = '\0';
    round_trip_message(text);
    round_trip_timeout(text, size);
    struct h2_headers headers;
    struct error err = ERROR_INIT;
    h2_headers_init(&headers);
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *name = strsep(&line, " ");
        h2_headers_add_text(&headers, name, line != NULL ? line : "", NULL);
    }
    int rc = rpc_status_read(&headers, &err);
    if ((rc < 0) != error_is_set(&err) || strlen(err.text) >= sizeof(err.text))
        abort();
    h2_headers_clear(&headers);
    return 0;
}
