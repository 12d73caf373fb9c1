#include "director/api/api_labels.h"

#include "common/base/error.h"
#include "director/api/api_fields.h"

#include <stdlib.h>
#include <string.h>

static int
by_key(const void *a, const void *b)
{
    const struct store_label *left = a, *right = b;

    return strcmp(left->key, right->key);
}

static bool
label_text_valid(const char *text)
{
    size_t len = strlen(text);

    return len < STORE_LABEL_LEN &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

int
api_labels_read(json_t *object, const char *name, struct store_labels *labels, struct error *err)
{
    json_t *found, *value;
    const char *key;

    memset(labels, 0, sizeof(*labels));
    if (api_fields_labels(object, name, &found, err) != 0)
        return -1;
    if (found == NULL)
        return 0;
    json_object_foreach (found, key, value) {
        if (labels->count == STORE_LABELS_MAX || !label_text_valid(key) || !label_text_valid(json_string_value(value)))
            return FAIL(err, ERROR_USAGE, 0, "labels have letters, digits, '.', '_' and '-' on both sides of the '='");
        struct store_label *label = &labels->at[labels->count++];
        memcpy(label->key, key, strlen(key) + 1);
        memcpy(label->value, json_string_value(value), json_string_length(value) + 1);
    }
    qsort(labels->at, labels->count, sizeof(labels->at[0]), by_key);
    return 0;
}

int
api_labels_read_selector(json_t *object, const char *name, char selector[STORE_SELECTOR_LEN], struct error *err)
{
    struct store_labels labels;
    size_t at = 0;

    if (api_labels_read(object, name, &labels, err) != 0)
        return -1;
    selector[0] = '\0';
    for (size_t i = 0; i < labels.count; i++) {
        int len = snprintf(selector + at, STORE_SELECTOR_LEN - at, "%s%s=%s", i == 0 ? "" : ",", labels.at[i].key,
                           labels.at[i].value);
        at += (size_t)len;
        if (at >= STORE_SELECTOR_LEN)
            return FAIL(err, ERROR_USAGE, 0, "field \"%s\": labels of at most %d bytes together", name,
                        STORE_SELECTOR_LEN - 1);
    }
    return 0;
}

json_t *
api_labels_selector_json(const char *selector)
{
    json_t *object = json_object();
    char key[STORE_LABEL_LEN];

    for (const char *at = selector; *at != '\0';) {
        size_t len = strcspn(at, ","), key_len = strcspn(at, "=");
        if (key_len < len && key_len < sizeof(key)) {
            memcpy(key, at, key_len);
            key[key_len] = '\0';
            json_object_set_new(object, key, json_stringn(at + key_len + 1, len - key_len - 1));
        }
        at += len + (at[len] == ',');
    }
    return object;
}
