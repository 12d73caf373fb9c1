#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_INTERNAL_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_INTERNAL_H

#include "common/base/identifier.h"
#include "common/vault/pack_format.h"
#include "common/vault/pack_marks.h"
#include "common/vault/retire_state.h"
#include "transporter/host/fence_store.h"
#include "transporter/host/index_merger.h"
#include "transporter/host/index_pending.h"
#include "transporter/host/index_segment.h"
#include "transporter/host/lock_ledger.h"
#include "transporter/host/lost_packs.h"
#include "transporter/host/retire_watch.h"
#include "transporter/host/vault_host.h"
#include "transporter/storage/storage.h"

#include <pthread.h>

struct host_sweep;

struct buffer;

struct vault_host {
    struct storage *storage;
    const struct clock *clock;
    char vault_id[IDENTIFIER_LEN];
    char *state_dir;
    bool read_only;
    struct fence_store *fences;

    pthread_rwlock_t lock; /* segments, pending, retired */
    struct index_segment **segments;
    size_t segment_count, segment_capacity;
    struct index_pending *pending; /* packs that no segment lists yet */
    struct index_pending *writing; /* those that are becoming a segment now; may be NULL */
    pthread_mutex_t committing;    /* one segment is written at a time */
    struct index_merger *merger;
    bool merge_by_hand;
    bool index_loaded;
    struct lost_packs *lost; /* segments list them, the storage has them no more */
    uint64_t recovered_packs, lists;

    struct pack_marks marks; /* what was found damaged; `lock` guards it */
    uint64_t mark_ordinal;   /* of the newest record; `marking` guards it */
    pthread_mutex_t marking;

    struct retire_state *retired; /* the retire journal */
    struct retire_watch *watch;
    pthread_rwlock_t commits;           /* held by each commit; exclusively while a close takes effect */
    uint64_t settle_ms, settling_since; /* monotonic: when the host opened, or a close took effect */
    pthread_mutex_t sweeping;           /* the session, and whatever it does */
    struct host_sweep *sweep;           /* the one session; NULL: none */
    struct lock_ledger *locks;
    uint32_t lock_max_days;
    pthread_mutex_t extending; /* one batch of locks is extended at a time */
    pthread_mutex_t replacing; /* one ruined object makes room at a time */
    pthread_mutex_t locking;   /* the key slots' names */
    char (*slots)[OBJECT_NAME_LEN];
    size_t slot_count;
    bool slots_known;
};

/* What the storage lists, with what is retired told apart. */
int vault_host_list_stored(struct vault_host *host, enum object_class class, vault_name_fn *found, void *ctx,
                           struct error *err);
/* Only this host writes key slots, and a run begins with them: they are listed once. */
int vault_host_list_slots(struct vault_host *host, vault_name_fn *found, void *ctx, struct error *err);
/* "vault-x/packs/4f1d…". ERROR_USAGE when the name is none. */
int vault_host_object_name(const struct vault_host *host, enum object_class class, const char *name,
                           char out[STORAGE_NAME_LEN], struct error *err);
/* Write-once: 0 also when the same bytes are there already, ERROR_EXISTS when others are. Locked as the owner wants,
 * and as vault_host_put_until() says. */
int vault_host_put_once(struct vault_host *host, const struct vault_host_owner *owner, const char *object,
                        const uint8_t *data, size_t len, struct error *err);
/* Likewise, but what is there and is ruined makes room: it does not even fit its own length, digest or name, as after a
 * write that was cut off. Nobody counts on it, and for a good object of that name there is no other place. 1: it was
 * replaced; 0: stored, or there already; -1. */
int vault_host_put_whole(struct vault_host *host, const struct vault_host_owner *owner, enum object_class class,
                         const char *name, const uint8_t *data, size_t len, struct error *err);

/* Segments, then packs that none of them lists. */
int vault_host_load_index(struct vault_host *host, struct error *err);
/* Adds the pack's directory to the pending index, without the chunks that have a place already unless it `replaces`
 * them. Damage is an error. */
int vault_host_index_pack(struct vault_host *host, const char *name, const struct pack_parts *parts, bool replaces,
                          struct error *err);
/* As vault_host_put_pack(). */
int vault_host_store_pack(struct vault_host *host, const struct vault_host_owner *owner, const char *name,
                          const uint8_t *data, size_t len, bool replaces, struct error *err);
/* A pack's clear parts, read from the storage: *parts points into the two buffers. */
int vault_host_read_directory(struct vault_host *host, const char *name, struct buffer *header, struct buffer *tail,
                              struct pack_parts *parts, struct error *err);
/* Where a chunk lies, called with the lock held. A place in a pack that is not retired goes before any other; with
 * `retired_too` a retired one is better than none. */
bool vault_host_place(const struct vault_host *host, const struct chunk_id *id, bool retired_too,
                      struct chunk_place *place);
bool vault_host_knows_pack(struct vault_host *host, const char *name);
/* Lists the packs anew, as another host has written or removed some: what is gone is lost, what is new is indexed. */
int vault_host_refresh_packs(struct vault_host *host, struct error *err);
/* Reads the retire journal; what is known already stays. */
int vault_host_load_journal(struct vault_host *host, struct error *err);
/* Whether a run of this epoch may commit a point of this name; called with `commits` held until the point is durable.
 */
int vault_host_check_epoch(struct vault_host *host, uint64_t epoch, const char *point, struct error *err);
/* 0 when the point is not retired. */
uint64_t vault_host_point_retired(struct vault_host *host, const char *point);
int vault_host_list_retired_packs(struct vault_host *host, vault_name_fn *found, void *ctx, struct error *err);
/* OBJECT_WHOLE_PACK: the storage is listed for it. */
int vault_host_list_whole_packs(struct vault_host *host, vault_name_fn *found, void *ctx, struct error *err);
int vault_host_list_damaged_packs(struct vault_host *host, vault_name_fn *found, void *ctx, struct error *err);
/* Reads the records of what was found damaged. */
int vault_host_load_quarantine(struct vault_host *host, struct error *err);
/* Whether a sweep's session is open; called with `sweeping` held. One that nobody has used for long is ended. */
bool vault_host_sweep_runs(struct vault_host *host);
/* Ends the session, if any. */
void vault_host_end_sweep(struct vault_host *host);

/* Stores the file as a new segment and opens it; it is not the host's yet. */
struct index_segment *vault_host_store_segment_file(struct vault_host *host, int fd, uint64_t size, struct error *err);
/* Of a segment that others cover: what cannot be removed now is found at the next open. */
void vault_host_remove_segment(struct vault_host *host, const struct index_segment *segment);
/* The table as a durable segment, opened. */
struct index_segment *vault_host_store_segment(struct vault_host *host, const struct index_pending *pending,
                                               struct error *err);
/* Makes all that is pending a durable segment. */
int vault_host_write_segment(struct vault_host *host, struct error *err);

/* What must be held while any point is, and until when it is, as far as known. found must not call the storage. */
typedef int vault_host_needed_fn(void *ctx, const char *object, int64_t until, struct error *err);
int vault_host_each_needed(struct vault_host *host, vault_host_needed_fn *found, void *ctx, struct error *err);
/* A key slot has come or gone. */
void vault_host_forget_slots(struct vault_host *host);

struct vault_host_names {
    char (*at)[STORAGE_NAME_LEN];
    size_t count, capacity;
};
int vault_host_names_add(struct vault_host_names *names, const char *object, struct error *err);
void vault_host_names_clear(struct vault_host_names *names);

#endif
