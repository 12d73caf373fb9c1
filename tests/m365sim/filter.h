#ifndef LONGHAUL_TESTS_M365SIM_FILTER_H
#define LONGHAUL_TESTS_M365SIM_FILTER_H

/* The part of $filter that mail clients use: comparisons joined by "and". */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define FILTER_LIMIT 10

struct filter_term {
    char *path;      /* "receivedDateTime", "from/emailAddress/address" */
    char *operator_; /* eq ne gt ge lt le startswith contains */
    char *value;
};

struct filter {
    struct filter_term terms[FILTER_LIMIT];
    size_t count;
};

/* text may be NULL: everything matches. false when it is not understood. */
bool filter_init(struct filter *f, const char *text);
void filter_clear(struct filter *f);
bool filter_matches(const struct filter *f, const json_t *entity);

#endif
