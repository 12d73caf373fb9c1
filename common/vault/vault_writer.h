#ifndef LONGHAUL_COMMON_VAULT_VAULT_WRITER_H
#define LONGHAUL_COMMON_VAULT_VAULT_WRITER_H

/* One run's way into a vault: split, name, look up, group, compress, seal, pack, upload. Any number of threads may
 * feed it; full queues make them wait. Memory is a constant (see options). A reference comes back as soon as the
 * bytes are named; they are durable after vault_writer_flush(). After the first failure every call fails with it. */

#include "common/vault/content.h"

struct error;
struct vault;
struct vault_writer;
struct vault_stream;

enum vault_content {
    VAULT_MESSAGE,     /* RFC 5322 bytes: taken apart, given back bit-exact */
    VAULT_FILE,        /* any other content */
    VAULT_METADATA,    /* small structured text, JSON mostly */
    VAULT_CATALOG,     /* leaves of the catalog; for common/vault itself */
    VAULT_CATALOG_PATH /* and the nodes above them */
};

/* Memory of one writer, at most: (uploaders + 1) * (pack_bytes + 1 MiB) + sealers * 4 MiB + 7 MiB, and 1 MiB for each
 * thread that feeds it. */
struct vault_writer_options { /* zeroes: the defaults */
    unsigned sealers;         /* threads that compress and seal; 2 */
    unsigned uploaders;       /* packs on the way at a time; 2 */
    size_t pack_bytes;        /* a pack is closed at this size; 16 MiB */
};

/* What each of this many writers in one process should use, so that they stay below 110 MiB together when up to four
 * are fed by four threads each. With more than four, 17 MiB each and 1 MiB for each thread. */
struct vault_writer_options vault_writer_options_for(unsigned writers);

struct vault_writer_progress {
    uint64_t bytes_in;     /* content taken */
    uint64_t bytes_new;    /* content that was not in the vault yet */
    uint64_t bytes_stored; /* of packs that are durable */
    uint64_t bytes_sealed; /* of groups sealed so far, durable or not */
    uint64_t chunks;
    uint64_t chunks_known; /* of those, found in the vault or seen before in this run */
    uint64_t packs;        /* durable */
};

struct vault_writer *vault_writer_open(struct vault *vault, const struct vault_writer_options *options,
                                       struct error *err);
/* Stops at once whatever is under way; what was not flushed may be lost (its packs are found again by the next run).
 * No stream may be open. */
void vault_writer_close(struct vault_writer *writer);
void vault_writer_close_p(struct vault_writer **writer);

/* One content from memory. */
int vault_writer_put(struct vault_writer *writer, enum vault_content type, const void *data, size_t len,
                     struct content_ref *ref, struct error *err);

/* One content of unknown length in pieces, from one thread. */
struct vault_stream *vault_stream_begin(struct vault_writer *writer, enum vault_content type, struct error *err);
int vault_stream_write(struct vault_stream *stream, const void *data, size_t len, struct error *err);
/* Frees the stream, also when it fails. */
int vault_stream_end(struct vault_stream *stream, struct content_ref *ref, struct error *err);
/* Likewise for a message: also what its recipe takes from elsewhere, for its catalog item. */
int vault_stream_end_message(struct vault_stream *stream, struct content_parts *parts, struct content_ref *ref,
                             struct error *err);
/* Instead of the end: frees it; what was passed on already stays in the vault unused. NULL is fine. */
void vault_stream_abort(struct vault_stream *stream);

/* Waits until everything put so far is durable. Nobody else may feed meanwhile. May be called many times. */
int vault_writer_flush(struct vault_writer *writer, struct error *err);
/* Wakes every thread that waits in this writer with ERROR_CANCELLED. */
void vault_writer_cancel(struct vault_writer *writer);

void vault_writer_progress(struct vault_writer *writer, struct vault_writer_progress *progress);

/* Names of the packs made durable last, for the commit; at most VAULT_WRITER_PACKS_KEPT of them. Borrowed until the
 * next call of any kind. */
#define VAULT_WRITER_PACKS_KEPT 4096
const char (*vault_writer_packs(struct vault_writer *writer, size_t *count))[PACK_NAME_LEN];

#endif
