#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "transporter/host/index_merger.h"
#include "transporter/host/vault_host_internal.h"

#include <stdlib.h>
#include <string.h>

/* The index made anew from what the packs say of themselves. Old segments go only when every pack of theirs stands in
 * the new ones: of a pack whose directory is damaged the old index knows more than the pack. */

#define MUCH_CHUNKS   262144
#define MUCH_PACKS    4096
#define NAMES_CEILING ((size_t)256 << 20)

struct rebuild {
    struct vault_host *host;
    struct index_pending *pending;
    struct index_segment **fresh;
    size_t fresh_count, fresh_room;
    struct buffer names; /* of packs, with their NULs: first the good ones, then those not to be relied on */
    struct buffer last;
    uint64_t left_out;
};

static int
on_pack_listed(void *ctx, const char *name, struct error *err)
{
    struct rebuild *rebuild = ctx;
    uint8_t binary[PACK_NAME_BYTES];
    if (pack_name_parse(name, binary) != 0)
        return 0;
    pthread_rwlock_rdlock(&rebuild->host->lock);
    bool doubtful =
        retire_state_pack(rebuild->host->retired, binary) != 0 || pack_marks_touch(&rebuild->host->marks, binary);
    pthread_rwlock_unlock(&rebuild->host->lock);
    return buffer_append(doubtful ? &rebuild->last : &rebuild->names, name, PACK_NAME_LEN, err);
}

static bool
is_placed(void *ctx, const struct chunk_id *id)
{
    const struct rebuild *rebuild = ctx;
    struct chunk_place place;
    for (size_t i = 0; i < rebuild->fresh_count; i++)
        if (index_segment_find(rebuild->fresh[i], id, &place))
            return true;
    return false;
}

static int
store(struct rebuild *rebuild, struct error *err)
{
    if (index_pending_packs(rebuild->pending) == 0)
        return 0;
    if (rebuild->fresh_count == rebuild->fresh_room) {
        rebuild->fresh_room = rebuild->fresh_room == 0 ? 16 : rebuild->fresh_room * 2;
        rebuild->fresh = realloc(rebuild->fresh, rebuild->fresh_room * sizeof(struct index_segment *));
        if (rebuild->fresh == NULL)
            abort();
    }
    struct index_segment *segment = vault_host_store_segment(rebuild->host, rebuild->pending, err);
    if (segment == NULL)
        return -1;
    rebuild->fresh[rebuild->fresh_count++] = segment;
    index_pending_free(rebuild->pending);
    rebuild->pending = index_pending_new();
    return 0;
}

static int
add_pack(struct rebuild *rebuild, const char *name, bool doubtful, struct error *err)
{
    struct pack_parts parts;
    struct pack_header header;
    struct error why = ERROR_INIT;
    uint8_t binary[PACK_NAME_BYTES];
    CLEANUP(buffer_clear) struct buffer head = BUFFER_INIT(PACK_HEADER_LEN);
    CLEANUP(buffer_clear) struct buffer tail = BUFFER_INIT(PACK_MAX_BYTES);
    if (pack_name_parse(name, binary) != 0)
        return 0;
    int failed = vault_host_read_directory(rebuild->host, name, &head, &tail, &parts, &why);
    if (failed == 0)
        failed = pack_header_decode(parts.header, PACK_HEADER_LEN, &header, &why);
    if (failed == 0 && memcmp(header.name, binary, sizeof(binary)) != 0)
        failed = FAIL(&why, ERROR_CORRUPT, 0, "its header carries another name");
    if (failed == 0)
        failed = index_pending_add(rebuild->pending, binary, &parts, doubtful ? NULL : is_placed, rebuild, &why);
    if (failed == 0)
        return index_pending_chunks(rebuild->pending) >= MUCH_CHUNKS ||
                       index_pending_packs(rebuild->pending) >= MUCH_PACKS
                   ? store(rebuild, err)
                   : 0;
    if (error_kind_retry(why.kind) != RETRY_NEVER || why.kind == ERROR_DENIED || why.kind == ERROR_LIMIT) {
        if (err != NULL)
            *err = why;
        return error_wrap(err, "pack %s", name);
    }
    rebuild->left_out++;
    log_failure(LOG_WARN, "host", &why, "unreadable pack left out of the new index vault=%s pack=%s",
                rebuild->host->vault_id, name);
    return 0;
}

