#include "transporter/rescue/rescue_internal.h"

#include "common/base/memory.h"
#include "common/vault/catalog_folder.h"
#include "common/vault/point.h"
#include "common/vault/vault_reader.h"
#include "transporter/restore/restore_report.h"
#include "transporter/restore/restore_workers.h"
#include "transporter/restore/to_archive.h"
#include "transporter/restore/to_folder.h"
#include "transporter/task/cancel.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPORT_THREADS 4
#define READER_CACHE   ((size_t)1 << 20)

/* What an export holds on the way. */
struct export
{
    struct restore_sink *sink;
    struct restore_workers *workers;
    int report_folder;
    char *spool;
};

static const char *
format_of(const struct rescue *rescue)
{
    return rescue->options.format != NULL ? rescue->options.format : "files";
}

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
    if (rescue_folder_key(rescue, &folder, err) != 0)
        return -1;
    struct catalog_key key = catalog_key_of(&folder);
    const struct selection selection = { .all = folder.len == 0, .folders = &key, .folder_count = folder.len > 0 };
    struct restore_report *report = restore_report_open(rescue->state_dir, "export", export->report_folder, err);
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
        return FAIL(err, ERROR_CORRUPT, 0, "%" PRIu64 " items could not be exported: see the report",
                    totals.items_failed);
    if (result == 0)
        printf("exported to %s; the newest report*.jsonl %s lists every item\n", rescue->options.to,
               strcmp(format_of(rescue), "zip") == 0 ? "beside it" : "there");
    return result;
}

static int
open_files(const struct rescue *rescue, struct export *export, struct error *err)
{
    const struct to_folder_options options = { .root = rescue->options.to, .below = "", .task_id = "export" };
    export->sink = to_folder_open(&options, err);
    return export->sink != NULL ? 0 : -1;
}

static int
open_archive(const struct rescue *rescue, struct export *export, enum to_archive_format format, struct error *err)
{
    /* Items on their way need as much room as the archive itself: beside it, not in /tmp. */
    const char *slash = strrchr(rescue->options.to, '/');
    CLEANUP(memory_free_p)
    char *beside = slash == NULL
                       ? memory_strdup(".")
                       : memory_printf("%.*s", slash == rescue->options.to ? 1 : (int)(slash - rescue->options.to),
                                       rescue->options.to);
    export->spool = MOVE(beside);
    const struct to_archive_options options = {
        .format = format, .path = rescue->options.to, .spool = export->spool, .clock = rescue->clock
    };
    export->sink = to_archive_open(&options, err);
    return export->sink != NULL ? 0 : -1;
}

static int
open_sink(const struct rescue *rescue, struct export *export, struct error *err)
{
    const char *format = format_of(rescue);
    if (strcmp(format, "zip") == 0)
        return open_archive(rescue, export, TO_ARCHIVE_ZIP, err);
    if (strcmp(format, "mbox") == 0)
        return open_archive(rescue, export, TO_ARCHIVE_MBOX, err);
    if (strcmp(format, "files") == 0)
        return open_files(rescue, export, err);
    return FAIL(err, ERROR_USAGE, 0, "--format is files, zip or mbox");
}

/* Where the report goes: into the folder, or beside the zip file. */
static int
open_report_folder(const struct rescue *rescue, struct export *export, struct error *err)
{
    bool zip = strcmp(format_of(rescue), "zip") == 0;
    const char *path = zip && export->spool != NULL ? export->spool : rescue->options.to;
    if (path == NULL)
        return FAIL(err, ERROR_USAGE, 0, "export needs --to");
    export->report_folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (export->report_folder >= 0)
        return 0;
    int native = errno;
    return FAIL(err, error_kind_from_errno(native), native, "folder %s: %s", path, strerror(native));
}

int
rescue_export(struct rescue *rescue, struct error *err)
{
    struct cancel cancel;
    struct export export = { .report_folder = -1 };
    int result = open_sink(rescue, &export, err);
    if (result == 0)
        result = open_report_folder(rescue, &export, err);
    if (result == 0 && export.sink != NULL && (result = cancel_init(&cancel, err)) == 0) {
        result = export_to(rescue, &export, &cancel, err);
        cancel_clear(&cancel);
    }
    if (export.sink != NULL)
        export.sink->vtable->close(export.sink);
    if (export.report_folder >= 0)
        close(export.report_folder);
    free(export.spool);
    return result;
}
