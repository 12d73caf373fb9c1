#include "common/vault/message_recipe.h"

#include "common/base/error.h"
#include "common/vault/varint.h"

/* False at the end, or when the rest is not understood. */
static bool
next_operation(struct reader *in, struct content_ref *largest)
{
    struct error ignored = ERROR_INIT;
    struct content_ref ref;
    uint8_t operation = reader_u8(in);
    switch (operation) {
    case RECIPE_TEXT:
        return reader_bytes(in, (size_t)varint_get(in)) != NULL;
    case RECIPE_BASE64:
    case RECIPE_BASE64_REF:
        (void)varint_get(in);
        (void)reader_u8(in);
        break;
    case RECIPE_QUOTED:
    case RECIPE_QUOTED_REF:
        (void)reader_bytes(in, RECIPE_STYLE_LEN);
        break;
    default:
        return false;
    }
    if (operation == RECIPE_BASE64 || operation == RECIPE_QUOTED)
        return reader_bytes(in, (size_t)varint_get(in)) != NULL;
    if (content_decode(in, &ref, &ignored) != 0)
        return false;
    if (ref.len > largest->len)
        *largest = ref;
    return true;
}

void
message_recipe_largest(const uint8_t *data, size_t len, struct content_ref *largest)
{
    struct reader in = READER_INIT(data, len);
    *largest = (struct content_ref){ .form = CONTENT_NONE };
    if (reader_u8(&in) > RECIPE_VERSION)
        return;
    while (reader_left(&in) > 0 && next_operation(&in, largest))
        continue;
}
