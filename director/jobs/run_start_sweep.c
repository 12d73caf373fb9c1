#include "director/jobs/run_start_internal.h"
#include "director/store/store_points.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS        ((uint64_t)24 * 3600 * 1000)
#define UNDO_DAYS_MAX 3650

static int
add_points(struct store *store, const struct director_sweep *sweep, const struct store_vault *vault,
           struct task_spec *spec, struct error *err)
{
    if (sweep->point_count > TASK_SPEC_POINTS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "at most %d points at a time", TASK_SPEC_POINTS_MAX);
    for (size_t i = 0; i < sweep->point_count; i++) {
        struct store_point point;
        if (store_points_find(store, sweep->points[i], &point, err) != 0)
            return -1;
        if (strcmp(point.vault, vault->id) != 0)
            return FAIL(err, ERROR_USAGE, 0, "point %s is in another vault", point.id);
        snprintf(spec->sweep.points[i], IDENTIFIER_LEN, "%s", store_points_stored_id(&point));
    }
    spec->sweep.point_count = sweep->point_count;
    return 0;
}

int
run_start_sweep(struct store *store, const struct director_sweep *sweep, const char *actor, char run_id[IDENTIFIER_LEN],
                struct error *err)
{
    struct store_vault vault;
    struct store_run run = { 0 };
    struct store_task task = { 0 };
    struct task_spec spec = { .kind = STORE_RUN_SWEEP };

    if (run_start_find_vault(store, sweep->vault_id, &vault, err) != 0)
        return -1;
    if (sweep->undo_days > UNDO_DAYS_MAX)
        return FAIL(err, ERROR_USAGE, 0, "what is retired can be brought back for 0 to %d days", UNDO_DAYS_MAX);
    if (run_start_refuse_second(store, STORE_RUN_SWEEP, vault.tenant, vault.id, err) != 0 ||
        add_points(store, sweep, &vault, &spec, err) != 0)
        return -1;
    spec.sweep.before_ms = sweep->before_ms;
    spec.sweep.undo_ms = sweep->undo_days * DAY_MS;
    spec.sweep.undo_record = sweep->undo_record;
    spec.sweep.dry_run = sweep->dry_run;
    memcpy(run.tenant, vault.tenant, sizeof(run.tenant));
    memcpy(run.vault, vault.id, sizeof(run.vault));
    snprintf(run.actor, sizeof(run.actor), "%s", actor);
    /* A newer sweep of the vault fences an older one off. */
    memcpy(task.scope, vault.id, sizeof(task.scope));
    snprintf(task.exclusive, sizeof(task.exclusive), "sweep/%s", vault.id);
    if (run_start_single(store, &run, &task, &spec, err) != 0)
        return -1;
    memcpy(run_id, run.id, IDENTIFIER_LEN);
    return 0;
}
