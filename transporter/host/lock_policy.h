#ifndef LONGHAUL_TRANSPORTER_HOST_LOCK_POLICY_H
#define LONGHAUL_TRANSPORTER_HOST_LOCK_POLICY_H

/* How long objects are locked for a run that is immutable for some days. Only durations come from outside: the one
 * clock that counts is the host's, so that no other clock can shorten a lock. Pure. Times in ms since 1970. */

#include <stdint.h>

#define LOCK_POLICY_DAY_MS   ((int64_t)24 * 3600 * 1000)
#define LOCK_POLICY_DAYS_MAX 36500U

/* What is locked is locked for so much longer than asked: every object is extended once in this time, not by each
 * run. The longer of 7 days and a quarter of the days asked. */
int64_t lock_policy_ahead_ms(uint32_t days);
/* What a point that is committed now is promised, it and all it needs. */
int64_t lock_policy_promise(int64_t now_ms, uint32_t days);
/* What an object that is written or extended now is given. */
int64_t lock_policy_give(int64_t now_ms, uint32_t days);

#endif
