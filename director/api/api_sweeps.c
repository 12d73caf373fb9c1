#include "common/base/clock.h"
#include "director/api/api_fields.h"
#include "director/api/api_handlers.h"
#include "director/api/api_json.h"
#include "director/director.h"
#include "director/store/store_vaults.h"

#include <string.h>

#define POINTS_MAX        100
#define UNDO_DAYS_DEFAULT 7
#define UNDO_DAYS_MAX     3650
#define DAYS_MAX          36500
#define DAY_MS            ((int64_t)24 * 3600 * 1000)

static int
find_vault(const struct api_call *call, struct store_vault *vault, struct error *err)
{
    if (store_vaults_find(call->store, api_call_parameter(call, 0), vault, err) != 0)
        return -1;
    return api_json_tenant_check(call, vault->tenant, "vault", err);
}

static int
start(struct api_call *call, const struct director_sweep *sweep, struct error *err)
{
    char run[IDENTIFIER_LEN];

    if (director_sweep_start(call->director, sweep, call->token_name, run, err) != 0)
        return -1;
    return api_json_run_started(call, run);
}

int
api_vaults_sweep(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "points", "older_than_days", "undo_days", "dry_run", NULL };
    const char *points[POINTS_MAX];
    struct store_vault vault;
    struct director_sweep sweep = { .points = points };
    int64_t days = 0, undo = 0;
    json_t *array = NULL, *point;
    size_t i;

    if (find_vault(call, &vault, err) != 0 || api_fields_only(call->body, fields, err) != 0 ||
        api_fields_texts(call->body, "points", POINTS_MAX, IDENTIFIER_LEN - 1, &array, err) != 0 ||
        api_fields_number(call->body, "older_than_days", 1, DAYS_MAX, 0, &days, err) != 0 ||
        api_fields_number(call->body, "undo_days", 0, UNDO_DAYS_MAX, UNDO_DAYS_DEFAULT, &undo, err) != 0 ||
        api_fields_bool(call->body, "dry_run", &sweep.dry_run, err) != 0)
        return -1;
    json_array_foreach (array, i, point)
        points[sweep.point_count++] = json_string_value(point);
    sweep.vault_id = vault.id;
    sweep.undo_days = (unsigned)undo;
    sweep.before_ms = days == 0 ? 0 : clock_wall_ms(store_clock(call->store)) - days * DAY_MS;
    return start(call, &sweep, err);
}

int
api_vaults_undo(struct api_call *call, struct error *err)
{
    static const char *const fields[] = { "record", NULL };
    struct store_vault vault;
    struct director_sweep sweep = { .points = NULL };
    int64_t record = 0;

    if (find_vault(call, &vault, err) != 0 || api_fields_only(call->body, fields, err) != 0 ||
        api_fields_number(call->body, "record", 1, INT64_MAX, 0, &record, err) != 0)
        return -1;
    if (record == 0)
        return FAIL(err, ERROR_USAGE, 0, "record: which retire record to undo; `longhaul vault retired` lists them");
    sweep.vault_id = vault.id;
    sweep.undo_record = (uint64_t)record;
    return start(call, &sweep, err);
}
