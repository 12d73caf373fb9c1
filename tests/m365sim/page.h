#ifndef LONGHAUL_TESTS_M365SIM_PAGE_H
#define LONGHAUL_TESTS_M365SIM_PAGE_H

/* Pages of collections and the links between them. */

#include <jansson.h>
#include <stdbool.h>

struct request;

/* {"@odata.context": ..., "value": values}; takes values. */
json_t *page_new(const struct request *r, json_t *values, const char *context, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts "@odata.context" first into an entity. */
void page_context(json_t *entity, const struct request *r, const char *context, ...)
    __attribute__((format(printf, 3, 4)));
/* nextLink: the same request with another $skip. */
void page_next_skip(json_t *page, const struct request *r, unsigned long skip);
/* deltaLink (last) or nextLink to path, the token under the parameter's name. */
void page_token(json_t *page, const struct request *r, const char *path, bool last, const char *delta_name,
                const char *next_name, const char *token);
/* The page size: Prefer odata.maxpagesize, $top, what the token says, or fallback; at most ceiling. */
unsigned long page_size(const struct request *r, unsigned long of_token, unsigned long fallback, unsigned long ceiling);

#endif
