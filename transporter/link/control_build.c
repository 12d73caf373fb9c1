#include "transporter/link/control_build.h"

#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "proto/control.pb-c.h"

#include <stdlib.h>

/* protobuf-c has no const in its structs, and does not write when it packs. */
static char *
text_of(const char *text)
{
    return (char *)(uintptr_t)text;
}

static int
build_append(const Longhaul__V1__TransporterMessage *m, struct buffer *out, struct error *err)
{
    size_t len = longhaul__v1__transporter_message__get_packed_size(m);
    if (len > CONTROL_MESSAGE_LIMIT)
        return FAIL(err, ERROR_LIMIT, 0, "message to the director would have %zu bytes", len);
    if (buffer_reserve(out, len, err) != 0)
        return -1;
    out->len += longhaul__v1__transporter_message__pack(m, out->data + out->len);
    return 0;
}

/* The wire structs of a list of task references; the caller frees both arrays. */
struct running_list {
    Longhaul__V1__RunningTask *tasks;
    Longhaul__V1__RunningTask **pointers;
};

static void
running_list_clear(struct running_list *list)
{
    free(list->tasks);
    free(list->pointers);
}

static int
running_list_init(struct running_list *list, const struct control_task_ref *refs, size_t count, struct error *err)
{
    list->tasks = memory_array(count, sizeof(*list->tasks), CONTROL_RUNNING_MAX * sizeof(*list->tasks), err);
    list->pointers = memory_array(count, sizeof(*list->pointers), CONTROL_RUNNING_MAX * sizeof(*list->pointers), err);
    if (list->tasks == NULL || list->pointers == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        longhaul__v1__running_task__init(&list->tasks[i]);
        list->tasks[i].task_id = text_of(refs[i].task_id);
        list->tasks[i].fence = refs[i].fence;
        list->pointers[i] = &list->tasks[i];
    }
    return 0;
}

int
control_build_hello(const struct control_hello *hello, struct buffer *out, struct error *err)
{
    CLEANUP(running_list_clear) struct running_list running = { 0 };
    if (running_list_init(&running, hello->running, hello->running_count, err) != 0)
        return -1;
    Longhaul__V1__Hello m = LONGHAUL__V1__HELLO__INIT;
    m.protocol = 1;
    m.software_version = text_of(LONGHAUL_VERSION);
    m.advertise = text_of(hello->advertise);
    m.task_slots = hello->task_slots;
    m.clock_ms = hello->clock_ms;
    m.running = running.pointers;
    m.n_running = hello->running_count;
    Longhaul__V1__TransporterMessage outer = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    outer.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_HELLO;
    outer.hello = &m;
    return build_append(&outer, out, err);
}

int
control_build_heartbeat(const struct control_heartbeat *beat, struct buffer *out, struct error *err)
{
    CLEANUP(running_list_clear) struct running_list running = { 0 };
    if (running_list_init(&running, beat->running, beat->running_count, err) != 0)
        return -1;
    Longhaul__V1__Heartbeat m = LONGHAUL__V1__HEARTBEAT__INIT;
    m.running = running.pointers;
    m.n_running = beat->running_count;
    m.resident_bytes = beat->resident_bytes;
    m.cpu_seconds = beat->cpu_seconds;
    Longhaul__V1__TransporterMessage outer = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    outer.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_HEARTBEAT;
    outer.heartbeat = &m;
    return build_append(&outer, out, err);
}

static void
progress_fill(Longhaul__V1__TaskProgress *m, const char *task_id, uint64_t fence, const struct task_progress *from)
{
    longhaul__v1__task_progress__init(m);
    m->task_id = text_of(task_id);
    m->fence = fence;
    m->phase = text_of(from->phase);
    m->items_done = from->items_done;
    m->items_total = from->items_total;
    m->bytes_read = from->bytes_read;
    m->bytes_total = from->bytes_total;
    m->bytes_stored = from->bytes_stored;
    m->requests = from->requests;
    m->throttled_ms = from->throttled_ms;
    m->throttled_for_ms = from->held_for_ms;
    m->throttled_wait_ms = from->held_wait_ms;
}

int
control_build_progress(const struct control_task_ref *ref, const struct task_progress *progress, struct buffer *out,
                       struct error *err)
{
    Longhaul__V1__TaskProgress m;
    progress_fill(&m, ref->task_id, ref->fence, progress);
    Longhaul__V1__TransporterMessage outer = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    outer.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_PROGRESS;
    outer.progress = &m;
    return build_append(&outer, out, err);
}

