/* An index segment: every lookup in what is accepted gives a place within bounds. */

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "transporter/host/index_segment.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
run(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct index_segment *segment = index_segment_over(data, size, &err);
    if (segment == NULL)
        return;
    for (size_t at = 0; at + CHUNK_ID_LEN <= size; at++) {
        struct chunk_id id;
        struct chunk_place place;
        memcpy(id.bytes, data + at, CHUNK_ID_LEN);
        if (index_segment_find(segment, &id, &place) &&
            (place.chunk_len > place.group_raw || place.chunk_offset > place.group_raw - place.chunk_len))
            abort();
    }
    index_segment_close(segment);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = memory_new(size + 1);
    memcpy(copy, data, size);
    /* So that mutations get past it. */
    if (size >= DIGEST_LEN)
        digest_sha256(copy, size - DIGEST_LEN, copy + size - DIGEST_LEN);
    run(copy, size);
    free(copy);
    return 0;
}
