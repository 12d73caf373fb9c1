#ifndef LONGHAUL_COMMON_VAULT_CHUNK_H
#define LONGHAUL_COMMON_VAULT_CHUNK_H

/* Names and places of stored pieces. See proto/FORMAT.md for the reasons behind the sizes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* HMAC-SHA256(naming key, plaintext), first 128 bits. Meaningless without the vault's key. */
#define CHUNK_ID_LEN 16

struct chunk_id {
    uint8_t bytes[CHUNK_ID_LEN];
};

/* Objects of a vault are named with 1 to 64 of [a-z0-9-]; packs and index segments with 32 hex digits. */
#define OBJECT_NAME_LEN 65 /* with the NUL */
#define PACK_NAME_LEN   33 /* with the NUL */

/* Where a chunk lies: inside one group of one pack. A group is the unit that is compressed and sealed. */
struct chunk_place {
    bool known; /* false: the vault does not hold it, and the rest is zero */
    char pack[PACK_NAME_LEN];
    uint32_t group;        /* ordinal in the pack */
    uint32_t group_offset; /* of the group's ciphertext in the pack */
    uint32_t group_stored; /* bytes of ciphertext, tag included */
    uint32_t group_raw;    /* bytes when opened and uncompressed */
    uint32_t chunk_offset; /* in the uncompressed group */
    uint32_t chunk_len;
};

/* An offset that counts back from a pack's end, for readers that do not know its size. */
#define PACK_FROM_END(bytes) ((uint64_t)0 - (uint64_t)(bytes))

struct pack_range {
    char pack[PACK_NAME_LEN];
    uint64_t offset; /* or PACK_FROM_END() */
    uint64_t len;
};

enum object_class { /* the numbers are those of proto/vault.proto */
                    OBJECT_FORMAT = 1,
                    OBJECT_KEY_SLOT = 2,
                    OBJECT_POINT = 3,
                    OBJECT_PACK = 4,
                    OBJECT_INDEX = 5,
                    OBJECT_RETIRE = 6, /* the retire journal */
                    OBJECT_RETIRED_POINT =
                        7,                   /* points that are retired and not removed; OBJECT_POINT leaves them out */
                    OBJECT_RETIRED_PACK = 8, /* to be listed only; OBJECT_PACK lists them too */
                    /* To be listed only: packs that a point to be committed may count on. The index lists them, they
                     * are stored with all that it says, and are neither retired nor known to be damaged. */
                    OBJECT_WHOLE_PACK = 9,
                    /* To be listed only: something of them, or all, is known to be damaged or missing. */
                    OBJECT_DAMAGED_PACK = 10
};

/* Ceilings that readers enforce before they allocate. */
#define CHUNK_MAX_BYTES  ((size_t)1 << 20)
#define GROUP_MAX_RAW    ((size_t)8 << 20)
#define PACK_MAX_BYTES   ((size_t)64 << 20)
#define OBJECT_MAX_BYTES ((size_t)1 << 20) /* every class but packs and index segments */
#define FIND_MAX_CHUNKS  16384
#define RANGES_MAX       1024

#endif
