#include "director/jobs/job_options.h"

#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include "director/jobs/vault_locks.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int
job_options_parse(const char *text, struct job_options *options, struct error *err)
{
    const char *key;
    json_t *value;

    *options = (struct job_options){ 0 };
    if (text[0] == '\0')
        return 0;
    CLEANUP(json_decrefp) json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(json))
        return FAIL(err, ERROR_USAGE, 0, "the options of a job are a JSON object");
    json_object_foreach (json, key, value) {
        if (strcmp(key, "bytes_per_second") == 0) {
            if (!json_is_integer(value) || json_integer_value(value) < 0)
                return FAIL(err, ERROR_USAGE, 0, "option bytes_per_second is a number of bytes, 0 for no limit");
            options->bytes_per_second = (uint64_t)json_integer_value(value);
        } else if (strcmp(key, "force_full") == 0) {
            if (!json_is_boolean(value))
                return FAIL(err, ERROR_USAGE, 0, "option force_full is true or false");
            options->force_full = json_is_true(value);
        } else if (strcmp(key, "immutable_days") == 0) {
            if (!json_is_integer(value) || json_integer_value(value) < 0 ||
                json_integer_value(value) > (json_int_t)VAULT_LOCKS_DAYS_MAX)
                return FAIL(err, ERROR_USAGE, 0, "option immutable_days is a number of days, 0 (not) to %u",
                            VAULT_LOCKS_DAYS_MAX);
            options->immutable_days = (uint32_t)json_integer_value(value);
        } else if (strcmp(key, "points") == 0) {
            const char *which = json_string_value(value);
            options->latest = which != NULL && strcmp(which, "latest") == 0;
            if (!options->latest && (which == NULL || strcmp(which, "all") != 0))
                return FAIL(err, ERROR_USAGE, 0, "option points is all or latest");
        } else if (strcmp(key, "since") == 0) {
            const char *time = json_string_value(value);
            if (time == NULL || clock_parse_ms(time, &options->since_ms) != 0 || options->since_ms < 0)
                return FAIL(err, ERROR_USAGE, 0, "option since is a time like 2026-09-14T07:58:10Z");
        } else {
            return FAIL(err, ERROR_USAGE, 0,
                        "a job has no option %.64s; it has bytes_per_second, force_full, immutable_days, points, since",
                        key);
        }
    }
    return 0;
}
