#include "common/base/clock.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/quickxor.h"
#include "transporter/graph/graph_json.h"
#include "transporter/graph/graph_url.h"
#include "transporter/restore/to_tenant_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FRAGMENT ((uint64_t)32 * 320 << 10) /* 10 MiB */

/* Content that is hashed on its way, in order; repeated fragments are hashed once. */
struct hashed {
    const struct to_tenant_content *content;
    struct quickxor hash;
};

static int
on_upload_read(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    struct hashed *h = ctx;

    if (h->content->read(h->content->ctx, offset, out, capacity, len, err) != 0)
        return -1;
    if (offset <= h->hash.length && offset + *len > h->hash.length) {
        size_t skip = (size_t)(h->hash.length - offset);
        quickxor_update(&h->hash, (const uint8_t *)out + skip, *len - skip);
    }
    return 0;
}

static json_t *
dates_json(const struct source_item *item)
{
    char text[CLOCK_TEXT_LEN];
    json_t *dates = json_object();

    if (item->created_ms != 0) {
        clock_format_ms(item->created_ms, text);
        json_object_set_new(dates, "createdDateTime", json_string(text));
    }
    if (item->modified_ms != 0) {
        clock_format_ms(item->modified_ms, text);
        json_object_set_new(dates, "lastModifiedDateTime", json_string(text));
    }
    return dates;
}

static const char *
behaviour(const struct to_tenant *restore)
{
    switch (restore->conflict) {
    case TO_TENANT_SKIP:
        return "fail";
    case TO_TENANT_RENAME:
        return "rename";
    case TO_TENANT_OVERWRITE:
        return "replace";
    }
    return "fail";
}

/* An upload session refuses size 0; a plain PUT cannot set dates. */
static int
put_empty(struct to_tenant *restore, const char *parent, const struct source_item *item, json_t **made,
          struct to_tenant_report *report, struct error *err)
{
    CLEANUP(memory_free_p)
    char *url = graph_url("/drives/%s/items/%s:/%s:/content?@microsoft.graph.conflictBehavior=%s", restore->drive_id,
                          parent, item->name, behaviour(restore));
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    const struct graph_request request = {
        .method = "PUT",
        .url = url,
        .service = GRAPH_DRIVE,
        .content_type = "application/octet-stream",
        .body = "",
        .cancel = restore->cancel,
    };
    *made = graph_client_json(restore->graph, &request, &response, err);
    if (*made == NULL)
        return to_tenant_judge(&response, report, err);
    struct error failure = ERROR_INIT;
    CLEANUP(memory_free_p)
    char *patch_url = graph_url("/drives/%s/items/%s", restore->drive_id, graph_json_text(*made, "id"));
    CLEANUP(graph_json_unref) json_t *patch = json_object();
    json_object_set_new(patch, "fileSystemInfo", dates_json(item));
    CLEANUP(graph_json_unref) json_t *patched = to_tenant_ask(restore, "PATCH", patch_url, patch, NULL, &failure);
    if (patched == NULL)
        to_tenant_lose(report, "dates");
    return 0;
}

static int
put_content(struct to_tenant *restore, const char *parent, const struct source_item *item,
            const struct to_tenant_content *content, json_t **made, struct to_tenant_report *report, struct error *err)
{
    struct hashed hashed = { .content = content };
    const struct to_tenant_content through = { &hashed, content->len, on_upload_read };
    CLEANUP(memory_free_p)
    char *url = graph_url("/drives/%s/items/%s:/%s:/createUploadSession", restore->drive_id, parent, item->name);
    CLEANUP(graph_json_unref)
    json_t *body = json_pack("{s:{s:s,s:s,s:o}}", "item", "@microsoft.graph.conflictBehavior", behaviour(restore),
                             "name", item->name, "fileSystemInfo", dates_json(item));
    const struct to_tenant_upload upload = {
        .restore = restore,
        .service = GRAPH_DRIVE,
        .session_url = url,
        .session_body = body,
        .fragment = FRAGMENT,
        .content = &through,
    };
    if (to_tenant_upload(&upload, made, report, err) != 0)
        return -1;
    if (*made == NULL)
        return 0;
    char text[QUICKXOR_TEXT];
    quickxor_text(&hashed.hash, text);
    const json_t *hashes = graph_json_object(graph_json_object(*made, "file"), "hashes");
    const char *announced = graph_json_text(hashes, "quickXorHash");
    bool differs =
        announced[0] != '\0' ? strcmp(announced, text) != 0 : (uint64_t)graph_json_int(*made, "size") != content->len;
    if (hashed.hash.length == content->len && differs)
        to_tenant_lose(report, "hash_differs");
    return 0;
}

/* Saves sending a file only to be told at its end that the name is taken. *known: the report says all. */
static int
find_taken(struct to_tenant *restore, const char *parent, const struct source_item *item, bool *known,
           struct to_tenant_report *report, struct error *err)
{
    CLEANUP(graph_response_clear) struct graph_response response = { .status = 0 };
    CLEANUP(memory_free_p)
    char *url = graph_url("/drives/%s/items/%s:/%s:?$select=id", restore->drive_id, parent, item->name);
    CLEANUP(graph_json_unref) json_t *there = to_tenant_ask(restore, NULL, url, NULL, &response, err);

    *known = true;
    if (there != NULL) {
        to_tenant_fail(report, TO_TENANT_SKIPPED, "exists", "");
        return 0;
    }
    if (err->kind != ERROR_NOT_FOUND)
        return to_tenant_judge(&response, report, err);
    error_clear(err);
    *known = false;
    return 0;
}

int
to_tenant_drive(struct to_tenant *restore, const struct source_item *item, const struct to_tenant_content *content,
                struct to_tenant_report *report, struct error *err)
{
    const struct to_tenant_place *place = to_tenant_place(restore, item->parent_id);
    CLEANUP(graph_json_unref) json_t *made = NULL;

    if ((item->flags & (SOURCE_FLAG_SHORTCUT | SOURCE_FLAG_MALWARE)) != 0) {
        to_tenant_fail(report, TO_TENANT_SKIPPED, (item->flags & SOURCE_FLAG_SHORTCUT) != 0 ? "shortcut" : "malware",
                       "no content was stored");
        return 0;
    }
    if (restore->conflict == TO_TENANT_SKIP && !place->fresh) {
        bool known;
        if (find_taken(restore, place->target, item, &known, report, err) != 0)
            return -1;
        if (known)
            return 0;
    }
    int status = content->len == 0 ? put_empty(restore, place->target, item, &made, report, err)
                                   : put_content(restore, place->target, item, content, &made, report, err);
    if (status != 0)
        return -1;
    if (made != NULL)
        snprintf(report->new_id, sizeof(report->new_id), "%s", graph_json_text(made, "id"));
    return 0;
}
