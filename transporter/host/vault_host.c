#include "transporter/host/vault_host.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/private_file.h"
#include "transporter/host/vault_host_internal.h"
#include "transporter/host/vault_host_lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
vault_host_object_name(const struct vault_host *host, enum object_class class, const char *name,
                       char out[STORAGE_NAME_LEN], struct error *err)
{
    static const char *const folders[] = {
        [OBJECT_FORMAT] = "format",        [OBJECT_KEY_SLOT] = "keys", [OBJECT_POINT] = "points",
        [OBJECT_PACK] = "packs",           [OBJECT_INDEX] = "index",   [OBJECT_RETIRE] = "retire",
        [OBJECT_RETIRED_POINT] = "points",
    };
    uint8_t binary[PACK_NAME_BYTES];
    bool hex = class == OBJECT_PACK || class == OBJECT_INDEX;
    if (class < OBJECT_FORMAT || class > OBJECT_RETIRED_POINT)
        return FAIL(err, ERROR_USAGE, 0, "an object of an unknown class");
    if (strchr(name, '/') != NULL || !storage_name_valid(name) || (hex && pack_name_parse(name, binary) != 0))
        return FAIL(err, ERROR_USAGE, 0, "not a valid object name");
    snprintf(out, STORAGE_NAME_LEN, "%s/%s/%s", host->vault_id, folders[class], name);
    return 0;
}

static int
open_watch(struct vault_host *host, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/retire", host->state_dir);
    CLEANUP(memory_free_p) char *file = memory_printf("%s/%s", folder, host->vault_id);
    if (private_file_folder(folder, err) != 0)
        return -1;
    host->watch = retire_watch_open(file, host->clock, err);
    return host->watch == NULL ? -1 : 0;
}

