#include "transporter/query/query_answer.h"

#include "common/base/buffer.h"
#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/catalog_folder.h"
#include "common/vault/catalog_search.h"
#include "common/vault/point.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_sweep.h"
#include "transporter/pipeline/outcome_line.h"
#include "transporter/restore/restore_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READER_CACHE ((size_t)8 << 20)
#define LINE_MAX_LEN ((size_t)64 << 10)

static const struct {
    uint32_t flag;
    const char *name;
} flag_names[] = {
    { CATALOG_FLAG_READ, "read" },
    { CATALOG_FLAG_FLAGGED, "flagged" },
    { CATALOG_FLAG_DRAFT, "draft" },
    { CATALOG_FLAG_ATTACHMENTS, "attachments" },
    { CATALOG_FLAG_HIDDEN, "hidden" },
    { CATALOG_FLAG_IMPORTANT, "important" },
    { CATALOG_FLAG_NO_CONTENT, "no_content" },
};

/* Texts of the service are UTF-8; should one not be, it is shown with replacement marks rather than not at all. */
static void
set_text(json_t *json, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    json_t *value = json_string(text);
    json_object_set_new(json, name, value != NULL ? value : json_string("\xEF\xBF\xBD"));
}

static void
set_time(json_t *json, const char *name, int64_t ms)
{
    char text[CLOCK_TEXT_LEN];
    if (ms == 0)
        return;
    clock_format_ms(ms, text);
    json_object_set_new(json, name, json_string(text));
}

static void
set_key(json_t *json, struct catalog_key key)
{
    char hex[2 * CATALOG_KEY_MAX + 1];
    encoding_hex(key.bytes, key.len, hex);
    json_object_set_new(json, "key", json_string(hex));
}

json_t *
query_answer_item(const struct catalog_item *item)
{
    json_t *json = json_object();
    json_t *flags = json_array();
    set_key(json, item->key);
    json_object_set_new(json, "kind", json_string(catalog_kind_name(item->kind)));
    json_object_set_new(json, "size", json_integer((json_int_t)item->size));
    set_text(json, "name", item->name);
    set_text(json, "subject", item->subject);
    if (!catalog_kind_contains(item->kind))
        set_text(json, "from", item->from);
    set_time(json, "modified", item->modified_ms);
    set_time(json, "received", item->received_ms);
    for (size_t i = 0; i < ARRAY_LEN(flag_names); i++)
        if ((item->flags & flag_names[i].flag) != 0)
            json_array_append_new(flags, json_string(flag_names[i].name));
    json_object_set_new(json, "flags", flags);
    return json;
}

/* An answer that grows. */
struct answer {
    const struct query_request *request;
    json_t *items;
    uint64_t seen; /* that fit the question */
    bool more;
    struct catalog *catalog;
    struct buffer line;
};

static bool
is_wanted(struct answer *answer)
{
    uint64_t number = answer->seen++;
    return number >= answer->request->offset && json_array_size(answer->items) < answer->request->limit;
}

static int
on_listed(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct answer *answer = ctx;
    (void)err;
    json_array_append_new(answer->items, query_answer_item(item));
    return 0;
}

static json_t *
answer_list(struct answer *answer, struct error *err)
{
    uint64_t total = 0;
    const struct query_request *request = answer->request;
    const struct catalog_slice slice = { .offset = request->offset, .limit = request->limit };
    struct catalog_key folder = catalog_key_of(&request->folder);
    if (catalog_folder_check(answer->catalog, folder, err) != 0 ||
        catalog_list(answer->catalog, folder, slice, on_listed, answer, &total, err) != 0)
        return NULL;
    return json_pack("{s:O, s:I}", "items", answer->items, "total", (json_int_t)total);
}

static int
on_found(void *ctx, const struct catalog_item *item, struct error *err)
{
    struct answer *answer = ctx;
    (void)err;
    if (json_array_size(answer->items) == answer->request->limit) {
        answer->more = true;
        return 1;
    }
    if (is_wanted(answer))
        json_array_append_new(answer->items, query_answer_item(item));
    return 0;
}

static const char *
asked(const char *text)
{
    return text[0] != '\0' ? text : NULL;
}

static json_t *
answer_find(struct answer *answer, struct error *err)
{
    const struct query_request *request = answer->request;
    const struct catalog_search_query query = { .text = asked(request->text),
                                                .name = asked(request->name),
                                                .subject = asked(request->subject),
                                                .sender = asked(request->sender),
                                                .from_ms = request->from_ms,
                                                .until_ms = request->until_ms };
    if (catalog_search(answer->catalog, &query, on_found, answer, err) != 0)
        return NULL;
    return json_pack("{s:O, s:b}", "items", answer->items, "more", answer->more);
}

static int
add_outcome(struct answer *answer, struct error *err)
{
    struct outcome_line line;
    if (!is_wanted(answer))
        return 0;
    if (outcome_line_parse((const char *)answer->line.data, answer->line.len, &line, err) != 0)
        return -1;
    json_t *json = json_object();
    struct catalog_item item;
    struct error failure = ERROR_INIT;
    set_key(json, catalog_key_of(&line.key));
    if (catalog_get(answer->catalog, catalog_key_of(&line.key), &item, &failure) == 0) {
        json_object_set_new(json, "kind", json_string(catalog_kind_name(item.kind)));
        set_text(json, "name", catalog_item_title(&item));
    }
    json_object_set_new(json, "result", json_string(outcome_line_result_name(line.result)));
    set_text(json, "reason", line.reason);
    set_text(json, "detail", line.detail);
    json_array_append_new(answer->items, json);
    outcome_line_clear(&line);
    return 0;
}

