#include "transporter/graph/graph_json.h"

#include "common/base/clock.h"
#include "common/base/error.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Length of the valid UTF-8 sequence at p, or 0. */
static size_t
utf8_len(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t len = p[0] >= 0xC2 && p[0] <= 0xDF ? 2 : (p[0] & 0xF0) == 0xE0 ? 3 : p[0] >= 0xF0 && p[0] <= 0xF4 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF0 && p[1] < 0x90) ||
        (p[0] == 0xF4 && p[1] > 0x8F))
        return 0;
    return len;
}

/* Value of \uXXXX at p, or -1. */
static int
escape_value(const char *p, size_t left)
{
    int value = 0;

    if (left < 6 || p[0] != '\\' || p[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        char c = p[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* Repairs the escape at text[at]; yields how many bytes it takes. */
static size_t
mend_escape(char *text, size_t at, size_t len)
{
    int value = escape_value(text + at, len - at);

    if (value < 0)
        return len - at < 2 ? 1 : 2;
    if (value >= 0xD800 && value <= 0xDBFF) {
        int low = len - at >= 12 ? escape_value(text + at + 6, len - at - 6) : -1;
        if (low >= 0xDC00 && low <= 0xDFFF)
            return 12;
    }
    if (value == 0 || (value >= 0xD800 && value <= 0xDFFF))
        memcpy(text + at, "\\ufffd", 6);
    return 6;
}

static void
mend(char *text, size_t len)
{
    bool inside = false;

    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"') {
            inside = !inside;
            i++;
        } else if (!inside) {
            i++;
        } else if (c == '\\') {
            i += mend_escape(text, i, len);
        } else if (c < 0x20) {
            text[i++] = ' ';
        } else {
            size_t n = utf8_len((const unsigned char *)text + i, len - i);
            if (n == 0)
                text[i] = '?';
            i += n == 0 ? 1 : n;
        }
    }
}

json_t *
graph_json_parse(char *text, size_t len, struct error *err)
{
    json_error_t why;

    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        len -= 3;
    }
    json_t *value = len == 0 ? NULL : json_loadb(text, len, 0, &why);
    if (value == NULL && len > 0) {
        /* A second pass only for what the strict parser refuses: most pages are clean. */
        mend(text, len);
        value = json_loadb(text, len, 0, &why);
    }
    if (value == NULL)
        FAIL(err, ERROR_FORMAT, 0, "answer is not JSON (%zu bytes)", len);
    return value;
}

const char *
graph_json_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

int64_t
graph_json_int(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : 0;
}

bool
graph_json_bool(const json_t *object, const char *key)
{
    return json_is_true(json_object_get(object, key));
}

const json_t *
graph_json_object(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_object(value) ? value : NULL;
}

int64_t
graph_json_time(const json_t *object, const char *key)
{
    const char *text = graph_json_text(object, key);
    int64_t ms = 0;

    if (strncmp(text, "0001-", 5) == 0 || clock_parse_ms(text, &ms) != 0)
        return 0;
    return ms;
}

const char *
graph_json_extended(const json_t *object, const char *id)
{
    const json_t *list = json_object_get(object, "singleValueExtendedProperties");
    size_t index;
    const json_t *one;

    json_array_foreach (list, index, one) {
        if (strcasecmp(graph_json_text(one, "id"), id) == 0)
            return graph_json_text(one, "value");
    }
    return "";
}

char *
graph_json_dump(const json_t *value, size_t *len)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    if (text == NULL)
        abort(); /* only when memory is out: the value came from a bounded page */
    if (len != NULL)
        *len = strlen(text);
    return text;
}

void
graph_json_unref(json_t **value)
{
    json_decref(*value);
}
