#ifndef LONGHAUL_TRANSPORTER_HOST_INDEX_PENDING_H
#define LONGHAUL_TRANSPORTER_HOST_INDEX_PENDING_H

/* The part of the index that is in memory: packs that no segment lists yet. The caller locks. */

#include "common/vault/pack_format.h"
#include "transporter/host/index_segment.h"

struct index_pending;

struct index_pending *index_pending_new(void);
void index_pending_free(struct index_pending *pending);

/* Whether the chunk has a place outside of this table. */
typedef bool index_known_fn(void *ctx, const struct chunk_id *id);

/* A pack's chunks, or nothing when its directory is not good. Left out is what has a place already, here or as `known`
 * says (NULL: nowhere): a place never changes, so that no later pack can take what is stored out of sight. A pack that
 * is there already is fine. */
int index_pending_add(struct index_pending *pending, const uint8_t name[16], const struct pack_parts *parts,
                      index_known_fn *known, void *known_ctx, struct error *err);
bool index_pending_find(const struct index_pending *pending, const struct chunk_id *id, struct chunk_place *place);
bool index_pending_has_pack(const struct index_pending *pending, const uint8_t name[16]);
size_t index_pending_chunks(const struct index_pending *pending);
size_t index_pending_packs(const struct index_pending *pending);

/* A copy of the tables, sorted for a segment; free the three arrays. */
struct index_content index_pending_sorted(const struct index_pending *pending);

#endif
