#include "director/link/control_parse.h"

#include "common/base/arena.h"
#include "common/rpc/rpc_call.h"
#include "proto/control.pb-c.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What a transporter says of its times is cut to this. */
#define THROTTLED_MAX_MS ((uint64_t)30 * 24 * 60 * 60 * 1000)

static int
id_of(char out[IDENTIFIER_LEN], const char *text, const char *what, struct error *err)
{
    if (!identifier_valid(text))
        return FAIL(err, ERROR_FORMAT, 0, "the transporter sent a %s that is no id", what);
    snprintf(out, IDENTIFIER_LEN, "%s", text);
    return 0;
}

/* A line for an operator; what is not clean text is not shown. */
static void
line_of(char *out, size_t size, const char *text)
{
    size_t len = strnlen(text, size - 1);

    memcpy(out, text, len);
    out[len] = '\0';
    while (len > 0 && !store_title_valid(out, size))
        out[--len] = '\0';
}

static int
running_of(struct arena *arena, struct control_message *message, Longhaul__V1__RunningTask **tasks, size_t count,
           struct error *err)
{
    if (count > CONTROL_PARSE_RUNNING_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "more than %d running tasks", CONTROL_PARSE_RUNNING_MAX);
    message->running = arena_alloc(arena, (count + 1) * sizeof(*message->running));
    if (message->running == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "a message takes too much memory");
    for (size_t i = 0; i < count; i++) {
        message->running[i].fence = tasks[i]->fence;
        if (id_of(message->running[i].task, tasks[i]->task_id, "task", err) != 0)
            return -1;
    }
    message->running_count = count;
    return 0;
}

static int
parse_hello(struct arena *arena, const Longhaul__V1__Hello *from, struct control_message *message, struct error *err)
{
    size_t len = strlen(from->advertise);

    message->kind = CONTROL_HELLO;
    message->hello.protocol = from->protocol;
    message->hello.task_slots = from->task_slots;
    message->hello.clock_ms = from->clock_ms;
    line_of(message->hello.software_version, sizeof(message->hello.software_version), from->software_version);
    if (len > 0 && !store_title_valid(from->advertise, sizeof(message->hello.advertise)))
        return FAIL(err, ERROR_FORMAT, 0, "the transporter's rpc.advertise is too long, or no address");
    memcpy(message->hello.advertise, from->advertise, len + 1);
    return running_of(arena, message, from->running, from->n_running, err);
}

static void
counts_of(struct store_counts *to, const Longhaul__V1__TaskProgress *from)
{
    to->items_done = from->items_done;
    to->items_total = from->items_total;
    to->bytes_read = from->bytes_read;
    to->bytes_total = from->bytes_total;
    to->bytes_stored = from->bytes_stored;
    to->requests = from->requests;
    to->throttled_ms = from->throttled_ms;
}

static int
parse_progress(const Longhaul__V1__TaskProgress *from, struct control_message *message, struct error *err)
{
    message->kind = CONTROL_PROGRESS;
    message->progress.task.fence = from->fence;
    struct scheduler_progress *told = &message->progress.told;
    line_of(told->phase, sizeof(told->phase), from->phase);
    counts_of(&told->counts, from);
    told->throttled_for_ms = from->throttled_for_ms < THROTTLED_MAX_MS ? from->throttled_for_ms : THROTTLED_MAX_MS;
    told->throttled_wait_ms = from->throttled_wait_ms < THROTTLED_MAX_MS ? from->throttled_wait_ms : THROTTLED_MAX_MS;
    return id_of(message->progress.task.task, from->task_id, "task", err);
}

static int
point_of(struct store_point *to, const Longhaul__V1__RecoveryPoint *from, struct error *err)
{
    if (id_of(to->id, from->point_id, "recovery point", err) != 0 ||
        (from->previous_point[0] != '\0' && id_of(to->previous, from->previous_point, "previous point", err) != 0))
        return -1;
    to->created_ms = from->created_ms;
    to->items = from->items;
    to->bytes = from->bytes;
    to->stored_bytes = from->stored_bytes;
    to->items_new = from->items_new;
    to->items_changed = from->items_changed;
    to->items_deleted = from->items_deleted;
    return 0;
}

static void
gaps_of(struct scheduler_result *to, Longhaul__V1__GapCount **from, size_t count)
{
    for (size_t i = 0; i < count && to->gap_count < SCHEDULER_GAPS_MAX; i++) {
        struct store_gap *gap = &to->gaps[to->gap_count];
        line_of(gap->reason, sizeof(gap->reason), from[i]->reason);
        gap->count = from[i]->count;
        if (gap->reason[0] != '\0')
            to->gap_count++;
    }
}

