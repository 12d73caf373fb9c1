#ifndef LONGHAUL_COMMON_CRYPTO_KEY_SLOT_H
#define LONGHAUL_COMMON_CRYPTO_KEY_SLOT_H

/* A vault's 32-byte master key wrapped under a password: scrypt (RFC 7914) makes the wrapping key, AES-256-GCM
 * wraps. Any thread; wrapping and unwrapping take some 0.3 s and 128 MiB with the default cost, on purpose.
 *
 * Format, version 1, numbers little-endian:
 *
 *   offset  size  what
 *   0       4     "LHKS"
 *   4       1     version: 1
 *   5       1     kind: 1 (password, scrypt)
 *   6       1     log2 of scrypt's N
 *   7       1     scrypt's r
 *   8       1     scrypt's p
 *   9       1     length v of the vault id, 1 to 39
 *   10      v     vault id
 *   10+v    32    salt
 *   42+v    12    nonce
 *   54+v    32    wrapped master key
 *   86+v    16    GCM tag; bound data: everything before the nonce
 *   102+v   32    SHA-256 of everything before it: tells damage from a wrong password
 *
 * On reading 14 <= log2 N, 1 <= r <= 32, 1 <= p <= 4 and 128 * r * (N + p) <= 256 MiB (+ 1 MiB) hold, or the slot is
 * refused: a hostile slot cannot take the machine's memory or make guessing cheap for whoever reads a new copy. */

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct clock;
struct error;
struct secret;

#define KEY_SLOT_MASTER_LEN 32
#define KEY_SLOT_MAX        256 /* bytes of a slot */

struct key_slot_cost {
    uint8_t log2_n, r, p;
};

/* N = 2^16, r = 8, p = 2: 64 MiB, and the work of 2^17 with p = 1. */
extern const struct key_slot_cost key_slot_cost_default;
/* The least that is read: N = 2^14, r = 8, p = 1: 16 MiB. For tests. */
extern const struct key_slot_cost key_slot_cost_least;

/* Appends a slot to out. cost NULL: the default. ERROR_USAGE: an empty password, a master key of another length,
 * an id that is none, a cost outside the bounds. */
int key_slot_wrap(const struct clock *clock, const char *vault_id, const struct secret *master,
                  const struct secret *password, const struct key_slot_cost *cost, struct buffer *out,
                  struct error *err);

/* The master key. ERROR_DENIED "wrong password"; ERROR_CORRUPT damaged, or of another vault; ERROR_FORMAT not a slot;
 * ERROR_UNSUPPORTED a newer version or another kind. */
struct secret *key_slot_unwrap(const char *vault_id, const struct secret *password, const void *slot, size_t len,
                               struct error *err);

/* What a slot says about itself, with its checksum and bounds checked but without a password. Errors as above. */
struct key_slot_info {
    char vault_id[40];
    struct key_slot_cost cost;
};
int key_slot_inspect(const void *slot, size_t len, struct key_slot_info *info, struct error *err);

#endif
