#include "common/vault/vault_writer_internal.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/crypto/aead.h"
#include "common/vault/group_codec.h"
#include "common/vault/vault_directory.h"

#include <stdlib.h>
#include <string.h>

/* Compresses groups and seals them into the one open pack, several at a time: a sealer reserves its place under the
 * lock and fills it outside. Whoever finishes the last place of a closed pack passes the pack on. */

struct sealer {
    struct vault_writer *writer;
    struct group_encoder *encoder;
    struct aead *aead;
    uint64_t keyed; /* serial of the pack that aead is keyed for */
};

void
vault_writer_free_packs(struct vault_writer *writer)
{
    for (unsigned i = 0; i < writer->packs_made; i++) {
        buffer_clear(&writer->all_packs[i]->data);
        buffer_clear(&writer->all_packs[i]->directory);
        free(writer->all_packs[i]);
    }
}

void
vault_writer_release_pack(struct vault_writer *writer, struct writer_pack *pack)
{
    pack->next = writer->free_packs;
    writer->free_packs = pack;
    pthread_cond_broadcast(&writer->changed);
}

static struct writer_pack *
new_pack(size_t capacity, struct error *err)
{
    uint8_t *data = memory_pages(capacity, capacity, err);
    if (data == NULL)
        return NULL;
    struct writer_pack *pack = MEMORY_NEW(struct writer_pack);
    pack->data = (struct buffer){ .data = data, .capacity = capacity, .ceiling = capacity };
    buffer_init(&pack->directory, WRITER_DIRECTORY);
    return pack;
}

/* Called locked; may wait. */
static int
open_pack(struct vault_writer *writer, struct error *err)
{
    while (!writer->failed && writer->pack == NULL && writer->free_packs == NULL &&
           writer->packs_made > writer->options.uploaders)
        pthread_cond_wait(&writer->changed, &writer->lock);
    if (writer->failed)
        return -1;
    if (writer->pack != NULL)
        return 0;
    struct writer_pack *pack = writer->free_packs;
    if (pack != NULL) {
        writer->free_packs = pack->next;
    } else {
        if ((pack = new_pack(writer->options.pack_bytes + WRITER_PACK_SLACK, err)) == NULL)
            return -1;
        writer->all_packs[writer->packs_made++] = pack;
    }
    pack->data.len = pack->directory.len = 0;
    pack->groups = pack->chunks = 0;
    pack->closed = false;
    pack->serial = ++writer->next_serial;
    pack->header.epoch = VAULT_EPOCH;
    clock_random(writer->vault->clock, pack->header.name, sizeof(pack->header.name));
    clock_random(writer->vault->clock, pack->header.salt, sizeof(pack->header.salt));
    pack_name_text(pack->header.name, pack->name);
    pack_header_encode(&pack->header, pack->data.data);
    pack->data.len = PACK_HEADER_LEN;
    writer->pack = pack;
    writer->packs_pending++;
    return 0;
}

/* Nobody else touches a closed pack without open places. */
static int
finish_pack(struct vault_writer *writer, struct writer_pack *pack, struct error *err)
{
    struct pack_trailer trailer = { .directory_len = (uint32_t)pack->directory.len, .groups = pack->groups };
    CLEANUP(aead_free_p) struct aead *aead = NULL;
    if (vault_pack_key(writer->vault, pack->header.name, pack->header.salt, &aead, err) != 0 ||
        vault_directory_tag(writer->vault, aead, pack->data.data, pack->directory.data, &trailer, trailer.tag, err) !=
            0 ||
        buffer_append(&pack->data, pack->directory.data, pack->directory.len, err) != 0)
        return -1;
    return pack_trailer_append(&trailer, pack->data.data, pack->directory.data, &pack->data, err);
}

static int
pass_on_pack(struct vault_writer *writer, struct writer_pack *pack, struct error *err)
{
    if (finish_pack(writer, pack, err) == 0 && bounded_queue_push(writer->packs, pack, pack->data.len))
        return 0;
    return vault_writer_failed(writer, err);
}

