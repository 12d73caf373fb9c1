#include "transporter/host/index_merge.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "transporter/host/index_segment_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK        ((size_t)1 << 20)
#define DROPPED      UINT32_MAX
#define SPARE        ((uint32_t)1 << 31) /* beside a position */
#define CANCEL_EVERY 65536

/* One segment on its way into the new one. */
struct input {
    struct index_tables tables;
    uint32_t *groups; /* position in the new group table, with SPARE; DROPPED */
    uint64_t at;      /* entry */
    unsigned order;   /* the smaller one's places win */
};

/* The best place so far of the chunk in hand. */
struct held {
    const uint8_t *entry;
    uint32_t group;
};

struct merge {
    const struct index_merge_options *options;
    struct input *inputs;
    struct input *heap[INDEX_MERGE_MAX];
    size_t heap_count;
    struct index_tables out; /* counts only */
    uint8_t *filter;         /* a mapping, not the heap: it has bytes for every entry */
    size_t filter_len;
    uint32_t filter_blocks;
    int fd;
    uint8_t *block;
    size_t filled;
    uint64_t written;
};

static int
file_fail(struct error *err, const char *what)
{
    int native = errno;
    return FAIL(err, error_kind_from_errno(native), native, "merging the index: %s: %s", what, strerror(native));
}

static int
flush(struct merge *m, struct error *err)
{
    for (size_t at = 0; at < m->filled;) {
        ssize_t n = write(m->fd, m->block + at, m->filled - at);
        if (n < 0 && errno != EINTR)
            return file_fail(err, "write");
        at += n > 0 ? (size_t)n : 0;
    }
    m->written += m->filled;
    m->filled = 0;
    return 0;
}

static int
put(struct merge *m, const void *data, size_t len, struct error *err)
{
    const uint8_t *bytes = data;
    while (len > 0) {
        size_t n = BLOCK - m->filled < len ? BLOCK - m->filled : len;
        memcpy(m->block + m->filled, bytes, n);
        m->filled += n;
        bytes += n;
        len -= n;
        if (m->filled == BLOCK && flush(m, err) != 0)
            return -1;
    }
    return 0;
}

static int
open_temporary(const char *folder, struct error *err)
{
    int fd = open(folder, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
        CLEANUP(memory_free_p) char *path = memory_printf("%s/merge-XXXXXX", folder);
        fd = mkostemp(path, O_CLOEXEC);
        if (fd >= 0)
            unlink(path);
    }
    return fd >= 0 ? fd : file_fail(err, folder);
}

/* Packs in order of name over all inputs; each input's packs are numbered anew on the way. */
static int
merge_packs(struct merge *m, uint32_t **renumbered, struct error *err)
{
    size_t at[INDEX_MERGE_MAX] = { 0 };
    for (;;) {
        const uint8_t *least = NULL;
        for (size_t i = 0; i < m->options->count; i++) {
            const struct index_tables *t = &m->inputs[i].tables;
            const uint8_t *name = t->packs + at[i] * 16;
            if (at[i] < t->pack_count && (least == NULL || memcmp(name, least, 16) < 0))
                least = name;
        }
        if (least == NULL)
            return 0;
        enum index_pack_fate fate =
            m->options->fate == NULL ? INDEX_PACK_KEEP : m->options->fate(m->options->fate_ctx, least);
        uint32_t number = DROPPED;
        if (fate != INDEX_PACK_DROP) {
            number = m->out.pack_count++ | (fate == INDEX_PACK_SPARE ? SPARE : 0);
            if (put(m, least, 16, err) != 0)
                return -1;
        }
        for (size_t i = 0; i < m->options->count; i++) {
            const struct index_tables *t = &m->inputs[i].tables;
            if (at[i] < t->pack_count && memcmp(t->packs + at[i] * 16, least, 16) == 0)
                renumbered[i][at[i]++] = number;
        }
    }
}

