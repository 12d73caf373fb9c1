#include "director/link/control_parse.h"
#include "common/base/arena.h"
#include "common/base/buffer.h"
#include "proto/control.pb-c.h"
#include "tests/unit/director/store_fixture.h"

static int
parse(struct arena *arena, Longhaul__V1__TransporterMessage *from, struct control_message *message, struct error *err)
{
    uint8_t bytes[65536];
    size_t len = longhaul__v1__transporter_message__get_packed_size(from);

    assert_true(len <= sizeof(bytes));
    longhaul__v1__transporter_message__pack(from, bytes);
    arena_reset(arena);
    return control_parse(bytes, len, arena, message, err);
}

static void
a_result_is_taken_over_and_bounded(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 20);
    struct control_message message;
    Longhaul__V1__TransporterMessage from = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    Longhaul__V1__TaskFinished finished = LONGHAUL__V1__TASK_FINISHED__INIT;
    Longhaul__V1__RecoveryPoint point = LONGHAUL__V1__RECOVERY_POINT__INIT;
    char task[] = "task-1", bad_point[] = "../etc", good_point[] = "point-1", kind[] = "no_space", text[2000];

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    text[3] = '\n';
    finished.task_id = task;
    finished.error_kind = kind;
    finished.error_text = text;
    from.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_FINISHED;
    from.finished = &finished;
    assert_ok(parse(arena, &from, &message, &err));
    assert_int_equal(message.kind, CONTROL_FINISHED);
    assert_int_equal(message.finished->error_kind, ERROR_NO_SPACE);
    assert_string_equal(message.finished->error_text, "xxx");
    finished.succeeded = true;
    finished.point = &point;
    point.point_id = bad_point;
    assert_ok(parse(arena, &from, &message, &err));
    assert_false(message.finished->succeeded);
    assert_false(message.finished->has_point);
    assert_int_equal(message.finished->error_kind, ERROR_FORMAT);
    point.point_id = good_point;
    assert_ok(parse(arena, &from, &message, &err));
    assert_true(message.finished->succeeded && message.finished->has_point);
    task[0] = '/';
    assert_fails(parse(arena, &from, &message, &err), ERROR_FORMAT);
}

static void
throttling_is_taken_over_and_bounded(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 20);
    struct control_message message;
    Longhaul__V1__TransporterMessage from = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    Longhaul__V1__TaskProgress progress = LONGHAUL__V1__TASK_PROGRESS__INIT;
    char task[] = "task-1";

    progress.task_id = task;
    progress.throttled_for_ms = 720000;
    progress.throttled_wait_ms = UINT64_MAX;
    from.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_PROGRESS;
    from.progress = &progress;
    assert_ok(parse(arena, &from, &message, &err));
    assert_int_equal(message.progress.told.throttled_for_ms, 720000);
    assert_in_range(message.progress.told.throttled_wait_ms, 1, UINT32_MAX);
}

static void
too_many_discovered_objects_are_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)8 << 20);
    struct control_message message;
    Longhaul__V1__TransporterMessage from = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    Longhaul__V1__Discovered discovered = LONGHAUL__V1__DISCOVERED__INIT;
    Longhaul__V1__ProtectedObject object = LONGHAUL__V1__PROTECTED_OBJECT__INIT, *list[DISCOVERED_MAX + 1];
    char task[] = "task-1", name[] = "user@contoso.example", id[] = "guid", long_name[STORE_TITLE_LEN + 1];

    object.kind = LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_DRIVE;
    object.name = name;
    object.external_id = id;
    for (size_t i = 0; i <= DISCOVERED_MAX; i++)
        list[i] = &object;
    discovered.task_id = task;
    discovered.objects = list;
    discovered.n_objects = DISCOVERED_MAX + 1;
    from.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_DISCOVERED;
    from.discovered = &discovered;
    assert_fails(parse(arena, &from, &message, &err), ERROR_LIMIT);
    discovered.n_objects = DISCOVERED_MAX;
    assert_ok(parse(arena, &from, &message, &err));
    assert_int_equal(message.discovered.count, DISCOVERED_MAX);
    assert_int_equal(message.discovered.objects[7].kind, STORE_OBJECT_DRIVE);
    assert_string_equal(message.discovered.objects[7].name, name);
    memset(long_name, 'x', sizeof(long_name));
    long_name[STORE_TITLE_LEN] = '\0';
    object.name = long_name;
    discovered.n_objects = 1;
    assert_ok(parse(arena, &from, &message, &err));
    assert_string_equal(message.discovered.objects[0].name, "");
}

static void
copied_points_that_are_none_are_left_out(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 20);
    struct control_message message;
    Longhaul__V1__TransporterMessage from = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    Longhaul__V1__TaskFinished finished = LONGHAUL__V1__TASK_FINISHED__INIT;
    Longhaul__V1__CopiedPoint good = LONGHAUL__V1__COPIED_POINT__INIT, bad = LONGHAUL__V1__COPIED_POINT__INIT;
    Longhaul__V1__CopiedPoint *copied[] = { &bad, &good };
    char task[] = "task-1", good_id[] = "point-1", bad_id[] = "../etc";

    good.point_id = good_id;
    good.stored_bytes = 77;
    bad.point_id = bad_id;
    finished.task_id = task;
    finished.copied = copied;
    finished.n_copied = 2;
    from.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_FINISHED;
    from.finished = &finished;
    assert_ok(parse(arena, &from, &message, &err));
    assert_int_equal(message.finished->copied_count, 1);
    assert_string_equal(message.finished->copied[0].id, "point-1");
    assert_int_equal(message.finished->copied[0].stored_bytes, 77);
}

static void
garbage_is_refused_and_news_ignored(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    CLEANUP(arena_free_p) struct arena *arena = arena_new((size_t)1 << 20);
    struct control_message message;

    assert_fails(control_parse((const uint8_t *)"\xff\xff\xff", 3, arena, &message, &err), ERROR_FORMAT);
    assert_ok(control_parse((const uint8_t *)"\x9a\x06\x01x", 4, arena, &message, &err));
    assert_int_equal(message.kind, CONTROL_UNKNOWN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_is_taken_over_and_bounded),
        cmocka_unit_test(throttling_is_taken_over_and_bounded),
        cmocka_unit_test(too_many_discovered_objects_are_refused),
        cmocka_unit_test(copied_points_that_are_none_are_left_out),
        cmocka_unit_test(garbage_is_refused_and_news_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