/* A close must not wait for ever behind commits that keep coming. */
static void
init_commits(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

static int
open_fences(struct vault_host *host, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/fences", host->state_dir);
    CLEANUP(memory_free_p) char *file = memory_printf("%s/%s", folder, host->vault_id);
    if (private_file_folder(folder, err) != 0)
        return -1;
    host->fences = fence_store_open(file, err);
    return host->fences == NULL ? -1 : 0;
}

static int
open_locks(struct vault_host *host, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/locks", host->state_dir);
    CLEANUP(memory_free_p) char *file = memory_printf("%s/%s", folder, host->vault_id);
    if (private_file_folder(folder, err) != 0)
        return -1;
    host->locks = lock_ledger_open(file, host->clock, err);
    return host->locks == NULL ? -1 : 0;
}

struct vault_host *
vault_host_open(struct storage *storage, const struct clock *clock, const struct vault_host_options *options,
                struct error *err)
{
    if (!identifier_valid(options->vault_id)) {
        FAIL(err, ERROR_USAGE, 0, "the vault's id is not valid");
        return NULL;
    }
    CLEANUP(vault_host_close_p) struct vault_host *host = MEMORY_NEW(struct vault_host);
    host->storage = storage;
    host->clock = clock;
    snprintf(host->vault_id, sizeof(host->vault_id), "%s", options->vault_id);
    host->state_dir = memory_strdup(options->state_dir);
    host->read_only = options->read_only;
    host->pending = index_pending_new();
    host->lost = lost_packs_new();
    host->retired = retire_state_new();
    host->settle_ms = options->settle_ms == 0 ? VAULT_HOST_SETTLE_MS : options->settle_ms;
    host->settling_since = clock_monotonic_ms(clock);
    pthread_rwlock_init(&host->lock, NULL);
    pthread_mutex_init(&host->committing, NULL);
    pthread_mutex_init(&host->sweeping, NULL);
    pthread_mutex_init(&host->extending, NULL);
    pthread_mutex_init(&host->locking, NULL);
    pthread_mutex_init(&host->replacing, NULL);
    pthread_mutex_init(&host->marking, NULL);
    init_commits(&host->commits);
    host->merger = index_merger_new(host);
    host->merge_by_hand = options->merge_by_hand;
    host->lock_max_days = options->lock_max_days == 0 ? VAULT_HOST_LOCK_MAX_DAYS : options->lock_max_days;
    if (open_fences(host, err) != 0 || open_locks(host, err) != 0 || open_watch(host, err) != 0 ||
        vault_host_load_journal(host, err) != 0 || vault_host_load_quarantine(host, err) != 0 ||
        vault_host_load_index(host, err) != 0) {
        error_wrap(err, "vault %s", options->vault_id);
        return NULL;
    }
    return MOVE(host);
}

void
vault_host_close(struct vault_host *host)
{
    if (host == NULL)
        return;
    index_merger_free(host->merger);
    for (size_t i = 0; i < host->segment_count; i++)
        index_segment_close(host->segments[i]);
    free(host->segments);
    index_pending_free(host->pending);
    index_pending_free(host->writing);
    lost_packs_free(host->lost);
    vault_host_end_sweep(host);
    retire_state_free(host->retired);
    retire_watch_close(host->watch);
    pthread_mutex_destroy(&host->sweeping);
    pthread_mutex_destroy(&host->marking);
    pack_marks_clear(&host->marks);
    pthread_rwlock_destroy(&host->commits);
    fence_store_close(host->fences);
    pthread_rwlock_destroy(&host->lock);
    pthread_mutex_destroy(&host->committing);
    pthread_mutex_destroy(&host->extending);
    pthread_mutex_destroy(&host->locking);
    pthread_mutex_destroy(&host->replacing);
    lock_ledger_close(host->locks);
    free(host->slots);
    free(host->state_dir);
    free(host);
}

void
vault_host_close_p(struct vault_host **host)
{
    vault_host_close(*host);
    *host = NULL;
}

#define FIND_AHEAD 8 /* enough lookups to wait for the memory of */

/* True when the place is one for now; a retired one, or else a damaged one, is kept in *spare. */
static bool
is_good_place(const struct vault_host *host, const struct chunk_place *place, struct chunk_place *spare)
{
    uint8_t name[PACK_NAME_BYTES];
    bool damaged = pack_marks_has_place(&host->marks, place);
    bool retired = retire_state_packs(host->retired) > 0 && pack_name_parse(place->pack, name) == 0 &&
                   retire_state_pack(host->retired, name) != 0;
    if (!damaged && !retired)
        return true;
    if (!spare->known || (!damaged && pack_marks_has_place(&host->marks, spare)))
        *spare = *place;
    return false;
}

bool
vault_host_place(const struct vault_host *host, const struct chunk_id *id, bool retired_too, struct chunk_place *place)
{
    struct chunk_place spare = { .known = false };
    if (index_pending_find(host->pending, id, place) && is_good_place(host, place, &spare))
        return true;
    if (host->writing != NULL && index_pending_find(host->writing, id, place) && is_good_place(host, place, &spare))
        return true;
    /* The newest segment first: what was written last is asked for most. */
    for (size_t s = host->segment_count; s > 0; s--) {
        if (index_segment_find(host->segments[s - 1], id, place) && !lost_packs_has_place(host->lost, place) &&
            is_good_place(host, place, &spare))
            return true;
    }
    if (retired_too)
        *place = spare;
    else
        memset(place, 0, sizeof(*place));
    return place->known;
}

static int
find(struct vault_host *host, const struct chunk_id *ids, size_t n, bool retired_too, struct chunk_place *places,
     struct error *err)
{
    if (n > FIND_MAX_CHUNKS)
        return FAIL(err, ERROR_LIMIT, 0, "%zu chunks asked for at once; %d are possible", n, FIND_MAX_CHUNKS);
    memset(places, 0, n * sizeof(*places));
    pthread_rwlock_rdlock(&host->lock);
    for (size_t i = 0; i < n; i++) {
        for (size_t s = 0; s < host->segment_count && i + FIND_AHEAD < n; s++)
            index_segment_prefetch(host->segments[s], &ids[i + FIND_AHEAD]);
        vault_host_place(host, &ids[i], retired_too, &places[i]);
    }
    pthread_rwlock_unlock(&host->lock);
    return 0;
}

int
vault_host_find_chunks(struct vault_host *host, const struct chunk_id *ids, size_t n, struct chunk_place *places,
                       struct error *err)
{
    return find(host, ids, n, false, places, err);
}

int
vault_host_locate_chunks(struct vault_host *host, const struct chunk_id *ids, size_t n, struct chunk_place *places,
                         struct error *err)
{
    return find(host, ids, n, true, places, err);
}

struct range_sink {
    vault_block_fn *sink;
    void *ctx;
    size_t range;
};

static int
on_storage_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    const struct range_sink *to = ctx;
    return to->sink(to->ctx, to->range, data, len, err);
}

