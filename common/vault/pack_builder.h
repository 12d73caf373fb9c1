#ifndef LONGHAUL_COMMON_VAULT_PACK_BUILDER_H
#define LONGHAUL_COMMON_VAULT_PACK_BUILDER_H

/* One pack put together group by group on one thread. (vault_writer does it on several, with queues.) */

#include "common/base/buffer.h"
#include "common/vault/pack_format.h"

struct aead;
struct error;
struct vault;

#define PACK_BUILDER_DIRECTORY ((size_t)2 << 20)

struct pack_builder {
    const struct vault *vault;
    struct pack_header header;
    char name[PACK_NAME_LEN];
    struct buffer data, directory;
    uint32_t groups, chunks;
    struct aead *aead;
};

/* Zero it before. A new, empty pack with a random name; what was in the builder is dropped. */
int pack_builder_begin(struct pack_builder *builder, const struct vault *vault, struct error *err);
void pack_builder_clear(struct pack_builder *builder);
/* plain: codec byte and body (group_codec.h) of exactly these chunks, each at most CHUNK_MAX_BYTES. */
int pack_builder_add(struct pack_builder *builder, const uint8_t *plain, size_t len, const struct pack_chunk *chunks,
                     size_t count, struct error *err);
/* Appends directory and trailer: data is the pack. */
int pack_builder_finish(struct pack_builder *builder, struct error *err);

#endif
