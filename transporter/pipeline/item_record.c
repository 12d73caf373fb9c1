#include "transporter/pipeline/item_record.h"

#include "common/base/error.h"
#include "common/base/memory.h"

#include <string.h>

static const struct {
    unsigned source;
    uint32_t catalog;
} flag_pairs[] = {
    { SOURCE_FLAG_READ, CATALOG_FLAG_READ },       { SOURCE_FLAG_DRAFT, CATALOG_FLAG_DRAFT },
    { SOURCE_FLAG_FLAGGED, CATALOG_FLAG_FLAGGED }, { SOURCE_FLAG_ATTACHMENTS, CATALOG_FLAG_ATTACHMENTS },
    { SOURCE_FLAG_HIDDEN, CATALOG_FLAG_HIDDEN },   { SOURCE_FLAG_PROTECTED, ITEM_RECORD_PROTECTED },
    { SOURCE_FLAG_PACKAGE, ITEM_RECORD_PACKAGE },  { SOURCE_FLAG_SHORTCUT, ITEM_RECORD_SHORTCUT },
    { SOURCE_FLAG_MALWARE, ITEM_RECORD_MALWARE },
};

#define FLAG_PAIRS (sizeof(flag_pairs) / sizeof(flag_pairs[0]))

int
item_record_key(enum catalog_kind kind, const char *id, struct catalog_key_buffer *out, struct error *err)
{
    if (id[0] == '\0')
        return FAIL(err, ERROR_FORMAT, 0, "the service names an item without an id");
    return catalog_key_make(kind, id, strlen(id), out, err);
}

/* text itself, or as much of it as the catalog takes, cut between characters. */
static const char *
fit(const char *text, char room[CATALOG_TEXT_MAX + 1])
{
    size_t len = strlen(text);
    if (len <= CATALOG_TEXT_MAX)
        return text;
    len = CATALOG_TEXT_MAX;
    while (len > 0 && ((unsigned char)text[len] & 0xC0) == 0x80)
        len--;
    memcpy(room, text, len);
    room[len] = '\0';
    return room;
}

static uint32_t
flags_of(unsigned from)
{
    uint32_t flags = 0;
    for (size_t i = 0; i < FLAG_PAIRS; i++)
        if ((from & flag_pairs[i].source) != 0)
            flags |= flag_pairs[i].catalog;
    return flags;
}

int
item_record_make(const struct source_item *item, struct item_record_room *room, struct catalog_item *record,
                 struct error *err)
{
    if (item_record_key(item->kind, item->id, &room->key, err) != 0)
        return -1;
    room->parent.len = 0;
    if (item->parent_id[0] != '\0' &&
        item_record_key(catalog_kind_facts(item->kind)->parent, item->parent_id, &room->parent, err) != 0)
        return -1;
    if (strlen(item->change_tag) > CATALOG_TEXT_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "the service gives an item a change tag of more than %d bytes",
                    CATALOG_TEXT_MAX);
    const char *name = fit(item->name, room->name);
    bool by_time = catalog_kind_by_time(item->kind);
    *record = (struct catalog_item){
        .kind = item->kind,
        .key = catalog_key_of(&room->key),
        .parent = catalog_key_of(&room->parent),
        .name = by_time ? NULL : name,
        .subject = by_time ? name : NULL,
        .from = fit(catalog_kind_contains(item->kind) ? item->well_known : item->from, room->from),
        .tag = item->change_tag,
        .size = item->size,
        .created_ms = item->created_ms,
        .modified_ms = item->modified_ms,
        .received_ms = item->kind == CATALOG_MESSAGE ? item->modified_ms : 0,
        .flags = flags_of(item->flags),
    };
    if (item->metadata_len <= CATALOG_METADATA_MAX) {
        record->metadata = (const uint8_t *)item->metadata;
        record->metadata_len = item->metadata_len;
    }
    return 0;
}

static void
id_of(struct catalog_key key, char out[CATALOG_KEY_MAX + 1])
{
    size_t len = key.len > 0 ? key.len - 1 : 0;
    if (len > 0)
        memcpy(out, key.bytes + 1, len);
    out[len] = '\0';
}

static const char *
text_or_empty(const char *text)
{
    return text != NULL ? text : "";
}

void
item_record_back(const struct catalog_item *record, struct item_record_texts *texts, struct source_item *item)
{
    id_of(record->key, texts->id);
    id_of(record->parent, texts->parent_id);
    bool folder = catalog_kind_contains(record->kind);
    *item = (struct source_item){
        .event = SOURCE_UPSERT,
        .kind = record->kind,
        .id = texts->id,
        .parent_id = texts->parent_id,
        .from_parent = "",
        .name = text_or_empty(catalog_item_title(record)),
        .from = folder ? "" : text_or_empty(record->from),
        .well_known = folder ? text_or_empty(record->from) : "",
        .size = record->size,
        .created_ms = record->created_ms,
        .modified_ms = record->modified_ms,
        .change_tag = text_or_empty(record->tag),
        .metadata = record->metadata_len > 0 ? (const char *)record->metadata : "",
        .metadata_len = record->metadata_len,
        .has_content = !folder,
        .skip_reason = "",
        .locator = "",
    };
    for (size_t i = 0; i < FLAG_PAIRS; i++)
        if ((record->flags & flag_pairs[i].catalog) != 0)
            item->flags |= flag_pairs[i].source;
}

static const char *
copy_text(char **at, const char *text, size_t len)
{
    char *start = *at;
    if (len > 0)
        memcpy(start, text, len);
    start[len] = '\0';
    *at += len + 1;
    return start;
}

struct source_item *
item_record_copy(const struct source_item *item)
{
    size_t total = sizeof(*item) + item->metadata_len + 1;
    const char *texts[] = { item->id,         item->parent_id,  item->from_parent, item->name,   item->from,
                            item->well_known, item->change_tag, item->skip_reason, item->locator };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        total += strlen(texts[i]) + 1;
    struct source_item *copy = memory_new(total);
    *copy = *item;
    const char **targets[] = { &copy->id,         &copy->parent_id,  &copy->from_parent, &copy->name,   &copy->from,
                               &copy->well_known, &copy->change_tag, &copy->skip_reason, &copy->locator };
    char *at = (char *)(copy + 1);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *targets[i] = copy_text(&at, texts[i], strlen(texts[i]));
    copy->metadata = copy_text(&at, item->metadata, item->metadata_len);
    return copy;
}
