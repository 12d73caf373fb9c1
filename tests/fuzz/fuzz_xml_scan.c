#include "common/net/xml_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_element(void *ctx, const char *path, const char *text, struct error *err)
{
    (void)err;
    size_t *count = ctx;
    if (path[0] == '\0' || strlen(path) >= XML_SCAN_PATH || strlen(text) > XML_SCAN_TEXT)
        abort();
    ++*count;
    return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;
    if (xml_scan(data, size, on_element, &count, NULL) == 0 && count == 0)
        abort();
    return 0;
}
