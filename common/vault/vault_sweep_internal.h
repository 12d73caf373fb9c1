#ifndef LONGHAUL_COMMON_VAULT_VAULT_SWEEP_INTERNAL_H
#define LONGHAUL_COMMON_VAULT_VAULT_SWEEP_INTERNAL_H

#include "common/base/buffer.h"
#include "common/vault/content.h"
#include "common/vault/retire_state.h"
#include "common/vault/vault_internal.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_sweep.h"
#include "common/vault/vault_sweep_backend.h"

struct point;

/* A growing list of names. */
struct sweep_names {
    char (*at)[OBJECT_NAME_LEN];
    size_t count, room;
};

void sweep_names_clear(struct sweep_names *names);
int sweep_names_add(struct sweep_names *names, const char *name, struct error *err);
void sweep_names_sort(struct sweep_names *names);
/* Sorted ones. */
bool sweep_names_has(const struct sweep_names *names, const char *name);
/* Adds the names of a class, and sorts. */
int sweep_names_list(struct sweep_names *names, struct vault *vault, enum object_class class, struct error *err);

/* Contents waiting to be marked together. */
struct sweep_batch {
    struct chunk_id ids[FIND_MAX_CHUNKS];
    uint8_t states[FIND_MAX_CHUNKS];
    size_t count;
};

struct vault_sweep {
    struct vault *vault;
    const struct vault_sweep_options *options;
    struct vault_sweep_result *result;
    struct vault_sweep_session session;
    struct vault_sweep_progress progress;
    bool in_session;
    uint64_t marks; /* calls in this session */
    struct retire_state *journal;
    struct vault_reader *reader;
    struct sweep_batch *data, *lists, *recipes;
    struct content_ref *recipe_refs; /* as many as a batch has ids */
    struct sweep_names live;         /* points */
};

int vault_sweep_check(struct vault_sweep *sweep, const char *phase, struct error *err); /* cancelled? tells progress */

/* A session, the journal (every object checked) and the live points. */
int vault_sweep_open(struct vault_sweep *sweep, struct error *err);
int vault_sweep_journal_read(struct vault *vault, struct retire_state *state, struct error *err);
int vault_sweep_journal_write(struct vault_sweep *sweep, struct retire_object *object, struct error *err);

/* Marks all that the point needs. */
int vault_sweep_mark_point(struct vault_sweep *sweep, const char *id, bool retired, struct error *err);
/* What still waits in batches. */
int vault_sweep_mark_rest(struct vault_sweep *sweep, struct error *err);
/* Every live point; without those to expire only where they are retired next, in the same session: later they may have
 * been brought back. */
int vault_sweep_mark_live(struct vault_sweep *sweep, bool without_expired, struct error *err);

/* Finds, rewrites and retires what only the points to expire need, and what nothing needs. */
int vault_sweep_retire(struct vault_sweep *sweep, struct error *err);
/* Closes what is old enough. *closed: whether anything was. */
int vault_sweep_close(struct vault_sweep *sweep, bool *closed, struct error *err);
/* Whether closed records are waiting for a session that may remove what they name. */
bool vault_sweep_has_closed(const struct vault_sweep *sweep, bool in_this_session);
/* Live points are marked. */
int vault_sweep_remove(struct vault_sweep *sweep, struct error *err);

/* Rewrites packs into new ones. */
struct vault_repack;
struct vault_repack *vault_repack_new(struct vault_sweep *sweep);
void vault_repack_free(struct vault_repack *repack);
/* 1: its live chunks are in the new pack that is being filled, or in one that is durable. 0: it is damaged. -1. */
int vault_repack_add(struct vault_repack *repack, const char *pack, uint64_t size, struct error *err);
/* Everything added is durable. */
int vault_repack_flush(struct vault_repack *repack, struct error *err);

#endif
