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
#include "tests/bench/synthetic_index.h"
#include "transporter/host/index_merge.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOKUPS 4000000
#define AHEAD   8 /* as vault_host_find_chunks() */

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
        ids[i] =
            synthetic_id(there ? synthetic_mix(i) % chunks : chunks + 1000 + synthetic_mix(i) % ((uint64_t)1 << 60));
    double started = synthetic_cpu_seconds();
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
    double took = synthetic_cpu_seconds() - started;
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
    double cpu = synthetic_cpu_seconds();
    int fd = -1;
    synthetic_check(index_merge(&options, &fd, &size, &err) == 0, &err);
    printf("merge of %u segments: %.1f s, %.1f CPU s, %.0f MB written, heap after %zu KiB more\n", count,
           (double)(clock_monotonic_ms(clock_system()) - started) / 1000, synthetic_cpu_seconds() - cpu,
           (double)size / 1e6, (heap_bytes() - before) / 1024);
    CLEANUP(memory_free_p) char *path = memory_printf("/proc/self/fd/%d", fd);
    cpu = synthetic_cpu_seconds();
    struct index_segment *merged = index_segment_open(path, &err);
    synthetic_check(merged != NULL, &err);
    printf("opening and checking it: %.1f CPU s\n", synthetic_cpu_seconds() - cpu);
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
        synthetic_segment(path, first, chunks * (i + 1) / count - first);
    }
    malloc_trim(0);
    size_t before = heap_bytes();
    for (unsigned i = 0; i < count; i++) {
        CLEANUP(memory_free_p) char *path = memory_printf("%s/segment-%u", argv[1], i);
        segments[i] = index_segment_open(path, &err);
        synthetic_check(segments[i] != NULL, &err);
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
