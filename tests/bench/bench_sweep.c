/* What a sweep of a large vault costs its host: marking every chunk, and finding the packs that are dead.
 *
 *   bench_sweep FOLDER CHUNKS [SEGMENTS]      such as: bench_sweep /tmp/sweep 100000000 16
 *
 * Makes SEGMENTS (16) segments of random chunk ids below FOLDER (28 bytes and 10 bits a chunk), marks all chunks but
 * those of every tenth pack in batches as a sweep does, and counts the packs that nothing marked. Memory is what the
 * process has of its own: mapped segments belong to the page cache. */

#include "common/base/error.h"
#include "common/base/memory.h"
#include "tests/bench/synthetic_index.h"
#include "transporter/host/sweep_marks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <malloc.h>
#include <sys/stat.h>

#define SEGMENTS_MAX  64
#define CHUNKS_A_PACK ((uint64_t)SYNTHETIC_CHUNKS_A_GROUP * SYNTHETIC_GROUPS_A_PACK)
#define DEAD_OF       10 /* one pack of so many */

struct bench {
    struct index_segment *segments[SEGMENTS_MAX];
    unsigned count;
    uint64_t chunks;
};

/* KiB of memory that no file stands behind. */
static uint64_t
own_memory_kib(void)
{
    char line[128];
    uint64_t kib = 0;
    FILE *status = fopen("/proc/self/status", "re");
    while (status != NULL && fgets(line, sizeof(line), status) != NULL)
        if (strncmp(line, "RssAnon:", 8) == 0)
            kib = strtoull(line + 8, NULL, 10);
    if (status != NULL)
        fclose(status);
    return kib;
}

static void
all_are_there(void *ctx, struct sweep_pack *pack)
{
    (void)ctx;
    pack->retired = 0;
    pack->lost = false;
}

static uint64_t
mark_batch(struct sweep_marks *marks, const struct chunk_id *ids, size_t n)
{
    uint64_t first = 0;
    for (size_t i = 0; i < n; i++) {
        bool again;
        if (i + SWEEP_MARKS_AHEAD < n)
            sweep_marks_prefetch(marks, &ids[i + SWEEP_MARKS_AHEAD]);
        first += sweep_marks_mark(marks, VAULT_MARK_DATA, &ids[i], &again) && !again;
    }
    return first;
}

/* All chunks but the dead ones, in the order of the packs of all segments in turns. Returns how many were marked. */
static uint64_t
mark_all(const struct bench *bench, struct sweep_marks *marks, double *cpu)
{
    CLEANUP(memory_free_p) struct chunk_id *ids = memory_new(FIND_MAX_CHUNKS * sizeof(*ids));
    uint64_t marked = 0, part = bench->chunks / bench->count;
    size_t n = 0;
    for (uint64_t i = 0; i <= part; i++) {
        for (unsigned s = 0; s < bench->count && i < part && i / CHUNKS_A_PACK % DEAD_OF != 0; s++)
            ids[n++] = synthetic_id(bench->chunks * s / bench->count + i);
        if (n + bench->count > FIND_MAX_CHUNKS || i == part) {
            double started = synthetic_cpu_seconds();
            marked += mark_batch(marks, ids, n);
            *cpu += synthetic_cpu_seconds() - started;
            n = 0;
        }
    }
    return marked;
}

static void
sweep(const struct bench *bench)
{
    struct error err = ERROR_INIT;
    size_t dead = 0;
    double marking = 0, started = synthetic_cpu_seconds();
    struct sweep_marks *marks = sweep_marks_new(bench->segments, bench->count, all_are_there, NULL, &err);
    synthetic_check(marks != NULL, &err);
    printf("beginning: %.1f CPU s\n", synthetic_cpu_seconds() - started);
    uint64_t marked = mark_all(bench, marks, &marking);
    started = synthetic_cpu_seconds();
    for (size_t i = 0; i < sweep_marks_packs(marks); i++)
        dead += sweep_marks_pack(marks, i)->marked == 0;
    printf("marking: %llu chunks, %.2f million a CPU second\n", (unsigned long long)marked,
           (double)marked / marking / 1e6);
    printf("finding %zu dead packs of %zu: %.3f CPU s\n", dead, sweep_marks_packs(marks),
           synthetic_cpu_seconds() - started);
    printf("memory: %.1f MiB of marks; the process has %.1f MiB of its own\n",
           (double)sweep_marks_memory(marks) / (1 << 20), (double)own_memory_kib() / 1024);
    sweep_marks_free(marks);
}

int
main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    struct bench bench = { .chunks = argc > 2 ? strtoull(argv[2], NULL, 10) : 0,
                           .count = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 16 };
    if (bench.chunks == 0 || bench.count == 0 || bench.count > SEGMENTS_MAX) {
        fprintf(stderr, "usage: bench_sweep FOLDER CHUNKS [SEGMENTS]\n");
        return 64;
    }
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)mkdir(argv[1], 0700);
    for (unsigned i = 0; i < bench.count; i++) {
        CLEANUP(memory_free_p) char *path = memory_printf("%s/segment-%u", argv[1], i);
        uint64_t first = bench.chunks * i / bench.count;
        synthetic_segment(path, first, bench.chunks * (i + 1) / bench.count - first);
        bench.segments[i] = index_segment_open(path, &err);
        synthetic_check(bench.segments[i] != NULL, &err);
        unlink(path);
    }
    malloc_trim(0);
    printf("%llu chunks in %u segments; before the sweep %.1f MiB of own memory\n", (unsigned long long)bench.chunks,
           bench.count, (double)own_memory_kib() / 1024);
    sweep(&bench);
    for (unsigned i = 0; i < bench.count; i++)
        index_segment_close(bench.segments[i]);
    (void)rmdir(argv[1]);
    return 0;
}
