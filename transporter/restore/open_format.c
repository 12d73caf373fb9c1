#include "transporter/restore/open_format.h"

#include "common/base/buffer.h"
#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/graph/graph_json.h"
#include "transporter/restore/vcard_write.h"

typedef int write_fn(const json_t *metadata, const uint8_t *content, size_t len, struct buffer *out, struct error *err);

static const struct {
    write_fn *write;
    const char *extension;
} formats[CATALOG_KIND_LAST + 1] = {
    [CATALOG_CONTACT] = { vcard_write, "vcf" },
};

bool
open_format_converts(enum catalog_kind kind)
{
    return formats[kind].write != NULL;
}

int
open_format_write(const struct catalog_item *record, const uint8_t *content, size_t len, struct buffer *out,
                  struct error *err)
{
    CLEANUP(graph_json_unref)
    json_t *metadata = json_loadb((const char *)record->metadata, record->metadata_len, 0, NULL);
    if (!json_is_object(metadata))
        return FAIL(err, ERROR_FORMAT, 0, "a %s's metadata is malformed", catalog_kind_name(record->kind));
    return formats[record->kind].write(metadata, content, len, out, err);
}

void
open_format_name(const struct catalog_item *record, char name[SAFE_NAME_MAX + 1])
{
    const char *title = catalog_item_title(record), *extension = formats[record->kind].extension;
    if (title == NULL)
        title = "";
    if (record->kind == CATALOG_MESSAGE) {
        safe_name_message(title, record->key.bytes, record->key.len, name);
        return;
    }
    if (extension == NULL) {
        safe_name_file(title, name);
        return;
    }
    CLEANUP(memory_free_p)
    char *whole = memory_printf("%s.%s", title[0] != '\0' ? title : catalog_kind_name(record->kind), extension);
    safe_name_file(whole, name);
}

int64_t
open_format_time(const struct catalog_item *record)
{
    return record->kind == CATALOG_MESSAGE ? record->received_ms : record->modified_ms;
}
