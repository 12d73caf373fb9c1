#include "tests/sweep/sim_disk.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int
on_chunk(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset, struct error *err)
{
    struct sim_disk *disk = ctx;
    struct sim_chunk *entry;
    (void)group;
    (void)offset;
    (void)err;
    HASH_FIND(hh, disk->chunks, &chunk->id, sizeof(chunk->id), entry);
    if (entry == NULL) {
        entry = MEMORY_NEW(struct sim_chunk);
        entry->id = chunk->id;
        HASH_ADD(hh, disk->chunks, id, sizeof(entry->id), entry);
    }
    entry->copies++;
    return 0;
}

static int
on_chunk_gone(void *ctx, const struct pack_group *group, const struct pack_chunk *chunk, uint32_t offset,
              struct error *err)
{
    struct sim_disk *disk = ctx;
    struct sim_chunk *entry;
    (void)group;
    (void)offset;
    (void)err;
    HASH_FIND(hh, disk->chunks, &chunk->id, sizeof(chunk->id), entry);
    if (entry == NULL || entry->copies == 0)
        abort();
    entry->copies--;
    return 0;
}

void
sim_disk_walk(const struct sim_object *object, pack_chunk_fn *found, void *ctx)
{
    struct pack_trailer trailer;
    if (pack_trailer_decode(object->data + object->len - PACK_TRAILER_LEN, object->len, &trailer, NULL) != 0)
        abort();
    size_t tail = trailer.directory_len + (size_t)PACK_TRAILER_LEN;
    struct pack_parts parts = { object->data, object->data + object->len - tail, tail, object->len };
    if (pack_directory_walk(&parts, NULL, found, ctx, NULL) != 0)
        abort();
}

static void
count_pack(struct sim_disk *disk, const struct sim_object *object, pack_chunk_fn *fn)
{
    if (strstr(object->name, "/packs/") != NULL)
        sim_disk_walk(object, fn, disk);
}

static void
note_change(struct sim_disk *disk, const char *name)
{
    disk->changes++;
    disk->journal_changes += strstr(name, "/retire/") != NULL;
}

struct sim_object *
sim_disk_find(struct sim_disk *disk, const char *name)
{
    struct sim_object *object;
    HASH_FIND_STR(disk->objects, name, object);
    return object;
}

static void
add(struct sim_disk *disk, const char *name, const uint8_t *data, size_t len, int64_t lock_until_ms)
{
    struct sim_object *object = MEMORY_NEW(struct sim_object);
    snprintf(object->name, sizeof(object->name), "%s", name);
    object->data = memory_new(len + 1);
    memcpy(object->data, data, len);
    object->len = len;
    object->modified_ms = (int64_t)*disk->now_ms;
    object->lock_until_ms = lock_until_ms;
    HASH_ADD_STR(disk->objects, name, object);
    count_pack(disk, object, on_chunk);
    note_change(disk, name);
}

void
sim_disk_drop(struct sim_disk *disk, struct sim_object *object)
{
    count_pack(disk, object, on_chunk_gone);
    disk->removed_packs += strstr(object->name, "/packs/") != NULL;
    note_change(disk, object->name);
    HASH_DEL(disk->objects, object);
    free(object->data);
    free(object);
}

void
sim_disk_clear(struct sim_disk *disk)
{
    struct sim_object *object, *next;
    struct sim_chunk *chunk, *next_chunk;
    HASH_ITER (hh, disk->objects, object, next) {
        HASH_DEL(disk->objects, object);
        free(object->data);
        free(object);
    }
    HASH_ITER (hh, disk->chunks, chunk, next_chunk) {
        HASH_DEL(disk->chunks, chunk);
        free(chunk);
    }
    while (disk->late != NULL) {
        struct sim_late *late = disk->late;
        disk->late = late->next;
        free(late->data);
        free(late);
    }
}

void
sim_disk_arrive(struct sim_disk *disk)
{
    for (struct sim_late **at = &disk->late; *at != NULL;) {
        struct sim_late *late = *at;
        if (late->due_ms > *disk->now_ms) {
            at = &late->next;
            continue;
        }
        *at = late->next;
        if (sim_disk_find(disk, late->name) == NULL)
            add(disk, late->name, late->data, late->len, 0);
        free(late->data);
        free(late);
    }
}

unsigned
sim_disk_copies(const struct sim_disk *disk, const struct chunk_id *id)
{
    struct sim_chunk *entry;
    HASH_FIND(hh, disk->chunks, id, sizeof(*id), entry);
    return entry == NULL ? 0 : entry->copies;
}

static int
unavailable(struct error *err)
{
    return FAIL(err, ERROR_UNAVAILABLE, 0, "the simulated host is down");
}

enum fate { FATE_NONE, FATE_LOST, FATE_DONE, FATE_LATE };

