#ifndef LONGHAUL_TRANSPORTER_HOST_LOST_PACKS_H
#define LONGHAUL_TRANSPORTER_HOST_LOST_PACKS_H

/* Packs that index segments list although the storage has them no more. Places in them are not to be trusted: what is
 * reported as known is not stored again. Not locked: the vault host's lock is the one. */

#include "transporter/host/index_segment.h"

struct error;
struct lost_packs;

struct lost_packs *lost_packs_new(void);
void lost_packs_free(struct lost_packs *lost);

/* Each pack that the storage lists, with its bytes, in any order; then once what the segments list. */
int lost_packs_note_stored(struct lost_packs *lost, const uint8_t name[16], uint64_t size, struct error *err);
int lost_packs_settle(struct lost_packs *lost, struct index_segment *const *segments, size_t count, struct error *err);

/* Nothing is lost before lost_packs_settle(). */
bool lost_packs_has(const struct lost_packs *lost, const uint8_t name[16]);
/* A place whose pack is lost is none. */
bool lost_packs_has_place(const struct lost_packs *lost, const struct chunk_place *place);
/* It has just been removed, or found missing. */
int lost_packs_add(struct lost_packs *lost, const uint8_t name[16], struct error *err);
/* It has come back. */
void lost_packs_drop(struct lost_packs *lost, const uint8_t name[16]);
size_t lost_packs_count(const struct lost_packs *lost);
const uint8_t *lost_packs_name(const struct lost_packs *lost, size_t at);
/* Packs that are stored, and shorter than a segment says; as lost_packs_settle() found them. */
size_t lost_packs_cut_count(const struct lost_packs *lost);
const uint8_t *lost_packs_cut(const struct lost_packs *lost, size_t at);

#endif
