#ifndef LONGHAUL_COMMON_CRYPTO_SEALED_SECRET_H
#define LONGHAUL_COMMON_CRYPTO_SEALED_SECRET_H

/* Bytes that one recipient can open and nobody on the way: ephemeral ECDH on P-256, HKDF-SHA256, AES-256-GCM.
 * Any thread.
 *
 * Format, version 1 (all fixed sizes; a browser can make it with WebCrypto):
 *
 *   offset  size  what
 *   0       4     "LHSS"
 *   4       1     version: 1
 *   5       1     suite: 1 (the one above)
 *   6       8     first 8 bytes of SHA-256(recipient's public point): a hint for a clear error, authenticated
 *   14      65    ephemeral public point, uncompressed
 *   79      n     ciphertext, as long as the plaintext
 *   79+n    16    GCM tag
 *
 *   shared       = X coordinate of ECDH(ephemeral, recipient), 32 bytes
 *   key || nonce = HKDF-SHA256(key material: shared, salt: ephemeral point || recipient point,
 *                              info: "longhaul sealed secret 1:" || context), 32 + 12 bytes
 *   bound data   = the first 79 bytes || context
 *
 * context is "<purpose>/<secret_id>": a secret moved to another slot does not open. The key is used for this one
 * message only, which is why a derived nonce is safe. The sender is not authenticated by this. */

#include "common/crypto/key_pair.h"

struct buffer;
struct sealing_key;

#define SEALED_SECRET_OVERHEAD    95
#define SEALED_SECRET_MAX         ((size_t)4 << 20) /* bytes of plaintext */
#define SEALED_SECRET_CONTEXT_MAX 200

/* "<purpose>/<id>" into out. ERROR_USAGE when it does not fit. */
int sealed_secret_context(const char *purpose, const char *id, char out[SEALED_SECRET_CONTEXT_MAX], struct error *err);

/* Appends to out. ERROR_FORMAT when recipient is not a point on the curve, ERROR_LIMIT above SEALED_SECRET_MAX. */
int sealed_secret_seal(const uint8_t recipient[KEY_POINT_LEN], const char *context, const void *plain, size_t len,
                       struct buffer *out, struct error *err);
/* Same for a secret's bytes. */
int sealed_secret_seal_secret(const uint8_t recipient[KEY_POINT_LEN], const char *context, const struct secret *plain,
                              struct buffer *out, struct error *err);

/* The plaintext, at most SECRET_MAX bytes. ERROR_FORMAT when it is no sealed secret or of a newer version,
 * ERROR_DENIED when it is sealed to another key, ERROR_CORRUPT when it was changed or is for another context. */
struct secret *sealed_secret_open(const struct sealing_key *key, const char *context, const void *sealed, size_t len,
                                  struct error *err);
/* Same for contents too large for locked pages (replies to queries); appends to out, which the caller zeroes. */
int sealed_secret_open_into(const struct sealing_key *key, const char *context, const void *sealed, size_t len,
                            struct buffer *out, struct error *err);

#endif
