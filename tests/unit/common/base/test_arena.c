#include "common/base/arena.h"

#include "common/base/identifier.h"
#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

static void
the_budget_is_never_exceeded(void **state)
{
    (void)state;
    struct arena *arena = arena_new(1000);
    assert_non_null(arena_alloc(arena, 500));
    assert_null(arena_alloc(arena, 600));
    assert_null(arena_alloc(arena, SIZE_MAX));
    assert_non_null(arena_alloc(arena, 400));
    arena_reset(arena);
    assert_non_null(arena_alloc(arena, 900));
    arena_free(arena);
}

static void
memory_is_zeroed_and_aligned(void **state)
{
    (void)state;
    struct arena *arena = arena_new((size_t)1 << 20);
    for (size_t size = 1; size < 40000; size = size * 3 + 1) {
        unsigned char *p = arena_alloc(arena, size);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
    }
    arena_free(arena);
}

static void
texts_are_copied_and_formatted(void **state)
{
    (void)state;
    struct arena *arena = arena_new(4096);
    assert_string_equal(arena_strdup(arena, "abc"), "abc");
    assert_string_equal(arena_printf(arena, "%d/%s", 7, "x"), "7/x");
    assert_null(arena_printf(arena, "%05000d", 1));
    arena_free(arena);
}

static void
identifiers_are_valid_and_differ(void **state)
{
    (void)state;
    char a[IDENTIFIER_LEN], b[IDENTIFIER_LEN];
    identifier_new(clock_system(), "tenant", a);
    identifier_new(clock_system(), "tenant", b);
    assert_true(identifier_valid(a));
    assert_string_not_equal(a, b);
    assert_memory_equal(a, "tenant-", 7);
    assert_false(identifier_valid("../etc"));
    assert_false(identifier_valid(""));
    assert_false(identifier_valid("UPPER"));
    assert_false(identifier_valid("0123456789012345678901234567890123456789"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_budget_is_never_exceeded),
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(texts_are_copied_and_formatted),
        cmocka_unit_test(identifiers_are_valid_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
