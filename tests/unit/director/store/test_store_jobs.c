#include "director/store/store_jobs.h"
#include "director/store/store_runs.h"
#include "tests/unit/director/store_fixture.h"

STORE_FIXTURE_COUNT(count_rules, store_job_rule);

static struct store_job
job_of(struct store_fixture *f, const char *name)
{
    struct store_job job = { .enabled = true, .options = "{}" };

    snprintf(job.name, sizeof(job.name), "%s", name);
    memcpy(job.tenant, f->tenant.id, sizeof(job.tenant));
    memcpy(job.vault, f->vault.id, sizeof(job.vault));
    return job;
}

static void
a_job_keeps_its_rules(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_job job = job_of(f, "nightly"), at;
    struct store_job_rule rules[2] = { { STORE_OBJECT_MAILBOX, "user*" }, { STORE_OBJECT_DRIVE, "*" } };
    unsigned count = 0;

    assert_ok(store_jobs_add(f->store, &job, rules, 2, &err));
    assert_ok(store_jobs_list_rules(f->store, job.id, count_rules, &count, &err));
    assert_int_equal(count, 2);
    job.all = true;
    snprintf(job.selector, sizeof(job.selector), "site=berlin");
    assert_ok(store_jobs_update(f->store, &job, NULL, 0, &err));
    count = 0;
    assert_ok(store_jobs_list_rules(f->store, job.id, count_rules, &count, &err));
    assert_int_equal(count, 0);
    assert_ok(store_jobs_find(f->store, "nightly", &at, &err));
    assert_true(at.all);
    assert_string_equal(at.selector, "site=berlin");
}

static void
a_job_that_makes_no_sense_is_refused(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_job job = job_of(f, "nightly");
    struct store_job_rule empty = { 0 };

    assert_fails(store_jobs_add(f->store, &job, NULL, 0, &err), ERROR_USAGE);
    assert_fails(store_jobs_add(f->store, &job, &empty, 1, &err), ERROR_USAGE);
    job.all = true;
    snprintf(job.selector, sizeof(job.selector), "berlin");
    assert_fails(store_jobs_add(f->store, &job, NULL, 0, &err), ERROR_USAGE);
    job = job_of(f, "nightly");
    job.all = true;
    snprintf(job.vault, sizeof(job.vault), "vault-x");
    assert_fails(store_jobs_add(f->store, &job, NULL, 0, &err), ERROR_NOT_FOUND);
}

static void
a_job_with_a_run_that_is_not_over_stays(void **state)
{
    struct store_fixture *f = *state;
    struct error err = ERROR_INIT;
    struct store_job job = job_of(f, "nightly");
    struct store_run run = { .kind = STORE_RUN_BACKUP }, at;

    job.all = true;
    assert_ok(store_jobs_add(f->store, &job, NULL, 0, &err));
    memcpy(run.job, job.id, sizeof(run.job));
    memcpy(run.tenant, f->tenant.id, sizeof(run.tenant));
    assert_ok(store_runs_add(f->store, &run, &err));
    assert_fails(store_jobs_delete(f->store, job.id, &err), ERROR_CONFLICT);
    run.state = STORE_RUN_SUCCEEDED;
    assert_ok(store_runs_update(f->store, &run, &err));
    assert_ok(store_jobs_delete(f->store, job.id, &err));
    assert_ok(store_runs_find(f->store, run.id, &at, &err));
    assert_string_equal(at.job, "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define WITH_WORLD(name) cmocka_unit_test_setup_teardown(name, store_fixture_setup_populated, store_fixture_teardown)
        WITH_WORLD(a_job_keeps_its_rules),
        WITH_WORLD(a_job_that_makes_no_sense_is_refused),
        WITH_WORLD(a_job_with_a_run_that_is_not_over_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
