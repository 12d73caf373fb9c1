#include "transporter/host/vault_host_sweep.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/host/vault_host_sweep_internal.h"

#include <stdlib.h>
#include <string.h>

void
vault_host_end_sweep(struct vault_host *host)
{
    if (host->sweep == NULL)
        return;
    sweep_marks_free(host->sweep->marks);
    pack_marks_clear(&host->sweep->damaged);
    free(host->sweep);
    host->sweep = NULL;
}

bool
vault_host_sweep_runs(struct vault_host *host)
{
    if (host->sweep != NULL && clock_monotonic_ms(host->clock) - host->sweep->used_ms > HOST_SWEEP_IDLE_MS)
        vault_host_end_sweep(host);
    return host->sweep != NULL;
}

struct host_sweep *
vault_host_sweep_enter(struct vault_host *host, const uint8_t *session, struct error *err)
{
    pthread_mutex_lock(&host->sweeping);
    if (host->sweep != NULL && memcmp(host->sweep->id, session, VAULT_SWEEP_ID_LEN) == 0) {
        host->sweep->used_ms = clock_monotonic_ms(host->clock);
        return host->sweep;
    }
    pthread_mutex_unlock(&host->sweeping);
    FAIL(err, ERROR_FENCED, 0,
         "this sweep is over: another one began, the host was restarted, or a write to the retire journal failed");
    return NULL;
}

void
vault_host_sweep_leave(struct vault_host *host)
{
    pthread_mutex_unlock(&host->sweeping);
}

/* Called with the lock held. */
static void
state_of_pack(void *ctx, struct sweep_pack *pack)
{
    const struct vault_host *host = ctx;
    pack->retired = retire_state_pack(host->retired, pack->name);
    pack->lost = lost_packs_has(host->lost, pack->name);
}

static bool
is_old_enough(struct vault_host *host, const struct retire_record *record)
{
    int64_t now = clock_wall_ms(host->clock);
    if (!retire_record_in_effect(record))
        return true;
    return now >= record->created_ms && (uint64_t)(now - record->created_ms) >= record->undo_ms &&
           retire_watch_age_ms(host->watch, record->epoch) >= record->undo_ms;
}

uint64_t
vault_host_may_close(struct vault_host *host)
{
    uint64_t may = 0;
    for (size_t i = 0; i < retire_state_records(host->retired); i++) {
        const struct retire_record *record = retire_state_record(host->retired, i);
        if (!record->closed && !is_old_enough(host, record))
            break;
        /* What was undone is closed on the way only: by itself it is no reason to refuse anybody's commit. */
        if (record->closed || retire_record_in_effect(record))
            may = record->epoch;
    }
    return may;
}

static uint64_t
settle_left(const struct vault_host *host)
{
    uint64_t passed = clock_monotonic_ms(host->clock) - host->settling_since;
    return passed >= host->settle_ms ? 0 : host->settle_ms - passed;
}

/* Called with the lock held. */
static int
copy_damaged(const struct vault_host *host, struct pack_marks *copy, struct error *err)
{
    size_t count = host->marks.count;
    copy->at = memory_array(count, sizeof(*copy->at), PACK_MARKS_MAX * sizeof(*copy->at), err);
    if (copy->at == NULL)
        return -1;
    if (count > 0)
        memcpy(copy->at, host->marks.at, count * sizeof(*copy->at));
    copy->count = copy->capacity = count;
    return 0;
}

