#ifndef LONGHAUL_COMMON_VAULT_VAULT_INTERNAL_H
#define LONGHAUL_COMMON_VAULT_VAULT_INTERNAL_H

/* Keys of an open vault, for the files of common/vault. See proto/FORMAT.md, "Keys". */

#include "common/base/identifier.h"
#include "common/vault/chunker.h"
#include "common/vault/vault.h"

#define VAULT_KEY_LEN  32
#define VAULT_SALT_LEN 32
#define VAULT_EPOCH    1

struct aead;
struct hmac;

struct vault {
    struct vault_backend backend;
    const struct clock *clock;
    char id[IDENTIFIER_LEN];
    int compression_level;
    uint8_t version; /* of its format */
    struct chunker_sizes sizes;
    struct secret *naming; /* chunk ids */
    struct secret *data;   /* packs */
    struct secret *points;
    struct secret *retire; /* the retire journal's MAC */
    uint64_t gear[CHUNKER_TABLE];
};

/* A context for one thread. */
struct hmac *vault_naming(const struct vault *vault);
void vault_name_chunk(struct hmac *naming, const void *data, size_t len, struct chunk_id *id);

/* An AEAD context keyed for one pack, or for one point. Reuses *aead when it is not NULL. */
int vault_pack_key(const struct vault *vault, const uint8_t name[16], const uint8_t salt[VAULT_SALT_LEN],
                   struct aead **aead, struct error *err);
int vault_point_key(const struct vault *vault, const uint8_t salt[VAULT_SALT_LEN], struct aead **aead,
                    struct error *err);

/* What a group or a pack's directory is bound to. Returns the length. */
#define VAULT_BOUND_MAX (16 + IDENTIFIER_LEN + 16 + 4)
size_t vault_bound(const struct vault *vault, const char *type, const uint8_t pack[16], uint32_t ordinal,
                   uint8_t out[VAULT_BOUND_MAX]);
void vault_nonce(uint32_t ordinal, uint8_t nonce[12]);

#endif
