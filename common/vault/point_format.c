#include "common/vault/point_format.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/crypto/aead.h"
#include "common/crypto/digest.h"
#include "common/vault/tree_node.h"
#include "common/vault/varint.h"

#include <stdio.h>
#include <string.h>

#define VERSION 1

static int
add_text(struct buffer *out, const char *text, struct error *err)
{
    size_t len = strlen(text);
    return buffer_append_u8(out, (uint8_t)len, err) != 0 ? -1 : buffer_append(out, text, len, err);
}

static void
get_text(struct reader *in, char *out, size_t size)
{
    size_t len = reader_u8(in);
    const uint8_t *text = len < size ? reader_bytes(in, len) : NULL;
    if (text == NULL || memchr(text, '\0', len) != NULL) {
        in->failed = true;
        out[0] = '\0';
        return;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}

int
point_format_encode_header(const struct point_header *header, const uint8_t salt[POINT_SALT_LEN], size_t sealed_len,
                           struct buffer *out, struct error *err)
{
    if (!identifier_valid(header->id) || !identifier_valid(header->vault_id) || !identifier_valid(header->scope))
        return FAIL(err, ERROR_USAGE, 0, "a recovery point needs valid ids of itself, its vault and its object");
    return buffer_append(out, "LHPT", 4, err) != 0 || buffer_append_u32(out, VERSION, err) != 0 ||
                   add_text(out, header->id, err) != 0 || add_text(out, header->vault_id, err) != 0 ||
                   add_text(out, header->scope, err) != 0 || buffer_append_u64(out, header->fence, err) != 0 ||
                   buffer_append_u64(out, (uint64_t)header->created_ms, err) != 0 ||
                   buffer_append(out, salt, POINT_SALT_LEN, err) != 0 ||
                   buffer_append_u32(out, (uint32_t)sealed_len, err) != 0
               ? -1
               : 0;
}

int
point_format_append_digest(struct buffer *out, struct error *err)
{
    uint8_t digest[DIGEST_LEN];
    digest_sha256(out->data, out->len, digest);
    return buffer_append(out, digest, sizeof(digest), err);
}

int
point_format_decode(const uint8_t *data, size_t len, struct point_header *header, struct point_parts *parts,
                    struct error *err)
{
    struct reader in = READER_INIT(data, len);
    const uint8_t *magic = reader_bytes(&in, 4);
    if (magic == NULL || memcmp(magic, "LHPT", 4) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "not a recovery point");
    uint32_t version = reader_u32(&in);
    if (version != VERSION)
        return FAIL(err, ERROR_UNSUPPORTED, (int)version,
                    "a recovery point of version %u; this program reads %d. "
                    "Update it",
                    version, VERSION);
    get_text(&in, header->id, sizeof(header->id));
    get_text(&in, header->vault_id, sizeof(header->vault_id));
    get_text(&in, header->scope, sizeof(header->scope));
    header->fence = reader_u64(&in);
    header->created_ms = (int64_t)reader_u64(&in);
    parts->salt = reader_bytes(&in, POINT_SALT_LEN);
    parts->sealed_len = reader_u32(&in);
    parts->header_len = in.at;
    parts->sealed = reader_bytes(&in, parts->sealed_len);
    const uint8_t *stored = reader_bytes(&in, DIGEST_LEN);
    if (in.failed || reader_left(&in) != 0 || parts->sealed_len < AEAD_TAG_LEN || parts->sealed == NULL)
        return FAIL(err, ERROR_FORMAT, 0, "a recovery point has a wrong length");
    uint8_t digest[DIGEST_LEN];
    digest_sha256(data, len - DIGEST_LEN, digest);
    if (memcmp(digest, stored, DIGEST_LEN) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "the recovery point is damaged");
    if (!identifier_valid(header->id) || !identifier_valid(header->vault_id) || !identifier_valid(header->scope))
        return FAIL(err, ERROR_FORMAT, 0, "a recovery point holds impossible ids");
    return 0;
}

int
point_header_decode(const uint8_t *data, size_t len, struct point_header *header, struct error *err)
{
    struct point_parts parts;
    return point_format_decode(data, len, header, &parts, err);
}

static int
add_varint(struct buffer *out, uint64_t v, struct error *err)
{
    uint8_t bytes[VARINT_MAX];
    return buffer_append(out, bytes, varint_put(bytes, v), err);
}

static int
add_root(struct buffer *out, const struct tree_root *root, struct error *err)
{
    if (buffer_append_u8(out, root->height, err) != 0 || add_varint(out, root->count, err) != 0)
        return -1;
    return buffer_append(out, root->id.bytes, CHUNK_ID_LEN, err);
}

static void
get_root(struct reader *in, struct tree_root *root)
{
    root->height = reader_u8(in);
    root->count = varint_get(in);
    const uint8_t *id = reader_bytes(in, CHUNK_ID_LEN);
    if (id != NULL)
        memcpy(root->id.bytes, id, CHUNK_ID_LEN);
    if (root->height > TREE_HEIGHT_MAX || (root->height == 0) != (root->count == 0))
        in->failed = true;
}

/* In the order of the format; later versions add at the end. */
#define COUNTS 11
static void
counts_of(struct point_counts *counts, uint64_t *out[COUNTS])
{
    uint64_t *all[COUNTS] = {
        &counts->items,         &counts->bytes,         &counts->items_new,    &counts->items_changed,
        &counts->items_deleted, &counts->items_skipped, &counts->items_failed, &counts->bytes_read,
        &counts->bytes_stored,  &counts->items_damaged, &counts->quarantine,
    };
    memcpy(out, all, sizeof(all));
}

int
point_format_encode_body(const struct point *point, struct buffer *out, struct error *err)
{
    struct point_counts counts = point->counts;
    uint64_t *all[COUNTS];
    counts_of(&counts, all);
    if (add_text(out, point->previous, err) != 0 || add_text(out, point->tool_version, err) != 0 ||
        add_root(out, &point->catalog.items, err) != 0 || add_root(out, &point->catalog.children, err) != 0 ||
        buffer_append_u8(out, COUNTS, err) != 0)
        return -1;
    for (int i = 0; i < COUNTS; i++) {
        if (add_varint(out, *all[i], err) != 0)
            return -1;
    }
    if (content_encode(&point->cursor, out, err) != 0 || content_encode(&point->outcomes, out, err) != 0)
        return -1;
    return point->copied_from[0] == '\0' ? 0 : add_text(out, point->copied_from, err);
}

int
point_format_decode_body(const uint8_t *data, size_t len, struct point *point, struct error *err)
{
    struct reader in = READER_INIT(data, len);
    uint64_t *all[COUNTS];
    counts_of(&point->counts, all);
    get_text(&in, point->previous, sizeof(point->previous));
    get_text(&in, point->tool_version, sizeof(point->tool_version));
    get_root(&in, &point->catalog.items);
    get_root(&in, &point->catalog.children);
    unsigned given = reader_u8(&in);
    for (unsigned i = 0; i < given; i++) {
        uint64_t value = varint_get(&in);
        if (i < COUNTS)
            *all[i] = value;
    }
    if (in.failed || (point->previous[0] != '\0' && !identifier_valid(point->previous)))
        return FAIL(err, ERROR_FORMAT, 0, "a recovery point's body is malformed");
    if (content_decode(&in, &point->cursor, err) != 0 || content_decode(&in, &point->outcomes, err) != 0)
        return -1;
    if (reader_left(&in) > 0) {
        get_text(&in, point->copied_from, sizeof(point->copied_from));
        if (in.failed || !identifier_valid(point->copied_from))
            return FAIL(err, ERROR_FORMAT, 0, "a recovery point's body is malformed");
    }
    return reader_left(&in) == 0 ? 0 : FAIL(err, ERROR_FORMAT, 0, "a recovery point's body is longer than it says");
}
