#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/aead.h"
#include "common/vault/group_codec.h"
#include "common/vault/pack_builder.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_directory.h"
#include "common/vault/vault_sweep_internal.h"

#include <stdlib.h>
#include <string.h>

/* Rewrites packs: a group that lives as a whole is opened and sealed again as it is; what lives of others is grouped
 * anew, separately what was compressed in small groups (nodes, lists), in large ones, and not at all. */

#define PACK_BYTES    ((size_t)16 << 20)
#define GROUP_RAW     ((size_t)1 << 20)
#define SMALL_RAW     ((size_t)256 << 10)
#define GROUP_CHUNKS  4096
#define DIRECTORY_LOW (PACK_BUILDER_DIRECTORY - (size_t)GROUP_CHUNKS * (CHUNK_ID_LEN + 4))

enum mixture { MIX_SMALL, MIX_LARGE, MIX_RAW, MIX_COUNT };

struct gathering {
    uint8_t *data;
    size_t len, count;
    struct pack_chunk chunks[GROUP_CHUNKS];
};

struct old_group {
    struct pack_group place;
    size_t first; /* chunk */
    size_t live;
};

struct vault_repack {
    struct vault_sweep *sweep;
    struct pack_builder builder;
    bool building;
    struct gathering *gathered[MIX_COUNT];
    struct group_encoder *encoder;
    struct group_decoder *decoder;

    /* The old pack. */
    struct old_group *groups;
    struct pack_chunk *chunks;
    size_t group_count, group_room, chunk_count, chunk_room;
    struct buffer sealed;
};

struct vault_repack *
vault_repack_new(struct vault_sweep *sweep)
{
    struct vault_repack *repack = MEMORY_NEW(struct vault_repack);
    repack->sweep = sweep;
    repack->encoder = group_encoder_new(sweep->vault->compression_level);
    repack->decoder = group_decoder_new();
    buffer_init(&repack->sealed, PACK_MAX_BYTES);
    return repack;
}

void
vault_repack_free(struct vault_repack *repack)
{
    if (repack == NULL)
        return;
    for (int i = 0; i < MIX_COUNT; i++)
        if (repack->gathered[i] != NULL) {
            free(repack->gathered[i]->data);
            free(repack->gathered[i]);
        }
    pack_builder_clear(&repack->builder);
    group_encoder_free(repack->encoder);
    group_decoder_free(repack->decoder);
    buffer_clear(&repack->sealed);
    free(repack->groups);
    free(repack->chunks);
    free(repack);
}

static int
put_pack(struct vault_repack *repack, struct error *err)
{
    struct vault_sweep *sweep = repack->sweep;
    struct vault_backend backend = sweep->vault->backend;
    struct pack_builder *builder = &repack->builder;
    repack->building = false;
    if (pack_builder_finish(builder, err) != 0 ||
        backend.vtable->sweep->put_pack(backend.ctx, sweep->session.id, builder->name, builder->data.data,
                                        builder->data.len, err) != 0)
        return -1;
    sweep->result->bytes_rewritten += builder->data.len;
    sweep->progress.bytes_rewritten += builder->data.len;
    return vault_sweep_check(sweep, "rewrite", err);
}

static int
add_group(struct vault_repack *repack, const uint8_t *plain, size_t len, const struct pack_chunk *chunks, size_t count,
          struct error *err)
{
    struct pack_builder *builder = &repack->builder;
    bool full = repack->building &&
                (builder->data.len + len > PACK_BYTES + GROUP_RAW || builder->groups + 1 >= PACK_MAX_GROUPS ||
                 builder->directory.len + count * (CHUNK_ID_LEN + 4) > DIRECTORY_LOW ||
                 builder->chunks + count > PACK_MAX_CHUNKS);
    if (full && put_pack(repack, err) != 0)
        return -1;
    if (!repack->building && pack_builder_begin(builder, repack->sweep->vault, err) != 0)
        return -1;
    repack->building = true;
    if (pack_builder_add(builder, plain, len, chunks, count, err) != 0)
        return -1;
    return builder->data.len >= PACK_BYTES ? put_pack(repack, err) : 0;
}

