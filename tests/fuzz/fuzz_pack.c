/* A pack as a host meets it: header, trailer, directory. Whatever is accepted stays within its bounds. */

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "transporter/host/index_pending.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_group(void *ctx, const struct pack_group *group, struct error *err)
{
    const size_t *size = ctx;
    (void)err;
    if (group->offset < PACK_HEADER_LEN || group->stored > *size || group->offset > *size - group->stored ||
        group->raw == 0 || group->raw > GROUP_MAX_RAW)
        abort();
    return 0;
}

static int
on_chunk(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset, struct error *err)
{
    (void)ctx;
    (void)err;
    if (chunk->len == 0 || chunk->len > group->raw || offset > group->raw - chunk->len)
        abort();
    return 0;
}

/* So that mutations get past it. */
static void
mend_digest(uint8_t *data, size_t size, size_t tail)
{
    struct digest *digest = digest_new();
    digest_update(digest, data, PACK_HEADER_LEN);
    digest_update(digest, data + size - tail, tail - 4 - DIGEST_LEN);
    digest_final(digest, data + size - 4 - DIGEST_LEN);
    digest_free(digest);
}

static void
run(uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct pack_header header;
    struct pack_trailer trailer;
    if (size < PACK_HEADER_LEN + PACK_TRAILER_LEN || pack_header_decode(data, size, &header, &err) != 0 ||
        pack_trailer_decode(data + size - PACK_TRAILER_LEN, size, &trailer, &err) != 0)
        return;
    size_t tail = trailer.directory_len + (size_t)PACK_TRAILER_LEN;
    mend_digest(data, size, tail);
    struct pack_parts parts = { data, data + size - tail, tail, size };
    uint64_t told = 0;
    int sized = pack_directory_size(parts.directory, &trailer, &told, NULL);
    if (pack_directory_walk(&parts, on_group, on_chunk, &size, &err) != 0)
        return;
    if (sized != 0 || told != size)
        abort();
    struct index_pending *pending = index_pending_new();
    if (index_pending_add(pending, header.name, &parts, NULL, NULL, &err) != 0)
        abort();
    index_pending_free(pending);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = memory_new(size + 1);
    memcpy(copy, data, size);
    run(copy, size);
    free(copy);
    return 0;
}
