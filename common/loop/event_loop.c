#include "common/loop/event_loop.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum signal_slot { SLOT_TERM, SLOT_INT, SLOT_HANGUP, SLOT_COUNT };

struct post {
    struct post *next;
    event_fn *fn;
    void *ctx;
};

struct event_timer {
    uv_timer_t handle;
    struct event_loop *loop;
    struct event_timer *next, **link;
    event_fn *fn;
    void *ctx;
};

struct event_loop {
    uv_loop_t uv;
    uv_async_t wake;
    pthread_mutex_t lock;
    struct post *posts, **posts_tail;
    struct event_timer *timers;
    uv_signal_t signals[SLOT_COUNT];
    bool signal_used[SLOT_COUNT];
    int terminations;
    void (*on_terminate)(void *ctx, int count);
    void *terminate_ctx;
    event_fn *on_hangup;
    void *hangup_ctx;
    pthread_t thread;
    _Atomic(pthread_t) owner;
    atomic_bool stop;
};

static void
run_posts(struct event_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct post *post = loop->posts;
    loop->posts = NULL;
    loop->posts_tail = &loop->posts;
    pthread_mutex_unlock(&loop->lock);
    while (post != NULL) {
        struct post *next = post->next;
        event_fn *fn = post->fn;
        void *ctx = post->ctx;
        free(post);
        fn(ctx);
        post = next;
    }
}

static void
on_wake(uv_async_t *handle)
{
    struct event_loop *loop = handle->data;

    run_posts(loop);
    if (atomic_load(&loop->stop))
        uv_stop(&loop->uv);
}

struct event_loop *
event_loop_new(struct error *err)
{
    struct event_loop *loop = MEMORY_NEW(struct event_loop);
    int rc = uv_loop_init(&loop->uv);
    if (rc != 0) {
        FAIL(err, ERROR_INTERNAL, rc, "cannot make an event loop: %s", uv_strerror(rc));
        free(loop);
        return NULL;
    }
    rc = uv_async_init(&loop->uv, &loop->wake, on_wake);
    if (rc != 0) {
        FAIL(err, ERROR_INTERNAL, rc, "cannot make an event loop: %s", uv_strerror(rc));
        uv_loop_close(&loop->uv);
        free(loop);
        return NULL;
    }
    loop->wake.data = loop;
    pthread_mutex_init(&loop->lock, NULL);
    loop->posts_tail = &loop->posts;
    atomic_store(&loop->owner, pthread_self());
    return loop;
}

