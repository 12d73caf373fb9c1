#ifndef LONGHAUL_COMMON_VAULT_PACK_FORMAT_H
#define LONGHAUL_COMMON_VAULT_PACK_FORMAT_H

/* A pack's clear parts: header, directory, trailer; what a host reads without keys. See proto/FORMAT.md, "Pack". */

#include "common/vault/chunk.h"

struct buffer;
struct error;

#define PACK_HEADER_LEN     64
#define PACK_TRAILER_LEN    60
#define PACK_NAME_BYTES     16
#define PACK_SALT_LEN       32
#define PACK_MAX_GROUPS     65536
#define PACK_MAX_CHUNKS     (1U << 20)
#define PACK_DIRECTORY      0xffffffffU /* the directory's ordinal among the sealed parts */
#define PACK_DIRECTORY_TAG  16
#define PACK_GROUP_OVERHEAD 17 /* codec byte and GCM tag */

struct pack_header {
    uint8_t name[PACK_NAME_BYTES];
    uint8_t salt[PACK_SALT_LEN];
    uint32_t epoch;
};

void pack_header_encode(const struct pack_header *header, uint8_t out[PACK_HEADER_LEN]);
/* ERROR_FORMAT, ERROR_UNSUPPORTED. len may be that of the whole pack. */
int pack_header_decode(const uint8_t *data, size_t len, struct pack_header *header, struct error *err);

/* "4f1d…" and back; -1 when it is not 32 lower-case hex digits. */
void pack_name_text(const uint8_t name[PACK_NAME_BYTES], char out[PACK_NAME_LEN]);
int pack_name_parse(const char *text, uint8_t name[PACK_NAME_BYTES]);

struct pack_chunk {
    struct chunk_id id;
    uint32_t len;
};

/* Directory entries, in the order of the groups. */
int pack_directory_begin_group(struct buffer *directory, uint32_t stored, uint32_t chunk_count, struct error *err);
int pack_directory_add_chunk(struct buffer *directory, const struct pack_chunk *chunk, struct error *err);

/* The trailer's fields before its digest are part of what the digest covers. */
struct pack_trailer {
    uint32_t directory_len;
    uint32_t groups;
    uint8_t tag[PACK_DIRECTORY_TAG]; /* GCM over nothing, bound to header and directory: for key holders */
};

/* Appends the trailer to a pack whose header and directory are given. */
int pack_trailer_append(const struct pack_trailer *trailer, const uint8_t header[PACK_HEADER_LEN],
                        const uint8_t *directory, struct buffer *out, struct error *err);

/* Where the directory of a pack of this size lies, from its last bytes (PACK_TRAILER_LEN of them). */
int pack_trailer_decode(const uint8_t *data, uint64_t pack_size, struct pack_trailer *trailer, struct error *err);

/* Whether the trailer's digest fits: what anybody can check. len: of directory and trailer. */
bool pack_directory_intact(const uint8_t header[PACK_HEADER_LEN], const uint8_t *directory, size_t len);

/* The size of the whole pack, as the groups' lengths in its directory add up to it. ERROR_FORMAT. */
int pack_directory_size(const uint8_t *directory, const struct pack_trailer *trailer, uint64_t *size,
                        struct error *err);

struct pack_group {
    uint32_t ordinal, offset, stored, raw, chunk_count;
};

/* Called for each group before its chunks. */
typedef int pack_group_fn(void *ctx, const struct pack_group *group, struct error *err);
/* offset: of the chunk in its uncompressed group. */
typedef int pack_chunk_fn(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset,
                          struct error *err);

struct pack_parts {
    const uint8_t *header;    /* PACK_HEADER_LEN bytes */
    const uint8_t *directory; /* directory and trailer */
    size_t directory_len;     /* of both */
    uint64_t size;            /* of the whole pack */
};

/* Checks digest, bounds and that the groups fill the pack exactly, then tells what is inside. Either callback may be
 * NULL. ERROR_CORRUPT when the digest does not fit, ERROR_FORMAT when bounds do not. */
int pack_directory_walk(const struct pack_parts *parts, pack_group_fn *on_group, pack_chunk_fn *on_chunk, void *ctx,
                        struct error *err);

#endif