/* What becomes of a write; anything but FATE_NONE is the end of the host. */
static enum fate
decide(struct sim_mount *mount)
{
    if (mount->writes_left < 0 || mount->writes_left-- > 0)
        return FATE_NONE;
    mount->crashed = true;
    mount->writes_left = -1;
    return (enum fate)(FATE_LOST + mount->disk->random(mount->disk->random_ctx, 3));
}

static uint8_t *
bytes_of(const struct storage_content *content)
{
    uint8_t *bytes = memory_new(content->size + 1);
    if (content->data != NULL)
        memcpy(bytes, content->data, content->size);
    else if (pread(content->fd, bytes, content->size, 0) != (ssize_t)content->size)
        abort();
    return bytes;
}

static int
sim_put(struct storage *storage, const char *name, const struct storage_content *content, int64_t lock_until_ms,
        struct error *err)
{
    struct sim_mount *mount = (struct sim_mount *)storage;
    struct sim_disk *disk = mount->disk;
    if (mount->crashed)
        return unavailable(err);
    if (sim_disk_find(disk, name) != NULL)
        return FAIL(err, ERROR_EXISTS, 0, "%s is taken", name);
    CLEANUP(memory_free_p) uint8_t *data = bytes_of(content);
    enum fate fate = decide(mount);
    if (fate == FATE_NONE || fate == FATE_DONE)
        add(disk, name, data, content->size, lock_until_ms);
    if (fate == FATE_LATE) {
        struct sim_late *late = MEMORY_NEW(struct sim_late);
        snprintf(late->name, sizeof(late->name), "%s", name);
        late->data = memory_new(content->size + 1);
        memcpy(late->data, data, content->size);
        late->len = content->size;
        late->due_ms = *disk->now_ms + disk->random(disk->random_ctx, disk->longest_late_ms);
        late->next = disk->late;
        disk->late = late;
        disk->late_puts++;
    }
    return fate == FATE_NONE ? 0 : unavailable(err);
}

static int
look_up(struct storage *storage, const char *name, struct sim_object **object, struct error *err)
{
    struct sim_mount *mount = (struct sim_mount *)storage;
    if (mount->crashed)
        return unavailable(err);
    *object = sim_disk_find(mount->disk, name);
    return *object == NULL ? FAIL(err, ERROR_NOT_FOUND, 0, "%s is not there", name) : 0;
}

static int
sim_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len, struct error *err)
{
    struct sim_object *object;
    if (look_up(storage, name, &object, err) != 0)
        return -1;
    if (object->len > ceiling)
        return FAIL(err, ERROR_LIMIT, 0, "%s is too large", name);
    *data = memory_new(object->len + 1);
    memcpy(*data, object->data, object->len);
    *len = object->len;
    return 0;
}

static int
sim_get_range(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
              void *ctx, struct error *err)
{
    struct sim_object *object;
    if (look_up(storage, name, &object, err) != 0)
        return -1;
    if (offset > object->len || len > object->len - offset)
        return FAIL(err, ERROR_CORRUPT, 0, "%s is shorter", name);
    return sink(ctx, object->data + offset, (size_t)len, err);
}

static int
sim_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err)
{
    struct sim_mount *mount = (struct sim_mount *)storage;
    struct sim_object *object, *next;
    size_t len = strlen(prefix);
    if (mount->crashed)
        return unavailable(err);
    HASH_ITER (hh, mount->disk->objects, object, next) {
        const struct storage_stat stat = { .size = object->len, .modified_ms = object->modified_ms };
        if (strncmp(object->name, prefix, len) == 0 && object->name[len] == '/' &&
            found(ctx, object->name, &stat, err) != 0)
            return -1;
    }
    return 0;
}

static int
sim_stat(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err)
{
    struct sim_object *object;
    if (look_up(storage, name, &object, err) != 0)
        return -1;
    *stat = (struct storage_stat){ object->len, object->modified_ms, object->lock_until_ms };
    return 0;
}

static int
sim_remove(struct storage *storage, const char *name, struct error *err)
{
    struct sim_mount *mount = (struct sim_mount *)storage;
    struct sim_object *object;
    if (look_up(storage, name, &object, err) != 0)
        return -1;
    if (object->lock_until_ms > (int64_t)*mount->disk->now_ms)
        return FAIL(err, ERROR_LOCKED, 0, "%s is held", name);
    enum fate fate = decide(mount);
    if (fate == FATE_NONE || fate == FATE_DONE)
        sim_disk_drop(mount->disk, object);
    return fate == FATE_NONE ? 0 : unavailable(err);
}

static void
sim_close(struct storage *storage)
{
    (void)storage;
}

static const struct storage_driver driver = {
    .scheme = "simulated",
    .put = sim_put,
    .get = sim_get,
    .get_range = sim_get_range,
    .list = sim_list,
    .stat = sim_stat,
    .remove = sim_remove,
    .close = sim_close,
};

void
sim_mount_init(struct sim_mount *mount, struct sim_disk *disk)
{
    memset(mount, 0, sizeof(*mount));
    mount->storage.driver = &driver;
    mount->disk = disk;
    mount->writes_left = -1;
}
