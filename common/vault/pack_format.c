#include "common/vault/pack_format.h"

#include "common/base/buffer.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/crypto/digest.h"
#include "common/vault/varint.h"

#include <string.h>

#define VERSION      1
#define HEADER_MAGIC "LHPK"
#define END_MAGIC    "LHPE"

static void
put_u32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> (8 * i));
}

void
pack_header_encode(const struct pack_header *header, uint8_t out[PACK_HEADER_LEN])
{
    memset(out, 0, PACK_HEADER_LEN);
    memcpy(out, HEADER_MAGIC, 4);
    out[4] = VERSION;
    put_u32(out + 8, header->epoch);
    memcpy(out + 16, header->name, PACK_NAME_BYTES);
    memcpy(out + 32, header->salt, PACK_SALT_LEN);
}

int
pack_header_decode(const uint8_t *data, size_t len, struct pack_header *header, struct error *err)
{
    if (len < PACK_HEADER_LEN || memcmp(data, HEADER_MAGIC, 4) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "not a pack");
    if (data[4] != VERSION)
        return FAIL(err, ERROR_UNSUPPORTED, data[4], "pack version %u; this program reads version %d. Update it",
                    data[4], VERSION);
    struct reader in = READER_INIT(data + 5, PACK_HEADER_LEN - 5);
    uint8_t flags[3];
    memcpy(flags, reader_bytes(&in, 3), 3);
    header->epoch = reader_u32(&in);
    uint32_t reserved = reader_u32(&in);
    memcpy(header->name, reader_bytes(&in, PACK_NAME_BYTES), PACK_NAME_BYTES);
    memcpy(header->salt, reader_bytes(&in, PACK_SALT_LEN), PACK_SALT_LEN);
    if ((flags[0] | flags[1] | flags[2]) != 0 || reserved != 0)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "the pack uses a feature that this program does not know. Update it");
    return 0;
}

void
pack_name_text(const uint8_t name[PACK_NAME_BYTES], char out[PACK_NAME_LEN])
{
    encoding_hex(name, PACK_NAME_BYTES, out);
}

int
pack_name_parse(const char *text, uint8_t name[PACK_NAME_BYTES])
{
    if (strlen(text) != PACK_NAME_LEN - 1 || strspn(text, "0123456789abcdef") != PACK_NAME_LEN - 1)
        return -1;
    return encoding_unhex(text, name, PACK_NAME_BYTES);
}

int
pack_directory_begin_group(struct buffer *directory, uint32_t stored, uint32_t chunk_count, struct error *err)
{
    uint8_t bytes[2 * VARINT_MAX];
    size_t n = varint_put(bytes, stored);
    n += varint_put(bytes + n, chunk_count);
    return buffer_append(directory, bytes, n, err);
}

int
pack_directory_add_chunk(struct buffer *directory, const struct pack_chunk *chunk, struct error *err)
{
    uint8_t bytes[VARINT_MAX + CHUNK_ID_LEN];
    size_t n = varint_put(bytes, chunk->len);
    memcpy(bytes + n, chunk->id.bytes, CHUNK_ID_LEN);
    return buffer_append(directory, bytes, n + CHUNK_ID_LEN, err);
}

#define TRAILER_FIELDS (4 + 4 + PACK_DIRECTORY_TAG)

static void
compute_digest(const uint8_t *header, const uint8_t *directory, size_t len, uint8_t out[DIGEST_LEN])
{
    struct digest *digest = digest_new();
    digest_update(digest, header, PACK_HEADER_LEN);
    digest_update(digest, directory, len);
    digest_final(digest, out);
    digest_free(digest);
}

int
pack_trailer_append(const struct pack_trailer *trailer, const uint8_t header[PACK_HEADER_LEN], const uint8_t *directory,
                    struct buffer *out, struct error *err)
{
    uint8_t bytes[PACK_TRAILER_LEN], full[DIGEST_LEN];
    put_u32(bytes, trailer->directory_len);
    put_u32(bytes + 4, trailer->groups);
    memcpy(bytes + 8, trailer->tag, PACK_DIRECTORY_TAG);
    struct digest *digest = digest_new();
    digest_update(digest, header, PACK_HEADER_LEN);
    digest_update(digest, directory, trailer->directory_len);
    digest_update(digest, bytes, TRAILER_FIELDS);
    digest_final(digest, full);
    digest_free(digest);
    memcpy(bytes + TRAILER_FIELDS, full, DIGEST_LEN);
    memcpy(bytes + TRAILER_FIELDS + DIGEST_LEN, END_MAGIC, 4);
    return buffer_append(out, bytes, sizeof(bytes), err);
}

int
pack_trailer_decode(const uint8_t *data, uint64_t pack_size, struct pack_trailer *trailer, struct error *err)
{
    struct reader in = READER_INIT(data, PACK_TRAILER_LEN);
    trailer->directory_len = reader_u32(&in);
    trailer->groups = reader_u32(&in);
    memcpy(trailer->tag, reader_bytes(&in, PACK_DIRECTORY_TAG), PACK_DIRECTORY_TAG);
    if (memcmp(data + PACK_TRAILER_LEN - 4, END_MAGIC, 4) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "the pack's end is missing: it was cut off or overwritten");
    uint64_t around = PACK_HEADER_LEN + PACK_TRAILER_LEN;
    if (pack_size < around || pack_size > PACK_MAX_BYTES || trailer->directory_len > pack_size - around ||
        trailer->groups == 0 || trailer->groups > PACK_MAX_GROUPS)
        return FAIL(err, ERROR_FORMAT, 0, "the pack's trailer holds impossible sizes");
    return 0;
}

