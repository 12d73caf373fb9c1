#include "common/base/memory.h"
#include "common/rpc/rpc_server_internal.h"

#include <signal.h>
#include <stdlib.h>

#define WAITING_LIMIT 4096

struct rpc_workers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rpc_call *waiting, **waiting_tail;
    size_t waiting_count;
    pthread_t *threads;
    unsigned count, max, idle;
    bool stopping;
};

static void
serve(struct rpc_call *call)
{
    struct error err = ERROR_INIT;
    pthread_mutex_lock(&call->lock);
    bool over = call->over;
    pthread_mutex_unlock(&call->lock);
    if (over)
        return;
    rpc_call_loop_start_reading(call);
    if (call->method->serve(call->method_ctx, call, &err) != 0)
        FAIL(&err, ERROR_INTERNAL, 0, "%s failed without a reason", call->method->path);
    else
        error_clear(&err);
    rpc_call_loop_end(call, &err);
}

/* Lock held. */
static struct rpc_call *
next_call(struct rpc_workers *workers)
{
    workers->idle++;
    while (workers->waiting == NULL && !workers->stopping)
        pthread_cond_wait(&workers->changed, &workers->lock);
    workers->idle--;
    if (workers->stopping)
        return NULL;
    struct rpc_call *call = workers->waiting;
    workers->waiting = call->next;
    if (workers->waiting == NULL)
        workers->waiting_tail = &workers->waiting;
    workers->waiting_count--;
    return call;
}

static void *
run_worker(void *ctx)
{
    struct rpc_workers *workers = ctx;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    pthread_mutex_lock(&workers->lock);
    struct rpc_call *call;
    while ((call = next_call(workers)) != NULL) {
        pthread_mutex_unlock(&workers->lock);
        serve(call);
        rpc_call_release(call);
        pthread_mutex_lock(&workers->lock);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

struct rpc_workers *
rpc_workers_new(unsigned max_threads)
{
    struct rpc_workers *workers = MEMORY_NEW(struct rpc_workers);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->changed, NULL);
    workers->waiting_tail = &workers->waiting;
    workers->max = max_threads;
    workers->threads = memory_new(max_threads * sizeof(workers->threads[0]));
    return workers;
}

void
rpc_workers_free(struct rpc_workers *workers)
{
    if (workers == NULL)
        return;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->changed);
    pthread_mutex_unlock(&workers->lock);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->threads[i], NULL);
    while (workers->waiting != NULL) {
        struct rpc_call *next = workers->waiting->next;
        rpc_call_release(workers->waiting);
        workers->waiting = next;
    }
    pthread_mutex_destroy(&workers->lock);
    pthread_cond_destroy(&workers->changed);
    free(workers->threads);
    free(workers);
}

int
rpc_workers_add(struct rpc_workers *workers, struct rpc_call *call, struct error *err)
{
    pthread_mutex_lock(&workers->lock);
    bool full = workers->waiting_count >= WAITING_LIMIT;
    if (!full && workers->waiting_count >= workers->idle && workers->count < workers->max &&
        pthread_create(&workers->threads[workers->count], NULL, run_worker, workers) == 0)
        workers->count++;
    full = full || workers->count == 0;
    if (!full) {
        call->next = NULL;
        *workers->waiting_tail = rpc_call_retain(call);
        workers->waiting_tail = &call->next;
        workers->waiting_count++;
        pthread_cond_signal(&workers->changed);
    }
    pthread_mutex_unlock(&workers->lock);
    if (full)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "the server is busy: too many calls wait for a worker");
    return 0;
}
