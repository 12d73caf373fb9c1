#include "director/jobs/task_spec.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/jobs/vault_locks.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const conflicts[] = {
    [DIRECTOR_CONFLICT_SKIP] = "skip",
    [DIRECTOR_CONFLICT_RENAME] = "rename",
    [DIRECTOR_CONFLICT_OVERWRITE] = "overwrite",
};

static json_t *
points_of(const char (*ids)[IDENTIFIER_LEN], size_t count)
{
    json_t *points = json_array();

    for (size_t i = 0; i < count; i++)
        json_array_append_new(points, json_string(ids[i]));
    return points;
}

static json_t *
to_json(const struct task_spec *spec)
{
    switch (spec->kind) {
    case STORE_RUN_BACKUP:
        return json_pack("{s:b, s:I, s:I}", "force_full", spec->backup.force_full, "bytes_per_second",
                         (json_int_t)spec->backup.bytes_per_second, "immutable_days",
                         (json_int_t)spec->backup.immutable_days);
    case STORE_RUN_RESTORE:
        return json_pack("{s:s, s:b, s:s, s:s, s:s}", "point", spec->restore.point, "to_folder",
                         spec->restore.to_folder, "path", spec->restore.path, "target_object",
                         spec->restore.target_object, "conflict", conflicts[spec->restore.conflict]);
    case STORE_RUN_VERIFY:
        return json_pack("{s:o, s:b, s:I, s:b}", "points",
                         points_of((const char(*)[IDENTIFIER_LEN])spec->verify.points, spec->verify.point_count),
                         "data", spec->verify.data, "sample_ppm", (json_int_t)spec->verify.sample_ppm, "rebuild_index",
                         spec->verify.rebuild_index);
    case STORE_RUN_SWEEP:
        return json_pack("{s:o, s:I, s:I, s:I, s:b}", "points",
                         points_of((const char(*)[IDENTIFIER_LEN])spec->sweep.points, spec->sweep.point_count),
                         "before_ms", (json_int_t)spec->sweep.before_ms, "undo_ms", (json_int_t)spec->sweep.undo_ms,
                         "undo_record", (json_int_t)spec->sweep.undo_record, "dry_run", spec->sweep.dry_run);
    case STORE_RUN_COPY:
        return json_pack("{s:s, s:b, s:I, s:I}", "source", spec->copy.source, "latest", spec->copy.latest, "since_ms",
                         (json_int_t)spec->copy.since_ms, "immutable_days", (json_int_t)spec->copy.immutable_days);
    case STORE_RUN_HEAL:
        return json_pack("{s:s}", "source", spec->heal.source);
    case STORE_RUN_DISCOVER:
    case STORE_RUN_CREATE_VAULT:
        return json_object();
    }
    return NULL;
}

int
task_spec_encode(const struct task_spec *spec, char out[STORE_TASK_SPEC_LEN], struct error *err)
{
    CLEANUP(json_decrefp) json_t *json = to_json(spec);

    if (json == NULL)
        return FAIL(err, ERROR_USAGE, 0, "the task's particulars are not UTF-8");
    size_t len = json_dumpb(json, out, STORE_TASK_SPEC_LEN - 1, JSON_COMPACT | JSON_SORT_KEYS);
    if (len == 0 || len >= STORE_TASK_SPEC_LEN)
        return FAIL(err, ERROR_LIMIT, 0, "the task's particulars are too long");
    out[len] = '\0';
    return 0;
}

static int
set(char *field, size_t size, const char *text, struct error *err)
{
    size_t len = strlen(text);

    if (len >= size)
        return FAIL(err, ERROR_FORMAT, 0, "task: a text is too long");
    memcpy(field, text, len + 1);
    return 0;
}

/* Tasks from before there were any have none. */
static int
decode_days(json_t *json, uint32_t *days, struct error *err)
{
    json_int_t value = 0;

    if (json_unpack(json, "{s?I}", "immutable_days", &value) != 0 || value < 0 ||
        value > (json_int_t)VAULT_LOCKS_DAYS_MAX)
        return FAIL(err, ERROR_FORMAT, 0, "task: not a number of days");
    *days = (uint32_t)value;
    return 0;
}

uint32_t
task_spec_lock_days(const struct task_spec *spec)
{
    switch (spec->kind) {
    case STORE_RUN_BACKUP:
        return spec->backup.immutable_days;
    case STORE_RUN_COPY:
        return spec->copy.immutable_days;
    case STORE_RUN_RESTORE:
    case STORE_RUN_VERIFY:
    case STORE_RUN_DISCOVER:
    case STORE_RUN_CREATE_VAULT:
    case STORE_RUN_SWEEP:
    case STORE_RUN_HEAL:
        return 0;
    }
    return 0;
}

const char *
task_spec_source(const struct task_spec *spec)
{
    switch (spec->kind) {
    case STORE_RUN_COPY:
        return spec->copy.source;
    case STORE_RUN_HEAL:
        return spec->heal.source;
    case STORE_RUN_BACKUP:
    case STORE_RUN_RESTORE:
    case STORE_RUN_VERIFY:
    case STORE_RUN_DISCOVER:
    case STORE_RUN_CREATE_VAULT:
    case STORE_RUN_SWEEP:
        return "";
    }
    return "";
}

