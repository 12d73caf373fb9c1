#include "director/jobs/run_start.h"
#include "director/jobs/task_spec.h"
#include "director/store/store_jobs.h"
#include "director/store/store_points.h"
#include "tests/unit/director/store_fixture.h"

STORE_FIXTURE_COUNT(count_runs, store_run);

static struct store_job
add_job(struct store_fixture *f)
{
    struct error err = ERROR_INIT;
    struct store_job job = { .name = "nightly", .enabled = true, .all = true, .options = "{\"bytes_per_second\":7}" };

    memcpy(job.tenant, f->tenant.id, sizeof(job.tenant));
    memcpy(job.vault, f->vault.id, sizeof(job.vault));
    assert_ok(store_jobs_add(f->store, &job, NULL, 0, &err));
    return job;
}

static int
keep_last(void *ctx, const struct store_task *task, struct error *err)
{
    (void)err;
    *(struct store_task *)ctx = *task;
    return 0;
}

static struct store_task
only_task(struct store_fixture *f, const char *run)
{
    struct error err = ERROR_INIT;
    struct store_task task = { 0 };

    assert_ok(store_tasks_list(f->store, run, (struct store_page){ 0 }, keep_last, &task, &err));
    return task;
}

static void
a_job_becomes_one_task_an_object(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_job job = add_job(f);
    struct store_run run;
    char id[IDENTIFIER_LEN];

    assert_ok(run_start_backup(f->store, "nightly", NULL, "tester", id, &err));
    assert_ok(store_runs_find(f->store, id, &run, &err));
    assert_int_equal(run.tasks, 2);
    assert_string_equal(run.job, job.id);
    assert_string_equal(run.actor, "tester");
    struct store_task task = only_task(f, id);
    struct task_spec spec = { .kind = STORE_RUN_BACKUP };
    assert_string_equal(task.scope, task.object);
    assert_ok(task_spec_decode(task.spec, &spec, &err));
    assert_int_equal(spec.backup.bytes_per_second, 7);
    assert_fails(run_start_backup(f->store, "nightly", NULL, "tester", id, &err), ERROR_CONFLICT);
}

static void
a_copy_job_becomes_a_task_for_each_object_with_points(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_vault other = f->vault;
    struct store_point point = { .id = "point-1", .created_ms = 5 };
    struct store_job job = { .name = "away", .enabled = true, .all = true, .options = "{\"points\":\"latest\"}" };
    struct task_spec spec = { .kind = STORE_RUN_COPY };
    struct store_run run;
    char id[IDENTIFIER_LEN];

    other.id[0] = '\0';
    snprintf(other.name, sizeof(other.name), "other");
    assert_ok(store_vaults_add(f->store, &other, &err));
    assert_ok(store_vaults_set_state(f->store, other.id, STORE_VAULT_READY, &err));
    memcpy(job.tenant, f->tenant.id, sizeof(job.tenant));
    memcpy(job.vault, other.id, sizeof(job.vault));
    memcpy(job.source, f->vault.id, sizeof(job.source));
    assert_ok(store_jobs_add(f->store, &job, NULL, 0, &err));
    assert_fails(run_start_backup(f->store, "away", NULL, "tester", id, &err), ERROR_NOT_FOUND);
    memcpy(point.tenant, f->tenant.id, sizeof(point.tenant));
    memcpy(point.vault, f->vault.id, sizeof(point.vault));
    memcpy(point.object, f->mailbox[1].id, sizeof(point.object));
    assert_ok(store_points_add(f->store, &point, &err));
    assert_ok(run_start_backup(f->store, "away", NULL, "tester", id, &err));
    assert_ok(store_runs_find(f->store, id, &run, &err));
    assert_int_equal(run.tasks, 1);
    assert_int_equal(run.kind, STORE_RUN_COPY);
    assert_string_equal(run.vault, other.id);
    struct store_task task = only_task(f, id);
    assert_string_equal(task.object, f->mailbox[1].id);
    assert_string_equal(task.scope, task.object);
    assert_ok(task_spec_decode(task.spec, &spec, &err));
    assert_string_equal(spec.copy.source, f->vault.id);
    assert_true(spec.copy.latest);
    assert_fails(run_start_backup(f->store, "away", NULL, "tester", id, &err), ERROR_CONFLICT);
}

