#include "common/vault/point.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/aead.h"
#include "common/vault/point_format.h"
#include "common/vault/vault_internal.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
point_seal(struct vault *vault, const struct point *point, struct buffer *object, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer body = BUFFER_INIT(POINT_BODY_MAX);
    CLEANUP(aead_free_p) struct aead *aead = NULL;
    uint8_t salt[VAULT_SALT_LEN], nonce[AEAD_NONCE_LEN] = { 0 };
    clock_random(vault->clock, salt, sizeof(salt));
    if (point_format_encode_body(point, &body, err) != 0 || vault_point_key(vault, salt, &aead, err) != 0 ||
        point_format_encode_header(&point->header, salt, body.len + AEAD_TAG_LEN, object, err) != 0)
        return -1;
    struct aead_bound bound = { object->data, object->len };
    if (buffer_reserve(&body, AEAD_TAG_LEN, err) != 0 ||
        aead_seal(aead, nonce, bound, body.data, body.len, body.data, err) != 0 ||
        buffer_append(object, body.data, body.len + AEAD_TAG_LEN, err) != 0)
        return -1;
    return point_format_append_digest(object, err);
}

int
point_commit(struct vault *vault, struct vault_writer *writer, struct point *point, const void *cursor,
             size_t cursor_len, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer object = BUFFER_INIT(OBJECT_MAX_BYTES);
    size_t pack_count;
    if (cursor_len > POINT_CURSOR_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a cursor of %zu bytes; %zu are possible", cursor_len, POINT_CURSOR_MAX);
    snprintf(point->header.vault_id, sizeof(point->header.vault_id), "%s", vault->id);
    snprintf(point->tool_version, sizeof(point->tool_version), "%s", LONGHAUL_VERSION);
    if (vault_writer_put(writer, VAULT_METADATA, cursor == NULL ? "" : cursor, cursor_len, &point->cursor, err) != 0 ||
        vault_writer_flush(writer, err) != 0 || point_seal(vault, point, &object, err) != 0)
        return -1;
    const char(*packs)[PACK_NAME_LEN] = vault_writer_packs(writer, &pack_count);
    const struct vault_commit commit = { point->header.id, object.data, object.len, packs, pack_count, point->epoch };
    if (vault->backend.vtable->commit_point(vault->backend.ctx, &commit, err) != 0)
        return error_wrap(err, "committing recovery point %s", point->header.id);
    return 0;
}

static int
open_point(struct vault *vault, const char *id, const uint8_t *object, size_t len, struct point *point,
           struct error *err)
{
    struct point_parts parts;
    CLEANUP(aead_free_p) struct aead *aead = NULL;
    uint8_t nonce[AEAD_NONCE_LEN] = { 0 };
    if (point_format_decode(object, len, &point->header, &parts, err) != 0)
        return -1;
    if (strcmp(point->header.id, id) != 0 || strcmp(point->header.vault_id, vault->id) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "it is the point %s of vault %s", point->header.id, point->header.vault_id);
    CLEANUP(memory_free_p) uint8_t *body = memory_array(1, parts.sealed_len, OBJECT_MAX_BYTES, err);
    if (body == NULL || vault_point_key(vault, parts.salt, &aead, err) != 0 ||
        aead_open(aead, nonce, (struct aead_bound){ object, parts.header_len }, parts.sealed, parts.sealed_len, body,
                  err) != 0)
        return -1;
    return point_format_decode_body(body, parts.sealed_len - AEAD_TAG_LEN, point, err);
}

static int
read_point(struct vault *vault, enum object_class class, const char *id, struct point *point, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *object = NULL;
    size_t len;
    if (vault->backend.vtable->get_object(vault->backend.ctx, class, id, &object, &len, err) != 0)
        return error_wrap(err, "recovery point %s", id);
    memset(point, 0, sizeof(*point));
    return open_point(vault, id, object, len, point, err) == 0 ? 0 : error_wrap(err, "recovery point %s", id);
}

int
point_read(struct vault *vault, const char *id, struct point *point, struct error *err)
{
    return read_point(vault, OBJECT_POINT, id, point, err);
}

int
point_read_retired(struct vault *vault, const char *id, struct point *point, struct error *err)
{
    return read_point(vault, OBJECT_RETIRED_POINT, id, point, err);
}

int
point_read_cursor(struct vault_reader *reader, const struct point *point, uint8_t **data, size_t *len,
                  struct error *err)
{
    return vault_reader_get(reader, &point->cursor, POINT_CURSOR_MAX, data, len, err);
}

struct names {
    char (*name)[OBJECT_NAME_LEN];
    size_t count, capacity;
};

static int
on_name_found(void *ctx, const char *name, struct error *err)
{
    struct names *names = ctx;
    if (names->count == names->capacity) {
        names->capacity = names->capacity == 0 ? 64 : names->capacity * 2;
        void *bigger = realloc(names->name, names->capacity * sizeof(names->name[0]));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for the list of recovery points");
        names->name = bigger;
    }
    snprintf(names->name[names->count++], OBJECT_NAME_LEN, "%s", name);
    return 0;
}

static int
list_points(struct vault *vault, enum object_class class, point_found_fn *found, void *ctx, struct error *err)
{
    struct names names = { 0 };
    /* Gathered first, so that found() may use the vault. */
    int failed = vault->backend.vtable->list_objects(vault->backend.ctx, class, on_name_found, &names, err);
    for (size_t i = 0; failed == 0 && i < names.count; i++)
        failed = found(ctx, names.name[i], err);
    free(names.name);
    return failed;
}

int
point_list(struct vault *vault, point_found_fn *found, void *ctx, struct error *err)
{
    return list_points(vault, OBJECT_POINT, found, ctx, err);
}

int
point_list_retired(struct vault *vault, point_found_fn *found, void *ctx, struct error *err)
{
    return list_points(vault, OBJECT_RETIRED_POINT, found, ctx, err);
}
