#include "transporter/link/finished_journal.h"

#include "common/base/error.h"
#include "tests/fakes/scratch_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static int
on_message(void *ctx, const uint8_t *message, size_t len, struct error *err)
{
    char *text = ctx;
    (void)err;
    snprintf(text + strlen(text), 64 - strlen(text), "%.*s;", (int)len, (const char *)message);
    return 0;
}

static void
results_outlive_a_restart_until_they_are_acknowledged(void **state)
{
    (void)state;
    struct scratch_folder folder;
    struct error err = ERROR_INIT;
    char text[64] = "";
    scratch_folder_init(&folder);
    struct finished_journal *journal = finished_journal_open(folder.path, &err);
    assert_true(finished_journal_is_empty(journal));
    assert_int_equal(finished_journal_put(journal, "task-a", 7, "old", 3, &err), 0);
    assert_int_equal(finished_journal_put(journal, "task-a", 7, "new", 3, &err), 0);
    finished_journal_close(journal);

    journal = finished_journal_open(folder.path, &err);
    assert_int_equal(finished_journal_each(journal, on_message, text, &err), 0);
    assert_string_equal(text, "new;");
    finished_journal_remove(journal, "task-a", 6);
    assert_false(finished_journal_is_empty(journal));
    finished_journal_remove(journal, "task-a", 7);
    assert_true(finished_journal_is_empty(journal));
    assert_int_equal(finished_journal_put(journal, "../task", 1, "x", 1, &err), -1);
    finished_journal_close(journal);
    scratch_folder_clear(&folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(results_outlive_a_restart_until_they_are_acknowledged) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