static void
a_job_that_cannot_run_leaves_nothing_behind(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_job job = add_job(f);
    struct store_job_rule nobody = { STORE_OBJECT_ANY, "nobody" };
    struct store_run_filter open = { .unfinished = true };
    char id[IDENTIFIER_LEN];

    job.all = false;
    assert_ok(store_jobs_update(f->store, &job, &nobody, 1, &err));
    assert_fails(run_start_backup(f->store, job.id, NULL, "tester", id, &err), ERROR_NOT_FOUND);
    job.enabled = false;
    assert_ok(store_jobs_update(f->store, &job, &nobody, 1, &err));
    assert_fails(run_start_backup(f->store, job.id, NULL, "tester", id, &err), ERROR_CONFLICT);
    assert_ok(store_vaults_set_state(f->store, f->vault.id, STORE_VAULT_CREATING, &err));
    assert_fails(run_start_backup(f->store, job.id, NULL, "tester", id, &err), ERROR_CONFLICT);
    assert_fails(run_start_backup(f->store, "none", NULL, "tester", id, &err), ERROR_NOT_FOUND);
    unsigned count = 0;
    assert_ok(store_runs_list(f->store, &open, (struct store_page){ 0 }, count_runs, &count, &err));
    assert_int_equal(count, 0);
}

static void
a_vault_is_made_once_but_a_failed_one_again(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_vault vault = { .name = "second" }, again;
    char id[IDENTIFIER_LEN];

    memcpy(vault.tenant, f->tenant.id, sizeof(vault.tenant));
    memcpy(vault.repository, f->repository.id, sizeof(vault.repository));
    memcpy(vault.password_secret, f->password.id, sizeof(vault.password_secret));
    assert_fails(run_start_create_vault(f->store, &vault, "tester", id, &err), ERROR_CONFLICT);
    store_fixture_seal(f, &f->password, f->host.id);
    again = vault;
    assert_ok(run_start_create_vault(f->store, &vault, "tester", id, &err));
    struct store_task task = only_task(f, id);
    assert_string_equal(task.scope, "");
    assert_string_equal(task.vault, vault.id);
    assert_fails(run_start_create_vault(f->store, &again, "tester", id, &err), ERROR_EXISTS);
    assert_ok(store_vaults_set_state(f->store, vault.id, STORE_VAULT_FAILED, &err));
    assert_ok(run_start_create_vault(f->store, &again, "tester", id, &err));
    assert_string_equal(again.id, vault.id);
    memcpy(again.password_secret, f->microsoft.id, sizeof(again.password_secret));
    snprintf(again.name, sizeof(again.name), "third");
    assert_fails(run_start_create_vault(f->store, &again, "tester", id, &err), ERROR_USAGE);
}

static void
discovery_runs_once_at_a_time(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    char id[IDENTIFIER_LEN];

    assert_ok(run_start_discover(f->store, "contoso", "tester", id, &err));
    assert_fails(run_start_discover(f->store, "contoso", "tester", id, &err), ERROR_CONFLICT);
    assert_ok(store_tenants_add(f->store, &(struct store_tenant){ .name = "bare" }, &err));
    assert_fails(run_start_discover(f->store, "bare", "tester", id, &err), ERROR_CONFLICT);
}

static void
add_point(struct store_fixture *f)
{
    struct error err = ERROR_INIT;
    struct store_point point = { .id = "point-1" };

    memcpy(point.tenant, f->tenant.id, sizeof(point.tenant));
    memcpy(point.vault, f->vault.id, sizeof(point.vault));
    memcpy(point.object, f->mailbox[0].id, sizeof(point.object));
    assert_ok(store_points_add(f->store, &point, &err));
}

static void
a_restore_stays_within_its_tenant(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_secret selection;
    struct store_tenant other = { .name = "fabrikam" };
    struct store_object theirs = { .kind = STORE_OBJECT_MAILBOX, .name = "x@fabrikam.example", .external_id = "x" };
    char id[IDENTIFIER_LEN];

    add_point(f);
    store_fixture_secret(f, &selection, STORE_SECRET_SELECTION);
    assert_ok(store_tenants_add(f->store, &other, &err));
    memcpy(theirs.tenant, other.id, sizeof(theirs.tenant));
    assert_ok(store_objects_put(f->store, &theirs, &err));
    struct director_restore restore = { .point_id = "point-1",
                                        .selection_secret = selection.id,
                                        .target_object = theirs.id };
    assert_fails(run_start_restore(f->store, &restore, "tester", id, &err), ERROR_DENIED);
    restore.target_object = f->mailbox[1].id;
    assert_fails(run_start_restore(f->store, &restore, "tester", id, &err), ERROR_CONFLICT);
    store_fixture_seal(f, &f->password, f->host.id);
    assert_fails(run_start_restore(f->store, &restore, "tester", id, &err), ERROR_CONFLICT);
    store_fixture_seal(f, &f->microsoft, f->host.id);
    assert_ok(run_start_restore(f->store, &restore, "tester", id, &err));
    struct store_task task = only_task(f, id);
    assert_string_equal(task.scope, task.id);
    assert_string_equal(task.selection_secret, selection.id);
    restore.folder_path = "out";
    assert_fails(run_start_restore(f->store, &restore, "tester", id, &err), ERROR_USAGE);
    restore.transporter = "host";
    assert_ok(run_start_restore(f->store, &restore, "tester", id, &err));
    assert_string_equal(only_task(f, id).pinned, f->host.id);
    restore.selection_secret = f->password.id;
    assert_fails(run_start_restore(f->store, &restore, "tester", id, &err), ERROR_USAGE);
}

