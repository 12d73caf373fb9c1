#include "tests/fakes/torn_storage.h"

#include "common/base/clock.h"
#include "common/base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#define BLOCK      ((size_t)1 << 20)
#define TORN_BLOCK ((size_t)4096) /* what a disk writes at once */

struct object {
    char name[STORAGE_NAME_LEN];
    uint8_t *data;
    size_t len;
    int64_t modified_ms, lock_until_ms;
    UT_hash_handle hh;
};

struct torn_storage {
    const struct clock *clock;
    unsigned features;
    pthread_mutex_t lock; /* of everything below */
    struct object *objects;
    struct torn_fault fault;
    struct torn_lies lies;
    uint64_t counted;
    bool struck, dark;
};

struct view {
    struct storage storage;
    struct torn_storage *torn;
};

struct torn_storage *
torn_storage_new(const struct clock *clock, unsigned features)
{
    struct torn_storage *torn = MEMORY_NEW(struct torn_storage);
    torn->clock = clock;
    torn->features = features;
    pthread_mutex_init(&torn->lock, NULL);
    return torn;
}

static void
drop(struct torn_storage *torn, struct object *object)
{
    HASH_DEL(torn->objects, object);
    free(object->data);
    free(object);
}

static void
drop_all(struct torn_storage *torn)
{
    struct object *object, *next;
    HASH_ITER (hh, torn->objects, object, next)
        drop(torn, object);
}

void
torn_storage_free(struct torn_storage *torn)
{
    if (torn == NULL)
        return;
    drop_all(torn);
    pthread_mutex_destroy(&torn->lock);
    free(torn);
}

static struct object *
find(const struct torn_storage *torn, const char *name)
{
    struct object *object;
    HASH_FIND_STR(torn->objects, name, object);
    return object;
}

static struct object *
add(struct torn_storage *torn, const char *name, size_t len)
{
    struct object *object = MEMORY_NEW(struct object);
    snprintf(object->name, sizeof(object->name), "%s", name);
    object->data = memory_new(len + 1);
    object->len = len;
    object->modified_ms = clock_wall_ms(torn->clock);
    HASH_ADD_STR(torn->objects, name, object);
    return object;
}

void
torn_storage_copy(struct torn_storage *to, const struct torn_storage *from)
{
    struct object *object, *next;
    drop_all(to);
    HASH_ITER (hh, from->objects, object, next) {
        struct object *copy = add(to, object->name, object->len);
        memcpy(copy->data, object->data, object->len);
        copy->modified_ms = object->modified_ms;
        copy->lock_until_ms = object->lock_until_ms;
    }
}

size_t
torn_storage_objects(const struct torn_storage *torn)
{
    return HASH_COUNT(torn->objects);
}

void
torn_storage_set_fault(struct torn_storage *torn, const struct torn_fault *fault)
{
    torn->fault = *fault;
    torn->counted = 0;
    torn->struck = false;
}

void
torn_storage_set_lies(struct torn_storage *torn, const struct torn_lies *lies)
{
    torn->lies = *lies;
}

bool
torn_storage_struck(const struct torn_storage *torn)
{
    return torn->struck;
}

static int
fail_dark(struct error *err)
{
    return FAIL(err, ERROR_UNAVAILABLE, 0, "the power is off");
}

/* Whether it is this call's turn. */
static bool
strikes(struct torn_storage *torn, bool changes)
{
    if (torn->fault.mode == TORN_NONE || torn->struck || (torn->fault.mode != TORN_CALL_FAILS && !changes))
        return false;
    torn->struck = torn->counted++ == torn->fault.at;
    torn->dark = torn->struck && torn->fault.mode >= TORN_POWER_LOST;
    return torn->struck;
}

/* Locked on return, whatever it is. *late: do it, then call finish(). */
static int
enter(struct torn_storage *torn, bool changes, bool *late, struct error *err)
{
    pthread_mutex_lock(&torn->lock);
    *late = false;
    if (torn->dark)
        return fail_dark(err);
    if (!strikes(torn, changes))
        return 0;
    *late = torn->fault.mode == TORN_ANSWER_LOST || torn->fault.mode == TORN_POWER_LOST_AFTER ||
            torn->fault.mode == TORN_WRITE_TORN || torn->fault.mode == TORN_WRITE_ZEROED;
    if (*late)
        return 0;
    return torn->dark ? fail_dark(err) : FAIL(err, torn->fault.kind, 0, "a fault of the test");
}

