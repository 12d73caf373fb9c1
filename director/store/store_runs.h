#ifndef LONGHAUL_DIRECTOR_STORE_STORE_RUNS_H
#define LONGHAUL_DIRECTOR_STORE_STORE_RUNS_H

/* Firings of jobs, and single actions: creation of a vault, discovery, restore, verification, heal. */

#include "director/store/store.h"

enum store_run_kind {
    STORE_RUN_BACKUP,
    STORE_RUN_RESTORE,
    STORE_RUN_VERIFY,
    STORE_RUN_DISCOVER,
    STORE_RUN_CREATE_VAULT,
    STORE_RUN_COPY,
    STORE_RUN_SWEEP,
    STORE_RUN_HEAL
};
/* "backup", "restore", "verify", "discover", "create-vault", "copy", "sweep", "heal" */
const char *store_run_kind_name(enum store_run_kind kind);
int store_run_kind_from_name(const char *name, enum store_run_kind *kind);

enum store_run_state {
    STORE_RUN_QUEUED,
    STORE_RUN_RUNNING,
    STORE_RUN_SUCCEEDED,
    STORE_RUN_WARNING, /* every object done, but items were left out */
    STORE_RUN_FAILED,
    STORE_RUN_CANCELLED
};
const char *store_run_state_name(enum store_run_state state);
int store_run_state_from_name(const char *name, enum store_run_state *state);
/* No state follows. */
bool store_run_state_final(enum store_run_state state);

/* What tasks count; a run's are the sums over its tasks. 0 in a total: not known. */
struct store_counts {
    uint64_t items_done, items_total;
    uint64_t bytes_read, bytes_total;
    uint64_t bytes_stored;
    uint64_t requests;
    uint64_t throttled_ms;
    uint64_t items_skipped, items_failed;
    uint64_t chunks_checked, damaged;
};

struct store_run {
    char id[IDENTIFIER_LEN];
    enum store_run_kind kind;
    char job[IDENTIFIER_LEN]; /* empty: a single action, or the job is gone */
    char tenant[IDENTIFIER_LEN];
    char vault[IDENTIFIER_LEN];
    char actor[STORE_NAME_LEN]; /* who started it */
    enum store_run_state state;
    bool cancel_requested;
    int64_t created_ms, started_ms, finished_ms;
    unsigned tasks, tasks_done, tasks_failed, tasks_cancelled;
    struct store_counts totals; /* as stored: final, or of the last heartbeat; see director_run_progress() */
    char error_kind[32];        /* of the first failed task */
    char error_text[STORE_TEXT_LEN];
};

struct store_run_filter {
    const char *tenant; /* each NULL: any */
    const char *job;
    const char *vault;
    bool unfinished; /* only those */
};

int store_runs_add(struct store *store, struct store_run *run, struct error *err);
int store_runs_find(struct store *store, const char *id, struct store_run *run, struct error *err);
/* Newest first. */
int store_runs_list(struct store *store, const struct store_run_filter *filter, struct store_page page,
                    int (*each)(void *ctx, const struct store_run *run, struct error *err), void *ctx,
                    struct error *err);
/* state, cancel_requested, times, counts, totals, error. */
int store_runs_update(struct store *store, const struct store_run *run, struct error *err);

#endif