static int
on_outcome_bytes(void *ctx, const uint8_t *data, size_t len, struct error *err)
{
    struct answer *answer = ctx;
    while (len > 0) {
        const uint8_t *end = memchr(data, '\n', len);
        size_t part = end != NULL ? (size_t)(end - data) : len;
        if (buffer_append(&answer->line, data, part, err) != 0)
            return -1;
        if (end == NULL)
            return 0;
        if (add_outcome(answer, err) != 0)
            return -1;
        answer->line.len = 0;
        data += part + 1;
        len -= part + 1;
    }
    return 0;
}

/* The outcomes are read with a reader of their own: the catalog is asked for names meanwhile. */
static json_t *
answer_outcomes(struct answer *answer, struct vault *vault, const struct point *point, struct error *err)
{
    int failed = 0;
    if (point->outcomes.form != CONTENT_NONE) {
        struct vault_reader *reader = vault_reader_open(vault, READER_CACHE, err);
        failed = reader == NULL || vault_reader_read(reader, &point->outcomes, on_outcome_bytes, answer, err) != 0;
        vault_reader_close(reader);
    }
    return failed == 0 ? json_pack("{s:O, s:I}", "items", answer->items, "total", (json_int_t)answer->seen) : NULL;
}

static json_t *
answer_from(struct answer *answer, struct vault *vault, const struct point *point, struct error *err)
{
    switch (answer->request->op) {
    case QUERY_LIST:
        return answer_list(answer, err);
    case QUERY_FIND:
        return answer_find(answer, err);
    case QUERY_OUTCOMES:
        return answer_outcomes(answer, vault, point, err);
    case QUERY_REPORT:
    case QUERY_LOCKS:
    case QUERY_RETIRED:
        break;
    }
    FAIL(err, ERROR_INTERNAL, 0, "reports and locks are not in the vault");
    return NULL;
}

static int
on_retired(void *ctx, const struct vault_retired *retired, struct error *err)
{
    struct answer *answer = ctx;
    (void)err;
    if (!is_wanted(answer))
        return 0;
    json_t *points = json_array();
    for (size_t i = 0; i < retired->point_count; i++)
        json_array_append_new(points, json_string(retired->points[i]));
    json_t *json = json_pack("{s:I, s:I, s:I, s:b, s:o}", "record", (json_int_t)retired->epoch, "packs",
                             (json_int_t)retired->packs, "bytes", (json_int_t)retired->bytes, "closed", retired->closed,
                             "points", points);
    set_time(json, "retired", retired->created_ms);
    set_time(json, "undo_until", retired->undo_until_ms);
    json_array_append_new(answer->items, json);
    return 0;
}

static json_t *
answer_retired(const struct query_request *request, struct vault *vault, struct error *err)
{
    struct answer answer = { .request = request, .items = json_array() };
    json_t *json = NULL;
    if (vault_sweep_list(vault, on_retired, &answer, err) == 0)
        json = json_pack("{s:O, s:I}", "items", answer.items, "total", (json_int_t)answer.seen);
    json_decref(answer.items);
    return json;
}

json_t *
query_answer_vault(const struct query_request *request, struct vault *vault, struct error *err)
{
    struct point point;
    if (request->op == QUERY_RETIRED)
        return answer_retired(request, vault, err);
    if (point_read(vault, request->point, &point, err) != 0) {
        error_wrap(err, "recovery point %s", request->point);
        return NULL;
    }
    struct vault_reader *reader = vault_reader_open(vault, READER_CACHE, err);
    if (reader == NULL)
        return NULL;
    struct answer answer = { .request = request, .items = json_array(), .line = BUFFER_INIT(LINE_MAX_LEN) };
    answer.catalog = catalog_open(reader, &point.catalog);
    json_t *json = answer_from(&answer, vault, &point, err);
    catalog_close(answer.catalog);
    vault_reader_close(reader);
    buffer_clear(&answer.line);
    json_decref(answer.items);
    return json;
}

json_t *
query_answer_report(const struct query_request *request, const char *state_dir, struct error *err)
{
    CLEANUP(memory_free_p) char *path = restore_report_path(state_dir, request->task);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        int native = errno;
        FAIL(err, error_kind_from_errno(native), native, "report of task %s: %s", request->task, strerror(native));
        return NULL;
    }
    struct answer answer = { .request = request, .items = json_array() };
    CLEANUP(memory_free_p) char *line = NULL;
    size_t room = 0;
    for (ssize_t len; (len = getline(&line, &room, file)) > 0;) {
        json_t *entry = is_wanted(&answer) ? json_loadb(line, (size_t)len, 0, NULL) : NULL;
        if (entry != NULL)
            json_array_append_new(answer.items, entry);
    }
    fclose(file);
    json_t *json = json_pack("{s:o, s:I}", "items", answer.items, "total", (json_int_t)answer.seen);
    return json;
}
