#include "common/vault/vault_writer_internal.h"

#include <string.h>

static int
on_chunk_durable(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset,
                 struct error *err)
{
    (void)group;
    (void)offset;
    (void)err;
    vault_writer_note_known(ctx, &chunk->id);
    return 0;
}

static void
remember_name(struct vault_writer *writer, const char *name)
{
    size_t slot = (writer->pack_names_at + writer->pack_names_count) % VAULT_WRITER_PACKS_KEPT;
    memcpy(writer->pack_names[slot], name, PACK_NAME_LEN);
    if (writer->pack_names_count < VAULT_WRITER_PACKS_KEPT)
        writer->pack_names_count++;
    else
        writer->pack_names_at = (writer->pack_names_at + 1) % VAULT_WRITER_PACKS_KEPT;
}

static int
upload(struct vault_writer *writer, struct writer_pack *pack, struct error *err)
{
    struct vault_backend backend = writer->vault->backend;
    size_t tail = pack->directory.len + PACK_TRAILER_LEN;
    struct pack_parts parts = {
        .header = pack->data.data,
        .directory = pack->data.data + pack->data.len - tail,
        .directory_len = tail,
        .size = pack->data.len,
    };
    if (backend.vtable->put_pack(backend.ctx, pack->name, pack->data.data, pack->data.len, err) != 0)
        return error_wrap(err, "storing pack %s", pack->name);
    pthread_mutex_lock(&writer->lock);
    int failed = pack_directory_walk(&parts, NULL, on_chunk_durable, writer, err);
    writer->progress.bytes_stored += pack->data.len;
    writer->progress.packs++;
    remember_name(writer, pack->name);
    pthread_mutex_unlock(&writer->lock);
    return failed;
}

void *
vault_writer_upload_run(void *arg)
{
    struct vault_writer *writer = arg;
    struct error err = ERROR_INIT;
    struct writer_pack *pack;
    while (!error_is_set(&err) && (pack = bounded_queue_pop(writer->packs)) != NULL) {
        if (upload(writer, pack, &err) != 0)
            vault_writer_fail(writer, &err);
        pthread_mutex_lock(&writer->lock);
        writer->packs_pending--;
        vault_writer_release_pack(writer, pack);
        pthread_mutex_unlock(&writer->lock);
    }
    return NULL;
}
