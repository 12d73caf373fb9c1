#ifndef LONGHAUL_TESTS_M365SIM_DELTA_H
#define LONGHAUL_TESTS_M365SIM_DELTA_H

/* Delta rounds over a tree's change lists. A token is opaque to clients; it carries the query options of the
 * first request with it, as Microsoft's do. Nothing is kept on the server. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;
struct tree;

#define DELTA_OPTIONS 900

struct delta {
    uint64_t incarnation;
    uint64_t scope;    /* key of the folder, or 0 */
    uint64_t base;     /* where the round before ended; 0: a first round */
    uint64_t start;    /* the tree's last change when this round began */
    uint64_t position; /* the change seen last */
    uint32_t hint;     /* its entry */
    unsigned long page;
    char select[DELTA_OPTIONS], expand[DELTA_OPTIONS];
};

enum delta_verdict {
    DELTA_FRESH,   /* no token: a first round begins */
    DELTA_GOES_ON, /* a good token */
    DELTA_LATEST,  /* "latest": only what comes from now on */
    DELTA_GONE     /* unknown or evicted: 410 */
};

/* Reads the token out of the request; names are those of its parameters ("$deltatoken", "$skiptoken"). */
enum delta_verdict delta_begin(struct delta *d, const struct request *r, const struct tree *tree, uint64_t scope,
                               const char *const *names, size_t name_count);
/* The token; the caller frees it. */
char *delta_token(const struct delta *d);
/* After the last entry: the next round begins here. */
void delta_finish(struct delta *d, const struct tree *tree);
/* Whether a deleted entry with this change number is worth telling. */
bool delta_tells_deleted(const struct delta *d, uint64_t change);

#endif
