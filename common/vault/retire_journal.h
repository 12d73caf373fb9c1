#ifndef LONGHAUL_COMMON_VAULT_RETIRE_JOURNAL_H
#define LONGHAUL_COMMON_VAULT_RETIRE_JOURNAL_H

/* Objects of the retire journal as bytes. proto/FORMAT.md, "Retire journal". Pure. */

#include "common/base/identifier.h"
#include "common/vault/pack_format.h"

struct buffer;
struct error;
struct vault;

#define RETIRE_POINTS_MAX 1024
#define RETIRE_PACKS_MAX  32768
#define RETIRE_MAC_LEN    32

enum retire_kind { RETIRE_RECORD = 1, RETIRE_UNDO = 2, RETIRE_CLOSE = 3, RETIRE_KEEP = 4, RETIRE_DONE = 5 };

struct retire_pack {
    uint8_t name[PACK_NAME_BYTES];
    uint32_t size;
};

struct retire_point {
    char id[IDENTIFIER_LEN];
};

struct retire_object {
    enum retire_kind kind;
    char vault_id[IDENTIFIER_LEN];
    uint64_t epoch;
    int64_t created_ms;
    uint64_t undo_ms;            /* a record: how long it can be undone */
    struct retire_point *points; /* a record; ascending, each once */
    size_t point_count;
    struct retire_pack *packs; /* a record or a keep; ascending, each once */
    size_t pack_count;
};

void retire_object_clear(struct retire_object *object);

/* Signed with the vault's key; sorts points and packs in place. ERROR_LIMIT, ERROR_USAGE. */
int retire_object_encode(const struct vault *vault, struct retire_object *object, struct buffer *out,
                         struct error *err);
/* Everything but the MAC: what a host can check. The caller clears *object. ERROR_FORMAT, ERROR_UNSUPPORTED. */
int retire_object_decode(const uint8_t *data, size_t len, struct retire_object *object, struct error *err);
/* ERROR_CORRUPT unless a holder of the vault's key wrote these bytes, for this vault. */
int retire_object_check(const struct vault *vault, const uint8_t *data, size_t len, struct error *err);

/* "retire-00000000000000a1"; of a keep, which may come several times: "keep-00000000000000a1-4f1d0c22", the last part
 * from its content. data: the encoded object. */
void retire_object_name(const struct retire_object *object, const uint8_t *data, size_t len, char out[OBJECT_NAME_LEN]);
/* The same for kinds that come once. */
void retire_object_name_of(enum retire_kind kind, uint64_t epoch, char out[OBJECT_NAME_LEN]);

#endif
