#ifndef LONGHAUL_COMMON_VAULT_VAULT_COPY_INTERNAL_H
#define LONGHAUL_COMMON_VAULT_VAULT_COPY_INTERNAL_H

/* What the files of a copy share. One thread. */

#include "common/base/error.h"
#include "common/vault/point.h"
#include "common/vault/tree_node.h"
#include "common/vault/vault_copy.h"
#include "common/vault/vault_reader.h"

struct buffer;
struct catalog_edit;
struct copy_items;
struct copy_packs;
struct copy_refs;
struct copy_upload;

/* The part that both ways of copying have. */
struct vault_copy {
    const struct vault_copy_options *options;
    struct vault_copy_counts *counts;
    char point[IDENTIFIER_LEN]; /* that is being copied */
};

int vault_copy_check(const struct vault_copy *copy, struct error *err);
void vault_copy_progress(const struct vault_copy *copy);
/* text is followed by what the cause says. */
int vault_copy_tell(struct vault_copy *copy, struct catalog_key item, const char *text, const struct error *cause,
                    struct error *err);
int vault_copy_told(struct vault_copy *copy, const char *id, const struct point *point, bool there, uint64_t stored,
                    struct error *err);

/* Where a content of the source is in the destination. Forgets; an answer is right. path: keeps what was settled for
 * later runs; NULL, or not to be opened: only this run's. */
struct copy_refs *vault_copy_refs_open(const char *path, const struct vault *to);
void vault_copy_refs_close(struct copy_refs *refs);
/* Of what this run has copied: will be durable with its next flush. */
bool vault_copy_refs_find(const struct copy_refs *refs, const struct content_ref *from, struct content_ref *to);
/* Of what earlier runs have copied: was durable, and is to be looked for. */
bool vault_copy_refs_recall(const struct copy_refs *refs, const struct content_ref *from, struct content_ref *to);
void vault_copy_refs_put(struct copy_refs *refs, const struct content_ref *from, const struct content_ref *to);
/* Everything put so far is durable. */
void vault_copy_refs_settle(struct copy_refs *refs);
/* What is put now is not kept for later runs: time to flush and settle. */
bool vault_copy_refs_full(const struct copy_refs *refs);

/* Items on the way: gathered, their contents read in the order in which they lie, and put into the edit. All borrowed.
 */
struct copy_items_options {
    struct vault_copy *copy;
    struct vault_reader *reader;    /* of the source */
    struct vault_reader *to_reader; /* of the destination */
    struct vault_writer *writer;    /* of the destination */
    struct catalog_edit *edit;
    struct copy_refs *refs;
    struct buffer *outcomes; /* receives a line for each damaged item */
};

struct copy_items *vault_copy_items_new(const struct copy_items_options *options);
void vault_copy_items_free(struct copy_items *items);
void vault_copy_items_free_p(struct copy_items **items);
/* An item of the source's catalog, as it is stored there; copied. */
int vault_copy_items_add(struct copy_items *items, struct tree_bytes key, struct tree_bytes value, struct error *err);
int vault_copy_items_flush(struct copy_items *items, struct error *err);
/* Items found damaged so far. */
uint64_t vault_copy_items_damaged(const struct copy_items *items);

/* One pack on its way to the destination while the next one is read: two packs of memory. */
struct copy_upload *vault_copy_upload_open(struct vault_backend to, struct error *err);
/* Waits for the one under way. */
void vault_copy_upload_close(struct copy_upload *upload);
void vault_copy_upload_close_p(struct copy_upload **upload);
/* Takes the bytes, and gives an empty buffer for them, when the one before is durable. Fails as that did. */
int vault_copy_upload_put(struct copy_upload *upload, const char *name, struct buffer *pack, struct error *err);
/* 0: every pack put so far is durable. */
int vault_copy_upload_wait(struct copy_upload *upload, struct error *err);
/* Packs and bytes that are durable. */
void vault_copy_upload_count(struct copy_upload *upload, struct vault_copy_counts *counts);

/* Packs as ciphertext. vault: NULL without a key. */
struct copy_packs *vault_copy_packs_new(struct vault_copy *copy, const struct vault_copy_source *from,
                                        struct vault_backend to, struct error *err);
void vault_copy_packs_free(struct copy_packs *packs);
void vault_copy_packs_free_p(struct copy_packs **packs);
/* Every pack that this point needs and base (NULL: none) does not. 1: the destination has them all; 0: something is
 * damaged, *why says what; -1. */
int vault_copy_packs_for(struct copy_packs *packs, const struct point *point, const struct point *base,
                         struct error *why, struct error *err);
/* Every pack there is. As above. */
int vault_copy_packs_all(struct copy_packs *packs, struct error *why, struct error *err);
/* Something in the destination is damaged or missing: what its points need may not all be there. */
bool vault_copy_packs_damaged(const struct copy_packs *packs);
/* Names of packs that arrived last, for the commit. */
const char (*vault_copy_packs_names(const struct copy_packs *packs, size_t *count))[PACK_NAME_LEN];

#endif
