#ifndef LONGHAUL_COMMON_VAULT_VAULT_WRITER_INTERNAL_H
#define LONGHAUL_COMMON_VAULT_VAULT_WRITER_INTERNAL_H

/* The writer's inside. The way of a chunk:
 *
 *   feeding threads: cut, name ─► found queue ─► dedup thread: ask the backend, gather groups
 *     ─► group queue ─► sealer threads: compress, seal into the open pack ─► pack queue ─► uploader threads
 *
 * `lock` guards everything that is not said to belong to one thread. */

#include "common/base/bounded_queue.h"
#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/vault/pack_format.h"
#include "common/vault/vault_internal.h"
#include "common/vault/vault_writer.h"

#include <pthread.h>

#define WRITER_GROUP_RAW    ((size_t)1 << 20)
#define WRITER_GROUP_NODES  ((size_t)16 << 10) /* nodes and lists are read one at a time: a small group costs less */
#define WRITER_GROUP_PATH   ((size_t)1 << 10)  /* nodes above leaves: of a level just one is read */
#define WRITER_GROUP_CHUNKS 4096
#define WRITER_PACK_SLACK   ((size_t)3 << 20) /* room for the last group, the directory and the trailer */
#define WRITER_DIRECTORY    ((size_t)3 << 19)
#define WRITER_QUEUE_BYTES  ((size_t)512 << 10)
#define WRITER_BATCH        1024 /* chunks asked for at a time */
#define WRITER_BATCH_BYTES  ((size_t)512 << 10)
#define WRITER_RECENT       16384
#define WRITER_MAX_THREADS  16
#define WRITER_IDLE_STREAMS 4

/* What compresses together. */
enum writer_class {
    CLASS_TEXT,
    CLASS_FILE,
    CLASS_DENSE,
    CLASS_METADATA,
    CLASS_NODE,
    CLASS_PATH,
    CLASS_LIST,
    CLASS_COUNT
};

struct writer_chunk {
    struct pack_chunk name;
    enum writer_class class;
    bool marker; /* no chunk: the dedup thread passes on its open groups */
    uint8_t data[];
};

struct writer_group {
    enum writer_class class;
    size_t len, chunk_count;
    struct writer_group *next; /* in the list of free ones */
    size_t room;               /* of data */
    struct pack_chunk chunks[WRITER_GROUP_CHUNKS];
    uint8_t data[];
};

struct writer_pack {
    struct pack_header header;
    char name[PACK_NAME_LEN];
    uint64_t serial;
    struct buffer data, directory;
    uint32_t groups, chunks;
    unsigned sealing; /* reserved places that are not filled yet */
    bool closed;
    struct writer_pack *next; /* in the list of free ones */
};

struct vault_stream;
struct writer_inflight;

struct vault_writer {
    struct vault *vault;
    struct vault_writer_options options;
    struct bounded_queue *found, *groups, *packs;
    pthread_t dedup, sealers[WRITER_MAX_THREADS], uploaders[WRITER_MAX_THREADS];
    unsigned sealers_running, uploaders_running;
    bool dedup_running;

    struct writer_group *open[CLASS_COUNT]; /* the dedup thread's */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct error failure;
    bool failed;
    struct writer_inflight *inflight;
    struct chunk_id *recent;                                                   /* a hash table that forgets */
    struct writer_pack *pack, *free_packs, *all_packs[WRITER_MAX_THREADS + 1]; /* uploaders + 1 */
    struct writer_group *free_groups[CLASS_COUNT];
    uint64_t next_serial;
    unsigned packs_made;
    size_t chunks_pending, groups_pending, packs_pending;
    struct vault_stream *idle;
    unsigned idle_count;
    struct vault_writer_progress progress;
    char (*pack_names)[PACK_NAME_LEN]; /* a ring */
    size_t pack_names_at, pack_names_count;
    char (*names_out)[PACK_NAME_LEN];
};

/* The first failure stops everything. */
void vault_writer_fail(struct vault_writer *writer, const struct error *why);
/* -1 and the writer's failure in err. */
int vault_writer_failed(struct vault_writer *writer, struct error *err);

/* Names a chunk and passes it on unless it is under way or was met lately: file bytes that look incompressible apart
 * from others. Any thread. */
int vault_writer_feed(struct vault_writer *writer, struct hmac *naming, enum writer_class class, const uint8_t *data,
                      size_t len, struct chunk_id *id, struct error *err);
int vault_writer_feed_marker(struct vault_writer *writer, struct error *err);
/* The chunk is in the vault, durably. Called locked. */
void vault_writer_note_known(struct vault_writer *writer, const struct chunk_id *id);
void vault_writer_forget_all(struct vault_writer *writer);

/* Large groups are kept for reuse: their pages stay with the writer instead of going through the heap. */
void vault_writer_release_group(struct vault_writer *writer, struct writer_group *group);
void vault_writer_free_groups(struct vault_writer *writer);

void *vault_writer_dedup_run(void *writer);
void *vault_writer_seal_run(void *writer);
void *vault_writer_upload_run(void *writer);

/* Closes the open pack, if any, and passes it on. */
int vault_writer_close_pack(struct vault_writer *writer, struct error *err);
/* Takes an empty pack back. Called locked. */
void vault_writer_release_pack(struct vault_writer *writer, struct writer_pack *pack);
void vault_writer_free_packs(struct vault_writer *writer);

/* The streams kept for reuse. */
void vault_stream_free_idle(struct vault_writer *writer);

#endif