static int
close_gathered(struct vault_repack *repack, enum mixture mixture, struct error *err)
{
    struct gathering *gathering = repack->gathered[mixture];
    size_t len;
    if (gathering == NULL || gathering->count == 0)
        return 0;
    enum group_kind kind = mixture == MIX_RAW ? GROUP_DENSE : GROUP_TEXT;
    const uint8_t *plain = group_encoder_run(repack->encoder, gathering->data, gathering->len, kind, &len, err);
    if (plain == NULL || add_group(repack, plain, len, gathering->chunks, gathering->count, err) != 0)
        return -1;
    gathering->len = gathering->count = 0;
    return 0;
}

static int
gather(struct vault_repack *repack, enum mixture mixture, const struct pack_chunk *chunk, const uint8_t *data,
       struct error *err)
{
    if (repack->gathered[mixture] == NULL) {
        repack->gathered[mixture] = MEMORY_NEW(struct gathering);
        repack->gathered[mixture]->data = memory_new(GROUP_RAW + CHUNK_MAX_BYTES);
    }
    struct gathering *gathering = repack->gathered[mixture];
    memcpy(gathering->data + gathering->len, data, chunk->len);
    gathering->chunks[gathering->count++] = *chunk;
    gathering->len += chunk->len;
    bool full = gathering->len >= (mixture == MIX_SMALL ? SMALL_RAW : GROUP_RAW) || gathering->count == GROUP_CHUNKS;
    return full ? close_gathered(repack, mixture, err) : 0;
}

static int
make_room(void **array, size_t *room, size_t count, size_t size, struct error *err)
{
    if (count < *room)
        return 0;
    size_t more = *room == 0 ? 1024 : *room * 2;
    void *bigger = realloc(*array, more * size);
    if (bigger == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "no memory for a pack's directory");
    *array = bigger;
    *room = more;
    return 0;
}

static int
on_group(void *ctx, const struct pack_group *group, struct error *err)
{
    struct vault_repack *repack = ctx;
    void *groups = repack->groups;
    if (make_room(&groups, &repack->group_room, repack->group_count, sizeof(repack->groups[0]), err) != 0)
        return -1;
    repack->groups = groups;
    repack->groups[repack->group_count++] = (struct old_group){ *group, repack->chunk_count, 0 };
    return 0;
}

static int
on_chunk(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset, struct error *err)
{
    struct vault_repack *repack = ctx;
    void *chunks = repack->chunks;
    (void)group;
    (void)offset;
    if (make_room(&chunks, &repack->chunk_room, repack->chunk_count, sizeof(repack->chunks[0]), err) != 0)
        return -1;
    repack->chunks = chunks;
    repack->chunks[repack->chunk_count++] = *chunk;
    return 0;
}

static int
on_block(void *ctx, size_t range, const uint8_t *data, size_t len, struct error *err)
{
    (void)range;
    return buffer_append(ctx, data, len, err);
}

/* The group's plaintext (codec byte and body), in place. */
static int
open_group(struct vault_repack *repack, const char *pack, const struct vault_directory *directory,
           const struct pack_group *group, struct error *err)
{
    const struct vault *vault = repack->sweep->vault;
    struct pack_range range = { .offset = group->offset, .len = group->stored };
    uint8_t bound[VAULT_BOUND_MAX], nonce[AEAD_NONCE_LEN];
    memcpy(range.pack, pack, sizeof(range.pack));
    repack->sealed.len = 0;
    if (vault->backend.vtable->get_ranges(vault->backend.ctx, &range, 1, on_block, &repack->sealed, err) != 0)
        return -1;
    if (repack->sealed.len != group->stored || group->stored <= PACK_GROUP_OVERHEAD)
        return FAIL(err, ERROR_CORRUPT, 0, "a group is shorter than it must be");
    size_t bound_len = vault_bound(vault, "group", directory->header.name, group->ordinal, bound);
    vault_nonce(group->ordinal, nonce);
    return aead_open(directory->aead, nonce, (struct aead_bound){ bound, bound_len }, repack->sealed.data,
                     group->stored, repack->sealed.data, err);
}

