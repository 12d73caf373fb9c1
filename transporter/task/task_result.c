#include "transporter/task/task_result.h"

#include <stdio.h>
#include <string.h>

void
task_result_add_gap(struct task_result *result, const char *reason, uint64_t count)
{
    size_t i = 0;
    while (i < result->gap_count && strcmp(result->gaps[i].reason, reason) != 0)
        i++;
    if (i == result->gap_count) {
        if (i >= TASK_GAPS_MAX - 1) {
            i = TASK_GAPS_MAX - 1;
            reason = "other";
        }
        result->gap_count = i + 1;
        snprintf(result->gaps[i].reason, sizeof(result->gaps[i].reason), "%s", reason);
    }
    result->gaps[i].count += count;
}
