#ifndef LONGHAUL_TRANSPORTER_HOST_INDEX_SEGMENT_H
#define LONGHAUL_TRANSPORTER_HOST_INDEX_SEGMENT_H

/* An immutable, sorted piece of a vault's index: chunk id -> place. Mapped, never loaded. proto/FORMAT.md, "Index
 * segment". Any thread reads. */

#include "common/vault/chunk.h"

struct buffer;
struct error;
struct index_segment;

#define INDEX_SEGMENT_MAX_BYTES ((size_t)1 << 40)

struct index_pack {
    uint8_t name[16];
};

struct index_group {
    uint32_t pack;    /* position in the pack table */
    uint32_t ordinal; /* in the pack */
    uint32_t offset, stored, raw;
};

struct index_entry {
    struct chunk_id id;
    uint32_t group; /* position in the group table */
    uint32_t chunk_offset, chunk_len;
};

struct index_content {
    struct index_pack *packs; /* sorted by name */
    struct index_group *groups;
    struct index_entry *entries; /* sorted by id, each id once */
    size_t pack_count, group_count, entry_count;
};

/* Sorts packs and entries in place (renumbering) and drops entries that come twice. */
void index_segment_sort(struct index_content *content);
/* Appends the object to out. content is sorted. */
int index_segment_encode(const struct index_content *content, struct buffer *out, struct error *err);

/* Maps the file and checks all of it: digest, order of magnitude of every field, references between tables.
 * ERROR_CORRUPT, ERROR_FORMAT, ERROR_UNSUPPORTED. */
struct index_segment *index_segment_open(const char *path, struct error *err);
/* Over bytes that stay the caller's and outlive it. */
struct index_segment *index_segment_over(const uint8_t *data, size_t len, struct error *err);
/* Another owner, who closes it too. */
struct index_segment *index_segment_retain(struct index_segment *segment);
void index_segment_close(struct index_segment *segment);

/* The object's name, for its owner to remember; "" until it is set. */
void index_segment_set_name(struct index_segment *segment, const char *name);
const char *index_segment_name(const struct index_segment *segment);

bool index_segment_find(const struct index_segment *segment, const struct chunk_id *id, struct chunk_place *place);
/* Position of a chunk's entry, below index_segment_chunks(); false when it has none. */
bool index_segment_position(const struct index_segment *segment, const struct chunk_id *id, size_t *position);
/* What an entry says of the chunk and its group. */
void index_segment_entry(const struct index_segment *segment, size_t position, struct index_group *group,
                         uint32_t *chunk_len);
size_t index_segment_groups(const struct index_segment *segment);
void index_segment_group(const struct index_segment *segment, size_t at, struct index_group *group);
/* Asks the processor for what a find of this id looks at first: call it some finds ahead. */
void index_segment_prefetch(const struct index_segment *segment, const struct chunk_id *id);
bool index_segment_has_pack(const struct index_segment *segment, const uint8_t name[16]);
/* Of the pack at a position below index_segment_packs(), in order of name. */
const uint8_t *index_segment_pack(const struct index_segment *segment, size_t at);
size_t index_segment_chunks(const struct index_segment *segment);
size_t index_segment_packs(const struct index_segment *segment);

#endif