/* Opened and decoded before anything of it is taken over: damage leaves no half. */
static int
take_group(struct vault_repack *repack, const struct old_group *group, const uint8_t *live, struct error *err)
{
    const uint8_t *plain = repack->sealed.data;
    size_t len = group->place.stored - AEAD_TAG_LEN;
    const struct pack_chunk *chunks = repack->chunks + group->first;
    if (group->live == group->place.chunk_count)
        return add_group(repack, plain, len, chunks, group->place.chunk_count, err);
    CLEANUP(memory_free_p) uint8_t *raw = memory_array(group->place.raw, 1, GROUP_MAX_RAW, err);
    if (raw == NULL || group_decoder_run(repack->decoder, plain, len, raw, group->place.raw, err) != 0)
        return -1;
    enum mixture mixture = plain[0] == GROUP_CODEC_RAW         ? MIX_RAW
                           : group->place.raw <= SMALL_RAW * 2 ? MIX_SMALL
                                                               : MIX_LARGE;
    for (size_t i = 0, offset = 0; i < group->place.chunk_count; offset += chunks[i++].len)
        if (live[group->first + i] && gather(repack, mixture, &chunks[i], raw + offset, err) != 0)
            return -1;
    return 0;
}

static void
count_live(struct vault_repack *repack, const uint8_t *live)
{
    for (size_t g = 0; g < repack->group_count; g++)
        for (size_t i = 0; i < repack->groups[g].place.chunk_count; i++)
            repack->groups[g].live += live[repack->groups[g].first + i] != 0;
}

static int
add_pack(struct vault_repack *repack, const char *pack, uint64_t size, const struct vault_directory *directory,
         struct error *err)
{
    struct vault_sweep *sweep = repack->sweep;
    struct vault_backend backend = sweep->vault->backend;
    struct pack_parts parts = { directory->head.data, directory->tail.data, directory->tail.len, size };
    CLEANUP(memory_free_p) uint8_t *live = NULL;
    size_t count = 0;
    repack->group_count = repack->chunk_count = 0;
    if (pack_directory_walk(&parts, on_group, on_chunk, repack, err) != 0 ||
        backend.vtable->sweep->pack_live(backend.ctx, sweep->session.id, pack, &live, &count, err) != 0)
        return -1;
    if (count != repack->chunk_count)
        return FAIL(err, ERROR_FORMAT, 0, "the host counts other chunks than the pack's directory lists");
    count_live(repack, live);
    for (size_t g = 0; g < repack->group_count; g++)
        if (repack->groups[g].live > 0 && (open_group(repack, pack, directory, &repack->groups[g].place, err) != 0 ||
                                           take_group(repack, &repack->groups[g], live, err) != 0))
            return -1;
    return 0;
}

int
vault_repack_add(struct vault_repack *repack, const char *pack, uint64_t size, struct error *err)
{
    struct error why = ERROR_INIT;
    struct vault_directory directory = { .aead = NULL };
    int failed = vault_directory_read(repack->sweep->vault, pack, &directory, &why);
    if (failed == 0)
        failed = add_pack(repack, pack, size, &directory, &why);
    vault_directory_clear(&directory);
    if (failed == 0)
        return 1;
    if (vault_damage_is(&why))
        return 0;
    if (err != NULL)
        *err = why;
    return error_wrap(err, "rewriting pack %s", pack);
}

int
vault_repack_flush(struct vault_repack *repack, struct error *err)
{
    for (int i = 0; i < MIX_COUNT; i++)
        if (close_gathered(repack, (enum mixture)i, err) != 0)
            return -1;
    return repack->building ? put_pack(repack, err) : 0;
}
