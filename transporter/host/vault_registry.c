#include "transporter/host/vault_registry.h"

#include "common/base/error.h"
#include "common/base/identifier.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/crypto/private_file.h"
#include "transporter/host/vault_host.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

/* One vault that somebody asked for. The host is opened under its own lock, so that a slow opening holds up nobody
 * else. */
struct vault_lease {
    char vault_id[IDENTIFIER_LEN];
    struct repository *repository;
    pthread_mutex_t opening;
    struct vault_host *host;
    bool is_open; /* under the registry's lock: the host is there and stays */
    UT_hash_handle hh;
};

struct repository {
    char id[IDENTIFIER_LEN];
    struct vault_registry *registry;
    struct storage *storage;
    struct secret *location;
    struct storage_probe probe;
    struct vault_lease *vaults;
    unsigned leases; /* out; of all its vaults */
    bool detached;
    UT_hash_handle hh;
};

/* A fence that the director has raised; a vault that is opened later must know it too. */
struct raised {
    char vault_id[IDENTIFIER_LEN];
    char scope[IDENTIFIER_LEN];
    uint64_t fence;
};

/* The latest ones: older ones are known to the vaults by the newer owners' own calls. */
#define RAISED_KEPT 1024

struct vault_registry {
    const struct clock *clock;
    char *state_dir;
    uint32_t lock_max_days;
    pthread_mutex_t lock; /* of everything below */
    struct repository *repositories;
    struct raised raised[RAISED_KEPT];
    uint64_t raised_count; /* ever */
    uint64_t settle_ms;
};

struct vault_registry *
vault_registry_new(const struct clock *clock, const char *state_dir, uint32_t lock_max_days)
{
    struct vault_registry *registry = MEMORY_NEW(struct vault_registry);
    registry->clock = clock;
    registry->state_dir = memory_strdup(state_dir);
    registry->lock_max_days = lock_max_days;
    pthread_mutex_init(&registry->lock, NULL);
    return registry;
}

void
vault_registry_settle(struct vault_registry *registry, uint64_t settle_ms)
{
    registry->settle_ms = settle_ms;
}

static void
repository_free(struct repository *repository)
{
    struct vault_lease *vault, *next;
    HASH_ITER (hh, repository->vaults, vault, next) {
        HASH_DEL(repository->vaults, vault);
        vault_host_close(vault->host);
        pthread_mutex_destroy(&vault->opening);
        free(vault);
    }
    storage_close(repository->storage);
    secret_free(repository->location);
    free(repository);
}

void
vault_registry_free(struct vault_registry *registry)
{
    if (registry == NULL)
        return;
    struct repository *repository, *next;
    HASH_ITER (hh, registry->repositories, repository, next) {
        HASH_DEL(registry->repositories, repository);
        repository_free(repository);
    }
    pthread_mutex_destroy(&registry->lock);
    free(registry->state_dir);
    free(registry);
}

/* 0 when it does what it claims, or was attached before and cannot be tried now. */
static int
probe_storage(struct vault_registry *registry, struct storage *storage, bool first, struct storage_probe *probe,
              struct error *err)
{
    struct error why = ERROR_INIT;
    if (storage_probe(storage, registry->clock, probe, &why) == 0)
        return storage_probe_judge(storage, probe, err);
    if (first) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    snprintf(probe->words, sizeof(probe->words), "could not be tried: %.480s", why.text);
    log_failure(LOG_WARN, "host", &why, "repository attached without trying its storage");
    return 0;
}