static void
close_handle(uv_handle_t *handle, void *ctx)
{
    (void)ctx;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static bool
has_posts(struct event_loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    bool some = loop->posts != NULL;
    pthread_mutex_unlock(&loop->lock);
    return some;
}

void
event_loop_free(struct event_loop *loop)
{
    if (loop == NULL)
        return;
    atomic_store(&loop->owner, pthread_self());
    do {
        run_posts(loop);
        uv_run(&loop->uv, UV_RUN_NOWAIT);
    } while (has_posts(loop));
    while (loop->timers != NULL)
        event_timer_free(loop->timers);
    uv_walk(&loop->uv, close_handle, NULL);
    while (uv_loop_close(&loop->uv) == UV_EBUSY) {
        uv_run(&loop->uv, UV_RUN_ONCE);
        run_posts(loop);
    }
    run_posts(loop);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}

uv_loop_t *
event_loop_uv(struct event_loop *loop)
{
    return &loop->uv;
}

void
event_loop_run(struct event_loop *loop)
{
    atomic_store(&loop->owner, pthread_self());
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    atomic_store(&loop->stop, false);
}

struct thread_start {
    struct event_loop *loop;
    uv_sem_t started;
};

static void *
run_thread(void *ctx)
{
    struct thread_start *start = ctx;
    struct event_loop *loop = start->loop;

    /* Signals belong to the thread that main() runs on; libuv watches them through its own pipe. */
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    atomic_store(&loop->owner, pthread_self());
    uv_sem_post(&start->started);
    event_loop_run(loop);
    return NULL;
}

int
event_loop_start_thread(struct event_loop *loop, struct error *err)
{
    struct thread_start start = { .loop = loop };
    if (uv_sem_init(&start.started, 0) != 0)
        return FAIL(err, ERROR_INTERNAL, 0, "cannot make a semaphore");
    int rc = pthread_create(&loop->thread, NULL, run_thread, &start);
    if (rc == 0)
        uv_sem_wait(&start.started);
    uv_sem_destroy(&start.started);
    if (rc != 0)
        return FAIL(err, ERROR_INTERNAL, rc, "cannot start the event loop's thread");
    return 0;
}

void
event_loop_join(struct event_loop *loop)
{
    pthread_join(loop->thread, NULL);
    atomic_store(&loop->owner, pthread_self());
}

void
event_loop_stop(struct event_loop *loop)
{
    atomic_store(&loop->stop, true);
    uv_async_send(&loop->wake);
}

void
event_loop_post(struct event_loop *loop, event_fn *fn, void *ctx)
{
    struct post *post = MEMORY_NEW(struct post);
    post->fn = fn;
    post->ctx = ctx;
    pthread_mutex_lock(&loop->lock);
    bool first = loop->posts == NULL;
    *loop->posts_tail = post;
    loop->posts_tail = &post->next;
    /* Inside the lock: the loop may be freed as soon as the post has run. */
    if (first)
        uv_async_send(&loop->wake);
    pthread_mutex_unlock(&loop->lock);
}

bool
event_loop_on_thread(const struct event_loop *loop)
{
    return pthread_equal(atomic_load(&loop->owner), pthread_self()) != 0;
}

struct waited_call {
    event_fn *fn;
    void *ctx;
    uv_sem_t done;
};

static void
on_waited_call(void *ctx)
{
    struct waited_call *call = ctx;

    call->fn(call->ctx);
    uv_sem_post(&call->done);
}

void
event_loop_call(struct event_loop *loop, event_fn *fn, void *ctx)
{
    if (event_loop_on_thread(loop)) {
        fn(ctx);
        return;
    }
    struct waited_call call = { .fn = fn, .ctx = ctx };
    if (uv_sem_init(&call.done, 0) != 0)
        abort();
    event_loop_post(loop, on_waited_call, &call);
    uv_sem_wait(&call.done);
    uv_sem_destroy(&call.done);
}

static void
on_timer_fired(uv_timer_t *handle)
{
    struct event_timer *timer = handle->data;

    timer->fn(timer->ctx);
}

static void
on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct event_timer *
event_timer_new(struct event_loop *loop, event_fn *fn, void *ctx)
{
    struct event_timer *timer = MEMORY_NEW(struct event_timer);
    timer->loop = loop;
    timer->fn = fn;
    timer->ctx = ctx;
    uv_timer_init(&loop->uv, &timer->handle);
    timer->handle.data = timer;
    timer->link = &loop->timers;
    timer->next = loop->timers;
    if (timer->next != NULL)
        timer->next->link = &timer->next;
    loop->timers = timer;
    return timer;
}

void
event_timer_start(struct event_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
    /* libuv counts from its idea of now, which is stale after a long callback. */
    uv_update_time(&timer->loop->uv);
    uv_timer_start(&timer->handle, on_timer_fired, delay_ms, repeat_ms);
}

void
event_timer_stop(struct event_timer *timer)
{
    uv_timer_stop(&timer->handle);
}

void
event_timer_free(struct event_timer *timer)
{
    if (timer == NULL)
        return;
    *timer->link = timer->next;
    if (timer->next != NULL)
        timer->next->link = timer->link;
    uv_close((uv_handle_t *)&timer->handle, on_timer_closed);
}

static void
on_signal(uv_signal_t *handle, int number)
{
    struct event_loop *loop = handle->data;

    if (number == SIGHUP)
        loop->on_hangup(loop->hangup_ctx);
    else
        loop->on_terminate(loop->terminate_ctx, ++loop->terminations);
}

static int
watch_signal(struct event_loop *loop, enum signal_slot slot, int number, struct error *err)
{
    uv_signal_t *handle = &loop->signals[slot];
    int rc = 0;
    if (!loop->signal_used[slot]) {
        rc = uv_signal_init(&loop->uv, handle);
        if (rc != 0)
            return FAIL(err, ERROR_INTERNAL, rc, "cannot watch signal %d: %s", number, uv_strerror(rc));
        loop->signal_used[slot] = true;
        handle->data = loop;
    }
    rc = uv_signal_start(handle, on_signal, number);
    if (rc != 0)
        return FAIL(err, ERROR_INTERNAL, rc, "cannot watch signal %d: %s", number, uv_strerror(rc));
    return 0;
}

int
event_loop_on_terminate(struct event_loop *loop, void (*fn)(void *ctx, int count), void *ctx, struct error *err)
{
    loop->on_terminate = fn;
    loop->terminate_ctx = ctx;
    if (watch_signal(loop, SLOT_TERM, SIGTERM, err) != 0)
        return -1;
    return watch_signal(loop, SLOT_INT, SIGINT, err);
}

int
event_loop_on_hangup(struct event_loop *loop, event_fn *fn, void *ctx, struct error *err)
{
    loop->on_hangup = fn;
    loop->hangup_ctx = ctx;
    return watch_signal(loop, SLOT_HANGUP, SIGHUP, err);
}
