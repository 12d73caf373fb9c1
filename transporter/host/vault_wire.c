#include "transporter/host/vault_wire.h"

#include "common/base/error.h"

#include <stdio.h>
#include <string.h>

int
vault_wire_check_name(const char *name, struct error *err)
{
    size_t len = strlen(name);
    if (len == 0 || len > VAULT_WIRE_NAME_MAX || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
        return FAIL(err, ERROR_FORMAT, 0, "object name of %zu bytes is not 1 to 64 of [a-z0-9-]", len);
    return 0;
}

int
vault_wire_check_pack(const char *name, struct error *err)
{
    size_t len = strlen(name);
    if (len != PACK_NAME_LEN - 1 || strspn(name, "0123456789abcdef") != len)
        return FAIL(err, ERROR_FORMAT, 0, "pack name of %zu bytes is not 32 hex digits", len);
    return 0;
}

int
vault_wire_class(Longhaul__V1__ObjectClass from, enum object_class *to, struct error *err)
{
    switch (from) {
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_FORMAT:
        *to = OBJECT_FORMAT;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_KEY_SLOT:
        *to = OBJECT_KEY_SLOT;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_POINT:
        *to = OBJECT_POINT;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_PACK:
        *to = OBJECT_PACK;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_INDEX:
        *to = OBJECT_INDEX;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_RETIRE:
        *to = OBJECT_RETIRE;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_RETIRED_POINT:
        *to = OBJECT_RETIRED_POINT;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_RETIRED_PACK:
        *to = OBJECT_RETIRED_PACK;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_WHOLE_PACK:
        *to = OBJECT_WHOLE_PACK;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_DAMAGED_PACK:
        *to = OBJECT_DAMAGED_PACK;
        return 0;
    case LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_UNSPECIFIED:
    case _LONGHAUL__V1__OBJECT_CLASS_IS_INT_SIZE:
        break;
    }
    return FAIL(err, ERROR_FORMAT, 0, "unknown object class %d", (int)from);
}

Longhaul__V1__ObjectClass
vault_wire_class_out(enum object_class from)
{
    switch (from) {
    case OBJECT_FORMAT:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_FORMAT;
    case OBJECT_KEY_SLOT:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_KEY_SLOT;
    case OBJECT_POINT:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_POINT;
    case OBJECT_PACK:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_PACK;
    case OBJECT_INDEX:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_INDEX;
    case OBJECT_RETIRE:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_RETIRE;
    case OBJECT_RETIRED_POINT:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_RETIRED_POINT;
    case OBJECT_RETIRED_PACK:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_RETIRED_PACK;
    case OBJECT_WHOLE_PACK:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_WHOLE_PACK;
    case OBJECT_DAMAGED_PACK:
        return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_DAMAGED_PACK;
    }
    return LONGHAUL__V1__OBJECT_CLASS__OBJECT_CLASS_UNSPECIFIED;
}

int
vault_wire_ids(const ProtobufCBinaryData *from, const struct chunk_id **ids, size_t *count, struct error *err)
{
    _Static_assert(sizeof(struct chunk_id) == CHUNK_ID_LEN, "ids lie one after the other");
    if (from->len % CHUNK_ID_LEN != 0)
        return FAIL(err, ERROR_FORMAT, 0, "%zu bytes are not a whole number of chunk ids", from->len);
    if (from->len / CHUNK_ID_LEN > FIND_MAX_CHUNKS)
        return FAIL(err, ERROR_LIMIT, 0, "%zu chunk ids in one request, %d at the most", from->len / CHUNK_ID_LEN,
                    FIND_MAX_CHUNKS);
    *ids = (const struct chunk_id *)(const void *)from->data;
    *count = from->len / CHUNK_ID_LEN;
    return 0;
}

void
vault_wire_place_out(const struct chunk_place *place, Longhaul__V1__ChunkPlace *out)
{
    longhaul__v1__chunk_place__init(out);
    out->known = place->known;
    if (!place->known)
        return;
    /* protobuf-c has no const in its structs, and does not write when it packs. */
    out->pack = (char *)(uintptr_t)place->pack;
    out->group = place->group;
    out->group_offset = place->group_offset;
    out->group_stored = place->group_stored;
    out->group_raw = place->group_raw;
    out->chunk_offset = place->chunk_offset;
    out->chunk_len = place->chunk_len;
}

int
vault_wire_place(const Longhaul__V1__ChunkPlace *from, struct chunk_place *place, struct error *err)
{
    *place = (struct chunk_place){ .known = from->known };
    if (!from->known)
        return 0;
    if (vault_wire_check_pack(from->pack, err) != 0)
        return -1;
    if (from->group_raw > GROUP_MAX_RAW || from->chunk_len > CHUNK_MAX_BYTES ||
        (uint64_t)from->chunk_offset + from->chunk_len > from->group_raw ||
        (uint64_t)from->group_offset + from->group_stored > PACK_MAX_BYTES)
        return FAIL(err, ERROR_FORMAT, 0, "the host names a place in pack %s that cannot be", from->pack);
    snprintf(place->pack, sizeof(place->pack), "%s", from->pack);
    place->group = from->group;
    place->group_offset = from->group_offset;
    place->group_stored = from->group_stored;
    place->group_raw = from->group_raw;
    place->chunk_offset = from->chunk_offset;
    place->chunk_len = from->chunk_len;
    return 0;
}

int
vault_wire_range(const Longhaul__V1__PackRange *from, struct pack_range *range, struct error *err)
{
    if (vault_wire_check_pack(from->pack, err) != 0)
        return -1;
    uint64_t distance = (int64_t)from->offset < 0 ? PACK_FROM_END(from->offset) : from->offset;
    if (distance > PACK_MAX_BYTES || from->len > PACK_MAX_BYTES)
        return FAIL(err, ERROR_FORMAT, 0, "a range of pack %s lies beyond what a pack can hold", from->pack);
    snprintf(range->pack, sizeof(range->pack), "%s", from->pack);
    range->offset = from->offset;
    range->len = from->len;
    return 0;
}
