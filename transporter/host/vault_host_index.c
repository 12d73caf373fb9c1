#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/crypto/private_file.h"
#include "transporter/host/vault_host_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <errno.h>

/* A segment is written before a commit, and in between when this much is pending: that bounds memory. */
#define PENDING_MAX_CHUNKS 262144
#define PENDING_MAX_PACKS  4096
#define SEGMENT_CEILING    ((size_t)256 << 20)
#define NAMES_CEILING      ((size_t)128 << 20)

/* Called with the lock held for writing. */
static void
add_segment(struct vault_host *host, struct index_segment *segment)
{
    if (host->segment_count == host->segment_capacity) {
        host->segment_capacity = host->segment_capacity == 0 ? 16 : host->segment_capacity * 2;
        host->segments = realloc(host->segments, host->segment_capacity * sizeof(struct index_segment *));
        if (host->segments == NULL)
            abort();
    }
    host->segments[host->segment_count++] = segment;
}

static int
write_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    int fd = *(int *)ctx;
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, data + at, len - at);
        if (n < 0 && errno != EINTR)
            return FAIL(err, error_kind_from_errno(errno), errno, "the index cache: %s", strerror(errno));
        at += n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

/* Storage without files to map: a copy below the state folder. A damaged or stale one is only a cache miss. */
static struct index_segment *
open_through_cache(struct vault_host *host, const char *object, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/index/%s", host->state_dir, host->vault_id);
    CLEANUP(memory_free_p) char *file = memory_printf("%s/%s", folder, strrchr(object, '/') + 1);
    CLEANUP(memory_free_p) char *temp = memory_printf("%s.new", file);
    struct storage_stat stat;
    struct index_segment *segment = index_segment_open(file, NULL);
    if (segment != NULL)
        return segment;
    if (private_file_folder(folder, err) != 0 || storage_stat(host->storage, object, &stat, err) != 0)
        return NULL;
    int fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) {
        FAIL(err, error_kind_from_errno(errno), errno, "the index cache %s: %s", temp, strerror(errno));
        return NULL;
    }
    int failed = storage_get_range(host->storage, object, 0, stat.size, write_block, &fd, err);
    close(fd);
    if (failed == 0 && rename(temp, file) != 0)
        failed = FAIL(err, error_kind_from_errno(errno), errno, "the index cache %s: %s", file, strerror(errno));
    return failed == 0 ? index_segment_open(file, err) : NULL;
}

static struct index_segment *
open_mapped(struct vault_host *host, const char *object, struct error *err)
{
    CLEANUP(memory_free_p) char *path = NULL;
    return host->storage->driver->path(host->storage, object, &path, err) != 0 ? NULL : index_segment_open(path, err);
}

static struct index_segment *
open_segment(struct vault_host *host, const char *object, struct error *err)
{
    bool mapped = (host->storage->features & STORAGE_HAS_PATHS) != 0;
    struct index_segment *segment = mapped ? open_mapped(host, object, err) : open_through_cache(host, object, err);
    if (segment != NULL)
        index_segment_set_name(segment, strrchr(object, '/') + 1);
    return segment;
}

static int
new_segment_object(struct vault_host *host, char object[STORAGE_NAME_LEN], struct error *err)
{
    uint8_t random[PACK_NAME_BYTES];
    char name[PACK_NAME_LEN];
    clock_random(host->clock, random, sizeof(random));
    pack_name_text(random, name);
    return vault_host_object_name(host, OBJECT_INDEX, name, object, err);
}

struct index_segment *
vault_host_store_segment_file(struct vault_host *host, int fd, uint64_t size, struct error *err)
{
    char object[STORAGE_NAME_LEN];
    if (new_segment_object(host, object, err) != 0 || storage_put_file(host->storage, object, fd, size, 0, err) != 0)
        return NULL;
    return open_segment(host, object, err);
}

void
vault_host_remove_segment(struct vault_host *host, const struct index_segment *segment)
{
    char object[STORAGE_NAME_LEN];
    struct error err = ERROR_INIT;
    const char *name = index_segment_name(segment);
    CLEANUP(memory_free_p) char *cached = memory_printf("%s/index/%s/%s", host->state_dir, host->vault_id, name);
    if (host->read_only)
        return;
    (void)unlink(cached);
    if (vault_host_object_name(host, OBJECT_INDEX, name, object, &err) != 0 ||
        storage_remove(host->storage, object, &err) != 0)
        log_failure(LOG_DEBUG, "host", &err, "a merged index segment stays for now vault=%s segment=%s", host->vault_id,
                    name);
}

