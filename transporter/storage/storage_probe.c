#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "transporter/storage/storage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Long enough for storages that count in whole seconds and whose clock is a little ahead of ours. */
#define LOCK_MS     INT64_C(60000)
#define LEFTOVERS   64
#define PROBE_BYTES 64

struct trial {
    struct storage *storage;
    const struct clock *clock;
    struct storage_probe *probe;
    char name[STORAGE_NAME_LEN];
    uint8_t bytes[PROBE_BYTES];
    int64_t lock_until_ms; /* 0: none */
};

static void
say(struct storage_probe *probe, const char *words)
{
    size_t len = strlen(probe->words);
    snprintf(probe->words + len, sizeof(probe->words) - len, "%s%s", len > 0 ? "; " : "", words);
}

static int
write_object(struct trial *trial, struct error *err)
{
    char id[IDENTIFIER_LEN];
    identifier_new(trial->clock, "object", id);
    snprintf(trial->name, sizeof(trial->name), "%s/%s", STORAGE_PROBE_PREFIX, id);
    clock_random(trial->clock, trial->bytes, sizeof(trial->bytes));
    return storage_put(trial->storage, trial->name, trial->bytes, sizeof(trial->bytes), trial->lock_until_ms, err);
}

static int
holds_its_bytes(struct trial *trial, bool *same, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    size_t len = 0;
    struct error why = ERROR_INIT;
    *same = false;
    if (storage_get(trial->storage, trial->name, PROBE_BYTES * 2, &data, &len, &why) == 0)
        *same = len == sizeof(trial->bytes) && memcmp(data, trial->bytes, len) == 0;
    else if (why.kind != ERROR_NOT_FOUND && why.kind != ERROR_LIMIT) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    return 0;
}

static int
try_replacing(struct trial *trial, struct error *err)
{
    struct error why = ERROR_INIT;
    bool same = false;
    int replaced = storage_put(trial->storage, trial->name, "replaced", 8, 0, &why);
    if (holds_its_bytes(trial, &same, err) != 0)
        return -1;
    trial->probe->writes_once = replaced != 0 && why.kind == ERROR_EXISTS && same;
    say(trial->probe, trial->probe->writes_once ? "objects cannot be replaced"
                      : same                    ? "a second write to the same name was not refused"
                                                : "a second write to the same name REPLACED the object");
    return 0;
}

static int
plain_object(struct trial *trial, struct error *err)
{
    bool same = false;
    if (write_object(trial, err) != 0 || holds_its_bytes(trial, &same, err) != 0)
        return error_wrap(err, "writing a probe");
    if (!same)
        return FAIL(err, ERROR_CORRUPT, 0, "what was written as a probe does not read back: the storage is damaged");
    if (try_replacing(trial, err) != 0)
        return error_wrap(err, "replacing a probe");
    struct error why = ERROR_INIT;
    if (storage_remove(trial->storage, trial->name, &why) == 0)
        return 0;
    /* Nothing can ever be freed; backups work. */
    say(trial->probe, why.kind == ERROR_LOCKED ? "objects are held by the storage even without a lock of ours"
                                               : "objects cannot be removed, so space is never freed");
    return 0;
}

static int
try_removing(struct trial *trial, struct error *err)
{
    struct storage_probe *probe = trial->probe;
    struct storage_stat stat = { 0 };
    struct error why = ERROR_INIT;
    bool same = false;
    int removed = storage_remove(trial->storage, trial->name, &why);
    if (holds_its_bytes(trial, &same, err) != 0)
        return -1;
    if (removed == 0 || !same) {
        say(probe, "locks are NOT enforced: a locked object could be removed. Turn object locking on where the storage "
                   "is made, or attach it without locks");
        return 0;
    }
    if (why.kind != ERROR_LOCKED) {
        say(probe, "locks are not shown to be enforced: removing a locked object failed for another reason");
        return 0;
    }
    if (storage_stat(trial->storage, trial->name, &stat, err) != 0)
        return -1;
    probe->locks = stat.lock_until_ms >= trial->lock_until_ms;
    say(probe, probe->locks ? "locks are enforced: a locked object could not be removed"
                            : "locks are not kept as asked: the storage tells a shorter one");
    return 0;
}

static int
locked_object(struct trial *trial, struct error *err)
{
    struct error why = ERROR_INIT;
    trial->lock_until_ms = clock_wall_ms(trial->clock) + LOCK_MS;
    if (write_object(trial, &why) != 0) {
        if (why.kind != ERROR_UNSUPPORTED) {
            if (err != NULL)
                *err = why;
            return error_wrap(err, "writing a locked probe");
        }
        say(trial->probe, "locks are NOT enforced: the storage takes or shows none. Turn object locking on where the "
                          "storage is made, or attach it without locks");
        return 0;
    }
    return try_removing(trial, err) != 0 ? error_wrap(err, "removing a locked probe") : 0;
}

struct leftovers {
    char names[LEFTOVERS][STORAGE_NAME_LEN];
    size_t count;
};

static int
on_leftover(void *ctx, const char *name, const struct storage_stat *stat, struct error *err)
{
    struct leftovers *leftovers = ctx;
    (void)stat;
    (void)err;
    if (leftovers->count < LEFTOVERS)
        snprintf(leftovers->names[leftovers->count++], STORAGE_NAME_LEN, "%s", name);
    return 0;
}

/* Of earlier probes. What is still held, or of another host, goes the next time. */
static int
remove_leftovers(struct storage *storage, struct error *err)
{
    struct leftovers *leftovers = MEMORY_NEW(struct leftovers);
    int failed = storage_list(storage, STORAGE_PROBE_PREFIX, on_leftover, leftovers, err);
    for (size_t i = 0; failed == 0 && i < leftovers->count; i++) {
        struct error ignored = ERROR_INIT;
        (void)storage_remove(storage, leftovers->names[i], &ignored);
    }
    free(leftovers);
    return failed;
}

int
storage_probe(struct storage *storage, const struct clock *clock, struct storage_probe *probe, struct error *err)
{
    struct trial trial = { .storage = storage, .clock = clock, .probe = probe };
    memset(probe, 0, sizeof(*probe));
    if (remove_leftovers(storage, err) != 0 || plain_object(&trial, err) != 0)
        return -1;
    if ((storage->features & STORAGE_HAS_LOCKS) != 0)
        return locked_object(&trial, err);
    say(probe, "no locks: whoever can write here can remove backups");
    return 0;
}

int
storage_probe_judge(const struct storage *storage, const struct storage_probe *probe, struct error *err)
{
    bool claims = (storage->features & STORAGE_HAS_LOCKS) != 0;
    if (!probe->writes_once || (claims && !probe->locks))
        return FAIL(err, ERROR_UNSUPPORTED, 0, "this storage cannot be used as asked: %s", probe->words);
    return 0;
}
