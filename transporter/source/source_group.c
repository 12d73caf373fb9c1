#include "transporter/source/source_group.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"

#include <stdlib.h>
#include <string.h>

struct member {
    struct source *source;
    json_t *kept; /* its cursor: of before, then of this round; NULL: none */
    bool gave;    /* something, in this round */
};

struct source_group {
    struct source base;
    const struct source_part *parts;
    size_t count, at;
    size_t refused;
    struct error first_refusal;
    struct member members[SOURCE_GROUP_MAX];
};

static struct source_group *
group_of(struct source *source)
{
    return (struct source_group *)(void *)source; /* base is the first member */
}

/* What the parts alone know. */
static void
sum_up(struct source_group *group)
{
    uint64_t resyncs = 0, expected = 0;
    for (size_t i = 0; i < group->count; i++) {
        struct source_totals totals;
        source_totals(group->members[i].source, &totals);
        resyncs += totals.resyncs;
        expected += totals.expected_items;
    }
    pthread_mutex_lock(&group->base.totals_lock);
    group->base.totals.resyncs = resyncs;
    group->base.totals.expected_items = expected;
    pthread_mutex_unlock(&group->base.totals_lock);
}

static int
keep_cursor(struct member *member, struct error *err)
{
    CLEANUP(buffer_clear) struct buffer text = BUFFER_INIT(SOURCE_CURSOR_CEILING);
    if (source_cursor(member->source, &text, err) != 0)
        return -1;
    json_decref(member->kept);
    member->kept = json_loadb((const char *)text.data, text.len, 0, NULL);
    return 0;
}

static bool
is_refusal(const struct error *failure)
{
    return failure->kind == ERROR_NOT_FOUND || failure->kind == ERROR_DENIED || failure->kind == ERROR_UNSUPPORTED;
}

static int
on_refused(struct source_group *group, const struct error *failure, struct error *err)
{
    const struct source_part *part = &group->parts[group->at];
    if (group->refused++ == 0)
        group->first_refusal = *failure;
    if (group->members[group->at].gave || !is_refusal(failure) || group->refused == group->count) {
        *err = is_refusal(failure) ? group->first_refusal : *failure;
        return -1;
    }
    group->at++;
    return source_emit(&group->base,
                       &(struct source_item){ .event = SOURCE_REFUSED,
                                              .kinds = part->kinds,
                                              .id = part->driver->name,
                                              .name = failure->text,
                                              .skip_reason = error_kind_name(failure->kind) },
                       err) == 0
               ? 1
               : -1;
}

static int
advance(struct source *source, struct error *err)
{
    struct source_group *group = group_of(source);
    struct error failure = ERROR_INIT;
    struct source_item *item;
    if (group->at == group->count)
        return 0;
    struct member *member = &group->members[group->at];
    int status = source_next(member->source, &item, &failure);
    sum_up(group);
    if (status < 0)
        return on_refused(group, &failure, err);
    if (status == 0) {
        group->at++;
        return keep_cursor(member, err) == 0 ? 1 : -1;
    }
    member->gave = true;
    source_pass(source, item);
    return 1;
}

static int
fetch(struct source *source, const struct source_item *item, const struct source_sink *sink,
      struct source_outcome *outcome, struct error *err)
{
    const struct source_group *group = group_of(source);
    for (size_t i = 0; i < group->count; i++)
        if ((group->parts[i].kinds & CATALOG_KIND_BIT(item->kind)) != 0)
            return source_fetch(group->members[i].source, item, sink, outcome, err);
    return FAIL(err, ERROR_INTERNAL, 0, "no part of %s has items of kind %u", source->driver, (unsigned)item->kind);
}

static json_t *
cursor(struct source *source)
{
    const struct source_group *group = group_of(source);
    json_t *parts = json_object();
    for (size_t i = 0; i < group->count; i++)
        if (group->members[i].kept != NULL)
            json_object_set(parts, group->parts[i].driver->name, group->members[i].kept);
    return json_pack("{s:o}", "parts", parts);
}

static void
clear(struct source *source)
{
    struct source_group *group = group_of(source);
    for (size_t i = 0; i < group->count; i++) {
        source_free(group->members[i].source);
        json_decref(group->members[i].kept);
    }
}

static int
open_member(struct source_group *group, size_t at, const struct source_options *options, struct error *err)
{
    const struct source_driver *driver = group->parts[at].driver;
    struct member *member = &group->members[at];
    struct source_options own = *options;
    CLEANUP(memory_free_p) char *text = NULL;
    own.cursor = NULL;
    own.cursor_len = 0;
    if (group->base.previous != NULL)
        member->kept = json_incref(json_object_get(json_object_get(group->base.previous, "parts"), driver->name));
    if (member->kept != NULL) {
        text = graph_json_dump(member->kept, &own.cursor_len);
        own.cursor = text;
    }
    member->source = source_open(driver, &own, err);
    return member->source != NULL ? 0 : -1;
}

/* A cursor of the first part alone, as one of the group; NULL when it is none. */
static char *
adopt(const char *name, const char *first, const struct source_options *options, size_t *len)
{
    if (options->cursor == NULL || options->cursor_len > SOURCE_CURSOR_CEILING)
        return NULL;
    CLEANUP(graph_json_unref) json_t *old = json_loadb(options->cursor, options->cursor_len, 0, NULL);
    if (strcmp(graph_json_text(old, "driver"), first) != 0)
        return NULL;
    CLEANUP(graph_json_unref) json_t *cursor = json_pack("{s:{s:O},s:s}", "parts", first, old, "driver", name);
    json_object_set(cursor, "v", json_object_get(old, "v"));
    return graph_json_dump(cursor, len);
}

struct source *
source_group_open(const char *name, const struct source_part *parts, size_t count, const struct source_options *options,
                  struct error *err)
{
    static const struct source_vtable vtable = { advance, fetch, cursor, clear, .parts_speak = true };
    struct source_options own = *options;
    CLEANUP(memory_free_p) char *adopted = adopt(name, parts[0].driver->name, options, &own.cursor_len);
    if (adopted != NULL)
        own.cursor = adopted;
    struct source *source = source_new(sizeof(struct source_group), name, &vtable, &own, err);
    if (source == NULL)
        return NULL;
    struct source_group *group = group_of(source);
    group->parts = parts;
    for (; group->count < count; group->count++) {
        if (open_member(group, group->count, options, err) != 0) {
            json_decref(group->members[group->count].kept);
            source_free(source);
            return NULL;
        }
    }
    return source;
}