static int
on_segment_found(void *ctx, const char *name, struct error *err)
{
    struct vault_host *host = ctx;
    char object[STORAGE_NAME_LEN];
    struct error why = ERROR_INIT;
    if (vault_host_object_name(host, OBJECT_INDEX, name, object, &why) != 0)
        return 0;
    struct index_segment *segment = open_segment(host, object, &why);
    if (segment != NULL) {
        add_segment(host, segment);
        return 0;
    }
    if (why.kind == ERROR_UNSUPPORTED || error_kind_retry(why.kind) != RETRY_NEVER) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    /* Nothing is lost: its packs are read again below. */
    log_failure(LOG_WARN, "host", &why, "index segment left out, rebuilding from packs vault=%s segment=%s",
                host->vault_id, name);
    return 0;
}

static int
append_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return buffer_append(ctx, data, len, err);
}

/* Two or three small reads. */
int
vault_host_read_directory(struct vault_host *host, const char *name, struct buffer *header, struct buffer *tail,
                          struct pack_parts *parts, struct error *err)
{
    char object[STORAGE_NAME_LEN];
    struct storage_stat stat;
    struct pack_trailer trailer;
    if (vault_host_object_name(host, OBJECT_PACK, name, object, err) != 0 ||
        storage_stat(host->storage, object, &stat, err) != 0)
        return -1;
    if (stat.size < PACK_HEADER_LEN + PACK_TRAILER_LEN || stat.size > PACK_MAX_BYTES)
        return FAIL(err, ERROR_FORMAT, 0, "a pack of %llu bytes is none", (unsigned long long)stat.size);
    header->len = tail->len = 0;
    if (storage_get_range(host->storage, object, 0, PACK_HEADER_LEN, append_block, header, err) != 0 ||
        storage_get_range(host->storage, object, stat.size - PACK_TRAILER_LEN, PACK_TRAILER_LEN, append_block, tail,
                          err) != 0 ||
        pack_trailer_decode(tail->data, stat.size, &trailer, err) != 0)
        return -1;
    size_t tail_len = trailer.directory_len + (size_t)PACK_TRAILER_LEN;
    tail->len = 0;
    if (storage_get_range(host->storage, object, stat.size - tail_len, tail_len, append_block, tail, err) != 0)
        return -1;
    *parts = (struct pack_parts){ header->data, tail->data, tail->len, stat.size };
    return 0;
}

static int
read_directory(struct vault_host *host, const char *name, struct error *err)
{
    struct pack_parts parts;
    CLEANUP(buffer_clear) struct buffer header = BUFFER_INIT(PACK_HEADER_LEN);
    CLEANUP(buffer_clear) struct buffer tail = BUFFER_INIT(PACK_MAX_BYTES);
    if (vault_host_read_directory(host, name, &header, &tail, &parts, err) != 0)
        return -1;
    return vault_host_index_pack(host, name, &parts, false, err);
}

/* Called with the lock held, or before anybody else has the host. */
static bool
is_much_pending(const struct vault_host *host)
{
    return index_pending_chunks(host->pending) >= PENDING_MAX_CHUNKS ||
           index_pending_packs(host->pending) >= PENDING_MAX_PACKS;
}

/* Packs that no segment lists, by their names with their NULs. */
struct unlisted {
    struct vault_host *host;
    struct lost_packs *stored; /* is told all names */
    struct buffer kept, retired;
};

static int
recover_pack(struct vault_host *host, const char *name, struct error *err)
{
    struct error why = ERROR_INIT;
    if (read_directory(host, name, &why) == 0) {
        host->recovered_packs++;
        return is_much_pending(host) ? vault_host_write_segment(host, err) : 0;
    }
    if (error_kind_retry(why.kind) != RETRY_NEVER || why.kind == ERROR_DENIED) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    log_failure(LOG_WARN, "host", &why, "unreadable pack left out vault=%s pack=%s", host->vault_id, name);
    return 0;
}

static int
on_pack_found(void *ctx, const char *object, const struct storage_stat *stat, struct error *err)
{
    struct unlisted *unlisted = ctx;
    struct vault_host *host = unlisted->host;
    const char *name = strrchr(object, '/') + 1;
    uint8_t binary[PACK_NAME_BYTES];
    if (pack_name_parse(name, binary) != 0)
        return 0;
    if (lost_packs_note_stored(unlisted->stored, binary, stat->size, err) != 0)
        return -1;
    if (vault_host_knows_pack(host, name))
        return 0;
    bool retired = retire_state_pack(host->retired, binary) != 0 || pack_marks_touch(&host->marks, binary);
    return buffer_append(retired ? &unlisted->retired : &unlisted->kept, name, PACK_NAME_LEN, err);
}

