#include "transporter/host/lock_extend.h"

#include "common/base/error.h"
#include "transporter/host/lock_ledger.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct extending {
    struct storage *storage;
    struct lock_ledger *ledger;
    const char (*names)[STORAGE_NAME_LEN];
    size_t count;
    int64_t until_ms;
    struct lock_extend_result *result;
    pthread_mutex_t lock;
    size_t next;
    struct error failure; /* the first */
};

/* False when there is nothing left to do. */
static bool
take(struct extending *x, size_t *index)
{
    pthread_mutex_lock(&x->lock);
    bool some = x->next < x->count && !error_is_set(&x->failure);
    if (some)
        *index = x->next++;
    pthread_mutex_unlock(&x->lock);
    return some;
}

static void
note(struct extending *x, const char *name, int failed, const struct error *why)
{
    pthread_mutex_lock(&x->lock);
    if (failed == 0) {
        x->result->extended++;
    } else if (why->kind == ERROR_NOT_FOUND) {
        if (x->result->missing++ == 0)
            snprintf(x->result->first_missing, sizeof(x->result->first_missing), "%s", name);
    } else if (!error_is_set(&x->failure)) {
        x->failure = *why;
    }
    pthread_mutex_unlock(&x->lock);
}

static void *
on_thread_extend(void *ctx)
{
    struct extending *x = ctx;
    for (size_t i; take(x, &i);) {
        struct error why = ERROR_INIT;
        int failed = storage_extend(x->storage, x->names[i], x->until_ms, &why);
        if (failed == 0)
            lock_ledger_note(x->ledger, x->names[i], x->until_ms);
        note(x, x->names[i], failed, &why);
    }
    return NULL;
}

int
lock_extend_run(struct storage *storage, struct lock_ledger *ledger, const char (*names)[STORAGE_NAME_LEN],
                size_t count, int64_t until_ms, struct lock_extend_result *result, struct error *err)
{
    struct extending x = { .storage = storage,
                           .ledger = ledger,
                           .names = names,
                           .count = count,
                           .until_ms = until_ms,
                           .result = result,
                           .failure = ERROR_INIT };
    pthread_t threads[LOCK_EXTEND_THREADS - 1];
    unsigned started = 0;
    /* A file system answers at once; elsewhere the way there takes the time. */
    unsigned want = (storage->features & STORAGE_HAS_PATHS) != 0 ? 1 : LOCK_EXTEND_THREADS - 1;
    pthread_mutex_init(&x.lock, NULL);
    while (started < want && started + 1 < count && pthread_create(&threads[started], NULL, on_thread_extend, &x) == 0)
        started++;
    on_thread_extend(&x);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&x.lock);
    if (!error_is_set(&x.failure))
        return 0;
    if (err != NULL && !error_is_set(err))
        *err = x.failure;
    return -1;
}
