#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "transporter/host/vault_host_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The host's part of the retire journal: reading it, and what it means for runs. proto/FORMAT.md, "Retire journal". */

/* What cannot be taken for a journal object is no reason to refuse service: it has no effect. "Cannot look" is one. */
static int
read_journal_object(struct vault_host *host, const char *name, struct retire_object *object, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    char expected[OBJECT_NAME_LEN];
    size_t len = 0;
    struct error why = ERROR_INIT;
    if (vault_host_get_object(host, OBJECT_RETIRE, name, &data, &len, &why) == 0 &&
        retire_object_decode(data, len, object, &why) == 0) {
        retire_object_name(object, data, len, expected);
        if (strcmp(expected, name) == 0 && strcmp(object->vault_id, host->vault_id) == 0)
            return 1;
        FAIL(&why, ERROR_FORMAT, 0, "it is another vault's, or has another name");
    }
    if (why.kind == ERROR_NOT_FOUND)
        return 0;
    if (why.kind != ERROR_FORMAT && why.kind != ERROR_CORRUPT && why.kind != ERROR_LIMIT) {
        if (err != NULL)
            *err = why;
        return error_wrap(err, "retire journal object %s", name);
    }
    log_failure(LOG_WARN, "host", &why, "retire journal object left out vault=%s object=%s", host->vault_id, name);
    return 0;
}

struct names {
    char (*at)[OBJECT_NAME_LEN];
    size_t count, room;
};

static int
on_name(void *ctx, const char *name, struct error *err)
{
    struct names *names = ctx;
    if (names->count == names->room) {
        names->room = names->room == 0 ? 64 : names->room * 2;
        void *bigger = realloc(names->at, names->room * sizeof(names->at[0]));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for the retire journal");
        names->at = bigger;
    }
    snprintf(names->at[names->count++], OBJECT_NAME_LEN, "%s", name);
    return 0;
}

/* Objects that are known need not be read again, which is all of them but the newest. */
static bool
is_known(struct vault_host *host, const char *name)
{
    static const enum retire_kind once[] = { RETIRE_RECORD, RETIRE_UNDO, RETIRE_CLOSE, RETIRE_DONE };
    const char *dash = strchr(name, '-');
    char own[OBJECT_NAME_LEN];
    if (dash == NULL)
        return false;
    uint64_t epoch = strtoull(dash + 1, NULL, 16); /* whether it was all of the name is compared below */
    const struct retire_record *record = retire_state_find(host->retired, epoch);
    if (record == NULL)
        return false;
    const bool known[] = { record->known, record->undone, record->closed, record->done };
    for (size_t i = 0; i < ARRAY_LEN(once); i++) {
        retire_object_name_of(once[i], epoch, own);
        if (known[i] && strcmp(own, name) == 0)
            return true;
    }
    return false;
}

static int
watch_records(struct vault_host *host, struct error *err)
{
    for (size_t i = 0; i < retire_state_records(host->retired); i++) {
        const struct retire_record *record = retire_state_record(host->retired, i);
        if (!retire_record_in_effect(record))
            retire_watch_forget(host->watch, record->epoch);
        else if (!record->closed && retire_watch_note(host->watch, record->epoch, err) != 0)
            return -1;
    }
    return 0;
}

/* Objects that are not known yet, read and not taken into account. */
struct fresh {
    struct retire_object *at;
    size_t count;
};

static void
fresh_clear(struct fresh *fresh)
{
    for (size_t i = 0; i < fresh->count; i++)
        retire_object_clear(&fresh->at[i]);
    free(fresh->at);
}

static int
read_fresh(struct vault_host *host, struct fresh *fresh, struct error *err)
{
    struct names names = { 0 };
    int failed = vault_host_list_objects(host, OBJECT_RETIRE, on_name, &names, err);
    fresh->at = memory_new((names.count + 1) * sizeof(fresh->at[0]));
    for (size_t i = 0; failed == 0 && i < names.count; i++) {
        if (is_known(host, names.at[i]))
            continue;
        int read = read_journal_object(host, names.at[i], &fresh->at[fresh->count], err);
        if (read <= 0)
            retire_object_clear(&fresh->at[fresh->count]);
        fresh->count += read > 0;
        failed = read < 0 ? -1 : 0;
    }
    free(names.at);
    return failed;
}

