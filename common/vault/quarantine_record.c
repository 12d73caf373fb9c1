#include "common/vault/quarantine_record.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/base/reader.h"
#include "common/crypto/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC   "LHQR"
#define VERSION 1
#define PREFIX  "mark-"
#define DIGITS  16

void
quarantine_record_name(uint64_t ordinal, char out[OBJECT_NAME_LEN])
{
    snprintf(out, OBJECT_NAME_LEN, PREFIX "%016" PRIx64, ordinal);
}

uint64_t
quarantine_record_ordinal(const char *name)
{
    char own[OBJECT_NAME_LEN];
    if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
        return 0;
    uint64_t ordinal = strtoull(name + strlen(PREFIX), NULL, 16);
    quarantine_record_name(ordinal, own);
    return strcmp(own, name) == 0 ? ordinal : 0;
}

void
quarantine_record_clear(struct quarantine_record *record)
{
    free(record->marks);
    memset(record, 0, sizeof(*record));
}

int
quarantine_record_encode(const struct quarantine_record *record, struct buffer *out, struct error *err)
{
    uint8_t digest[DIGEST_LEN];
    size_t id_len = strlen(record->vault_id);
    if (record->count == 0 || record->count > QUARANTINE_MARKS_MAX || record->ordinal == 0)
        return FAIL(err, ERROR_USAGE, 0, "a quarantine record of %zu marks", record->count);
    out->len = 0;
    if (buffer_append(out, MAGIC, 4, err) != 0 || buffer_append_u8(out, VERSION, err) != 0 ||
        buffer_append_u8(out, (uint8_t)id_len, err) != 0 || buffer_append(out, record->vault_id, id_len, err) != 0 ||
        buffer_append_u64(out, record->ordinal, err) != 0 ||
        buffer_append_u64(out, (uint64_t)record->created_ms, err) != 0 ||
        buffer_append_u32(out, (uint32_t)record->count, err) != 0)
        return -1;
    for (size_t i = 0; i < record->count; i++) {
        const struct quarantine_mark *mark = &record->marks[i];
        if (buffer_append(out, mark->place.pack, PACK_NAME_BYTES, err) != 0 ||
            buffer_append_u32(out, mark->place.group, err) != 0 || buffer_append_u8(out, mark->good, err) != 0)
            return -1;
    }
    digest_sha256(out->data, out->len, digest);
    return buffer_append(out, digest, sizeof(digest), err);
}

static int
malformed(struct error *err)
{
    return FAIL(err, ERROR_FORMAT, 0, "a quarantine record is malformed");
}

static int
decode_marks(struct reader *in, struct quarantine_record *record, struct error *err)
{
    record->marks =
        memory_array(record->count, sizeof(record->marks[0]), QUARANTINE_MARKS_MAX * sizeof(record->marks[0]), err);
    if (record->marks == NULL)
        return -1;
    for (size_t i = 0; i < record->count; i++) {
        const uint8_t *pack = reader_bytes(in, PACK_NAME_BYTES);
        uint32_t group = reader_u32(in);
        uint8_t state = reader_u8(in);
        if (pack == NULL || in->failed || state > 1 || (group >= PACK_MAX_GROUPS && group != PACK_MARK_WHOLE))
            return malformed(err);
        memcpy(record->marks[i].place.pack, pack, PACK_NAME_BYTES);
        record->marks[i].place.group = group;
        record->marks[i].good = state == 1;
    }
    return 0;
}

int
quarantine_record_decode(const uint8_t *data, size_t len, struct quarantine_record *record, struct error *err)
{
    uint8_t digest[DIGEST_LEN];
    memset(record, 0, sizeof(*record));
    if (len < DIGEST_LEN + 6 || memcmp(data, MAGIC, 4) != 0)
        return malformed(err);
    if (data[4] != VERSION)
        return FAIL(err, ERROR_UNSUPPORTED, 0, "a quarantine record of version %u: update the program", data[4]);
    digest_sha256(data, len - DIGEST_LEN, digest);
    if (memcmp(digest, data + len - DIGEST_LEN, DIGEST_LEN) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "a quarantine record is damaged");
    struct reader in = READER_INIT(data, len - DIGEST_LEN);
    (void)reader_bytes(&in, 5);
    size_t id_len = reader_u8(&in);
    const uint8_t *id = id_len < IDENTIFIER_LEN ? reader_bytes(&in, id_len) : NULL;
    if (id == NULL)
        return malformed(err);
    memcpy(record->vault_id, id, id_len);
    record->ordinal = reader_u64(&in);
    record->created_ms = (int64_t)reader_u64(&in);
    record->count = reader_u32(&in);
    bool fits = !in.failed && strlen(record->vault_id) == id_len && identifier_valid(record->vault_id) &&
                record->ordinal > 0 && record->count > 0 && record->count <= QUARANTINE_MARKS_MAX;
    if (!fits)
        return malformed(err);
    int failed = decode_marks(&in, record, err);
    if (failed == 0 && (in.failed || reader_left(&in) != 0))
        failed = malformed(err);
    if (failed != 0)
        quarantine_record_clear(record);
    return failed;
}
