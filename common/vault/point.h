#ifndef LONGHAUL_COMMON_VAULT_POINT_H
#define LONGHAUL_COMMON_VAULT_POINT_H

/* A recovery point: the complete state of one object at one time. The header is readable by the host; the body is
 * sealed and bound to the header. */

#include "common/base/identifier.h"
#include "common/vault/catalog.h"

struct buffer;
struct error;
struct vault;
struct vault_reader;
struct vault_writer;

#define POINT_CURSOR_MAX  ((size_t)16 << 20)
#define POINT_VERSION_LEN 32

/* What anybody may read. All texts are valid identifiers. */
struct point_header {
    char id[IDENTIFIER_LEN];
    char vault_id[IDENTIFIER_LEN];
    char scope[IDENTIFIER_LEN]; /* object id */
    uint64_t fence;
    int64_t created_ms; /* when its enumeration began */
};

struct point_counts {
    uint64_t items, bytes;                            /* of the whole point; bytes as the source tells sizes */
    uint64_t items_new, items_changed, items_deleted; /* against the previous point */
    uint64_t items_skipped, items_failed;
    uint64_t bytes_read, bytes_stored; /* by this run */
    uint64_t items_damaged;            /* of a copy: with CATALOG_FLAG_DAMAGED */
    uint64_t quarantine;               /* the vault's notes of damage up to this ordinal were taken into account */
};

struct point {
    struct point_header header;
    uint64_t epoch;                   /* for the commit: vault_begin(), before anything is read; not stored */
    char previous[IDENTIFIER_LEN];    /* "" for the first */
    char copied_from[IDENTIFIER_LEN]; /* vault; "" when a backup wrote it */
    char tool_version[POINT_VERSION_LEN];
    struct catalog_root catalog;
    struct point_counts counts;
    struct content_ref cursor;   /* the source's own bytes; point_read_cursor() */
    struct content_ref outcomes; /* skipped and failed items with reasons, JSON lines */
};

/* Flushes the writer, then commits. cursor (opaque, at most POINT_CURSOR_MAX) is stored with it; point->cursor and
 * point->tool_version are filled in. ERROR_FENCED: a newer owner holds the scope. ERROR_CONFLICT: a retention sweep has
 * closed the run's epoch; begin again, what is stored is found. */
int point_commit(struct vault *vault, struct vault_writer *writer, struct point *point, const void *cursor,
                 size_t cursor_len, struct error *err);
/* The point as an object, sealed anew each time; out is empty. For who commits it without a writer. */
int point_seal(struct vault *vault, const struct point *point, struct buffer *out, struct error *err);
/* ERROR_NOT_FOUND, ERROR_CORRUPT (damaged, or not the point of this name). */
int point_read(struct vault *vault, const char *id, struct point *point, struct error *err);
/* *data is allocated, the caller frees it. */
int point_read_cursor(struct vault_reader *reader, const struct point *point, uint8_t **data, size_t *len,
                      struct error *err);

/* One that is retired and can still be brought back. */
int point_read_retired(struct vault *vault, const char *id, struct point *point, struct error *err);

typedef int point_found_fn(void *ctx, const char *id, struct error *err);
/* Names of all points of the vault, in no order. */
int point_list(struct vault *vault, point_found_fn *found, void *ctx, struct error *err);
int point_list_retired(struct vault *vault, point_found_fn *found, void *ctx, struct error *err);

/* The clear part alone, for a host without keys. ERROR_FORMAT when it is no point. */
int point_header_decode(const uint8_t *data, size_t len, struct point_header *header, struct error *err);

#endif