static int
decode_restore(json_t *json, struct task_spec *spec, struct error *err)
{
    const char *point, *path, *object, *conflict;
    int to_folder;

    if (json_unpack(json, "{s:s, s:b, s:s, s:s, s:s}", "point", &point, "to_folder", &to_folder, "path", &path,
                    "target_object", &object, "conflict", &conflict) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "task: not the particulars of a restore");
    spec->restore.to_folder = to_folder != 0;
    for (size_t i = 0; i < ARRAY_LEN(conflicts); i++)
        if (strcmp(conflicts[i], conflict) == 0) {
            spec->restore.conflict = (enum director_conflict)i;
            if (set(spec->restore.point, sizeof(spec->restore.point), point, err) != 0 ||
                set(spec->restore.path, sizeof(spec->restore.path), path, err) != 0)
                return -1;
            return set(spec->restore.target_object, sizeof(spec->restore.target_object), object, err);
        }
    return FAIL(err, ERROR_FORMAT, 0, "task: unknown conflict rule");
}

static int
decode_verify(json_t *json, struct task_spec *spec, struct error *err)
{
    json_t *points, *point;
    size_t i;
    int data, rebuild = 0;
    json_int_t sample = 0;

    if (json_unpack(json, "{s:o, s:b, s?I, s?b}", "points", &points, "data", &data, "sample_ppm", &sample,
                    "rebuild_index", &rebuild) != 0 ||
        !json_is_array(points) || json_array_size(points) > TASK_SPEC_POINTS_MAX || sample < 0 || sample > 1000000)
        return FAIL(err, ERROR_FORMAT, 0, "task: not the particulars of a verification");
    spec->verify.data = data != 0;
    spec->verify.sample_ppm = (uint32_t)sample;
    spec->verify.rebuild_index = rebuild != 0;
    spec->verify.point_count = json_array_size(points);
    json_array_foreach (points, i, point) {
        const char *id = json_string_value(point);
        if (id == NULL || set(spec->verify.points[i], IDENTIFIER_LEN, id, err) != 0)
            return FAIL(err, ERROR_FORMAT, 0, "task: a point without an id");
    }
    return 0;
}

static int
decode_sweep(json_t *json, struct task_spec *spec, struct error *err)
{
    json_t *points, *point;
    json_int_t before, undo, record;
    size_t i;
    int dry_run;

    if (json_unpack(json, "{s:o, s:I, s:I, s:I, s:b}", "points", &points, "before_ms", &before, "undo_ms", &undo,
                    "undo_record", &record, "dry_run", &dry_run) != 0 ||
        !json_is_array(points) || json_array_size(points) > TASK_SPEC_POINTS_MAX || before < 0 || undo < 0 ||
        record < 0)
        return FAIL(err, ERROR_FORMAT, 0, "task: not the particulars of a sweep");
    spec->sweep.before_ms = before;
    spec->sweep.undo_ms = (uint64_t)undo;
    spec->sweep.undo_record = (uint64_t)record;
    spec->sweep.dry_run = dry_run != 0;
    spec->sweep.point_count = json_array_size(points);
    json_array_foreach (points, i, point) {
        const char *id = json_string_value(point);
        if (id == NULL || set(spec->sweep.points[i], IDENTIFIER_LEN, id, err) != 0)
            return FAIL(err, ERROR_FORMAT, 0, "task: a point without an id");
    }
    return 0;
}

static int
decode_copy(json_t *json, struct task_spec *spec, struct error *err)
{
    const char *source;
    json_int_t since;
    int latest;

    if (json_unpack(json, "{s:s, s:b, s:I}", "source", &source, "latest", &latest, "since_ms", &since) != 0 ||
        since < 0 || !identifier_valid(source))
        return FAIL(err, ERROR_FORMAT, 0, "task: not the particulars of a copy");
    if (decode_days(json, &spec->copy.immutable_days, err) != 0)
        return -1;
    spec->copy.latest = latest != 0;
    spec->copy.since_ms = since;
    return set(spec->copy.source, sizeof(spec->copy.source), source, err);
}

static int
decode_heal(json_t *json, struct task_spec *spec, struct error *err)
{
    const char *source;

    if (json_unpack(json, "{s:s}", "source", &source) != 0 || (source[0] != '\0' && !identifier_valid(source)))
        return FAIL(err, ERROR_FORMAT, 0, "task: not the particulars of a heal");
    return set(spec->heal.source, sizeof(spec->heal.source), source, err);
}

int
task_spec_decode(const char *text, struct task_spec *spec, struct error *err)
{
    CLEANUP(json_decrefp) json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    enum store_run_kind kind = spec->kind;
    json_int_t rate = 0;
    int full = 0;

    memset(spec, 0, sizeof(*spec));
    spec->kind = kind;
    if (!json_is_object(json))
        return FAIL(err, ERROR_FORMAT, 0, "task: its particulars are not JSON");
    switch (kind) {
    case STORE_RUN_BACKUP:
        if (json_unpack(json, "{s:b, s:I}", "force_full", &full, "bytes_per_second", &rate) != 0 || rate < 0)
            return FAIL(err, ERROR_FORMAT, 0, "task: not the particulars of a backup");
        spec->backup.force_full = full != 0;
        spec->backup.bytes_per_second = (uint64_t)rate;
        return decode_days(json, &spec->backup.immutable_days, err);
    case STORE_RUN_RESTORE:
        return decode_restore(json, spec, err);
    case STORE_RUN_VERIFY:
        return decode_verify(json, spec, err);
    case STORE_RUN_SWEEP:
        return decode_sweep(json, spec, err);
    case STORE_RUN_COPY:
        return decode_copy(json, spec, err);
    case STORE_RUN_HEAL:
        return decode_heal(json, spec, err);
    case STORE_RUN_DISCOVER:
    case STORE_RUN_CREATE_VAULT:
        return 0;
    }
    return FAIL(err, ERROR_FORMAT, 0, "task: of an unknown kind");
}
