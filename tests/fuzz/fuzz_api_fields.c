/* A request's body: parsed, then read as each kind of field that handlers read. What parses comes out again. */

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "director/api/api_fields.h"
#include "director/api/api_labels.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_field(json_t *object, const char *name)
{
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(1024);
    struct store_labels labels;
    const char *text;
    char selector[STORE_SELECTOR_LEN];
    json_t *array;
    bool flag;
    int64_t number;

    if (api_fields_text(object, name, 64, &text, NULL) == 0 && strlen(text) > 64)
        abort();
    api_fields_bool(object, name, &flag, NULL);
    if (api_fields_number(object, name, -5, 5, 0, &number, NULL) == 0 && (number < -5 || number > 5))
        abort();
    api_fields_bytes(object, name, &bytes, NULL);
    api_fields_texts(object, name, 4, 16, &array, NULL);
    if (api_labels_read(object, name, &labels, NULL) == 0 && labels.count > STORE_LABELS_MAX)
        abort();
    if (api_labels_read_selector(object, name, selector, NULL) == 0)
        json_decref(api_labels_selector_json(selector));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *object = api_fields_parse(data, size, NULL), *value;
    const char *key;

    if (object == NULL)
        return 0;
    json_object_foreach (object, key, value)
        read_field(object, key);
    char *text = json_dumps(object, JSON_COMPACT);
    json_t *again = api_fields_parse(text, strlen(text), NULL);
    if (again == NULL || !json_equal(object, again))
        abort();
    json_decref(again);
    free(text);
    json_decref(object);
    return 0;
}