static int
merge_groups(struct merge *m, uint32_t *const *packs, struct error *err)
{
    uint8_t group[INDEX_GROUP_LEN];
    for (size_t i = 0; i < m->options->count; i++) {
        struct input *input = &m->inputs[i];
        for (uint32_t g = 0; g < input->tables.group_count; g++) {
            const uint8_t *from = input->tables.groups + (size_t)g * INDEX_GROUP_LEN;
            uint32_t pack = packs[i][index_get_u32(from)];
            input->groups[g] = pack == DROPPED ? DROPPED : m->out.group_count | (pack & SPARE);
            if (pack == DROPPED)
                continue;
            if (++m->out.group_count == SPARE - 1)
                return FAIL(err, ERROR_LIMIT, 0, "an index of more than 2^31 groups");
            memcpy(group, from, sizeof(group));
            index_put_u32(group, pack & ~SPARE);
            if (put(m, group, sizeof(group), err) != 0)
                return -1;
        }
    }
    return 0;
}

static const uint8_t *
entry_of(const struct input *input)
{
    return input->tables.entries + input->at * INDEX_ENTRY_LEN;
}

static bool
goes_before(const struct input *a, const struct input *b)
{
    int order = memcmp(entry_of(a), entry_of(b), CHUNK_ID_LEN);
    return order < 0 || (order == 0 && a->order < b->order);
}

static void
sink_down(struct merge *m, size_t at)
{
    struct input *moved = m->heap[at];
    for (size_t child; (child = 2 * at + 1) < m->heap_count; at = child) {
        if (child + 1 < m->heap_count && goes_before(m->heap[child + 1], m->heap[child]))
            child++;
        if (!goes_before(m->heap[child], moved))
            break;
        m->heap[at] = m->heap[child];
    }
    m->heap[at] = moved;
}

/* To the next entry whose pack is kept; false at the end. */
static bool
settle(struct input *input)
{
    for (; input->at < input->tables.entry_count; input->at++)
        if (input->groups[index_get_u32(entry_of(input) + 16)] != DROPPED)
            return true;
    return false;
}

static void
fill_heap(struct merge *m)
{
    for (size_t i = 0; i < m->options->count; i++)
        if (settle(&m->inputs[i]))
            m->heap[m->heap_count++] = &m->inputs[i];
    for (size_t i = m->heap_count / 2; i > 0; i--)
        sink_down(m, i - 1);
}

static int
put_entry(struct merge *m, const struct held *held, struct error *err)
{
    struct chunk_id id;
    uint8_t entry[INDEX_ENTRY_LEN];
    memcpy(entry, held->entry, sizeof(entry));
    index_put_u32(entry + 16, held->group & ~SPARE);
    memcpy(id.bytes, entry, sizeof(id.bytes));
    index_filter_add(m->filter, m->filter_blocks, &id);
    m->out.entry_count++;
    if (m->out.entry_count % CANCEL_EVERY == 0 && m->options->cancel != NULL && atomic_load(m->options->cancel))
        return FAIL(err, ERROR_CANCELLED, 0, "merging the index was stopped");
    return put(m, entry, sizeof(entry), err);
}

static int
take_entry(struct merge *m, struct held *held, const struct input *from, struct error *err)
{
    const struct held next = { entry_of(from), from->groups[index_get_u32(entry_of(from) + 16)] };
    bool same = held->entry != NULL && memcmp(held->entry, next.entry, CHUNK_ID_LEN) == 0;
    if (!same && held->entry != NULL && put_entry(m, held, err) != 0)
        return -1;
    if (!same || ((held->group & SPARE) != 0 && (next.group & SPARE) == 0))
        *held = next;
    return 0;
}

static int
merge_entries(struct merge *m, struct error *err)
{
    struct held held = { .entry = NULL };
    fill_heap(m);
    while (m->heap_count > 0) {
        struct input *first = m->heap[0];
        if (take_entry(m, &held, first, err) != 0)
            return -1;
        first->at++;
        if (!settle(first))
            m->heap[0] = m->heap[--m->heap_count];
        if (m->heap_count > 0)
            sink_down(m, 0);
    }
    return held.entry == NULL ? 0 : put_entry(m, &held, err);
}

