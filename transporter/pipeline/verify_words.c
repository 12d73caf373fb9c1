#include "transporter/pipeline/verify_words.h"

#include "common/base/encoding.h"
#include "common/base/error.h"
#include "common/vault/point.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_verify.h"

#include <string.h>

static void
set_text(json_t *json, const char *name, const char *text)
{
    if (text == NULL || text[0] == '\0')
        return;
    json_t *value = json_string(text);
    json_object_set_new(json, name, value != NULL ? value : json_string("\xEF\xBF\xBD"));
}

static bool
add_name_from(struct vault *vault, struct vault_reader *reader, const char *point_id, struct catalog_key key,
              json_t *json)
{
    struct error absent = ERROR_INIT;
    struct catalog_item item;
    struct point point;
    if (point_read(vault, point_id, &point, &absent) != 0)
        return false;
    struct catalog *catalog = catalog_open(reader, &point.catalog);
    bool found = catalog_get(catalog, key, &item, &absent) == 0;
    if (found) {
        set_text(json, "path", catalog_item_title(&item));
        set_text(json, "from", item.from);
    }
    catalog_close(catalog);
    return found;
}

static void
add_item(struct vault *vault, const struct vault_damage *damage, json_t *json)
{
    char hex[2 * CATALOG_KEY_MAX + 1];
    struct error err = ERROR_INIT;
    uint8_t kind = damage->item.bytes[0];
    encoding_hex(damage->item.bytes, damage->item.len, hex);
    set_text(json, "key", hex);
    if (catalog_kind_facts(kind) != NULL)
        set_text(json, "kind", catalog_kind_name(kind));
    set_text(json, "newest", vault_newest_name(damage->newest));
    struct vault_reader *reader = vault_reader_open(vault, 0, &err);
    for (size_t i = damage->point_count; reader != NULL && i > 0; i--)
        if (add_name_from(vault, reader, damage->points[i - 1], damage->item, json))
            break;
    vault_reader_close(reader);
}

json_t *
verify_words_json(struct vault *vault, const struct vault_damage *damage)
{
    json_t *json = json_pack("{s:s, s:s}", "outcome", "damaged", "reason", vault_damaged_name(damage->what));
    json_t *points = json_array();
    for (size_t i = 0; i < damage->point_count; i++)
        json_array_append_new(points, json_string(damage->points[i]));
    json_object_set_new(json, "points", points);
    set_text(json, "object", damage->scope);
    set_text(json, "pack", damage->pack);
    if (damage->item.len > 0)
        add_item(vault, damage, json);
    set_text(json, "detail", damage->meaning);
    set_text(json, "advice", damage->advice);
    return json;
}
