#include "common/vault/tree_node.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/varint.h"
#include "common/vault/vault_format.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC      'N'
#define VERSION    1
#define HEADER_LEN 3

/* Where nodes end. After the minimum each byte, or entry, is equally likely to be the last of its node, so that large
 * entries do not make large nodes. */
struct cut {
    size_t min, after; /* on average this much after the minimum */
};

static const struct cut cut_bytes = { 1024, 4096 };
static const struct cut cut_leaf = { 2048, 2048 };
static const struct cut cut_entries = { 4, 4 }; /* of nodes above leaves; not bytes */

int
tree_bytes_compare(struct tree_bytes a, struct tree_bytes b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

void
tree_node_free(struct tree_node *node)
{
    if (node == NULL)
        return;
    free(node->entries);
    free(node->bytes);
    free(node);
}

void
tree_node_free_p(struct tree_node **node)
{
    tree_node_free(*node);
    *node = NULL;
}

struct raw_entry {
    uint64_t shared, rest, value_len, count;
    const uint8_t *key, *value, *child;
};

static int
read_entry(struct reader *in, int level, struct raw_entry *raw)
{
    memset(raw, 0, sizeof(*raw));
    raw->shared = varint_get(in);
    raw->rest = varint_get(in);
    if (raw->shared > TREE_KEY_MAX || raw->rest > TREE_KEY_MAX - raw->shared)
        return -1;
    raw->key = reader_bytes(in, (size_t)raw->rest);
    if (level == 0) {
        raw->count = 1;
        raw->value_len = varint_get(in);
        if (raw->value_len > TREE_VALUE_MAX)
            return -1;
        raw->value = reader_bytes(in, (size_t)raw->value_len);
    } else {
        raw->child = reader_bytes(in, CHUNK_ID_LEN);
        raw->count = varint_get(in);
    }
    return in->failed || raw->count == 0 || raw->shared + raw->rest == 0 ? -1 : 0;
}

/* How many entries there are, and how many bytes their whole keys need. */
static int
measure(struct reader in, int level, size_t *count, size_t *key_bytes)
{
    struct raw_entry raw;
    uint64_t previous = 0;
    *count = *key_bytes = 0;
    while (reader_left(&in) > 0) {
        if (read_entry(&in, level, &raw) != 0 || raw.shared > previous)
            return -1;
        previous = raw.shared + raw.rest;
        *key_bytes += (size_t)previous;
        (*count)++;
    }
    return in.failed || *count == 0 ? -1 : 0;
}

/* The writer shares as much of the key before as it can: there is one encoding of a node. */
static bool
key_follows(struct tree_bytes before, struct tree_bytes key, size_t shared)
{
    size_t common = before.len < key.len ? before.len : key.len, same = 0;
    while (same < common && before.data[same] == key.data[same])
        same++;
    return same == shared && tree_bytes_compare(before, key) < 0;
}

static int
fill(struct tree_node *node, struct reader in, uint8_t *keys, uint8_t *values)
{
    struct raw_entry raw;
    struct tree_bytes before = { NULL, 0 };
    for (size_t i = 0; i < node->count; i++) {
        struct tree_entry *entry = &node->entries[i];
        if (read_entry(&in, node->level, &raw) != 0 || raw.shared > before.len)
            return -1;
        if (raw.shared > 0)
            memcpy(keys, before.data, (size_t)raw.shared);
        if (raw.rest > 0)
            memcpy(keys + raw.shared, raw.key, (size_t)raw.rest);
        entry->key = (struct tree_bytes){ keys, (size_t)(raw.shared + raw.rest) };
        entry->count = raw.count;
        if (i > 0 ? !key_follows(before, entry->key, (size_t)raw.shared) : raw.shared != 0)
            return -1;
        if (node->level == 0) {
            if (raw.value_len > 0)
                memcpy(values, raw.value, (size_t)raw.value_len);
            entry->value = (struct tree_bytes){ values, (size_t)raw.value_len };
            values += raw.value_len;
        } else {
            memcpy(entry->child.bytes, raw.child, CHUNK_ID_LEN);
        }
        before = entry->key;
        keys += before.len;
    }
    return 0;
}

struct tree_node *
tree_node_decode(const uint8_t *data, size_t len, struct error *err)
{
    size_t count, key_bytes;
    if (len < HEADER_LEN || len > TREE_NODE_CEILING || data[0] != MAGIC || data[1] != VERSION ||
        data[2] >= TREE_HEIGHT_MAX) {
        FAIL(err, ERROR_FORMAT, 0, "not a catalog node that this program reads");
        return NULL;
    }
    struct reader in = READER_INIT(data + HEADER_LEN, len - HEADER_LEN);
    if (measure(in, data[2], &count, &key_bytes) != 0) {
        FAIL(err, ERROR_FORMAT, 0, "a catalog node holds an impossible entry");
        return NULL;
    }
    /* A byte of input can stand for a key of TREE_KEY_MAX bytes; chunks are bounded, and this with them. */
    CLEANUP(tree_node_free_p) struct tree_node *node = MEMORY_NEW(struct tree_node);
    node->level = data[2];
    node->count = count;
    node->entries = memory_array(count, sizeof(node->entries[0]), (size_t)64 << 20, err);
    node->bytes = memory_array(1, key_bytes + len, (size_t)128 << 20, err);
    if (node->entries == NULL || node->bytes == NULL)
        return NULL;
    if (fill(node, in, node->bytes, node->bytes + key_bytes) != 0) {
        FAIL(err, ERROR_FORMAT, 0, "a catalog node's keys are not in order");
        return NULL;
    }
    return MOVE(node);
}

enum tree_rule
tree_rule_of(unsigned format_version)
{
    return format_version < VAULT_FORMAT_PATHS ? TREE_RULE_BYTES : TREE_RULE_PATHS;
}

void
tree_node_writer_begin(struct tree_node_writer *w, struct buffer *out, int level, enum tree_rule rule)
{
    w->out = out;
    w->rule = rule;
    w->level = level;
    w->count = 0;
    w->last_key_len = 0;
    w->entries_below = 0;
    out->len = 0;
}

/* FNV-1a over level and key, then a finaliser that spreads it. */
static uint64_t
boundary_hash(int level, struct tree_bytes key)
{
    uint64_t h = (0xcbf29ce484222325u ^ (uint64_t)level) * 0x100000001b3u;
    for (size_t i = 0; i < key.len; i++)
        h = (h ^ key.data[i]) * 0x100000001b3u;
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdu;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}

static bool
ends_here(const struct tree_node_writer *w, struct tree_bytes key, size_t entry_len)
{
    size_t len = w->out->len - HEADER_LEN;
    bool by_entries = w->rule == TREE_RULE_PATHS && w->level > 0;
    const struct cut *cut = by_entries ? &cut_entries : w->rule == TREE_RULE_PATHS ? &cut_leaf : &cut_bytes;
    size_t so_far = by_entries ? w->count : len, last = by_entries ? 1 : entry_len;
    if (len >= TREE_NODE_MAX)
        return true;
    if (so_far < cut->min || w->count < 2)
        return false;
    return last >= cut->after || boundary_hash(w->level, key) < UINT64_MAX / cut->after * (uint64_t)last;
}

int
tree_node_writer_add(struct tree_node_writer *w, const struct tree_entry *entry, bool *full, struct error *err)
{
    uint8_t head[2 * VARINT_MAX], tail[VARINT_MAX];
    size_t shared = 0, n = 0;
    if (entry->key.len == 0 || entry->key.len > TREE_KEY_MAX || entry->value.len > TREE_VALUE_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a catalog entry is too long");
    if (w->out->len == 0) {
        uint8_t header[HEADER_LEN] = { MAGIC, VERSION, (uint8_t)w->level };
        if (buffer_append(w->out, header, sizeof(header), err) != 0)
            return -1;
    }
    size_t before = w->out->len;
    while (shared < w->last_key_len && shared < entry->key.len && w->last_key[shared] == entry->key.data[shared])
        shared++;
    n = varint_put(head, shared);
    n += varint_put(head + n, entry->key.len - shared);
    int failed = buffer_append(w->out, head, n, err);
    if (failed == 0)
        failed = buffer_append(w->out, entry->key.data + shared, entry->key.len - shared, err);
    if (failed == 0 && w->level == 0) {
        failed = buffer_append(w->out, tail, varint_put(tail, entry->value.len), err);
        if (failed == 0)
            failed = buffer_append(w->out, entry->value.data, entry->value.len, err);
    } else if (failed == 0) {
        failed = buffer_append(w->out, entry->child.bytes, CHUNK_ID_LEN, err);
        if (failed == 0)
            failed = buffer_append(w->out, tail, varint_put(tail, entry->count), err);
    }
    if (failed != 0)
        return -1;
    w->count++;
    w->entries_below += entry->count;
    memcpy(w->last_key, entry->key.data, entry->key.len);
    w->last_key_len = entry->key.len;
    *full = ends_here(w, entry->key, w->out->len - before);
    return 0;
}