/* The header is known last, and the digest covers it. */
static int
seal(struct merge *m, struct error *err)
{
    uint8_t header[INDEX_HEADER_LEN], digest[DIGEST_LEN];
    if (put(m, m->filter, m->filter_len, err) != 0 || flush(m, err) != 0)
        return -1;
    index_put_header(header, &m->out, m->filter_blocks);
    if (pwrite(m->fd, header, sizeof(header), 0) != (ssize_t)sizeof(header))
        return file_fail(err, "write");
    struct digest *hash = digest_new();
    ssize_t n = 1;
    for (uint64_t at = 0; at < m->written && n > 0; at += (uint64_t)n) {
        n = pread(m->fd, m->block, BLOCK, (off_t)at);
        if (n > 0)
            digest_update(hash, m->block, (size_t)n);
    }
    digest_final(hash, digest);
    digest_free(hash);
    if (n <= 0)
        return file_fail(err, "read");
    return put(m, digest, sizeof(digest), err) != 0 ? -1 : flush(m, err);
}

static int
map_filter(struct merge *m, struct error *err)
{
    uint64_t most = 0;
    for (size_t i = 0; i < m->options->count; i++)
        most += m->inputs[i].tables.entry_count;
    m->filter_blocks = index_filter_blocks(most);
    m->filter_len = (size_t)m->filter_blocks * INDEX_FILTER_BLOCK;
    int fd = open_temporary(m->options->temp_dir, err);
    if (fd < 0)
        return -1;
    int failed = ftruncate(fd, (off_t)m->filter_len);
    m->filter = failed == 0 ? mmap(NULL, m->filter_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
    int native = errno;
    close(fd);
    if (m->filter != MAP_FAILED)
        return 0;
    m->filter = NULL;
    errno = native;
    return file_fail(err, "map");
}

static int
run(struct merge *m, uint32_t **packs, struct error *err)
{
    const uint8_t header[INDEX_HEADER_LEN] = { 0 };
    if (map_filter(m, err) != 0)
        return -1;
    m->fd = open_temporary(m->options->temp_dir, err);
    if (m->fd < 0 || put(m, header, sizeof(header), err) != 0 || merge_packs(m, packs, err) != 0 ||
        merge_groups(m, packs, err) != 0 || merge_entries(m, err) != 0)
        return -1;
    return seal(m, err);
}

int
index_merge(const struct index_merge_options *options, int *fd, uint64_t *size, struct error *err)
{
    if (options->count == 0 || options->count > INDEX_MERGE_MAX)
        return FAIL(err, ERROR_USAGE, 0, "1 to %d index segments can be merged", INDEX_MERGE_MAX);
    struct merge *m = MEMORY_NEW(struct merge);
    uint32_t *packs[INDEX_MERGE_MAX];
    m->options = options;
    m->fd = -1;
    m->block = memory_new(BLOCK);
    m->inputs = memory_new(options->count * sizeof(*m->inputs));
    for (size_t i = 0; i < options->count; i++) {
        struct input *input = &m->inputs[i];
        input->tables = index_segment_tables(options->segments[i]);
        input->order = (unsigned)i;
        input->groups = memory_new(((size_t)input->tables.group_count + 1) * sizeof(*input->groups));
        packs[i] = memory_new(((size_t)input->tables.pack_count + 1) * sizeof(*packs[i]));
    }
    int failed = run(m, packs, err);
    for (size_t i = 0; i < options->count; i++) {
        free(m->inputs[i].groups);
        free(packs[i]);
    }
    if (m->filter != NULL)
        munmap(m->filter, m->filter_len);
    if (failed != 0 && m->fd >= 0)
        close(m->fd);
    *fd = m->fd;
    *size = m->written;
    free(m->inputs);
    free(m->block);
    free(m);
    return failed;
}