static int
begin(struct vault_host *host, struct vault_sweep_session *session, struct error *err)
{
    vault_host_end_sweep(host);
    if (vault_host_load_journal(host, err) != 0 || retire_watch_save(host->watch, err) != 0 ||
        vault_host_write_segment(host, err) != 0)
        return -1;
    CLEANUP(memory_free_p) struct host_sweep *sweep = MEMORY_NEW(struct host_sweep);
    clock_random(host->clock, sweep->id, sizeof(sweep->id));
    memset(session, 0, sizeof(*session));
    pthread_rwlock_rdlock(&host->lock);
    sweep->marks = sweep_marks_new(host->segments, host->segment_count, state_of_pack, host, err);
    int failed = sweep->marks == NULL ? -1 : copy_damaged(host, &sweep->damaged, err);
    session->epoch = retire_state_epoch(host->retired);
    session->least_epoch = retire_state_least_epoch(host->retired);
    pthread_rwlock_unlock(&host->lock);
    if (failed != 0) {
        sweep_marks_free(sweep->marks);
        return -1;
    }
    sweep_marks_damaged(sweep->marks, &sweep->damaged);
    memcpy(session->id, sweep->id, sizeof(session->id));
    session->may_close = vault_host_may_close(host);
    session->settle_ms = session->least_epoch == 0 ? 0 : settle_left(host);
    if (session->least_epoch > 0 && session->settle_ms == 0)
        session->may_remove = session->least_epoch - 1;
    session->chunks = sweep_marks_chunks(sweep->marks);
    session->packs = sweep_marks_packs(sweep->marks);
    sweep->may_remove = session->may_remove;
    sweep->used_ms = clock_monotonic_ms(host->clock);
    host->sweep = MOVE(sweep);
    return 0;
}

int
vault_host_sweep_begin(struct vault_host *host, struct vault_sweep_session *session, struct error *err)
{
    pthread_mutex_lock(&host->sweeping);
    int failed = begin(host, session, err);
    pthread_mutex_unlock(&host->sweeping);
    return failed;
}

int
vault_host_sweep_end(struct vault_host *host, const uint8_t *session, struct error *err)
{
    if (vault_host_sweep_enter(host, session, err) == NULL)
        return -1;
    vault_host_end_sweep(host);
    vault_host_sweep_leave(host);
    return 0;
}

static void
mark_all(struct vault_host *host, struct host_sweep *sweep, const struct vault_marks *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        struct chunk_place place;
        bool again = false;
        if (i + SWEEP_MARKS_AHEAD < marks->count)
            sweep_marks_prefetch(sweep->marks, &marks->ids[i + SWEEP_MARKS_AHEAD]);
        if (sweep_marks_mark(sweep->marks, marks->role, &marks->ids[i], &again)) {
            sweep->answers[i] = again ? VAULT_MARK_AGAIN : VAULT_MARK_FIRST;
            continue;
        }
        pthread_rwlock_rdlock(&host->lock);
        sweep->answers[i] = vault_host_place(host, &marks->ids[i], true, &place) ? VAULT_MARK_NEW : VAULT_MARK_MISSING;
        pthread_rwlock_unlock(&host->lock);
    }
    sweep->answer_count = marks->count;
    sweep->sequence = marks->sequence;
}

/* "Again" said to who was the first but did not get the answer would leave out what is below: so an answer is given
 * twice, and nothing out of turn. */
int
vault_host_sweep_mark(struct vault_host *host, const uint8_t *session, const struct vault_marks *marks, uint8_t *states,
                      struct error *err)
{
    if (marks->count > FIND_MAX_CHUNKS || marks->role > VAULT_MARK_RECIPE)
        return FAIL(err, ERROR_LIMIT, 0, "%zu chunks to mark at once; %d are possible", marks->count, FIND_MAX_CHUNKS);
    struct host_sweep *sweep = vault_host_sweep_enter(host, session, err);
    if (sweep == NULL)
        return -1;
    bool repeated = marks->sequence == sweep->sequence && marks->count == sweep->answer_count;
    int failed = 0;
    if (!repeated && marks->sequence != sweep->sequence + 1)
        failed = FAIL(err, ERROR_FENCED, 0, "marks of a sweep come out of turn");
    else if (!repeated)
        mark_all(host, sweep, marks);
    if (failed == 0)
        memcpy(states, sweep->answers, marks->count);
    vault_host_sweep_leave(host);
    return failed;
}

