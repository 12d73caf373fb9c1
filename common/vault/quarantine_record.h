#ifndef LONGHAUL_COMMON_VAULT_QUARANTINE_RECORD_H
#define LONGHAUL_COMMON_VAULT_QUARANTINE_RECORD_H

/* A host's durable note of packs that were found damaged. proto/FORMAT.md, "Quarantine". Pure. */

#include "common/base/identifier.h"
#include "common/vault/pack_marks.h"

struct buffer;
struct error;

#define QUARANTINE_MARKS_MAX 32768 /* of one record */

struct quarantine_mark {
    struct pack_mark place;
    bool good; /* it was found whole again: the mark goes */
};

struct quarantine_record {
    char vault_id[IDENTIFIER_LEN];
    uint64_t ordinal; /* from 1; later records go over earlier ones */
    int64_t created_ms;
    struct quarantine_mark *marks;
    size_t count;
};

/* "mark-" and the ordinal in 16 hex digits. */
void quarantine_record_name(uint64_t ordinal, char out[OBJECT_NAME_LEN]);
/* 0 when it is no such name. */
uint64_t quarantine_record_ordinal(const char *name);

int quarantine_record_encode(const struct quarantine_record *record, struct buffer *out, struct error *err);
/* ERROR_FORMAT, ERROR_CORRUPT, ERROR_UNSUPPORTED. Clear it. */
int quarantine_record_decode(const uint8_t *data, size_t len, struct quarantine_record *record, struct error *err);
void quarantine_record_clear(struct quarantine_record *record);

#endif
