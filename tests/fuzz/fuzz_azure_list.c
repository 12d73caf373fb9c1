#include "common/base/error.h"
#include "transporter/storage/azure/azure_xml.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is told keeps its promises, whatever the bytes. */
static int
on_blob(void *ctx, const struct azure_xml_blob *blob, struct error *err)
{
    unsigned *left = ctx;

    if (blob->name[0] == '\0' || memchr(blob->name, '\0', sizeof(blob->name)) == NULL ||
        memchr(blob->version, '\0', sizeof(blob->version)) == NULL || strpbrk(blob->version, "&?#%/ \r\n") != NULL ||
        blob->size > INT64_MAX || blob->lock_until_ms < 0)
        abort();
    return --*left > 0 ? 0 : FAIL(err, ERROR_CANCELLED, 0, "enough");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char marker[AZURE_XML_MARKER_LEN];
    unsigned left = 20;
    struct error err = ERROR_INIT;

    if (azure_xml_blobs(data, size, on_blob, &left, marker, &err) != 0 && err.kind == ERROR_NONE)
        abort();
    if (memchr(marker, '\0', sizeof(marker)) == NULL)
        abort();
    return 0;
}
