#include "transporter/link/order_parse.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "proto/control.pb-c.h"
#include "transporter/link/control_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char task_text[] = "task-1", vault_text[] = "vault-1", host_text[] = "transporter-1", address[] = "h:1",
            object_text[] = "object-1", name_text[] = "ada@contoso.example", point_text[] = "point-1",
            bad_text[] = "../x";

static int
parse(Longhaul__V1__DirectorMessage *m, struct control_order *order, struct error *err)
{
    size_t len = longhaul__v1__director_message__get_packed_size(m);
    uint8_t *data = malloc(len + 1);
    longhaul__v1__director_message__pack(m, data);
    int result = order_parse(data, len, order, err);
    free(data);
    return result;
}

/* A backup that is fine; a test breaks one thing. */
struct sample {
    Longhaul__V1__VaultAccess vault;
    Longhaul__V1__ProtectedObject object;
    Longhaul__V1__BackupTask backup;
    Longhaul__V1__StartTask start;
    Longhaul__V1__DirectorMessage outer;
};

static void
sample_init(struct sample *s)
{
    longhaul__v1__vault_access__init(&s->vault);
    s->vault.vault_id = vault_text;
    s->vault.repository_id = vault_text;
    s->vault.host_node_id = host_text;
    s->vault.host_address = address;
    s->vault.grant.data = (uint8_t *)task_text;
    s->vault.grant.len = 6;
    longhaul__v1__protected_object__init(&s->object);
    s->object.object_id = object_text;
    s->object.kind = LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_DRIVE;
    s->object.external_id = name_text;
    s->object.name = name_text;
    longhaul__v1__backup_task__init(&s->backup);
    s->backup.object = &s->object;
    s->backup.previous_point = point_text;
    longhaul__v1__start_task__init(&s->start);
    s->start.task_id = task_text;
    s->start.fence = 9;
    s->start.vault = &s->vault;
    s->start.work_case = LONGHAUL__V1__START_TASK__WORK_BACKUP;
    s->start.backup = &s->backup;
    longhaul__v1__director_message__init(&s->outer);
    s->outer.kind_case = LONGHAUL__V1__DIRECTOR_MESSAGE__KIND_START_TASK;
    s->outer.start_task = &s->start;
}

static void
a_backup_order_becomes_plain(void **state)
{
    (void)state;
    struct sample s;
    struct error err = ERROR_INIT;
    struct control_order order;
    sample_init(&s);
    assert_int_equal(parse(&s.outer, &order, &err), 0);
    assert_int_equal(order.kind, CONTROL_START_TASK);
    assert_int_equal(order.start_task->kind, TASK_BACKUP);
    assert_int_equal(order.start_task->fence, 9);
    assert_string_equal(order.start_task->object.name, name_text);
    assert_int_equal(order.start_task->object.kind, TASK_OBJECT_DRIVE);
    assert_string_equal(order.start_task->point_id, "point-1");
    assert_int_equal(order.start_task->vault.grant_len, 6);
    order_parse_clear(&order);
}

static void
a_broken_order_still_tells_which_task_it_was(void **state)
{
    (void)state;
    struct sample s;
    struct error err = ERROR_INIT;
    struct control_order order;
    sample_init(&s);
    s.backup.previous_point = bad_text;
    assert_int_equal(parse(&s.outer, &order, &err), -1);
    assert_int_equal(err.kind, ERROR_FORMAT);
    assert_string_equal(order.start_task->task_id, "task-1");
    order_parse_clear(&order);
    sample_init(&s);
    s.start.task_id = bad_text;
    assert_int_equal(parse(&s.outer, &order, &err), -1);
    assert_string_equal(order.start_task->task_id, "");
    order_parse_clear(&order);
}

static void
a_copy_order_carries_two_vaults(void **state)
{
    (void)state;
    struct sample s;
    struct error err = ERROR_INIT;
    struct control_order order;
    Longhaul__V1__VaultAccess source;
    Longhaul__V1__SealedSecret password;
    Longhaul__V1__CopyTask copy;
    char *points[] = { point_text, vault_text };
    sample_init(&s);
    source = s.vault;
    source.vault_id = object_text;
    longhaul__v1__sealed_secret__init(&password);
    longhaul__v1__copy_task__init(&copy);
    password.secret_id = task_text;
    copy.source = &source;
    copy.source_password = &password;
    copy.points = points;
    copy.n_points = 2;
    s.start.work_case = LONGHAUL__V1__START_TASK__WORK_COPY;
    s.start.copy = &copy;
    assert_int_equal(parse(&s.outer, &order, &err), 0);
    assert_int_equal(order.start_task->kind, TASK_COPY);
    assert_string_equal(order.start_task->vault.vault_id, "vault-1");
    assert_string_equal(order.start_task->source.vault_id, "object-1");
    assert_string_equal(order.start_task->source_password.secret_id, "task-1");
    assert_string_equal(order.start_task->object.object_id, "");
    assert_int_equal(order.start_task->point_count, 2);
    assert_string_equal(order.start_task->points[0], "point-1");
    order_parse_clear(&order);
    copy.source = NULL;
    assert_int_equal(parse(&s.outer, &order, &err), -1);
    order_parse_clear(&order);
    copy.source = &source;
    copy.source_password = NULL;
    assert_int_equal(parse(&s.outer, &order, &err), -1);
    order_parse_clear(&order);
    copy.source_password = &password;
    points[1] = bad_text;
    assert_int_equal(parse(&s.outer, &order, &err), -1);
    order_parse_clear(&order);
}

