#include "tests/fakes/fake_backend.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_format.h"
#include "common/vault/point_format.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct object {
    enum object_class class;
    char name[OBJECT_NAME_LEN];
    uint8_t *data;
    size_t len;
};

struct known {
    struct chunk_id id;
    struct chunk_place place;
    UT_hash_handle hh;
};

struct fake_backend {
    pthread_mutex_t lock;
    struct object *objects;
    size_t count;
    struct known *index;
    int countdown, calls;
    const char *indexing;
};

struct fake_backend *
fake_backend_new(void)
{
    struct fake_backend *fake = MEMORY_NEW(struct fake_backend);
    pthread_mutex_init(&fake->lock, NULL);
    fake->countdown = -1;
    return fake;
}

void
fake_backend_free(struct fake_backend *fake)
{
    struct known *known, *next;
    HASH_ITER (hh, fake->index, known, next) {
        HASH_DEL(fake->index, known);
        free(known);
    }
    for (size_t i = 0; i < fake->count; i++)
        free(fake->objects[i].data);
    free(fake->objects);
    pthread_mutex_destroy(&fake->lock);
    free(fake);
}

static int
enter(struct fake_backend *fake, struct error *err)
{
    pthread_mutex_lock(&fake->lock);
    fake->calls++;
    if (fake->countdown != 0) {
        fake->countdown -= fake->countdown > 0;
        return 0;
    }
    pthread_mutex_unlock(&fake->lock);
    return FAIL(err, ERROR_NETWORK, 0, "planned fault");
}

static struct object *
find(struct fake_backend *fake, enum object_class class, const char *name)
{
    for (size_t i = 0; i < fake->count; i++) {
        if (fake->objects[i].class == class && strcmp(fake->objects[i].name, name) == 0)
            return &fake->objects[i];
    }
    return NULL;
}

static int
put(struct fake_backend *fake, enum object_class class, const char *name, const uint8_t *data, size_t len,
    struct error *err)
{
    struct object *there = find(fake, class, name);
    if (there != NULL)
        return there->len == len && memcmp(there->data, data, len) == 0 ? 0 : FAIL(err, ERROR_EXISTS, 0, "taken");
    fake->objects = realloc(fake->objects, (fake->count + 1) * sizeof(fake->objects[0]));
    if (fake->objects == NULL)
        abort();
    struct object *object = &fake->objects[fake->count++];
    object->class = class;
    snprintf(object->name, sizeof(object->name), "%s", name);
    object->data = memory_new(len + 1);
    memcpy(object->data, data, len);
    object->len = len;
    return 0;
}

static int
on_find_chunks(void *backend, const struct chunk_id *ids, size_t n, struct chunk_place *places, struct error *err)
{
    struct fake_backend *fake = backend;
    if (enter(fake, err) != 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        struct known *known;
        HASH_FIND(hh, fake->index, &ids[i], sizeof(ids[i]), known);
        memset(&places[i], 0, sizeof(places[i]));
        if (known != NULL)
            places[i] = known->place;
    }
    pthread_mutex_unlock(&fake->lock);
    return 0;
}

static int
on_chunk(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset, struct error *err)
{
    struct fake_backend *fake = ctx;
    struct known *known;
    (void)err;
    HASH_FIND(hh, fake->index, &chunk->id, sizeof(chunk->id), known);
    if (known != NULL)
        return 0;
    known = MEMORY_NEW(struct known);
    known->id = chunk->id;
    known->place = (struct chunk_place){
        .known = true,
        .group = group->ordinal,
        .group_offset = group->offset,
        .group_stored = group->stored,
        .group_raw = group->raw,
        .chunk_offset = offset,
        .chunk_len = chunk->len,
    };
    snprintf(known->place.pack, sizeof(known->place.pack), "%s", fake->indexing);
    HASH_ADD(hh, fake->index, id, sizeof(known->id), known);
    return 0;
}

static int
on_put_pack(void *backend, const char *name, const uint8_t *data, size_t len, struct error *err)
{
    struct fake_backend *fake = backend;
    struct pack_trailer trailer;
    if (enter(fake, err) != 0)
        return -1;
    fake->indexing = name;
    int failed = pack_trailer_decode(data + len - PACK_TRAILER_LEN, len, &trailer, err);
    if (failed == 0) {
        size_t tail = trailer.directory_len + (size_t)PACK_TRAILER_LEN;
        struct pack_parts parts = { data, data + len - tail, tail, len };
        failed = pack_directory_walk(&parts, NULL, on_chunk, fake, err);
    }
    if (failed == 0)
        failed = put(fake, OBJECT_PACK, name, data, len, err);
    pthread_mutex_unlock(&fake->lock);
    return failed;
}

static int
on_get_ranges(void *backend, const struct pack_range *ranges, size_t n, vault_block_fn *sink, void *ctx,
              struct error *err)
{
    struct fake_backend *fake = backend;
    for (size_t i = 0; i < n; i++) {
        if (enter(fake, err) != 0)
            return -1;
        struct object *object = find(fake, OBJECT_PACK, ranges[i].pack);
        pthread_mutex_unlock(&fake->lock);
        if (object == NULL)
            return FAIL(err, ERROR_NOT_FOUND, 0, "no such pack");
        uint64_t offset = ranges[i].offset;
        if ((int64_t)offset < 0 && PACK_FROM_END(offset) <= object->len)
            offset += object->len;
        if (offset > object->len || ranges[i].len > object->len - offset)
            return FAIL(err, ERROR_CORRUPT, 0, "range beyond the pack's end");
        /* Odd pieces: a reader must not depend on how a range is cut. */
        for (uint64_t at = 0; at < ranges[i].len;) {
            size_t piece = ranges[i].len - at < 70001 ? (size_t)(ranges[i].len - at) : 70001;
            if (sink(ctx, i, object->data + offset + at, piece, err) != 0)
                return -1;
            at += piece;
        }
    }
    return 0;
}

