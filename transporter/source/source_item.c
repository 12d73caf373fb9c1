#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/source/source_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *
put(char **at, const char *text, size_t len)
{
    char *start = *at;

    memcpy(start, text, len);
    start[len] = '\0';
    *at += len + 1;
    return start;
}

struct source_item *
source_item_new(const struct source_item *fields)
{
    const char *texts[] = { fields->id,         fields->parent_id,  fields->from_parent, fields->name,   fields->from,
                            fields->well_known, fields->change_tag, fields->skip_reason, fields->locator };
    size_t total = sizeof(struct source_item) + fields->metadata_len + 1;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (texts[i] == NULL)
            texts[i] = "";
        total += strlen(texts[i]) + 1;
    }
    /* Bounded by the page the texts came from. */
    struct source_item *item = memory_new(total);
    char *at = (char *)(item + 1);
    *item = *fields;
    item->next = NULL;
    const char **targets[] = { &item->id,         &item->parent_id,  &item->from_parent, &item->name,   &item->from,
                               &item->well_known, &item->change_tag, &item->skip_reason, &item->locator };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        *targets[i] = put(&at, texts[i], strlen(texts[i]));
    item->metadata = put(&at, fields->metadata != NULL ? fields->metadata : "", fields->metadata_len);
    return item;
}

void
source_item_free(struct source_item *item)
{
    free(item);
}

void
source_item_free_p(struct source_item **item)
{
    source_item_free(*item);
}

char *
source_metadata(const json_t *row, size_t *len)
{
    CLEANUP(graph_json_unref) json_t *kept = json_object();
    const char *key;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)row, key, value) {
        if (strchr(key, '@') == NULL || strcmp(key, "@odata.type") == 0)
            json_object_set(kept, key, value);
    }
    return graph_json_dump(kept, len);
}
