#include "transporter/query/query_request.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text != NULL ? text : "";
}

static int
parse_op(const char *text, enum query_op *op, struct error *err)
{
    static const char *const names[] = {
        [QUERY_LIST] = "list",     [QUERY_FIND] = "find",   [QUERY_OUTCOMES] = "outcomes",
        [QUERY_REPORT] = "report", [QUERY_LOCKS] = "locks", [QUERY_RETIRED] = "retired"
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], text) == 0) {
            *op = (enum query_op)i;
            return 0;
        }
    }
    return FAIL(err, ERROR_UNSUPPORTED, 0,
                "query: this transporter knows list, find, outcomes, report, locks and retired");
}

static int
parse_id(const json_t *json, const char *name, char out[IDENTIFIER_LEN], struct error *err)
{
    const char *text = text_of(json, name);
    if (!identifier_valid(text))
        return FAIL(err, ERROR_USAGE, 0, "query: \"%s\" is missing or no id", name);
    snprintf(out, IDENTIFIER_LEN, "%s", text);
    return 0;
}

static int
parse_folder(const json_t *json, struct catalog_key_buffer *folder, struct error *err)
{
    const char *hex = text_of(json, "folder");
    size_t digits = strlen(hex);
    folder->len = 0;
    if (digits == 0)
        return 0;
    if (digits < 4 || digits % 2 != 0 || digits > 2 * sizeof(folder->bytes) ||
        encoding_unhex(hex, folder->bytes, digits / 2) != 0)
        return FAIL(err, ERROR_USAGE, 0, "query: \"folder\" is no item key");
    folder->len = digits / 2;
    return 0;
}

static int
parse_number(const json_t *json, const char *name, uint64_t otherwise, uint64_t most, uint64_t *out, struct error *err)
{
    const json_t *value = json_object_get(json, name);
    *out = otherwise;
    if (value == NULL)
        return 0;
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || (uint64_t)number > most)
        return FAIL(err, ERROR_USAGE, 0, "query: \"%s\" is no number from 0 to %llu", name, (unsigned long long)most);
    *out = (uint64_t)number;
    return 0;
}

static int
parse_text(const json_t *json, const char *name, char out[QUERY_TEXT_MAX + 1], struct error *err)
{
    const char *text = text_of(json, name);
    if (strlen(text) > QUERY_TEXT_MAX)
        return FAIL(err, ERROR_USAGE, 0, "query: \"%s\" has more than %d bytes", name, QUERY_TEXT_MAX);
    snprintf(out, QUERY_TEXT_MAX + 1, "%s", text);
    return 0;
}

static int
parse_time(const json_t *json, const char *name, int64_t *out, struct error *err)
{
    const char *text = text_of(json, name);
    if (text[0] != '\0' && clock_parse_ms(text, out) != 0)
        return FAIL(err, ERROR_USAGE, 0, "query: \"%s\" is no time such as 2026-09-14T07:58:10Z", name);
    return 0;
}

static int
parse_find(const json_t *json, struct query_request *request, struct error *err)
{
    if (parse_text(json, "text", request->text, err) != 0 || parse_text(json, "name", request->name, err) != 0 ||
        parse_text(json, "subject", request->subject, err) != 0 ||
        parse_text(json, "sender", request->sender, err) != 0 ||
        parse_time(json, "from", &request->from_ms, err) != 0 ||
        parse_time(json, "until", &request->until_ms, err) != 0)
        return -1;
    if (request->text[0] == '\0' && request->name[0] == '\0' && request->subject[0] == '\0' &&
        request->sender[0] == '\0' && request->from_ms == 0 && request->until_ms == 0)
        return FAIL(err, ERROR_USAGE, 0, "query: say what to find: text, name, subject, sender, from or until");
    return 0;
}

static int
parse(const json_t *json, struct query_request *request, struct error *err)
{
    if (parse_op(text_of(json, "op"), &request->op, err) != 0 ||
        parse_number(json, "offset", 0, INT64_MAX, &request->offset, err) != 0 ||
        parse_number(json, "limit", QUERY_LIMIT_DEFAULT, QUERY_LIMIT_MAX, &request->limit, err) != 0)
        return -1;
    request->check = json_is_true(json_object_get(json, "check"));
    if (request->op == QUERY_LOCKS || request->op == QUERY_RETIRED)
        return 0;
    if (request->op == QUERY_REPORT)
        return parse_id(json, "task", request->task, err);
    if (parse_id(json, "point", request->point, err) != 0 || parse_folder(json, &request->folder, err) != 0)
        return -1;
    return request->op == QUERY_FIND ? parse_find(json, request, err) : 0;
}

int
query_request_parse(const char *text, size_t len, struct query_request *request, struct error *err)
{
    *request = (struct query_request){ .op = QUERY_LIST };
    json_t *json = json_loadb(text, len, 0, NULL);
    int result =
        json_is_object(json) ? parse(json, request, err) : FAIL(err, ERROR_USAGE, 0, "query: not a JSON object");
    json_decref(json);
    return result;
}