static int
add_packs(struct rebuild *rebuild, const struct buffer *names, bool doubtful, struct error *err)
{
    for (size_t at = 0; at < names->len; at += PACK_NAME_LEN)
        if (add_pack(rebuild, (const char *)names->data + at, doubtful, err) != 0)
            return -1;
    return store(rebuild, err);
}

/* Called with the lock held. */
static bool
is_covered(const struct rebuild *rebuild, const struct index_segment *old)
{
    for (size_t i = 0; i < index_segment_packs(old); i++) {
        const uint8_t *pack = index_segment_pack(old, i);
        bool covered = lost_packs_has(rebuild->host->lost, pack);
        for (size_t f = 0; f < rebuild->fresh_count && !covered; f++)
            covered = index_segment_has_pack(rebuild->fresh[f], pack);
        if (!covered)
            return false;
    }
    return true;
}

/* Old ones that are still needed, then the doubtful and the good of the new ones: the last is asked first. */
static struct index_segment **
swap(struct rebuild *rebuild, size_t *gone_count)
{
    struct vault_host *host = rebuild->host;
    pthread_rwlock_wrlock(&host->lock);
    size_t old = host->segment_count, kept = 0;
    struct index_segment **gone = memory_new((old + 1) * sizeof(struct index_segment *));
    struct index_segment **all = memory_new((old + rebuild->fresh_count + 1) * sizeof(struct index_segment *));
    *gone_count = 0;
    for (size_t i = 0; i < old; i++)
        if (is_covered(rebuild, host->segments[i]))
            gone[(*gone_count)++] = host->segments[i];
        else
            all[kept++] = host->segments[i];
    for (size_t f = rebuild->fresh_count; f > 0; f--)
        all[kept++] = rebuild->fresh[f - 1];
    free(host->segments);
    host->segments = all;
    host->segment_count = kept;
    host->segment_capacity = old + rebuild->fresh_count + 1;
    rebuild->fresh_count = 0;
    pthread_rwlock_unlock(&host->lock);
    return gone;
}

static int
run(struct rebuild *rebuild, struct error *err)
{
    struct vault_host *host = rebuild->host;
    size_t gone_count = 0;
    if (host->sweep != NULL)
        return FAIL(err, ERROR_CONFLICT, 0,
                    "a retention sweep is at work in the vault: make its index anew afterwards");
    if (vault_host_list_objects(host, OBJECT_PACK, on_pack_listed, rebuild, err) != 0 ||
        add_packs(rebuild, &rebuild->names, false, err) != 0 || add_packs(rebuild, &rebuild->last, true, err) != 0)
        return -1;
    CLEANUP(memory_free_p) struct index_segment **gone = swap(rebuild, &gone_count);
    for (size_t i = 0; i < gone_count; i++) {
        vault_host_remove_segment(host, gone[i]);
        index_segment_close(gone[i]);
    }
    log_info("host", "made the index anew vault=%s packs=%zu unreadable=%llu", host->vault_id,
             (rebuild->names.len + rebuild->last.len) / PACK_NAME_LEN, (unsigned long long)rebuild->left_out);
    return 0;
}

int
vault_host_rebuild_index(struct vault_host *host, struct error *err)
{
    struct rebuild rebuild = { .host = host,
                               .pending = index_pending_new(),
                               .names = BUFFER_INIT(NAMES_CEILING),
                               .last = BUFFER_INIT(NAMES_CEILING) };
    int failed = host->read_only ? FAIL(err, ERROR_DENIED, 0, "the vault was opened for reading only") : 0;
    /* Merges and sweeps count on the segments that they have seen. */
    index_merger_pause(host->merger);
    pthread_mutex_lock(&host->sweeping);
    if (failed == 0)
        failed = vault_host_write_segment(host, err) != 0 || run(&rebuild, err) != 0 ? -1 : 0;
    pthread_mutex_unlock(&host->sweeping);
    index_merger_resume(host->merger);
    for (size_t i = 0; i < rebuild.fresh_count; i++)
        index_segment_close(rebuild.fresh[i]);
    free(rebuild.fresh);
    index_pending_free(rebuild.pending);
    buffer_clear(&rebuild.names);
    buffer_clear(&rebuild.last);
    return failed;
}
