#ifndef LONGHAUL_DIRECTOR_JOBS_RUN_START_INTERNAL_H
#define LONGHAUL_DIRECTOR_JOBS_RUN_START_INTERNAL_H

#include "common/base/error.h"
#include "director/jobs/run_start.h"
#include "director/jobs/task_spec.h"
#include "director/store/store_jobs.h"

/* Is another run of this kind, for this tenant and vault ("" for any), not over? ERROR_CONFLICT then. */
int run_start_refuse_second(struct store *store, enum store_run_kind kind, const char *tenant, const char *vault,
                            struct error *err);
/* The run of one task: adds both and the event. task: everything but run, tenant, vault, kind and spec is set. */
int run_start_single(struct store *store, struct store_run *run, struct store_task *task, const struct task_spec *spec,
                     struct error *err);
int run_start_note(struct store *store, const struct store_run *run, struct error *err);
/* The vault, which must be ready. ERROR_CONFLICT when it is not. */
int run_start_find_vault(struct store *store, const char *id, struct store_vault *vault, struct error *err);
/* What every run of a job is: its ids and actor; refused while the job is disabled or a run of it is not over. */
int run_start_of_job(struct store *store, const struct store_job *job, const char *actor, struct store_run *run,
                     struct error *err);
/* The run of a copy job. */
int run_start_copy(struct store *store, const struct store_job *job, const char *actor, char run_id[IDENTIFIER_LEN],
                   struct error *err);

/* A transporter to which all these secrets are sealed (empty ones count as sealed) and that is not revoked: only, or
 * any when only is empty. ERROR_CONFLICT when there is none: what for, and `advice`, make the text. */
struct run_start_holder {
    const char *only;
    const char *secrets[3];
    size_t count;
    const char *lacks, *advice;
};
int run_start_require_holder(struct store *store, const struct run_start_holder *holder, struct error *err);

#endif
