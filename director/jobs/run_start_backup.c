#include "common/base/memory.h"
#include "director/inventory/scope.h"
#include "director/jobs/job_options.h"
#include "director/jobs/run_start_internal.h"
#include "director/jobs/vault_locks.h"

#include <stdio.h>
#include <string.h>

struct adding {
    struct store *store;
    const struct store_job *job;
    struct store_run *run;
    char spec[STORE_TASK_SPEC_LEN];
};

static int
add_task(void *ctx, const struct store_object *object, struct error *err)
{
    struct adding *a = ctx;
    struct store_task task = { .kind = STORE_RUN_BACKUP };

    memcpy(task.run, a->run->id, sizeof(task.run));
    memcpy(task.tenant, a->run->tenant, sizeof(task.tenant));
    memcpy(task.vault, a->run->vault, sizeof(task.vault));
    memcpy(task.object, object->id, sizeof(task.object));
    memcpy(task.scope, object->id, sizeof(task.scope));
    snprintf(task.exclusive, sizeof(task.exclusive), "object/%s", object->id);
    memcpy(task.selector, a->job->selector, sizeof(task.selector));
    memcpy(task.spec, a->spec, sizeof(task.spec));
    a->run->tasks++;
    return store_tasks_add(a->store, &task, err);
}

static int
on_unfinished(void *ctx, const struct store_run *run, struct error *err)
{
    const struct store_job *job = ctx;
    return FAIL(err, ERROR_CONFLICT, 0, "job %s is running already: run %s", job->name, run->id);
}

static int
add_run(struct store *store, struct adding *a, struct error *err)
{
    if (store_runs_add(store, a->run, err) != 0 || scope_expand(store, a->job, add_task, a, err) != 0)
        return -1;
    if (a->run->tasks == 0)
        return FAIL(err, ERROR_NOT_FOUND, 0,
                    "job %s matches no object: discover the tenant first, or change the job's scope", a->job->name);
    if (store_runs_update(store, a->run, err) != 0)
        return -1;
    return run_start_note(store, a->run, err);
}

int
run_start_of_job(struct store *store, const struct store_job *job, const char *actor, struct store_run *run,
                 struct error *err)
{
    struct store_run_filter filter = { .job = job->id, .unfinished = true };

    if (!job->enabled)
        return FAIL(err, ERROR_CONFLICT, 0, "job %s is disabled", job->name);
    if (store_runs_list(store, &filter, (struct store_page){ NULL, 1 }, on_unfinished, (void *)(uintptr_t)job, err) !=
        0)
        return -1;
    memcpy(run->job, job->id, sizeof(run->job));
    memcpy(run->tenant, job->tenant, sizeof(run->tenant));
    memcpy(run->vault, job->vault, sizeof(run->vault));
    snprintf(run->actor, sizeof(run->actor), "%s", actor);
    return 0;
}

int
run_start_refuse_replica(const struct store_vault *vault, struct error *err)
{
    if (vault->stored_as[0] == '\0')
        return 0;
    return FAIL(
        err, ERROR_CONFLICT, 0,
        "vault %s is a replica: only copies write into it. Back up into the vault that it is a replica of; if that "
        "is lost, copy the replica into a new vault (job create --from %s) and back up into that",
        vault->name, vault->name);
}

int
run_start_backup(struct store *store, const char *job_id, const struct director_run_options *options, const char *actor,
                 char run_id[IDENTIFIER_LEN], struct error *err)
{
    struct store_job job;
    struct store_vault vault;
    struct job_options wanted;
    struct store_run run = { .kind = STORE_RUN_BACKUP };
    struct task_spec spec = { .kind = STORE_RUN_BACKUP };
    struct adding a = { .store = store, .job = &job, .run = &run };

    if (store_jobs_find(store, job_id, &job, err) != 0)
        return -1;
    if (job.source[0] != '\0')
        return run_start_copy(store, &job, actor, run_id, err);
    if (job_options_parse(job.options, &wanted, err) != 0 || run_start_find_vault(store, job.vault, &vault, err) != 0 ||
        run_start_refuse_replica(&vault, err) != 0 ||
        vault_locks_check(store, job.vault, wanted.immutable_days, err) != 0 ||
        run_start_of_job(store, &job, actor, &run, err) != 0)
        return -1;
    spec.backup.force_full = wanted.force_full || (options != NULL && options->force_full);
    spec.backup.bytes_per_second = wanted.bytes_per_second;
    spec.backup.immutable_days = wanted.immutable_days;
    if (task_spec_encode(&spec, a.spec, err) != 0)
        return -1;
    if (store_begin(store, err) != 0)
        return -1;
    if (add_run(store, &a, err) != 0) {
        store_rollback(store);
        return -1;
    }
    if (store_commit(store, err) != 0)
        return -1;
    memcpy(run_id, run.id, IDENTIFIER_LEN);
    return 0;
}
