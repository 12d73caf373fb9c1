#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/vault/quarantine_record.h"
#include "transporter/host/vault_host_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was found damaged, kept on the storage so that a lost state folder, or another host, does not forget it. */

#define NAMES_CEILING ((size_t)64 << 20)

static void
object_name(const struct vault_host *host, const char *name, char out[STORAGE_NAME_LEN])
{
    snprintf(out, STORAGE_NAME_LEN, "%s/quarantine/%s", host->vault_id, name);
}

/* Called with the lock held, or before anybody else has the host. */
static int
apply(struct vault_host *host, const struct quarantine_record *record, struct error *err)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct quarantine_mark *mark = &record->marks[i];
        if (mark->good)
            pack_marks_remove(&host->marks, &mark->place);
        else if (pack_marks_add(&host->marks, &mark->place, err) != 0)
            return -1;
    }
    return 0;
}

static int
on_record_found(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    uint64_t ordinal = quarantine_record_ordinal(strrchr(name, '/') + 1);
    (void)stat;
    return ordinal == 0 ? 0 : buffer_append(ctx, &ordinal, sizeof(ordinal), err);
}

static int
compare_ordinals(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x < y ? -1 : x > y;
}

/* A record that is damaged itself is no reason to refuse service: verification finds again what it said. */
static int
load_record(struct vault_host *host, uint64_t ordinal, struct error *err)
{
    char name[OBJECT_NAME_LEN], object[STORAGE_NAME_LEN];
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    CLEANUP(quarantine_record_clear) struct quarantine_record record = { .marks = NULL };
    struct error why = ERROR_INIT;
    size_t len = 0;
    quarantine_record_name(ordinal, name);
    object_name(host, name, object);
    if (storage_get(host->storage, object, OBJECT_MAX_BYTES, &data, &len, &why) == 0 &&
        quarantine_record_decode(data, len, &record, &why) == 0) {
        if (strcmp(record.vault_id, host->vault_id) == 0 && record.ordinal == ordinal)
            return apply(host, &record, err);
        FAIL(&why, ERROR_FORMAT, 0, "it is another vault's, or has another name");
    }
    if (error_kind_retry(why.kind) != RETRY_NEVER || why.kind == ERROR_DENIED) {
        if (err != NULL)
            *err = why;
        return error_wrap(err, "quarantine record %s", name);
    }
    log_failure(LOG_WARN, "host", &why, "quarantine record left out; verify the vault vault=%s record=%s",
                host->vault_id, name);
    return 0;
}

int
vault_host_load_quarantine(struct vault_host *host, struct error *err)
{
    char prefix[STORAGE_NAME_LEN];
    CLEANUP(buffer_clear) struct buffer found = BUFFER_INIT(NAMES_CEILING);
    snprintf(prefix, sizeof(prefix), "%s/quarantine", host->vault_id);
    __atomic_fetch_add(&host->lists, 1, __ATOMIC_RELAXED);
    if (storage_list(host->storage, prefix, on_record_found, &found, err) != 0)
        return -1;
    if (found.len > 0)
        qsort(found.data, found.len / sizeof(uint64_t), sizeof(uint64_t), compare_ordinals);
    for (size_t at = 0; at < found.len; at += sizeof(uint64_t)) {
        memcpy(&host->mark_ordinal, found.data + at, sizeof(uint64_t));
        if (load_record(host, host->mark_ordinal, err) != 0)
            return -1;
    }
    if (host->marks.count > 0)
        log_warn("host", "damaged groups are kept from new backups vault=%s marks=%zu", host->vault_id,
                 host->marks.count);
    return 0;
}

