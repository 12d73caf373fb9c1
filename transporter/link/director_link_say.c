#include "transporter/link/director_link_internal.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/rpc/rpc_call.h"
#include "transporter/link/control_build.h"
#include "transporter/link/finished_journal.h"
#include "transporter/task/task_runner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* Tasks as the runner names them. */
struct census {
    struct director_link_told *tasks;
    size_t count, room;
};

static void
census_clear(struct census *census)
{
    free(census->tasks);
}

static void
on_runner_task(void *ctx, const char *task_id, uint64_t fence, const struct task_progress *progress)
{
    struct census *census = ctx;
    if (census->count == census->room)
        return;
    struct director_link_told *told = &census->tasks[census->count++];
    snprintf(told->ref.task_id, sizeof(told->ref.task_id), "%s", task_id);
    told->ref.fence = fence;
    told->progress = *progress;
}

static void
census_take(struct director_link *link, struct census *census)
{
    census->room = CONTROL_RUNNING_MAX;
    census->tasks = memory_new(census->room * sizeof(*census->tasks));
    task_runner_each(link->parts.runner, on_runner_task, census);
}

/* The caller frees it. */
static struct control_task_ref *
census_refs(const struct census *census)
{
    struct control_task_ref *refs = memory_new((census->count + 1) * sizeof(*refs));
    for (size_t i = 0; i < census->count; i++)
        refs[i] = census->tasks[i].ref;
    return refs;
}

int
director_link_say_hello(struct director_link *link, struct rpc_call *call, struct error *err)
{
    CLEANUP(census_clear) struct census census = { .count = 0 };
    census_take(link, &census);
    CLEANUP(memory_free_p) struct control_task_ref *running = census_refs(&census);
    const struct control_hello hello = { .advertise = link->options.advertise,
                                         .task_slots = link->options.task_slots,
                                         .clock_ms = clock_wall_ms(link->options.clock),
                                         .running = running,
                                         .running_count = census.count };
    CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(CONTROL_MESSAGE_LIMIT);
    if (control_build_hello(&hello, &message, err) != 0)
        return -1;
    return rpc_call_send_bytes(call, message.data, message.len, err);
}

static uint64_t
resident_bytes(void)
{
    char line[128], *next;
    uint64_t resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fgets(line, sizeof(line), file) != NULL && (next = strchr(line, ' ')) != NULL)
        resident = strtoull(next, NULL, 10); /* the second number, in pages; see proc(5) */
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static double
cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int
director_link_say_heartbeat(struct director_link *link, struct error *err)
{
    CLEANUP(census_clear) struct census census = { .count = 0 };
    census_take(link, &census);
    CLEANUP(memory_free_p) struct control_task_ref *running = census_refs(&census);
    const struct control_heartbeat beat = { .running = running,
                                            .running_count = census.count,
                                            .resident_bytes = resident_bytes(),
                                            .cpu_seconds = cpu_seconds() };
    CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(CONTROL_MESSAGE_LIMIT);
    if (control_build_heartbeat(&beat, &message, err) != 0 ||
        director_link_send(link, message.data, message.len, err) != 0)
        return -1;
    link->contact_ms = clock_monotonic_ms(link->options.clock);
    return 0;
}

static bool
is_news(const struct director_link *link, const struct director_link_told *now)
{
    for (size_t i = 0; i < link->told_count; i++)
        if (strcmp(link->told[i].ref.task_id, now->ref.task_id) == 0 && link->told[i].ref.fence == now->ref.fence)
            return memcmp(&link->told[i].progress, &now->progress, sizeof(now->progress)) != 0;
    return true;
}

int
director_link_say_progress(struct director_link *link, struct error *err)
{
    struct census census = { .count = 0 };
    census_take(link, &census);
    int result = 0;
    for (size_t i = 0; result == 0 && i < census.count; i++) {
        if (!is_news(link, &census.tasks[i]))
            continue;
        CLEANUP(buffer_clear) struct buffer message = BUFFER_INIT(CONTROL_MESSAGE_LIMIT);
        result = control_build_progress(&census.tasks[i].ref, &census.tasks[i].progress, &message, err);
        if (result == 0)
            result = director_link_send(link, message.data, message.len, err);
    }
    free(link->told);
    link->told = census.tasks;
    link->told_count = census.count;
    return result;
}

static int
on_journal_message(void *ctx, const uint8_t *message, size_t len, struct error *err)
{
    return director_link_send(ctx, message, len, err);
}

int
director_link_say_results(struct director_link *link, struct error *err)
{
    return finished_journal_each(link->options.journal, on_journal_message, link, err);
}
