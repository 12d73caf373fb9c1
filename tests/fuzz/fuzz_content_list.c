/* A list of chunks: what decodes encodes to the same bytes. Then the input as a content reference. */

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/vault/content_list.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct content_list_node *node = MEMORY_NEW(struct content_list_node);
    struct reader in = READER_INIT(data, size);
    struct content_ref ref;
    (void)content_decode(&in, &ref, &err);
    error_clear(&err);
    if (content_list_decode(data, size, node, &err) == 0) {
        uint8_t *again = memory_new(CONTENT_LIST_NODE_MAX);
        if (content_list_encode(node, again) != size || memcmp(again, data, size) != 0)
            abort();
        free(again);
    }
    free(node);
    return 0;
}
