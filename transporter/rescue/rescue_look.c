#include "transporter/rescue/rescue_internal.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/vault/catalog_folder.h"
#include "common/vault/catalog_search.h"
#include "common/vault/point.h"
#include "common/vault/vault_reader.h"
#include "transporter/query/query_answer.h"
#include "transporter/restore/safe_name.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define READER_CACHE ((size_t)16 << 20)

static void
print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(json);
}

static int
on_point(void *ctx, const char *id, struct error *err)
{
    struct rescue *rescue = ctx;
    struct point point;
    char created[CLOCK_TEXT_LEN];
    if (point_read(rescue->vault, id, &point, err) != 0) {
        /* One bad point must not hide the others. */
        if (rescue->options.json)
            print_json(json_pack("{s:s, s:s}", "point", id, "error", err != NULL ? err->text : ""));
        else
            printf("%-32s  cannot be read: %s\n", id, err != NULL ? err->text : "");
        error_clear(err);
        return 0;
    }
    clock_format_ms(point.header.created_ms, created);
    if (rescue->options.json) {
        print_json(json_pack("{s:s, s:s, s:s, s:I, s:I}", "point", id, "created", created, "object", point.header.scope,
                             "items", (json_int_t)point.counts.items, "bytes", (json_int_t)point.counts.bytes));
        return 0;
    }
    printf("%-32s  %s  %-32s  %" PRIu64 " items  %" PRIu64 " bytes\n", id, created, point.header.scope,
           point.counts.items, point.counts.bytes);
    return 0;
}

int
rescue_list(struct rescue *rescue, struct error *err)
{
    return point_list(rescue->vault, on_point, rescue, err);
}

int
rescue_folder_key(const struct rescue *rescue, struct catalog_key_buffer *key, struct error *err)
{
    const char *hex = rescue->options.folder;
    key->len = 0;
    if (hex == NULL)
        return 0;
    size_t digits = strlen(hex);
    if (digits < 4 || digits % 2 != 0 || digits > 2 * sizeof(key->bytes) ||
        encoding_unhex(hex, key->bytes, digits / 2) != 0)
        return FAIL(err, ERROR_USAGE, 0, "--folder is no item key: browse shows them");
    key->len = digits / 2;
    return 0;
}

static int
on_listed(void *ctx, const struct catalog_item *item, struct error *err)
{
    char name[SAFE_NAME_MAX + 1];
    char key[2 * CATALOG_KEY_MAX + 1];
    const char *text = catalog_item_title(item);
    const struct rescue *rescue = ctx;
    (void)err;
    if (rescue->options.json) {
        print_json(query_answer_item(item));
        return 0;
    }
    /* A name from a mail must not talk to the terminal. */
    safe_name_file(text != NULL ? text : "", name);
    encoding_hex(item->key.bytes, item->key.len, key);
    printf("%-7s  %12" PRIu64 "  %s  %s\n", catalog_kind_name(item->kind), item->size, key, name);
    return 0;
}

/* What looking into a point needs. */
struct look {
    struct point point;
    struct vault_reader *reader;
    struct catalog *catalog;
};

static int
look_open(struct look *look, const struct rescue *rescue, struct error *err)
{
    *look = (struct look){ .reader = NULL };
    if (point_read(rescue->vault, rescue->options.point, &look->point, err) != 0)
        return -1;
    look->reader = vault_reader_open(rescue->vault, READER_CACHE, err);
    if (look->reader == NULL)
        return -1;
    look->catalog = catalog_open(look->reader, &look->point.catalog);
    return 0;
}

static void
look_close(struct look *look)
{
    catalog_close(look->catalog);
    vault_reader_close(look->reader);
}

int
rescue_browse(struct rescue *rescue, struct error *err)
{
    const struct catalog_slice all = { .offset = 0, .limit = UINT64_MAX };
    struct catalog_key_buffer folder;
    struct look look;
    if (rescue_folder_key(rescue, &folder, err) != 0)
        return -1;
    int result = look_open(&look, rescue, err);
    if (result == 0)
        result = catalog_folder_check(look.catalog, catalog_key_of(&folder), err);
    if (result == 0)
        result = catalog_list(look.catalog, catalog_key_of(&folder), all, on_listed, rescue, NULL, err);
    look_close(&look);
    return result;
}

static int
read_time(const char *option, const char *text, int64_t *ms, struct error *err)
{
    char whole[CLOCK_TEXT_LEN];
    if (text == NULL)
        return 0;
    snprintf(whole, sizeof(whole), "%sT00:00:00Z", text);
    if (clock_parse_ms(strlen(text) == 10 ? whole : text, ms) != 0)
        return FAIL(err, ERROR_USAGE, 0, "--%s is no time such as 2026-09-14 or 2026-09-14T07:58:10Z", option);
    return 0;
}

int
rescue_search(struct rescue *rescue, struct error *err)
{
    const struct rescue_options *options = &rescue->options;
    struct catalog_search_query query = {
        .text = options->text, .name = options->name, .subject = options->subject, .sender = options->sender
    };
    struct look look;
    if (read_time("from", options->from, &query.from_ms, err) != 0 ||
        read_time("until", options->until, &query.until_ms, err) != 0)
        return -1;
    int result = look_open(&look, rescue, err);
    if (result == 0)
        result = catalog_search(look.catalog, &query, on_listed, rescue, err);
    look_close(&look);
    return result;
}
