#include "common/vault/vault_probe.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/vault/content_list.h"
#include "common/vault/message_parts.h"
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

static int
probe_parts(const struct probe *probe, const struct buffer *parts, struct error *err)
{
    struct content_ref part;
    for (size_t i = 0; message_parts_at(parts, i, &part); i++)
        if (probe_plain(probe, &part, err) != 0)
            return -1;
    return 0;
}

int
vault_probe(struct vault_reader *reader, const struct content_ref *ref, uint64_t *chunks, struct error *err)
{
    const struct probe probe = { reader, chunks };
    CLEANUP(buffer_clear) struct buffer parts = BUFFER_INIT(MESSAGE_PARTS_CEILING);
    if (!ref->message)
        return probe_plain(&probe, ref, err);
    ++*chunks;
    return message_parts_read(reader, ref, &parts, err) != 0 ? -1 : probe_parts(&probe, &parts, err);
}

int
vault_probe_item(struct vault_reader *reader, const struct catalog_item *item, uint64_t *chunks, struct error *err)
{
    const struct probe probe = { reader, chunks };
    CLEANUP(buffer_clear) struct buffer parts = BUFFER_INIT(MESSAGE_PARTS_CEILING);
    if (!item->content.message || item->parts == NULL)
        return vault_probe(reader, &item->content, chunks, err);
    if (probe_plain(&probe, &item->content, err) != 0 || message_parts_of_item(item, &parts, err) != 0)
        return -1;
    return probe_parts(&probe, &parts, err);
}
