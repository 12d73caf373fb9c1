#ifndef LONGHAUL_COMMON_VAULT_VAULT_READER_INTERNAL_H
#define LONGHAUL_COMMON_VAULT_VAULT_READER_INTERNAL_H

/* The reader's inside: where chunks lie (asked in batches, remembered in a small table), opened groups (kept until the
 * cache is full), and single chunks out of them. */

#include "common/base/buffer.h"
#include "common/vault/vault_internal.h"
#include "common/vault/vault_reader.h"

#define READER_PLACES    4096
#define READER_PACKS     64 /* not fewer than READER_FETCH */
#define READER_FETCH     64
#define READER_WINDOW    ((size_t)8 << 20)
#define READER_LOOKAHEAD 512

#define READER_VERIFIED 64 /* chunks of an opened group that are remembered as checked */

struct pack_set;

struct reader_group {
    char pack[PACK_NAME_LEN];
    uint32_t group;
    uint32_t raw;
    uint64_t used; /* the reader's tick when it was used last */
    uint8_t *data;
    size_t capacity;           /* of data */
    struct reader_group *next; /* in its bucket */
    unsigned verified_count;   /* ever; the newest READER_VERIFIED are kept */
    struct reader_verified {
        uint32_t offset, len;
        struct chunk_id id;
    } verified[READER_VERIFIED];
};

struct reader_place {
    struct chunk_id id;
    struct chunk_place place;
    bool filled;
};

struct reader_pack_key {
    char pack[PACK_NAME_LEN];
    struct aead *aead;
    uint64_t used;
};

#define READER_BUCKETS 256

struct vault_reader {
    struct vault *vault;
    struct hmac *naming;
    struct group_decoder *decoder;
    size_t cache_bytes, cached;
    uint64_t tick;
    struct reader_group *buckets[READER_BUCKETS];
    struct reader_pack_key keys[READER_PACKS];
    struct reader_place *places;
    struct buffer sealed; /* one range that is arriving */
    uint8_t *spare;       /* memory of a group that left the cache, for the next one */
    size_t spare_capacity;
    uint64_t bytes_fetched;
    struct pack_set *stored;           /* when it is known which packs are really there; borrowed */
    const struct pack_marks *suspects; /* with `stored`: places here are believed only when they were read; borrowed */
    struct pack_marks *found_bad;      /* receives what turns out to be damaged; borrowed */
    bool trusted_only;                 /* find what a writer would count on, and nothing else */
};

/* As vault_reader_read(), for a content that is no message (a recipe itself, an attachment). */
int vault_reader_read_plain(struct vault_reader *reader, const struct content_ref *ref, vault_sink_fn *sink, void *ctx,
                            struct error *err);

/* A message's recipe that was read before; data is NULL when it was not kept. */
struct reader_recipe {
    uint8_t *data;
    size_t len;
};

/* The bytes of a message's recipe. */
int vault_reader_read_recipe(struct vault_reader *reader, const struct content_ref *ref, vault_sink_fn *sink, void *ctx,
                             struct error *err);
/* As vault_reader_read(), with the recipe in hand; NULL: without. */
int vault_reader_read_held(struct vault_reader *reader, const struct content_ref *ref, const struct reader_recipe *held,
                           vault_sink_fn *sink, void *ctx, struct error *err);

/* Whether an answer of the host is possible at all. */
bool vault_reader_place_sane(const struct chunk_place *place);
/* Asks for those of the ids that are not remembered. */
int vault_reader_locate(struct vault_reader *reader, const struct chunk_id *ids, size_t n, struct error *err);
/* Where a chunk lies; ERROR_NOT_FOUND when the vault has none of this name. */
int vault_reader_place(struct vault_reader *reader, const struct chunk_id *id, struct chunk_place *place,
                       struct error *err);

/* Whether the place may be gone by: its pack is stored, and it is no suspect. Else *place becomes another one of the
 * chunk that is good, if there is any. Notes what is used. */
int vault_reader_check_place(struct vault_reader *reader, const struct chunk_id *id, struct chunk_place *place,
                             struct error *err);
/* Remembers that the group, or PACK_MARK_WHOLE, is damaged, if anybody wants to know. */
int vault_reader_note_bad(struct vault_reader *reader, const char *pack, uint32_t group, struct error *err);
/* From now on the chunk is looked for there. */
void vault_reader_note_place(struct vault_reader *reader, const struct chunk_id *id, const struct chunk_place *place);

/* Whether a place in the same group is among them. */
bool vault_reader_has_group(const struct chunk_place *const *places, size_t n, const struct chunk_place *place);

/* Fetches and opens groups that are not in the cache, neighbours in one range. Damaged groups are left out: they fail
 * when they are read. Fails when the backend does. At most READER_FETCH places. */
int vault_reader_fetch(struct vault_reader *reader, const struct chunk_place *const *places, size_t n,
                       struct error *err);
/* The opened group of this place, valid until the next call on the reader. */
struct reader_group *vault_reader_group(struct vault_reader *reader, const struct chunk_place *place,
                                        struct error *err);

/* The chunk's bytes, checked against its name; valid until the next call on the reader. */
const uint8_t *vault_reader_chunk(struct vault_reader *reader, const struct chunk_id *id, size_t *len,
                                  struct error *err);

/* The same, at this place and nowhere else. */
const uint8_t *vault_reader_chunk_at(struct vault_reader *reader, const struct chunk_id *id,
                                     const struct chunk_place *place, struct error *err);
/* The chunk from any other place that it has, when *place is damaged; then *place is that. *err, which tells of the
 * damage, stays when there is none. */
const uint8_t *vault_reader_chunk_elsewhere(struct vault_reader *reader, const struct chunk_id *id,
                                            struct chunk_place *place, struct error *err);

struct reader_group *vault_reader_cache_find(struct vault_reader *reader, const char *pack, uint32_t group);
/* Memory for a group, after the oldest ones made room for it; the caller gives it to vault_reader_cache_add() or frees
 * it. NULL when there is none. */
uint8_t *vault_reader_cache_room(struct vault_reader *reader, size_t raw, size_t *capacity);
void vault_reader_cache_add(struct vault_reader *reader, const struct chunk_place *place, uint8_t *data,
                            size_t capacity);
void vault_reader_cache_clear(struct vault_reader *reader);

#endif