static struct storage *
open_storage(struct vault_registry *registry, const char *repository_id, const struct secret *location,
             struct storage_probe *probe, struct error *err)
{
    CLEANUP(memory_free_p) char *folder = memory_printf("%s/repositories", registry->state_dir);
    CLEANUP(memory_free_p) char *marker = memory_printf("%s/%s", folder, repository_id);
    if (private_file_folder(folder, err) != 0)
        return NULL;
    bool first = access(marker, F_OK) != 0;
    /* "Cannot look" taken for "never attached" would make a repository of an empty mount point. */
    if (first && errno != ENOENT) {
        FAIL(err, error_kind_from_errno(errno), errno, "%s: %s", marker, strerror(errno));
        return NULL;
    }
    struct storage *storage =
        storage_open((const char *)secret_bytes(location), secret_len(location), registry->clock, first, err);
    if (storage == NULL)
        return NULL;
    if ((probe->words[0] != '\0' || probe_storage(registry, storage, first, probe, err) == 0) &&
        (!first || private_file_create(marker, "", 0, err) == 0))
        return storage;
    storage_close(storage);
    return NULL;
}

/* What the repository was found to be when it was attached; empty when it is not, or elsewhere. */
static void
recall_probe(struct vault_registry *registry, const char *repository_id, const struct secret *location,
             struct storage_probe *probe)
{
    struct repository *repository = NULL;
    pthread_mutex_lock(&registry->lock);
    HASH_FIND_STR(registry->repositories, repository_id, repository);
    if (repository != NULL && secret_equal(repository->location, location))
        *probe = repository->probe;
    pthread_mutex_unlock(&registry->lock);
}

static struct repository *
find_locked(struct vault_registry *registry, const char *repository_id)
{
    struct repository *repository = NULL;
    HASH_FIND_STR(registry->repositories, repository_id, repository);
    return repository;
}

/* Takes it out of the table. Returns it when nobody uses it any more, to be freed without the lock. */
static struct repository *
take_out_locked(struct vault_registry *registry, struct repository *repository)
{
    if (repository == NULL)
        return NULL;
    HASH_DEL(registry->repositories, repository);
    repository->detached = true;
    return repository->leases == 0 ? repository : NULL;
}

int
vault_registry_attach(struct vault_registry *registry, const char *repository_id, const struct secret *location,
                      struct vault_registry_report *report, struct error *err)
{
    memset(report, 0, sizeof(*report));
    recall_probe(registry, repository_id, location, &report->probe);
    struct storage *storage = open_storage(registry, repository_id, location, &report->probe, err);
    if (storage == NULL)
        return -1;
    struct error ignored = ERROR_INIT;
    if ((storage->features & STORAGE_HAS_SPACE) != 0 && storage_space(storage, &report->free_bytes, &ignored) != 0)
        report->free_bytes = 0;

    pthread_mutex_lock(&registry->lock);
    struct repository *old = find_locked(registry, repository_id);
    if (old != NULL && secret_equal(old->location, location)) {
        pthread_mutex_unlock(&registry->lock);
        storage_close(storage);
        return 0;
    }
    old = take_out_locked(registry, old);
    struct repository *repository = MEMORY_NEW(struct repository);
    snprintf(repository->id, sizeof(repository->id), "%s", repository_id);
    repository->registry = registry;
    repository->storage = storage;
    repository->location = secret_copy(location);
    repository->probe = report->probe;
    HASH_ADD_STR(registry->repositories, id, repository);
    pthread_mutex_unlock(&registry->lock);
    if (old != NULL)
        repository_free(old);
    log_info("host", "repository attached repository=%s probe=%s", repository_id, report->probe.words);
    return 0;
}

void
vault_registry_detach(struct vault_registry *registry, const char *repository_id)
{
    pthread_mutex_lock(&registry->lock);
    struct repository *old = take_out_locked(registry, find_locked(registry, repository_id));
    pthread_mutex_unlock(&registry->lock);
    if (old != NULL)
        repository_free(old);
    log_info("host", "repository detached repository=%s", repository_id);
}

static struct vault_lease *
find_vault_locked(struct repository *repository, const char *vault_id)
{
    struct vault_lease *vault = NULL;
    HASH_FIND_STR(repository->vaults, vault_id, vault);
    if (vault != NULL)
        return vault;
    vault = MEMORY_NEW(struct vault_lease);
    snprintf(vault->vault_id, sizeof(vault->vault_id), "%s", vault_id);
    vault->repository = repository;
    pthread_mutex_init(&vault->opening, NULL);
    HASH_ADD_STR(repository->vaults, vault_id, vault);
    return vault;
}

