#include "common/base/block_cache.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

static void
blocks_of_every_size_hold_their_bytes(void **state)
{
    (void)state;
    static const size_t sizes[] = {
        0, 1, 16 * KIB, 16 * KIB + 1, 36 * KIB, 36 * KIB + 1, 64 * KIB + 5, MIB + 4 * KIB, MIB + 4 * KIB + 1, 5 * MIB
    };
    for (size_t round = 0; round < 2; round++) {
        uint8_t *blocks[sizeof(sizes) / sizeof(sizes[0])];
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            blocks[i] = block_cache_take(sizes[i]);
            assert_non_null(blocks[i]);
            assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
            memset(blocks[i], (int)i, sizes[i]);
        }
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            assert_true(sizes[i] == 0 || (blocks[i][0] == i && blocks[i][sizes[i] - 1] == i));
            block_cache_give(blocks[i]);
        }
    }
    block_cache_give(NULL);
}

static void
growing_keeps_what_is_used(void **state)
{
    (void)state;
    static const size_t sizes[] = { 100, 64 * KIB, MIB, 2 * MIB, 4 * MIB, MIB };
    size_t used = 50;
    uint8_t *block = block_cache_take(used);
    assert_non_null(block);
    memset(block, 7, used);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size_t kept = used < sizes[i] ? used : sizes[i];
        block = block_cache_grow(block, kept, sizes[i]);
        assert_non_null(block);
        assert_true(block[0] == 7 && block[kept / 2] == 7 && block[kept - 1] == 7);
        memset(block, 7, sizes[i]);
        used = sizes[i];
    }
    block_cache_give(block);
}

static void
idle_memory_has_a_limit(void **state)
{
    (void)state;
    void *blocks[40];
    for (size_t i = 0; i < 40; i++)
        assert_non_null(blocks[i] = block_cache_take(i < 20 ? MIB : 512 * KIB));
    size_t before = block_cache_idle();
    for (size_t i = 0; i < 40; i++) {
        block_cache_give(blocks[i]);
        assert_true(block_cache_idle() >= before && block_cache_idle() <= BLOCK_CACHE_MOST);
    }
    before = block_cache_idle();
    void *again = block_cache_take(512 * KIB);
    assert_true(before == 0 || block_cache_idle() < before);
    block_cache_give(again);
    assert_int_equal(block_cache_idle(), before);
}

static void
sizes_out_of_use_make_room(void **state)
{
    (void)state;
    void *small[200];
    for (size_t i = 0; i < 200; i++)
        assert_non_null(small[i] = block_cache_take(60 * KIB));
    for (size_t i = 0; i < 200; i++)
        block_cache_give(small[i]);
    void *large = block_cache_take(700 * KIB);
    assert_non_null(large);
    block_cache_give(large);
    size_t before = block_cache_idle();
    large = block_cache_take(700 * KIB);
    assert_true(before == 0 || before - block_cache_idle() >= 700 * KIB);
    block_cache_give(large);
}

static void
sizes_beyond_memory_are_refused(void **state)
{
    (void)state;
    assert_null(block_cache_take(SIZE_MAX));
    assert_null(block_cache_take(SIZE_MAX / 2));
    uint8_t *block = block_cache_take(5);
    assert_non_null(block);
    block[0] = 9;
    assert_null(block_cache_grow(block, 5, SIZE_MAX));
    assert_int_equal(block[0], 9);
    block_cache_give(block);
}

static void *
take_and_give(void *ctx)
{
    uint8_t mark = *(const uint8_t *)ctx;
    for (size_t i = 0; i < 2000; i++) {
        size_t size = (size_t)20 * KIB << i % 4;
        uint8_t *block = block_cache_take(size);
        assert_non_null(block);
        block[0] = block[size - 1] = mark;
        assert_true(block[0] == mark && block[size - 1] == mark);
        block_cache_give(block);
    }
    return NULL;
}

static void
threads_share_the_cache(void **state)
{
    (void)state;
    pthread_t threads[4];
    uint8_t marks[4] = { 1, 2, 3, 4 };
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &marks[i]), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_true(block_cache_idle() <= BLOCK_CACHE_MOST);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_every_size_hold_their_bytes),
        cmocka_unit_test(growing_keeps_what_is_used),
        cmocka_unit_test(idle_memory_has_a_limit),
        cmocka_unit_test(sizes_out_of_use_make_room),
        cmocka_unit_test(sizes_beyond_memory_are_refused),
        cmocka_unit_test(threads_share_the_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
