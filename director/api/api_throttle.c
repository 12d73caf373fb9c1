#include "director/api/api_throttle.h"

#include "common/base/clock.h"
#include "director/api/api_json.h"

#include <stdio.h>

#define HALF_A_DAY_MS ((int64_t)12 * 60 * 60 * 1000)

static int64_t
seconds_so_far(const struct director_progress *progress, int64_t now_ms)
{
    return now_ms > progress->throttled_since_ms ? (now_ms - progress->throttled_since_ms) / 1000 : 0;
}

json_t *
api_throttle_json(const struct director_progress *progress, int64_t now_ms)
{
    if (progress->throttled == 0)
        return json_null();
    return json_pack("{s:i, s:o, s:o, s:I}", "tasks", (int)progress->throttled, "since",
                     api_json_time(progress->throttled_since_ms), "until", api_json_time(progress->throttled_until_ms),
                     "seconds", (json_int_t)seconds_so_far(progress, now_ms));
}

void
api_throttle_remark(const struct director_progress *progress, int64_t now_ms, char out[STORE_TEXT_LEN])
{
    char iso[CLOCK_TEXT_LEN], until[48] = "asking again now", tasks[32] = "", so_far[32];

    out[0] = '\0';
    if (progress->throttled == 0)
        return;
    int64_t seconds = seconds_so_far(progress, now_ms);
    clock_format_ms(progress->throttled_until_ms, iso);
    if (progress->throttled_until_ms - now_ms > HALF_A_DAY_MS)
        snprintf(until, sizeof(until), "waiting until %.10s %.8s UTC", iso, iso + 11);
    else if (progress->throttled_until_ms > now_ms)
        snprintf(until, sizeof(until), "waiting until %.8s UTC", iso + 11);
    if (seconds < 60)
        snprintf(so_far, sizeof(so_far), "%d s", (int)seconds);
    else
        snprintf(so_far, sizeof(so_far), "%lld min", (long long)(seconds / 60));
    if (progress->throttled > 1)
        snprintf(tasks, sizeof(tasks), ", %u objects", progress->throttled);
    snprintf(out, STORE_TEXT_LEN, "throttled by Microsoft 365: %s (%s so far%s)", until, so_far, tasks);
}
