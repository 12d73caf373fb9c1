#include "transporter/pipeline/outcome_line.h"

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
outcome_line_result_name(enum source_result result)
{
    switch (result) {
    case SOURCE_STORED:
        return "stored";
    case SOURCE_GONE:
        return "gone";
    case SOURCE_SKIPPED:
        return "skipped";
    case SOURCE_FAILED:
        return "failed";
    }
    return "";
}

int
outcome_line_build(struct catalog_key key, const struct source_outcome *outcome, const char *locator,
                   struct buffer *out, struct error *err)
{
    char hex[2 * CATALOG_KEY_MAX + 1];
    encoding_hex(key.bytes, key.len, hex);
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:s%, s:s}", "key", hex, "result", outcome_line_result_name(outcome->result),
                  "reason", outcome->reason, "detail", outcome->detail, strlen(outcome->detail), "locator", locator);
    if (json == NULL)
        json = json_pack("{s:s, s:s, s:s, s:s, s:s}", "key", hex, "result", outcome_line_result_name(outcome->result),
                         "reason", "unknown", "detail", "", "locator", "");
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    if (text == NULL)
        return FAIL(err, ERROR_INTERNAL, 0, "an outcome cannot be written as JSON");
    int result = buffer_append_text(out, text, err) != 0 || buffer_append(out, "\n", 1, err) != 0 ? -1 : 0;
    free(text);
    return result;
}

static int
parse_result(const char *name, enum source_result *result)
{
    static const enum source_result known[] = { SOURCE_STORED, SOURCE_SKIPPED, SOURCE_FAILED };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (strcmp(name, outcome_line_result_name(known[i])) == 0) {
            *result = known[i];
            return 0;
        }
    }
    return -1;
}

static int
parse_json(const json_t *json, struct outcome_line *line)
{
    const char *key = json_string_value(json_object_get(json, "key"));
    const char *result = json_string_value(json_object_get(json, "result"));
    const char *reason = json_string_value(json_object_get(json, "reason"));
    const char *detail = json_string_value(json_object_get(json, "detail"));
    const char *locator = json_string_value(json_object_get(json, "locator"));
    if (key == NULL || result == NULL || reason == NULL || strlen(key) < 2 || strlen(key) > 2 * CATALOG_KEY_MAX ||
        parse_result(result, &line->result) != 0)
        return -1;
    line->key.len = strlen(key) / 2;
    if (strlen(key) % 2 != 0 || encoding_unhex(key, line->key.bytes, line->key.len) != 0)
        return -1;
    snprintf(line->reason, sizeof(line->reason), "%s", reason);
    snprintf(line->detail, sizeof(line->detail), "%s", detail != NULL ? detail : "");
    line->locator = memory_strdup(locator != NULL ? locator : "");
    return 0;
}

int
outcome_line_parse(const char *text, size_t len, struct outcome_line *line, struct error *err)
{
    *line = (struct outcome_line){ .locator = NULL };
    json_t *json = len <= OUTCOME_LINE_MAX ? json_loadb(text, len, 0, NULL) : NULL;
    int result = json != NULL ? parse_json(json, line) : -1;
    json_decref(json);
    return result == 0 ? 0 : FAIL(err, ERROR_FORMAT, 0, "a line of the point's outcomes does not parse");
}

void
outcome_line_clear(struct outcome_line *line)
{
    free(line->locator);
    line->locator = NULL;
}
