#include "common/base/bounded_queue.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#define COUNT 20000

struct flow {
    struct bounded_queue *queue;
    uintptr_t sum;
};

static void *
produce(void *ctx)
{
    struct flow *flow = ctx;
    for (uintptr_t i = 1; i <= COUNT; i++)
        bounded_queue_push(flow->queue, (void *)i, i % 7);
    bounded_queue_close(flow->queue);
    return NULL;
}

static void *
consume(void *ctx)
{
    struct flow *flow = ctx;
    for (void *p; (p = bounded_queue_pop(flow->queue)) != NULL;)
        flow->sum += (uintptr_t)p;
    return NULL;
}

static void
everything_pushed_is_popped_once(void **state)
{
    (void)state;
    struct bounded_queue *q = bounded_queue_new(8, 20);
    struct flow flows[3] = { { q, 0 }, { q, 0 }, { q, 0 } };
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, produce, &flows[0]);
    pthread_create(&threads[1], NULL, consume, &flows[1]);
    pthread_create(&threads[2], NULL, consume, &flows[2]);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_true(flows[1].sum + flows[2].sum == (uintptr_t)COUNT * (COUNT + 1) / 2);
    bounded_queue_free(q, NULL);
}

static void *
push_until_refused(void *ctx)
{
    char *element = malloc(1);
    while (bounded_queue_push(ctx, element, 1))
        element = malloc(1);
    free(element);
    return NULL;
}

static void
abort_wakes_a_waiting_producer_and_keeps_what_is_inside(void **state)
{
    (void)state;
    struct bounded_queue *q = bounded_queue_new(2, 100);
    pthread_t thread;
    pthread_create(&thread, NULL, push_until_refused, q);
    free(bounded_queue_pop(q));
    bounded_queue_abort(q);
    pthread_join(thread, NULL);
    assert_null(bounded_queue_pop(q));
    bounded_queue_free(q, free);
}

static void
a_closed_queue_refuses_and_drains(void **state)
{
    (void)state;
    int element = 5;
    struct bounded_queue *q = bounded_queue_new(4, 100);
    assert_true(bounded_queue_push(q, &element, 1));
    bounded_queue_close(q);
    assert_false(bounded_queue_push(q, &element, 1));
    assert_ptr_equal(bounded_queue_pop(q), &element);
    assert_null(bounded_queue_pop(q));
    bounded_queue_free(q, NULL);
}

static void
something_too_heavy_passes_alone(void **state)
{
    (void)state;
    int element = 5;
    struct bounded_queue *q = bounded_queue_new(4, 10);
    assert_true(bounded_queue_push(q, &element, 1000));
    assert_ptr_equal(bounded_queue_pop(q), &element);
    bounded_queue_free(q, NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_pushed_is_popped_once),
        cmocka_unit_test(abort_wakes_a_waiting_producer_and_keeps_what_is_inside),
        cmocka_unit_test(a_closed_queue_refuses_and_drains),
        cmocka_unit_test(something_too_heavy_passes_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
