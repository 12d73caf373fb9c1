#include "transporter/rescue/rescue_internal.h"

#include "common/base/clock.h"
#include "common/base/encoding.h"
#include "common/base/memory.h"
#include "common/vault/catalog_folder.h"
#include "common/vault/point.h"
#include "common/vault/vault_reader.h"
#include "common/vault/vault_verify.h"
#include "transporter/restore/restore_report.h"
#include "transporter/restore/restore_workers.h"
#include "transporter/restore/safe_name.h"
#include "transporter/restore/to_folder.h"
#include "transporter/task/cancel.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define READER_CACHE   ((size_t)16 << 20)
#define EXPORT_THREADS 4

static int
on_point(void *ctx, const char *id, struct error *err)
{
    struct rescue *rescue = ctx;
    struct point point;
    char created[CLOCK_TEXT_LEN];
    if (point_read(rescue->vault, id, &point, err) != 0) {
        /* One bad point must not hide the others. */
        printf("%-32s  cannot be read: %s\n", id, err != NULL ? err->text : "");
        error_clear(err);
        return 0;
    }
    clock_format_ms(point.header.created_ms, created);
    printf("%-32s  %s  %-32s  %" PRIu64 " items  %" PRIu64 " bytes\n", id, created, point.header.scope,
           point.counts.items, point.counts.bytes);
    return 0;
}

int
rescue_list(struct rescue *rescue, struct error *err)
{
    return point_list(rescue->vault, on_point, rescue, err);
}

static int
folder_key(const struct rescue *rescue, struct catalog_key_buffer *key, struct error *err)
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
    static const char *const kinds[] = {
        [CATALOG_FOLDER] = "folder", [CATALOG_MESSAGE] = "message", [CATALOG_FILE] = "file"
    };
    char name[SAFE_NAME_MAX + 1];
    char key[2 * CATALOG_KEY_MAX + 1];
    const char *text = item->kind == CATALOG_MESSAGE ? item->subject : item->name;
    (void)ctx;
    (void)err;
    /* A name from a mail must not talk to the terminal. */
    safe_name_file(text != NULL ? text : "", name);
    encoding_hex(item->key.bytes, item->key.len, key);
    printf("%-7s  %12" PRIu64 "  %s  %s\n", kinds[item->kind], item->size, key, name);
    return 0;
}

int
rescue_browse(struct rescue *rescue, struct error *err)
{
    struct point point;
    struct catalog_key_buffer folder;
    if (folder_key(rescue, &folder, err) != 0 || point_read(rescue->vault, rescue->options.point, &point, err) != 0)
        return -1;
    CLEANUP(vault_reader_close_p) struct vault_reader *reader = vault_reader_open(rescue->vault, READER_CACHE, err);
    if (reader == NULL)
        return -1;
    const struct catalog_slice all = { .offset = 0, .limit = UINT64_MAX };
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(reader, &point.catalog);
    if (catalog_folder_check(catalog, catalog_key_of(&folder), err) != 0)
        return -1;
    return catalog_list(catalog, catalog_key_of(&folder), all, on_listed, NULL, NULL, err);
}

static int
on_damage(void *ctx, const struct vault_damage *damage, struct error *err)
{
    (void)ctx;
    (void)err;
    printf("%s: %s\n", damage->point, damage->text);
    return 0;
}

int
rescue_verify(struct rescue *rescue, struct error *err)
{
    const struct vault_verify_options options = { .data = true, .damage = on_damage };
    const char *ids[1] = { rescue->options.point };
    struct vault_verify_result result = { .points = 0 };
    bool one = rescue->options.point != NULL;
    if (vault_verify(rescue->vault, one ? ids : NULL, one ? 1 : 0, &options, &result, err) != 0)
        return -1;
    printf("%" PRIu64 " points, %" PRIu64 " items, %" PRIu64 " chunks, %" PRIu64 " bytes read, %" PRIu64 " damaged\n",
           result.points, result.items, result.chunks, result.bytes, result.damaged);
    if (result.damaged > 0)
        return FAIL(err, ERROR_CORRUPT, 0, "%" PRIu64 " damaged places", result.damaged);
    return 0;
}

