#ifndef LONGHAUL_DIRECTOR_STORE_STORE_POINTS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_POINTS_H

/* Recovery points, as reported by the transporters that committed them. */

#include "director/store/store.h"

struct store_point {
    char id[IDENTIFIER_LEN]; /* given by the transporter */
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
};

struct store_point_filter {
    const char *tenant; /* each NULL: any */
    const char *vault;
    const char *object;
    const char *run;
    int64_t not_after_ms; /* created; 0: any */
};

/* The same id again is fine and changes nothing. */
int store_points_add(struct store *store, struct store_point *point, struct error *err);
int store_points_find(struct store *store, const char *id, struct store_point *point, struct error *err);
/* Newest first. */
int store_points_list(struct store *store, const struct store_point_filter *filter, struct store_page page,
                      int (*each)(void *ctx, const struct store_point *point, struct error *err), void *ctx,
                      struct error *err);
/* The newest of this object in this vault, on which the next run builds; ERROR_NOT_FOUND. */
int store_points_latest(struct store *store, const char *vault, const char *object, struct store_point *point,
                        struct error *err);

#endif
