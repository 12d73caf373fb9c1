#include "common/vault/message_parts.h"

#include "common/base/error.h"
#include "common/base/reader.h"
#include "common/vault/message_join.h"
#include "common/vault/vault_reader_internal.h"

#include <string.h>

struct recipe {
    struct buffer *parts;
    struct message_join *join;
};

static int
on_recipe(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    const struct recipe *recipe = ctx;
    return message_join_write(recipe->join, data, len, err);
}

static int
on_message(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    (void)ctx;
    (void)data;
    (void)len;
    (void)err;
    return 0;
}

static int
on_part(void *ctx, struct message_join *join, const struct content_ref *ref, struct error *err)
{
    const struct recipe *recipe = ctx;
    (void)join;
    return buffer_append(recipe->parts, ref, sizeof(*ref), err);
}

/* Without the parts' bytes the digest at the recipe's end cannot fit; everything before it was looked at, and each of
 * its chunks was checked against its name. */
int
message_parts_read(struct vault_reader *reader, const struct content_ref *ref, struct buffer *parts, struct error *err)
{
    static const struct message_join_vtable vtable = { on_message, on_part };
    struct recipe recipe = { .parts = parts, .join = NULL };
    struct error why = ERROR_INIT;
    size_t before = parts->len;
    recipe.join = message_join_new(&vtable, &recipe);
    int failed = vault_reader_read_recipe(reader, ref, on_recipe, &recipe, &why);
    bool ended = message_join_ended(recipe.join);
    message_join_free(recipe.join);
    if (ended)
        return 0;
    if (failed == 0)
        FAIL(&why, ERROR_CORRUPT, 0, "a message's recipe has no end");
    parts->len = before;
    if (err != NULL)
        *err = why;
    return -1;
}

int
message_parts_of_item(const struct catalog_item *item, struct buffer *parts, struct error *err)
{
    struct reader in = READER_INIT(item->parts, item->parts_len);
    struct content_ref part;
    while (reader_left(&in) > 0)
        if (content_decode(&in, &part, err) != 0 || buffer_append(parts, &part, sizeof(part), err) != 0)
            return -1;
    return 0;
}

bool
message_parts_at(const struct buffer *parts, size_t at, struct content_ref *part)
{
    if (at >= parts->len / sizeof(*part))
        return false;
    memcpy(part, parts->data + at * sizeof(*part), sizeof(*part));
    return true;
}
