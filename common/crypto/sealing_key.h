#ifndef LONGHAUL_COMMON_CRYPTO_SEALING_KEY_H
#define LONGHAUL_COMMON_CRYPTO_SEALING_KEY_H

/* The key pair that sealed secrets are sealed to: one for each transporter, made at enrolment, apart from its TLS
 * key; and short-lived ones that a CLI makes to get a reply. A type of its own, so that no TLS key opens secrets.
 * Any thread. */

#include "common/crypto/key_pair.h"

#include <stdbool.h>

struct sealing_key;

struct sealing_key *sealing_key_new(struct error *err);
void sealing_key_free(struct sealing_key *key);
void sealing_key_free_p(struct sealing_key **key);

/* As key_pair_load() and key_pair_save(). */
struct sealing_key *sealing_key_load(const char *path, struct error *err);
int sealing_key_save(const struct sealing_key *key, const char *path, struct error *err);

/* KEY_POINT_LEN bytes, valid as long as the key. */
const uint8_t *sealing_key_point(const struct sealing_key *key);
const struct key_pair *sealing_key_pair(const struct sealing_key *key);

/* What people compare: SHA-256 of the public point, as 16 groups of 4 hex digits with a space between. */
#define SEALING_KEY_FINGERPRINT_LEN 80 /* with the NUL */
void sealing_key_fingerprint(const uint8_t point[KEY_POINT_LEN], char out[SEALING_KEY_FINGERPRINT_LEN]);
/* text as people type it: any case; spaces, ':' and '-' between digits do not count. */
bool sealing_key_fingerprint_matches(const uint8_t point[KEY_POINT_LEN], const char *text);

#endif
