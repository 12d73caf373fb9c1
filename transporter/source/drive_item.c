#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/source/drive_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
drive_item_link(const json_t *row)
{
    const char *link = graph_json_text(row, "@microsoft.graph.downloadUrl");
    return link[0] != '\0' ? link : graph_json_text(row, "@content.downloadUrl");
}

/* The hash names the content whatever was renamed or shared since; cTag and eTag are what is left without one. */
static void
read_change_tag(const json_t *row, uint64_t size, char out[160])
{
    const json_t *hashes = graph_json_object(graph_json_object(row, "file"), "hashes");
    const char *hash = graph_json_text(hashes, "quickXorHash"), *tag = graph_json_text(row, "cTag");

    if (hash[0] != '\0' && strlen(hash) < 64)
        snprintf(out, 160, "q:%s:%" PRIu64, hash, size);
    else if (tag[0] != '\0')
        snprintf(out, 160, "c:%.150s", tag);
    else if (graph_json_text(row, "eTag")[0] != '\0')
        snprintf(out, 160, "e:%.150s", graph_json_text(row, "eTag"));
}

static void
read_kind(const json_t *row, struct source_item *item)
{
    item->kind = CATALOG_FILE;
    if (graph_json_object(row, "remoteItem") != NULL) {
        item->flags |= SOURCE_FLAG_SHORTCUT;
    } else if (graph_json_object(row, "package") != NULL) {
        item->kind = CATALOG_FOLDER;
        item->flags |= SOURCE_FLAG_PACKAGE;
    } else if (graph_json_object(row, "folder") != NULL) {
        item->kind = CATALOG_FOLDER;
    } else if (graph_json_object(row, "malware") != NULL) {
        item->flags |= SOURCE_FLAG_MALWARE;
        item->skip_reason = "malware";
    } else {
        item->has_content = item->size > 0;
    }
}

static void
read_dates(const json_t *row, struct source_item *item)
{
    const json_t *own = graph_json_object(row, "fileSystemInfo");

    item->created_ms = graph_json_time(own, "createdDateTime");
    item->modified_ms = graph_json_time(own, "lastModifiedDateTime");
    if (item->created_ms == 0)
        item->created_ms = graph_json_time(row, "createdDateTime");
    if (item->modified_ms == 0)
        item->modified_ms = graph_json_time(row, "lastModifiedDateTime");
}

void
drive_item_read(const json_t *row, const char *root_id, uint64_t listed_ms, struct drive_item *out)
{
    const char *parent = graph_json_text(graph_json_object(row, "parentReference"), "id");
    const char *id = graph_json_text(row, "id"), *link = drive_item_link(row);
    int64_t size = graph_json_int(row, "size");

    *out = (struct drive_item){ .row = DRIVE_ROW_ITEM };
    out->item = (struct source_item){ .event = SOURCE_UPSERT, .id = id, .size = size > 0 ? (uint64_t)size : 0 };
    if (id[0] == '\0') {
        out->row = DRIVE_ROW_UNKNOWN;
        return;
    }
    if (json_object_get(row, "deleted") != NULL) {
        out->row = DRIVE_ROW_DELETED;
        out->item.event = SOURCE_DELETE;
        out->item.kind = graph_json_object(row, "folder") != NULL ? CATALOG_FOLDER : CATALOG_FILE;
        return;
    }
    if (graph_json_object(row, "root") != NULL || strcmp(id, root_id) == 0) {
        out->row = DRIVE_ROW_ROOT;
        return;
    }
    read_kind(row, &out->item);
    read_dates(row, &out->item);
    read_change_tag(row, out->item.size, out->change_tag);
    out->metadata = source_metadata(row, &out->item.metadata_len);
    if (link[0] != '\0')
        out->locator = memory_printf("%" PRIu64 " %s", listed_ms, link);
    out->item.parent_id = strcmp(parent, root_id) == 0 ? "" : parent;
    out->item.name = graph_json_text(row, "name");
    out->item.change_tag = out->item.kind == CATALOG_FILE ? out->change_tag : "";
    out->item.metadata = out->metadata;
    out->item.locator = out->locator;
}

void
drive_item_clear(struct drive_item *out)
{
    free(out->metadata);
    free(out->locator);
}
