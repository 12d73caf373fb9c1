#include "common/vault/vault_directory.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/aead.h"
#include "common/crypto/digest.h"
#include "common/vault/vault_internal.h"

#include <openssl/crypto.h>
#include <string.h>

static void
put_u32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

int
vault_directory_tag(const struct vault *vault, struct aead *aead, const uint8_t header[PACK_HEADER_LEN],
                    const uint8_t *directory, const struct pack_trailer *trailer, uint8_t tag[PACK_DIRECTORY_TAG],
                    struct error *err)
{
    uint8_t bound[VAULT_BOUND_MAX + DIGEST_LEN], nonce[AEAD_NONCE_LEN], counts[8];
    struct pack_header parts;
    if (pack_header_decode(header, PACK_HEADER_LEN, &parts, err) != 0)
        return -1;
    size_t bound_len = vault_bound(vault, "directory", parts.name, PACK_DIRECTORY, bound);
    put_u32(counts, trailer->directory_len);
    put_u32(counts + 4, trailer->groups);
    struct digest *digest = digest_new();
    digest_update(digest, header, PACK_HEADER_LEN);
    digest_update(digest, directory, trailer->directory_len);
    digest_update(digest, counts, sizeof(counts));
    digest_final(digest, bound + bound_len);
    digest_free(digest);
    vault_nonce(PACK_DIRECTORY, nonce);
    return aead_seal(aead, nonce, (struct aead_bound){ bound, bound_len + DIGEST_LEN }, "", 0, tag, err);
}

static int
append_block(void *ctx, size_t range, const uint8_t *data, size_t len, struct error *err)
{
    (void)range;
    return buffer_append(ctx, data, len, err);
}

static int
read_range(const struct vault *vault, const char *pack, uint64_t offset, size_t len, struct buffer *out,
           struct error *err)
{
    struct pack_range range = { .offset = offset, .len = len };
    memcpy(range.pack, pack, sizeof(range.pack));
    out->len = 0;
    if (vault->backend.vtable->get_ranges(vault->backend.ctx, &range, 1, append_block, out, err) != 0)
        return -1;
    return out->len == len ? 0 : FAIL(err, ERROR_CORRUPT, 0, "it is shorter than it must be");
}

static int
read_parts(const struct vault *vault, const char *pack, struct vault_directory *directory, struct error *err)
{
    struct buffer *head = &directory->head, *tail = &directory->tail;
    const struct pack_header *header = &directory->header;
    struct pack_trailer *trailer = &directory->trailer;
    uint8_t name[PACK_NAME_BYTES], tag[PACK_DIRECTORY_TAG];
    head->ceiling = PACK_HEADER_LEN;
    tail->ceiling = PACK_MAX_BYTES;
    if (read_range(vault, pack, 0, PACK_HEADER_LEN, head, err) != 0 ||
        pack_header_decode(head->data, head->len, &directory->header, err) != 0 ||
        read_range(vault, pack, PACK_FROM_END(PACK_TRAILER_LEN), PACK_TRAILER_LEN, tail, err) != 0 ||
        pack_trailer_decode(tail->data, PACK_MAX_BYTES, trailer, err) != 0)
        return -1;
    if (pack_name_parse(pack, name) != 0 || memcmp(name, header->name, sizeof(name)) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "its header carries another name");
    size_t len = trailer->directory_len + (size_t)PACK_TRAILER_LEN;
    if (read_range(vault, pack, PACK_FROM_END(len), len, tail, err) != 0 ||
        vault_pack_key(vault, header->name, header->salt, &directory->aead, err) != 0 ||
        vault_directory_tag(vault, directory->aead, head->data, tail->data, trailer, tag, err) != 0)
        return -1;
    if (!pack_directory_intact(head->data, tail->data, tail->len))
        return FAIL(err, ERROR_CORRUPT, 0, "its directory is damaged");
    if (CRYPTO_memcmp(tag, trailer->tag, sizeof(tag)) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "its directory was not written by a holder of the vault's key");
    return 0;
}

int
vault_directory_read(const struct vault *vault, const char *pack, struct vault_directory *directory, struct error *err)
{
    return read_parts(vault, pack, directory, err) == 0 ? 0 : error_wrap(err, "pack %s", pack);
}

void
vault_directory_clear(struct vault_directory *directory)
{
    buffer_clear(&directory->head);
    buffer_clear(&directory->tail);
    aead_free(directory->aead);
    directory->aead = NULL;
}

int
vault_directory_check(const struct vault *vault, const char *pack, struct error *err)
{
    struct vault_directory directory = { .aead = NULL };
    int failed = vault_directory_read(vault, pack, &directory, err);
    vault_directory_clear(&directory);
    return failed;
}
