#include "common/vault/retire_journal.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/base/secret.h"
#include "common/crypto/digest.h"
#include "common/vault/vault_internal.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC       "LHRT"
#define VERSION     1
#define PACK_RECORD (PACK_NAME_BYTES + 4)

static const char *const kind_names[] = {
    [RETIRE_RECORD] = "retire", [RETIRE_UNDO] = "undo", [RETIRE_CLOSE] = "close",
    [RETIRE_KEEP] = "keep",     [RETIRE_DONE] = "done",
};

void
retire_object_clear(struct retire_object *object)
{
    free(object->points);
    free(object->packs);
    memset(object, 0, sizeof(*object));
}

static int
compare_points(const void *a, const void *b)
{
    return strcmp(((const struct retire_point *)a)->id, ((const struct retire_point *)b)->id);
}

static int
compare_packs(const void *a, const void *b)
{
    return memcmp(((const struct retire_pack *)a)->name, ((const struct retire_pack *)b)->name, PACK_NAME_BYTES);
}

/* Which kinds list what. */
static bool
counts_fit(const struct retire_object *object)
{
    bool points = object->kind == RETIRE_RECORD, packs = points || object->kind == RETIRE_KEEP;
    return (points || (object->point_count == 0 && object->undo_ms == 0)) && (packs || object->pack_count == 0) &&
           object->point_count <= RETIRE_POINTS_MAX && object->pack_count <= RETIRE_PACKS_MAX && object->epoch > 0 &&
           object->epoch < UINT64_MAX;
}

static bool
is_ascending(const struct retire_object *object)
{
    for (size_t i = 1; i < object->point_count; i++)
        if (compare_points(&object->points[i - 1], &object->points[i]) >= 0)
            return false;
    for (size_t i = 1; i < object->pack_count; i++)
        if (compare_packs(&object->packs[i - 1], &object->packs[i]) >= 0)
            return false;
    return true;
}

static int
add_text(struct buffer *out, const char *text, struct error *err)
{
    size_t len = strlen(text);
    return buffer_append_u8(out, (uint8_t)len, err) != 0 ? -1 : buffer_append(out, text, len, err);
}

static int
encode_lists(const struct retire_object *object, struct buffer *out, struct error *err)
{
    for (size_t i = 0; i < object->point_count; i++) {
        if (!identifier_valid(object->points[i].id))
            return FAIL(err, ERROR_USAGE, 0, "a point to retire has no valid id");
        if (add_text(out, object->points[i].id, err) != 0)
            return -1;
    }
    for (size_t i = 0; i < object->pack_count; i++)
        if (buffer_append(out, object->packs[i].name, PACK_NAME_BYTES, err) != 0 ||
            buffer_append_u32(out, object->packs[i].size, err) != 0)
            return -1;
    return 0;
}

int
retire_object_encode(const struct vault *vault, struct retire_object *object, struct buffer *out, struct error *err)
{
    uint8_t mac[DIGEST_LEN];
    if (!counts_fit(object))
        return FAIL(err, ERROR_LIMIT, 0, "a retire journal object of %zu points and %zu packs", object->point_count,
                    object->pack_count);
    if (object->point_count > 0)
        qsort(object->points, object->point_count, sizeof(object->points[0]), compare_points);
    if (object->pack_count > 0)
        qsort(object->packs, object->pack_count, sizeof(object->packs[0]), compare_packs);
    if (!is_ascending(object))
        return FAIL(err, ERROR_USAGE, 0, "a point or pack is retired twice");
    snprintf(object->vault_id, sizeof(object->vault_id), "%s", vault->id);
    out->len = 0;
    if (buffer_append(out, MAGIC, 4, err) != 0 || buffer_append_u8(out, VERSION, err) != 0 ||
        buffer_append_u8(out, (uint8_t)object->kind, err) != 0 || buffer_append_u16(out, 0, err) != 0 ||
        add_text(out, object->vault_id, err) != 0 || buffer_append_u64(out, object->epoch, err) != 0 ||
        buffer_append_u64(out, (uint64_t)object->created_ms, err) != 0 ||
        buffer_append_u64(out, object->undo_ms, err) != 0 ||
        buffer_append_u32(out, (uint32_t)object->point_count, err) != 0 ||
        buffer_append_u32(out, (uint32_t)object->pack_count, err) != 0 || encode_lists(object, out, err) != 0)
        return -1;
    hmac_sha256(secret_bytes(vault->retire), secret_len(vault->retire), out->data, out->len, mac);
    return buffer_append(out, mac, sizeof(mac), err);
}

