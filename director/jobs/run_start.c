#include "director/jobs/run_start.h"

#include "director/jobs/run_start_internal.h"
#include "director/store/store_events.h"
#include "director/store/store_points.h"
#include "director/store/store_secrets.h"
#include "director/store/store_tenants.h"
#include "director/store/store_transporters.h"

#include <stdio.h>
#include <string.h>

int
run_start_note(struct store *store, const struct store_run *run, struct error *err)
{
    return store_events_add(store, run->tenant, run->actor, "run.queued", run->id, err, "%s, tasks=%u",
                            store_run_kind_name(run->kind), run->tasks);
}

struct second {
    enum store_run_kind kind;
};

static int
on_unfinished(void *ctx, const struct store_run *run, struct error *err)
{
    const struct second *asked = ctx;

    if (run->kind != asked->kind)
        return 0;
    return FAIL(err, ERROR_CONFLICT, 0, "%s is under way already: run %s", store_run_kind_name(run->kind), run->id);
}

int
run_start_refuse_second(struct store *store, enum store_run_kind kind, const char *tenant, const char *vault,
                        struct error *err)
{
    struct second asked = { kind };
    struct store_run_filter filter = { .tenant = tenant, .vault = vault, .unfinished = true };

    return store_runs_list(store, &filter, (struct store_page){ 0 }, on_unfinished, &asked, err);
}

static int
add_single(struct store *store, struct store_run *run, struct store_task *task, struct error *err)
{
    run->tasks = 1;
    if (store_runs_add(store, run, err) != 0)
        return -1;
    memcpy(task->run, run->id, sizeof(task->run));
    /* What only reads has a scope of its own, so that it neither fences nor is fenced by anybody else. */
    if (run->kind == STORE_RUN_RESTORE || run->kind == STORE_RUN_VERIFY) {
        identifier_new(store_clock(store), "task", task->id);
        memcpy(task->scope, task->id, sizeof(task->scope));
    }
    if (store_tasks_add(store, task, err) != 0)
        return -1;
    return run_start_note(store, run, err);
}

int
run_start_single(struct store *store, struct store_run *run, struct store_task *task, const struct task_spec *spec,
                 struct error *err)
{
    if (task_spec_encode(spec, task->spec, err) != 0)
        return -1;
    run->kind = spec->kind;
    task->kind = spec->kind;
    memcpy(task->tenant, run->tenant, sizeof(task->tenant));
    memcpy(task->vault, run->vault, sizeof(task->vault));
    if (store_begin(store, err) != 0)
        return -1;
    if (add_single(store, run, task, err) != 0) {
        store_rollback(store);
        return -1;
    }
    return store_commit(store, err);
}

int
run_start_find_vault(struct store *store, const char *id, struct store_vault *vault, struct error *err)
{
    if (store_vaults_find(store, id, vault, err) != 0)
        return -1;
    if (vault->state != STORE_VAULT_READY)
        return FAIL(err, ERROR_CONFLICT, 0, "vault %s is not ready, it is %s", vault->name,
                    store_vault_state_name(vault->state));
    return 0;
}

int
run_start_discover(struct store *store, const char *tenant_id, const char *actor, char run_id[IDENTIFIER_LEN],
                   struct error *err)
{
    struct store_tenant tenant;
    struct store_run run = { 0 };
    struct store_task task = { 0 };
    struct task_spec spec = { .kind = STORE_RUN_DISCOVER };

    if (store_tenants_find(store, tenant_id, &tenant, err) != 0)
        return -1;
    if (tenant.microsoft_secret[0] == '\0')
        return FAIL(err, ERROR_CONFLICT, 0, "tenant %s has no Microsoft 365 credentials yet", tenant.name);
    if (run_start_refuse_second(store, STORE_RUN_DISCOVER, tenant.id, NULL, err) != 0)
        return -1;
    memcpy(run.tenant, tenant.id, sizeof(run.tenant));
    snprintf(run.actor, sizeof(run.actor), "%s", actor);
    memcpy(task.scope, tenant.id, sizeof(task.scope));
    snprintf(task.exclusive, sizeof(task.exclusive), "discover/%s", tenant.id);
    if (run_start_single(store, &run, &task, &spec, err) != 0)
        return -1;
    memcpy(run_id, run.id, IDENTIFIER_LEN);
    return 0;
}

static int
check_restore_target(struct store *store, const struct director_restore *restore, const struct store_point *point,
                     struct task_spec *spec, struct error *err)
{
    struct store_object from, to;
    const char *folder = restore->folder_path != NULL     ? restore->folder_path
                         : restore->target_folder != NULL ? restore->target_folder
                                                          : "";

    spec->restore.to_folder = restore->folder_path != NULL;
    if (spec->restore.to_folder && (restore->transporter == NULL || restore->transporter[0] == '\0'))
        return FAIL(err, ERROR_USAGE, 0, "a restore to a folder needs the transporter whose folder it is");
    if (folder[0] != '\0' && !store_title_valid(folder, sizeof(spec->restore.path)))
        return FAIL(err, ERROR_USAGE, 0, "name of a folder: UTF-8 without control characters, at most %zu bytes",
                    sizeof(spec->restore.path) - 1);
    snprintf(spec->restore.path, sizeof(spec->restore.path), "%s", folder);
    spec->restore.conflict = restore->conflict;
    if (spec->restore.to_folder)
        return 0;
    const char *target =
        restore->target_object != NULL && restore->target_object[0] != '\0' ? restore->target_object : point->object;
    if (store_objects_find(store, point->object, &from, err) != 0 || store_objects_find(store, target, &to, err) != 0)
        return -1;
    if (strcmp(from.tenant, to.tenant) != 0)
        return FAIL(err, ERROR_DENIED, 0, "content of one tenant is never restored into another");
    if (from.kind != to.kind)
        return FAIL(err, ERROR_USAGE, 0, "a %s cannot be restored into a %s", store_object_kind_name(from.kind),
                    store_object_kind_name(to.kind));
    memcpy(spec->restore.target_object, to.id, sizeof(spec->restore.target_object));
    return 0;
}

