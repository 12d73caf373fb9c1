#include "transporter/restore/selection.h"

#include "common/base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static enum error_kind
parse(const char *text, struct selection *selection)
{
    struct error err = ERROR_INIT;
    return selection_parse(text, strlen(text), selection, &err) == 0 ? ERROR_NONE : err.kind;
}

static void
the_three_forms_are_read(void **state)
{
    (void)state;
    struct selection selection;
    assert_int_equal(parse("{\"all\":true}", &selection), ERROR_NONE);
    assert_true(selection.all);
    selection_clear(&selection);
    assert_int_equal(parse("{\"items\":[\"0261\",\"0362ff\"],\"folders\":[\"0163\"]}", &selection), ERROR_NONE);
    assert_false(selection.all);
    assert_int_equal(selection.item_count, 2);
    assert_int_equal(selection.items[1].len, 3);
    assert_memory_equal(selection.items[1].bytes,
                        "\x03"
                        "b\xff",
                        3);
    assert_int_equal(selection.folder_count, 1);
    selection_clear(&selection);
}

static void
nonsense_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "[]",
                                       "{}",
                                       "{\"all\":false}",
                                       "{\"all\":\"yes\"}",
                                       "{\"items\":[]}",
                                       "{\"items\":[17]}",
                                       "{\"items\":[\"02\"]}",
                                       "{\"items\":[\"026\"]}",
                                       "{\"items\":[\"02zz\"]}",
                                       "{\"items\":\"0261\"}" };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct selection selection;
        assert_int_equal(parse(bad[i], &selection), ERROR_USAGE);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_three_forms_are_read),
                                        cmocka_unit_test(nonsense_is_refused) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