static int
list_packs(struct unlisted *unlisted, struct error *err)
{
    struct vault_host *host = unlisted->host;
    CLEANUP(memory_free_p) char *prefix = memory_printf("%s/packs", host->vault_id);
    __atomic_fetch_add(&host->lists, 1, __ATOMIC_RELAXED);
    return storage_list(host->storage, prefix, on_pack_found, unlisted, err);
}

/* A pack that is shorter than its index says was cut off: what is left of it is for readers that find no other place.
 * No record says so, since every host sees it for itself. */
static int
mark_cut(struct vault_host *host, const struct lost_packs *lost, struct error *err)
{
    int failed = 0;
    struct pack_mark mark = { .group = PACK_MARK_WHOLE };
    pthread_rwlock_wrlock(&host->lock);
    for (size_t i = 0; failed == 0 && i < lost_packs_cut_count(lost); i++) {
        memcpy(mark.pack, lost_packs_cut(lost, i), sizeof(mark.pack));
        failed = pack_marks_add(&host->marks, &mark, err);
    }
    pthread_rwlock_unlock(&host->lock);
    if (failed == 0 && lost_packs_cut_count(lost) > 0)
        log_warn("host", "packs are cut off in the storage: heal the vault, or copy into it again vault=%s packs=%zu",
                 host->vault_id, lost_packs_cut_count(lost));
    return failed;
}

static int
recover_packs(struct vault_host *host, const struct buffer *names, struct error *err)
{
    for (size_t at = 0; at < names->len; at += PACK_NAME_LEN)
        if (recover_pack(host, (const char *)names->data + at, err) != 0)
            return -1;
    return 0;
}

/* What is lost is known before any directory is read: a chunk whose only place is in a lost pack has none. Retired
 * and damaged packs come last and in segments of their own, since a pending table has one place for each chunk: what
 * stands elsewhere too is found there. */
static int
load_packs(struct vault_host *host, struct error *err)
{
    struct unlisted unlisted = {
        .host = host, .stored = host->lost, .kept = BUFFER_INIT(NAMES_CEILING), .retired = BUFFER_INIT(NAMES_CEILING)
    };
    int failed = list_packs(&unlisted, err);
    if (failed == 0)
        failed = lost_packs_settle(host->lost, host->segments, host->segment_count, err);
    if (failed == 0)
        failed = mark_cut(host, host->lost, err);
    if (failed == 0)
        failed = recover_packs(host, &unlisted.kept, err);
    if (failed == 0 && unlisted.retired.len > 0)
        failed = vault_host_write_segment(host, err) != 0 || recover_packs(host, &unlisted.retired, err) != 0
                     ? -1
                     : vault_host_write_segment(host, err);
    buffer_clear(&unlisted.kept);
    buffer_clear(&unlisted.retired);
    return failed;
}

/* Whether all that the segment lists, as far as it is stored, stands in the other. */
static bool
is_covered(const struct vault_host *host, const struct index_segment *segment, const struct index_segment *other)
{
    for (size_t i = 0; i < index_segment_packs(segment); i++) {
        const uint8_t *pack = index_segment_pack(segment, i);
        if (!lost_packs_has(host->lost, pack) && !index_segment_has_pack(other, pack))
            return false;
    }
    return true;
}

/* What a merge, cut off or held back by a lock, left behind. */
static void
leave_out_covered(struct vault_host *host)
{
    size_t kept = 0;
    for (size_t i = 0; i < host->segment_count; i++) {
        struct index_segment *segment = host->segments[i];
        bool covered = false;
        for (size_t j = 0; j < host->segment_count && !covered; j++) {
            size_t packs = j < i && j >= kept ? 0 : index_segment_packs(host->segments[j]);
            covered = j != i && packs > index_segment_packs(segment) && is_covered(host, segment, host->segments[j]);
        }
        if (!covered) {
            host->segments[kept++] = segment;
            continue;
        }
        vault_host_remove_segment(host, segment);
        index_segment_close(segment);
    }
    host->segment_count = kept;
}

static int
note_lost(struct vault_host *host, const struct lost_packs *lost, struct index_segment *const *segments, size_t count,
          struct error *err)
{
    int failed = 0;
    pthread_rwlock_wrlock(&host->lock);
    for (size_t s = 0; failed == 0 && s < count; s++)
        for (size_t p = 0; failed == 0 && p < index_segment_packs(segments[s]); p++)
            if (lost_packs_has(lost, index_segment_pack(segments[s], p)))
                failed = lost_packs_add(host->lost, index_segment_pack(segments[s], p), err);
    pthread_rwlock_unlock(&host->lock);
    return failed;
}

