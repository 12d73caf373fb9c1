#include "director/jobs/task_retry.h"

#define LAST_DELAY_MS  600000
#define AUTH_ATTEMPTS  2
#define HINT_MAX_MS    86400000
#define HINT_SPREAD_MS 2000

/* From 5 s: 20 s, 80 s, 320 s, 600 s; up to a quarter more by chance. */
static int64_t
delay_ms(int64_t delay, unsigned attempts, uint32_t spread)
{

    for (unsigned i = 1; i < attempts && delay < LAST_DELAY_MS; i++)
        delay *= 4;
    if (delay > LAST_DELAY_MS)
        delay = LAST_DELAY_MS;
    return delay + (int64_t)(spread % (uint32_t)(delay / 4 + 1));
}

struct task_retry
task_retry_after_failure(const struct task_retry_policy *policy, enum error_kind kind, unsigned attempts,
                         int64_t now_ms, uint32_t spread)
{
    unsigned most = 0;

    switch (error_kind_retry(kind)) {
    case RETRY_NEVER:
        break;
    case RETRY_AFTER_AUTH:
        most = policy->attempts < AUTH_ATTEMPTS ? policy->attempts : AUTH_ATTEMPTS;
        break;
    case RETRY_AFTER_HINT:
    case RETRY_BACKOFF:
        most = policy->attempts;
        break;
    }
    if (attempts >= most)
        return (struct task_retry){ .again = false };
    return (struct task_retry){ .again = true, .not_before_ms = now_ms + delay_ms(policy->first_ms, attempts, spread) };
}

struct task_retry
task_retry_not_before(struct task_retry retry, int64_t now_ms, uint64_t retry_after_ms, uint32_t spread)
{
    int64_t ms = retry_after_ms < HINT_MAX_MS ? (int64_t)retry_after_ms : HINT_MAX_MS;
    int64_t at = now_ms + ms + (int64_t)(spread % HINT_SPREAD_MS);

    if (ms > 0 && retry.again && retry.not_before_ms < at)
        retry.not_before_ms = at;
    return retry;
}

struct task_retry
task_retry_after_loss(unsigned losses, int64_t now_ms)
{
    return (struct task_retry){ .again = losses < TASK_RETRY_LOSSES, .not_before_ms = now_ms };
}
