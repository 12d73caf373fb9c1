#include "common/vault/vault_format.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/reader.h"
#include "common/crypto/digest.h"
#include "common/vault/vault_internal.h"

#include <openssl/crypto.h>
#include <string.h>

#define ENCRYPTION_AES_GCM 1

int
vault_format_encode(const struct vault_format *format, const uint8_t mac_key[32], struct buffer *out, struct error *err)
{
    size_t start = out->len, id_len = strlen(format->vault_id);
    uint8_t mac[DIGEST_LEN];
    if (buffer_append(out, "LHVF", 4, err) != 0 || buffer_append_u8(out, format->version, err) != 0 ||
        buffer_append_u8(out, ENCRYPTION_AES_GCM, err) != 0 ||
        buffer_append_u8(out, format->compression_level, err) != 0 ||
        buffer_append_u8(out, (uint8_t)id_len, err) != 0 || buffer_append(out, format->vault_id, id_len, err) != 0 ||
        buffer_append_u32(out, VAULT_EPOCH, err) != 0 || buffer_append_u32(out, format->sizes.min, err) != 0 ||
        buffer_append_u32(out, format->sizes.average, err) != 0 ||
        buffer_append_u32(out, format->sizes.max, err) != 0 ||
        buffer_append_u64(out, (uint64_t)format->created_ms, err) != 0)
        return -1;
    hmac_sha256(mac_key, 32, out->data + start, out->len - start, mac);
    return buffer_append(out, mac, sizeof(mac), err);
}

int
vault_format_decode(const uint8_t *data, size_t len, struct vault_format *format, struct error *err)
{
    struct reader in = READER_INIT(data, len);
    const uint8_t *magic = reader_bytes(&in, 4);
    if (magic == NULL || memcmp(magic, "LHVF", 4) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the format object is not one of a Longhaul vault");
    uint8_t version = reader_u8(&in), encryption = reader_u8(&in);
    if (version < 1 || version > VAULT_FORMAT_NEWEST || encryption != ENCRYPTION_AES_GCM)
        return FAIL(err, ERROR_UNSUPPORTED, version,
                    "the vault has format version %u, encryption %u; this program reads versions up to %d. Update it",
                    version, encryption, VAULT_FORMAT_NEWEST);
    memset(format, 0, sizeof(*format));
    format->version = version;
    format->compression_level = reader_u8(&in);
    size_t id_len = reader_u8(&in);
    const uint8_t *id = id_len < sizeof(format->vault_id) ? reader_bytes(&in, id_len) : NULL;
    uint32_t epoch = reader_u32(&in);
    format->sizes.min = reader_u32(&in);
    format->sizes.average = reader_u32(&in);
    format->sizes.max = reader_u32(&in);
    format->created_ms = (int64_t)reader_u64(&in);
    if (id == NULL || reader_bytes(&in, VAULT_FORMAT_MAC_LEN) == NULL || reader_left(&in) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the vault's format object has a wrong length");
    memcpy(format->vault_id, id, id_len);
    if (!identifier_valid(format->vault_id) || format->compression_level < 1 || format->compression_level > 19)
        return FAIL(err, ERROR_FORMAT, 0, "the vault's format object holds impossible values");
    if (epoch != VAULT_EPOCH || !chunker_sizes_valid(&format->sizes))
        return FAIL(err, ERROR_UNSUPPORTED, 0, "the vault uses key epoch %u, chunks %u/%u/%u; this program does not",
                    epoch, format->sizes.min, format->sizes.average, format->sizes.max);
    return 0;
}

int
vault_format_check(const uint8_t *data, size_t len, const uint8_t mac_key[32], struct error *err)
{
    uint8_t mac[DIGEST_LEN];
    hmac_sha256(mac_key, 32, data, len - VAULT_FORMAT_MAC_LEN, mac);
    if (CRYPTO_memcmp(mac, data + len - VAULT_FORMAT_MAC_LEN, sizeof(mac)) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "the vault's format object was damaged or changed");
    return 0;
}
