#include "common/vault/vault_reader.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/aead.h"
#include "common/crypto/digest.h"
#include "common/vault/content_list.h"
#include "common/vault/group_codec.h"
#include "common/vault/message_join.h"
#include "common/vault/vault_reader_internal.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_CACHE ((size_t)16 << 20)
#define LEAST_CACHE   ((size_t)2 << 20)

struct vault_reader *
vault_reader_open(struct vault *vault, size_t cache_bytes, struct error *err)
{
    (void)err;
    struct vault_reader *reader = MEMORY_NEW(struct vault_reader);
    reader->vault = vault;
    reader->naming = vault_naming(vault);
    reader->decoder = group_decoder_new();
    reader->cache_bytes = cache_bytes == 0 ? DEFAULT_CACHE : cache_bytes;
    if (reader->cache_bytes < LEAST_CACHE)
        reader->cache_bytes = LEAST_CACHE;
    reader->places = memory_new(READER_PLACES * sizeof(reader->places[0]));
    buffer_init(&reader->sealed, GROUP_MAX_RAW * 2);
    return reader;
}

void
vault_reader_close(struct vault_reader *reader)
{
    if (reader == NULL)
        return;
    vault_reader_cache_clear(reader);
    for (int i = 0; i < READER_PACKS; i++)
        aead_free(reader->keys[i].aead);
    free(reader->spare);
    hmac_free(reader->naming);
    group_decoder_free(reader->decoder);
    buffer_clear(&reader->sealed);
    free(reader->places);
    free(reader);
}

void
vault_reader_close_p(struct vault_reader **reader)
{
    vault_reader_close(*reader);
    *reader = NULL;
}

#define ANY_LENGTH UINT64_MAX /* of a recipe: its reference tells the length of the message */

static int
read_chunk(struct vault_reader *reader, const struct chunk_id *id, uint64_t expected, vault_sink_fn *sink, void *ctx,
           struct error *err)
{
    size_t len;
    const uint8_t *data = vault_reader_chunk(reader, id, &len, err);
    if (data == NULL)
        return -1;
    if (expected != ANY_LENGTH && len != expected)
        return FAIL(err, ERROR_CORRUPT, 0, "a chunk has another length than its list says");
    return sink(ctx, data, len, err);
}

/* Locates and fetches what comes next of a list: as much as a part of the cache holds. */
static int
look_ahead(struct vault_reader *reader, const struct content_list_node *node, size_t from, size_t *until,
           struct error *err)
{
    struct chunk_place places[READER_FETCH];
    const struct chunk_place *pointers[READER_FETCH] = { NULL };
    size_t raw = 0, n = 0, i = from;
    for (; i < node->count && n < READER_FETCH; i++) {
        struct chunk_place *place = &places[n];
        struct error missing = ERROR_INIT;
        if (vault_reader_place(reader, &node->entries[i].id, place, &missing) != 0) {
            if (missing.kind == ERROR_NOT_FOUND)
                break;
            if (err != NULL)
                *err = missing;
            return -1;
        }
        if (vault_reader_has_group(pointers, n, place))
            continue;
        if (n > 0 && raw + place->group_raw > reader->cache_bytes / 2)
            break;
        raw += place->group_raw;
        pointers[n] = place;
        n++;
    }
    *until = i;
    return vault_reader_fetch(reader, pointers, n, err);
}

static int read_node(struct vault_reader *reader, const struct content_list_entry *at, int level, vault_sink_fn *sink,
                     void *ctx, struct error *err);

static int
read_entries(struct vault_reader *reader, const struct content_list_node *node, vault_sink_fn *sink, void *ctx,
             struct error *err)
{
    size_t located = 0, fetched = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct content_list_entry *entry = &node->entries[i];
        if (node->level > 0) {
            if (read_node(reader, entry, node->level - 1, sink, ctx, err) != 0)
                return -1;
            continue;
        }
        if (i >= located) {
            struct chunk_id ids[READER_LOOKAHEAD];
            size_t n = 0;
            for (; n < READER_LOOKAHEAD && i + n < node->count; n++)
                ids[n] = node->entries[i + n].id;
            if (vault_reader_locate(reader, ids, n, err) != 0)
                return -1;
            located = i + n;
        }
        if (i >= fetched && look_ahead(reader, node, i, &fetched, err) != 0)
            return -1;
        if (read_chunk(reader, &entry->id, entry->len, sink, ctx, err) != 0)
            return -1;
    }
    return 0;
}

