#include "common/base/memory.h"
#include "director/inventory/scope.h"
#include "director/jobs/job_options.h"
#include "director/jobs/run_start_internal.h"
#include "director/jobs/vault_locks.h"
#include "director/store/store_points.h"

#include <stdio.h>
#include <string.h>

struct adding {
    struct store *store;
    const struct store_job *job;
    struct store_run *run;
    bool replica;
    char spec[STORE_TASK_SPEC_LEN];
};

/* The part of an id that tells it from others of its kind. */
static const char *
tail(const char *id)
{
    const char *dash = strchr(id, '-');
    return dash != NULL ? dash + 1 : id;
}

/* object NULL: of any object. A replica's points are of any fence, so its tasks own the whole vault, one at a time. */
static int
add_task(struct adding *a, const struct store_object *object, struct error *err)
{
    struct store_task task = { .kind = STORE_RUN_COPY };

    memcpy(task.run, a->run->id, sizeof(task.run));
    memcpy(task.tenant, a->run->tenant, sizeof(task.tenant));
    memcpy(task.vault, a->run->vault, sizeof(task.vault));
    if (object != NULL)
        memcpy(task.object, object->id, sizeof(task.object));
    if (a->replica) {
        snprintf(task.exclusive, sizeof(task.exclusive), "vault/%s", a->run->vault);
    } else if (object != NULL) {
        memcpy(task.scope, object->id, sizeof(task.scope));
        snprintf(task.exclusive, sizeof(task.exclusive), "copy/%.26s/%.26s", tail(a->run->vault), tail(object->id));
    }
    memcpy(task.selector, a->job->selector, sizeof(task.selector));
    memcpy(task.spec, a->spec, sizeof(task.spec));
    a->run->tasks++;
    return store_tasks_add(a->store, &task, err);
}

static int
on_object(void *ctx, const struct store_object *object, struct error *err)
{
    struct adding *a = ctx;
    struct store_point point;
    struct error missing = ERROR_INIT;

    if (store_points_latest(a->store, a->job->source, object->id, &point, &missing) == 0)
        return add_task(a, object, err);
    return missing.kind == ERROR_NOT_FOUND ? 0 : FAIL(err, missing.kind, missing.native, "%s", missing.text);
}

static int
add_run(struct adding *a, struct error *err)
{
    struct store *store = a->store;

    if (store_runs_add(store, a->run, err) != 0)
        return -1;
    int added = a->replica && a->job->all ? add_task(a, NULL, err) : scope_expand(store, a->job, on_object, a, err);
    if (added != 0)
        return -1;
    if (a->run->tasks == 0)
        return FAIL(err, ERROR_NOT_FOUND, 0, "job %s matches no object that has recovery points in its source",
                    a->job->name);
    return store_runs_update(store, a->run, err) != 0 ? -1 : run_start_note(store, a->run, err);
}

static int
check_vaults(struct adding *a, struct error *err)
{
    struct store_vault from, to;

    if (run_start_find_vault(a->store, a->job->source, &from, err) != 0 ||
        run_start_find_vault(a->store, a->job->vault, &to, err) != 0)
        return -1;
    a->replica = strcmp(store_vaults_stored_id(&from), store_vaults_stored_id(&to)) == 0;
    if (!a->replica && to.stored_as[0] != '\0')
        return FAIL(err, ERROR_CONFLICT, 0, "vault %s is a replica of another vault than %s", to.name, from.name);
    return 0;
}

int
run_start_copy(struct store *store, const struct store_job *job, const char *actor, char run_id[IDENTIFIER_LEN],
               struct error *err)
{
    struct job_options wanted;
    struct store_run run = { .kind = STORE_RUN_COPY };
    struct task_spec spec = { .kind = STORE_RUN_COPY };
    CLEANUP(memory_free_p) struct adding *a = MEMORY_NEW(struct adding);

    *a = (struct adding){ .store = store, .job = job, .run = &run };
    if (job_options_parse(job->options, &wanted, err) != 0 || check_vaults(a, err) != 0 ||
        vault_locks_check(store, job->vault, wanted.immutable_days, err) != 0 ||
        run_start_of_job(store, job, actor, &run, err) != 0)
        return -1;
    memcpy(spec.copy.source, job->source, sizeof(spec.copy.source));
    spec.copy.latest = wanted.latest;
    spec.copy.since_ms = wanted.since_ms;
    spec.copy.immutable_days = wanted.immutable_days;
    if (task_spec_encode(&spec, a->spec, err) != 0 || store_begin(store, err) != 0)
        return -1;
    if (add_run(a, err) != 0) {
        store_rollback(store);
        return -1;
    }
    if (store_commit(store, err) != 0)
        return -1;
    memcpy(run_id, run.id, IDENTIFIER_LEN);
    return 0;
}
