#include "director/cli/cli_table.h"

#include "common/base/memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *
printed(const struct cli_table *table, const char *empty)
{
    char *text = NULL;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    cli_table_print(table, empty, out);
    fclose(out);
    return text;
}

static void
columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    CLEANUP(cli_table_free_p) struct cli_table *table = cli_table_new("NAME", ">ITEMS", "STATE", NULL);
    cli_table_add(table, "a", "1,234", "ok", NULL);
    cli_table_add(table, "longer", "7", "failed", NULL);
    CLEANUP(memory_free_p) char *text = printed(table, "none");
    assert_string_equal(text, "NAME    ITEMS  STATE\n"
                              "a       1,234  ok\n"
                              "longer      7  failed\n");
}

static void
wide_characters_count_as_two_cells(void **state)
{
    (void)state;
    CLEANUP(cli_table_free_p) struct cli_table *table = cli_table_new("N", "X", NULL);
    cli_table_add(table, "日本", "1", NULL);
    cli_table_add(table, "é", "2", NULL);
    CLEANUP(memory_free_p) char *text = printed(table, NULL);
    assert_string_equal(text, "N     X\n日本  1\né     2\n");
}

static void
nothing_in_a_cell_steers_the_terminal(void **state)
{
    (void)state;
    static const struct {
        const char *text, *clean;
    } cases[] = { { "\033[2Jgone", "?[2Jgone" },
                  { "a\nb\tc\r", "a?b?c?" },
                  { "bad \xff\xfe utf8", "bad ?? utf8" },
                  { "\xe2\x80\xae"
                    "evil",
                    "?evil" },
                  { "\xc2\x9b"
                    "31m",
                    "?31m" },
                  { "fine – ok", "fine – ok" } };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(memory_free_p) char *clean = cli_table_clean(cases[i].text);
        assert_string_equal(clean, cases[i].clean);
    }
}

static void
an_empty_table_says_so(void **state)
{
    (void)state;
    CLEANUP(cli_table_free_p) struct cli_table *table = cli_table_new("NAME", NULL);
    CLEANUP(memory_free_p) char *text = printed(table, "No jobs yet.");
    assert_string_equal(text, "No jobs yet.\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(wide_characters_count_as_two_cells),
        cmocka_unit_test(nothing_in_a_cell_steers_the_terminal),
        cmocka_unit_test(an_empty_table_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
