#ifndef LONGHAUL_COMMON_VAULT_VAULT_FORMAT_H
#define LONGHAUL_COMMON_VAULT_VAULT_FORMAT_H

/* The format object: what a vault is, in clear, authenticated under its master key. See proto/FORMAT.md. */

#include "common/base/identifier.h"
#include "common/vault/chunker.h"

#include <stddef.h>
#include <stdint.h>

struct buffer;
struct error;

#define VAULT_FORMAT_NAME    "format"
#define VAULT_FORMAT_MAX     256
#define VAULT_FORMAT_MAC_LEN 32

#define VAULT_FORMAT_QUOTED 2 /* the first with quoted-printable in recipes */
#define VAULT_FORMAT_PATHS  3 /* the first whose catalogs have narrow nodes above their leaves */
#define VAULT_FORMAT_NEWEST 3

struct vault_format {
    char vault_id[IDENTIFIER_LEN];
    uint8_t version; /* VAULT_FORMAT_NEWEST or older: what is written into the vault stays within it */
    struct chunker_sizes sizes;
    uint8_t compression_level;
    int64_t created_ms;
};

int vault_format_encode(const struct vault_format *format, const uint8_t mac_key[32], struct buffer *out,
                        struct error *err);
/* Without a key: nothing here is to be trusted yet. ERROR_FORMAT, ERROR_UNSUPPORTED (a newer version). */
int vault_format_decode(const uint8_t *data, size_t len, struct vault_format *format, struct error *err);
/* 0 when the object was written under this key; data has passed vault_format_decode(). */
int vault_format_check(const uint8_t *data, size_t len, const uint8_t mac_key[32], struct error *err);

#endif
