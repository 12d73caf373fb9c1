#include "transporter/pipeline/known_items.h"

#include "common/base/error.h"
#include "tests/fakes/scratch_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#define MANY 20000u

static struct catalog_key
key_of(unsigned number, char text[32])
{
    int len = snprintf(text, 32, "\x02item-%u", number);
    return (struct catalog_key){ .bytes = (const uint8_t *)text, .len = (size_t)len };
}

static void
what_is_put_is_found_as_the_table_grows(void **state)
{
    (void)state;
    struct scratch_folder folder;
    struct error err = ERROR_INIT;
    struct known_item item;
    char text[32];
    scratch_folder_init(&folder);
    struct known_items *items = known_items_new(folder.path, &err);
    assert_non_null(items);
    for (unsigned i = 0; i < MANY; i++) {
        const struct known_item known = { .has_record = true,
                                          .gap = i % 3 == 0,
                                          .tag = i,
                                          .content = { .form = CONTENT_LIST, .message = i % 2 == 0, .len = i } };
        assert_int_equal(known_items_put(items, key_of(i, text), &known, &err), 0);
    }
    assert_int_equal(known_items_count(items), MANY);
    for (unsigned i = 0; i < MANY; i += 7)
        assert_int_equal(known_items_name(items, key_of(i, text), i + 1, &err), 0);
    for (unsigned i = 0; i < MANY; i++) {
        assert_true(known_items_get(items, key_of(i, text), &item));
        assert_true(item.has_record);
        assert_int_equal(item.gap, i % 3 == 0);
        assert_int_equal(item.tag, i);
        assert_int_equal(item.content.len, i);
        assert_int_equal(item.content.message, i % 2 == 0);
        assert_int_equal(item.named, i % 7 == 0 ? i + 1 : 0);
    }
    assert_false(known_items_get(items, key_of(MANY, text), &item));
    assert_int_equal(known_items_name(items, key_of(MANY, text), 5, &err), 0);
    assert_true(known_items_get(items, key_of(MANY, text), &item));
    assert_false(item.has_record);
    known_items_free(items);
    scratch_folder_clear(&folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_put_is_found_as_the_table_grows) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
