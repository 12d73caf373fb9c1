#ifndef LONGHAUL_TRANSPORTER_HOST_VAULT_WIRE_H
#define LONGHAUL_TRANSPORTER_HOST_VAULT_WIRE_H

/* Between proto/vault.proto and common/vault's structs, for both ends of the conversation; bytes that came from the
 * peer are checked here. Pure; any thread. */

#include "common/vault/chunk.h"
#include "proto/vault.pb-c.h"

struct error;

#define VAULT_WIRE_BLOCK     ((size_t)512 << 10) /* of a pack on its way in */
#define VAULT_WIRE_BLOCK_MAX ((size_t)1 << 20)   /* of a range on its way out */
#define VAULT_WIRE_NAME_MAX  (OBJECT_NAME_LEN - 1)

/* ERROR_FORMAT unless it is 1 to 64 of [a-z0-9-]. */
int vault_wire_check_name(const char *name, struct error *err);
/* ERROR_FORMAT unless it is 32 hex digits. */
int vault_wire_check_pack(const char *name, struct error *err);

/* ERROR_FORMAT for a class that is none. */
int vault_wire_class(Longhaul__V1__ObjectClass from, enum object_class *to, struct error *err);
Longhaul__V1__ObjectClass vault_wire_class_out(enum object_class from);

/* The ids of a request: borrowed, *count of them. ERROR_FORMAT, ERROR_LIMIT. */
int vault_wire_ids(const ProtobufCBinaryData *from, const struct chunk_id **ids, size_t *count, struct error *err);

/* place is borrowed by out. */
void vault_wire_place_out(const struct chunk_place *place, Longhaul__V1__ChunkPlace *out);
/* ERROR_FORMAT when it breaks a ceiling of chunk.h. */
int vault_wire_place(const Longhaul__V1__ChunkPlace *from, struct chunk_place *place, struct error *err);

int vault_wire_range(const Longhaul__V1__PackRange *from, struct pack_range *range, struct error *err);

#endif
