#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "transporter/host/vault_host_sweep_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a sweep may write into the retire journal: proto/FORMAT.md, "Rules". Everything here runs with `sweeping` held,
 * so that two objects of one host never race. */

static int
compare_names(const void *a, const void *b)
{
    return memcmp(a, b, PACK_NAME_BYTES);
}

static bool
lists_pack(const struct retire_pack *packs, size_t count, const uint8_t name[PACK_NAME_BYTES])
{
    return count > 0 && bsearch(name, packs, count, sizeof(packs[0]), compare_names) != NULL;
}

/* A marked chunk of a pack that is to be retired must stand in another one that stays. */
struct standing {
    struct vault_host *host;
    const struct retire_object *record;
};

static int
on_chunk(void *ctx, const struct chunk_id *id, bool live, struct error *err)
{
    const struct standing *standing = ctx;
    struct vault_host *host = standing->host;
    struct chunk_place place;
    uint8_t name[PACK_NAME_BYTES];
    if (!live)
        return 0;
    pthread_rwlock_rdlock(&host->lock);
    bool found = vault_host_place(host, id, false, &place);
    pthread_rwlock_unlock(&host->lock);
    if (!found || pack_name_parse(place.pack, name) != 0 ||
        lists_pack(standing->record->packs, standing->record->pack_count, name))
        return FAIL(err, ERROR_CONFLICT, 0, "it holds a chunk that is needed and stands nowhere else");
    return 0;
}

static int
check_record(struct vault_host *host, const struct host_sweep *sweep, const struct retire_object *record,
             struct error *err)
{
    struct standing standing = { host, record };
    if (record->epoch != retire_state_epoch(host->retired))
        return FAIL(err, ERROR_CONFLICT, 0, "the vault's epoch is %" PRIu64 ", not %" PRIu64,
                    retire_state_epoch(host->retired), record->epoch);
    for (size_t i = 0; i < record->point_count; i++)
        if (retire_state_point(host->retired, record->points[i].id) != 0)
            return FAIL(err, ERROR_CONFLICT, 0, "recovery point %s is retired already", record->points[i].id);
    for (size_t i = 0; i < record->pack_count; i++) {
        char text[PACK_NAME_LEN];
        const struct sweep_pack *pack = sweep_marks_find_pack(sweep->marks, record->packs[i].name);
        pack_name_text(record->packs[i].name, text);
        if (pack == NULL || pack->lost || retire_state_pack(host->retired, record->packs[i].name) != 0)
            return FAIL(err, ERROR_CONFLICT, 0, "pack %s was not there when the sweep began, or is retired already",
                        text);
        if (pack->marked > 0 && vault_host_sweep_walk(host, sweep, text, on_chunk, &standing, err) != 0)
            return error_wrap(err, "retiring pack %s", text);
    }
    return 0;
}

static int
check_undo(const struct retire_record *record, struct error *err)
{
    if (record == NULL || !record->known || record->done)
        return FAIL(err, ERROR_NOT_FOUND, 0, "there is no such retire record any more");
    if (record->closed)
        return FAIL(err, ERROR_CONFLICT, 0, "the time to undo it is over: it is being removed");
    return 0;
}

static int
check_close(struct vault_host *host, uint64_t epoch, struct error *err)
{
    uint64_t least = retire_state_least_epoch(host->retired);
    if (epoch != (least == 0 ? 1 : least))
        return FAIL(err, ERROR_CONFLICT, 0, "epochs are closed one after the other: %" PRIu64 " is next", least);
    if (epoch > vault_host_may_close(host))
        return FAIL(err, ERROR_CONFLICT, 0, "retire record %" PRIu64 " can still be undone", epoch);
    return 0;
}

static int
check_keep(const struct retire_record *record, const struct retire_object *keep, struct error *err)
{
    if (record == NULL || !record->closed || !retire_record_in_effect(record))
        return FAIL(err, ERROR_CONFLICT, 0, "packs are kept only of a closed retire record");
    for (size_t i = 0; i < keep->pack_count; i++)
        if (!lists_pack(record->packs, record->pack_count, keep->packs[i].name))
            return FAIL(err, ERROR_CONFLICT, 0, "a pack to keep is not in the retire record");
    return 0;
}

static int
check_done(struct vault_host *host, const struct retire_record *record, struct error *err)
{
    if (record == NULL || !record->known || !record->closed)
        return FAIL(err, ERROR_CONFLICT, 0, "only a closed retire record can be done");
    return record->undone ? 0 : vault_host_check_gone(host, record, err);
}

