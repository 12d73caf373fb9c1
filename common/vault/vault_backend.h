#ifndef LONGHAUL_COMMON_VAULT_VAULT_BACKEND_H
#define LONGHAUL_COMMON_VAULT_VAULT_BACKEND_H

/* What a vault needs from whoever holds its objects: a remote host (RPC) or an engine in this process. One
 * backend is bound to one vault. All calls block, any thread may make them, several at a time. They mirror
 * proto/vault.proto. "Cannot look" is an error; NOT_FOUND means known to be absent. */

#include "common/vault/chunk.h"

struct error;

/* One block of a range, in order; blocks of one range are complete when the next range starts and when
 * get_ranges returns 0. data is borrowed for the call. Return -1 (with err set) to stop. */
typedef int vault_block_fn(void *ctx, size_t range, const uint8_t *data, size_t len, struct error *err);
typedef int vault_name_fn(void *ctx, const char *name, struct error *err);

struct vault_backend_vtable {
    /* places[i] answers ids[i]; n is at most FIND_MAX_CHUNKS. A chunk counts as known as soon as the pack that
     * holds it is durable, also before any point refers to it. */
    int (*find_chunks)(void *backend, const struct chunk_id *ids, size_t n, struct chunk_place *places,
                       struct error *err);
    /* 0 means durable. The same pack again is fine; other bytes under a taken name are ERROR_EXISTS. */
    int (*put_pack)(void *backend, const char *name, const uint8_t *data, size_t len, struct error *err);
    /* In the order asked; n is at most RANGES_MAX. A range beyond the pack's end is ERROR_CORRUPT. */
    int (*get_ranges)(void *backend, const struct pack_range *ranges, size_t n, vault_block_fn *sink, void *ctx,
                      struct error *err);
    /* *data is allocated; the caller frees it. At most OBJECT_MAX_BYTES. Not for packs. */
    int (*get_object)(void *backend, enum object_class class, const char *name, uint8_t **data, size_t *len,
                      struct error *err);
    /* Write-once, as put_pack. Not for packs, points and index segments. */
    int (*put_object)(void *backend, enum object_class class, const char *name, const uint8_t *data, size_t len,
                      struct error *err);
    int (*list_objects)(void *backend, enum object_class class, vault_name_fn *found, void *ctx, struct error *err);
    /* Makes the index of the named packs durable, then the point. ERROR_CONFLICT when a named pack is not there,
     * ERROR_FENCED when a newer owner holds the point's scope. */
    int (*commit_point)(void *backend, const char *name, const uint8_t *data, size_t len,
                        const char (*packs)[PACK_NAME_LEN], size_t pack_count, struct error *err);
};

/* Passed by value; the table and the backend belong to whoever made it and outlive the vault. */
struct vault_backend {
    const struct vault_backend_vtable *vtable;
    void *ctx;
};

#endif
