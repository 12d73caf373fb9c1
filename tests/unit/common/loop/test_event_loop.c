#include "common/loop/event_loop.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>
#include <cmocka.h>

struct probe {
    struct event_loop *loop;
    struct event_timer *timer;
    int count;
    bool on_thread;
};

static void
add_one(void *ctx)
{
    struct probe *probe = ctx;

    probe->count++;
    probe->on_thread = event_loop_on_thread(probe->loop);
}

static void
stop_loop(void *ctx)
{
    struct probe *probe = ctx;

    event_loop_stop(probe->loop);
}

static void
posts_run_in_order_on_the_loop_thread(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct probe probe = { .loop = event_loop_new(&err) };
    assert_int_equal(event_loop_start_thread(probe.loop, &err), 0);
    assert_false(event_loop_on_thread(probe.loop));
    for (int i = 0; i < 1000; i++)
        event_loop_post(probe.loop, add_one, &probe);
    event_loop_post(probe.loop, stop_loop, &probe);
    event_loop_join(probe.loop);
    assert_int_equal(probe.count, 1000);
    assert_true(probe.on_thread);
    assert_true(event_loop_on_thread(probe.loop));
    event_loop_free(probe.loop);
}

static void *
post_many(void *ctx)
{
    struct probe *probe = ctx;
    for (int i = 0; i < 2000; i++)
        event_loop_post(probe->loop, add_one, probe);
    return NULL;
}

static void
posts_of_several_threads_all_arrive(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct probe probe = { .loop = event_loop_new(&err) };
    assert_int_equal(event_loop_start_thread(probe.loop, &err), 0);
    pthread_t threads[3];
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_create(&threads[i], NULL, post_many, &probe);
    for (size_t i = 0; i < ARRAY_LEN(threads); i++)
        pthread_join(threads[i], NULL);
    event_loop_call(probe.loop, add_one, &probe);
    assert_int_equal(probe.count, 6001);
    event_loop_stop(probe.loop);
    event_loop_join(probe.loop);
    event_loop_free(probe.loop);
}

static void
posts_left_over_run_when_the_loop_is_freed(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct probe probe = { .loop = event_loop_new(&err) };
    event_loop_post(probe.loop, add_one, &probe);
    event_loop_free(probe.loop);
    assert_int_equal(probe.count, 1);
}

static void
on_repeat(void *ctx)
{
    struct probe *probe = ctx;

    if (++probe->count == 3) {
        event_timer_free(probe->timer);
        event_loop_stop(probe->loop);
    }
}

static void
a_repeating_timer_may_be_freed_from_its_callback(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct probe probe = { .loop = event_loop_new(&err) };
    probe.timer = event_timer_new(probe.loop, on_repeat, &probe);
    struct event_timer *idle = event_timer_new(probe.loop, add_one, &probe);
    event_timer_start(idle, 1000000, 0);
    event_timer_start(probe.timer, 1, 1);
    event_loop_run(probe.loop);
    assert_int_equal(probe.count, 3);
    event_loop_free(probe.loop); /* frees the idle timer as well */
}

static void
on_terminate(void *ctx, int count)
{
    struct probe *probe = ctx;

    probe->count = count;
    if (count == 1)
        kill(getpid(), SIGINT);
    else
        event_loop_stop(probe->loop);
}

static void
termination_signals_are_counted(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct probe probe = { .loop = event_loop_new(&err) };
    assert_int_equal(event_loop_on_terminate(probe.loop, on_terminate, &probe, &err), 0);
    kill(getpid(), SIGTERM);
    event_loop_run(probe.loop);
    assert_int_equal(probe.count, 2);
    event_loop_free(probe.loop);
}

static void
a_hangup_signal_is_told(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct probe probe = { .loop = event_loop_new(&err) };
    assert_int_equal(event_loop_on_hangup(probe.loop, stop_loop, &probe, &err), 0);
    kill(getpid(), SIGHUP);
    event_loop_run(probe.loop);
    event_loop_free(probe.loop);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(posts_run_in_order_on_the_loop_thread),
        cmocka_unit_test(posts_of_several_threads_all_arrive),
        cmocka_unit_test(posts_left_over_run_when_the_loop_is_freed),
        cmocka_unit_test(a_repeating_timer_may_be_freed_from_its_callback),
        cmocka_unit_test(termination_signals_are_counted),
        cmocka_unit_test(a_hangup_signal_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