static int
range_start(struct vault_host *host, const char *object, const struct pack_range *range, uint64_t *offset,
            struct error *err)
{
    struct storage_stat stat;
    *offset = range->offset;
    if ((int64_t)range->offset >= 0)
        return 0;
    if (storage_stat(host->storage, object, &stat, err) != 0)
        return -1;
    if (PACK_FROM_END(range->offset) > stat.size)
        return FAIL(err, ERROR_CORRUPT, 0, "pack %s is shorter than what is asked of its end", range->pack);
    *offset = stat.size + range->offset;
    return 0;
}

int
vault_host_get_ranges(struct vault_host *host, const struct pack_range *ranges, size_t n, vault_block_fn *sink,
                      void *ctx, struct error *err)
{
    char object[STORAGE_NAME_LEN];
    if (n > RANGES_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "%zu ranges asked for at once; %d are possible", n, RANGES_MAX);
    for (size_t i = 0; i < n; i++) {
        struct range_sink to = { sink, ctx, i };
        uint64_t offset = 0;
        if (vault_host_object_name(host, OBJECT_PACK, ranges[i].pack, object, err) != 0 ||
            range_start(host, object, &ranges[i], &offset, err) != 0 ||
            storage_get_range(host->storage, object, offset, ranges[i].len, on_storage_block, &to, err) != 0)
            return -1;
    }
    return 0;
}

int
vault_host_get_object(struct vault_host *host, enum object_class class, const char *name, uint8_t **data, size_t *len,
                      struct error *err)
{
    char object[STORAGE_NAME_LEN];
    if (class == OBJECT_PACK)
        return FAIL(err, ERROR_USAGE, 0, "packs are read by ranges");
    if (vault_host_object_name(host, class, name, object, err) != 0)
        return -1;
    bool retired = vault_host_point_retired(host, name) != 0;
    if (class == OBJECT_POINT && retired)
        return FAIL(err, ERROR_NOT_FOUND, 0,
                    "it is retired; `longhaul vault retired` shows until when that can be undone");
    if (class == OBJECT_RETIRED_POINT && !retired)
        return FAIL(err, ERROR_NOT_FOUND, 0, "it is not retired");
    return storage_get(host->storage, object, OBJECT_MAX_BYTES, data, len, err);
}

/* What is there already, from a killed run or one without locks, may have no lock, or a shorter one. */
static int
lock_existing(struct vault_host *host, const char *object, int64_t until, struct error *err)
{
    if (until == 0)
        return 0;
    if (lock_ledger_until(host->locks, object) < until && storage_extend(host->storage, object, until, err) != 0)
        return -1;
    lock_ledger_note(host->locks, object, until);
    return 0;
}

int
vault_host_put_once(struct vault_host *host, const struct vault_host_owner *owner, const char *object,
                    const uint8_t *data, size_t len, struct error *err)
{
    struct error taken = ERROR_INIT;
    if (vault_host_check_lock(host, owner, err) != 0)
        return -1;
    int64_t until = vault_host_put_until(host, owner);
    if (storage_put(host->storage, object, data, len, until, &taken) == 0) {
        if (until > 0)
            lock_ledger_note(host->locks, object, until);
        return 0;
    }
    if (taken.kind == ERROR_EXISTS) {
        CLEANUP(memory_free_p) uint8_t *there = NULL;
        size_t there_len;
        if (storage_get(host->storage, object, PACK_MAX_BYTES, &there, &there_len, err) != 0)
            return -1;
        if (there_len == len && memcmp(there, data, len) == 0)
            return lock_existing(host, object, until, err);
    }
    if (err != NULL && !error_is_set(err))
        *err = taken;
    return -1;
}

