/* The index of a host at the size of a large vault.
 *
 *   bench_index FOLDER CHUNKS [SEGMENTS]      such as: bench_index /tmp/index 100000000 16
 *
 * Makes SEGMENTS (16) segments of random chunk ids below FOLDER (28 bytes and 10 bits a chunk, twice), merges them into
 * one and looks up ids that are there and that are not, in one thread. Heap is what malloc holds; mapped pages belong
 * to the page cache. */

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/host/index_merge.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNKS_A_GROUP 40
#define GROUPS_A_PACK  32
#define LOOKUPS        4000000
#define AHEAD          8 /* as vault_host_find_chunks() */

static void
check(bool good, const struct error *err)
{
    if (!good) {
        fprintf(stderr, "bench_index: %s\n", err->text[0] != '\0' ? err->text : strerror(errno));
        exit(1);
    }
}

static uint64_t
mix(uint64_t v)
{
    v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9u;
    v = (v ^ (v >> 27)) * 0x94D049BB133111EBu;
    return v ^ (v >> 31);
}

static struct chunk_id
id_of(uint64_t number)
{
    struct chunk_id id;
    uint64_t a = mix(number * 2 + 1), b = mix(a + 0x9E3779B97F4A7C15u);
    memcpy(id.bytes, &a, 8);
    memcpy(id.bytes + 8, &b, 8);
    return id;
}

static void
make_segment(const char *path, uint64_t first, uint64_t count)
{
    struct error err = ERROR_INIT;
    size_t groups = (size_t)(count + CHUNKS_A_GROUP - 1) / CHUNKS_A_GROUP;
    size_t packs = (groups + GROUPS_A_PACK - 1) / GROUPS_A_PACK;
    struct index_content content = { .packs = memory_new(packs * sizeof(struct index_pack)),
                                     .groups = memory_new(groups * sizeof(struct index_group)),
                                     .entries = memory_new(count * sizeof(struct index_entry)),
                                     .pack_count = packs,
                                     .group_count = groups,
                                     .entry_count = count };
    struct buffer bytes = BUFFER_INIT((size_t)8 << 30);
    for (size_t i = 0; i < packs; i++) {
        struct chunk_id name = id_of((first + i) | (uint64_t)1 << 62);
        memcpy(content.packs[i].name, name.bytes, 16);
    }
    for (size_t i = 0; i < groups; i++)
        content.groups[i] = (struct index_group){ (uint32_t)(i / GROUPS_A_PACK), (uint32_t)(i % GROUPS_A_PACK),
                                                  (uint32_t)(64 + i % GROUPS_A_PACK * 500000), 400000, 1000000 };
    for (uint64_t i = 0; i < count; i++)
        content.entries[i] = (struct index_entry){ id_of(first + i), (uint32_t)(i / CHUNKS_A_GROUP),
                                                   (uint32_t)(i % CHUNKS_A_GROUP * 25000), 25000 };
    index_segment_sort(&content);
    check(index_segment_encode(&content, &bytes, &err) == 0, &err);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(fd >= 0, &err);
    for (size_t at = 0; at < bytes.len;) {
        ssize_t n = write(fd, bytes.data + at, bytes.len - at);
        check(n > 0, &err);
        at += (size_t)n;
    }
    close(fd);
    buffer_clear(&bytes);
    free(content.packs);
    free(content.groups);
    free(content.entries);
}

static double
cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6 + (double)use.ru_stime.tv_sec +
           (double)use.ru_stime.tv_usec / 1e6;
}