static int
take_fresh(struct vault_host *host, struct fresh *fresh, struct error *err)
{
    int failed = 0;
    /* A close that somebody else wrote takes effect like one of our own. */
    pthread_rwlock_wrlock(&host->commits);
    pthread_rwlock_wrlock(&host->lock);
    uint64_t before = retire_state_least_epoch(host->retired);
    for (size_t i = 0; failed == 0 && i < fresh->count; i++)
        failed = retire_state_add(host->retired, &fresh->at[i], err);
    if (failed == 0)
        failed = retire_state_settle(host->retired, err);
    if (failed == 0 && retire_state_least_epoch(host->retired) != before)
        host->settling_since = clock_monotonic_ms(host->clock);
    pthread_rwlock_unlock(&host->lock);
    pthread_rwlock_unlock(&host->commits);
    return failed;
}

int
vault_host_load_journal(struct vault_host *host, struct error *err)
{
    CLEANUP(fresh_clear) struct fresh fresh = { .at = NULL };
    if (read_fresh(host, &fresh, err) != 0)
        return -1;
    /* Somebody else sweeps this vault. Nobody is told the epoch of that before it is known here which packs are gone:
     * a run that is told has been promised that what it finds stays. */
    if (host->index_loaded && fresh.count > 0 && vault_host_refresh_packs(host, err) != 0)
        return -1;
    return take_fresh(host, &fresh, err) != 0 ? -1 : watch_records(host, err);
}

int
vault_host_begin(struct vault_host *host, uint64_t *epoch, struct error *err)
{
    (void)err;
    pthread_rwlock_rdlock(&host->lock);
    *epoch = retire_state_epoch(host->retired);
    pthread_rwlock_unlock(&host->lock);
    return 0;
}

uint64_t
vault_host_point_retired(struct vault_host *host, const char *point)
{
    pthread_rwlock_rdlock(&host->lock);
    uint64_t epoch = retire_state_point(host->retired, point);
    pthread_rwlock_unlock(&host->lock);
    return epoch;
}

int
vault_host_list_retired_packs(struct vault_host *host, vault_name_fn *found, void *ctx, struct error *err)
{
    pthread_rwlock_rdlock(&host->lock);
    size_t count = 0, room = retire_state_packs(host->retired);
    char(*names)[PACK_NAME_LEN] = calloc(room + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < retire_state_records(host->retired); i++) {
        const struct retire_record *record = retire_state_record(host->retired, i);
        for (size_t p = 0; retire_record_in_effect(record) && p < record->pack_count && count < room; p++)
            pack_name_text(record->packs[p].name, names[count++]);
    }
    pthread_rwlock_unlock(&host->lock);
    int failed = names == NULL ? FAIL(err, ERROR_LIMIT, 0, "no memory for the list of retired packs") : 0;
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = found(ctx, names[i], err);
    free(names);
    return failed;
}

static int
refuse_epoch(struct error *err)
{
    return FAIL(err, ERROR_CONFLICT, 0,
                "a retention sweep has been through the vault since this run began: run again, what it has stored is "
                "there");
}

int
vault_host_check_epoch(struct vault_host *host, uint64_t epoch, const char *point, struct error *err)
{
    char name[OBJECT_NAME_LEN], object[STORAGE_NAME_LEN];
    struct storage_stat stat;
    struct error absent = ERROR_INIT;
    pthread_rwlock_rdlock(&host->lock);
    uint64_t least = retire_state_least_epoch(host->retired);
    uint64_t retired = retire_state_point(host->retired, point);
    pthread_rwlock_unlock(&host->lock);
    if (epoch < least)
        return refuse_epoch(err);
    if (retired != 0)
        return FAIL(err, ERROR_EXISTS, 0, "recovery point %s is retired: undo that, or wait until it is removed",
                    point);
    /* The storage knows what another host of this vault has closed. */
    retire_object_name_of(RETIRE_CLOSE, epoch == 0 ? 1 : epoch, name);
    if (vault_host_object_name(host, OBJECT_RETIRE, name, object, err) != 0)
        return -1;
    if (storage_stat(host->storage, object, &stat, &absent) == 0)
        return refuse_epoch(err);
    if (absent.kind == ERROR_NOT_FOUND)
        return 0;
    if (err != NULL)
        *err = absent;
    return error_wrap(err, "asking the storage for the vault's epoch");
}