int
vault_host_put_object(struct vault_host *host, const struct vault_host_owner *owner, enum object_class class,
                      const char *name, const uint8_t *data, size_t len, struct error *err)
{
    if (class != OBJECT_FORMAT && class != OBJECT_KEY_SLOT)
        return FAIL(err, ERROR_USAGE, 0, "only the format object and key slots are put like this");
    if (len > OBJECT_MAX_BYTES)
        return FAIL(err, ERROR_LIMIT, 0, "an object of %zu bytes; %zu are possible", len, OBJECT_MAX_BYTES);
    int put = vault_host_put_whole(host, owner, class, name, data, len, err);
    if (class == OBJECT_KEY_SLOT)
        vault_host_forget_slots(host);
    return put < 0 ? -1 : 0;
}

struct name_sink {
    struct vault_host *host;
    enum object_class class;
    vault_name_fn *found;
    void *ctx;
};

static int
on_object_found(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    const struct name_sink *to = ctx;
    const char *own = strrchr(name, '/') + 1;
    (void)stat;
    if ((to->class == OBJECT_POINT && vault_host_point_retired(to->host, own) != 0) ||
        (to->class == OBJECT_RETIRED_POINT && vault_host_point_retired(to->host, own) == 0))
        return 0;
    return to->found(to->ctx, own, err);
}

int
vault_host_list_objects(struct vault_host *host, enum object_class class, vault_name_fn *found, void *ctx,
                        struct error *err)
{
    if (class == OBJECT_KEY_SLOT)
        return vault_host_list_slots(host, found, ctx, err);
    if (class == OBJECT_RETIRED_PACK)
        return vault_host_list_retired_packs(host, found, ctx, err);
    if (class == OBJECT_WHOLE_PACK)
        return vault_host_list_whole_packs(host, found, ctx, err);
    if (class == OBJECT_DAMAGED_PACK)
        return vault_host_list_damaged_packs(host, found, ctx, err);
    return vault_host_list_stored(host, class, found, ctx, err);
}

int
vault_host_list_stored(struct vault_host *host, enum object_class class, vault_name_fn *found, void *ctx,
                       struct error *err)
{
    static const char any[] = "00000000000000000000000000000000";
    char prefix[STORAGE_NAME_LEN];
    struct name_sink to = { host, class, found, ctx };
    if (vault_host_object_name(host, class, any, prefix, err) != 0)
        return -1;
    *strrchr(prefix, '/') = '\0';
    __atomic_fetch_add(&host->lists, 1, __ATOMIC_RELAXED);
    return storage_list(host->storage, prefix, on_object_found, &to, err);
}

int
vault_host_check_fence(struct vault_host *host, const char *scope, uint64_t fence, struct error *err)
{
    return fence_store_check(host->fences, scope, fence, err);
}

int
vault_host_raise_fence(struct vault_host *host, const char *scope, uint64_t fence, struct error *err)
{
    return fence_store_raise(host->fences, scope, fence, err);
}

void
vault_host_stats(struct vault_host *host, struct vault_host_stats *stats)
{
    memset(stats, 0, sizeof(*stats));
    pthread_rwlock_rdlock(&host->lock);
    stats->chunks = index_pending_chunks(host->pending);
    stats->packs = index_pending_packs(host->pending);
    if (host->writing != NULL) {
        stats->chunks += index_pending_chunks(host->writing);
        stats->packs += index_pending_packs(host->writing);
    }
    stats->segments = host->segment_count;
    for (size_t i = 0; i < host->segment_count; i++) {
        stats->chunks += index_segment_chunks(host->segments[i]);
        stats->packs += index_segment_packs(host->segments[i]);
    }
    stats->recovered_packs = host->recovered_packs;
    stats->retired_packs = retire_state_packs(host->retired);
    stats->quarantined = host->marks.count;
    stats->retired_points = retire_state_points(host->retired);
    stats->lists = __atomic_load_n(&host->lists, __ATOMIC_RELAXED);
    pthread_rwlock_unlock(&host->lock);
}
