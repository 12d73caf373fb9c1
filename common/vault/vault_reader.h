#ifndef LONGHAUL_COMMON_VAULT_VAULT_READER_H
#define LONGHAUL_COMMON_VAULT_VAULT_READER_H

/* Content out of a vault, every byte authenticated (AES-GCM) and checked against its chunk's name; a message also
 * against the digest of its original bytes. One reader belongs to one thread; open several. */

#include "common/vault/content.h"

struct error;
struct vault;
struct vault_reader;

/* Bytes in order. Borrowed for the call. Return -1 with err set to stop. */
typedef int vault_sink_fn(void *ctx, const uint8_t *data, size_t len, struct error *err);

/* cache_bytes: opened groups kept; 0 for 16 MiB. */
struct vault_reader *vault_reader_open(struct vault *vault, size_t cache_bytes, struct error *err);
void vault_reader_close(struct vault_reader *reader);
void vault_reader_close_p(struct vault_reader **reader);

/* ERROR_NOT_FOUND: a chunk is not in the vault. ERROR_CORRUPT: damaged. Other kinds: could not look. Bytes given to the
 * sink before a failure are good, but incomplete. */
int vault_reader_read(struct vault_reader *reader, const struct content_ref *ref, vault_sink_fn *sink, void *ctx,
                      struct error *err);
/* Whole content into allocated memory, the caller frees it; ERROR_LIMIT above ceiling. */
int vault_reader_get(struct vault_reader *reader, const struct content_ref *ref, size_t ceiling, uint8_t **data,
                     size_t *len, struct error *err);

/* Many contents in the order that reads each pack once. */
struct vault_read {
    struct content_ref ref;
    void *ctx; /* the caller's, for the callbacks */
};

struct vault_batch_vtable {
    int (*begin)(void *batch, struct vault_read *read, struct error *err);
    int (*data)(void *batch, struct vault_read *read, const uint8_t *data, size_t len, struct error *err);
    /* failure: NULL when the content is complete and good; else borrowed. Return -1 to stop the batch. */
    int (*end)(void *batch, struct vault_read *read, const struct error *failure, struct error *err);
};

#define VAULT_BATCH_MAX 16384
/* Sorts contents as vault_reader_batch() would read them: for several readers that share them, each taking what lies
 * together. Not what is damaged but what cannot be reached is a failure. */
int vault_reader_sort(struct vault_reader *reader, struct vault_read *reads, size_t count, struct error *err);
/* Sorts reads in place by where they lie, then reads them one after the other, fetching ahead in large ranges. A
 * damaged or missing content is told to `end` and does not stop the others; failing to reach the backend does. */
int vault_reader_batch(struct vault_reader *reader, struct vault_read *reads, size_t count,
                       const struct vault_batch_vtable *vtable, void *batch, struct error *err);

#endif
