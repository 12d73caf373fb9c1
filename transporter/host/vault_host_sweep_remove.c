#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "transporter/host/vault_host_lock.h"
#include "transporter/host/vault_host_sweep_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The only place where a vault's points and packs are removed. */

static const struct retire_record *
removable(struct vault_host *host, const struct host_sweep *sweep, uint64_t epoch, struct error *err)
{
    const struct retire_record *record = retire_state_find(host->retired, epoch);
    if (record == NULL || !record->closed || !retire_record_in_effect(record)) {
        FAIL(err, ERROR_CONFLICT, 0, "retire record %" PRIu64 " is not closed, or counts no more", epoch);
        return NULL;
    }
    if (epoch > sweep->may_remove) {
        FAIL(err, ERROR_CONFLICT, 0, "retire record %" PRIu64 " was closed too lately for this sweep", epoch);
        return NULL;
    }
    return record;
}

static int
remove_one(struct vault_host *host, enum object_class class, const char *name, struct vault_removal *removal,
           struct error *err)
{
    char object[STORAGE_NAME_LEN];
    struct storage_stat stat = { .size = 0 };
    struct error failure = ERROR_INIT;
    if (vault_host_object_name(host, class, name, object, err) != 0)
        return -1;
    int failed = storage_stat(host->storage, object, &stat, &failure);
    if (failed == 0)
        failed = storage_remove(host->storage, object, &failure);
    bool gone = failed == 0 || failure.kind == ERROR_NOT_FOUND;
    /* Nobody needs it any more: its lock is not to be made longer. */
    if (gone || failure.kind == ERROR_LOCKED)
        vault_host_bury(host, class, name);
    if (gone) {
        removal->removed++;
        removal->bytes += failed == 0 ? stat.size : 0;
        return 1;
    }
    if (failure.kind == ERROR_LOCKED) {
        removal->held++;
        if (stat.lock_until_ms > removal->held_until_ms)
            removal->held_until_ms = stat.lock_until_ms;
        return 0;
    }
    if (err != NULL)
        *err = failure;
    return error_wrap(err, "removing %s", object);
}

static bool
names_point(const struct retire_record *record, const char *id)
{
    for (size_t i = 0; i < record->point_count; i++)
        if (strcmp(record->points[i].id, id) == 0)
            return true;
    return false;
}

int
vault_host_sweep_remove_points(struct vault_host *host, const uint8_t *session, uint64_t epoch,
                               const char *const *names, size_t n, struct vault_removal *removal, struct error *err)
{
    const struct host_sweep *sweep = vault_host_sweep_enter(host, session, err);
    if (sweep == NULL)
        return -1;
    memset(removal, 0, sizeof(*removal));
    const struct retire_record *record = removable(host, sweep, epoch, err);
    int failed = record == NULL ? -1 : 0;
    for (size_t i = 0; failed == 0 && i < n; i++)
        if (!names_point(record, names[i]))
            failed = FAIL(err, ERROR_CONFLICT, 0, "recovery point %s is not in the retire record", names[i]);
    for (size_t i = 0; failed == 0 && i < n; i++)
        failed = remove_one(host, OBJECT_POINT, names[i], removal, err) < 0 ? -1 : 0;
    vault_host_sweep_leave(host);
    return failed;
}

static int
check_pack(const struct host_sweep *sweep, const struct retire_record *record, const char *text, uint8_t *name,
           struct error *err)
{
    bool listed = false;
    if (pack_name_parse(text, name) != 0)
        return FAIL(err, ERROR_USAGE, 0, "not a pack's name");
    for (size_t low = 0, high = record->pack_count; low < high && !listed;) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(record->packs[middle].name, name, PACK_NAME_BYTES);
        listed = order == 0;
        low = order < 0 ? middle + 1 : low;
        high = order > 0 ? middle : high;
    }
    if (!listed)
        return FAIL(err, ERROR_CONFLICT, 0, "pack %s is not in the retire record", text);
    const struct sweep_pack *pack = sweep_marks_find_pack(sweep->marks, name);
    if (pack != NULL && pack->marked > 0)
        return FAIL(err, ERROR_CONFLICT, 0, "pack %s holds chunks that are needed", text);
    return 0;
}

static int
forget_pack(struct vault_host *host, const uint8_t name[PACK_NAME_BYTES], struct error *err)
{
    pthread_rwlock_wrlock(&host->lock);
    int failed = lost_packs_add(host->lost, name, err);
    pthread_rwlock_unlock(&host->lock);
    return failed;
}

