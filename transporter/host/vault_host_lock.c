#include "transporter/host/vault_host_lock.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/vault/vault_format.h"
#include "transporter/host/lock_extend.h"
#include "transporter/host/lock_ledger.h"
#include "transporter/host/lock_policy.h"
#include "transporter/host/vault_host_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_CEILING ((size_t)1 << 30)

static uint32_t
days_of(const struct vault_host_owner *owner)
{
    return owner == NULL ? 0 : owner->lock_days;
}

int
vault_host_check_lock(struct vault_host *host, const struct vault_host_owner *owner, struct error *err)
{
    if (days_of(owner) == 0)
        return 0;
    if (days_of(owner) > host->lock_max_days)
        return FAIL(err, ERROR_DENIED, 0,
                    "objects are to be locked for %u days; this host allows %u (vault.lock_max in its configuration)",
                    owner->lock_days, host->lock_max_days);
    if ((host->storage->features & STORAGE_HAS_LOCKS) == 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0,
                    "objects are to be locked for %u days, and the repository's storage has no locks: see "
                    "\"longhaul repository show\"",
                    owner->lock_days);
    return 0;
}

int64_t
vault_host_put_until(struct vault_host *host, const struct vault_host_owner *owner)
{
    int64_t now = clock_wall_ms(host->clock);
    if ((host->storage->features & STORAGE_HAS_LOCKS) == 0)
        return 0;
    if (days_of(owner) > 0)
        return lock_policy_give(now, owner->lock_days);
    int64_t promise = lock_ledger_promise(host->locks);
    return promise > now ? promise : 0;
}

static int
tell(struct vault_host *host, enum object_class class, const char *name, vault_host_needed_fn *found, void *ctx,
     struct error *err)
{
    char object[STORAGE_NAME_LEN];
    if (vault_host_object_name(host, class, name, object, err) != 0)
        return -1;
    return found(ctx, object, lock_ledger_until(host->locks, object), err);
}

/* Listed once for as long as the host lives and no slot comes: steady runs list nothing. */
static int
on_slot_found(void *ctx, const char *name, struct error *err)
{
    struct vault_host *host = ctx;
    char(*more)[OBJECT_NAME_LEN] = memory_array(host->slot_count + 1, sizeof(*more), NAMES_CEILING, err);
    if (more == NULL)
        return -1;
    if (host->slot_count > 0)
        memcpy(more, host->slots, host->slot_count * sizeof(*more));
    snprintf(more[host->slot_count++], sizeof(*more), "%s", name);
    free(host->slots);
    host->slots = more;
    return 0;
}

void
vault_host_forget_slots(struct vault_host *host)
{
    pthread_mutex_lock(&host->locking);
    host->slots_known = false;
    pthread_mutex_unlock(&host->locking);
}

/* Called with `locking` held. */
static int
load_slots(struct vault_host *host, struct error *err)
{
    if (host->slots_known)
        return 0;
    free(host->slots);
    host->slots = NULL;
    host->slot_count = 0;
    if (vault_host_list_stored(host, OBJECT_KEY_SLOT, on_slot_found, host, err) != 0)
        return -1;
    host->slots_known = true;
    return 0;
}

int
vault_host_list_slots(struct vault_host *host, vault_name_fn *found, void *ctx, struct error *err)
{
    CLEANUP(memory_free_p) char(*names)[OBJECT_NAME_LEN] = NULL;
    size_t count = 0;
    pthread_mutex_lock(&host->locking);
    int failed = load_slots(host, err);
    if (failed == 0 && (names = memory_array(host->slot_count, sizeof(*names), NAMES_CEILING, err)) == NULL)
        failed = -1;
    if (failed == 0 && host->slot_count > 0)
        memcpy(names, host->slots, (count = host->slot_count) * sizeof(*names));
    pthread_mutex_unlock(&host->locking);
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = found(ctx, names[i], err);
    return failed == 0 ? 0 : -1;
}

/* Called with `locking` held. */
static int
each_slot(struct vault_host *host, vault_host_needed_fn *found, void *ctx, struct error *err)
{
    if (load_slots(host, err) != 0)
        return -1;
    for (size_t i = 0; i < host->slot_count; i++)
        if (tell(host, OBJECT_KEY_SLOT, host->slots[i], found, ctx, err) != 0)
            return -1;
    return 0;
}

/* Packs that no segment lists are of no point yet: a commit writes the segment first, and so does
 * vault_host_each_needed() for what was recovered from a segment that could not be read. */
static int
each_pack(struct vault_host *host, vault_host_needed_fn *found, void *ctx, struct error *err)
{
    char text[PACK_NAME_LEN];
    int failed = 0;
    pthread_rwlock_rdlock(&host->lock);
    for (size_t s = 0; failed == 0 && s < host->segment_count; s++)
        for (size_t i = 0; failed == 0 && i < index_segment_packs(host->segments[s]); i++) {
            const uint8_t *name = index_segment_pack(host->segments[s], i);
            if (lost_packs_has(host->lost, name))
                continue;
            pack_name_text(name, text);
            failed = tell(host, OBJECT_PACK, text, found, ctx, err);
        }
    pthread_rwlock_unlock(&host->lock);
    return failed;
}

