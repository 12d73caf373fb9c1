#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/host/lock_extend.h"
#include "transporter/host/lock_ledger.h"
#include "transporter/host/vault_host_internal.h"
#include "transporter/host/vault_host_lock.h"

#include <stdlib.h>
#include <string.h>

static int
on_needed_name(void *ctx, const char *object, int64_t until, struct error *err)
{
    (void)until;
    return vault_host_names_add(ctx, object, err);
}

/* The storage may be slow: it is asked with no lock held. */
static int
check_each(struct vault_host *host, const struct vault_host_names *names, struct vault_host_locks *locks,
           struct error *err)
{
    for (size_t i = 0; i < names->count; i++) {
        struct storage_stat stat;
        struct error why = ERROR_INIT;
        if (storage_stat(host->storage, names->at[i], &stat, &why) == 0) {
            locks->checked++;
            lock_ledger_correct(host->locks, names->at[i], stat.lock_until_ms);
        } else if (why.kind == ERROR_NOT_FOUND) {
            locks->missing++;
            lock_ledger_correct(host->locks, names->at[i], 0);
        } else {
            if (err != NULL)
                *err = why;
            return error_wrap(err, "asking for a lock");
        }
    }
    return 0;
}

static int
mend(struct vault_host *host, const struct vault_host_names *names, int64_t promise, struct vault_host_locks *locks,
     struct error *err)
{
    struct lock_extend_result result = { .extended = 0 };
    for (size_t i = 0; i < names->count; i++)
        if (lock_ledger_until(host->locks, names->at[i]) < promise && !lock_ledger_is_dead(host->locks, names->at[i]) &&
            lock_extend_run(host->storage, host->locks, (const char(*)[STORAGE_NAME_LEN]) & names->at[i], 1, promise,
                            &result, err) != 0)
            return error_wrap(err, "making a lock last longer");
    locks->extended = result.extended;
    return 0;
}

static void
count(struct vault_host *host, const char *object, struct vault_host_locks *locks)
{
    int64_t until = lock_ledger_until(host->locks, object);
    bool dead = lock_ledger_is_dead(host->locks, object);
    locks->dead += dead;
    locks->objects += !dead;
    if (dead)
        return;
    if (until <= locks->now) {
        locks->without++;
    } else {
        locks->locked++;
        if (locks->earliest == 0 || until < locks->earliest)
            locks->earliest = until;
        if (until > locks->latest)
            locks->latest = until;
    }
    /* The ledger rounds down to a minute, the promise likewise. */
    locks->short_of_promise += until < locks->promise && locks->promise > locks->now;
}

int
vault_host_locks(struct vault_host *host, bool check, struct vault_host_locks *locks, struct error *err)
{
    CLEANUP(vault_host_names_clear) struct vault_host_names names = { .count = 0 };
    *locks = (struct vault_host_locks){ .supported = (host->storage->features & STORAGE_HAS_LOCKS) != 0,
                                        .now = clock_wall_ms(host->clock),
                                        .promise = lock_ledger_promise(host->locks) };
    if (vault_host_each_needed(host, on_needed_name, &names, err) != 0)
        return -1;
    if (check && locks->supported) {
        if (check_each(host, &names, locks, err) != 0)
            return -1;
        if (locks->promise > locks->now && mend(host, &names, locks->promise, locks, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < names.count; i++)
        count(host, names.at[i], locks);
    return 0;
}