static void
read_text(struct reader *in, char out[IDENTIFIER_LEN])
{
    size_t len = reader_u8(in);
    const uint8_t *text = len < IDENTIFIER_LEN ? reader_bytes(in, len) : NULL;
    out[0] = '\0';
    if (text == NULL) {
        in->failed = true;
        return;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    if (strlen(out) != len || !identifier_valid(out))
        in->failed = true;
}

static int
decode_lists(struct reader *in, struct retire_object *object, struct error *err)
{
    object->points = memory_array(object->point_count, sizeof(object->points[0]),
                                  RETIRE_POINTS_MAX * sizeof(object->points[0]), err);
    object->packs =
        memory_array(object->pack_count, sizeof(object->packs[0]), RETIRE_PACKS_MAX * sizeof(object->packs[0]), err);
    if (object->points == NULL || object->packs == NULL)
        return -1;
    for (size_t i = 0; i < object->point_count && !in->failed; i++)
        read_text(in, object->points[i].id);
    for (size_t i = 0; i < object->pack_count && !in->failed; i++) {
        const uint8_t *name = reader_bytes(in, PACK_NAME_BYTES);
        if (name != NULL)
            memcpy(object->packs[i].name, name, PACK_NAME_BYTES);
        object->packs[i].size = reader_u32(in);
    }
    return 0;
}

static int
decode_head(struct reader *in, struct retire_object *object, struct error *err)
{
    const uint8_t *magic = reader_bytes(in, 4);
    if (magic == NULL || memcmp(magic, MAGIC, 4) != 0)
        return FAIL(err, ERROR_FORMAT, 0, "not a retire journal object");
    uint8_t version = reader_u8(in);
    if (version != VERSION)
        return FAIL(err, ERROR_UNSUPPORTED, version, "a retire journal object of version %u. Update this program",
                    version);
    uint8_t kind = reader_u8(in), zero = reader_u8(in);
    zero |= reader_u8(in);
    read_text(in, object->vault_id);
    object->kind = (enum retire_kind)kind;
    object->epoch = reader_u64(in);
    object->created_ms = (int64_t)reader_u64(in);
    object->undo_ms = reader_u64(in);
    object->point_count = reader_u32(in);
    object->pack_count = reader_u32(in);
    if (in->failed || zero != 0 || kind < RETIRE_RECORD || kind > RETIRE_DONE || !counts_fit(object))
        return FAIL(err, ERROR_FORMAT, 0, "a retire journal object is malformed");
    return 0;
}

int
retire_object_decode(const uint8_t *data, size_t len, struct retire_object *object, struct error *err)
{
    struct reader in = READER_INIT(data, len);
    memset(object, 0, sizeof(*object));
    if (decode_head(&in, object, err) != 0)
        return -1;
    /* What it says is bounded by its own length before memory is taken. */
    if (object->pack_count > len / PACK_RECORD || object->point_count > len / 2)
        return FAIL(err, ERROR_FORMAT, 0, "a retire journal object is shorter than it says");
    if (decode_lists(&in, object, err) != 0)
        return -1;
    if (reader_bytes(&in, RETIRE_MAC_LEN) == NULL || in.failed || reader_left(&in) != 0 || !is_ascending(object))
        return FAIL(err, ERROR_FORMAT, 0, "a retire journal object is malformed");
    return 0;
}

int
retire_object_check(const struct vault *vault, const uint8_t *data, size_t len, struct error *err)
{
    uint8_t mac[DIGEST_LEN];
    if (len < RETIRE_MAC_LEN)
        return FAIL(err, ERROR_CORRUPT, 0, "it is too short");
    hmac_sha256(secret_bytes(vault->retire), secret_len(vault->retire), data, len - RETIRE_MAC_LEN, mac);
    if (CRYPTO_memcmp(mac, data + len - RETIRE_MAC_LEN, RETIRE_MAC_LEN) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "it was not written by a holder of the vault's key");
    return 0;
}

void
retire_object_name_of(enum retire_kind kind, uint64_t epoch, char out[OBJECT_NAME_LEN])
{
    snprintf(out, OBJECT_NAME_LEN, "%s-%016" PRIx64, kind_names[kind], epoch);
}

void
retire_object_name(const struct retire_object *object, const uint8_t *data, size_t len, char out[OBJECT_NAME_LEN])
{
    uint8_t digest[DIGEST_LEN];
    retire_object_name_of(object->kind, object->epoch, out);
    if (object->kind != RETIRE_KEEP)
        return;
    digest_sha256(data, len, digest);
    size_t at = strlen(out);
    snprintf(out + at, OBJECT_NAME_LEN - at, "-%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
}
