#ifndef LONGHAUL_TRANSPORTER_HOST_SWEEP_MARKS_H
#define LONGHAUL_TRANSPORTER_HOST_SWEEP_MARKS_H

/* Which chunks of an index are needed: three bits for each entry of each segment, one for each role, and a sum for each
 * pack. A chunk that stands in several packs is counted in one of them, always the same: one that is not known to be
 * damaged goes before one that is, then one that is not retired before one that is, then a newer segment before an
 * older. The caller locks. */

#include "common/vault/vault_sweep_backend.h"
#include "transporter/host/index_segment.h"

struct error;
struct sweep_marks;

struct sweep_pack {
    uint8_t name[16];
    uint64_t retired; /* epoch; 0: not */
    uint64_t stored;  /* bytes of its groups */
    uint64_t live;    /* the marked chunks' share of them */
    uint32_t marked;  /* chunks counted here */
    bool lost;
};

/* What is known of a pack when marking begins: sets retired and lost. */
typedef void sweep_pack_state_fn(void *ctx, struct sweep_pack *pack);
struct pack_marks;

/* Retains the segments; the last one is the newest. Memory: 3 bits an entry, 52 bytes a pack. ERROR_LIMIT. */
struct sweep_marks *sweep_marks_new(struct index_segment *const *segments, size_t count, sweep_pack_state_fn *state,
                                    void *ctx, struct error *err);
/* What is known to be damaged, as of now; borrowed for life. NULL: nothing is. */
void sweep_marks_damaged(struct sweep_marks *marks, const struct pack_marks *damaged);
void sweep_marks_free(struct sweep_marks *marks);

/* Asks the processor for what marking this id looks at first: call it SWEEP_MARKS_AHEAD marks ahead. */
#define SWEEP_MARKS_AHEAD 8
void sweep_marks_prefetch(const struct sweep_marks *marks, const struct chunk_id *id);
/* False when no segment has the chunk in a pack that is there. *again: it was marked in this role before. */
bool sweep_marks_mark(struct sweep_marks *marks, enum vault_mark_role role, const struct chunk_id *id, bool *again);
/* Whether it is marked, and counted in this pack. */
bool sweep_marks_lives_in(const struct sweep_marks *marks, const struct chunk_id *id, const uint8_t pack[16]);

size_t sweep_marks_packs(const struct sweep_marks *marks);
/* In order of name. */
const struct sweep_pack *sweep_marks_pack(const struct sweep_marks *marks, size_t at);
/* NULL: no segment names it. */
const struct sweep_pack *sweep_marks_find_pack(const struct sweep_marks *marks, const uint8_t name[16]);
uint64_t sweep_marks_chunks(const struct sweep_marks *marks);
/* Heap. */
size_t sweep_marks_memory(const struct sweep_marks *marks);

#endif
