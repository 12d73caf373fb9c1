#include "transporter/restore/selection.h"

#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void
keys_free(struct catalog_key *keys, size_t count)
{
    for (size_t i = 0; keys != NULL && i < count; i++)
        free((void *)(uintptr_t)keys[i].bytes);
    free(keys);
}

static int
parse_key(const json_t *json, struct catalog_key *key)
{
    const char *hex = json_string_value(json);
    size_t digits = hex != NULL ? strlen(hex) : 0;
    if (digits < 4 || digits % 2 != 0 || digits > 2 * (size_t)CATALOG_KEY_MAX)
        return -1;
    uint8_t *bytes = memory_new(digits / 2);
    if (encoding_unhex(hex, bytes, digits / 2) != 0) {
        free(bytes);
        return -1;
    }
    key->bytes = bytes;
    key->len = digits / 2;
    return 0;
}

static int
parse_keys(const json_t *array, struct catalog_key **keys, size_t *count, struct error *err)
{
    size_t size = json_array_size(array);
    *keys = memory_array(size, sizeof(**keys), SELECTION_KEYS_MAX * sizeof(**keys), err);
    if (*keys == NULL)
        return -1;
    *count = size;
    for (size_t i = 0; i < size; i++)
        if (parse_key(json_array_get(array, i), &(*keys)[i]) != 0)
            return FAIL(err, ERROR_USAGE, 0, "selection: entry %zu is no item key", i + 1);
    return 0;
}

static int
parse(const json_t *json, struct selection *selection, struct error *err)
{
    if (!json_is_object(json))
        return FAIL(err, ERROR_USAGE, 0, "selection: not a JSON object");
    selection->all = json_is_true(json_object_get(json, "all"));
    if (parse_keys(json_object_get(json, "items"), &selection->items, &selection->item_count, err) != 0 ||
        parse_keys(json_object_get(json, "folders"), &selection->folders, &selection->folder_count, err) != 0)
        return -1;
    if (!selection->all && selection->item_count == 0 && selection->folder_count == 0)
        return FAIL(err, ERROR_USAGE, 0, "selection: nothing is selected");
    return 0;
}

int
selection_parse(const char *text, size_t len, struct selection *selection, struct error *err)
{
    *selection = (struct selection){ .all = false };
    json_t *json = json_loadb(text, len, 0, NULL);
    int result = parse(json, selection, err);
    json_decref(json);
    if (result != 0)
        selection_clear(selection);
    return result;
}

void
selection_clear(struct selection *selection)
{
    keys_free(selection->items, selection->item_count);
    keys_free(selection->folders, selection->folder_count);
    *selection = (struct selection){ .all = false };
}