static void
point_fill(Longhaul__V1__RecoveryPoint *m, const struct task_point *from)
{
    longhaul__v1__recovery_point__init(m);
    m->point_id = text_of(from->point_id);
    m->previous_point = text_of(from->previous_point);
    m->created_ms = from->created_ms;
    m->items = from->items;
    m->bytes = from->bytes;
    m->stored_bytes = from->stored_bytes;
    m->items_new = from->items_new;
    m->items_changed = from->items_changed;
    m->items_deleted = from->items_deleted;
}

/* The wire structs of the points that a copy has brought; the caller frees both arrays. */
struct copied_list {
    Longhaul__V1__CopiedPoint *points;
    Longhaul__V1__CopiedPoint **pointers;
};

static void
copied_list_clear(struct copied_list *list)
{
    free(list->points);
    free(list->pointers);
}

static int
copied_list_init(struct copied_list *list, const struct task_result *result, struct error *err)
{
    size_t count = result->copied_count;
    list->points = memory_array(count, sizeof(*list->points), TASK_ORDER_COPY_MAX * sizeof(*list->points), err);
    list->pointers = memory_array(count, sizeof(*list->pointers), TASK_ORDER_COPY_MAX * sizeof(*list->pointers), err);
    if (list->points == NULL || list->pointers == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        longhaul__v1__copied_point__init(&list->points[i]);
        list->points[i].point_id = text_of(result->copied[i].point_id);
        list->points[i].stored_bytes = result->copied[i].stored_bytes;
        list->pointers[i] = &list->points[i];
    }
    return 0;
}

/* The most of each that is told; a sweep removes what earlier ones have retired. */
#define SWEPT_MAX 8192

static int
names_list(const struct task_names *names, char ***list, size_t *count, struct error *err)
{
    *count = names->count < SWEPT_MAX ? names->count : SWEPT_MAX;
    *list = memory_array(*count, sizeof(**list), SWEPT_MAX * sizeof(**list), err);
    for (size_t i = 0; *list != NULL && i < *count; i++)
        (*list)[i] = text_of(names->at[i]);
    return *list == NULL ? -1 : 0;
}

static int
report_fill(Longhaul__V1__SweepReport *m, const struct task_swept *swept, struct error *err)
{
    longhaul__v1__sweep_report__init(m);
    return names_list(&swept->retired, &m->retired, &m->n_retired, err) != 0 ||
                   names_list(&swept->restored, &m->restored, &m->n_restored, err) != 0
               ? -1
               : names_list(&swept->removed, &m->removed, &m->n_removed, err);
}

static void
report_clear(Longhaul__V1__SweepReport *m)
{
    free(m->retired);
    free(m->restored);
    free(m->removed);
}

int
control_build_finished(const struct task_result *result, struct buffer *out, struct error *err)
{
    Longhaul__V1__GapCount gaps[TASK_GAPS_MAX];
    Longhaul__V1__GapCount *gap_pointers[TASK_GAPS_MAX];
    for (size_t i = 0; i < result->gap_count; i++) {
        longhaul__v1__gap_count__init(&gaps[i]);
        gaps[i].reason = text_of(result->gaps[i].reason);
        gaps[i].count = result->gaps[i].count;
        gap_pointers[i] = &gaps[i];
    }
    Longhaul__V1__Figure figures[TASK_FIGURES_MAX];
    Longhaul__V1__Figure *figure_pointers[TASK_FIGURES_MAX];
    for (size_t i = 0; i < result->figure_count; i++) {
        longhaul__v1__figure__init(&figures[i]);
        figures[i].name = text_of(result->figures[i].name);
        figures[i].value = result->figures[i].value;
        figure_pointers[i] = &figures[i];
    }
    Longhaul__V1__TaskProgress totals;
    progress_fill(&totals, result->task_id, result->fence, &result->totals);
    Longhaul__V1__RecoveryPoint point;
    point_fill(&point, &result->point);

    CLEANUP(copied_list_clear) struct copied_list copied = { NULL, NULL };
    if (copied_list_init(&copied, result, err) != 0)
        return -1;
    CLEANUP(report_clear) Longhaul__V1__SweepReport report = LONGHAUL__V1__SWEEP_REPORT__INIT;
    if (result->swept != NULL && report_fill(&report, result->swept, err) != 0)
        return -1;
    Longhaul__V1__TaskFinished m = LONGHAUL__V1__TASK_FINISHED__INIT;
    m.sweep = result->swept == NULL ? NULL : &report;
    m.copied = copied.pointers;
    m.n_copied = result->copied_count;
    m.task_id = text_of(result->task_id);
    m.fence = result->fence;
    m.succeeded = !error_is_set(&result->error);
    if (!m.succeeded) {
        m.error_kind = text_of(error_kind_name(result->error.kind));
        m.error_text = text_of(result->error.text);
        m.retry_after_ms = result->error.retry_after_ms;
    }
    m.totals = &totals;
    m.point = result->point.point_id[0] != '\0' ? &point : NULL;
    m.items_skipped = result->items_skipped;
    m.items_failed = result->items_failed;
    m.chunks_checked = result->chunks_checked;
    m.damaged = result->damaged;
    m.locked_until_ms = result->locked_until_ms;
    m.summary = text_of(result->summary);
    m.figures = figure_pointers;
    m.n_figures = result->figure_count;
    m.gaps = gap_pointers;
    m.n_gaps = result->gap_count;
    Longhaul__V1__TransporterMessage outer = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    outer.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_FINISHED;
    outer.finished = &m;
    return build_append(&outer, out, err);
}