int
vault_writer_close_pack(struct vault_writer *writer, struct error *err)
{
    pthread_mutex_lock(&writer->lock);
    struct writer_pack *pack = MOVE(writer->pack);
    bool complete = pack != NULL && pack->sealing == 0;
    if (pack != NULL)
        pack->closed = true;
    pthread_mutex_unlock(&writer->lock);
    return complete ? pass_on_pack(writer, pack, err) : 0;
}

/* Reserves room for a sealed group in the open pack. */
static struct writer_pack *
reserve(struct vault_writer *writer, const struct writer_group *group, size_t stored, struct pack_group *place,
        struct error *err)
{
    struct writer_pack *pack = NULL;
    pthread_mutex_lock(&writer->lock);
    if (writer->pack == NULL && open_pack(writer, err) != 0)
        goto out;
    pack = writer->pack;
    int failed = pack_directory_begin_group(&pack->directory, (uint32_t)stored, (uint32_t)group->chunk_count, err);
    for (size_t i = 0; i < group->chunk_count && failed == 0; i++)
        failed = pack_directory_add_chunk(&pack->directory, &group->chunks[i], err);
    if (failed != 0) {
        pack = NULL;
        goto out;
    }
    place->ordinal = pack->groups++;
    place->offset = (uint32_t)pack->data.len;
    pack->data.len += stored;
    pack->chunks += (uint32_t)group->chunk_count;
    pack->sealing++;
    writer->progress.bytes_sealed += stored;
    if (pack->data.len >= writer->options.pack_bytes ||
        pack->directory.len > WRITER_DIRECTORY - WRITER_GROUP_CHUNKS * (CHUNK_ID_LEN + 4)) {
        pack->closed = true;
        writer->pack = NULL;
    }
out:
    pthread_mutex_unlock(&writer->lock);
    return pack;
}

static const enum group_kind group_kinds[CLASS_COUNT] = { [CLASS_FILE] = GROUP_FILE, [CLASS_DENSE] = GROUP_DENSE };

static int
seal_group(struct sealer *sealer, const struct writer_group *group, struct error *err)
{
    struct vault_writer *writer = sealer->writer;
    struct pack_group place = { 0 };
    uint8_t bound[VAULT_BOUND_MAX], nonce[AEAD_NONCE_LEN];
    size_t len;
    const uint8_t *body =
        group_encoder_run(sealer->encoder, group->data, group->len, group_kinds[group->class], &len, err);
    if (body == NULL)
        return -1;
    struct writer_pack *pack = reserve(writer, group, len + AEAD_TAG_LEN, &place, err);
    if (pack == NULL)
        return vault_writer_failed(writer, err);
    if (sealer->keyed != pack->serial) {
        if (vault_pack_key(writer->vault, pack->header.name, pack->header.salt, &sealer->aead, err) != 0)
            return -1;
        sealer->keyed = pack->serial;
    }
    vault_nonce(place.ordinal, nonce);
    size_t bound_len = vault_bound(writer->vault, "group", pack->header.name, place.ordinal, bound);
    if (aead_seal(sealer->aead, nonce, (struct aead_bound){ bound, bound_len }, body, len,
                  pack->data.data + place.offset, err) != 0)
        return -1;
    pthread_mutex_lock(&writer->lock);
    bool complete = --pack->sealing == 0 && pack->closed;
    pthread_mutex_unlock(&writer->lock);
    return complete ? pass_on_pack(writer, pack, err) : 0;
}

void *
vault_writer_seal_run(void *arg)
{
    struct vault_writer *writer = arg;
    struct sealer sealer = { .writer = writer, .encoder = group_encoder_new(writer->vault->compression_level) };
    struct error err = ERROR_INIT;
    struct writer_group *group;
    while (!error_is_set(&err) && (group = bounded_queue_pop(writer->groups)) != NULL) {
        if (seal_group(&sealer, group, &err) != 0)
            vault_writer_fail(writer, &err);
        vault_writer_release_group(writer, group);
        pthread_mutex_lock(&writer->lock);
        writer->groups_pending--;
        pthread_cond_broadcast(&writer->changed);
        pthread_mutex_unlock(&writer->lock);
    }
    aead_free(sealer.aead);
    group_encoder_free(sealer.encoder);
    return NULL;
}
