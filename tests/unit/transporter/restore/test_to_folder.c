#include "transporter/restore/to_folder.h"

#include "tests/unit/transporter/restore/restore_fixture.h"

static void
restore_to(const char *below, const struct selection *selection, struct task_result *result)
{
    struct error err = ERROR_INIT;
    const struct to_folder_options options = { .root = fixture.restore, .below = below, .task_id = "task-1" };
    struct restore_sink *sink = to_folder_open(&options, &err);
    restore_through(sink, to_folder_fd(sink), selection, result);
}

static void
assert_file(const char *path, const char *content, int64_t modified_s)
{
    char full[1024];
    char text[256] = "";
    struct stat st;
    snprintf(full, sizeof(full), "%s/%s", fixture.restore, path);
    FILE *file = fopen(full, "r");
    if (file == NULL)
        fail_msg("%s is not there", path);
    size_t len = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[len] = '\0';
    assert_string_equal(text, content);
    assert_int_equal(stat(full, &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, modified_s);
}

static bool
exists(const char *path)
{
    char full[1024];
    snprintf(full, sizeof(full), "%s/%s", fixture.restore, path);
    return access(full, F_OK) == 0;
}

static unsigned
count_lines(const char *path, const char *word)
{
    char full[1024];
    char line[4096];
    unsigned count = 0;
    snprintf(full, sizeof(full), "%s/%s", fixture.restore, path);
    FILE *file = fopen(full, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL)
        count += strstr(line, word) != NULL;
    fclose(file);
    return count;
}

static void
everything_comes_back_below_its_folder(void **state)
{
    (void)state;
    struct task_result result;
    const struct selection all = { .all = true };
    restore_to("all", &all, &result);
    assert_true(exists("all/Empty"));
    assert_true(exists("all/Inbox/.._.._evil"));
    assert_file("all/zero", "", 1700000000);
    assert_file("all/.._passwd", "three", 1700000000);
    assert_file("all/orphan", "four", 1700000000);
    assert_true(exists("all/a.txt"));
    assert_true(exists("all/a (2).txt"));
    assert_false(exists("passwd"));
    assert_int_equal(count_lines("all/report.jsonl", "\"outcome\":\"restored\""), 8);
    assert_int_equal(count_lines("all/report.jsonl", "not_in_point"), 1);
    assert_int_equal(count_lines("all/report.jsonl", "Inbox/Hello _ world-"), 1);
    assert_int_equal(result.items_skipped, 1);
    assert_int_equal(result.items_failed, 0);
}

static void
a_repetition_leaves_what_is_there_alone(void **state)
{
    (void)state;
    struct task_result result;
    const struct selection all = { .all = true };
    restore_to("twice", &all, &result);
    restore_to("twice", &all, &result);
    assert_int_equal(count_lines("twice/report (2).jsonl", "\"outcome\":\"present\""), 8);
    assert_false(exists("twice/a (3).txt"));
    assert_false(exists("twice/zero (2)"));
}

static void
a_selected_folder_and_item_are_all_that_comes(void **state)
{
    (void)state;
    struct task_result result;
    struct catalog_key_buffer folder, item;
    struct catalog_key folder_key = key_of(CATALOG_FOLDER, "evil", &folder);
    struct catalog_key item_key = key_of(CATALOG_FILE, "f3", &item);
    const struct selection some = { .items = &item_key, .item_count = 1, .folders = &folder_key, .folder_count = 1 };
    restore_to("some", &some, &result);
    assert_true(exists("some/Inbox/.._.._evil"));
    assert_true(exists("some/zero"));
    assert_false(exists("some/a.txt"));
    assert_false(exists("some/Empty"));
    assert_int_equal(count_lines("some/report.jsonl", "\"outcome\":\"restored\""), 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_comes_back_below_its_folder),
        cmocka_unit_test(a_repetition_leaves_what_is_there_alone),
        cmocka_unit_test(a_selected_folder_and_item_are_all_that_comes),
    };
    return cmocka_run_group_tests(tests, restore_fixture_set_up, restore_fixture_tear_down);
}