static int
apply_raised(struct vault_registry *registry, struct vault_lease *vault, struct error *err)
{
    int result = 0;
    pthread_mutex_lock(&registry->lock);
    uint64_t count = registry->raised_count < RAISED_KEPT ? registry->raised_count : RAISED_KEPT;
    for (uint64_t i = 0; result == 0 && i < count; i++) {
        const struct raised *raised = &registry->raised[i];
        if (strcmp(raised->vault_id, vault->vault_id) == 0)
            result = vault_host_raise_fence(vault->host, raised->scope, raised->fence, err);
    }
    vault->is_open = result == 0;
    pthread_mutex_unlock(&registry->lock);
    return result;
}

static int
open_host(struct vault_lease *vault, struct error *err)
{
    struct vault_registry *registry = vault->repository->registry;
    const struct vault_host_options options = { .vault_id = vault->vault_id,
                                                .state_dir = registry->state_dir,
                                                .settle_ms = registry->settle_ms,
                                                .lock_max_days = registry->lock_max_days };
    pthread_mutex_lock(&vault->opening);
    if (vault->host == NULL) {
        vault->host = vault_host_open(vault->repository->storage, registry->clock, &options, err);
        if (vault->host != NULL && apply_raised(registry, vault, err) != 0)
            vault_host_close_p(&vault->host);
    }
    int result = vault->host != NULL ? 0 : -1;
    pthread_mutex_unlock(&vault->opening);
    return result;
}

static void
remember_raised_locked(struct vault_registry *registry, const char *vault_id, const char *scope, uint64_t fence)
{
    struct raised *raised = &registry->raised[registry->raised_count++ % RAISED_KEPT];
    snprintf(raised->vault_id, sizeof(raised->vault_id), "%s", vault_id);
    snprintf(raised->scope, sizeof(raised->scope), "%s", scope);
    raised->fence = fence;
}

int
vault_registry_raise_fence(struct vault_registry *registry, const char *vault_id, const char *scope, uint64_t fence,
                           struct error *err)
{
    int result = 0;
    pthread_mutex_lock(&registry->lock);
    remember_raised_locked(registry, vault_id, scope, fence);
    for (struct repository *r = registry->repositories; result == 0 && r != NULL; r = r->hh.next) {
        struct vault_lease *vault = NULL;
        HASH_FIND_STR(r->vaults, vault_id, vault);
        if (vault != NULL && vault->is_open)
            result = vault_host_raise_fence(vault->host, scope, fence, err);
    }
    pthread_mutex_unlock(&registry->lock);
    return result;
}

struct vault_lease *
vault_registry_lease(struct vault_registry *registry, const char *repository_id, const char *vault_id,
                     struct error *err)
{
    pthread_mutex_lock(&registry->lock);
    struct repository *repository = find_locked(registry, repository_id);
    struct vault_lease *vault = NULL;
    if (repository != NULL) {
        vault = find_vault_locked(repository, vault_id);
        repository->leases++;
    }
    pthread_mutex_unlock(&registry->lock);
    if (vault == NULL) {
        FAIL(err, ERROR_UNAVAILABLE, 0, "repository %s is not attached to this host now", repository_id);
        return NULL;
    }
    if (open_host(vault, err) == 0)
        return vault;
    error_wrap(err, "repository %s, vault %s", repository_id, vault_id);
    vault_registry_release(vault);
    return NULL;
}

struct vault_host *
vault_registry_host(struct vault_lease *lease)
{
    return lease->host;
}

void
vault_registry_release(struct vault_lease *lease)
{
    if (lease == NULL)
        return;
    struct repository *repository = lease->repository;
    struct vault_registry *registry = repository->registry;
    pthread_mutex_lock(&registry->lock);
    bool last = --repository->leases == 0 && repository->detached;
    pthread_mutex_unlock(&registry->lock);
    if (last)
        repository_free(repository);
}

void
vault_registry_release_p(struct vault_lease **lease)
{
    vault_registry_release(*lease);
    *lease = NULL;
}
