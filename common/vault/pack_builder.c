#include "common/vault/pack_builder.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/crypto/aead.h"
#include "common/vault/vault_directory.h"
#include "common/vault/vault_internal.h"

int
pack_builder_begin(struct pack_builder *builder, const struct vault *vault, struct error *err)
{
    builder->vault = vault;
    builder->data.ceiling = PACK_MAX_BYTES;
    builder->directory.ceiling = PACK_BUILDER_DIRECTORY;
    builder->data.len = builder->directory.len = 0;
    builder->groups = builder->chunks = 0;
    builder->header.epoch = VAULT_EPOCH;
    clock_random(vault->clock, builder->header.name, sizeof(builder->header.name));
    clock_random(vault->clock, builder->header.salt, sizeof(builder->header.salt));
    pack_name_text(builder->header.name, builder->name);
    if (vault_pack_key(vault, builder->header.name, builder->header.salt, &builder->aead, err) != 0 ||
        buffer_reserve(&builder->data, PACK_HEADER_LEN, err) != 0)
        return -1;
    pack_header_encode(&builder->header, builder->data.data);
    builder->data.len = PACK_HEADER_LEN;
    return 0;
}

void
pack_builder_clear(struct pack_builder *builder)
{
    buffer_clear(&builder->data);
    buffer_clear(&builder->directory);
    aead_free(builder->aead);
    builder->aead = NULL;
}

int
pack_builder_add(struct pack_builder *builder, const uint8_t *plain, size_t len, const struct pack_chunk *chunks,
                 size_t count, struct error *err)
{
    uint8_t bound[VAULT_BOUND_MAX], nonce[AEAD_NONCE_LEN];
    uint32_t stored = (uint32_t)(len + AEAD_TAG_LEN);
    int failed = pack_directory_begin_group(&builder->directory, stored, (uint32_t)count, err);
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = pack_directory_add_chunk(&builder->directory, &chunks[i], err);
    if (failed != 0 || buffer_reserve(&builder->data, stored, err) != 0)
        return -1;
    size_t bound_len = vault_bound(builder->vault, "group", builder->header.name, builder->groups, bound);
    vault_nonce(builder->groups, nonce);
    if (aead_seal(builder->aead, nonce, (struct aead_bound){ bound, bound_len }, plain, len,
                  builder->data.data + builder->data.len, err) != 0)
        return -1;
    builder->data.len += stored;
    builder->groups++;
    builder->chunks += (uint32_t)count;
    return 0;
}

int
pack_builder_finish(struct pack_builder *builder, struct error *err)
{
    struct pack_trailer trailer = { .directory_len = (uint32_t)builder->directory.len, .groups = builder->groups };
    if (vault_directory_tag(builder->vault, builder->aead, builder->data.data, builder->directory.data, &trailer,
                            trailer.tag, err) != 0 ||
        buffer_append(&builder->data, builder->directory.data, builder->directory.len, err) != 0)
        return -1;
    return pack_trailer_append(&trailer, builder->data.data, builder->directory.data, &builder->data, err);
}
