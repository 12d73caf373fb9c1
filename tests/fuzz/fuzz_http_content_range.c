#include "common/net/http_content_range.h"

#include "common/base/memory.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken says the same when it is written again. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t first, last, total, again[3];
    char text[96];
    char *header = memory_new(size + 1);
    memcpy(header, data, size);
    int taken = http_content_range_parse(header, &first, &last, &total);
    free(header);
    if (taken != 0)
        return 0;
    snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, last, total);
    if (http_content_range_parse(text, &again[0], &again[1], &again[2]) != 0 || again[0] != first || again[1] != last ||
        again[2] != total)
        abort();
    return 0;
}
