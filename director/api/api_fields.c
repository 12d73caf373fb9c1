#include "director/api/api_fields.h"

#include <string.h>

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/api/api_call.h"

#define DEPTH_LIMIT  16
#define LABEL_COUNT  16
#define LABEL_LENGTH 63

/* Brackets outside of strings; counted before the recursive parser sees the text. */
static bool
nested_too_deep(const uint8_t *text, size_t len)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        if (quoted) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                quoted = false;
        } else if (text[i] == '"') {
            quoted = true;
        } else if (text[i] == '{' || text[i] == '[') {
            if (++depth > DEPTH_LIMIT)
                return true;
        } else if (text[i] == '}' || text[i] == ']') {
            depth--;
        }
    }
    return false;
}

json_t *
api_fields_parse(const void *data, size_t len, struct error *err)
{
    json_error_t where;

    if (len > API_BODY_LIMIT) {
        FAIL(err, ERROR_LIMIT, 0, "the request is larger than %zu bytes", API_BODY_LIMIT);
        return NULL;
    }
    if (nested_too_deep(data, len)) {
        FAIL(err, ERROR_LIMIT, 0, "the request's JSON is nested deeper than %d", DEPTH_LIMIT);
        return NULL;
    }
    json_t *object = json_loadb(data, len, JSON_REJECT_DUPLICATES, &where);
    if (object == NULL) { /* the parser's own text may quote the input, so it is not passed on */
        FAIL(err, ERROR_FORMAT, (int)json_error_code(&where), "the request is not valid JSON (line %d, column %d)",
             where.line, where.column);
        return NULL;
    }
    if (!json_is_object(object)) {
        FAIL(err, ERROR_FORMAT, 0, "the request is not a JSON object");
        json_decref(object);
        return NULL;
    }
    return object;
}

int
api_fields_only(json_t *object, const char *const *names, struct error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach (object, key, value) {
        const char *const *name = names;
        while (*name != NULL && strcmp(*name, key) != 0)
            name++;
        if (*name == NULL)
            return FAIL(err, ERROR_USAGE, 0, "unknown field \"%.60s\"", key);
    }
    return 0;
}

static int
check_text(const char *name, const json_t *value, size_t max, struct error *err)
{
    if (!json_is_string(value))
        return FAIL(err, ERROR_USAGE, 0, "field \"%s\" must be a text", name);
    const char *text = json_string_value(value);
    size_t len = json_string_length(value);
    if (len == 0 || len > max)
        return FAIL(err, ERROR_USAGE, 0, "field \"%s\" must have 1 to %zu bytes", name, max);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return FAIL(err, ERROR_USAGE, 0, "field \"%s\" contains a control character", name);
    return 0;
}

int
api_fields_optional_text(json_t *object, const char *name, size_t max, const char **text, struct error *err)
{
    json_t *value = json_object_get(object, name);

    *text = NULL;
    if (value == NULL || json_is_null(value))
        return 0;
    if (check_text(name, value, max, err) != 0)
        return -1;
    *text = json_string_value(value);
    return 0;
}

int
api_fields_text(json_t *object, const char *name, size_t max, const char **text, struct error *err)
{
    if (api_fields_optional_text(object, name, max, text, err) != 0)
        return -1;
    if (*text == NULL)
        return FAIL(err, ERROR_USAGE, 0, "field \"%s\" is missing", name);
    return 0;
}

int
api_fields_bool(json_t *object, const char *name, bool *value, struct error *err)
{
    json_t *found = json_object_get(object, name);

    *value = json_is_true(found);
    if (found != NULL && !json_is_boolean(found))
        return FAIL(err, ERROR_USAGE, 0, "field \"%s\" must be true or false", name);
    return 0;
}

int
api_fields_number(json_t *object, const char *name, int64_t min, int64_t max, int64_t fallback, int64_t *value,
                  struct error *err)
{
    json_t *found = json_object_get(object, name);

    *value = fallback;
    if (found == NULL || json_is_null(found))
        return 0;
    if (!json_is_integer(found) || json_integer_value(found) < min || json_integer_value(found) > max)
        return FAIL(err, ERROR_USAGE, 0, "field \"%s\" must be a number from %lld to %lld", name, (long long)min,
                    (long long)max);
    *value = json_integer_value(found);
    return 0;
}

int
api_fields_bytes(json_t *object, const char *name, struct buffer *out, struct error *err)
{
    json_t *found = json_object_get(object, name);

    if (!json_is_string(found))
        return FAIL(err, ERROR_USAGE, 0, "field \"%s\" must be base64", name);
    size_t len = json_string_length(found) / 4 * 3 + 3;
    if (buffer_reserve(out, len, err) != 0)
        return error_wrap(err, "field \"%s\"", name);
    if (encoding_unbase64(json_string_value(found), json_string_length(found), out->data + out->len, &len, NULL) != 0)
        return FAIL(err, ERROR_USAGE, 0, "field \"%s\" must be base64", name);
    out->len += len;
    return 0;
}

int
api_fields_texts(json_t *object, const char *name, size_t max_count, size_t max, json_t **array, struct error *err)
{
    json_t *found = json_object_get(object, name);

    *array = NULL;
    if (found == NULL || json_is_null(found))
        return 0;
    if (!json_is_array(found) || json_array_size(found) > max_count)
        return FAIL(err, ERROR_USAGE, 0, "field \"%s\" must be a list of at most %zu texts", name, max_count);
    for (size_t i = 0; i < json_array_size(found); i++)
        if (check_text(name, json_array_get(found, i), max, err) != 0)
            return -1;
    *array = found;
    return 0;
}

static bool
label_key_valid(const char *key)
{
    size_t len = strlen(key);

    return len > 0 && len <= LABEL_LENGTH && strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

int
api_fields_labels(json_t *object, const char *name, json_t **labels, struct error *err)
{
    json_t *found = json_object_get(object, name), *value;
    const char *key;

    *labels = NULL;
    if (found == NULL || json_is_null(found))
        return 0;
    if (!json_is_object(found) || json_object_size(found) > LABEL_COUNT)
        return FAIL(err, ERROR_USAGE, 0, "field \"%s\" must be an object of at most %d labels", name, LABEL_COUNT);
    json_object_foreach (found, key, value) {
        if (!label_key_valid(key))
            return FAIL(err, ERROR_USAGE, 0, "label keys have 1 to %d characters of a-z 0-9 . _ -", LABEL_LENGTH);
        if (check_text(name, value, LABEL_LENGTH, err) != 0)
            return -1;
    }
    *labels = found;
    return 0;
}

int
api_fields_check_name(const char *what, const char *text, size_t max, struct error *err)
{
    size_t len = strlen(text);

    if (len == 0 || len > max || strchr(text, '/') != NULL)
        return FAIL(err, ERROR_USAGE, 0, "%s must have 1 to %zu bytes and no '/'", what, max);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return FAIL(err, ERROR_USAGE, 0, "%s contains a control character", what);
    return 0;
}
