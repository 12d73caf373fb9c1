#ifndef LONGHAUL_COMMON_VAULT_VAULT_DIRECTORY_H
#define LONGHAUL_COMMON_VAULT_VAULT_DIRECTORY_H

/* Whether a pack's directory is the one that its writer made: its tag, which hosts cannot check. */

#include <stdint.h>

#include "common/vault/pack_format.h"

struct aead;
struct error;
struct vault;

/* The tag of a directory whose length and groups the trailer has; aead is keyed for the pack. */
int vault_directory_tag(const struct vault *vault, struct aead *aead, const uint8_t header[PACK_HEADER_LEN],
                        const uint8_t *directory, const struct pack_trailer *trailer, uint8_t tag[PACK_DIRECTORY_TAG],
                        struct error *err);

/* Reads header, directory and trailer, three small ranges. ERROR_CORRUPT or ERROR_FORMAT when they are damaged or were
 * written by somebody without the key; other kinds: could not look. */
int vault_directory_check(const struct vault *vault, const char *pack, struct error *err);

#endif
