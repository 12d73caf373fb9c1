#include "common/vault/vault_writer_internal.h"

#include "common/base/memory.h"
#include "common/vault/group_codec.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* A chunk between its naming and the moment the vault is known to hold it. As many as the queues and packs hold. */
struct writer_inflight {
    struct chunk_id id;
    UT_hash_handle hh;
};

static struct chunk_id *
recent_slot(struct vault_writer *writer, const struct chunk_id *id)
{
    uint32_t h;
    memcpy(&h, id->bytes, sizeof(h));
    return &writer->recent[h % WRITER_RECENT];
}

/* Called locked. */
static bool
seen(struct vault_writer *writer, const struct chunk_id *id)
{
    struct writer_inflight *entry;
    if (memcmp(recent_slot(writer, id), id, sizeof(*id)) == 0)
        return true;
    HASH_FIND(hh, writer->inflight, id, sizeof(*id), entry);
    if (entry != NULL)
        return true;
    entry = MEMORY_NEW(struct writer_inflight);
    entry->id = *id;
    HASH_ADD(hh, writer->inflight, id, sizeof(entry->id), entry);
    return false;
}

void
vault_writer_note_known(struct vault_writer *writer, const struct chunk_id *id)
{
    struct writer_inflight *entry;
    HASH_FIND(hh, writer->inflight, id, sizeof(*id), entry);
    if (entry != NULL) {
        HASH_DELETE(hh, writer->inflight, entry);
        free(entry);
    }
    *recent_slot(writer, id) = *id;
}

void
vault_writer_forget_all(struct vault_writer *writer)
{
    struct writer_inflight *entry, *next;
    HASH_ITER (hh, writer->inflight, entry, next) {
        HASH_DELETE(hh, writer->inflight, entry);
        free(entry);
    }
}

static int
push(struct vault_writer *writer, struct writer_chunk *chunk, struct error *err)
{
    if (bounded_queue_push(writer->found, chunk, sizeof(*chunk) + chunk->name.len))
        return 0;
    free(chunk);
    return vault_writer_failed(writer, err);
}

int
vault_writer_feed(struct vault_writer *writer, struct hmac *naming, enum writer_class class, const uint8_t *data,
                  size_t len, struct chunk_id *id, struct error *err)
{
    vault_name_chunk(naming, data, len, id);
    pthread_mutex_lock(&writer->lock);
    bool failed = writer->failed, known = !failed && seen(writer, id);
    writer->progress.bytes_in += class == CLASS_LIST ? 0 : len;
    writer->progress.chunks++;
    if (known)
        writer->progress.chunks_known++;
    else if (!failed)
        writer->chunks_pending++;
    pthread_mutex_unlock(&writer->lock);
    if (failed)
        return vault_writer_failed(writer, err);
    if (known)
        return 0;
    struct writer_chunk *chunk = malloc(sizeof(*chunk) + len);
    if (chunk == NULL) {
        struct error why = ERROR_INIT;
        FAIL(&why, ERROR_LIMIT, 0, "no memory for a chunk of %zu bytes", len);
        vault_writer_fail(writer, &why);
        return vault_writer_failed(writer, err);
    }
    chunk->marker = false;
    chunk->name = (struct pack_chunk){ .id = *id, .len = (uint32_t)len };
    chunk->class = class == CLASS_FILE && group_codec_looks_dense(data, len) ? CLASS_DENSE : class;
    memcpy(chunk->data, data, len);
    return push(writer, chunk, err);
}

int
vault_writer_feed_marker(struct vault_writer *writer, struct error *err)
{
    struct writer_chunk *chunk = MEMORY_NEW(struct writer_chunk);
    chunk->marker = true;
    pthread_mutex_lock(&writer->lock);
    writer->chunks_pending++;
    pthread_mutex_unlock(&writer->lock);
    return push(writer, chunk, err);
}
