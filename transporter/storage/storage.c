#include "transporter/storage/storage.h"

#include "common/base/error.h"
#include "transporter/storage/azure/azure.h"
#include "transporter/storage/s3/s3.h"
#include "transporter/storage/storage_internal.h"

#include <string.h>

#define PART_MAX  64
#define PARTS_MAX 4

static bool
part_valid(const char *part, size_t len)
{
    return len >= 1 && len <= PART_MAX && part[0] != '-' &&
           strspn(part, "abcdefghijklmnopqrstuvwxyz0123456789-") >= len;
}

bool
storage_name_valid(const char *name)
{
    for (int parts = 1;; parts++) {
        const char *slash = strchr(name, '/');
        size_t len = slash == NULL ? strlen(name) : (size_t)(slash - name);
        if (parts > PARTS_MAX || !part_valid(name, len))
            return false;
        if (slash == NULL)
            return true;
        name = slash + 1;
    }
}

static struct storage *
open_driver(const json_t *location, const struct clock *clock, bool create, struct error *err)
{
    const char *driver = json_string_value(json_object_get(location, "driver"));
    if (driver != NULL && strcmp(driver, "local") == 0)
        return storage_local_open(location, clock, create, err);
    if (driver != NULL && strcmp(driver, "s3") == 0)
        return s3_open(location, clock, create, err);
    if (driver != NULL && strcmp(driver, "azure") == 0)
        return azure_open(location, clock, create, err);
    FAIL(err, ERROR_CONFIG, 0, "storage driver '%s' is not known; known: local, s3, azure",
         driver == NULL ? "" : driver);
    return NULL;
}

struct storage *
storage_open(const char *location, size_t len, const struct clock *clock, bool create, struct error *err)
{
    json_error_t why;
    json_t *root = json_loadb(location, len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_object(root)) {
        json_decref(root);
        FAIL(err, ERROR_CONFIG, 0, "the storage location is not a JSON object like {\"driver\":\"local\",\"path\":…}");
        return NULL;
    }
    struct storage *storage = open_driver(root, clock, create, err);
    json_decref(root);
    return storage;
}

void
storage_close(struct storage *storage)
{
    if (storage != NULL)
        storage->driver->close(storage);
}

void
storage_close_p(struct storage **storage)
{
    storage_close(*storage);
    *storage = NULL;
}

static int
check_name(const char *name, struct error *err)
{
    return storage_name_valid(name) ? 0 : FAIL(err, ERROR_USAGE, 0, "not a valid object name");
}

static int
put_content(struct storage *storage, const char *name, const struct storage_content *content, int64_t lock_until_ms,
            struct error *err)
{
    if (check_name(name, err) != 0)
        return -1;
    if (lock_until_ms != 0 && (storage->features & STORAGE_HAS_LOCKS) == 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "this storage enforces no locks, and %s must be immutable", name);
    atomic_fetch_add(&storage->counters.puts, 1);
    return storage->driver->put(storage, name, content, lock_until_ms, err);
}

int
storage_put(struct storage *storage, const char *name, const void *data, size_t len, int64_t lock_until_ms,
            struct error *err)
{
    const struct storage_content content = { .data = len > 0 ? data : "", .fd = -1, .size = len };
    return put_content(storage, name, &content, lock_until_ms, err);
}

int
storage_put_file(struct storage *storage, const char *name, int fd, uint64_t size, int64_t lock_until_ms,
                 struct error *err)
{
    const struct storage_content content = { .data = NULL, .fd = fd, .size = size };
    return put_content(storage, name, &content, lock_until_ms, err);
}

int
storage_get(struct storage *storage, const char *name, size_t ceiling, uint8_t **data, size_t *len, struct error *err)
{
    if (check_name(name, err) != 0)
        return -1;
    atomic_fetch_add(&storage->counters.gets, 1);
    return storage->driver->get(storage, name, ceiling, data, len, err);
}

int
storage_get_range(struct storage *storage, const char *name, uint64_t offset, uint64_t len, storage_block_fn *sink,
                  void *ctx, struct error *err)
{
    if (check_name(name, err) != 0)
        return -1;
    atomic_fetch_add(&storage->counters.gets, 1);
    return storage->driver->get_range(storage, name, offset, len, sink, ctx, err);
}

int
storage_list(struct storage *storage, const char *prefix, storage_found_fn *found, void *ctx, struct error *err)
{
    if (check_name(prefix, err) != 0)
        return -1;
    atomic_fetch_add(&storage->counters.lists, 1);
    return storage->driver->list(storage, prefix, found, ctx, err);
}

int
storage_stat(struct storage *storage, const char *name, struct storage_stat *stat, struct error *err)
{
    if (check_name(name, err) != 0)
        return -1;
    atomic_fetch_add(&storage->counters.stats, 1);
    return storage->driver->stat(storage, name, stat, err);
}

int
storage_remove(struct storage *storage, const char *name, struct error *err)
{
    if (check_name(name, err) != 0)
        return -1;
    atomic_fetch_add(&storage->counters.removes, 1);
    return storage->driver->remove(storage, name, err);
}

int
storage_space(struct storage *storage, uint64_t *free_bytes, struct error *err)
{
    if ((storage->features & STORAGE_HAS_SPACE) == 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "this kind of storage does not tell how much space is left");
    return storage->driver->space(storage, free_bytes, err);
}

int
storage_extend(struct storage *storage, const char *name, int64_t lock_until_ms, struct error *err)
{
    if (check_name(name, err) != 0)
        return -1;
    if ((storage->features & STORAGE_HAS_LOCKS) == 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "this storage enforces no locks");
    atomic_fetch_add(&storage->counters.extends, 1);
    return storage->driver->extend(storage, name, lock_until_ms, err);
}