static int
store_record(struct vault_host *host, struct quarantine_record *record, struct error *err)
{
    char name[OBJECT_NAME_LEN], object[STORAGE_NAME_LEN];
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(OBJECT_MAX_BYTES);
    /* Another host of the same storage may have taken the next ordinals: its records are not known here, and stay. */
    for (;;) {
        struct error taken = ERROR_INIT;
        record->ordinal = host->mark_ordinal + 1;
        quarantine_record_name(record->ordinal, name);
        object_name(host, name, object);
        if (quarantine_record_encode(record, &bytes, err) != 0)
            return -1;
        if (storage_put(host->storage, object, bytes.data, bytes.len, 0, &taken) == 0)
            break;
        if (taken.kind != ERROR_EXISTS) {
            if (err != NULL)
                *err = taken;
            return error_wrap(err, "noting damaged packs");
        }
        host->mark_ordinal++;
    }
    host->mark_ordinal++;
    pthread_rwlock_wrlock(&host->lock);
    int failed = apply(host, record, err);
    pthread_rwlock_unlock(&host->lock);
    return failed;
}

static int
mark(struct vault_host *host, const struct vault_mark *marks, size_t n, struct error *err)
{
    CLEANUP(quarantine_record_clear)
    struct quarantine_record record = { .created_ms = clock_wall_ms(host->clock), .count = n };
    snprintf(record.vault_id, sizeof(record.vault_id), "%s", host->vault_id);
    record.marks = memory_new(n * sizeof(record.marks[0]));
    for (size_t i = 0; i < n; i++) {
        if (pack_name_parse(marks[i].pack, record.marks[i].place.pack) != 0)
            return FAIL(err, ERROR_USAGE, 0, "not a pack's name");
        record.marks[i].place.group = marks[i].group;
        record.marks[i].good = marks[i].good;
    }
    /* A table of pending packs has one place for each chunk: once its pack is marked, another one must find room. */
    return vault_host_write_segment(host, err) != 0 ? -1 : store_record(host, &record, err);
}

int
vault_host_quarantine(struct vault_host *host, const struct vault_mark *marks, size_t n, uint64_t *ordinal,
                      struct error *err)
{
    if (n > VAULT_MARKS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "%zu damaged groups to note at once; %d are possible", n, VAULT_MARKS_MAX);
    if (n > 0 && host->read_only)
        return FAIL(err, ERROR_DENIED, 0, "the vault was opened for reading only");
    pthread_mutex_lock(&host->marking);
    int failed = n == 0 ? 0 : mark(host, marks, n, err);
    *ordinal = host->mark_ordinal;
    pthread_mutex_unlock(&host->marking);
    return failed;
}

struct places {
    const struct vault_host *host;
    struct chunk_place *at;
    size_t count;
};

static void
add(struct places *places, const struct chunk_place *place)
{
    for (size_t i = 0; i < places->count; i++)
        if (places->at[i].group == place->group && strcmp(places->at[i].pack, place->pack) == 0)
            return;
    if (places->count < VAULT_PLACES_MAX)
        places->at[places->count++] = *place;
}

/* Those that were found damaged come last. */
static size_t
sort(const struct vault_host *host, struct chunk_place *places, size_t count)
{
    struct chunk_place sorted[VAULT_PLACES_MAX];
    size_t n = 0;
    for (int damaged = 0; damaged < 2; damaged++)
        for (size_t i = 0; i < count; i++)
            if (pack_marks_has_place(&host->marks, &places[i]) == (damaged == 1))
                sorted[n++] = places[i];
    memcpy(places, sorted, n * sizeof(sorted[0]));
    return n;
}

int
vault_host_chunk_places(struct vault_host *host, const struct chunk_id *id, struct chunk_place places[VAULT_PLACES_MAX],
                        size_t *count, struct error *err)
{
    struct places all = { host, places, 0 };
    struct chunk_place place;
    (void)err;
    pthread_rwlock_rdlock(&host->lock);
    if (vault_host_place(host, id, true, &place))
        add(&all, &place);
    if (index_pending_find(host->pending, id, &place))
        add(&all, &place);
    if (host->writing != NULL && index_pending_find(host->writing, id, &place))
        add(&all, &place);
    for (size_t s = host->segment_count; s > 0; s--)
        if (index_segment_find(host->segments[s - 1], id, &place) && !lost_packs_has_place(host->lost, &place))
            add(&all, &place);
    *count = sort(host, places, all.count);
    pthread_rwlock_unlock(&host->lock);
    return 0;
}