static void
a_restore_where_the_secrets_are_not_is_refused_at_once(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_secret selection;
    struct store_transporter second;
    char id[IDENTIFIER_LEN];

    add_point(f);
    store_fixture_secret(f, &selection, STORE_SECRET_SELECTION);
    store_fixture_transporter(f, &second, "second");
    struct director_restore restore = {
        .point_id = "point-1", .selection_secret = selection.id, .folder_path = "out", .transporter = "second"
    };
    assert_int_equal(run_start_restore(f->store, &restore, "tester", id, &err), -1);
    assert_non_null(strstr(err.text, "transporter second does not hold the vault's password (nobody does)"));
    error_clear(&err);
    store_fixture_seal(f, &f->password, f->host.id);
    assert_int_equal(run_start_restore(f->store, &restore, "tester", id, &err), -1);
    assert_non_null(strstr(err.text, "(held by host)"));
    assert_non_null(strstr(err.text, "longhaul vault seal contoso-vault --transporter second"));
    error_clear(&err);
    restore.transporter = "host";
    assert_ok(run_start_restore(f->store, &restore, "tester", id, &err));
    restore.folder_path = NULL;
    assert_int_equal(run_start_restore(f->store, &restore, "tester", id, &err), -1);
    assert_non_null(strstr(err.text, "and the tenant's credentials"));
}

static void
a_heal_needs_somebody_with_both_passwords(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_vault copy = f->vault;
    struct store_secret other;
    struct task_spec spec = { .kind = STORE_RUN_HEAL };
    char id[IDENTIFIER_LEN];

    store_fixture_secret(f, &other, STORE_SECRET_VAULT_PASSWORD);
    store_fixture_seal(f, &f->password, f->host.id);
    copy.id[0] = '\0';
    snprintf(copy.name, sizeof(copy.name), "away");
    memcpy(copy.password_secret, other.id, sizeof(copy.password_secret));
    assert_ok(store_vaults_add(f->store, &copy, &err));
    assert_fails(run_start_heal(f->store, f->vault.id, copy.id, "tester", id, &err), ERROR_CONFLICT);
    assert_ok(store_vaults_set_state(f->store, copy.id, STORE_VAULT_READY, &err));
    assert_int_equal(run_start_heal(f->store, f->vault.id, copy.id, "tester", id, &err), -1);
    assert_non_null(strstr(err.text, "longhaul vault seal away --transporter NAME"));
    error_clear(&err);
    assert_fails(run_start_heal(f->store, f->vault.id, f->vault.id, "tester", id, &err), ERROR_USAGE);
    store_fixture_seal(f, &other, f->host.id);
    assert_ok(run_start_heal(f->store, f->vault.id, copy.id, "tester", id, &err));
    struct store_task task = only_task(f, id);
    assert_int_equal(task.kind, STORE_RUN_HEAL);
    assert_string_equal(task.scope, "");
    assert_ok(task_spec_decode(task.spec, &spec, &err));
    assert_string_equal(task_spec_source(&spec), copy.id);
    assert_fails(run_start_heal(f->store, f->vault.id, NULL, "tester", id, &err), ERROR_CONFLICT);
    assert_ok(run_start_heal(f->store, copy.id, NULL, "tester", id, &err));
}

static void
a_verification_is_of_points_in_the_vault(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    const char *points[] = { "point-1" };
    struct director_verify verify = { .vault_id = f->vault.id, .points = points, .point_count = 1, .data = true };
    char id[IDENTIFIER_LEN];

    assert_fails(run_start_verify(f->store, &verify, "tester", id, &err), ERROR_NOT_FOUND);
    add_point(f);
    assert_ok(run_start_verify(f->store, &verify, "tester", id, &err));
    assert_non_null(strstr(only_task(f, id).spec, "point-1"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup_populated, store_fixture_teardown)
        WITH_WORLD(a_copy_job_becomes_a_task_for_each_object_with_points),
        WITH_WORLD(a_job_becomes_one_task_an_object),
        WITH_WORLD(a_job_that_cannot_run_leaves_nothing_behind),
        WITH_WORLD(a_vault_is_made_once_but_a_failed_one_again),
        WITH_WORLD(discovery_runs_once_at_a_time),
        WITH_WORLD(a_restore_stays_within_its_tenant),
        WITH_WORLD(a_restore_where_the_secrets_are_not_is_refused_at_once),
        WITH_WORLD(a_heal_needs_somebody_with_both_passwords),
        WITH_WORLD(a_verification_is_of_points_in_the_vault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