static int
leave(struct torn_storage *torn, bool late, int result, struct error *err)
{
    if (result == 0 && late)
        result = torn->dark ? fail_dark(err) : FAIL(err, torn->fault.kind, 0, "a fault of the test, too late");
    pthread_mutex_unlock(&torn->lock);
    return result;
}

static int
read_content(uint8_t *to, const struct storage_content *content)
{
    if (content->data != NULL) {
        memcpy(to, content->data, (size_t)content->size);
        return 0;
    }
    for (uint64_t at = 0; at < content->size;) {
        ssize_t n = pread(content->fd, to + at, (size_t)(content->size - at), (off_t)at);
        if (n <= 0)
            return -1;
        at += (uint64_t)n;
    }
    return 0;
}

static int
put_object(struct torn_storage *torn, const char *name, const struct storage_content *content, int64_t lock_until_ms,
           struct error *err)
{
    struct object *there = find(torn, name);
    if (torn->lies.read_only)
        return FAIL(err, ERROR_DENIED, 0, "no writing here");
    if (there != NULL && !torn->lies.replaces)
        return FAIL(err, ERROR_EXISTS, 0, "%s is there", name);
    if (there != NULL)
        drop(torn, there);
    struct object *object = add(torn, name, (size_t)content->size);
    object->lock_until_ms = lock_until_ms;
    if (read_content(object->data, content) == 0)
        return 0;
    drop(torn, object);
    return FAIL(err, ERROR_IO, 0, "the file ends early");
}

static void
tear(struct object *object, enum torn_mode mode)
{
    size_t whole = object->len / 2 / TORN_BLOCK * TORN_BLOCK;
    if (mode == TORN_WRITE_TORN)
        object->len /= 2;
    else if (mode == TORN_WRITE_ZEROED)
        memset(object->data + whole, 0, object->len - whole);
}

static int
torn_put(struct storage *storage, const char *name, const struct storage_content *content, int64_t lock_until_ms,
         struct error *err)
{
    struct torn_storage *torn = ((struct view *)storage)->torn;
    bool late;
    int failed = enter(torn, true, &late, err);
    if (failed == 0)
        failed = put_object(torn, name, content, lock_until_ms, err);
    if (failed == 0 && late)
        tear(find(torn, name), torn->fault.mode);
    return leave(torn, late, failed, err);
}

static int
find_or_fail(struct torn_storage *torn, const char *name, struct object **object, struct error *err)
{
    *object = find(torn, name);
    return *object != NULL ? 0 : FAIL(err, ERROR_NOT_FOUND, 0, "no object %s", name);
}

static int
torn_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len, struct error *err)
{
    struct torn_storage *torn = ((struct view *)storage)->torn;
    struct object *object = NULL;
    bool late;
    int failed = enter(torn, false, &late, err);
    if (failed == 0)
        failed = find_or_fail(torn, name, &object, err);
    if (failed == 0 && object->len > ceiling)
        failed = FAIL(err, ERROR_LIMIT, 0, "%s is larger than %zu", name, ceiling);
    if (failed == 0) {
        *data = memory_new(object->len + 1);
        memcpy(*data, object->data, object->len);
        if (torn->lies.other_bytes)
            (*data)[0] ^= 1;
        *len = object->len;
    }
    return leave(torn, late, failed, err);
}

/* The sink is called without the lock: it may call again. */
static int
torn_get_range(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
               void *ctx, struct error *err)
{
    struct torn_storage *torn = ((struct view *)storage)->torn;
    CLEANUP(memory_free_p) uint8_t *copy = NULL;
    struct object *object = NULL;
    bool late;
    int failed = enter(torn, false, &late, err);
    if (failed == 0)
        failed = find_or_fail(torn, name, &object, err);
    if (failed == 0 && (offset > object->len || len > object->len - offset))
        failed = FAIL(err, ERROR_CORRUPT, 0, "%s is shorter", name);
    if (failed == 0) {
        copy = memory_new((size_t)len + 1);
        memcpy(copy, object->data + offset, (size_t)len);
    }
    failed = leave(torn, late, failed, err);
    for (uint64_t at = 0; failed == 0 && at < len; at += BLOCK)
        failed = sink(ctx, copy + at, len - at < BLOCK ? (size_t)(len - at) : BLOCK, err);
    return failed == 0 ? 0 : -1;
}

