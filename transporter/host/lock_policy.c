#include "transporter/host/lock_policy.h"

#define AHEAD_LEAST_DAYS 7

int64_t
lock_policy_ahead_ms(uint32_t days)
{
    int64_t quarter = (int64_t)days * LOCK_POLICY_DAY_MS / 4;
    int64_t least = AHEAD_LEAST_DAYS * LOCK_POLICY_DAY_MS;
    return quarter > least ? quarter : least;
}

int64_t
lock_policy_promise(int64_t now_ms, uint32_t days)
{
    return now_ms + (int64_t)days * LOCK_POLICY_DAY_MS;
}

int64_t
lock_policy_give(int64_t now_ms, uint32_t days)
{
    return lock_policy_promise(now_ms, days) + lock_policy_ahead_ms(days);
}
