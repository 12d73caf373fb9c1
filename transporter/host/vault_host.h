#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_H

/* The engine of a host: one vault in one repository, without keys. Everything here is ciphertext, keyed names and
 * lengths. Any thread, several calls at a time. The calls have the meaning of common/vault/vault_backend.h. */

#include "common/vault/vault_backend.h"

struct clock;
struct error;
struct storage;
struct vault_host;

struct vault_host_options {
    const char *vault_id;
    const char *state_dir;  /* of this transporter: fences, locks, and copies of index segments of remote storage */
    uint64_t settle_ms;     /* settling time of the retire journal; 0: VAULT_HOST_SETTLE_MS */
    bool merge_by_hand;     /* index segments are merged by index_merger_run() only: for simulations */
    bool read_only;         /* opening and reading write nothing to the storage */
    uint32_t lock_max_days; /* nobody may lock objects for longer; 0: VAULT_HOST_LOCK_MAX_DAYS */
};

#define VAULT_HOST_LOCK_MAX_DAYS 3650U

/* Who writes: what the grant says. NULL: no grant is needed (break-glass, tests). The header of a point must name the
 * grant's scope (unless it is "") and fence, else ERROR_DENIED. Every object that comes with lock_days is locked for
 * at least so long (vault_host_lock.h), or refused. */
struct vault_host_owner {
    const char *scope;
    uint64_t fence;
    uint32_t lock_days; /* 0: no locks */
};

#define VAULT_HOST_SETTLE_MS ((uint64_t)15 * 60 * 1000)

/* Maps the index segments; packs that no segment lists (a killed run's) are found by one listing and indexed from their
 * own directories. A vault without objects is fine: it may be created. Borrows storage. */
struct vault_host *vault_host_open(struct storage *storage, const struct clock *clock,
                                   const struct vault_host_options *options, struct error *err);
void vault_host_close(struct vault_host *host);
void vault_host_close_p(struct vault_host **host);

int vault_host_begin(struct vault_host *host, uint64_t *epoch, struct error *err);
int vault_host_find_chunks(struct vault_host *host, const struct chunk_id *ids, size_t n, struct chunk_place *places,
                           struct error *err);
int vault_host_locate_chunks(struct vault_host *host, const struct chunk_id *ids, size_t n, struct chunk_place *places,
                             struct error *err);
/* ERROR_FORMAT when the bytes are not a whole pack of this name and vault. */
int vault_host_put_pack(struct vault_host *host, const struct vault_host_owner *owner, const char *name,
                        const uint8_t *data, size_t len, struct error *err);
int vault_host_get_ranges(struct vault_host *host, const struct pack_range *ranges, size_t n, vault_block_fn *sink,
                          void *ctx, struct error *err);
int vault_host_get_object(struct vault_host *host, enum object_class class, const char *name, uint8_t **data,
                          size_t *len, struct error *err);
int vault_host_put_object(struct vault_host *host, const struct vault_host_owner *owner, enum object_class class,
                          const char *name, const uint8_t *data, size_t len, struct error *err);
int vault_host_list_objects(struct vault_host *host, enum object_class class, vault_name_fn *found, void *ctx,
                            struct error *err);

/* With lock_days, all that the point needs is held before it is there. *locked_until: until when, 0 without locks; may
 * be NULL. */
int vault_host_commit_point(struct vault_host *host, const struct vault_host_owner *owner,
                            const struct vault_commit *point, int64_t *locked_until, struct error *err);

/* Of every call with a grant: ERROR_FENCED when a higher fence of this scope was seen; else remembers this one, durably
 * before it returns when it is a new one. */
int vault_host_check_fence(struct vault_host *host, const char *scope, uint64_t fence, struct error *err);
/* From the director: from now on a lower fence is refused. */
int vault_host_raise_fence(struct vault_host *host, const char *scope, uint64_t fence, struct error *err);

int vault_host_chunk_places(struct vault_host *host, const struct chunk_id *id,
                            struct chunk_place places[VAULT_PLACES_MAX], size_t *count, struct error *err);
int vault_host_quarantine(struct vault_host *host, const struct vault_mark *marks, size_t n, uint64_t *ordinal,
                          struct error *err);

int vault_host_rebuild_index(struct vault_host *host, struct error *err);

struct vault_host_stats {
    uint64_t chunks, packs, segments; /* known */
    uint64_t recovered_packs;         /* indexed from their directories at open */
    uint64_t lists;                   /* listings of the storage so far */
    uint64_t retired_packs, retired_points;
    uint64_t quarantined; /* groups and whole packs */
};
void vault_host_stats(struct vault_host *host, struct vault_host_stats *stats);

/* A backend over an engine in this process: a transporter that plays both roles, and break-glass. */
struct vault_backend vault_host_backend(struct vault_host *host);

#endif
