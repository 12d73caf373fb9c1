#ifndef LONGHAUL_COMMON_VAULT_VAULT_VERIFY_INTERNAL_H
#define LONGHAUL_COMMON_VAULT_VAULT_VERIFY_INTERNAL_H

/* What the files of a verification share. It walks all points and notes which groups they need (first walk); reads
 * these groups, or a sample; and only when anything was found walks again, now reading whatever is under suspicion, to
 * tell which items of which points it costs. */

#include "common/vault/pack_marks.h"
#include "common/vault/point.h"
#include "common/vault/vault_reader_internal.h"
#include "common/vault/vault_verify.h"

struct node_memory;
struct verify_told;

struct verify_point {
    char id[IDENTIFIER_LEN], scope[IDENTIFIER_LEN];
    int64_t created_ms;
    struct catalog_root catalog;
    bool readable;
};

struct verify {
    struct vault *vault;
    struct vault_reader *reader;
    const struct vault_verify_options *options;
    struct vault_verify_result *result;
    struct verify_point *points;
    size_t point_count, point_room;
    struct node_memory *nodes; /* first walk: met before; second: without damage below */
    struct pack_marks bad;     /* groups and packs that failed in any way */
    bool telling;              /* the second walk */
    bool everything;           /* what lies below something unreadable is not known, so all there is gets read */
    uint64_t failures;         /* so far in this walk */
    uint64_t items_total;
    struct verify_told *told;
};

int verify_check_cancelled(const struct verify *v, struct error *err);
void verify_progress(const struct verify *v);

/* Everything that point number `at` refers to. */
int verify_walk_point(struct verify *v, size_t at, struct error *err);

/* Directories of the packs that were used, and with data what is in the used groups. */
int verify_scan(struct verify *v, struct error *err);

/* Damage costs what is damaged: counted in the first walk, collected in the second. Any other cause becomes *err. */
struct verify_event {
    enum vault_damaged what;
    size_t point;
    struct catalog_key item;
    const struct error *cause;
};
int verify_note(struct verify *v, const struct verify_event *event, struct error *err);
/* A pack by itself; told at once. */
int verify_tell_pack(struct verify *v, enum vault_damaged what, const char *pack, const struct error *cause,
                     struct error *err);

struct verify_told *verify_told_new(void);
void verify_told_free(struct verify_told *told);
int verify_tell_all(struct verify *v, struct error *err);

/* Ids of nodes in a table that forgets when it is full; one that is forgotten is walked again. */
struct node_memory *node_memory_new(size_t bytes);
void node_memory_free(struct node_memory *memory);
void node_memory_forget(struct node_memory *memory);
bool node_memory_has(const struct node_memory *memory, const struct chunk_id *id);
void node_memory_add(struct node_memory *memory, const struct chunk_id *id);

#endif
