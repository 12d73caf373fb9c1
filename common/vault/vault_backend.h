#ifndef LONGHAUL_COMMON_VAULT_VAULT_BACKEND_H
#define LONGHAUL_COMMON_VAULT_VAULT_BACKEND_H

/* What a vault needs from whoever holds its objects: a remote host (RPC) or an engine in this process. One
 * backend is bound to one vault. All calls block, any thread may make them, several at a time. They mirror
 * proto/vault.proto. "Cannot look" is an error; NOT_FOUND means known to be absent. */

#include "common/vault/chunk.h"

struct error;

/* One block of a range, in order; blocks of one range are complete when the next range starts and when
 * get_ranges returns 0. data is borrowed for the call. Return -1 (with err set) to stop. */
typedef int vault_block_fn(void *ctx, size_t range, const uint8_t *data, size_t len, struct error *err);
typedef int vault_name_fn(void *ctx, const char *name, struct error *err);

struct vault_sweep_vtable;

/* A recovery point on its way in. */
struct vault_commit {
    const char *name;
    const uint8_t *data;
    size_t len;
    const char (*packs)[PACK_NAME_LEN]; /* written by this run */
    size_t pack_count;
    uint64_t epoch; /* what begin() told before the run read anything; 0: not known */
};

#define VAULT_PLACES_MAX 16 /* of one chunk */
#define VAULT_MARKS_MAX  4096

/* A group of a pack that was found damaged, or found whole again. */
struct vault_mark {
    char pack[PACK_NAME_LEN];
    uint32_t group; /* or PACK_MARK_WHOLE */
    bool good;
};

struct vault_backend_vtable {
    /* The vault's epoch. Every run asks before it reads anything that its point may refer to: the point it goes on
     * from, or where chunks lie. proto/FORMAT.md, "Retire journal". */
    int (*begin)(void *backend, uint64_t *epoch, struct error *err);
    /* For writers: what they need not store. places[i] answers ids[i]; n is at most FIND_MAX_CHUNKS. A chunk counts as
     * known as soon as the pack that holds it is durable, also before any point refers to it; not when its pack is
     * retired, and not when it was found damaged. */
    int (*find_chunks)(void *backend, const struct chunk_id *ids, size_t n, struct chunk_place *places,
                       struct error *err);
    /* For readers: likewise, but a retired or damaged pack is better than none. */
    int (*locate_chunks)(void *backend, const struct chunk_id *ids, size_t n, struct chunk_place *places,
                         struct error *err);
    /* 0 means durable. The same pack again is fine; other bytes under a taken name are ERROR_EXISTS. */
    int (*put_pack)(void *backend, const char *name, const uint8_t *data, size_t len, struct error *err);
    /* In the order asked; n is at most RANGES_MAX. A range beyond the pack's end is ERROR_CORRUPT. */
    int (*get_ranges)(void *backend, const struct pack_range *ranges, size_t n, vault_block_fn *sink, void *ctx,
                      struct error *err);
    /* *data is allocated; the caller frees it. At most OBJECT_MAX_BYTES. Not for packs. */
    int (*get_object)(void *backend, enum object_class class, const char *name, uint8_t **data, size_t *len,
                      struct error *err);
    /* Write-once, as put_pack. Not for packs, points and index segments. */
    int (*put_object)(void *backend, enum object_class class, const char *name, const uint8_t *data, size_t len,
                      struct error *err);
    int (*list_objects)(void *backend, enum object_class class, vault_name_fn *found, void *ctx, struct error *err);
    /* Makes the index of the named packs durable, then the point. ERROR_CONFLICT when a named pack is not there, or a
     * sweep has closed the run's epoch: begin again. ERROR_FENCED when a newer owner holds the point's scope.
     * ERROR_EXISTS when a point of this name is retired. */
    int (*commit_point)(void *backend, const struct vault_commit *commit, struct error *err);
    /* Every place of one chunk, the best first; NULL: only locate_chunks tells. */
    int (*chunk_places)(void *backend, const struct chunk_id *id, struct chunk_place places[VAULT_PLACES_MAX],
                        size_t *count, struct error *err);
    /* Notes durably what was found damaged, or whole again; at most VAULT_MARKS_MAX. *ordinal, of the newest note (0:
     * none), grows with each call that has marks. Nothing is removed. NULL: cannot be noted. */
    int (*quarantine)(void *backend, const struct vault_mark *marks, size_t n, uint64_t *ordinal, struct error *err);
    /* Makes the index anew from the packs' directories; what was indexed before is found all the while. NULL: not this
     * way. */
    int (*rebuild_index)(void *backend, struct error *err);
    const struct vault_sweep_vtable *sweep; /* common/vault/vault_sweep_backend.h; NULL: no sweeps this way */
};

/* Passed by value; the table and the backend belong to whoever made it and outlive the vault. */
struct vault_backend {
    const struct vault_backend_vtable *vtable;
    void *ctx;
};

#endif
