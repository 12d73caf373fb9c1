#ifndef LONGHAUL_DIRECTOR_STORE_STORE_JOBS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_JOBS_H

/* What to protect, and where to. */

#include "director/store/store_objects.h"

#define STORE_JOB_RULES_MAX   10000
#define STORE_JOB_OPTIONS_LEN 4097

/* One line of a job's scope. */
struct store_job_rule {
    enum store_object_kind kind;
    char pattern[STORE_TITLE_LEN]; /* an object id, or a pattern of names with '*' and '?', regardless of case */
};

struct store_job {
    char id[IDENTIFIER_LEN];
    char name[STORE_NAME_LEN]; /* unique */
    char tenant[IDENTIFIER_LEN];
    char vault[IDENTIFIER_LEN];
    char source[IDENTIFIER_LEN]; /* a copy job: the vault whose points it copies; empty: a backup job */
    bool all;                    /* every object of the tenant; rules are not looked at */
    bool enabled;
    char selector[STORE_SELECTOR_LEN]; /* labels a source transporter must have: "site=berlin,tier=gold"; empty: any */
    char options[STORE_JOB_OPTIONS_LEN]; /* JSON object: "bytes_per_second", see director/jobs/job_options.h */
    int64_t created_ms;
    int64_t changed_ms;
};

/* rules may be NULL with a count of 0. */
int store_jobs_add(struct store *store, struct store_job *job, const struct store_job_rule *rules, size_t count,
                   struct error *err);
/* By id, else by name. */
int store_jobs_find(struct store *store, const char *id_or_name, struct store_job *job, struct error *err);
/* In order of names; tenant NULL: of all. */
int store_jobs_list(struct store *store, const char *tenant, struct store_page page,
                    int (*each)(void *ctx, const struct store_job *job, struct error *err), void *ctx,
                    struct error *err);
int store_jobs_list_rules(struct store *store, const char *id,
                          int (*each)(void *ctx, const struct store_job_rule *rule, struct error *err), void *ctx,
                          struct error *err);
/* Everything but id, tenant, vault, source and time of creation; rules replace the old ones. */
int store_jobs_update(struct store *store, const struct store_job *job, const struct store_job_rule *rules,
                      size_t count, struct error *err);
/* Its runs stay, without a job. ERROR_CONFLICT while one is not over. */
int store_jobs_delete(struct store *store, const char *id, struct error *err);

#endif
