#ifndef LONGHAUL_DIRECTOR_JOBS_LIVE_PROGRESS_H
#define LONGHAUL_DIRECTOR_JOBS_LIVE_PROGRESS_H

/* What tasks have reported since it was last written to the store, and how fast they go. In memory only: it comes
 * anew within seconds of a restart. */

#include "director/director.h"

struct live_progress; /* of all tasks */

struct live_progress *live_progress_new(void);
void live_progress_free(struct live_progress *live);

/* phase is cut to what fits. */
void live_progress_put(struct live_progress *live, const struct store_task *task, const char *phase,
                       const struct store_counts *counts, int64_t now_ms);
/* For a task that was put: Microsoft has answered nothing but throttling for for_ms (0: it does answer), and is asked
 * again in wait_ms. */
void live_progress_throttled(struct live_progress *live, const char *task_id, uint64_t for_ms, uint64_t wait_ms,
                             int64_t now_ms);
/* The row was written with these counts. */
void live_progress_saved(struct live_progress *live, const struct store_task *task);
/* The task ended, or was given away. */
void live_progress_drop(struct live_progress *live, const char *task_id);
/* Overwrites counts and phase of the row when there are newer ones; false when there are not. */
bool live_progress_get(const struct live_progress *live, struct store_task *task);

/* The row's numbers or newer ones, with rates and time left. */
void live_progress_of_task(const struct live_progress *live, const struct store_task *task, int64_t now_ms,
                           struct director_progress *out);
/* run: as stored, its totals summed over the rows. Those of live tasks are replaced by newer ones. */
int live_progress_of_run(const struct live_progress *live, struct store *store, const struct store_run *run,
                         int64_t now_ms, struct director_progress *out, struct error *err);

#endif
