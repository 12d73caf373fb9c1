#include "transporter/pipeline/backup_task.h"

#include "tests/fakes/fake_source.h"
#include "tests/unit/transporter/vault_fixture.h"
#include "transporter/storage/storage_local_internal.h"

/* One vault for all tests, since a password is slow to check; each test has its own object and points in it. */
static struct vault_fixture fixture;
static unsigned test_number;
static bool force_full; /* what back_up() orders */

static int
set_up_all(void **state)
{
    (void)state;
    vault_fixture_init(&fixture);
    return 0;
}

static int
tear_down_all(void **state)
{
    (void)state;
    vault_fixture_clear(&fixture);
    return 0;
}

static int
set_up(void **state)
{
    (void)state;
    test_number++;
    force_full = false;
    return 0;
}

/* "point-1" as this test's "point-<number>-1". */
static const char *
own(const char *name)
{
    static char texts[4][IDENTIFIER_LEN];
    static unsigned next;
    const char *dash = strchr(name, '-');
    if (dash == NULL)
        return name;
    char *text = texts[next++ % 4];
    snprintf(text, IDENTIFIER_LEN, "%.*s-%u%s", (int)(dash - name), name, test_number, dash);
    return text;
}

static struct task *
make_task(const char *task_id, const char *previous, enum task_object_kind kind)
{
    struct error err = ERROR_INIT;
    struct task_order *order = task_order_new();
    order->kind = TASK_BACKUP;
    order->fence = 1;
    snprintf(order->task_id, sizeof(order->task_id), "%s", own(task_id));
    snprintf(order->vault.vault_id, sizeof(order->vault.vault_id), "vault-1");
    snprintf(order->object.object_id, sizeof(order->object.object_id), "%s", own("object-1"));
    snprintf(order->object.external_id, sizeof(order->object.external_id), "user");
    snprintf(order->point_id, sizeof(order->point_id), "%s", own(previous));
    order->object.kind = kind;
    struct task *task = task_new(order, &fixture.services, &err);
    assert_non_null(task);
    return task;
}

static int
back_up(const char *task_id, const char *previous, struct fake_plan *plan, struct task_result *result,
        struct error *err)
{
    const struct backup_task_parts parts = { .driver = &fake_source_driver, .vault = fixture.vault };
    struct task *task = make_task(task_id, previous, TASK_OBJECT_MAILBOX);
    task->order->force_full = force_full;
    *result = (struct task_result){ .fence = 1 };
    fake_source_play(plan);
    int failed = backup_task_run_with(task, &parts, result, err);
    task_snapshot(task, &result->totals);
    task_free(task);
    return failed;
}

/* The point's items as one text: "kind id<parent name=content;" in key order. */
static int
on_item(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct buffer *out = ctx;
    const char *name = item->kind == CATALOG_MESSAGE ? item->subject : item->name;
    return buffer_printf(out, err, "%c %.*s<%.*s %s%s%s;", "?dmf"[item->kind], (int)item -> key.len - 1,
                         (const char *)item->key.bytes + 1, item->parent.len > 0 ? (int)item->parent.len - 1 : 0,
                         item->parent.len > 0 ? (const char *)item->parent.bytes + 1 : "", name,
                         (item->flags & CATALOG_FLAG_NO_CONTENT) != 0 ? "!" : "",
                         item->content.form != CONTENT_NONE ? "=" : "");
}

static int
on_content(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return buffer_append(ctx, data, len, err);
}

static void
assert_point(const char *point_id, const char *expected)
{
    struct error err = ERROR_INIT;
    struct point point;
    CLEANUP(buffer_clear) struct buffer out = BUFFER_INIT(1 << 20);
    if (point_read(fixture.vault, own(point_id), &point, &err) != 0)
        vault_fixture_fail(&err);
    CLEANUP(vault_reader_close_p) struct vault_reader *reader = vault_reader_open(fixture.vault, 0, &err);
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(reader, &point.catalog);
    const struct catalog_key start = { .len = 0 };
    assert_int_equal(catalog_walk(catalog, start, on_item, &out, &err), 0);
    assert_string_equal(buffer_text(&out, &err), expected);
}

