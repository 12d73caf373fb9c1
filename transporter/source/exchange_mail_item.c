#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "transporter/graph/graph_json.h"
#include "transporter/source/exchange_mail_internal.h"

#include <stdio.h>
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

/* The service changes changeKey for a read mark as for a new body. Of a message that is no draft any more the MIME text
 * depends on these only; the size covers changes to body and attachments, which some programs make even then. Without
 * a size nothing is taken for granted. */
static void
read_tag(const json_t *row, uint64_t size, char tag[EXCHANGE_MAIL_TAG])
{
    static const char *const properties[] = { "internetMessageId", "subject",      "sentDateTime",
                                              "receivedDateTime",  "from",         "sender",
                                              "toRecipients",      "ccRecipients", "bccRecipients",
                                              "replyTo",           "importance",   "hasAttachments" };
    const char *change_key = graph_json_text(row, "changeKey");
    bool settled = size > 0 && json_is_false(json_object_get(row, "isDraft"));
    uint8_t hash[DIGEST_LEN];
    char hex[2 * DIGEST_LEN + 1];
    size_t len;

    if (!settled && strlen(change_key) < EXCHANGE_MAIL_TAG) {
        snprintf(tag, EXCHANGE_MAIL_TAG, "%s", change_key);
        return;
    }
    CLEANUP(graph_json_unref) json_t *kept = json_pack("{s:I}", "size", (json_int_t)size);
    for (size_t i = 0; settled && i < ARRAY_LEN(properties); i++)
        json_object_set(kept, properties[i], json_object_get(row, properties[i]));
    if (!settled)
        json_object_set_new(kept, "changeKey", json_string(change_key));
    CLEANUP(memory_free_p) char *text = graph_json_dump(kept, &len);
    digest_sha256(text, len, hash);
    encoding_hex(hash, sizeof(hash), hex);
    snprintf(tag, EXCHANGE_MAIL_TAG, "c1-%s", hex);
}

bool
exchange_mail_item_read(const json_t *row, struct source_item *item, struct exchange_mail_texts *texts)
{
    const json_t *from = graph_json_object(graph_json_object(row, "from"), "emailAddress");

    texts->metadata = NULL;
    if (json_object_get(row, "changeKey") == NULL || json_object_get(row, "subject") == NULL ||
        json_object_get(row, "parentFolderId") == NULL || json_object_get(row, "isRead") == NULL)
        return false;
    *item = (struct source_item){
        .event = SOURCE_UPSERT,
        .kind = CATALOG_MESSAGE,
        .id = graph_json_text(row, "id"),
        .parent_id = graph_json_text(row, "parentFolderId"),
        .name = graph_json_text(row, "subject"),
        .from = graph_json_text(from, "address"),
        .size = size_of(row),
        .created_ms = graph_json_time(row, "sentDateTime"),
        .modified_ms = graph_json_time(row, "receivedDateTime"),
        .flags = flags_of(row),
        .change_tag = texts->tag,
        .has_content = true,
    };
    read_tag(row, item->size, texts->tag);
    texts->metadata = source_metadata(row, &item->metadata_len);
    item->metadata = texts->metadata;
    return true;
}