/* What an export holds on the way. */
struct export
{
    struct restore_sink *sink;
    struct restore_workers *workers;
};

static int
on_folder(void *ctx, const struct restore_item *folder, struct error *err)
{
    struct export *export = ctx;
    return export->sink->vtable->folder(export->sink, folder, err);
}

static int
on_batch(void *ctx, struct restore_batch *batch, struct error *err)
{
    struct export *export = ctx;
    return restore_workers_push(export->workers, batch, err);
}

static int
check_folders(struct rescue *rescue, const struct point *point, const struct selection *selection, struct error *err)
{
    CLEANUP(vault_reader_close_p) struct vault_reader *reader = vault_reader_open(rescue->vault, READER_CACHE, err);
    if (reader == NULL)
        return -1;
    CLEANUP(catalog_close_p) struct catalog *catalog = catalog_open(reader, &point->catalog);
    for (size_t i = 0; i < selection->folder_count; i++)
        if (catalog_folder_check(catalog, selection->folders[i], err) != 0)
            return error_wrap(err, "--folder");
    return 0;
}

static int
export_items(struct rescue *rescue, struct export *export, const struct selection *selection, struct error *err)
{
    struct point point;
    if (point_read(rescue->vault, rescue->options.point, &point, err) != 0 ||
        check_folders(rescue, &point, selection, err) != 0)
        return -1;
    const struct restore_plan_options options = { .vault = rescue->vault,
                                                  .root = &point.catalog,
                                                  .selection = selection,
                                                  .ctx = export,
                                                  .folder = on_folder,
                                                  .batch = on_batch };
    if (restore_plan_run(&options, NULL, err) != 0 || restore_workers_finish(export->workers, err) != 0)
        return -1;
    return export->sink->vtable->finish(export->sink, err);
}

static int
export_to(struct rescue *rescue, struct export *export, struct cancel *cancel, struct error *err)
{
    struct catalog_key_buffer folder;
    if (folder_key(rescue, &folder, err) != 0)
        return -1;
    struct catalog_key key = catalog_key_of(&folder);
    const struct selection selection = { .all = folder.len == 0, .folders = &key, .folder_count = folder.len > 0 };
    struct restore_report *report = restore_report_open(rescue->state_dir, "export", to_folder_fd(export->sink), err);
    if (report == NULL)
        return -1;
    export->sink->report = report;
    const struct restore_workers_options options = {
        .vault = rescue->vault, .sink = export->sink, .cancel = cancel, .threads = EXPORT_THREADS
    };
    export->workers = restore_workers_new(&options, err);
    int result = export->workers != NULL ? export_items(rescue, export, &selection, err) : -1;
    restore_workers_free(export->workers);
    struct task_result totals = { .fence = 0 };
    restore_report_totals(report, &totals);
    if (restore_report_close(report, result == 0 ? err : NULL) != 0)
        return -1;
    if (result == 0 && totals.items_failed > 0)
        return FAIL(err, ERROR_CORRUPT, 0, "%" PRIu64 " items could not be exported: see report.jsonl",
                    totals.items_failed);
    if (result == 0)
        printf("exported to %s; the newest report*.jsonl there lists every item\n", rescue->options.to);
    return result;
}

int
rescue_export(struct rescue *rescue, struct error *err)
{
    struct cancel cancel;
    const struct to_folder_options options = { .root = rescue->options.to, .below = "", .task_id = "export" };
    struct export export = { .sink = to_folder_open(&options, err) };
    if (export.sink == NULL)
        return -1;
    int result = cancel_init(&cancel, err);
    if (result == 0) {
        result = export_to(rescue, &export, &cancel, err);
        cancel_clear(&cancel);
    }
    export.sink->vtable->close(export.sink);
    return result;
}
