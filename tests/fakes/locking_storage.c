#include "tests/fakes/locking_storage.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

struct held {
    char name[STORAGE_NAME_LEN];
    int64_t until;
    UT_hash_handle hh;
};

struct locking_storage {
    struct storage storage;
    struct storage *over;
    const struct clock *clock;
    pthread_mutex_t lock;
    struct held *held;
    bool refuse;
    unsigned fail_extend;
};

static struct locking_storage *
of(struct storage *storage)
{
    return (struct locking_storage *)storage;
}

static void
set(struct storage *storage, const char *name, int64_t until)
{
    struct held *held;
    pthread_mutex_lock(&of(storage)->lock);
    HASH_FIND_STR(of(storage)->held, name, held);
    if (held == NULL) {
        held = MEMORY_NEW(struct held);
        snprintf(held->name, sizeof(held->name), "%s", name);
        HASH_ADD_STR(of(storage)->held, name, held);
    }
    held->until = until;
    pthread_mutex_unlock(&of(storage)->lock);
}

int64_t
locking_storage_until(struct storage *storage, const char *name)
{
    struct held *held;
    pthread_mutex_lock(&of(storage)->lock);
    HASH_FIND_STR(of(storage)->held, name, held);
    int64_t until = held == NULL ? 0 : held->until;
    pthread_mutex_unlock(&of(storage)->lock);
    return until;
}

void
locking_storage_each(struct storage *storage, locking_storage_fn *found, void *ctx)
{
    for (struct held *held = of(storage)->held; held != NULL; held = held->hh.next)
        found(ctx, held->name, held->until);
}

static int
on_put(struct storage *storage, const char *name, const struct storage_content *content, int64_t lock_until_ms,
       struct error *err)
{
    int failed = content->data != NULL ? storage_put(of(storage)->over, name, content->data, content->size, 0, err)
                                       : storage_put_file(of(storage)->over, name, content->fd, content->size, 0, err);
    if (failed != 0 || lock_until_ms == 0)
        return failed;
    if (of(storage)->refuse)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "the storage took a lock and does not show it");
    set(storage, name, lock_until_ms);
    return 0;
}

static int
on_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len, struct error *err)
{
    return storage_get(of(storage)->over, name, ceiling, data, len, err);
}

static int
on_get_range(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
             void *ctx, struct error *err)
{
    return storage_get_range(of(storage)->over, name, offset, len, sink, ctx, err);
}

struct listing {
    storage_found_fn *found;
    void *ctx;
};

/* The file system's clock is not the test's. */
static int
on_found(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    const struct listing *to = ctx;
    struct storage_stat old = *stat;
    old.modified_ms = 0;
    return to->found(to->ctx, name, &old, err);
}

static int
on_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err)
{
    struct listing to = { found, ctx };
    return storage_list(of(storage)->over, prefix, on_found, &to, err);
}

static int
on_stat(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err)
{
    if (storage_stat(of(storage)->over, name, stat, err) != 0)
        return -1;
    stat->modified_ms = 0;
    stat->lock_until_ms = locking_storage_until(storage, name);
    return 0;
}

static int
on_remove(struct storage *storage, const char *name, struct error *err)
{
    if (locking_storage_until(storage, name) > clock_wall_ms(of(storage)->clock))
        return FAIL(err, ERROR_LOCKED, 0, "object %s is locked", name);
    return storage_remove(of(storage)->over, name, err);
}

static int
on_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err)
{
    struct storage_stat stat;
    pthread_mutex_lock(&of(storage)->lock);
    bool fail = of(storage)->fail_extend > 0 && --of(storage)->fail_extend == 0;
    pthread_mutex_unlock(&of(storage)->lock);
    if (fail)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "the storage cannot be reached");
    if (on_stat(storage, name, &stat, err) != 0)
        return -1;
    if (of(storage)->refuse)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "the storage took a longer lock and does not show it");
    if (stat.lock_until_ms < lock_until_ms)
        set(storage, name, lock_until_ms);
    return 0;
}

static void
on_close(struct storage *storage)
{
    struct held *held, *next;
    HASH_ITER (hh, of(storage)->held, held, next) {
        HASH_DEL(of(storage)->held, held);
        free(held);
    }
    storage_close(of(storage)->over);
    pthread_mutex_destroy(&of(storage)->lock);
    free(storage);
}

static const struct storage_driver driver = {
    .scheme = "locking",
    .put = on_put,
    .get = on_get,
    .get_range = on_get_range,
    .list = on_list,
    .stat = on_stat,
    .remove = on_remove,
    .extend = on_extend,
    .close = on_close,
};

struct storage *
locking_storage_new(struct storage *over, const struct clock *clock)
{
    struct locking_storage *locking = MEMORY_NEW(struct locking_storage);
    locking->storage.driver = &driver;
    locking->storage.features = STORAGE_HAS_LOCKS;
    locking->over = over;
    locking->clock = clock;
    pthread_mutex_init(&locking->lock, NULL);
    return &locking->storage;
}

void
locking_storage_refuse(struct storage *storage, bool refuse)
{
    of(storage)->refuse = refuse;
}

void
locking_storage_fail_extend(struct storage *storage, unsigned n)
{
    of(storage)->fail_extend = n;
}

void
locking_storage_strip(struct storage *storage, const char *name)
{
    set(storage, name, 0);
}

void
locking_storage_destroy(struct storage *storage, const char *name)
{
    set(storage, name, 0);
    storage_remove(of(storage)->over, name, NULL);
}