static int
check(struct vault_host *host, const struct host_sweep *sweep, const struct retire_object *object, struct error *err)
{
    const struct retire_record *record = retire_state_find(host->retired, object->epoch);
    if (strcmp(object->vault_id, host->vault_id) != 0)
        return FAIL(err, ERROR_DENIED, 0, "the retire journal object is of another vault");
    switch (object->kind) {
    case RETIRE_RECORD:
        return check_record(host, sweep, object, err);
    case RETIRE_UNDO:
        return check_undo(record, err);
    case RETIRE_CLOSE:
        return check_close(host, object->epoch, err);
    case RETIRE_KEEP:
        return check_keep(record, object, err);
    case RETIRE_DONE:
        return check_done(host, record, err);
    }
    return FAIL(err, ERROR_FORMAT, 0, "a retire journal object of an unknown kind");
}

/* A close takes effect when no commit is under way, and from then on the settling time counts. */
static int
apply(struct vault_host *host, struct retire_object *object, struct error *err)
{
    bool close = object->kind == RETIRE_CLOSE;
    if (close)
        pthread_rwlock_wrlock(&host->commits);
    pthread_rwlock_wrlock(&host->lock);
    int failed = retire_state_add(host->retired, object, err);
    if (failed == 0)
        failed = retire_state_settle(host->retired, err);
    if (failed == 0 && close)
        host->settling_since = clock_monotonic_ms(host->clock);
    pthread_rwlock_unlock(&host->lock);
    if (close)
        pthread_rwlock_unlock(&host->commits);
    return failed;
}

static int
watch(struct vault_host *host, enum retire_kind kind, uint64_t epoch, struct error *err)
{
    if (kind == RETIRE_RECORD)
        return retire_watch_note(host->watch, epoch, err) != 0 ? -1 : retire_watch_save(host->watch, err);
    if (kind == RETIRE_UNDO || kind == RETIRE_CLOSE)
        retire_watch_forget(host->watch, epoch);
    return 0;
}

/* The same object again, after a lost answer. */
static bool
is_stored(struct vault_host *host, const char *path, const uint8_t *data, size_t len)
{
    CLEANUP(memory_free_p) uint8_t *there = NULL;
    size_t there_len;
    return storage_get(host->storage, path, OBJECT_MAX_BYTES, &there, &there_len, NULL) == 0 && there_len == len &&
           memcmp(there, data, len) == 0;
}

static int
store(struct vault_host *host, const struct host_sweep *sweep, const uint8_t *data, size_t len, struct error *err)
{
    struct retire_object object;
    char name[OBJECT_NAME_LEN], path[STORAGE_NAME_LEN];
    int failed = retire_object_decode(data, len, &object, err);
    enum retire_kind kind = object.kind;
    uint64_t epoch = object.epoch;
    if (failed == 0) {
        retire_object_name(&object, data, len, name);
        failed = vault_host_object_name(host, OBJECT_RETIRE, name, path, err);
    }
    bool again = failed == 0 && strcmp(object.vault_id, host->vault_id) == 0 && is_stored(host, path, data, len);
    if (failed == 0 && !again)
        failed = check(host, sweep, &object, err);
    /* The new packs of a repack are listed before what they replace is out of sight. */
    if (failed == 0 && !again && kind == RETIRE_RECORD)
        failed = vault_host_write_segment(host, err);
    if (failed == 0 && !again)
        failed = vault_host_put_whole(host, NULL, OBJECT_RETIRE, name, data, len, err) < 0 ? -1 : 0;
    if (failed == 0)
        failed = apply(host, &object, err);
    retire_object_clear(&object);
    if (failed == 0)
        failed = watch(host, kind, epoch, err);
    if (failed == 0 && kind == RETIRE_DONE)
        vault_host_remove_record(host, epoch);
    return failed;
}

int
vault_host_sweep_journal(struct vault_host *host, const uint8_t *session, const uint8_t *data, size_t len,
                         uint64_t *epoch, struct error *err)
{
    if (len > OBJECT_MAX_BYTES)
        return FAIL(err, ERROR_LIMIT, 0, "a retire journal object of %zu bytes", len);
    const struct host_sweep *sweep = vault_host_sweep_enter(host, session, err);
    if (sweep == NULL)
        return -1;
    int failed = store(host, sweep, data, len, err);
    *epoch = retire_state_epoch(host->retired);
    /* Whether it became durable is found out by the next session. */
    if (failed != 0)
        vault_host_end_sweep(host);
    vault_host_sweep_leave(host);
    return failed;
}
