#ifndef LONGHAUL_DIRECTOR_INVENTORY_SCOPE_H
#define LONGHAUL_DIRECTOR_INVENTORY_SCOPE_H

/* Which objects a job protects. */

#include "director/store/store_jobs.h"

/* '*' stands for any run of bytes, '?' for one character; letters match regardless of case (ASCII). Linear in
 * len(pattern) * len(name). Pure. */
bool scope_pattern_matches(const char *pattern, const char *name);
/* Pure. */
bool scope_rule_matches(const struct store_job_rule *rule, const struct store_object *object);

/* Calls each for every object of the job's tenant in its scope. */
int scope_expand(struct store *store, const struct store_job *job,
                 int (*each)(void *ctx, const struct store_object *object, struct error *err), void *ctx,
                 struct error *err);

#endif
