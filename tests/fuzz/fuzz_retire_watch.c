#include "transporter/host/retire_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The ages that a host has watched retire records for. What is accepted has one spelling but for leading zeroes. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct retire_watched records[64];
    char text[64 * 44], copy[4096];
    size_t count, len = 0, again;
    if (size > sizeof(copy))
        return 0;
    memcpy(copy, data, size);
    if (retire_watch_parse(copy, size, records, 64, &count) != 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%" PRIu64 " %" PRIu64 "\n", records[i].epoch,
                                records[i].age_ms);
    if (len > size || retire_watch_parse(text, len, records, 64, &again) != 0 || again != count)
        abort();
    return 0;
}
