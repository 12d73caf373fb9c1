#ifndef LONGHAUL_TRANSPORTER_HOST_INDEX_MERGE_H
#define LONGHAUL_TRANSPORTER_HOST_INDEX_MERGE_H

/* Several index segments made into one, in memory that does not grow with their chunks: 4 bytes a group and a few MiB;
 * the rest is read from the mappings and written to a file as it comes. */

#include "transporter/host/index_segment.h"

#include <stdatomic.h>

/* Enough for every tier at INDEX_SEGMENT_MAX_BYTES. */
#define INDEX_MERGE_MAX 64

/* What becomes of a pack that the segments list. */
enum index_pack_fate {
    INDEX_PACK_KEEP,
    INDEX_PACK_SPARE, /* a chunk that stands in another pack too gets its place there */
    INDEX_PACK_DROP
};
typedef enum index_pack_fate index_fate_fn(void *ctx, const uint8_t pack[16]);

struct index_merge_options {
    const struct index_segment *const *segments; /* among equals the place of the first wins */
    size_t count;                                /* 1 to INDEX_MERGE_MAX */
    index_fate_fn *fate;                         /* NULL: all packs are kept */
    void *fate_ctx;
    const char *temp_dir;
    const atomic_bool *cancel; /* may be NULL */
};

/* *fd: a file without a name that holds the segment, of *size bytes; the caller closes it. ERROR_CANCELLED,
 * ERROR_LIMIT, ERROR_NO_SPACE and other trouble with temp_dir. */
int index_merge(const struct index_merge_options *options, int *fd, uint64_t *size, struct error *err);

#endif
