#ifndef LONGHAUL_TRANSPORTER_TASK_TASK_RESULT_H
#define LONGHAUL_TRANSPORTER_TASK_TASK_RESULT_H

/* How far a task is, and how it ended, in plain structs. */

#include "common/base/error.h"
#include "common/base/identifier.h"

#include <stddef.h>
#include <stdint.h>

#define TASK_GAPS_MAX   64
#define TASK_GAP_REASON 32
#define TASK_PHASE_MAX  32

/* A snapshot of the counters. Totals are 0 while unknown. */
struct task_progress {
    char phase[TASK_PHASE_MAX];
    uint64_t items_done, items_total;
    uint64_t bytes_read, bytes_total; /* from the source */
    uint64_t bytes_stored;            /* new in the vault */
    uint64_t requests;                /* to Microsoft */
    uint64_t throttled_ms;            /* time in which at least one request waited for that */
    uint64_t held_for_ms;             /* by throttling, so far; 0: it is not held */
    uint64_t held_wait_ms;            /* until the service is asked again */
};

struct task_gap {
    char reason[TASK_GAP_REASON];
    uint64_t count;
};

/* What a backup has committed; point_id is empty when there is none. */
struct task_point {
    char point_id[IDENTIFIER_LEN];
    char previous_point[IDENTIFIER_LEN];
    int64_t created_ms;
    uint64_t items, bytes; /* of the whole point */
    uint64_t stored_bytes; /* new in the vault */
    uint64_t items_new, items_changed, items_deleted;
};

/* A recovery point that a copy has found or brought into its vault. */
struct task_copied {
    char point_id[IDENTIFIER_LEN];
    uint64_t stored_bytes; /* new in the vault */
};

/* What a sweep has done with recovery points. */
struct task_names {
    char (*at)[IDENTIFIER_LEN]; /* owned */
    size_t count, capacity;
};

struct task_swept {
    struct task_names retired, restored, removed;
};

#define TASK_FIGURES_MAX 24
#define TASK_SUMMARY_MAX 400

struct task_figure {
    const char *name; /* a constant of a to z and _ */
    uint64_t value;
};

struct task_result {
    char task_id[IDENTIFIER_LEN];
    uint64_t fence;
    struct error error; /* unset: it succeeded */
    struct task_progress totals;
    struct task_point point;
    uint64_t items_skipped, items_failed;
    uint64_t chunks_checked, damaged;
    int64_t locked_until_ms; /* what was committed, as its host says; 0: it is not locked */
    struct task_gap gaps[TASK_GAPS_MAX];
    size_t gap_count;
    char summary[TASK_SUMMARY_MAX]; /* what it did, for an operator; or empty */
    struct task_figure figures[TASK_FIGURES_MAX];
    size_t figure_count;
    struct task_swept *swept;   /* of a sweep; owned */
    struct task_copied *copied; /* owned */
    size_t copied_count, copied_capacity;
};

/* Frees what it owns. */
void task_result_clear(struct task_result *result);

/* Counts one more of the reason; reasons above TASK_GAPS_MAX are counted as "other". */
void task_result_add_gap(struct task_result *result, const char *reason, uint64_t count);

void task_result_add_copied(struct task_result *result, const char *point_id, uint64_t stored_bytes);

void task_result_add_figure(struct task_result *result, const char *name, uint64_t value);

void task_names_add(struct task_names *names, const char *id);

#endif
