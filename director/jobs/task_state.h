#ifndef LONGHAUL_DIRECTOR_JOBS_TASK_STATE_H
#define LONGHAUL_DIRECTOR_JOBS_TASK_STATE_H

/* The life of a task and of a run, each as one table. Pure, apart from the log line of a move.
 *
 *   task:  queued ──► leased ──► running ──► done | failed | cancelled
 *             ▲ │        │ │        │
 *             │ │        │ └────────┼──────► done | failed | cancelled (it was that fast)
 *             └─┼────────┴──────────┘        lost, or failed and to be tried again
 *               └──────────────────────────► cancelled | failed
 *
 *   run:   queued ──► running ──► succeeded | warning | failed | cancelled
 *             └─────────────────► failed | cancelled */

#include "director/store/store_tasks.h"

bool task_state_may_follow(enum store_task_state from, enum store_task_state to);
/* Moves and logs. A move that the table does not know is a defect: the program aborts. */
void task_state_move(struct store_task *task, enum store_task_state to);

bool task_state_run_may_follow(enum store_run_state from, enum store_run_state to);
void task_state_run_move(struct store_run *run, enum store_run_state to);

/* What a run is, by its numbers of tasks and its totals: RUNNING while a task is not over; then FAILED when one
 * failed or something is damaged, CANCELLED when one was cancelled, WARNING when items were left out. */
enum store_run_state task_state_of_run(const struct store_run *run);

#endif