static void
assert_content(const char *point_id, enum catalog_kind kind, const char *id, const char *expected)
{
    struct error err = ERROR_INIT;
    struct point point;
    struct catalog_key_buffer key;
    struct catalog_item item;
    CLEANUP(buffer_clear) struct buffer out = BUFFER_INIT(1 << 20);
    assert_int_equal(point_read(fixture.vault, own(point_id), &point, &err), 0);
    CLEANUP(vault_reader_close_p) struct vault_reader *reader = vault_reader_open(fixture.vault, 0, &err);
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(reader, &point.catalog);
    assert_int_equal(catalog_key_make(kind, id, strlen(id), &key, &err), 0);
    assert_int_equal(catalog_get(catalog, catalog_key_of(&key), &item, &err), 0);
    struct content_ref ref = item.content;
    assert_int_equal(vault_reader_read(reader, &ref, on_content, &out, &err), 0);
    assert_string_equal(buffer_text(&out, &err), expected);
}

#define RUN(task_id, previous, plan, result)                                                                           \
    do {                                                                                                               \
        struct error run_err = ERROR_INIT;                                                                             \
        if (back_up(task_id, previous, plan, result, &run_err) != 0)                                                   \
            vault_fixture_fail(&run_err);                                                                              \
    } while (0)

static const struct fake_event first_round[] = {
    FAKE_LISTING("", CATALOG_KIND_BIT(CATALOG_FOLDER)),
    FAKE_FOLDER("in", "", "Inbox"),
    FAKE_FOLDER("sub", "in", "Sub"),
    FAKE_LISTED("", CATALOG_KIND_BIT(CATALOG_FOLDER)),
    FAKE_LISTING("in", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
    FAKE_MESSAGE("a", "in", "A", "1", "mail a"),
    FAKE_MESSAGE("b", "in", "B", "1", "mail b"),
    FAKE_LISTED("in", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
    FAKE_LISTING("sub", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
    FAKE_MESSAGE("c", "sub", "C", "1", "mail c"),
    FAKE_LISTED("sub", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
};

#define PLAN(rows) .events = (rows), .count = ARRAY_LEN(rows)
#define FIRST      "d in< Inbox;d sub<in Sub;m a<in A=;m b<in B=;m c<sub C=;"

static void
first(void)
{
    struct task_result result;
    struct fake_plan plan = { PLAN(first_round), .cursor = "one" };
    RUN("task-1", "", &plan, &result);
    assert_string_equal(result.point.point_id, own("point-1"));
    assert_int_equal(plan.fetches, 3);
}

static void
a_first_run_stores_everything(void **state)
{
    (void)state;
    struct task_result result;
    struct fake_plan plan = { PLAN(first_round), .cursor = "one" };
    RUN("task-1", "", &plan, &result);
    assert_point("point-1", FIRST);
    assert_content("point-1", CATALOG_MESSAGE, "b", "mail b");
    assert_int_equal(result.point.items, 5);
    assert_int_equal(result.point.bytes, 18);
    assert_int_equal(result.point.items_new, 5);
    assert_int_equal(result.items_failed + result.items_skipped, 0);
    assert_int_equal(result.totals.items_done, 5);
    assert_int_equal(result.totals.bytes_read, 18);
    assert_true(result.point.stored_bytes > 0);
}

static void
an_incremental_run_touches_only_what_changed(void **state)
{
    (void)state;
    static const struct fake_event rows[] = {
        FAKE_MESSAGE("a", "in", "A2", "1", "never fetched"), /* metadata alone */
        FAKE_MESSAGE("b", "sub", "B", "1", "never fetched"), /* moved */
        FAKE_MESSAGE("d", "in", "D", "1", "mail d"),
        FAKE_DELETE(CATALOG_MESSAGE, "c"),
        FAKE_DELETE(CATALOG_MESSAGE, "unknown"),
        FAKE_DELETE_FROM(CATALOG_MESSAGE, "b", "in"), /* the other half of the move */
    };
    struct task_result result;
    struct fake_plan plan = { PLAN(rows), .cursor_expected = "one", .cursor = "two" };
    first();
    RUN("task-2", "point-1", &plan, &result);
    assert_point("point-2", "d in< Inbox;d sub<in Sub;m a<in A2=;m b<sub B=;m d<in D=;");
    assert_content("point-2", CATALOG_MESSAGE, "a", "mail a");
    assert_content("point-2", CATALOG_MESSAGE, "d", "mail d");
    assert_int_equal(plan.fetches, 1);
    assert_int_equal(result.point.items_new, 1);
    assert_int_equal(result.point.items_changed, 2);
    assert_int_equal(result.point.items_deleted, 1);
    assert_string_equal(result.point.previous_point, own("point-1"));
    assert_point("point-1", FIRST);
}

static void
a_changed_tag_is_fetched_again(void **state)
{
    (void)state;
    static const struct fake_event rows[] = { FAKE_MESSAGE("a", "in", "A", "2", "new words") };
    struct task_result result;
    struct fake_plan plan = { PLAN(rows), .cursor_expected = "one" };
    first();
    RUN("task-2", "point-1", &plan, &result);
    assert_content("point-2", CATALOG_MESSAGE, "a", "new words");
    assert_content("point-1", CATALOG_MESSAGE, "a", "mail a");
}

static void
a_listing_removes_what_it_does_not_name(void **state)
{
    (void)state;
    static const struct fake_event rows[] = {
        FAKE_LISTING("in", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
        FAKE_MESSAGE("a", "in", "A", "1", "never fetched"),
        FAKE_LISTED("in", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
    };
    struct task_result result;
    struct fake_plan plan = { PLAN(rows), .cursor_expected = "one" };
    first();
    RUN("task-2", "point-1", &plan, &result);
    assert_point("point-2", "d in< Inbox;d sub<in Sub;m a<in A=;m c<sub C=;");
    assert_int_equal(plan.fetches, 0);
}

static void
a_listing_of_everything_costs_no_content(void **state)
{
    (void)state;
    static const struct fake_event rows[] = {
        FAKE_LISTING("", CATALOG_KIND_BIT(CATALOG_FOLDER) | CATALOG_KIND_BIT(CATALOG_MESSAGE)),
        FAKE_FOLDER("in", "", "Inbox"),
        FAKE_MESSAGE("a", "in", "A", "1", "never fetched"),
        FAKE_MESSAGE("c", "in", "C", "1", "never fetched"),
        FAKE_LISTED("", CATALOG_KIND_BIT(CATALOG_FOLDER) | CATALOG_KIND_BIT(CATALOG_MESSAGE)),
    };
    struct task_result result;
    struct fake_plan plan = { PLAN(rows), .cursor_expected = "one" };
    first();
    RUN("task-2", "point-1", &plan, &result);
    assert_point("point-2", "d in< Inbox;m a<in A=;m c<in C=;");
    assert_int_equal(plan.fetches, 0);
    assert_int_equal(result.point.items_deleted, 2);
}

static void
a_listing_that_starts_over_forgets_what_it_named_before(void **state)
{
    (void)state;
    static const struct fake_event rows[] = {
        FAKE_FOLDER("in", "", "Inbox"),
        FAKE_LISTING("in", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
        FAKE_MESSAGE("a", "in", "A", "1", "mail a"),
        FAKE_MESSAGE("b", "in", "B", "1", "mail b"),
        FAKE_LISTING("in", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
        FAKE_MESSAGE("b", "in", "B", "1", "mail b"),
        FAKE_LISTED("in", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
    };
    struct task_result result;
    struct fake_plan plan = { PLAN(rows) };
    RUN("task-1", "", &plan, &result);
    assert_point("point-1", "d in< Inbox;m b<in B=;");
}

static void
a_listing_that_is_given_up_removes_nothing(void **state)
{
    (void)state;
    static const struct fake_event rows[] = {
        FAKE_LISTING("in", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
        FAKE_MESSAGE("a", "in", "A", "1", "never fetched"),
        FAKE_UNLISTED("in", CATALOG_KIND_BIT(CATALOG_MESSAGE)),
    };
    struct task_result result;
    struct fake_plan plan = { PLAN(rows), .cursor_expected = "one" };
    first();
    RUN("task-2", "point-1", &plan, &result);
    assert_point("point-2", FIRST);
}

static void
a_deleted_folder_takes_along_what_is_left_in_it(void **state)
{
    (void)state;
    static const struct fake_event rows[] = {
        FAKE_MESSAGE("a", "", "A", "1", "never fetched"), /* moved out before */
        FAKE_MESSAGE("e", "sub", "E", "1", "mail e"),     /* came in before */
        FAKE_DELETE(CATALOG_FOLDER, "in"),
    };
    struct task_result result;
    struct fake_plan plan = { PLAN(rows), .cursor_expected = "one" };
    first();
    RUN("task-2", "point-1", &plan, &result);
    assert_point("point-2", "m a< A=;");
}

static void
a_failed_item_is_told_and_tried_again(void **state)
{
    (void)state;
    static const struct fake_fault faults[] = {
        { .id = "b", .result = SOURCE_FAILED, .reason = "mime_conversion" },
        { .id = "c", .result = SOURCE_SKIPPED, .reason = "malware" },
    };
    static const struct fake_event nothing[] = { FAKE_DELETE(CATALOG_MESSAGE, "nobody") };
    struct task_result result;
    struct fake_plan plan = { PLAN(first_round), .faults = faults, .fault_count = 2, .cursor = "one" };
    RUN("task-1", "", &plan, &result);
    assert_point("point-1", "d in< Inbox;d sub<in Sub;m a<in A=;m b<in B!;m c<sub C!;");
    assert_int_equal(result.items_failed, 1);
    assert_int_equal(result.items_skipped, 1);
    assert_int_equal(result.gap_count, 2);

    struct fake_plan next = { PLAN(nothing), .cursor_expected = "one", .cursor = "two" };
    RUN("task-2", "point-1", &next, &result);
    assert_int_equal(next.fetches, 1);
    assert_point("point-2", "d in< Inbox;d sub<in Sub;m a<in A=;m b<in B=;m c<sub C!;");
    assert_content("point-2", CATALOG_MESSAGE, "b", "again");
    assert_int_equal(result.items_failed, 0);
    assert_int_equal(result.items_skipped, 1);
}

static void
an_item_that_is_gone_leaves_no_record(void **state)
{
    (void)state;
    static const struct fake_fault faults[] = { { .id = "b", .result = SOURCE_GONE, .reason = "" } };
    struct task_result result;
    struct fake_plan plan = { PLAN(first_round), .faults = faults, .fault_count = 1 };
    RUN("task-1", "", &plan, &result);
    assert_point("point-1", "d in< Inbox;d sub<in Sub;m a<in A=;m c<sub C=;");
    assert_int_equal(result.items_failed, 0);
}

static void
content_that_comes_again_from_its_start_is_stored_once(void **state)
{
    (void)state;
    static const struct fake_fault faults[] = { { .id = "b", .result = SOURCE_STORED, .restarts = 2 } };
    struct task_result result;
    struct fake_plan plan = { PLAN(first_round), .faults = faults, .fault_count = 1 };
    RUN("task-1", "", &plan, &result);
    assert_content("point-1", CATALOG_MESSAGE, "b", "mail b");
    assert_int_equal(result.totals.bytes_read, 18);
}

static void
a_run_that_breaks_commits_nothing_and_the_next_goes_on(void **state)
{
    (void)state;
    static const struct fake_fault faults[] = { { .id = "c", .ends_run = true } };
    struct error err = ERROR_INIT;
    struct task_result result;
    struct point point;
    struct fake_plan broken = { PLAN(first_round), .faults = faults, .fault_count = 1, .cursor = "one" };
    assert_int_equal(back_up("task-1", "", &broken, &result, &err), -1);
    assert_int_equal(err.kind, ERROR_NETWORK);
    struct error none = ERROR_INIT;
    assert_int_equal(point_read(fixture.vault, own("point-1"), &point, &none), -1);
    assert_int_equal(none.kind, ERROR_NOT_FOUND);

    struct error away = ERROR_INIT;
    struct fake_plan unfinished = { PLAN(first_round), .next_fails = true };
    assert_int_equal(back_up("task-1", "", &unfinished, &result, &away), -1);
    assert_int_equal(away.kind, ERROR_UNAVAILABLE);

    first();
    assert_point("point-1", FIRST);
}

static void
damage_point(const char *point_id)
{
    CLEANUP(memory_free_p) char *object = memory_printf("vault-1/points/%s", own(point_id));
    char below[STORAGE_LOCAL_PATH_LEN];
    storage_local_object_path(object, below);
    CLEANUP(memory_free_p) char *path = memory_printf("%s/repository/%s", fixture.folder.path, below);
    chmod(path, 0600);
    FILE *file = fopen(path, "r+e");
    assert_non_null(file);
    fseek(file, -1, SEEK_END);
    int byte = fgetc(file);
    fseek(file, -1, SEEK_END);
    fputc(byte ^ 1, file);
    fclose(file);
}

static void
assert_only_a_full_run_goes_on(const char *previous)
{
    struct task_result result;
    struct error err = ERROR_INIT;
    struct fake_plan refused = { PLAN(first_round) };
    force_full = false;
    assert_int_equal(back_up("task-2", previous, &refused, &result, &err), -1);
    assert_non_null(strstr(err.text, own(previous)));
    assert_non_null(strstr(err.text, "`longhaul run start JOB --full` starts afresh"));
    assert_int_equal(refused.fetches, 0);
    force_full = true;
    struct fake_plan plan = { PLAN(first_round), .cursor = "two" };
    RUN("task-2", previous, &plan, &result);
    assert_point("point-2", FIRST);
    assert_int_equal(plan.fetches, 3);
    assert_string_equal(result.point.previous_point, "");
    assert_int_equal(result.point.items_new, 5);
}

static void
a_full_run_starts_afresh_when_the_previous_point_is_missing(void **state)
{
    (void)state;
    assert_only_a_full_run_goes_on("point-1");
}

static void
a_full_run_starts_afresh_when_the_previous_point_is_damaged(void **state)
{
    (void)state;
    first();
    damage_point("point-1");
    assert_only_a_full_run_goes_on("point-1");
}

static void
a_full_run_builds_on_a_previous_point_that_is_well(void **state)
{
    (void)state;
    struct task_result result;
    struct fake_plan plan = { PLAN(first_round), .cursor = "two" };
    first();
    force_full = true;
    RUN("task-2", "point-1", &plan, &result);
    assert_point("point-2", FIRST);
    assert_int_equal(plan.fetches, 0);
    assert_string_equal(result.point.previous_point, own("point-1"));
}

/* Notes the group that holds a message of this point as damaged. */
static void
distrust(const char *point_id, const char *id)
{
    struct error err = ERROR_INIT;
    struct point point;
    struct catalog_key_buffer key;
    struct catalog_item item;
    struct chunk_place place;
    uint64_t ordinal;
    assert_int_equal(point_read(fixture.vault, own(point_id), &point, &err), 0);
    CLEANUP(vault_reader_close_p) struct vault_reader *reader = vault_reader_open(fixture.vault, 0, &err);
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(reader, &point.catalog);
    catalog_key_make(CATALOG_MESSAGE, id, strlen(id), &key, &err);
    assert_int_equal(catalog_get(catalog, catalog_key_of(&key), &item, &err), 0);
    assert_int_equal(vault_host_locate_chunks(fixture.host, &item.content.id, 1, &place, &err), 0);
    struct vault_mark mark = { .group = place.group };
    snprintf(mark.pack, sizeof(mark.pack), "%s", place.pack);
    assert_int_equal(vault_host_quarantine(fixture.host, &mark, 1, &ordinal, &err), 0);
}

/* The three mails lie in one group. */
static void
damaged_items_are_fetched_again_though_nothing_changed(void **state)
{
    (void)state;
    static const struct fake_event nothing[] = { FAKE_DELETE(CATALOG_MESSAGE, "nobody") };
    static const struct fake_fault faults[] = { { .id = "b", .result = SOURCE_FAILED, .reason = "busy" } };
    struct task_result result;
    first();
    distrust("point-1", "a");
    struct fake_plan busy = { PLAN(nothing), .faults = faults, .fault_count = 1, .cursor_expected = "one",
                              .cursor = "two" };
    RUN("task-2", "point-1", &busy, &result);
    assert_int_equal(busy.fetches, 3);
    assert_point("point-2", FIRST); /* what could not be fetched stays as it was */
    struct fake_plan next = { PLAN(nothing), .cursor_expected = "two", .cursor = "three" };
    RUN("task-3", "point-2", &next, &result);
    assert_int_equal(next.fetches, 1);
    assert_content("point-3", CATALOG_MESSAGE, "b", "again");
    struct fake_plan last = { PLAN(nothing), .cursor_expected = "three", .cursor = "four" };
    RUN("task-4", "point-3", &last, &result);
    assert_int_equal(last.fetches, 0);
}

static void
a_full_run_fetches_what_is_damaged(void **state)
{
    (void)state;
    struct task_result result;
    first();
    distrust("point-1", "c");
    force_full = true;
    struct fake_plan plan = { PLAN(first_round), .cursor = "two" };
    RUN("task-2", "point-1", &plan, &result);
    assert_int_equal(plan.fetches, 3);
    assert_point("point-2", FIRST);
    RUN("task-3", "point-2", &plan, &result);
    assert_int_equal(plan.fetches, 3);
}

static void
a_task_that_has_committed_before_is_not_repeated(void **state)
{
    (void)state;
    struct task_result result;
    struct fake_plan plan = { PLAN(first_round), .cursor = "other" };
    first();
    RUN("task-1", "", &plan, &result);
    assert_int_equal(plan.fetches, 0);
    assert_string_equal(result.point.point_id, own("point-1"));
    assert_int_equal(result.point.items, 5);
}

static void
on_fetch_cancel(void *ctx, const char *id)
{
    (void)id;
    cancel_raise(ctx, ERROR_CANCELLED, "cancelled by the director");
}

static void
a_cancelled_run_ends_and_says_why(void **state)
{
    (void)state;
    const struct backup_task_parts parts = { .driver = &fake_source_driver, .vault = fixture.vault };
    struct error err = ERROR_INIT;
    struct task_result result = { .fence = 1 };
    struct task *task = make_task("task-1", "", TASK_OBJECT_MAILBOX);
    struct fake_plan plan = { PLAN(first_round), .on_fetch = on_fetch_cancel, .ctx = &task->cancel };
    fake_source_play(&plan);
    assert_int_equal(backup_task_run_with(task, &parts, &result, &err), -1);
    assert_int_equal(err.kind, ERROR_CANCELLED);
    assert_string_equal(err.text, "cancelled by the director");
    assert_string_equal(result.point.point_id, "");
    task_free(task);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_first_run_stores_everything, set_up),
        cmocka_unit_test_setup(an_incremental_run_touches_only_what_changed, set_up),
        cmocka_unit_test_setup(a_changed_tag_is_fetched_again, set_up),
        cmocka_unit_test_setup(a_listing_removes_what_it_does_not_name, set_up),
        cmocka_unit_test_setup(a_listing_of_everything_costs_no_content, set_up),
        cmocka_unit_test_setup(a_listing_that_starts_over_forgets_what_it_named_before, set_up),
        cmocka_unit_test_setup(a_listing_that_is_given_up_removes_nothing, set_up),
        cmocka_unit_test_setup(a_deleted_folder_takes_along_what_is_left_in_it, set_up),
        cmocka_unit_test_setup(a_failed_item_is_told_and_tried_again, set_up),
        cmocka_unit_test_setup(an_item_that_is_gone_leaves_no_record, set_up),
        cmocka_unit_test_setup(content_that_comes_again_from_its_start_is_stored_once, set_up),
        cmocka_unit_test_setup(a_run_that_breaks_commits_nothing_and_the_next_goes_on, set_up),
        cmocka_unit_test_setup(a_full_run_starts_afresh_when_the_previous_point_is_missing, set_up),
        cmocka_unit_test_setup(a_full_run_starts_afresh_when_the_previous_point_is_damaged, set_up),
        cmocka_unit_test_setup(a_full_run_builds_on_a_previous_point_that_is_well, set_up),
        cmocka_unit_test_setup(damaged_items_are_fetched_again_though_nothing_changed, set_up),
        cmocka_unit_test_setup(a_full_run_fetches_what_is_damaged, set_up),
        cmocka_unit_test_setup(a_task_that_has_committed_before_is_not_repeated, set_up),
        cmocka_unit_test_setup(a_cancelled_run_ends_and_says_why, set_up),
    };
    return cmocka_run_group_tests(tests, set_up_all, tear_down_all);
}
