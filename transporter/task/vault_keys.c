#include "transporter/task/vault_keys.h"

#include "common/base/clock.h"
#include "common/base/identifier.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "transporter/task/cancel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 64
#define LOOK_MS     50

struct entry {
    char vault_id[IDENTIFIER_LEN]; /* "": free */
    bool opening;                  /* by a task, without the lock */
    struct secret *password;
    struct vault *vault; /* without a backend of its own: only its keys are used */
    unsigned users;      /* vaults that are open with it */
    uint64_t used_ms;
};

struct vault_keys {
    const struct clock *clock;
    pthread_mutex_t lock;
    struct entry entries[ENTRIES_MAX];
};

struct vault_keys *
vault_keys_new(const struct clock *clock)
{
    struct vault_keys *keys = MEMORY_NEW(struct vault_keys);
    keys->clock = clock;
    pthread_mutex_init(&keys->lock, NULL);
    return keys;
}

static void
forget(struct entry *entry)
{
    vault_close(entry->vault);
    secret_free(entry->password);
    *entry = (struct entry){ .vault_id = "" };
}

void
vault_keys_free(struct vault_keys *keys)
{
    if (keys == NULL)
        return;
    for (size_t i = 0; i < ENTRIES_MAX; i++)
        forget(&keys->entries[i]);
    pthread_mutex_destroy(&keys->lock);
    free(keys);
}

void
vault_keys_sweep(struct vault_keys *keys)
{
    if (keys == NULL)
        return;
    uint64_t now = clock_monotonic_ms(keys->clock);
    pthread_mutex_lock(&keys->lock);
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        struct entry *entry = &keys->entries[i];
        if (entry->vault != NULL && entry->users == 0 && now - entry->used_ms >= VAULT_KEYS_LINGER_MS)
            forget(entry);
    }
    pthread_mutex_unlock(&keys->lock);
}

/* Called locked. A free entry is taken when there is none of this vault; NULL when all are in use. */
static struct entry *
entry_of(struct vault_keys *keys, const char *vault_id)
{
    struct entry *vacant = NULL;
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        struct entry *entry = &keys->entries[i];
        if (strcmp(entry->vault_id, vault_id) == 0)
            return entry;
        if (entry->vault_id[0] == '\0' && vacant == NULL)
            vacant = entry;
    }
    if (vacant != NULL)
        snprintf(vacant->vault_id, sizeof(vacant->vault_id), "%s", vault_id);
    return vacant;
}

/* Called locked; returns locked, with nobody else opening the vault. */
static int
await_turn(struct vault_keys *keys, const char *vault_id, struct entry **entry, struct cancel *cancel,
           struct error *err)
{
    while ((*entry = entry_of(keys, vault_id)) != NULL && (*entry)->opening) {
        pthread_mutex_unlock(&keys->lock);
        bool raised = cancel_wait(cancel, LOOK_MS);
        pthread_mutex_lock(&keys->lock);
        if (raised)
            return cancel_check(cancel, err);
    }
    return 0;
}

static void
remember(struct vault_keys *keys, struct entry *entry, const struct vault *vault, const struct secret *password)
{
    pthread_mutex_lock(&keys->lock);
    if (vault != NULL) {
        entry->vault = vault_share(vault, (struct vault_backend){ NULL, NULL });
        entry->password = secret_copy(password);
        entry->users = 1;
        entry->opening = false;
    }
    if (entry->vault == NULL || entry->password == NULL)
        forget(entry);
    pthread_mutex_unlock(&keys->lock);
}

struct vault *
vault_keys_open(struct vault_keys *keys, struct vault_backend backend, const char *vault_id,
                const struct secret *password, struct cancel *cancel, struct error *err)
{
    struct entry *entry;
    struct vault *vault = NULL;
    vault_keys_sweep(keys);
    pthread_mutex_lock(&keys->lock);
    int turn = await_turn(keys, vault_id, &entry, cancel, err);
    if (turn == 0 && entry != NULL && entry->vault != NULL) {
        if (secret_equal(entry->password, password)) {
            vault = vault_share(entry->vault, backend);
            entry->users++;
        }
        entry = NULL; /* another password is tried on its own and not remembered */
    }
    if (entry != NULL)
        entry->opening = true;
    pthread_mutex_unlock(&keys->lock);
    if (turn != 0 || vault != NULL)
        return vault;
    vault = vault_open(backend, keys->clock, vault_id, password, err);
    if (entry != NULL)
        remember(keys, entry, vault, password);
    return vault;
}

void
vault_keys_close(struct vault_keys *keys, struct vault *vault)
{
    if (vault == NULL)
        return;
    pthread_mutex_lock(&keys->lock);
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        struct entry *entry = &keys->entries[i];
        /* One that was opened with another password is not told apart: the key may go early then, and is made again. */
        if (entry->users > 0 && strcmp(entry->vault_id, vault_id(vault)) == 0) {
            entry->users--;
            entry->used_ms = clock_monotonic_ms(keys->clock);
        }
    }
    pthread_mutex_unlock(&keys->lock);
    vault_close(vault);
}
