#include "common/vault/content_stream.h"

#include "common/base/memory.h"
#include "common/crypto/digest.h"

#include <stdlib.h>
#include <string.h>

void
content_stream_init(struct content_stream *stream, struct vault_writer *writer, struct hmac *naming)
{
    memset(stream, 0, sizeof(*stream));
    stream->writer = writer;
    stream->naming = naming;
}

void
content_stream_clear(struct content_stream *stream)
{
    free(stream->data);
    for (int i = 0; i < CONTENT_LIST_LEVELS; i++)
        free(stream->levels[i]);
    memset(stream, 0, sizeof(*stream));
}

void
content_stream_begin(struct content_stream *stream, enum writer_class class)
{
    stream->class = class;
    stream->len = 0;
    stream->total = 0;
    for (int i = 0; i < CONTENT_LIST_LEVELS; i++) {
        if (stream->levels[i] != NULL)
            stream->levels[i]->count = 0;
    }
    /* Not cleared: pages that are never used cost nothing. */
    if (stream->data == NULL && (stream->data = malloc(CONTENT_STREAM_BUFFER)) == NULL)
        abort();
}

static int add_entry(struct content_stream *stream, int level, const struct content_list_entry *entry,
                     struct error *err);

static int
close_node(struct content_stream *stream, int level, struct error *err)
{
    struct content_list_node *node = stream->levels[level];
    uint8_t *bytes = memory_new(CONTENT_LIST_NODE_MAX);
    struct content_list_entry up = { .len = 0 };
    for (size_t i = 0; i < node->count; i++)
        up.len += node->entries[i].len;
    size_t len = content_list_encode(node, bytes);
    int failed = vault_writer_feed(stream->writer, stream->naming, CLASS_LIST, bytes, len, &up.id, err);
    free(bytes);
    node->count = 0;
    if (failed != 0)
        return -1;
    return add_entry(stream, level + 1, &up, err);
}

static int
add_entry(struct content_stream *stream, int level, const struct content_list_entry *entry, struct error *err)
{
    if (level == CONTENT_LIST_LEVELS)
        return FAIL(err, ERROR_LIMIT, 0, "a content is larger than a vault can hold");
    if (stream->levels[level] == NULL) {
        stream->levels[level] = MEMORY_NEW(struct content_list_node);
        stream->levels[level]->level = (uint8_t)level;
    }
    struct content_list_node *node = stream->levels[level];
    if (node->count == CONTENT_LIST_ENTRIES && close_node(stream, level, err) != 0)
        return -1;
    node->entries[node->count++] = *entry;
    return 0;
}

static int
emit(struct content_stream *stream, const uint8_t *data, size_t len, struct error *err)
{
    struct content_list_entry entry = { .len = len };
    if (vault_writer_feed(stream->writer, stream->naming, stream->class, data, len, &entry.id, err) != 0)
        return -1;
    stream->total += len;
    return add_entry(stream, 0, &entry, err);
}

/* Emits all chunks that are certain: with fewer than the longest chunk's bytes left a cut may still move. */
static int
drain(struct content_stream *stream, bool last, struct error *err)
{
    const struct vault *vault = stream->writer->vault;
    size_t at = 0;
    while (stream->len - at >= vault->sizes.max || (last && at < stream->len)) {
        size_t left = stream->len - at, len = left;
        if (stream->class == CLASS_FILE)
            len = chunker_cut(&vault->sizes, vault->gear, stream->data + at, left);
        else if (!last && left < CONTENT_STREAM_INDIVISIBLE)
            break;
        if (emit(stream, stream->data + at, len, err) != 0)
            return -1;
        at += len;
    }
    stream->len -= at;
    memmove(stream->data, stream->data + at, stream->len);
    return 0;
}

/* What is cut by content need not wait for as much as what is not: less memory is touched, and it stays in the cache.
 */
static size_t
wanted(const struct content_stream *stream)
{
    size_t enough = (size_t)stream->writer->vault->sizes.max / 2 * 3;
    return stream->class == CLASS_FILE ? enough : CONTENT_STREAM_BUFFER;
}

int
content_stream_write(struct content_stream *stream, const uint8_t *data, size_t len, struct error *err)
{
    size_t limit = wanted(stream);
    while (len > 0) {
        size_t room = limit - stream->len, n = len < room ? len : room;
        memcpy(stream->data + stream->len, data, n);
        stream->len += n;
        data += n;
        len -= n;
        if (stream->len == limit && drain(stream, false, err) != 0)
            return -1;
    }
    return 0;
}

static size_t
entries_at(const struct content_stream *stream, int level)
{
    return level < CONTENT_LIST_LEVELS && stream->levels[level] != NULL ? stream->levels[level]->count : 0;
}

int
content_stream_end(struct content_stream *stream, struct content_ref *ref, struct error *err)
{
    memset(ref, 0, sizeof(*ref));
    if (drain(stream, true, err) != 0)
        return -1;
    if (stream->total == 0) {
        ref->form = CONTENT_EMPTY;
        return 0;
    }
    int level = 0;
    while (entries_at(stream, level) != 1 || entries_at(stream, level + 1) != 0) {
        if (close_node(stream, level, err) != 0)
            return -1;
        level++;
    }
    ref->form = level == 0 ? CONTENT_CHUNK : CONTENT_LIST;
    ref->len = stream->total;
    ref->id = stream->levels[level]->entries[0].id;
    return 0;
}