static int
tell_pack(struct vault_host *host, const struct sweep_pack *pack, uint32_t most_live, vault_pack_live_fn *found,
          void *ctx, struct error *err)
{
    char object[STORAGE_NAME_LEN];
    struct storage_stat stat = { .size = 0 };
    struct vault_pack_live told = { .stored = pack->stored, .live = pack->live, .marked = pack->marked > 0 };
    pack_name_text(pack->name, told.pack);
    pthread_rwlock_rdlock(&host->lock);
    told.retired = retire_state_pack(host->retired, pack->name);
    bool lost = lost_packs_has(host->lost, pack->name);
    pthread_rwlock_unlock(&host->lock);
    if (told.retired == 0 && (lost || pack->lost || pack->live * 1000 > (uint64_t)most_live * pack->stored))
        return 0;
    if (told.retired == 0 && (vault_host_object_name(host, OBJECT_PACK, told.pack, object, err) != 0 ||
                              storage_stat(host->storage, object, &stat, err) != 0))
        return error_wrap(err, "pack %s", told.pack);
    told.modified_ms = stat.modified_ms;
    told.size = stat.size;
    return found(ctx, &told, err);
}

int
vault_host_sweep_packs(struct vault_host *host, const uint8_t *session, uint32_t most_live_permille,
                       vault_pack_live_fn *found, void *ctx, struct error *err)
{
    int failed = 0;
    const struct host_sweep *sweep = vault_host_sweep_enter(host, session, err);
    if (sweep == NULL)
        return -1;
    for (size_t i = 0; failed == 0 && i < sweep_marks_packs(sweep->marks); i++)
        failed = tell_pack(host, sweep_marks_pack(sweep->marks, i), most_live_permille, found, ctx, err);
    vault_host_sweep_leave(host);
    return failed;
}

struct walking {
    const struct host_sweep *sweep;
    uint8_t pack[PACK_NAME_BYTES];
    host_chunk_fn *found;
    void *ctx;
};

static int
on_walked(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset, struct error *err)
{
    const struct walking *walking = ctx;
    (void)group;
    (void)offset;
    return walking->found(walking->ctx, &chunk->id,
                          sweep_marks_lives_in(walking->sweep->marks, &chunk->id, walking->pack), err);
}

int
vault_host_sweep_walk(struct vault_host *host, const struct host_sweep *sweep, const char *pack, host_chunk_fn *found,
                      void *ctx, struct error *err)
{
    struct walking walking = { .sweep = sweep, .found = found, .ctx = ctx };
    struct pack_parts parts;
    CLEANUP(buffer_clear) struct buffer header = BUFFER_INIT(PACK_HEADER_LEN);
    CLEANUP(buffer_clear) struct buffer tail = BUFFER_INIT(PACK_MAX_BYTES);
    if (pack_name_parse(pack, walking.pack) != 0)
        return FAIL(err, ERROR_USAGE, 0, "not a pack's name");
    if (vault_host_read_directory(host, pack, &header, &tail, &parts, err) != 0 ||
        pack_directory_walk(&parts, NULL, on_walked, &walking, err) != 0)
        return error_wrap(err, "pack %s", pack);
    return 0;
}

static int
on_live(void *ctx, const struct chunk_id *id, bool live, struct error *err)
{
    (void)id;
    return buffer_append_u8(ctx, live ? 1 : 0, err);
}

int
vault_host_sweep_pack_live(struct vault_host *host, const uint8_t *session, const char *pack, uint8_t **live,
                           size_t *count, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(PACK_MAX_CHUNKS);
    const struct host_sweep *sweep = vault_host_sweep_enter(host, session, err);
    if (sweep == NULL)
        return -1;
    int failed = vault_host_sweep_walk(host, sweep, pack, on_live, &bytes, err);
    vault_host_sweep_leave(host);
    if (failed == 0)
        *live = buffer_take(&bytes, count);
    return failed;
}

int
vault_host_sweep_put_pack(struct vault_host *host, const uint8_t *session, const char *name, const uint8_t *data,
                          size_t len, struct error *err)
{
    if (vault_host_sweep_enter(host, session, err) == NULL)
        return -1;
    int failed = vault_host_store_pack(host, NULL, name, data, len, true, err);
    vault_host_sweep_leave(host);
    return failed;
}
