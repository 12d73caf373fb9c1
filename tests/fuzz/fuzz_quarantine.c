/* A quarantine record; the digest is made to fit, so that the parser behind it is reached. */

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/crypto/digest.h"
#include "common/vault/quarantine_record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct quarantine_record record;
    struct buffer again = BUFFER_INIT(OBJECT_MAX_BYTES);
    if (quarantine_record_decode(data, size, &record, &err) != 0)
        return;
    if (quarantine_record_encode(&record, &again, &err) != 0 || again.len != size ||
        memcmp(again.data, data, size) != 0)
        abort();
    buffer_clear(&again);
    quarantine_record_clear(&record);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try(data, size);
    if (size < DIGEST_LEN || size > OBJECT_MAX_BYTES)
        return 0;
    uint8_t *fixed = malloc(size);
    if (fixed == NULL)
        return 0;
    memcpy(fixed, data, size);
    digest_sha256(fixed, size - DIGEST_LEN, fixed + size - DIGEST_LEN);
    try(fixed, size);
    free(fixed);
    return 0;
}
