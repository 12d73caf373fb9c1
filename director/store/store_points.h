#ifndef LONGHAUL_DIRECTOR_STORE_STORE_POINTS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_POINTS_H

/* Recovery points, as reported by the transporters that committed them. */

#include "director/store/store.h"

#include <stdbool.h>

struct store_point {
    char id[IDENTIFIER_LEN];        /* given by the transporter; of a copy: by the director */
    char stored_as[IDENTIFIER_LEN]; /* of a copy: its id in the vault, which is that of what it is a copy of; else empty
                                     */
    char tenant[IDENTIFIER_LEN];
    char vault[IDENTIFIER_LEN];
    char object[IDENTIFIER_LEN];
    char run[IDENTIFIER_LEN];
    char previous[IDENTIFIER_LEN]; /* empty: the first one */
    int64_t created_ms;            /* when its enumeration began */
    int64_t recorded_ms;           /* when the director heard of it */
    uint64_t items, bytes, stored_bytes;
    uint64_t items_new, items_changed, items_deleted;
    uint64_t items_skipped, items_failed;
    bool retired; /* by a sweep; it can still be brought back */
};

/* The id by which its vault knows it. */
const char *store_points_stored_id(const struct store_point *point);

struct store_point_filter {
    const char *tenant; /* each NULL: any */
    const char *vault;
    const char *object;
    const char *run;
    int64_t not_after_ms; /* created; 0: any */
    bool retired;         /* those that are retired; else those that are not */
};

/* The same id again is fine and changes nothing. */
int store_points_add(struct store *store, struct store_point *point, struct error *err);
int store_points_find(struct store *store, const char *id, struct store_point *point, struct error *err);
/* Newest first. */
int store_points_list(struct store *store, const struct store_point_filter *filter, struct store_page page,
                      int (*each)(void *ctx, const struct store_point *point, struct error *err), void *ctx,
                      struct error *err);
/* That of this object in this vault on which the next backup builds: the one recorded last, copies only when there are
 * no others, and of those the newest; ERROR_NOT_FOUND. */
int store_points_latest(struct store *store, const char *vault, const char *object, struct store_point *point,
                        struct error *err);

/* A sweep of the vault has retired the point (true), or it was brought back. By its stored id; unknown ones are fine.
 */
int store_points_set_retired(struct store *store, const char *vault, const char *stored_id, bool retired,
                             struct error *err);
/* Stored ids of the points made before then, oldest first, at most `most`; never the newest of an object. */
int store_points_expirable(struct store *store, const char *vault, int64_t before_ms, unsigned most,
                           int (*each)(void *ctx, const char *stored_id, struct error *err), void *ctx,
                           struct error *err);
/* It is gone for good. */
int store_points_forget(struct store *store, const char *vault, const char *stored_id, struct error *err);

/* What a copy is about. */
struct store_point_copy {
    const char *source, *vault; /* from, to */
    const char *object;         /* empty: every one */
    bool latest;                /* the newest of each object only */
    int64_t since_ms;           /* none made before; 0: any */
};

/* Calls each with the stored ids of what is yet to be copied, at most `most`, and for each object with that of its
 * newest copied point before these: in order of creation. */
int store_points_uncopied(struct store *store, const struct store_point_copy *copy, unsigned most,
                          int (*each)(void *ctx, const char *stored_id, struct error *err), void *ctx,
                          struct error *err);
/* The vault holds this point of the source too. The same again is fine; a point that the source's rows do not have any
 * more is passed over. 1: that is new, 0: it is not, -1. */
int store_points_add_copy(struct store *store, const struct store_point_copy *copy, const char *stored_id,
                          const char *run, uint64_t stored_bytes, struct error *err);

#endif