static struct index_segment **
hold_segments(struct vault_host *host, size_t *count)
{
    pthread_rwlock_rdlock(&host->lock);
    *count = host->segment_count;
    struct index_segment **segments = memory_new((*count + 1) * sizeof(struct index_segment *));
    for (size_t i = 0; i < *count; i++)
        segments[i] = index_segment_retain(host->segments[i]);
    pthread_rwlock_unlock(&host->lock);
    return segments;
}

/* What is stored while the packs are listed is in none of the segments held from before. */
int
vault_host_refresh_packs(struct vault_host *host, struct error *err)
{
    if (vault_host_write_segment(host, err) != 0)
        return -1;
    size_t count;
    struct index_segment **segments = hold_segments(host, &count);
    struct lost_packs *lost = lost_packs_new();
    struct unlisted unlisted = {
        .host = host, .stored = lost, .kept = BUFFER_INIT(NAMES_CEILING), .retired = BUFFER_INIT(NAMES_CEILING)
    };
    int failed = list_packs(&unlisted, err);
    if (failed == 0)
        failed = lost_packs_settle(lost, segments, count, err);
    if (failed == 0)
        failed = note_lost(host, lost, segments, count, err);
    if (failed == 0)
        failed = mark_cut(host, lost, err);
    if (failed == 0)
        failed = recover_packs(host, &unlisted.kept, err);
    buffer_clear(&unlisted.kept);
    buffer_clear(&unlisted.retired);
    lost_packs_free(lost);
    for (size_t i = 0; i < count; i++)
        index_segment_close(segments[i]);
    free(segments);
    return failed;
}

int
vault_host_load_index(struct vault_host *host, struct error *err)
{
    if (vault_host_list_objects(host, OBJECT_INDEX, on_segment_found, host, err) != 0 || load_packs(host, err) != 0)
        return -1;
    leave_out_covered(host);
    if (lost_packs_count(host->lost) > 0)
        log_warn("host",
                 "packs are missing in the storage: what they held is stored again when it is backed up again "
                 "vault=%s packs=%zu",
                 host->vault_id, lost_packs_count(host->lost));
    if (host->recovered_packs > 0)
        log_info("host", "indexed packs that no run committed vault=%s packs=%llu", host->vault_id,
                 (unsigned long long)host->recovered_packs);
    host->index_loaded = true;
    return 0;
}

/* Called with the lock held. A retired place is none: the pack will be gone. */
static bool
is_placed(void *ctx, const struct chunk_id *id)
{
    struct chunk_place place;
    return vault_host_place(ctx, id, false, &place);
}

