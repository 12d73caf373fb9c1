#include "common/vault/vault_internal.h"

#include "common/base/secret.h"
#include "common/crypto/aead.h"
#include "common/crypto/digest.h"
#include "common/crypto/hkdf.h"

#include <stdio.h>
#include <string.h>

struct hmac *
vault_naming(const struct vault *vault)
{
    return hmac_new(secret_bytes(vault->naming), secret_len(vault->naming));
}

void
vault_name_chunk(struct hmac *naming, const void *data, size_t len, struct chunk_id *id)
{
    uint8_t full[DIGEST_LEN];
    hmac_compute(naming, data, len, full);
    memcpy(id->bytes, full, CHUNK_ID_LEN);
}

static int
salted_key(const struct secret *from, const uint8_t salt[VAULT_SALT_LEN], const void *info, size_t info_len,
           struct aead **aead, struct error *err)
{
    uint8_t key[VAULT_KEY_LEN];
    struct hkdf_input input = {
        .key = secret_bytes(from),
        .key_len = secret_len(from),
        .salt = salt,
        .salt_len = VAULT_SALT_LEN,
        .info = info,
        .info_len = info_len,
    };
    if (hkdf_sha256(&input, key, sizeof(key), err) != 0)
        return -1;
    if (*aead == NULL)
        *aead = aead_new(key);
    else
        aead_rekey(*aead, key);
    secret_zero(key, sizeof(key));
    return 0;
}

int
vault_pack_key(const struct vault *vault, const uint8_t name[16], const uint8_t salt[VAULT_SALT_LEN],
               struct aead **aead, struct error *err)
{
    uint8_t info[21 + 16] = "longhaul vault 1 pack";
    memcpy(info + 21, name, 16);
    return salted_key(vault->data, salt, info, sizeof(info), aead, err);
}

int
vault_point_key(const struct vault *vault, const uint8_t salt[VAULT_SALT_LEN], struct aead **aead, struct error *err)
{
    static const char info[] = "longhaul vault 1 point";
    return salted_key(vault->points, salt, info, sizeof(info) - 1, aead, err);
}

size_t
vault_bound(const struct vault *vault, const char *type, const uint8_t pack[16], uint32_t ordinal,
            uint8_t out[VAULT_BOUND_MAX])
{
    size_t n = strlen(type);
    memcpy(out, type, n);
    size_t id_len = strlen(vault->id);
    out[n++] = (uint8_t)id_len;
    memcpy(out + n, vault->id, id_len);
    n += id_len;
    memcpy(out + n, pack, 16);
    n += 16;
    for (int i = 0; i < 4; i++)
        out[n++] = (uint8_t)(ordinal >> (8 * i));
    return n;
}

void
vault_nonce(uint32_t ordinal, uint8_t nonce[12])
{
    memset(nonce, 0, 12);
    for (int i = 0; i < 4; i++)
        nonce[i] = (uint8_t)(ordinal >> (8 * i));
}
