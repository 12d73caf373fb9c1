#include "transporter/restore/to_folder.h"

#include "common/vault/catalog_edit.h"
#include "common/vault/vault_writer.h"
#include "tests/unit/transporter/vault_fixture.h"
#include "transporter/restore/restore_report.h"
#include "transporter/restore/restore_workers.h"

#include <unistd.h>

static struct vault_fixture fixture;
static struct catalog_root root;

struct row {
    enum catalog_kind kind;
    const char *id, *parent, *name, *content;
    uint32_t flags;
};

static const struct row rows[] = {
    { CATALOG_FOLDER, "in", "", "Inbox", NULL, 0 },
    { CATALOG_FOLDER, "evil", "in", "../../evil", NULL, 0 },
    { CATALOG_FOLDER, "empty", "", "Empty", NULL, 0 },
    { CATALOG_MESSAGE, "m1", "in", "Hello / world", "Subject: Hello\r\n\r\nbody\r\n", 0 },
    { CATALOG_MESSAGE, "m2", "evil", "..", "Subject: x\r\n\r\n", 0 },
    { CATALOG_MESSAGE, "m3", "in", "lost", NULL, CATALOG_FLAG_NO_CONTENT },
    { CATALOG_FILE, "f1", "", "a.txt", "one", 0 },
    { CATALOG_FILE, "f2", "", "a.txt", "two", 0 },
    { CATALOG_FILE, "f3", "", "zero", "", 0 },
    { CATALOG_FILE, "f4", "", "../passwd", "three", 0 },
    { CATALOG_FILE, "f5", "missing", "orphan", "four", 0 },
};

static struct catalog_key
key_of(enum catalog_kind kind, const char *id, struct catalog_key_buffer *room)
{
    struct error err = ERROR_INIT;
    room->len = 0;
    if (id[0] != '\0')
        assert_int_equal(catalog_key_make(kind, id, strlen(id), room, &err), 0);
    return catalog_key_of(room);
}

static void
put_row(struct catalog_edit *edit, struct vault_writer *writer, const struct row *row)
{
    struct error err = ERROR_INIT;
    struct catalog_key_buffer key, parent;
    struct catalog_item item = { .kind = row->kind,
                                 .key = key_of(row->kind, row->id, &key),
                                 .parent = key_of(CATALOG_FOLDER, row->parent, &parent),
                                 .name = row->kind == CATALOG_MESSAGE ? NULL : row->name,
                                 .subject = row->kind == CATALOG_MESSAGE ? row->name : NULL,
                                 .modified_ms = 1700000000000,
                                 .received_ms = 1600000000000,
                                 .flags = row->flags };
    if (row->content != NULL)
        assert_int_equal(vault_writer_put(writer, row->kind == CATALOG_MESSAGE ? VAULT_MESSAGE : VAULT_FILE,
                                          row->content, strlen(row->content), &item.content, &err),
                         0);
    if (catalog_edit_put(edit, &item, &err) != 0)
        vault_fixture_fail(&err);
}

static int
set_up_all(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    vault_fixture_init(&fixture);
    struct vault_writer *writer = vault_writer_open(fixture.vault, NULL, &err);
    struct vault_reader *reader = vault_reader_open(fixture.vault, 0, &err);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, NULL, NULL, &err);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        put_row(edit, writer, &rows[i]);
    if (catalog_edit_commit(edit, &root, NULL, &err) != 0 || vault_writer_flush(writer, &err) != 0)
        vault_fixture_fail(&err);
    catalog_edit_free(edit);
    vault_reader_close(reader);
    vault_writer_close(writer);
    return 0;
}

static int
tear_down_all(void **state)
{
    (void)state;
    vault_fixture_clear(&fixture);
    return 0;
}

struct run {
    struct restore_sink *sink;
    struct restore_workers *workers;
};

static int
on_folder(void *ctx, const struct restore_item *folder, struct error *err)
{
    struct run *run = ctx;
    return run->sink->vtable->folder(run->sink, folder, err);
}

static int
on_batch(void *ctx, struct restore_batch *batch, struct error *err)
{
    struct run *run = ctx;
    return restore_workers_push(run->workers, batch, err);
}

static void
restore_to(const char *below, const struct selection *selection, struct task_result *result)
{
    struct error err = ERROR_INIT;
    struct cancel cancel;
    const struct to_folder_options options = { .root = fixture.restore, .below = below, .task_id = "task-1" };
    struct run run = { .sink = to_folder_open(&options, &err) };
    assert_int_equal(cancel_init(&cancel, &err), 0);
    run.sink->report = restore_report_open(fixture.state_dir, "task-1", to_folder_fd(run.sink), &err);
    const struct restore_workers_options worker_options = {
        .vault = fixture.vault, .sink = run.sink, .cancel = &cancel, .threads = 2
    };
    run.workers = restore_workers_new(&worker_options, &err);
    const struct restore_plan_options plan = { .vault = fixture.vault,
                                               .root = &root,
                                               .selection = selection,
                                               .ctx = &run,
                                               .folder = on_folder,
                                               .batch = on_batch };
    if (restore_plan_run(&plan, NULL, &err) != 0 || restore_workers_finish(run.workers, &err) != 0 ||
        run.sink->vtable->finish(run.sink, &err) != 0)
        vault_fixture_fail(&err);
    restore_workers_free(run.workers);
    *result = (struct task_result){ .fence = 1 };
    restore_report_totals(run.sink->report, result);
    assert_int_equal(restore_report_close(run.sink->report, &err), 0);
    run.sink->vtable->close(run.sink);
    cancel_clear(&cancel);
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
    assert_int_equal(count_lines("all/report.jsonl", "\"outcome\":\"restored\""), 7);
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
    assert_int_equal(count_lines("twice/report (2).jsonl", "\"outcome\":\"present\""), 7);
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
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
