#ifndef LONGHAUL_COMMON_VAULT_VAULT_DIRECTORY_H
#define LONGHAUL_COMMON_VAULT_VAULT_DIRECTORY_H

/* Whether a pack's directory is the one that its writer made: its tag, which hosts cannot check. */

#include <stdint.h>

#include "common/base/buffer.h"
#include "common/vault/pack_format.h"

struct aead;
struct error;
struct vault;

/* The tag of a directory whose length and groups the trailer has; aead is keyed for the pack. */
int vault_directory_tag(const struct vault *vault, struct aead *aead, const uint8_t header[PACK_HEADER_LEN],
                        const uint8_t *directory, const struct pack_trailer *trailer, uint8_t tag[PACK_DIRECTORY_TAG],
                        struct error *err);

/* A pack's clear parts, found to be the writer's. */
struct vault_directory {
    struct pack_header header;
    struct pack_trailer trailer;
    struct buffer head, tail; /* header; directory and trailer */
    struct aead *aead;        /* keyed for the pack */
};

/* Zero it before, clear it afterwards, also after a failure. As vault_directory_check(). */
int vault_directory_read(const struct vault *vault, const char *pack, struct vault_directory *directory,
                         struct error *err);
void vault_directory_clear(struct vault_directory *directory);

/* Reads header, directory and trailer, three small ranges. ERROR_CORRUPT or ERROR_FORMAT when they are damaged or were
 * written by somebody without the key; other kinds: could not look. */
int vault_directory_check(const struct vault *vault, const char *pack, struct error *err);

#endif