bool
pack_directory_intact(const uint8_t header[PACK_HEADER_LEN], const uint8_t *directory, size_t len)
{
    uint8_t digest[DIGEST_LEN];
    size_t covered = len - PACK_TRAILER_LEN + TRAILER_FIELDS;
    compute_digest(header, directory, covered, digest);
    return memcmp(digest, directory + covered, DIGEST_LEN) == 0;
}

int
pack_directory_size(const uint8_t *directory, const struct pack_trailer *trailer, uint64_t *size, struct error *err)
{
    struct reader in = READER_INIT(directory, trailer->directory_len);
    uint64_t total = PACK_HEADER_LEN + trailer->directory_len + (uint64_t)PACK_TRAILER_LEN;
    for (uint32_t i = 0; i < trailer->groups && !in.failed && total <= PACK_MAX_BYTES; i++) {
        uint64_t stored = varint_get(&in), chunks = varint_get(&in);
        total += stored > PACK_MAX_BYTES ? PACK_MAX_BYTES : stored;
        for (; chunks > 0 && !in.failed; chunks--) {
            (void)varint_get(&in);
            (void)reader_bytes(&in, CHUNK_ID_LEN);
        }
    }
    if (in.failed || total > PACK_MAX_BYTES)
        return FAIL(err, ERROR_FORMAT, 0, "the pack's directory does not fit a pack");
    *size = total;
    return 0;
}

struct walk {
    struct reader in;
    uint64_t offset, end; /* of groups */
    uint32_t total_chunks;
};

static int
walk_chunks(struct walk *walk, struct pack_group *group, pack_chunk_fn *on_chunk, void *ctx, struct error *err)
{
    uint32_t offset = 0;
    for (uint32_t i = 0; i < group->chunk_count; i++) {
        uint64_t len = varint_get(&walk->in);
        const uint8_t *id = reader_bytes(&walk->in, CHUNK_ID_LEN);
        if (id == NULL || len == 0 || len > CHUNK_MAX_BYTES || offset + len > GROUP_MAX_RAW)
            return FAIL(err, ERROR_FORMAT, 0, "the pack's directory holds an impossible chunk");
        struct pack_chunk chunk = { .len = (uint32_t)len };
        memcpy(chunk.id.bytes, id, CHUNK_ID_LEN);
        if (on_chunk != NULL && on_chunk(ctx, group, &chunk, offset, err) != 0)
            return -1;
        offset += chunk.len;
    }
    return 0;
}

/* The group's uncompressed size is the sum of its chunks: one look ahead, so that callbacks know it. */
static uint32_t
raw_size(struct reader in, uint64_t chunk_count)
{
    uint64_t raw = 0;
    for (uint64_t i = 0; i < chunk_count && !in.failed && raw <= GROUP_MAX_RAW; i++) {
        raw += varint_get(&in);
        (void)reader_bytes(&in, CHUNK_ID_LEN);
    }
    return in.failed || raw > GROUP_MAX_RAW ? 0 : (uint32_t)raw;
}

static int
walk_group(struct walk *walk, uint32_t ordinal, pack_group_fn *on_group, pack_chunk_fn *on_chunk, void *ctx,
           struct error *err)
{
    uint64_t stored = varint_get(&walk->in), chunk_count = varint_get(&walk->in);
    if (walk->in.failed || stored <= PACK_GROUP_OVERHEAD || stored > walk->end - walk->offset || chunk_count == 0 ||
        chunk_count > PACK_MAX_CHUNKS - walk->total_chunks)
        return FAIL(err, ERROR_FORMAT, 0, "the pack's directory holds an impossible group");
    struct pack_group group = {
        .ordinal = ordinal,
        .offset = (uint32_t)walk->offset,
        .stored = (uint32_t)stored,
        .raw = raw_size(walk->in, chunk_count),
        .chunk_count = (uint32_t)chunk_count,
    };
    walk->total_chunks += group.chunk_count;
    walk->offset += stored;
    if (group.raw == 0)
        return FAIL(err, ERROR_FORMAT, 0, "the pack's directory holds an impossible group");
    if (on_group != NULL && on_group(ctx, &group, err) != 0)
        return -1;
    return walk_chunks(walk, &group, on_chunk, ctx, err);
}

int
pack_directory_walk(const struct pack_parts *parts, pack_group_fn *on_group, pack_chunk_fn *on_chunk, void *ctx,
                    struct error *err)
{
    struct pack_trailer trailer;
    if (parts->directory_len < PACK_TRAILER_LEN)
        return FAIL(err, ERROR_FORMAT, 0, "the pack is shorter than its trailer");
    size_t directory_len = parts->directory_len - PACK_TRAILER_LEN;
    const uint8_t *end = parts->directory + directory_len;
    if (pack_trailer_decode(end, parts->size, &trailer, err) != 0)
        return -1;
    if (trailer.directory_len != directory_len)
        return FAIL(err, ERROR_FORMAT, 0, "the pack's directory has another length than its trailer says");
    if (!pack_directory_intact(parts->header, parts->directory, parts->directory_len))
        return FAIL(err, ERROR_CORRUPT, 0, "the pack's directory is damaged");
    struct walk walk = {
        .in = READER_INIT(parts->directory, directory_len),
        .offset = PACK_HEADER_LEN,
        .end = parts->size - directory_len - PACK_TRAILER_LEN,
    };
    for (uint32_t i = 0; i < trailer.groups; i++) {
        if (walk_group(&walk, i, on_group, on_chunk, ctx, err) != 0)
            return -1;
    }
    if (reader_left(&walk.in) != 0 || walk.offset != walk.end)
        return FAIL(err, ERROR_FORMAT, 0, "the pack's groups do not fill it");
    return 0;
}
