#include "common/crypto/key_slot.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/base/secret.h"
#include "common/crypto/aead.h"
#include "common/crypto/digest.h"
#include "common/crypto/scrypt.h"

#include <string.h>

#define MAGIC          "LHKS"
#define VERSION        1
#define KIND_PASSWORD  1
#define SALT_LEN       32
#define WRAPPED_LEN    (KEY_SLOT_MASTER_LEN + AEAD_TAG_LEN)
#define LOG2_N_LEAST   14
#define R_MOST         32
#define P_MOST         4
#define MEMORY_CEILING (((uint64_t)256 << 20) + ((uint64_t)1 << 20))

const struct key_slot_cost key_slot_cost_default = { .log2_n = 16, .r = 8, .p = 2 };
const struct key_slot_cost key_slot_cost_least = { .log2_n = LOG2_N_LEAST, .r = 8, .p = 1 };

/* A slot taken apart; pointers into its bytes. */
struct parts {
    struct key_slot_cost cost;
    const uint8_t *vault_id;
    size_t vault_id_len;
    const uint8_t *salt, *nonce, *wrapped;
    size_t bound_len; /* bytes before the nonce */
};

static uint64_t
memory_needed(const struct key_slot_cost *cost)
{
    return 128 * (uint64_t)cost->r * (((uint64_t)1 << cost->log2_n) + cost->p);
}

static bool
cost_acceptable(const struct key_slot_cost *cost)
{
    return cost->log2_n >= LOG2_N_LEAST && cost->log2_n < 32 && cost->r >= 1 && cost->r <= R_MOST && cost->p >= 1 &&
           cost->p <= P_MOST && memory_needed(cost) <= MEMORY_CEILING;
}

static int
wrapping_key(const struct secret *password, const uint8_t salt[SALT_LEN], const struct key_slot_cost *cost,
             uint8_t out[AEAD_KEY_LEN], struct error *err)
{
    struct scrypt_input input = { .password = password,
                                  .salt = salt,
                                  .salt_len = SALT_LEN,
                                  .n = (uint64_t)1 << cost->log2_n,
                                  .r = cost->r,
                                  .p = cost->p,
                                  .memory_most = 2 * MEMORY_CEILING };
    return scrypt_derive(&input, out, AEAD_KEY_LEN, err);
}

static int
append_header(const char *vault_id, const struct key_slot_cost *cost, const uint8_t salt[SALT_LEN], struct buffer *slot,
              struct error *err)
{
    const uint8_t fixed[] = { VERSION, KIND_PASSWORD, cost->log2_n, cost->r, cost->p, (uint8_t)strlen(vault_id) };
    return buffer_append(slot, MAGIC, 4, err) == 0 && buffer_append(slot, fixed, sizeof(fixed), err) == 0 &&
                   buffer_append_text(slot, vault_id, err) == 0 && buffer_append(slot, salt, SALT_LEN, err) == 0
               ? 0
               : -1;
}

static int
append_wrapped(const uint8_t key[AEAD_KEY_LEN], const uint8_t nonce[AEAD_NONCE_LEN], const struct secret *master,
               struct buffer *slot, struct error *err)
{
    uint8_t wrapped[WRAPPED_LEN], sum[DIGEST_LEN];
    CLEANUP(aead_free_p) struct aead *aead = aead_new(key);
    struct aead_bound bound = { slot->data, slot->len };
    if (aead_seal(aead, nonce, bound, secret_bytes(master), KEY_SLOT_MASTER_LEN, wrapped, err) != 0 ||
        buffer_append(slot, nonce, AEAD_NONCE_LEN, err) != 0 || buffer_append(slot, wrapped, sizeof(wrapped), err) != 0)
        return -1;
    digest_sha256(slot->data, slot->len, sum);
    return buffer_append(slot, sum, sizeof(sum), err);
}

int
key_slot_wrap(const struct clock *clock, const char *vault_id, const struct secret *master,
              const struct secret *password, const struct key_slot_cost *cost, struct buffer *out, struct error *err)
{
    if (cost == NULL)
        cost = &key_slot_cost_default;
    if (!identifier_valid(vault_id) || secret_len(master) != KEY_SLOT_MASTER_LEN || !cost_acceptable(cost))
        return FAIL(err, ERROR_USAGE, 0, "key slot: wrong vault id, master key length or cost");
    if (secret_len(password) == 0)
        return FAIL(err, ERROR_USAGE, 0, "the password of a vault must not be empty");
    uint8_t salt[SALT_LEN], nonce[AEAD_NONCE_LEN], key[AEAD_KEY_LEN];
    clock_random(clock, salt, sizeof(salt));
    clock_random(clock, nonce, sizeof(nonce));
    CLEANUP(buffer_clear) struct buffer slot = BUFFER_INIT(KEY_SLOT_MAX);
    if (append_header(vault_id, cost, salt, &slot, err) != 0 || wrapping_key(password, salt, cost, key, err) != 0)
        return -1;
    int rc = append_wrapped(key, nonce, master, &slot, err);
    secret_zero(key, sizeof(key));
    return rc == 0 ? buffer_append(out, slot.data, slot.len, err) : -1;
}