static void
a_heal_order_may_carry_a_copy(void **state)
{
    (void)state;
    struct sample s;
    struct error err = ERROR_INIT;
    struct control_order order;
    Longhaul__V1__VaultAccess source;
    Longhaul__V1__SealedSecret password;
    Longhaul__V1__HealTask heal;
    sample_init(&s);
    source = s.vault;
    longhaul__v1__sealed_secret__init(&password);
    longhaul__v1__heal_task__init(&heal);
    password.secret_id = task_text;
    s.start.work_case = LONGHAUL__V1__START_TASK__WORK_HEAL;
    s.start.heal = &heal;
    assert_int_equal(parse(&s.outer, &order, &err), 0);
    assert_int_equal(order.start_task->kind, TASK_HEAL);
    assert_string_equal(order.start_task->source.vault_id, "");
    order_parse_clear(&order);
    heal.source = &source;
    assert_int_equal(parse(&s.outer, &order, &err), -1);
    order_parse_clear(&order);
    heal.source_password = &password;
    error_clear(&err);
    assert_int_equal(parse(&s.outer, &order, &err), 0);
    assert_string_equal(order.start_task->source.vault_id, "vault-1");
    assert_string_equal(order.start_task->source_password.secret_id, "task-1");
    order_parse_clear(&order);
}

static void
a_copy_says_what_it_has_brought(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct task_result result = { .task_id = "task-1", .fence = 3 };
    char id[IDENTIFIER_LEN];
    for (int i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "point-%d", i);
        task_result_add_copied(&result, id, (uint64_t)i);
    }
    CLEANUP(buffer_clear) struct buffer out = BUFFER_INIT(65536);
    assert_int_equal(control_build_finished(&result, &out, &err), 0);
    task_result_clear(&result);
    Longhaul__V1__TransporterMessage *m = longhaul__v1__transporter_message__unpack(NULL, out.len, out.data);
    assert_non_null(m);
    assert_int_equal(m->finished->n_copied, 100);
    assert_string_equal(m->finished->copied[99]->point_id, "point-99");
    assert_int_equal(m->finished->copied[99]->stored_bytes, 99);
    longhaul__v1__transporter_message__free_unpacked(m, NULL);
}

static void
what_a_newer_director_says_is_ignored(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct control_order order;
    const uint8_t unknown[] = { 0xFA, 0x06, 0x01, 0x00 }; /* field 111 */
    assert_int_equal(order_parse(unknown, sizeof(unknown), &order, &err), 0);
    assert_int_equal(order.kind, CONTROL_UNKNOWN);
    order_parse_clear(&order);
    assert_int_equal(order_parse((const uint8_t *)"\xff\xff\xff", 3, &order, &err), -1);
    order_parse_clear(&order);
}

static void
a_result_is_said_whole(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct task_result result = { .task_id = "task-1", .fence = 3, .items_failed = 2 };
    task_result_add_gap(&result, "malware", 5);
    FAIL(&result.error, ERROR_NO_SPACE, 0, "full");
    CLEANUP(buffer_clear) struct buffer out = BUFFER_INIT(65536);
    assert_int_equal(control_build_finished(&result, &out, &err), 0);
    Longhaul__V1__TransporterMessage *m = longhaul__v1__transporter_message__unpack(NULL, out.len, out.data);
    assert_non_null(m);
    assert_int_equal(m->finished->fence, 3);
    assert_false(m->finished->succeeded);
    assert_string_equal(m->finished->error_kind, "no_space");
    assert_string_equal(m->finished->error_text, "full");
    assert_int_equal(m->finished->items_failed, 2);
    assert_int_equal(m->finished->n_gaps, 1);
    assert_null(m->finished->point);
    longhaul__v1__transporter_message__free_unpacked(m, NULL);
}

static void
too_many_reasons_are_counted_together(void **state)
{
    (void)state;
    struct task_result result = { .fence = 1 };
    char reason[16];
    for (int i = 0; i < 200; i++) {
        snprintf(reason, sizeof(reason), "reason-%d", i);
        task_result_add_gap(&result, reason, 1);
    }
    assert_int_equal(result.gap_count, TASK_GAPS_MAX);
    assert_string_equal(result.gaps[TASK_GAPS_MAX - 1].reason, "other");
    assert_int_equal(result.gaps[TASK_GAPS_MAX - 1].count, 200 - (TASK_GAPS_MAX - 1));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backup_order_becomes_plain),
        cmocka_unit_test(a_broken_order_still_tells_which_task_it_was),
        cmocka_unit_test(a_copy_order_carries_two_vaults),
        cmocka_unit_test(a_heal_order_may_carry_a_copy),
        cmocka_unit_test(a_copy_says_what_it_has_brought),
        cmocka_unit_test(what_a_newer_director_says_is_ignored),
        cmocka_unit_test(a_result_is_said_whole),
        cmocka_unit_test(too_many_reasons_are_counted_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