/* level: the one expected, or -1 for any (the top). */
static int
read_node(struct vault_reader *reader, const struct content_list_entry *at, int level, vault_sink_fn *sink, void *ctx,
          struct error *err)
{
    size_t len;
    uint64_t total = 0;
    const uint8_t *data = vault_reader_chunk(reader, &at->id, &len, err);
    if (data == NULL)
        return -1;
    CLEANUP(memory_free_p) struct content_list_node *node = malloc(sizeof(*node));
    if (node == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "no memory for a list of chunks");
    if (content_list_decode(data, len, node, err) != 0)
        return -1;
    for (size_t i = 0; i < node->count; i++)
        total += node->entries[i].len;
    if ((at->len != ANY_LENGTH && total != at->len) || (level >= 0 && node->level != level))
        return FAIL(err, ERROR_CORRUPT, 0, "a list of chunks does not fit what refers to it");
    return read_entries(reader, node, sink, ctx, err);
}

int
vault_reader_read_plain(struct vault_reader *reader, const struct content_ref *ref, vault_sink_fn *sink, void *ctx,
                        struct error *err)
{
    struct content_list_entry top = { .len = ref->len, .id = ref->id };
    switch (ref->form) {
    case CONTENT_NONE:
        return FAIL(err, ERROR_NOT_FOUND, 0, "the item has no content");
    case CONTENT_EMPTY:
        return 0;
    case CONTENT_CHUNK:
        return read_chunk(reader, &ref->id, ref->len, sink, ctx, err);
    case CONTENT_LIST:
        return read_node(reader, &top, -1, sink, ctx, err);
    }
    return FAIL(err, ERROR_FORMAT, 0, "a content reference of an unknown form");
}

/* A message that is being rebuilt. */
struct rebuild {
    struct vault_reader *reader;
    struct message_join *join;
    vault_sink_fn *sink;
    void *ctx;
};

static int
on_recipe(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    const struct rebuild *rebuild = ctx;
    return message_join_write(rebuild->join, data, len, err);
}

static int
on_message(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    const struct rebuild *rebuild = ctx;
    return rebuild->sink(rebuild->ctx, data, len, err);
}

static int
on_part(void *ctx, struct message_join *join, const struct content_ref *ref, struct error *err)
{
    const struct rebuild *rebuild = ctx;
    return vault_reader_read_plain(rebuild->reader, ref, message_join_part, join, err);
}

int
vault_reader_read_recipe(struct vault_reader *reader, const struct content_ref *ref, vault_sink_fn *sink, void *ctx,
                         struct error *err)
{
    struct content_ref recipe = *ref;
    recipe.len = ANY_LENGTH;
    return vault_reader_read_plain(reader, &recipe, sink, ctx, err);
}

int
vault_reader_read_held(struct vault_reader *reader, const struct content_ref *ref, const struct reader_recipe *held,
                       vault_sink_fn *sink, void *ctx, struct error *err)
{
    static const struct message_join_vtable vtable = { on_message, on_part };
    if (!ref->message)
        return vault_reader_read_plain(reader, ref, sink, ctx, err);
    struct rebuild rebuild = { reader, NULL, sink, ctx };
    rebuild.join = message_join_new(&vtable, &rebuild);
    int failed = held != NULL && held->data != NULL ? message_join_write(rebuild.join, held->data, held->len, err)
                                                    : vault_reader_read_recipe(reader, ref, on_recipe, &rebuild, err);
    if (failed == 0)
        failed = message_join_end(rebuild.join, ref->len, err);
    message_join_free(rebuild.join);
    return failed;
}

int
vault_reader_read(struct vault_reader *reader, const struct content_ref *ref, vault_sink_fn *sink, void *ctx,
                  struct error *err)
{
    return vault_reader_read_held(reader, ref, NULL, sink, ctx, err);
}

static int
append_block(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    return buffer_append(ctx, data, len, err);
}

int
vault_reader_get(struct vault_reader *reader, const struct content_ref *ref, size_t ceiling, uint8_t **data,
                 size_t *len, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer all = BUFFER_INIT(ceiling);
    if (ref->len > ceiling)
        return FAIL(err, ERROR_LIMIT, 0, "a content of %llu bytes; %zu are possible here", (unsigned long long)ref->len,
                    ceiling);
    if (vault_reader_read(reader, ref, append_block, &all, err) != 0 || buffer_reserve(&all, 0, err) != 0)
        return -1;
    *data = buffer_take(&all, len);
    if (*data == NULL)
        *data = memory_new(1);
    return 0;
}
