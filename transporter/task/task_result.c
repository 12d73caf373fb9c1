#include "transporter/task/task_result.h"

#include <stdio.h>
#include <stdlib.h>
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

void
task_result_add_copied(struct task_result *result, const char *point_id, uint64_t stored_bytes)
{
    if (result->copied_count == result->copied_capacity) {
        result->copied_capacity = result->copied_capacity == 0 ? 16 : result->copied_capacity * 2;
        result->copied = realloc(result->copied, result->copied_capacity * sizeof(result->copied[0]));
        if (result->copied == NULL)
            abort();
    }
    struct task_copied *copied = &result->copied[result->copied_count++];
    snprintf(copied->point_id, sizeof(copied->point_id), "%s", point_id);
    copied->stored_bytes = stored_bytes;
}

void
task_names_add(struct task_names *names, const char *id)
{
    if (names->count == names->capacity) {
        names->capacity = names->capacity == 0 ? 16 : names->capacity * 2;
        names->at = realloc(names->at, names->capacity * sizeof(names->at[0]));
        if (names->at == NULL)
            abort();
    }
    snprintf(names->at[names->count++], sizeof(names->at[0]), "%s", id);
}

void
task_result_clear(struct task_result *result)
{
    if (result->swept != NULL) {
        free(result->swept->retired.at);
        free(result->swept->restored.at);
        free(result->swept->removed.at);
    }
    free(result->swept);
    result->swept = NULL;
    free(result->copied);
    result->copied = NULL;
    result->copied_count = result->copied_capacity = 0;
}

void
task_result_add_figure(struct task_result *result, const char *name, uint64_t value)
{
    if (result->figure_count < TASK_FIGURES_MAX)
        result->figures[result->figure_count++] = (struct task_figure){ name, value };
}
