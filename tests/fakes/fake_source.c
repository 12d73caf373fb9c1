#include "tests/fakes/fake_source.h"

#include "common/base/error.h"
#include "transporter/graph/graph_json.h"
#include "transporter/source/source_internal.h"

#include <stdio.h>
#include <string.h>

static struct fake_plan *playing;

void
fake_source_play(struct fake_plan *plan)
{
    playing = plan;
}

static int
emit(struct source *source, const struct fake_event *from, struct error *err)
{
    char metadata[256];
    int len = snprintf(metadata, sizeof(metadata), "{\"name\":\"%s\"}", from->name != NULL ? from->name : "");
    const struct source_item item = {
        .event = from->event,
        .kind = from->kind,
        .kinds = from->kinds,
        .id = from->id,
        .parent_id = from->parent,
        .from_parent = from->from_parent,
        .name = from->name,
        .change_tag = from->tag,
        .size = from->content != NULL ? strlen(from->content) : from->size,
        .created_ms = 1700000000000,
        .modified_ms = 1700000001000,
        .metadata = from->event == SOURCE_UPSERT ? metadata : "",
        .metadata_len = from->event == SOURCE_UPSERT ? (size_t)len : 0,
        .has_content = from->content != NULL,
        .skip_reason = from->skip_reason,
        .locator = "where",
    };
    return source_emit(source, &item, err);
}

static int
fake_advance(struct source *source, struct error *err)
{
    for (size_t i = 0; i < playing->count; i++)
        if (emit(source, &playing->events[i], err) != 0)
            return -1;
    if (playing->next_fails)
        return FAIL(err, ERROR_UNAVAILABLE, 503, "the service is away");
    return 0;
}

static const struct fake_fault *
fault_of(const char *id)
{
    for (size_t i = 0; i < playing->fault_count; i++)
        if (strcmp(playing->faults[i].id, id) == 0)
            return &playing->faults[i];
    return NULL;
}

static const char *
content_of(const char *id)
{
    const char *content = NULL;
    for (size_t i = 0; i < playing->count; i++)
        if (playing->events[i].event == SOURCE_UPSERT && strcmp(playing->events[i].id, id) == 0)
            content = playing->events[i].content;
    return content;
}

static int
give(const struct source_sink *sink, const char *content, const struct fake_fault *fault, struct error *err)
{
    size_t len = strlen(content);
    for (int i = 0; fault != NULL && i < fault->restarts; i++)
        if (sink->write(sink->ctx, content, len / 2, err) != 0 || sink->restart(sink->ctx, err) != 0)
            return -1;
    return sink->write(sink->ctx, content, len, err);
}

static int
fake_fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
           struct source_outcome *outcome, struct error *err)
{
    const struct fake_fault *fault = fault_of(item->id);
    const char *content = content_of(item->id);
    (void)source;
    atomic_fetch_add(&playing->fetches, 1);
    if (playing->on_fetch != NULL)
        playing->on_fetch(playing->ctx, item->id);
    if (fault != NULL && fault->ends_run)
        return FAIL(err, ERROR_NETWORK, 0, "the network is gone");
    if (content == NULL)
        content = "again";
    if (fault == NULL || fault->result == SOURCE_STORED) {
        outcome->result = SOURCE_STORED;
        outcome->bytes = strlen(content);
        if (fault != NULL && fault->reason != NULL)
            snprintf(outcome->reason, sizeof(outcome->reason), "%s", fault->reason);
        return give(sink, content, fault, err);
    }
    outcome->result = fault->result;
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", fault->reason);
    snprintf(outcome->detail, sizeof(outcome->detail), "%s", "500 fault");
    return 0;
}

static json_t *
fake_cursor(struct source *source)
{
    (void)source;
    return json_pack("{s:s}", "at", playing->cursor != NULL ? playing->cursor : "");
}

static void
fake_clear(struct source *source)
{
    (void)source;
}

static const struct source_vtable vtable = {
    .advance = fake_advance, .fetch = fake_fetch, .cursor = fake_cursor, .clear = fake_clear
};

static struct source *
fake_open(const struct source_options *options, struct error *err)
{
    struct source *source = source_new(sizeof(struct source), "fake", &vtable, options, err);
    const char *at = source != NULL && source->previous != NULL ? graph_json_text(source->previous, "at") : NULL;
    const char *expected = playing->cursor_expected;
    if (source != NULL && ((at == NULL) != (expected == NULL) || (at != NULL && strcmp(at, expected) != 0))) {
        FAIL(err, ERROR_USAGE, 0, "another cursor than expected");
        source_free_p(&source);
        return NULL;
    }
    return source;
}

const struct source_driver fake_source_driver = { .name = "fake", .open = fake_open };