int
vault_host_index_pack(struct vault_host *host, const char *name, const struct pack_parts *parts, bool replaces,
                      struct error *err)
{
    struct pack_header header;
    uint8_t binary[PACK_NAME_BYTES];
    if (pack_name_parse(name, binary) != 0)
        return FAIL(err, ERROR_USAGE, 0, "not a pack's name");
    if (pack_header_decode(parts->header, PACK_HEADER_LEN, &header, err) != 0)
        return -1;
    if (memcmp(header.name, binary, sizeof(binary)) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the pack's header carries another name");
    pthread_rwlock_wrlock(&host->lock);
    int failed = index_pending_add(host->pending, binary, parts, replaces ? NULL : is_placed, host, err);
    if (failed == 0)
        lost_packs_drop(host->lost, binary);
    pthread_rwlock_unlock(&host->lock);
    return failed;
}

bool
vault_host_knows_pack(struct vault_host *host, const char *name)
{
    uint8_t binary[PACK_NAME_BYTES];
    if (pack_name_parse(name, binary) != 0)
        return false;
    pthread_rwlock_rdlock(&host->lock);
    bool known = index_pending_has_pack(host->pending, binary) ||
                 (host->writing != NULL && index_pending_has_pack(host->writing, binary));
    for (size_t i = host->segment_count; i > 0 && !known; i--)
        known = index_segment_has_pack(host->segments[i - 1], binary) && !lost_packs_has(host->lost, binary);
    pthread_rwlock_unlock(&host->lock);
    return known;
}

struct index_segment *
vault_host_store_segment(struct vault_host *host, const struct index_pending *pending, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(SEGMENT_CEILING);
    char object[STORAGE_NAME_LEN];
    struct index_content content = index_pending_sorted(pending);
    int failed = index_segment_encode(&content, &bytes, err);
    free(content.packs);
    free(content.groups);
    free(content.entries);
    if (failed != 0 || new_segment_object(host, object, err) != 0 ||
        storage_put(host->storage, object, bytes.data, bytes.len, 0, err) != 0)
        return NULL;
    return open_segment(host, object, err);
}

/* Takes what is pending aside, so that lookups and new packs go on while it is written. What a failed attempt took
 * aside stays there, is still found, and comes first the next time. */
static bool
take_pending(struct vault_host *host)
{
    pthread_rwlock_wrlock(&host->lock);
    if (host->writing == NULL && index_pending_packs(host->pending) > 0) {
        host->writing = host->pending;
        host->pending = index_pending_new();
    }
    bool some = host->writing != NULL;
    pthread_rwlock_unlock(&host->lock);
    return some;
}

static void
kick_merger(struct vault_host *host)
{
    if (!host->merge_by_hand)
        index_merger_kick(host->merger);
}

int
vault_host_write_segment(struct vault_host *host, struct error *err)
{
    int failed = 0;
    if (host->read_only)
        return 0;
    pthread_mutex_lock(&host->committing);
    while (failed == 0 && take_pending(host)) {
        struct index_segment *segment = vault_host_store_segment(host, host->writing, err);
        if (segment == NULL) {
            failed = -1;
            break;
        }
        pthread_rwlock_wrlock(&host->lock);
        add_segment(host, segment);
        index_pending_free(host->writing);
        host->writing = NULL;
        pthread_rwlock_unlock(&host->lock);
    }
    pthread_mutex_unlock(&host->committing);
    if (failed == 0)
        kick_merger(host);
    return failed;
}

int
vault_host_put_pack(struct vault_host *host, const struct vault_host_owner *owner, const char *name,
                    const uint8_t *data, size_t len, struct error *err)
{
    return vault_host_store_pack(host, owner, name, data, len, false, err);
}

/* It was replaced: what was said of the one before it is over. */
static int
forget_marks(struct vault_host *host, const char *name, const uint8_t binary[PACK_NAME_BYTES], struct error *err)
{
    struct vault_mark good = { .group = PACK_MARK_WHOLE, .good = true };
    uint64_t ordinal;
    pthread_rwlock_rdlock(&host->lock);
    bool marked = pack_marks_touch(&host->marks, binary);
    pthread_rwlock_unlock(&host->lock);
    memcpy(good.pack, name, sizeof(good.pack));
    return marked ? vault_host_quarantine(host, &good, 1, &ordinal, err) : 0;
}

int
vault_host_store_pack(struct vault_host *host, const struct vault_host_owner *owner, const char *name,
                      const uint8_t *data, size_t len, bool replaces, struct error *err)
{
    struct pack_trailer trailer;
    struct pack_header header;
    uint8_t binary[PACK_NAME_BYTES];
    if (len < PACK_HEADER_LEN + PACK_TRAILER_LEN || len > PACK_MAX_BYTES)
        return FAIL(err, ERROR_FORMAT, 0, "a pack of %zu bytes is none", len);
    if (pack_header_decode(data, len, &header, err) != 0 ||
        pack_trailer_decode(data + len - PACK_TRAILER_LEN, len, &trailer, err) != 0)
        return error_wrap(err, "pack %s", name);
    if (pack_name_parse(name, binary) != 0 || memcmp(binary, header.name, sizeof(binary)) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "pack %s: its header carries another name", name);
    size_t tail_len = trailer.directory_len + (size_t)PACK_TRAILER_LEN;
    struct pack_parts parts = { data, data + len - tail_len, tail_len, len };
    if (pack_directory_walk(&parts, NULL, NULL, NULL, err) != 0)
        return error_wrap(err, "pack %s", name);
    pthread_rwlock_rdlock(&host->lock);
    bool retired = retire_state_pack(host->retired, binary) != 0;
    pthread_rwlock_unlock(&host->lock);
    if (retired)
        return FAIL(err, ERROR_CONFLICT, 0, "pack %s is retired and may go: run again, or undo that first", name);
    int put = vault_host_put_whole(host, owner, OBJECT_PACK, name, data, len, err);
    if (put < 0 || (put == 1 && forget_marks(host, name, binary, err) != 0))
        return -1;
    if (vault_host_knows_pack(host, name))
        return 0;
    if (vault_host_index_pack(host, name, &parts, replaces, err) != 0)
        return error_wrap(err, "pack %s", name);
    pthread_rwlock_rdlock(&host->lock);
    bool much = is_much_pending(host);
    pthread_rwlock_unlock(&host->lock);
    return much ? vault_host_write_segment(host, err) : 0;
}
