#ifndef LONGHAUL_DIRECTOR_JOBS_SCHEDULER_H
#define LONGHAUL_DIRECTOR_JOBS_SCHEDULER_H

/* Gives tasks to transporters under leases, hears what became of them, and gives them to others when a transporter
 * is lost. All it knows is in the store, so that a director that starts again goes on where it was. It talks to
 * transporters through a table of functions; time comes from the store's clock. Loop thread. */

#include "director/jobs/live_progress.h"
#include "director/jobs/task_retry.h"
#include "director/store/store_points.h"

#include "common/base/error.h"

struct scheduler;

#define SCHEDULER_PEERS_MAX 4096
#define SCHEDULER_GAPS_MAX  64

struct scheduler_peer {
    char id[IDENTIFIER_LEN];
    unsigned slots;
};

struct scheduler_links {
    void *ctx;
    /* Connected transporters in good standing; returns how many were written. */
    size_t (*connected)(void *ctx, struct scheduler_peer *out, size_t max);
    /* Send the task. -1: it could not be sent, or not be put together. The task is leased already. */
    int (*start)(void *ctx, const struct store_task *task, struct error *err);
    /* Tell this transporter to stop; it may not be connected. */
    void (*cancel)(void *ctx, const char *transporter, const char *task_id, uint64_t fence);
    /* Tell this host that lower fences are not good any more; it may not be connected. */
    void (*raise_fence)(void *ctx, const char *host, const char *vault, const char *scope, uint64_t fence);
};

struct scheduler_options {
    struct store *store; /* borrowed, as is what links point to */
    struct scheduler_links links;
    struct task_retry_policy retry;
    int64_t lease_ms;
    int64_t grace_ms; /* after a hello: what it does not name is lost when it has not reported on it by then */
};

struct scheduler *scheduler_new(const struct scheduler_options *options);
void scheduler_free(struct scheduler *scheduler);

struct live_progress *scheduler_progress(struct scheduler *scheduler);

/* Ends leases that ran out, then gives away what is due. Failures are logged; the next tick tries again. */
void scheduler_tick(struct scheduler *scheduler);

/* ERROR_NOT_FOUND, or ERROR_CONFLICT when the run is over. */
int scheduler_cancel_run(struct scheduler *scheduler, const char *run_id, const char *actor, struct error *err);

/* --- What transporters say. `node` is the one whose certificate it came with. --- */

struct scheduler_running {
    char task[IDENTIFIER_LEN];
    uint64_t fence;
    bool stop; /* set by scheduler_on_hello(): not its task any more */
};

/* A transporter is there (again) and still works on these. */
int scheduler_on_hello(struct scheduler *scheduler, const char *node, struct scheduler_running *running, size_t count,
                       struct error *err);
/* Renews the leases of what it names; it is told to stop what is not its own, or was cancelled. */
int scheduler_on_heartbeat(struct scheduler *scheduler, const char *node, const struct scheduler_running *running,
                           size_t count, struct error *err);
struct scheduler_progress {
    char phase[32];
    struct store_counts counts;
    uint64_t throttled_for_ms, throttled_wait_ms; /* 0 in the first: it is not held back */
};

/* Ignored unless it holds the task under this fence. */
int scheduler_on_progress(struct scheduler *scheduler, const char *node, const struct scheduler_running *task,
                          const struct scheduler_progress *progress, struct error *err);

/* A recovery point that a copy's vault holds now. */
struct scheduler_copied {
    char id[IDENTIFIER_LEN]; /* as the vault knows it */
    uint64_t stored_bytes;
};
#define SCHEDULER_COPIED_MAX 8192

/* What a sweep has done with recovery points: their ids as the vault knows them. */
struct scheduler_names {
    char (*at)[IDENTIFIER_LEN]; /* borrowed */
    size_t count;
};

struct scheduler_result {
    struct scheduler_running task;
    bool succeeded;
    enum error_kind error_kind;
    char error_text[STORE_TEXT_LEN];
    uint64_t retry_after_ms; /* a failure is not tried again before; 0: no wish */
    struct store_counts counts;
    int64_t locked_until_ms; /* what the task committed; 0: not */
    bool has_point;
    struct store_point point; /* id, previous, times and numbers; whose it is is taken from the task */
    struct store_gap gaps[SCHEDULER_GAPS_MAX];
    size_t gap_count;
    struct scheduler_names retired, restored, removed; /* of a sweep */
    char summary[STORE_TEXT_LEN];                      /* one line for an operator; or empty */
    char figures[STORE_FIGURES_LEN];                   /* the same as a JSON object; or empty */
    struct scheduler_copied *copied;                   /* borrowed */
    size_t copied_count;
};

/* 0: it is remembered, or of no effect (said before, or by a former holder), and may be acknowledged. */
int scheduler_on_finished(struct scheduler *scheduler, const char *node, const struct scheduler_result *result,
                          struct error *err);

/* A transporter's rights are taken away: what it holds goes to others at once. */
int scheduler_on_revoked(struct scheduler *scheduler, const char *node, struct error *err);

/* 1 and the row when this transporter holds the task under this fence, else 0; -1 on failure. */
int scheduler_holds(struct scheduler *scheduler, const char *node, const struct scheduler_running *task,
                    struct store_task *row, struct error *err);

#endif