/* What is no id or too much is left out: it would come again and again if it were refused. */
static int
copied_of(struct arena *arena, struct scheduler_result *to, Longhaul__V1__CopiedPoint **from, size_t count,
          struct error *err)
{
    size_t most = count < SCHEDULER_COPIED_MAX ? count : SCHEDULER_COPIED_MAX;

    to->copied = arena_alloc(arena, (most + 1) * sizeof(*to->copied));
    if (to->copied == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "a message takes too much memory");
    for (size_t i = 0; i < most; i++) {
        struct scheduler_copied *copied = &to->copied[to->copied_count];
        copied->stored_bytes = from[i]->stored_bytes;
        to->copied_count += id_of(copied->id, from[i]->point_id, "recovery point", NULL) == 0;
    }
    return 0;
}

/* Bad ids are left out. */
static int
names_of(struct arena *arena, struct scheduler_names *to, char **from, size_t count, struct error *err)
{
    size_t most = count < SCHEDULER_COPIED_MAX ? count : SCHEDULER_COPIED_MAX;

    to->count = 0;
    to->at = arena_alloc(arena, (most + 1) * sizeof(*to->at));
    if (to->at == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "a message takes too much memory");
    for (size_t i = 0; i < most; i++)
        to->count += id_of(to->at[to->count], from[i], "recovery point", NULL) == 0;
    return 0;
}

static int
swept_of(struct arena *arena, struct scheduler_result *to, const Longhaul__V1__SweepReport *from, struct error *err)
{
    if (from == NULL)
        return 0;
    return names_of(arena, &to->retired, from->retired, from->n_retired, err) != 0 ||
                   names_of(arena, &to->restored, from->restored, from->n_restored, err) != 0
               ? -1
               : names_of(arena, &to->removed, from->removed, from->n_removed, err);
}

#define FIGURES_MAX  32
#define FIGURE_NAME  40
#define FIGURE_CHARS "abcdefghijklmnopqrstuvwxyz_"

/* As a JSON object; what is no figure is left out. */
static void
figures_of(struct scheduler_result *to, Longhaul__V1__Figure **from, size_t count)
{
    size_t at = 0;

    for (size_t i = 0; i < count && i < FIGURES_MAX; i++) {
        size_t len = strlen(from[i]->name);
        if (len > 0 && len < FIGURE_NAME && strspn(from[i]->name, FIGURE_CHARS) == len)
            at += (size_t)snprintf(to->figures + at, sizeof(to->figures) - at, "%c\"%s\":%" PRIu64, at == 0 ? '{' : ',',
                                   from[i]->name, from[i]->value & INT64_MAX);
    }
    if (at > 0)
        snprintf(to->figures + at, sizeof(to->figures) - at, "}");
}

static int
parse_finished(struct arena *arena, const Longhaul__V1__TaskFinished *from, struct control_message *message,
               struct error *err)
{
    struct scheduler_result *to = message->finished = arena_alloc(arena, sizeof(*to));
    struct error bad = ERROR_INIT;

    message->kind = CONTROL_FINISHED;
    if (to == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "a message takes too much memory");
    if (id_of(to->task.task, from->task_id, "task", err) != 0)
        return -1;
    to->task.fence = from->fence;
    to->succeeded = from->succeeded;
    to->error_kind = from->succeeded ? ERROR_NONE : error_kind_from_name(from->error_kind);
    line_of(to->error_text, sizeof(to->error_text), from->error_text);
    to->retry_after_ms = from->retry_after_ms;
    to->locked_until_ms = from->locked_until_ms;
    if (from->totals != NULL)
        counts_of(&to->counts, from->totals);
    to->counts.items_skipped = from->items_skipped;
    to->counts.items_failed = from->items_failed;
    to->counts.chunks_checked = from->chunks_checked;
    to->counts.damaged = from->damaged;
    gaps_of(to, from->gaps, from->n_gaps);
    line_of(to->summary, sizeof(to->summary), from->summary);
    figures_of(to, from->figures, from->n_figures);
    if (copied_of(arena, to, from->copied, from->n_copied, err) != 0 || swept_of(arena, to, from->sweep, err) != 0)
        return -1;
    if (from->point == NULL)
        return 0;
    /* It would come again and again if it were refused: so the task has failed instead. */
    if (point_of(&to->point, from->point, &bad) != 0) {
        to->succeeded = false;
        to->error_kind = ERROR_FORMAT;
        snprintf(to->error_text, sizeof(to->error_text), "%s", bad.text);
        return 0;
    }
    to->has_point = true;
    return 0;
}

static enum store_object_kind
object_kind_of(Longhaul__V1__ObjectKind kind)
{
    switch (kind) {
    case LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_MAILBOX:
        return STORE_OBJECT_MAILBOX;
    case LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_DRIVE:
        return STORE_OBJECT_DRIVE;
    case LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_UNSPECIFIED:
    case _LONGHAUL__V1__OBJECT_KIND_IS_INT_SIZE:
        break;
    }
    return STORE_OBJECT_ANY;
}

