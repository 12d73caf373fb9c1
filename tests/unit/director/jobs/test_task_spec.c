#include "director/jobs/task_spec.h"
#include "tests/unit/director/store_fixture.h"

static void
particulars_come_back(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char json[STORE_TASK_SPEC_LEN];
    struct task_spec spec = { .kind = STORE_RUN_BACKUP }, back = { .kind = STORE_RUN_BACKUP };

    spec.backup.force_full = true;
    spec.backup.bytes_per_second = 12345;
    spec.backup.immutable_days = 30;
    assert_ok(task_spec_encode(&spec, json, &err));
    assert_ok(task_spec_decode(json, &back, &err));
    assert_true(back.backup.force_full);
    assert_int_equal(back.backup.bytes_per_second, 12345);
    assert_int_equal(task_spec_lock_days(&back), 30);
    assert_ok(task_spec_decode("{\"force_full\":true,\"bytes_per_second\":1}", &back, &err));
    assert_int_equal(task_spec_lock_days(&back), 0);

    spec = (struct task_spec){ .kind = STORE_RUN_RESTORE };
    spec.restore.conflict = DIRECTOR_CONFLICT_OVERWRITE;
    spec.restore.to_folder = true;
    snprintf(spec.restore.point, sizeof(spec.restore.point), "point-1");
    snprintf(spec.restore.path, sizeof(spec.restore.path), "Wiederherstellung \"\xc3\xa4\"");
    assert_ok(task_spec_encode(&spec, json, &err));
    back = (struct task_spec){ .kind = STORE_RUN_RESTORE };
    assert_ok(task_spec_decode(json, &back, &err));
    assert_string_equal(back.restore.path, spec.restore.path);
    assert_string_equal(back.restore.point, "point-1");
    assert_int_equal(back.restore.conflict, DIRECTOR_CONFLICT_OVERWRITE);
    assert_string_equal(task_spec_source(&back), "");

    spec = (struct task_spec){ .kind = STORE_RUN_HEAL };
    snprintf(spec.heal.source, sizeof(spec.heal.source), "vault-2");
    assert_ok(task_spec_encode(&spec, json, &err));
    back = (struct task_spec){ .kind = STORE_RUN_HEAL };
    assert_ok(task_spec_decode(json, &back, &err));
    assert_string_equal(task_spec_source(&back), "vault-2");
    assert_fails(task_spec_decode("{\"source\":\"no id\"}", &back, &err), ERROR_FORMAT);
}

static void
a_verification_of_many_points_fits(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char json[STORE_TASK_SPEC_LEN];
    struct task_spec spec = { .kind = STORE_RUN_VERIFY }, back = { .kind = STORE_RUN_VERIFY };

    spec.verify.point_count = TASK_SPEC_POINTS_MAX;
    for (size_t i = 0; i < TASK_SPEC_POINTS_MAX; i++)
        memset(spec.verify.points[i], 'p', IDENTIFIER_LEN - 1);
    assert_ok(task_spec_encode(&spec, json, &err));
    assert_ok(task_spec_decode(json, &back, &err));
    assert_memory_equal(&spec.verify, &back.verify, sizeof(spec.verify));
}

static void
what_is_not_ours_is_refused(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    static const char *const broken[] = { "", "[]", "{", "{}", "{\"force_full\":true,\"bytes_per_second\":-1}" };

    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct task_spec spec = { .kind = STORE_RUN_BACKUP };
        assert_fails(task_spec_decode(broken[i], &spec, &err), ERROR_FORMAT);
    }
    struct task_spec restore = { .kind = STORE_RUN_RESTORE };
    assert_fails(task_spec_decode("{\"point\":\"p\",\"to_folder\":true,\"path\":\"\",\"target_object\":\"\","
                                  "\"conflict\":\"explode\"}",
                                  &restore, &err),
                 ERROR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(particulars_come_back),
        cmocka_unit_test(a_verification_of_many_points_fits),
        cmocka_unit_test(what_is_not_ours_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
