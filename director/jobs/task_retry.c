#include "director/jobs/task_retry.h"

#define FIRST_DELAY_MS 5000
#define LAST_DELAY_MS  600000
#define AUTH_ATTEMPTS  2

/* 5 s, 20 s, 80 s, 320 s, 600 s; up to a quarter more by chance. */
static int64_t
delay_ms(unsigned attempts, uint32_t spread)
{
    int64_t delay = FIRST_DELAY_MS;

    for (unsigned i = 1; i < attempts && delay < LAST_DELAY_MS; i++)
        delay *= 4;
    if (delay > LAST_DELAY_MS)
        delay = LAST_DELAY_MS;
    return delay + (int64_t)(spread % (uint32_t)(delay / 4));
}

struct task_retry
task_retry_after_failure(enum error_kind kind, unsigned attempts, int64_t now_ms, uint32_t spread)
{
    unsigned most = 0;

    switch (error_kind_retry(kind)) {
    case RETRY_NEVER:
        break;
    case RETRY_AFTER_AUTH:
        most = AUTH_ATTEMPTS;
        break;
    case RETRY_AFTER_HINT:
    case RETRY_BACKOFF:
        most = TASK_RETRY_ATTEMPTS;
        break;
    }
    if (attempts >= most)
        return (struct task_retry){ .again = false };
    return (struct task_retry){ .again = true, .not_before_ms = now_ms + delay_ms(attempts, spread) };
}

struct task_retry
task_retry_after_loss(unsigned losses, int64_t now_ms)
{
    return (struct task_retry){ .again = losses < TASK_RETRY_LOSSES, .not_before_ms = now_ms };
}