static void
object_fill(Longhaul__V1__ProtectedObject *m, const struct task_object *from)
{
    longhaul__v1__protected_object__init(m);
    m->object_id = text_of(from->object_id);
    m->external_id = text_of(from->external_id);
    m->name = text_of(from->name);
    switch (from->kind) {
    case TASK_OBJECT_MAILBOX:
        m->kind = LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_MAILBOX;
        break;
    case TASK_OBJECT_DRIVE:
        m->kind = LONGHAUL__V1__OBJECT_KIND__OBJECT_KIND_DRIVE;
        break;
    }
}

int
control_build_discovered(const struct control_task_ref *ref, const struct task_object *objects, size_t count, bool last,
                         struct buffer *out, struct error *err)
{
    size_t each = sizeof(Longhaul__V1__ProtectedObject);
    CLEANUP(memory_free_p)
    Longhaul__V1__ProtectedObject *list = memory_array(count, each, CONTROL_DISCOVERED_MAX * each, err);
    CLEANUP(memory_free_p)
    Longhaul__V1__ProtectedObject **pointers =
        memory_array(count, sizeof(*pointers), CONTROL_DISCOVERED_MAX * sizeof(*pointers), err);
    if (list == NULL || pointers == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        object_fill(&list[i], &objects[i]);
        pointers[i] = &list[i];
    }
    Longhaul__V1__Discovered m = LONGHAUL__V1__DISCOVERED__INIT;
    m.task_id = text_of(ref->task_id);
    m.fence = ref->fence;
    m.objects = pointers;
    m.n_objects = count;
    m.last = last;
    Longhaul__V1__TransporterMessage outer = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    outer.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_DISCOVERED;
    outer.discovered = &m;
    return build_append(&outer, out, err);
}

int
control_build_repository(const struct control_repository_status *status, struct buffer *out, struct error *err)
{
    Longhaul__V1__RepositoryStatus m = LONGHAUL__V1__REPOSITORY_STATUS__INIT;
    m.repository_id = text_of(status->repository_id);
    m.attached = status->attached;
    m.free_bytes = status->free_bytes;
    m.locks = status->locks;
    m.probe = text_of(status->probe);
    if (status->error != NULL) {
        m.error_kind = text_of(error_kind_name(status->error->kind));
        m.error_text = text_of(status->error->text);
    }
    Longhaul__V1__TransporterMessage outer = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    outer.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_REPOSITORY;
    outer.repository = &m;
    return build_append(&outer, out, err);
}

int
control_build_query_reply(const char *query_id, const uint8_t *sealed, size_t len, const struct error *error,
                          struct buffer *out, struct error *err)
{
    Longhaul__V1__QueryReply m = LONGHAUL__V1__QUERY_REPLY__INIT;
    m.query_id = text_of(query_id);
    m.sealed.data = (uint8_t *)(uintptr_t)sealed;
    m.sealed.len = sealed != NULL ? len : 0;
    if (error != NULL) {
        m.error_kind = text_of(error_kind_name(error->kind));
        m.error_text = text_of(error->text);
    }
    Longhaul__V1__TransporterMessage outer = LONGHAUL__V1__TRANSPORTER_MESSAGE__INIT;
    outer.kind_case = LONGHAUL__V1__TRANSPORTER_MESSAGE__KIND_QUERY_REPLY;
    outer.query_reply = &m;
    return build_append(&outer, out, err);
}