static size_t
heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void
look_up(struct index_segment *const *segments, unsigned count, uint64_t chunks, bool there, const char *label)
{
    struct chunk_place place;
    struct chunk_id *ids = malloc(LOOKUPS * sizeof(*ids));
    uint64_t found = 0;
    for (uint64_t i = 0; i < LOOKUPS; i++)
        ids[i] = id_of(there ? mix(i) % chunks : chunks + 1000 + mix(i) % ((uint64_t)1 << 60));
    double started = cpu_seconds();
    for (uint64_t i = 0; i < LOOKUPS; i++) {
        for (unsigned s = 0; s < count && i + AHEAD < LOOKUPS; s++)
            index_segment_prefetch(segments[s], &ids[i + AHEAD]);
        for (unsigned s = 0; s < count; s++) {
            if (index_segment_find(segments[s], &ids[i], &place)) {
                found++;
                break;
            }
        }
    }
    double took = cpu_seconds() - started;
    printf("%-28s %5.2f million a CPU second, %llu of %d found\n", label, LOOKUPS / took / 1e6,
           (unsigned long long)found, LOOKUPS);
    free(ids);
}

static struct index_segment *
merge(const char *folder, struct index_segment **segments, unsigned count)
{
    struct error err = ERROR_INIT;
    const struct index_segment *list[INDEX_MERGE_MAX];
    for (unsigned i = 0; i < count; i++)
        list[i] = segments[i];
    const struct index_merge_options options = { .segments = list, .count = count, .temp_dir = folder };
    uint64_t size = 0, started = clock_monotonic_ms(clock_system());
    size_t before = heap_bytes();
    double cpu = cpu_seconds();
    int fd = -1;
    check(index_merge(&options, &fd, &size, &err) == 0, &err);
    printf("merge of %u segments: %.1f s, %.1f CPU s, %.0f MB written, heap after %zu KiB more\n", count,
           (double)(clock_monotonic_ms(clock_system()) - started) / 1000, cpu_seconds() - cpu, (double)size / 1e6,
           (heap_bytes() - before) / 1024);
    CLEANUP(memory_free_p) char *path = memory_printf("/proc/self/fd/%d", fd);
    cpu = cpu_seconds();
    struct index_segment *merged = index_segment_open(path, &err);
    check(merged != NULL, &err);
    printf("opening and checking it: %.1f CPU s\n", cpu_seconds() - cpu);
    close(fd);
    return merged;
}

int
main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    struct index_segment *segments[INDEX_MERGE_MAX];
    uint64_t chunks = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
    unsigned count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 16;
    if (chunks == 0 || count == 0 || count > INDEX_MERGE_MAX) {
        fprintf(stderr, "usage: bench_index FOLDER CHUNKS [SEGMENTS]\n");
        return 64;
    }
    (void)mkdir(argv[1], 0700);
    for (unsigned i = 0; i < count; i++) {
        CLEANUP(memory_free_p) char *path = memory_printf("%s/segment-%u", argv[1], i);
        uint64_t first = chunks * i / count;
        make_segment(path, first, chunks * (i + 1) / count - first);
    }
    malloc_trim(0);
    size_t before = heap_bytes();
    for (unsigned i = 0; i < count; i++) {
        CLEANUP(memory_free_p) char *path = memory_printf("%s/segment-%u", argv[1], i);
        segments[i] = index_segment_open(path, &err);
        check(segments[i] != NULL, &err);
    }
    printf("%llu chunks in %u segments: %.6f bytes of heap a chunk\n", (unsigned long long)chunks, count,
           (double)(heap_bytes() - before) / (double)chunks);
    look_up(segments, count, chunks, false, "absent, in all segments:");
    look_up(segments, count, chunks, true, "present, in all segments:");
    struct index_segment *merged = merge(argv[1], segments, count);
    look_up(&merged, 1, chunks, false, "absent, in the merged one:");
    look_up(&merged, 1, chunks, true, "present, in the merged one:");
    index_segment_close(merged);
    for (unsigned i = 0; i < count; i++) {
        CLEANUP(memory_free_p) char *path = memory_printf("%s/segment-%u", argv[1], i);
        index_segment_close(segments[i]);
        unlink(path);
    }
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    printf("peak resident memory with all mapped pages: %ld MiB\n", use.ru_maxrss / 1024);
    return 0;
}