/* A name or id that is too long stays empty, and is then refused and counted by discovered_put(). */
static void
whole_or_nothing(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len < size)
        memcpy(out, text, len + 1);
}

static int
parse_discovered(struct arena *arena, const Longhaul__V1__Discovered *from, struct control_message *message,
                 struct error *err)
{
    size_t count = from->n_objects;

    message->kind = CONTROL_DISCOVERED;
    message->discovered.task.fence = from->fence;
    if (id_of(message->discovered.task.task, from->task_id, "task", err) != 0)
        return -1;
    if (count > DISCOVERED_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "more than %d discovered objects in one message", DISCOVERED_MAX);
    struct store_object *to = arena_alloc(arena, (count + 1) * sizeof(*to));
    if (to == NULL)
        return FAIL(err, ERROR_LIMIT, 0, "a message takes too much memory");
    for (size_t i = 0; i < count; i++) {
        to[i].kind = object_kind_of(from->objects[i]->kind);
        whole_or_nothing(to[i].external_id, sizeof(to[i].external_id), from->objects[i]->external_id);
        whole_or_nothing(to[i].name, sizeof(to[i].name), from->objects[i]->name);
    }
    message->discovered.objects = to;
    message->discovered.count = count;
    return 0;
}

static int
parse_repository(const Longhaul__V1__RepositoryStatus *from, struct control_message *message, struct error *err)
{
    struct store_repository *to = &message->repository;

    message->kind = CONTROL_REPOSITORY;
    to->state = from->attached ? STORE_REPOSITORY_ATTACHED : STORE_REPOSITORY_FAILED;
    to->free_bytes = from->free_bytes;
    to->locks = from->locks;
    line_of(to->probe, sizeof(to->probe), from->probe);
    if (!from->attached) {
        line_of(to->error_kind, sizeof(to->error_kind), error_kind_name(error_kind_from_name(from->error_kind)));
        line_of(to->error_text, sizeof(to->error_text), from->error_text);
    }
    return id_of(to->id, from->repository_id, "repository", err);
}

static int
parse_query_reply(const Longhaul__V1__QueryReply *from, struct control_message *message, struct error *err)
{
    char text[STORE_TEXT_LEN];

    message->kind = CONTROL_QUERY_REPLY;
    if (from->sealed.len > DIRECTOR_REPLY_SEALED_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a reply of more than %zu bytes", DIRECTOR_REPLY_SEALED_MAX);
    message->query_reply.sealed = from->sealed.data;
    message->query_reply.len = from->sealed.len;
    message->query_reply.failed = from->error_kind[0] != '\0';
    if (message->query_reply.failed) {
        line_of(text, sizeof(text), from->error_text);
        FAIL(&message->query_reply.why, error_kind_from_name(from->error_kind), 0, "%s", text);
    }
    return id_of(message->query_reply.query_id, from->query_id, "query", err);
}

static int
parse_heartbeat(struct arena *arena, const Longhaul__V1__Heartbeat *from, struct control_message *message,
                struct error *err)
{
    message->kind = CONTROL_HEARTBEAT;
    message->heartbeat.resident_bytes = from->resident_bytes;
    message->heartbeat.cpu_seconds = isfinite(from->cpu_seconds) && from->cpu_seconds >= 0 ? from->cpu_seconds : 0;
    return running_of(arena, message, from->running, from->n_running, err);
}

int
control_parse(const uint8_t *data, size_t len, struct arena *arena, struct control_message *message, struct error *err)
{
    memset(message, 0, sizeof(*message));
    ProtobufCMessage *unpacked = rpc_unpack(&longhaul__v1__transporter_message__descriptor, data, len, arena, err);
    if (unpacked == NULL)
        return -1;
    const Longhaul__V1__TransporterMessage *from = (const Longhaul__V1__TransporterMessage *)(const void *)unpacked;
    switch (from->kind_case) {
    case LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_HELLO:
        return parse_hello(arena, from->hello, message, err);
    case LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_HEARTBEAT:
        return parse_heartbeat(arena, from->heartbeat, message, err);
    case LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_PROGRESS:
        return parse_progress(from->progress, message, err);
    case LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_FINISHED:
        return parse_finished(arena, from->finished, message, err);
    case LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_DISCOVERED:
        return parse_discovered(arena, from->discovered, message, err);
    case LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_REPOSITORY:
        return parse_repository(from->repository, message, err);
    case LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_QUERY_REPLY:
        return parse_query_reply(from->query_reply, message, err);
    case LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND__NOT_SET:
    case _LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND__CASE_IS_INT_SIZE:
        break;
    }
    return 0;
}
