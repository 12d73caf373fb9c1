#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/source/exchange_mail_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
is_protected(const char *message_class)
{
    return strcasestr(message_class, ".SMIME") != NULL || strcasestr(message_class, ".rpmsg") != NULL;
}

static unsigned
flags_of(const json_t *row)
{
    const json_t *flag = graph_json_object(row, "flag");
    unsigned flags = 0;

    flags |= graph_json_bool(row, "isRead") ? SOURCE_FLAG_READ : 0;
    flags |= graph_json_bool(row, "isDraft") ? SOURCE_FLAG_DRAFT : 0;
    flags |= strcmp(graph_json_text(flag, "flagStatus"), "flagged") == 0 ? SOURCE_FLAG_FLAGGED : 0;
    flags |= graph_json_bool(row, "hasAttachments") ? SOURCE_FLAG_ATTACHMENTS : 0;
    flags |= is_protected(graph_json_extended(row, "String 0x1A")) ? SOURCE_FLAG_PROTECTED : 0;
    flags |= is_protected(graph_json_extended(row, "String 0x001A")) ? SOURCE_FLAG_PROTECTED : 0;
    return flags;
}

static uint64_t
size_of(const json_t *row)
{
    static const char *const ids[] = { "Long 0x0E08", "Long 0xe08", "Integer 0x0E08", "Integer 0xe08" };

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        long long size = strtoll(graph_json_extended(row, ids[i]), NULL, 10);
        if (size > 0)
            return (uint64_t)size;
    }
    return 0;
}

bool
exchange_mail_item_read(const json_t *row, struct source_item *item, char **metadata)
{
    const json_t *from = graph_json_object(graph_json_object(row, "from"), "emailAddress");

    *metadata = NULL;
    if (json_object_get(row, "changeKey") == NULL || json_object_get(row, "subject") == NULL ||
        json_object_get(row, "parentFolderId") == NULL || json_object_get(row, "isRead") == NULL)
        return false;
    *item = (struct source_item){
        .event = SOURCE_UPSERT,
        .kind = SOURCE_MESSAGE,
        .id = graph_json_text(row, "id"),
        .parent_id = graph_json_text(row, "parentFolderId"),
        .name = graph_json_text(row, "subject"),
        .from = graph_json_text(from, "address"),
        .size = size_of(row),
        .created_ms = graph_json_time(row, "sentDateTime"),
        .modified_ms = graph_json_time(row, "receivedDateTime"),
        .flags = flags_of(row),
        .change_tag = graph_json_text(row, "changeKey"),
        .has_content = true,
    };
    *metadata = source_metadata(row, &item->metadata_len);
    item->metadata = *metadata;
    return true;
}
