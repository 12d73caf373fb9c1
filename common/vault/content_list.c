#include "common/vault/content_list.h"

#include "common/base/error.h"
#include "common/vault/varint.h"

#include <string.h>

#define MAGIC   'L'
#define VERSION 1

size_t
content_list_encode(const struct content_list_node *node, uint8_t *out)
{
    size_t n = 0;
    out[n++] = MAGIC;
    out[n++] = VERSION;
    out[n++] = node->level;
    n += varint_put(out + n, node->count);
    for (size_t i = 0; i < node->count; i++) {
        n += varint_put(out + n, node->entries[i].len);
        memcpy(out + n, node->entries[i].id.bytes, CHUNK_ID_LEN);
        n += CHUNK_ID_LEN;
    }
    return n;
}

int
content_list_decode(const uint8_t *data, size_t len, struct content_list_node *node, struct error *err)
{
    struct reader in = READER_INIT(data, len);
    uint8_t magic = reader_u8(&in), version = reader_u8(&in);
    node->level = reader_u8(&in);
    uint64_t count = varint_get(&in);
    if (in.failed || magic != MAGIC || version != VERSION || node->level >= CONTENT_LIST_LEVELS || count == 0 ||
        count > CONTENT_LIST_ENTRIES)
        return FAIL(err, ERROR_FORMAT, 0, "not a list of chunks that this program reads");
    node->count = (size_t)count;
    uint64_t total = 0;
    for (size_t i = 0; i < node->count; i++) {
        struct content_list_entry *entry = &node->entries[i];
        entry->len = varint_get(&in);
        const uint8_t *id = reader_bytes(&in, CHUNK_ID_LEN);
        bool too_long = node->level == 0 && entry->len > CHUNK_MAX_BYTES;
        if (id == NULL || entry->len == 0 || too_long || __builtin_add_overflow(total, entry->len, &total))
            return FAIL(err, ERROR_FORMAT, 0, "a list of chunks holds an impossible entry");
        memcpy(entry->id.bytes, id, CHUNK_ID_LEN);
    }
    if (reader_left(&in) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "a list of chunks is longer than it says");
    return 0;
}