static int
check_sum(const uint8_t *slot, size_t len, struct error *err)
{
    uint8_t sum[DIGEST_LEN];
    digest_sha256(slot, len - DIGEST_LEN, sum);
    if (memcmp(sum, slot + len - DIGEST_LEN, DIGEST_LEN) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "the key slot is damaged: its checksum differs");
    return 0;
}

static int
take_apart(const uint8_t *slot, size_t len, struct parts *parts, struct error *err)
{
    struct reader r = READER_INIT(slot, len);
    const uint8_t *magic = reader_bytes(&r, 4);
    if (magic == NULL || memcmp(magic, MAGIC, 4) != 0 || len > KEY_SLOT_MAX)
        return FAIL(err, ERROR_FORMAT, 0, "not a key slot");
    uint8_t version = reader_u8(&r), kind = reader_u8(&r);
    if (!r.failed && (version != VERSION || kind != KIND_PASSWORD))
        return FAIL(err, ERROR_UNSUPPORTED, 0,
                    "a key slot of version %u, kind %u: this program knows version %d, kind %d", version, kind, VERSION,
                    KIND_PASSWORD);
    parts->cost.log2_n = reader_u8(&r);
    parts->cost.r = reader_u8(&r);
    parts->cost.p = reader_u8(&r);
    parts->vault_id_len = reader_u8(&r);
    parts->vault_id = reader_bytes(&r, parts->vault_id_len);
    parts->salt = reader_bytes(&r, SALT_LEN);
    parts->bound_len = r.at;
    parts->nonce = reader_bytes(&r, AEAD_NONCE_LEN);
    parts->wrapped = reader_bytes(&r, WRAPPED_LEN);
    reader_bytes(&r, DIGEST_LEN);
    if (r.failed || reader_left(&r) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "a key slot of %zu bytes is cut off or too long", len);
    if (check_sum(slot, len, err) != 0)
        return -1;
    if (parts->vault_id_len == 0 || parts->vault_id_len >= IDENTIFIER_LEN)
        return FAIL(err, ERROR_FORMAT, 0, "a vault id of %zu characters in a key slot", parts->vault_id_len);
    if (!cost_acceptable(&parts->cost))
        return FAIL(err, ERROR_FORMAT, 0, "the key slot asks for scrypt with N=2^%u r=%u p=%u, outside the bounds",
                    parts->cost.log2_n, parts->cost.r, parts->cost.p);
    return 0;
}

struct secret *
key_slot_unwrap(const char *vault_id, const struct secret *password, const void *slot, size_t len, struct error *err)
{
    struct parts parts;
    if (take_apart(slot, len, &parts, err) != 0)
        return NULL;
    if (strlen(vault_id) != parts.vault_id_len || memcmp(vault_id, parts.vault_id, parts.vault_id_len) != 0) {
        FAIL(err, ERROR_CORRUPT, 0, "the key slot belongs to another vault than %s", vault_id);
        return NULL;
    }
    uint8_t key[AEAD_KEY_LEN];
    CLEANUP(secret_free_p) struct secret *master = secret_reserve(KEY_SLOT_MASTER_LEN, err);
    if (master == NULL || wrapping_key(password, parts.salt, &parts.cost, key, err) != 0)
        return NULL;
    struct aead *aead = aead_new(key);
    secret_zero(key, sizeof(key));
    int rc = aead_open(aead, parts.nonce, (struct aead_bound){ slot, parts.bound_len }, parts.wrapped, WRAPPED_LEN,
                       secret_bytes_mutable(master), NULL);
    aead_free(aead);
    if (rc != 0) {
        FAIL(err, ERROR_DENIED, 0, "wrong password");
        return NULL;
    }
    return MOVE(master);
}

int
key_slot_inspect(const void *slot, size_t len, struct key_slot_info *info, struct error *err)
{
    struct parts parts;
    if (take_apart(slot, len, &parts, err) != 0)
        return -1;
    struct key_slot_info found = { .cost = parts.cost };
    memcpy(found.vault_id, parts.vault_id, parts.vault_id_len);
    if (!identifier_valid(found.vault_id) || strlen(found.vault_id) != parts.vault_id_len)
        return FAIL(err, ERROR_FORMAT, 0, "the vault id in a key slot is none");
    *info = found;
    return 0;
}
