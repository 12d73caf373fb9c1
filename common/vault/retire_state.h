#ifndef LONGHAUL_COMMON_VAULT_RETIRE_STATE_H
#define LONGHAUL_COMMON_VAULT_RETIRE_STATE_H

/* What all objects of a retire journal say together, in whatever order they come. The caller locks. */

#include "common/vault/retire_journal.h"

struct error;
struct retire_state;

struct retire_record {
    uint64_t epoch;
    bool known, undone, closed, done; /* known: the record itself was given */
    int64_t created_ms;
    uint64_t undo_ms;
    struct retire_point *points;
    size_t point_count;
    struct retire_pack *packs; /* without those that were kept */
    size_t pack_count;
};

struct retire_state *retire_state_new(void);
void retire_state_free(struct retire_state *state);
void retire_state_free_p(struct retire_state **state);

/* Takes what the object holds. The same again is fine. The queries below count it after retire_state_settle(). */
int retire_state_add(struct retire_state *state, struct retire_object *object, struct error *err);
int retire_state_settle(struct retire_state *state, struct error *err);

uint64_t retire_state_epoch(const struct retire_state *state);       /* of the next record */
uint64_t retire_state_least_epoch(const struct retire_state *state); /* commits below are refused */

/* A record is in effect when it is known and neither undone nor done. The epoch of the one in effect that names it; 0:
 * none does. */
uint64_t retire_state_point(const struct retire_state *state, const char *id);
uint64_t retire_state_pack(const struct retire_state *state, const uint8_t name[PACK_NAME_BYTES]);
size_t retire_state_points(const struct retire_state *state); /* retired ones */
size_t retire_state_packs(const struct retire_state *state);

/* In order of epoch; also what is known only by its undo, close or done. NULL: no more. */
size_t retire_state_records(const struct retire_state *state);
const struct retire_record *retire_state_record(const struct retire_state *state, size_t at);
/* NULL: nothing is known of this epoch. */
const struct retire_record *retire_state_find(const struct retire_state *state, uint64_t epoch);
bool retire_record_in_effect(const struct retire_record *record);

#endif
