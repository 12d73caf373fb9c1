#include "common/vault/vault_probe.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/vault/content_list.h"
#include "common/vault/message_join.h"
#include "common/vault/vault_reader_internal.h"

#include <stdlib.h>
#include <string.h>

struct probe {
    struct vault_reader *reader;
    uint64_t *chunks;
};

static int
probe_chunks(const struct probe *probe, const struct content_list_node *node, struct error *err)
{
    struct chunk_id ids[READER_LOOKAHEAD];
    for (size_t at = 0; at < node->count;) {
        size_t n = 0;
        for (; n < READER_LOOKAHEAD && at + n < node->count; n++)
            ids[n] = node->entries[at + n].id;
        if (vault_reader_locate(probe->reader, ids, n, err) != 0)
            return -1;
        for (size_t i = 0; i < n; i++) {
            struct chunk_place place;
            if (vault_reader_place(probe->reader, &ids[i], &place, err) != 0)
                return -1;
            if (place.chunk_len != node->entries[at + i].len)
                return FAIL(err, ERROR_CORRUPT, 0, "a chunk has another length than its list says");
        }
        *probe->chunks += n;
        at += n;
    }
    return 0;
}

static int
probe_list(const struct probe *probe, const struct chunk_id *id, struct error *err)
{
    size_t len;
    const uint8_t *data = vault_reader_chunk(probe->reader, id, &len, err);
    if (data == NULL)
        return -1;
    CLEANUP(memory_free_p) struct content_list_node *node = MEMORY_NEW(struct content_list_node);
    if (content_list_decode(data, len, node, err) != 0)
        return -1;
    if (node->level == 0)
        return probe_chunks(probe, node, err);
    for (size_t i = 0; i < node->count; i++) {
        if (probe_list(probe, &node->entries[i].id, err) != 0)
            return -1;
    }
    return 0;
}

static int
probe_plain(const struct probe *probe, const struct content_ref *ref, struct error *err)
{
    struct chunk_place place;
    ++*probe->chunks;
    if (ref->form == CONTENT_LIST)
        return probe_list(probe, &ref->id, err);
    if (ref->form == CONTENT_CHUNK)
        return vault_reader_place(probe->reader, &ref->id, &place, err);
    return 0;
}

/* What a recipe takes from elsewhere, kept until the recipe is read: its reader is not to be used meanwhile. */
#define PARTS_CEILING ((size_t)64 << 20)

struct recipe {
    struct buffer refs;
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
    struct recipe *recipe = ctx;
    (void)join;
    return buffer_append(&recipe->refs, ref, sizeof(*ref), err);
}

int
vault_probe(struct vault_reader *reader, const struct content_ref *ref, uint64_t *chunks, struct error *err)
{
    static const struct message_join_vtable vtable = { on_message, on_part };
    const struct probe probe = { reader, chunks };
    struct content_ref plain = *ref;
    struct error why = ERROR_INIT;
    if (!ref->message)
        return probe_plain(&probe, ref, err);
    CLEANUP(buffer_clear) struct buffer refs = BUFFER_INIT(PARTS_CEILING);
    struct recipe recipe = { .refs = refs, .join = NULL };
    plain.len = UINT64_MAX;
    plain.message = false;
    ++*chunks;
    recipe.join = message_join_new(&vtable, &recipe);
    int failed = vault_reader_read_plain(reader, &plain, on_recipe, &recipe, &why);
    /* Without the parts' data the digest at the end cannot fit; everything before it was looked at. */
    if (failed != 0 && message_join_ended(recipe.join)) {
        failed = 0;
        error_clear(&why);
    }
    message_join_free(recipe.join);
    refs = recipe.refs;
    for (size_t at = 0; failed == 0 && at < refs.len; at += sizeof(plain)) {
        memcpy(&plain, refs.data + at, sizeof(plain));
        failed = probe_plain(&probe, &plain, &why);
    }
    if (failed != 0 && err != NULL)
        *err = why;
    return failed;
}

int
vault_probe_item(struct vault_reader *reader, const struct catalog_item *item, uint64_t *chunks, struct error *err)
{
    const struct probe probe = { reader, chunks };
    struct reader in = READER_INIT(item->parts, item->parts_len);
    struct content_ref part;
    if (!item->content.message || item->parts == NULL)
        return vault_probe(reader, &item->content, chunks, err);
    if (probe_plain(&probe, &item->content, err) != 0)
        return -1;
    while (reader_left(&in) > 0)
        if (content_decode(&in, &part, err) != 0 || probe_plain(&probe, &part, err) != 0)
            return -1;
    return 0;
}