int
vault_host_sweep_remove_packs(struct vault_host *host, const uint8_t *session, uint64_t epoch,
                              const char (*names)[PACK_NAME_LEN], size_t n, struct vault_removal *removal,
                              struct error *err)
{
    uint8_t name[PACK_NAME_BYTES];
    const struct host_sweep *sweep = vault_host_sweep_enter(host, session, err);
    if (sweep == NULL)
        return -1;
    memset(removal, 0, sizeof(*removal));
    const struct retire_record *record = removable(host, sweep, epoch, err);
    int failed = record == NULL ? -1 : 0;
    for (size_t i = 0; failed == 0 && i < n; i++)
        failed = check_pack(sweep, record, names[i], name, err);
    for (size_t i = 0; failed == 0 && i < n; i++) {
        int gone = remove_one(host, OBJECT_PACK, names[i], removal, err);
        failed = gone < 0 ? -1 : 0;
        if (gone > 0 && pack_name_parse(names[i], name) == 0)
            failed = forget_pack(host, name, err);
    }
    vault_host_sweep_leave(host);
    return failed;
}

static int
check_absent(struct vault_host *host, enum object_class class, const char *name, struct error *err)
{
    char object[STORAGE_NAME_LEN];
    struct storage_stat stat;
    struct error failure = ERROR_INIT;
    if (vault_host_object_name(host, class, name, object, err) != 0)
        return -1;
    if (storage_stat(host->storage, object, &stat, &failure) == 0)
        return FAIL(err, ERROR_CONFLICT, 0, "%s is still there", object);
    if (failure.kind == ERROR_NOT_FOUND)
        return 0;
    if (err != NULL)
        *err = failure;
    return -1;
}

int
vault_host_check_gone(struct vault_host *host, const struct retire_record *record, struct error *err)
{
    char text[PACK_NAME_LEN];
    for (size_t i = 0; i < record->point_count; i++)
        if (check_absent(host, OBJECT_POINT, record->points[i].id, err) != 0)
            return -1;
    for (size_t i = 0; i < record->pack_count; i++) {
        pthread_rwlock_rdlock(&host->lock);
        bool lost = lost_packs_has(host->lost, record->packs[i].name);
        pthread_rwlock_unlock(&host->lock);
        pack_name_text(record->packs[i].name, text);
        if (!lost && check_absent(host, OBJECT_PACK, text, err) != 0)
            return -1;
    }
    return 0;
}

struct leftovers {
    struct vault_host *host;
    char prefix[OBJECT_NAME_LEN]; /* "keep-…-" */
    char names[64][OBJECT_NAME_LEN];
    size_t count;
};

static int
on_name(void *ctx, const char *name, struct error *err)
{
    struct leftovers *left = ctx;
    (void)err;
    if (strncmp(name, left->prefix, strlen(left->prefix)) == 0 && left->count < ARRAY_LEN(left->names))
        snprintf(left->names[left->count++], OBJECT_NAME_LEN, "%s", name);
    return 0;
}

void
vault_host_remove_record(struct vault_host *host, uint64_t epoch)
{
    CLEANUP(memory_free_p) struct leftovers *left = MEMORY_NEW(struct leftovers);
    struct error failure = ERROR_INIT;
    left->host = host;
    retire_object_name_of(RETIRE_RECORD, epoch, left->names[left->count++]);
    retire_object_name_of(RETIRE_UNDO, epoch, left->names[left->count++]);
    retire_object_name_of(RETIRE_KEEP, epoch, left->prefix);
    if (vault_host_list_objects(host, OBJECT_RETIRE, on_name, left, &failure) != 0)
        log_failure(LOG_WARN, "host", &failure, "finished retire record stays vault=%s", host->vault_id);
    for (size_t i = 0; i < left->count; i++) {
        char object[STORAGE_NAME_LEN];
        struct error why = ERROR_INIT;
        if (vault_host_object_name(host, OBJECT_RETIRE, left->names[i], object, &why) == 0 &&
            storage_remove(host->storage, object, &why) == 0)
            continue;
        if (why.kind != ERROR_NOT_FOUND)
            log_failure(LOG_INFO, "host", &why, "finished retire journal object stays vault=%s object=%s",
                        host->vault_id, left->names[i]);
    }
}
