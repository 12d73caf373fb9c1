#include "common/crypto/sealed_secret.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/aead.h"
#include "common/crypto/digest.h"
#include "common/crypto/hkdf.h"
#include "common/crypto/sealing_key.h"

#include <stdio.h>
#include <string.h>

#define MAGIC       "LHSS"
#define VERSION     1
#define SUITE       1
#define HINT_AT     6
#define HINT_LEN    8
#define POINT_AT    14
#define HEADER_LEN  79
#define INFO_PREFIX "longhaul sealed secret 1:"

struct message_key {
    uint8_t key[AEAD_KEY_LEN];
    uint8_t nonce[AEAD_NONCE_LEN];
};

int
sealed_secret_context(const char *purpose, const char *id, char out[SEALED_SECRET_CONTEXT_MAX], struct error *err)
{
    int n = snprintf(out, SEALED_SECRET_CONTEXT_MAX, "%s/%s", purpose, id);
    if (n < 0 || n >= SEALED_SECRET_CONTEXT_MAX)
        return FAIL(err, ERROR_USAGE, 0, "purpose and id of a secret are longer than %d characters together",
                    SEALED_SECRET_CONTEXT_MAX - 2);
    return 0;
}

static int
derive(const uint8_t shared[32], const uint8_t *ephemeral, const uint8_t *recipient, const char *context,
       struct message_key *key, struct error *err)
{
    uint8_t salt[2 * KEY_POINT_LEN];
    memcpy(salt, ephemeral, KEY_POINT_LEN);
    memcpy(salt + KEY_POINT_LEN, recipient, KEY_POINT_LEN);
    char info[sizeof(INFO_PREFIX) + SEALED_SECRET_CONTEXT_MAX];
    int info_len = snprintf(info, sizeof(info), INFO_PREFIX "%s", context);
    struct hkdf_input input = {
        .key = shared, .key_len = 32, .salt = salt, .salt_len = sizeof(salt), .info = info, .info_len = (size_t)info_len
    };
    uint8_t out[AEAD_KEY_LEN + AEAD_NONCE_LEN];
    int rc = hkdf_sha256(&input, out, sizeof(out), err);
    memcpy(key->key, out, AEAD_KEY_LEN);
    memcpy(key->nonce, out + AEAD_KEY_LEN, AEAD_NONCE_LEN);
    secret_zero(out, sizeof(out));
    return rc;
}

/* ECDH and derivation; own is the ephemeral key when sealing and the recipient's when opening. */
static int
agree(const struct key_pair *own, const uint8_t *peer, const uint8_t *ephemeral, const uint8_t *recipient,
      const char *context, struct message_key *key, struct error *err)
{
    uint8_t shared[32];
    if (key_pair_agree(own, peer, shared, err) != 0)
        return -1;
    int rc = derive(shared, ephemeral, recipient, context, key, err);
    secret_zero(shared, sizeof(shared));
    return rc;
}

static void
write_header(uint8_t header[HEADER_LEN], const uint8_t *recipient, const uint8_t *ephemeral)
{
    uint8_t hash[DIGEST_LEN];
    digest_sha256(recipient, KEY_POINT_LEN, hash);
    memcpy(header, MAGIC, 4);
    header[4] = VERSION;
    header[5] = SUITE;
    memcpy(header + HINT_AT, hash, HINT_LEN);
    memcpy(header + POINT_AT, ephemeral, KEY_POINT_LEN);
}

/* header || context; returns the length. */
static size_t
bound_data(const uint8_t *header, const char *context, uint8_t out[HEADER_LEN + SEALED_SECRET_CONTEXT_MAX])
{
    size_t len = strlen(context);
    memcpy(out, header, HEADER_LEN);
    memcpy(out + HEADER_LEN, context, len);
    return HEADER_LEN + len;
}

static int
check_context(const char *context, struct error *err)
{
    size_t len = strnlen(context, SEALED_SECRET_CONTEXT_MAX);
    if (len == 0 || len >= SEALED_SECRET_CONTEXT_MAX)
        return FAIL(err, ERROR_USAGE, 0, "the context of a sealed secret has %zu characters, 1 to %d are possible", len,
                    SEALED_SECRET_CONTEXT_MAX - 1);
    return 0;
}