static int
on_get_object(void *backend, enum object_class class, const char *name, uint8_t **data, size_t *len, struct error *err)
{
    struct fake_backend *fake = backend;
    if (enter(fake, err) != 0)
        return -1;
    const struct object *object = find(fake, class, name);
    if (object != NULL) {
        *data = memory_new(object->len + 1);
        memcpy(*data, object->data, object->len);
        *len = object->len;
    }
    pthread_mutex_unlock(&fake->lock);
    return object == NULL ? FAIL(err, ERROR_NOT_FOUND, 0, "no such object") : 0;
}

static int
on_put_object(void *backend, enum object_class class, const char *name, const uint8_t *data, size_t len,
              struct error *err)
{
    struct fake_backend *fake = backend;
    if (enter(fake, err) != 0)
        return -1;
    int failed = put(fake, class, name, data, len, err);
    pthread_mutex_unlock(&fake->lock);
    return failed;
}

static int
on_list_objects(void *backend, enum object_class class, vault_name_fn *found, void *ctx, struct error *err)
{
    struct fake_backend *fake = backend;
    class = class == OBJECT_WHOLE_PACK ? OBJECT_PACK : class;
    if (enter(fake, err) != 0)
        return -1;
    pthread_mutex_unlock(&fake->lock);
    for (size_t i = 0; i < fake->count; i++) {
        if (fake->objects[i].class == class && found(ctx, fake->objects[i].name, err) != 0)
            return -1;
    }
    return 0;
}

/* As a host does: one that does not fit its own digest may be replaced. */
static void
forget_damaged_point(struct fake_backend *fake, const char *name)
{
    for (size_t i = 0; i < fake->count; i++) {
        struct point_header header;
        struct point_parts parts;
        struct object *object = &fake->objects[i];
        if (object->class != OBJECT_POINT || strcmp(object->name, name) != 0)
            continue;
        if (point_format_decode(object->data, object->len, &header, &parts, NULL) != 0)
            fake_backend_drop(fake, i);
        return;
    }
}

static int
on_commit_point(void *backend, const struct vault_commit *commit, struct error *err)
{
    struct fake_backend *fake = backend;
    for (size_t i = 0; i < commit->pack_count; i++) {
        if (find(fake, OBJECT_PACK, commit->packs[i]) == NULL)
            return FAIL(err, ERROR_CONFLICT, 0, "a pack is missing");
    }
    forget_damaged_point(fake, commit->name);
    return on_put_object(backend, OBJECT_POINT, commit->name, commit->data, commit->len, err);
}

static int
on_begin(void *backend, uint64_t *epoch, struct error *err)
{
    struct fake_backend *fake = backend;
    if (enter(fake, err) != 0)
        return -1;
    pthread_mutex_unlock(&fake->lock);
    *epoch = 1;
    return 0;
}

static const struct vault_backend_vtable vtable = {
    .begin = on_begin,
    .find_chunks = on_find_chunks,
    .locate_chunks = on_find_chunks,
    .put_pack = on_put_pack,
    .get_ranges = on_get_ranges,
    .get_object = on_get_object,
    .put_object = on_put_object,
    .list_objects = on_list_objects,
    .commit_point = on_commit_point,
};

struct vault_backend
fake_backend_of(struct fake_backend *fake)
{
    return (struct vault_backend){ &vtable, fake };
}

void
fake_backend_fail_after(struct fake_backend *fake, int countdown)
{
    pthread_mutex_lock(&fake->lock);
    fake->countdown = countdown;
    pthread_mutex_unlock(&fake->lock);
}

int
fake_backend_calls(struct fake_backend *fake)
{
    return fake->calls;
}

size_t
fake_backend_objects(struct fake_backend *fake)
{
    return fake->count;
}

uint8_t *
fake_backend_object(struct fake_backend *fake, size_t n, enum object_class *class, size_t *len)
{
    *class = fake->objects[n].class;
    *len = fake->objects[n].len;
    return fake->objects[n].data;
}

uint64_t
fake_backend_pack_bytes(struct fake_backend *fake)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < fake->count; i++)
        bytes += fake->objects[i].class == OBJECT_PACK ? fake->objects[i].len : 0;
    return bytes;
}

void
fake_backend_drop(struct fake_backend *fake, size_t n)
{
    free(fake->objects[n].data);
    memmove(&fake->objects[n], &fake->objects[n + 1], (fake->count - n - 1) * sizeof(fake->objects[0]));
    fake->count--;
}

void
fake_backend_forget_pack(struct fake_backend *fake, size_t n)
{
    struct known *known, *next;
    HASH_ITER (hh, fake->index, known, next) {
        if (strcmp(known->place.pack, fake->objects[n].name) != 0)
            continue;
        HASH_DEL(fake->index, known);
        free(known);
    }
    fake_backend_drop(fake, n);
}