struct found {
    char name[STORAGE_NAME_LEN];
    struct storage_stat stat;
};

static struct found *
gather(const struct torn_storage *torn, const char *prefix, size_t *count)
{
    struct found *found = memory_new(sizeof(*found) * (HASH_COUNT(torn->objects) + 1));
    size_t len = strlen(prefix);
    struct object *object, *next;
    *count = 0;
    HASH_ITER (hh, torn->objects, object, next) {
        if (strncmp(object->name, prefix, len) != 0 || object->name[len] != '/')
            continue;
        snprintf(found[*count].name, STORAGE_NAME_LEN, "%s", object->name);
        found[(*count)++].stat = (struct storage_stat){ .size = object->len, .modified_ms = object->modified_ms };
    }
    return found;
}

static int
torn_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err)
{
    struct torn_storage *torn = ((struct view *)storage)->torn;
    struct found *names = NULL;
    size_t count = 0;
    bool late;
    int failed = enter(torn, false, &late, err);
    if (failed == 0)
        names = gather(torn, prefix, &count);
    failed = leave(torn, late, failed, err);
    for (size_t i = 0; failed == 0 && i < count; i++)
        failed = found(ctx, names[i].name, &names[i].stat, err);
    free(names);
    return failed == 0 ? 0 : -1;
}

static int
torn_stat(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err)
{
    struct torn_storage *torn = ((struct view *)storage)->torn;
    struct object *object = NULL;
    bool late;
    int failed = enter(torn, false, &late, err);
    if (failed == 0)
        failed = find_or_fail(torn, name, &object, err);
    if (failed == 0)
        *stat = (struct storage_stat){ object->len, object->modified_ms,
                                       torn->lies.hides_locks ? 0 : object->lock_until_ms };
    return leave(torn, late, failed, err);
}

static int
remove_object(struct torn_storage *torn, const char *name, struct error *err)
{
    struct object *object = NULL;
    if (find_or_fail(torn, name, &object, err) != 0)
        return -1;
    if (torn->lies.never_remove)
        return FAIL(err, ERROR_DENIED, 0, "no removing here");
    if (!torn->lies.no_locks && object->lock_until_ms > clock_wall_ms(torn->clock))
        return FAIL(err, ERROR_LOCKED, 0, "%s is locked", name);
    drop(torn, object);
    return 0;
}

static int
torn_remove(struct storage *storage, const char *name, struct error *err)
{
    struct torn_storage *torn = ((struct view *)storage)->torn;
    bool late;
    int failed = enter(torn, true, &late, err);
    if (failed == 0)
        failed = remove_object(torn, name, err);
    return leave(torn, late, failed, err);
}

static int
torn_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err)
{
    struct torn_storage *torn = ((struct view *)storage)->torn;
    struct object *object = NULL;
    bool late;
    int failed = enter(torn, true, &late, err);
    if (failed == 0)
        failed = find_or_fail(torn, name, &object, err);
    if (failed == 0 && object->lock_until_ms < lock_until_ms)
        object->lock_until_ms = lock_until_ms;
    return leave(torn, late, failed, err);
}

static void
torn_close(struct storage *storage)
{
    free(storage);
}

static const struct storage_driver driver = {
    .scheme = "torn",
    .put = torn_put,
    .get = torn_get,
    .get_range = torn_get_range,
    .list = torn_list,
    .stat = torn_stat,
    .remove = torn_remove,
    .extend = torn_extend,
    .close = torn_close,
};

struct storage *
torn_storage_open(struct torn_storage *torn)
{
    struct view *view = MEMORY_NEW(struct view);
    view->storage.driver = &driver;
    view->storage.features = torn->features;
    view->torn = torn;
    torn->dark = false;
    return &view->storage;
}
