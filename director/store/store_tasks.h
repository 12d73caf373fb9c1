#ifndef LONGHAUL_DIRECTOR_STORE_STORE_TASKS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_TASKS_H

/* A run's parts, one for each object, each done by one transporter at a time under a lease. */

#include "director/store/store_objects.h"
#include "director/store/store_runs.h"

#define STORE_TASK_SPEC_LEN 8193
#define STORE_FIGURES_LEN   2048

enum store_task_state {
    STORE_TASK_QUEUED,  /* to be leased, not before not_before_ms */
    STORE_TASK_LEASED,  /* given to a transporter that has not reported on it yet */
    STORE_TASK_RUNNING, /* the transporter works on it */
    STORE_TASK_DONE,
    STORE_TASK_FAILED,
    STORE_TASK_CANCELLED
};
const char *store_task_state_name(enum store_task_state state);
bool store_task_state_final(enum store_task_state state);

struct store_task {
    char id[IDENTIFIER_LEN];
    char run[IDENTIFIER_LEN];
    char tenant[IDENTIFIER_LEN];
    enum store_run_kind kind;
    char object[IDENTIFIER_LEN]; /* empty: about a whole vault or tenant */
    char vault[IDENTIFIER_LEN];  /* empty: discovery */
    char scope[IDENTIFIER_LEN];  /* of the fence and the grant: the object for a backup, "" for creation of a vault,
                                    the task itself for what only reads */
    char exclusive[64];          /* at most one leased or running task has it; empty: any number */
    char selector[STORE_SELECTOR_LEN];     /* labels asked of the transporter */
    char pinned[IDENTIFIER_LEN];           /* the only transporter that may do it; empty: any */
    char selection_secret[IDENTIFIER_LEN]; /* of a restore */
    char spec[STORE_TASK_SPEC_LEN];        /* JSON, see director/jobs/task_spec.h */

    enum store_task_state state;
    bool cancel_requested;
    char transporter[IDENTIFIER_LEN]; /* that has, or last had, the lease */
    uint64_t fence;
    unsigned attempts;     /* that ended in a failure */
    unsigned losses;       /* leases that ran out */
    int64_t not_before_ms; /* earliest next lease */
    int64_t lease_until_ms;
    int64_t created_ms, started_ms, finished_ms;
    char phase[32];
    char waiting[STORE_TEXT_LEN]; /* queued: why no transporter takes it; else empty */
    struct store_counts counts;
    char error_kind[32]; /* of the last failure, also while it is tried again */
    char error_text[STORE_TEXT_LEN];
    char summary[STORE_TEXT_LEN];    /* what it did, for an operator; empty: its counts say it all */
    char figures[STORE_FIGURES_LEN]; /* the same as a JSON object of numbers; or empty */
};

struct store_gap {
    char reason[64];
    uint64_t count;
};

int store_tasks_add(struct store *store, struct store_task *task, struct error *err);
int store_tasks_find(struct store *store, const char *id, struct store_task *task, struct error *err);
/* A run's tasks in order of creation. */
int store_tasks_list(struct store *store, const char *run, struct store_page page,
                     int (*each)(void *ctx, const struct store_task *task, struct error *err), void *ctx,
                     struct error *err);
/* Everything from `state` on. ERROR_CONFLICT when it would be the second leased task with its `exclusive`. */
int store_tasks_update(struct store *store, const struct store_task *task, struct error *err);
/* Queued tasks that may be leased now, in order of creation. */
int store_tasks_due(struct store *store, int64_t now_ms, struct store_page page,
                    int (*each)(void *ctx, const struct store_task *task, struct error *err), void *ctx,
                    struct error *err);
/* Leased or running ones; transporter NULL: of all. */
int store_tasks_held(struct store *store, const char *transporter,
                     int (*each)(void *ctx, const struct store_task *task, struct error *err), void *ctx,
                     struct error *err);
/* Leased or running ones whose lease is over at now_ms. */
int store_tasks_expired(struct store *store, int64_t now_ms,
                        int (*each)(void *ctx, const struct store_task *task, struct error *err), void *ctx,
                        struct error *err);
/* How many tasks each transporter holds; those with none are not named. */
int store_tasks_load(struct store *store,
                     int (*each)(void *ctx, const char *transporter, unsigned tasks, struct error *err), void *ctx,
                     struct error *err);
/* The lowest fence that is still good, for each scope with an unfinished task in the vaults of this host; vault is the
 * id by which the host knows it. */
int store_tasks_fences(struct store *store, const char *host,
                       int (*each)(void *ctx, const char *vault, const char *scope, uint64_t fence, struct error *err),
                       void *ctx, struct error *err);
/* Fills in a run's numbers of tasks, its totals and the error of its first failed task. */
int store_tasks_sum(struct store *store, struct store_run *run, struct error *err);
/* Why the run does not go on: the error of a task that is tried again, else, while nobody works on it, what its tasks
 * wait for; "" when it goes on. */
int store_tasks_remark(struct store *store, const char *run, char out[STORE_TEXT_LEN], struct error *err);
/* Of the run's first task that has them, else "". */
int store_tasks_outcome(struct store *store, const char *run, char summary[STORE_TEXT_LEN],
                        char figures[STORE_FIGURES_LEN], struct error *err);
/* Is there a leased or running task with this `exclusive`? 1, 0 or -1. */
int store_tasks_is_busy(struct store *store, const char *exclusive, struct error *err);
/* The next fencing number of (vault, scope): one higher than any before. */
int store_tasks_next_fence(struct store *store, const char *vault, const char *scope, uint64_t *fence,
                           struct error *err);

/* Items that were left out, by reason; replaces what was there. */
int store_tasks_set_gaps(struct store *store, const char *id, const struct store_gap *gaps, size_t count,
                         struct error *err);
int store_tasks_list_gaps(struct store *store, const char *id,
                          int (*each)(void *ctx, const struct store_gap *gap, struct error *err), void *ctx,
                          struct error *err);

#endif
