#include "common/vault/tree_changes.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS 3000
#define PUTS 60000

static uint32_t
next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static struct tree_bytes
key_of(char text[16], unsigned number)
{
    int n = snprintf(text, 16, "key-%05u", number);
    return (struct tree_bytes){ (const uint8_t *)text, (size_t)n };
}

static void
assert_latest(const struct tree_change *change, uint32_t expected)
{
    assert_int_equal(change->remove, expected % 5 == 0);
    if (change->remove)
        return;
    assert_int_equal(change->value.len, sizeof(expected));
    assert_memory_equal(change->value.data, &expected, sizeof(expected));
}

static size_t
open_files(void)
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* Some hundred times more than fits into memory, each key many times, a fifth of the changes removals. */
static void
the_last_change_of_each_key_comes_back_in_order(void **state)
{
    static uint32_t latest[KEYS]; /* the number of the put; 0: none */
    struct error err = ERROR_INIT;
    struct tree_changes *changes = tree_changes_new(clock_system(), (size_t)16 << 10, "/tmp");
    struct tree_change change;
    size_t files = open_files(), more = 0;
    char text[16];
    uint32_t random = 7, seen = 0;
    (void)state;
    for (uint32_t put = 1; put <= PUTS; put++) {
        unsigned number = next_random(&random) % KEYS;
        struct tree_bytes key = key_of(text, number), value = { (const uint8_t *)&put, sizeof(put) };
        assert_int_equal(tree_changes_put(changes, key, put % 5 == 0 ? NULL : &value, &err), 0);
        latest[number] = put;
        unsigned other = next_random(&random) % KEYS;
        int got = put % 16 == 0 ? tree_changes_get(changes, key_of(text, other), &change, &err) : -2;
        assert_true(got == -2 || got == (latest[other] != 0));
        if (got == 1)
            assert_latest(&change, latest[other]);
        size_t now = put % 64 == 0 ? open_files() - files : 0;
        more = now > more ? now : more;
    }
    assert_in_range(more, 8, 40);
    assert_int_equal(tree_changes_rewind(changes, &err), 0);
    for (unsigned number = 0; number < KEYS; number++) {
        struct tree_bytes key = key_of(text, number);
        if (latest[number] == 0)
            continue;
        assert_int_equal(tree_changes_next(changes, &change, &err), 1);
        assert_int_equal(tree_bytes_compare(change.key, key), 0);
        assert_latest(&change, latest[number]);
        seen++;
    }
    assert_int_equal(tree_changes_next(changes, &change, &err), 0);
    assert_in_range(seen, KEYS - 10, KEYS);
    tree_changes_free(changes);
    assert_int_equal(open_files(), files);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_change_of_each_key_comes_back_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
