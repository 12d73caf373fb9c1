#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_INTERNAL_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_HOST_INTERNAL_H

#include "common/base/identifier.h"
#include "common/vault/pack_format.h"
#include "transporter/host/fence_store.h"
#include "transporter/host/index_pending.h"
#include "transporter/host/index_segment.h"
#include "transporter/host/lost_packs.h"
#include "transporter/host/vault_host.h"
#include "transporter/storage/storage.h"

#include <pthread.h>

struct vault_host {
    struct storage *storage;
    const struct clock *clock;
    char vault_id[IDENTIFIER_LEN];
    char *state_dir;
    struct fence_store *fences;

    pthread_rwlock_t lock; /* segments, pending */
    struct index_segment **segments;
    size_t segment_count, segment_capacity;
    struct index_pending *pending; /* packs that no segment lists yet */
    struct index_pending *writing; /* those that are becoming a segment now; may be NULL */
    pthread_mutex_t committing;    /* one segment is written at a time */
    struct lost_packs *lost;       /* segments list them, the storage has them no more */
    uint64_t recovered_packs, lists;
};

/* "vault-x/packs/4f1d…". ERROR_USAGE when the name is none. */
int vault_host_object_name(const struct vault_host *host, enum object_class class, const char *name,
                           char out[STORAGE_NAME_LEN], struct error *err);
/* Write-once: 0 also when the same bytes are there already, ERROR_EXISTS when others are. */
int vault_host_put_once(struct vault_host *host, const char *object, const uint8_t *data, size_t len,
                        struct error *err);

/* Segments, then packs that none of them lists. */
int vault_host_load_index(struct vault_host *host, struct error *err);
/* Adds the pack's directory to the pending index. Damage is an error. */
int vault_host_index_pack(struct vault_host *host, const char *name, const struct pack_parts *parts, struct error *err);
bool vault_host_knows_pack(struct vault_host *host, const char *name);
/* Makes all that is pending a durable segment. */
int vault_host_write_segment(struct vault_host *host, struct error *err);

#endif