int
sealed_secret_seal(const uint8_t recipient[KEY_POINT_LEN], const char *context, const void *plain, size_t len,
                   struct buffer *out, struct error *err)
{
    if (check_context(context, err) != 0)
        return -1;
    if (len > SEALED_SECRET_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "%zu bytes to seal, %zu at the most", len, SEALED_SECRET_MAX);
    CLEANUP(key_pair_free_p) struct key_pair *ephemeral = key_pair_new(err);
    struct message_key key;
    if (ephemeral == NULL || agree(ephemeral, recipient, key_pair_point(ephemeral), recipient, context, &key, err) != 0)
        return -1;
    int rc = buffer_reserve(out, len + SEALED_SECRET_OVERHEAD, err);
    if (rc == 0) {
        uint8_t bound[HEADER_LEN + SEALED_SECRET_CONTEXT_MAX];
        uint8_t *header = out->data + out->len;
        write_header(header, recipient, key_pair_point(ephemeral));
        size_t bound_len = bound_data(header, context, bound);
        CLEANUP(aead_free_p) struct aead *aead = aead_new(key.key);
        rc = aead_seal(aead, key.nonce, (struct aead_bound){ bound, bound_len }, plain, len, header + HEADER_LEN, err);
    }
    if (rc == 0)
        out->len += len + SEALED_SECRET_OVERHEAD;
    secret_zero(&key, sizeof(key));
    return rc;
}

int
sealed_secret_seal_secret(const uint8_t recipient[KEY_POINT_LEN], const char *context, const struct secret *plain,
                          struct buffer *out, struct error *err)
{
    return sealed_secret_seal(recipient, context, secret_bytes(plain), secret_len(plain), out, err);
}

static int
check_header(const struct sealing_key *key, const uint8_t *sealed, size_t len, struct error *err)
{
    if (len < SEALED_SECRET_OVERHEAD || memcmp(sealed, MAGIC, 4) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "not a sealed secret");
    if (sealed[4] != VERSION || sealed[5] != SUITE)
        return FAIL(err, ERROR_FORMAT, 0,
                    "a sealed secret of version %u, suite %u: this program knows version %d, suite %d", sealed[4],
                    sealed[5], VERSION, SUITE);
    if (len - SEALED_SECRET_OVERHEAD > SEALED_SECRET_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a sealed secret of %zu bytes, %zu at the most", len,
                    SEALED_SECRET_MAX + SEALED_SECRET_OVERHEAD);
    uint8_t hash[DIGEST_LEN];
    digest_sha256(sealing_key_point(key), KEY_POINT_LEN, hash);
    if (memcmp(sealed + HINT_AT, hash, HINT_LEN) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the secret is sealed to another key than ours: seal it to this node again");
    return 0;
}

/* out has room for len - SEALED_SECRET_OVERHEAD bytes. */
static int
open_checked(const struct sealing_key *key, const char *context, const uint8_t *sealed, size_t len, uint8_t *out,
             struct error *err)
{
    const uint8_t *ephemeral = sealed + POINT_AT;
    struct message_key message;
    if (agree(sealing_key_pair(key), ephemeral, ephemeral, sealing_key_point(key), context, &message, err) != 0)
        return -1;
    uint8_t bound[HEADER_LEN + SEALED_SECRET_CONTEXT_MAX];
    size_t bound_len = bound_data(sealed, context, bound);
    struct aead *aead = aead_new(message.key);
    int rc = aead_open(aead, message.nonce, (struct aead_bound){ bound, bound_len }, sealed + HEADER_LEN,
                       len - HEADER_LEN, out, err);
    aead_free(aead);
    secret_zero(&message, sizeof(message));
    if (rc != 0)
        error_wrap(err, "sealed secret for \"%s\"", context);
    return rc;
}

struct secret *
sealed_secret_open(const struct sealing_key *key, const char *context, const void *sealed, size_t len,
                   struct error *err)
{
    if (check_context(context, err) != 0 || check_header(key, sealed, len, err) != 0)
        return NULL;
    CLEANUP(secret_free_p) struct secret *plain = secret_reserve(len - SEALED_SECRET_OVERHEAD, err);
    if (plain == NULL || open_checked(key, context, sealed, len, secret_bytes_mutable(plain), err) != 0)
        return NULL;
    return MOVE(plain);
}

int
sealed_secret_open_into(const struct sealing_key *key, const char *context, const void *sealed, size_t len,
                        struct buffer *out, struct error *err)
{
    if (check_context(context, err) != 0 || check_header(key, sealed, len, err) != 0)
        return -1;
    size_t plain_len = len - SEALED_SECRET_OVERHEAD;
    uint8_t none = 0; /* an empty buffer may have no bytes to point to */
    if (buffer_reserve(out, plain_len, err) != 0 ||
        open_checked(key, context, sealed, len, plain_len > 0 ? out->data + out->len : &none, err) != 0)
        return -1;
    out->len += plain_len;
    return 0;
}
