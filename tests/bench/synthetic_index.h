#ifndef LONGHAUL_TESTS_BENCH_SYNTHETIC_INDEX_H
#define LONGHAUL_TESTS_BENCH_SYNTHETIC_INDEX_H

/* Index segments of random chunk ids, for the benchmarks of what a host does with them. */

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/host/index_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SYNTHETIC_CHUNKS_A_GROUP 40
#define SYNTHETIC_GROUPS_A_PACK  32

static inline void
synthetic_check(bool good, const struct error *err)
{
    if (!good) {
        fprintf(stderr, "%s\n", err->text[0] != '\0' ? err->text : strerror(errno));
        exit(1);
    }
}

static inline uint64_t
synthetic_mix(uint64_t v)
{
    v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9u;
    v = (v ^ (v >> 27)) * 0x94D049BB133111EBu;
    return v ^ (v >> 31);
}

static inline struct chunk_id
synthetic_id(uint64_t number)
{
    struct chunk_id id;
    uint64_t a = synthetic_mix(number * 2 + 1), b = synthetic_mix(a + 0x9E3779B97F4A7C15u);
    memcpy(id.bytes, &a, 8);
    memcpy(id.bytes + 8, &b, 8);
    return id;
}

static inline void
synthetic_segment(const char *path, uint64_t first, uint64_t count)
{
    struct error err = ERROR_INIT;
    size_t groups = (size_t)(count + SYNTHETIC_CHUNKS_A_GROUP - 1) / SYNTHETIC_CHUNKS_A_GROUP;
    size_t packs = (groups + SYNTHETIC_GROUPS_A_PACK - 1) / SYNTHETIC_GROUPS_A_PACK;
    struct index_content content = { .packs = memory_new(packs * sizeof(struct index_pack)),
                                     .groups = memory_new(groups * sizeof(struct index_group)),
                                     .entries = memory_new(count * sizeof(struct index_entry)),
                                     .pack_count = packs,
                                     .group_count = groups,
                                     .entry_count = count };
    struct buffer bytes = BUFFER_INIT((size_t)8 << 30);
    for (size_t i = 0; i < packs; i++) {
        struct chunk_id name = synthetic_id((first + i) | (uint64_t)1 << 62);
        memcpy(content.packs[i].name, name.bytes, 16);
    }
    for (size_t i = 0; i < groups; i++)
        content.groups[i] =
            (struct index_group){ (uint32_t)(i / SYNTHETIC_GROUPS_A_PACK), (uint32_t)(i % SYNTHETIC_GROUPS_A_PACK),
                                  (uint32_t)(64 + i % SYNTHETIC_GROUPS_A_PACK * 500000), 400000, 1000000 };
    for (uint64_t i = 0; i < count; i++)
        content.entries[i] = (struct index_entry){ synthetic_id(first + i), (uint32_t)(i / SYNTHETIC_CHUNKS_A_GROUP),
                                                   (uint32_t)(i % SYNTHETIC_CHUNKS_A_GROUP * 25000), 25000 };
    index_segment_sort(&content);
    synthetic_check(index_segment_encode(&content, &bytes, &err) == 0, &err);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    synthetic_check(fd >= 0, &err);
    for (size_t at = 0; at < bytes.len;) {
        ssize_t n = write(fd, bytes.data + at, bytes.len - at);
        synthetic_check(n > 0, &err);
        at += (size_t)n;
    }
    close(fd);
    buffer_clear(&bytes);
    free(content.packs);
    free(content.groups);
    free(content.entries);
}

static inline double
synthetic_cpu_seconds(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6 + (double)use.ru_stime.tv_sec +
           (double)use.ru_stime.tv_usec / 1e6;
}

#endif
