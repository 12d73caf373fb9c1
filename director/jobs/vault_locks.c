#include "director/jobs/vault_locks.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/store/store_events.h"
#include "director/store/store_repositories.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS       ((int64_t)24 * 3600 * 1000)
#define WARNING_DAYS 3

int
vault_locks_check(struct store *store, const char *vault_id, uint32_t days, struct error *err)
{
    struct store_vault vault;

    if (days == 0)
        return 0;
    CLEANUP(memory_free_p) struct store_repository *repository = MEMORY_NEW(struct store_repository);
    if (store_vaults_find(store, vault_id, &vault, err) != 0 ||
        store_repositories_find(store, vault.repository, repository, err) != 0)
        return -1;
    if (repository->locks)
        return 0;
    return FAIL(
        err, ERROR_UNSUPPORTED, 0,
        "nothing in vault %s can be immutable: repository %s was not seen to enforce locks (longhaul repository "
        "show %s). It needs a storage and a lock mode that do, see README.md",
        vault.name, repository->name, repository->name);
}

int
vault_locks_note(struct store *store, const char *vault_id, uint32_t days, int64_t until_ms, struct error *err)
{
    struct store_vault vault;

    if (store_vaults_find(store, vault_id, &vault, err) != 0)
        return -1;
    return vault.locked_until_ms >= until_ms ? 0 : store_vaults_set_lock(store, vault.id, days, until_ms, err);
}

bool
vault_locks_warning(const struct store_vault *vault, int64_t now_ms, char words[VAULT_LOCKS_WARNING_LEN])
{
    int64_t half = (int64_t)vault->lock_days * DAY_MS / 2, before = WARNING_DAYS * DAY_MS;
    int64_t left = vault->locked_until_ms - now_ms;

    words[0] = '\0';
    if (vault->locked_until_ms == 0 || left >= (half < before ? half : before))
        return false;
    if (left <= 0)
        snprintf(words, VAULT_LOCKS_WARNING_LEN,
                 "the lock of the newest immutable point has ended: no immutable run has ended well for %u days",
                 vault->lock_days);
    else
        snprintf(words, VAULT_LOCKS_WARNING_LEN,
                 "the lock of the newest immutable point ends in %lld hours: start a run of its job",
                 (long long)(left / 3600000));
    return true;
}

struct watching {
    struct store *store;
    int64_t now_ms;
    char (*due)[IDENTIFIER_LEN];
    unsigned count, rows;
    char last[STORE_NAME_LEN];
};

static int
on_vault(void *ctx, const struct store_vault *vault, struct error *err)
{
    struct watching *w = ctx;
    char words[VAULT_LOCKS_WARNING_LEN];

    (void)err;
    w->rows++;
    memcpy(w->last, vault->id, IDENTIFIER_LEN);
    if (vault_locks_warning(vault, w->now_ms, words) && !vault->lock_told)
        memcpy(w->due[w->count++], vault->id, IDENTIFIER_LEN);
    return 0;
}

static int
tell(struct store *store, const char *id, int64_t now_ms, struct error *err)
{
    struct store_vault vault;
    char words[VAULT_LOCKS_WARNING_LEN];

    if (store_vaults_find(store, id, &vault, err) != 0 || store_begin(store, err) != 0)
        return -1;
    vault_locks_warning(&vault, now_ms, words);
    if (store_vaults_set_lock_told(store, vault.id, err) == 0 &&
        store_events_add(store, vault.tenant, "director", "vault.locks", vault.id, err, "%s: %s", vault.name, words) ==
            0)
        return store_commit(store, err);
    store_rollback(store);
    return -1;
}

int
vault_locks_watch(struct store *store, struct error *err)
{
    CLEANUP(memory_free_p) char(*due)[IDENTIFIER_LEN] = memory_new(STORE_PAGE_MAX * sizeof(*due));
    struct watching w = { .store = store, .now_ms = clock_wall_ms(store_clock(store)), .due = due };
    char after[IDENTIFIER_LEN] = "";

    do {
        w.rows = w.count = 0;
        if (store_vaults_list(store, NULL, (struct store_page){ after, 0 }, on_vault, &w, err) != 0)
            return -1;
        for (unsigned i = 0; i < w.count; i++)
            if (tell(store, w.due[i], w.now_ms, err) != 0)
                return -1;
        memcpy(after, w.last, sizeof(after));
    } while (w.rows == STORE_PAGE_MAX);
    return 0;
}
