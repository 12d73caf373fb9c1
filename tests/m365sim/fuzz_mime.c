/* Any bytes as a message: everything the simulator reads out of one. */

#include "tests/m365sim/mime.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_headers(const struct mime_message *m)
{
    static const char *const names[] = { "Subject", "From", "To", "Date", "Received", "Content-Type" };
    struct mime_address list[20];
    int64_t ms;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *text = mime_headers_text(&m->headers, names[i]), *all = mime_headers_all(&m->headers, names[i]);
        if (all != NULL) {
            mime_addresses_free(list, mime_addresses(all, list, 20));
            free(mime_parameter(all, "boundary"));
            mime_date(all, &ms);
        }
        free(text);
        free(all);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mime_message m;
    size_t len;
    mime_message_parse(&m, (const char *)data, size);
    read_headers(&m);
    for (size_t i = 0; i < m.part_count; i++) {
        free(mime_message_content(&m, i, &len));
        free(mime_message_text(&m, i));
    }
    mime_message_clear(&m);
    return 0;
}
