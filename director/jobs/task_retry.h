#ifndef LONGHAUL_DIRECTOR_JOBS_TASK_RETRY_H
#define LONGHAUL_DIRECTOR_JOBS_TASK_RETRY_H

/* Whether a task that failed, or was lost, is tried again, and when. Pure. */

#include "common/base/error.h"

#define TASK_RETRY_LOSSES 20 /* transporters that vanished with it: one of them may be the task's fault */

struct task_retry_policy {
    unsigned attempts; /* failures after which a task has failed */
    int64_t first_ms;  /* pause after the first one; each further one is four times as long, at most ten minutes */
};

struct task_retry {
    bool again;
    int64_t not_before_ms;
};

/* attempts: failures so far, this one included. spread: random bits, so that tasks that failed together do not come
 * back together. */
struct task_retry task_retry_after_failure(const struct task_retry_policy *policy, enum error_kind kind,
                                           unsigned attempts, int64_t now_ms, uint32_t spread);
/* A retry that does not come before what a service has asked for, by a little: at most a day. spread as above. */
struct task_retry task_retry_not_before(struct task_retry retry, int64_t now_ms, uint64_t retry_after_ms,
                                        uint32_t spread);
/* losses: leases that ran out so far, this one included. */
struct task_retry task_retry_after_loss(unsigned losses, int64_t now_ms);

#endif
