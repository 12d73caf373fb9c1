#include "transporter/task/task_runner.h"

#include "common/base/bounded_queue.h"
#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct task *task;
    struct entry *next;
};

struct task_runner {
    struct task_runner_options options;
    struct bounded_queue *waiting; /* of struct entry */
    pthread_mutex_t lock;          /* of entries, count, closed */
    struct entry *entries;
    size_t count;
    bool closed;
    unsigned thread_count;
    pthread_t threads[];
};

static void
remove_entry(struct task_runner *runner, struct entry *entry)
{
    pthread_mutex_lock(&runner->lock);
    struct entry **at = &runner->entries;
    while (*at != entry)
        at = &(*at)->next;
    *at = entry->next;
    runner->count--;
    pthread_mutex_unlock(&runner->lock);
    task_free(entry->task);
    free(entry);
}

static void *
run_tasks(void *ctx)
{
    struct task_runner *runner = ctx;
    for (struct entry *entry; (entry = bounded_queue_pop(runner->waiting)) != NULL;) {
        struct task_result *result = MEMORY_NEW(struct task_result);
        task_run(entry->task, result);
        runner->options.finished(runner->options.finished_ctx, result);
        task_result_clear(result);
        free(result);
        remove_entry(runner, entry);
    }
    return NULL;
}

struct task_runner *
task_runner_new(const struct task_runner_options *options, struct error *err)
{
    struct task_runner *runner = memory_new(sizeof(*runner) + options->slots * sizeof(runner->threads[0]));
    runner->options = *options;
    runner->waiting = bounded_queue_new(options->slots + TASK_RUNNER_WAITING_MAX, SIZE_MAX);
    pthread_mutex_init(&runner->lock, NULL);
    for (unsigned i = 0; i < options->slots; i++) {
        int failed = pthread_create(&runner->threads[i], NULL, run_tasks, runner);
        if (failed != 0) {
            FAIL(err, ERROR_LIMIT, failed, "cannot start a thread for tasks: %s", strerror(failed));
            task_runner_free(runner);
            return NULL;
        }
        runner->thread_count++;
    }
    return runner;
}

void
task_runner_free(struct task_runner *runner)
{
    if (runner == NULL)
        return;
    task_runner_close(runner);
    task_runner_cancel_all(runner, ERROR_UNAVAILABLE, "the transporter stops");
    bounded_queue_close(runner->waiting);
    for (unsigned i = 0; i < runner->thread_count; i++)
        pthread_join(runner->threads[i], NULL);
    bounded_queue_free(runner->waiting, NULL);
    pthread_mutex_destroy(&runner->lock);
    free(runner);
}

/* Whether there is no need for the task; an older lease of it is told to end. */
static bool
is_here_locked(struct task_runner *runner, const struct task_order *order)
{
    for (struct entry *e = runner->entries; e != NULL; e = e->next) {
        if (strcmp(e->task->order->task_id, order->task_id) != 0)
            continue;
        if (e->task->order->fence >= order->fence)
            return true;
        cancel_raise(&e->task->cancel, ERROR_FENCED, "the task has been given a newer lease");
    }
    return false;
}

/* 1: taken; 0: not needed. */
static int
take_locked(struct task_runner *runner, struct task *task, struct error *err)
{
    if (is_here_locked(runner, task->order))
        return 0;
    if (runner->closed)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "the transporter stops and takes no more tasks");
    if (runner->count >= runner->thread_count + TASK_RUNNER_WAITING_MAX)
        return FAIL(err, ERROR_UNAVAILABLE, 0, "%zu tasks are here already", runner->count);
    struct entry *entry = MEMORY_NEW(struct entry);
    entry->task = task;
    entry->next = runner->entries;
    runner->entries = entry;
    runner->count++;
    /* There is room: the queue holds more than may wait. */
    if (!bounded_queue_push(runner->waiting, entry, 1))
        abort();
    return 1;
}

int
task_runner_start(struct task_runner *runner, struct task_order *order, struct error *err)
{
    struct task *task = task_new(order, runner->options.services, err);
    if (task == NULL)
        return -1;
    pthread_mutex_lock(&runner->lock);
    int taken = take_locked(runner, task, err);
    pthread_mutex_unlock(&runner->lock);
    if (taken != 1)
        task_free(task);
    return taken < 0 ? -1 : 0;
}

void
task_runner_cancel(struct task_runner *runner, const char *task_id, uint64_t fence, const char *why)
{
    pthread_mutex_lock(&runner->lock);
    for (struct entry *e = runner->entries; e != NULL; e = e->next)
        if (strcmp(e->task->order->task_id, task_id) == 0 && e->task->order->fence <= fence)
            cancel_raise(&e->task->cancel, ERROR_CANCELLED, why);
    pthread_mutex_unlock(&runner->lock);
}

void
task_runner_cancel_all(struct task_runner *runner, enum error_kind kind, const char *why)
{
    pthread_mutex_lock(&runner->lock);
    for (struct entry *e = runner->entries; e != NULL; e = e->next)
        cancel_raise(&e->task->cancel, kind, why);
    pthread_mutex_unlock(&runner->lock);
}

void
task_runner_grant(struct task_runner *runner, const char *task_id, const void *grant, size_t len)
{
    pthread_mutex_lock(&runner->lock);
    for (struct entry *e = runner->entries; e != NULL; e = e->next)
        if (strcmp(e->task->order->task_id, task_id) == 0)
            task_set_grant(e->task, grant, len);
    pthread_mutex_unlock(&runner->lock);
}

void
task_runner_each(struct task_runner *runner,
                 void (*fn)(void *ctx, const char *task_id, uint64_t fence, const struct task_progress *progress),
                 void *ctx)
{
    pthread_mutex_lock(&runner->lock);
    for (struct entry *e = runner->entries; e != NULL; e = e->next) {
        struct task_progress progress;
        task_snapshot(e->task, &progress);
        fn(ctx, e->task->order->task_id, e->task->order->fence, &progress);
    }
    pthread_mutex_unlock(&runner->lock);
}

size_t
task_runner_count(struct task_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    size_t count = runner->count;
    pthread_mutex_unlock(&runner->lock);
    return count;
}

void
task_runner_close(struct task_runner *runner)
{
    pthread_mutex_lock(&runner->lock);
    runner->closed = true;
    pthread_mutex_unlock(&runner->lock);
}