static int
check_selection(struct store *store, const char *secret_id, const char *tenant, struct store_secret *secret,
                struct error *err)
{
    if (store_secrets_find(store, secret_id, secret, err) != 0)
        return -1;
    if (secret->purpose != STORE_SECRET_SELECTION || strcmp(secret->tenant, tenant) != 0)
        return FAIL(err, ERROR_USAGE, 0, "secret %s is not a selection of this tenant", secret->id);
    return 0;
}

/* Else the run would wait for a secret that nobody is about to bring. */
static int
check_restorer(struct store *store, const struct store_vault *vault, const struct store_transporter *pinned,
               bool to_folder, struct error *err)
{
    struct store_tenant tenant;
    char advice[STORE_TEXT_LEN];
    struct run_start_holder holder = {
        .only = pinned->id,
        .secrets = { vault->password_secret },
        .count = 1,
        .lacks = "the vault's password",
        .advice = advice,
    };

    snprintf(advice, sizeof(advice), "%slonghaul vault seal %s --transporter %s",
             pinned->id[0] != '\0' ? "restore there, or " : "", vault->name,
             pinned->id[0] != '\0' ? pinned->name : "NAME");
    if (run_start_require_holder(store, &holder, err) != 0)
        return -1;
    if (to_folder)
        return 0;
    if (store_tenants_find(store, vault->tenant, &tenant, err) != 0)
        return -1;
    holder.secrets[holder.count++] = tenant.microsoft_secret;
    holder.lacks = "the vault's password and the tenant's credentials";
    snprintf(advice, sizeof(advice), "%slonghaul tenant credentials %s --transporter %s --help",
             pinned->id[0] != '\0' ? "restore there, or " : "", tenant.name,
             pinned->id[0] != '\0' ? pinned->name : "NAME");
    return run_start_require_holder(store, &holder, err);
}

int
run_start_restore(struct store *store, const struct director_restore *restore, const char *actor,
                  char run_id[IDENTIFIER_LEN], struct error *err)
{
    struct store_point point;
    struct store_vault vault;
    struct store_secret selection;
    struct store_transporter pinned = { 0 };
    struct store_run run = { 0 };
    struct store_task task = { 0 };
    struct task_spec spec = { .kind = STORE_RUN_RESTORE };

    if (store_points_find(store, restore->point_id, &point, err) != 0 ||
        run_start_find_vault(store, point.vault, &vault, err) != 0 ||
        check_selection(store, restore->selection_secret, point.tenant, &selection, err) != 0 ||
        check_restore_target(store, restore, &point, &spec, err) != 0)
        return -1;
    if (restore->transporter != NULL && restore->transporter[0] != '\0' &&
        store_transporters_find(store, restore->transporter, &pinned, err) != 0)
        return -1;
    if (check_restorer(store, &vault, &pinned, spec.restore.to_folder, err) != 0)
        return -1;
    snprintf(spec.restore.point, sizeof(spec.restore.point), "%s", store_points_stored_id(&point));
    memcpy(run.tenant, point.tenant, sizeof(run.tenant));
    memcpy(run.vault, point.vault, sizeof(run.vault));
    snprintf(run.actor, sizeof(run.actor), "%s", actor);
    memcpy(task.object, point.object, sizeof(task.object));
    memcpy(task.pinned, pinned.id, sizeof(task.pinned));
    memcpy(task.selection_secret, selection.id, sizeof(task.selection_secret));
    if (run_start_single(store, &run, &task, &spec, err) != 0)
        return -1;
    memcpy(run_id, run.id, IDENTIFIER_LEN);
    return 0;
}

int
run_start_verify(struct store *store, const struct director_verify *verify, const char *actor,
                 char run_id[IDENTIFIER_LEN], struct error *err)
{
    struct store_vault vault;
    struct store_run run = { 0 };
    struct store_task task = { 0 };
    struct task_spec spec = { .kind = STORE_RUN_VERIFY };

    if (run_start_find_vault(store, verify->vault_id, &vault, err) != 0)
        return -1;
    if (verify->point_count > TASK_SPEC_POINTS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "at most %d points at a time; none given means all", TASK_SPEC_POINTS_MAX);
    for (size_t i = 0; i < verify->point_count; i++) {
        struct store_point point;
        if (store_points_find(store, verify->points[i], &point, err) != 0)
            return -1;
        if (strcmp(point.vault, vault.id) != 0)
            return FAIL(err, ERROR_USAGE, 0, "point %s is in another vault", point.id);
        snprintf(spec.verify.points[i], IDENTIFIER_LEN, "%s", store_points_stored_id(&point));
    }
    spec.verify.point_count = verify->point_count;
    spec.verify.data = verify->data;
    spec.verify.sample_ppm = verify->sample_ppm;
    spec.verify.rebuild_index = verify->rebuild_index;
    memcpy(run.tenant, vault.tenant, sizeof(run.tenant));
    memcpy(run.vault, vault.id, sizeof(run.vault));
    snprintf(run.actor, sizeof(run.actor), "%s", actor);
    if (run_start_single(store, &run, &task, &spec, err) != 0)
        return -1;
    memcpy(run_id, run.id, IDENTIFIER_LEN);
    return 0;
}