int
vault_host_each_needed(struct vault_host *host, vault_host_needed_fn *found, void *ctx, struct error *err)
{
    if (!host->read_only && vault_host_write_segment(host, err) != 0)
        return error_wrap(err, "writing the index of packs that are needed");
    pthread_mutex_lock(&host->locking);
    int failed = tell(host, OBJECT_FORMAT, VAULT_FORMAT_NAME, found, ctx, err);
    if (failed == 0)
        failed = each_slot(host, found, ctx, err);
    pthread_mutex_unlock(&host->locking);
    return failed != 0 ? -1 : each_pack(host, found, ctx, err);
}

int
vault_host_names_add(struct vault_host_names *names, const char *object, struct error *err)
{
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 64 : 2 * names->capacity;
        char(*more)[STORAGE_NAME_LEN] = memory_array(capacity, sizeof(*more), NAMES_CEILING, err);
        if (more == NULL)
            return -1;
        if (names->count > 0)
            memcpy(more, names->at, names->count * sizeof(*more));
        free(names->at);
        names->at = more;
        names->capacity = capacity;
    }
    snprintf(names->at[names->count++], sizeof(*names->at), "%s", object);
    return 0;
}

void
vault_host_names_clear(struct vault_host_names *names)
{
    free(names->at);
}

struct due {
    struct vault_host *host;
    int64_t before; /* due is what ends earlier */
    struct vault_host_names names;
};

static int
on_needed_due(void *ctx, const char *object, int64_t until, struct error *err)
{
    struct due *due = ctx;
    if (until >= due->before || lock_ledger_is_dead(due->host->locks, object))
        return 0;
    return vault_host_names_add(&due->names, object, err);
}

static void
due_clear(struct due *due)
{
    vault_host_names_clear(&due->names);
}

/* The next run must store again what they held. */
static int
refuse_missing(struct vault_host *host, const struct lock_extend_result *result, struct error *err)
{
    uint8_t binary[PACK_NAME_BYTES];
    const char *name = strrchr(result->first_missing, '/') + 1;
    if (pack_name_parse(name, binary) != 0) {
        vault_host_forget_slots(host);
        return FAIL(err, ERROR_CORRUPT, 0, "the storage has lost %s, which every recovery point of the vault needs",
                    result->first_missing);
    }
    pthread_rwlock_wrlock(&host->lock);
    int failed = lost_packs_add(host->lost, binary, err);
    pthread_rwlock_unlock(&host->lock);
    if (failed != 0)
        return -1;
    return FAIL(err, ERROR_CONFLICT, 0,
                "the storage has lost %s: what it held is stored again when the run is repeated",
                result->first_missing);
}

/* Two runs that hold the same objects share the work: each batch is looked at again when its turn comes. */
static int
extend_batch(struct vault_host *host, const struct due *due, size_t from, size_t count, int64_t give,
             struct lock_extend_result *result, struct error *err)
{
    char names[LOCK_EXTEND_BATCH][STORAGE_NAME_LEN];
    size_t n = 0;
    pthread_mutex_lock(&host->extending);
    for (size_t i = from; i < from + count; i++)
        if (lock_ledger_until(host->locks, due->names.at[i]) < due->before)
            memcpy(names[n++], due->names.at[i], STORAGE_NAME_LEN);
    int failed =
        lock_extend_run(host->storage, host->locks, (const char(*)[STORAGE_NAME_LEN])names, n, give, result, err);
    pthread_mutex_unlock(&host->extending);
    return failed;
}

static int
extend_due(struct vault_host *host, const struct due *due, int64_t give, vault_host_hold_fn *progress, void *ctx,
           struct error *err)
{
    struct lock_extend_result result = { .extended = 0 };
    for (size_t at = 0; at < due->names.count;) {
        size_t count = due->names.count - at < LOCK_EXTEND_BATCH ? due->names.count - at : LOCK_EXTEND_BATCH;
        if (extend_batch(host, due, at, count, give, &result, err) != 0)
            return error_wrap(err, "making a lock last longer");
        if (result.missing > 0)
            return refuse_missing(host, &result, err);
        at += count;
        if (progress != NULL && progress(ctx, at, due->names.count, err) != 0)
            return -1;
    }
    if (result.extended > 0)
        log_info("host", "locks extended vault=%s objects=%zu", host->vault_id, result.extended);
    return 0;
}

int
vault_host_hold(struct vault_host *host, const struct vault_host_owner *owner, vault_host_hold_fn *progress, void *ctx,
                int64_t *until, struct error *err)
{
    int64_t now = clock_wall_ms(host->clock);
    *until = 0;
    if (days_of(owner) == 0)
        return 0;
    if (vault_host_check_lock(host, owner, err) != 0)
        return -1;
    CLEANUP(due_clear)
    struct due due = { .host = host, .before = lock_policy_promise(now, owner->lock_days) };
    if (vault_host_each_needed(host, on_needed_due, &due, err) != 0 ||
        extend_due(host, &due, lock_policy_give(now, owner->lock_days), progress, ctx, err) != 0)
        return -1;
    *until = due.before;
    return 0;
}

void
vault_host_promise(struct vault_host *host, int64_t until)
{
    lock_ledger_raise_promise(host->locks, until);
}

void
vault_host_bury(struct vault_host *host, enum object_class class, const char *name)
{
    char object[STORAGE_NAME_LEN];
    if (vault_host_object_name(host, class, name, object, NULL) == 0)
        lock_ledger_bury(host->locks, object);
}
