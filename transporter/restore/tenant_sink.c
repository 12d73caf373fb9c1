#include "transporter/restore/tenant_sink.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "transporter/pipeline/item_record.h"
#include "transporter/restore/restore_report.h"
#include "transporter/restore/spool.h"

#include <stdlib.h>

struct tenant_sink {
    struct restore_sink base;
    struct tenant_sink_options options;
    struct to_tenant *tenant;
};

struct restore_writer {
    struct tenant_sink *sink;
    struct spool *spool;
    const struct restore_item *item;
};

static enum restore_outcome
outcome_of(enum to_tenant_result result)
{
    switch (result) {
    case TO_TENANT_RESTORED:
        return RESTORE_DONE;
    case TO_TENANT_SKIPPED:
        return RESTORE_SKIPPED;
    case TO_TENANT_FAILED:
        return RESTORE_FAILED;
    }
    return RESTORE_FAILED;
}

/* Folder and name as people know them; the caller frees it. */
static char *
title_of(const struct restore_item *item)
{
    const struct catalog_item *record = &item->record;
    const char *name = catalog_item_title(record);
    if (catalog_kind_contains(record->kind))
        return memory_strdup(item->path);
    return memory_printf("%s%s%s", item->path, item->path[0] != '\0' ? "/" : "", name != NULL ? name : "");
}

static int
report(struct tenant_sink *sink, const struct restore_item *item, const struct to_tenant_report *told,
       struct error *err)
{
    CLEANUP(memory_free_p) char *title = title_of(item);
    const struct restore_report_entry entry = {
        .key = item->record.key,
        .kind = item->record.kind,
        .outcome = outcome_of(told->result),
        .path = title,
        .size = item->record.size,
        .reason = told->reason,
        .detail = told->detail,
        .new_id = told->new_id,
        .losses = told->losses,
    };
    return restore_report_add(sink->base.report, &entry, err);
}

static int
on_folder(struct restore_sink *base, const struct restore_item *folder, struct error *err)
{
    struct tenant_sink *sink = (struct tenant_sink *)base;
    struct item_record_texts texts;
    struct source_item item;
    struct to_tenant_report told = { .result = TO_TENANT_RESTORED };
    item_record_back(&folder->record, &texts, &item);
    if (to_tenant_folder(sink->tenant, &item, &told, err) != 0)
        return -1;
    /* Folders that came to be are not worth a line each. */
    return told.result == TO_TENANT_FAILED ? report(sink, folder, &told, err) : 0;
}

static struct restore_writer *
on_writer_open(struct restore_sink *base, struct error *err)
{
    (void)err;
    struct restore_writer *writer = MEMORY_NEW(struct restore_writer);
    writer->sink = (struct tenant_sink *)base;
    writer->spool = spool_new(writer->sink->options.clock, writer->sink->options.scratch);
    return writer;
}

static void
on_writer_close(struct restore_writer *writer)
{
    if (writer == NULL)
        return;
    spool_free(writer->spool);
    free(writer);
}

static int
on_begin(struct restore_writer *writer, const struct restore_item *item, struct error *err)
{
    (void)err;
    writer->item = item;
    spool_reset(writer->spool);
    return 0;
}

static int
on_data(struct restore_writer *writer, const uint8_t *data, size_t len, struct error *err)
{
    return spool_write(writer->spool, data, len, err);
}

static int
on_content(void *ctx, uint64_t offset, void *out, size_t capacity, size_t *len, struct error *err)
{
    return spool_read(ctx, offset, out, capacity, len, err);
}

static int
report_unread(struct restore_writer *writer, const struct error *failure, struct error *err)
{
    CLEANUP(memory_free_p) char *title = title_of(writer->item);
    const struct restore_report_entry entry = {
        .key = writer->item->record.key,
        .kind = writer->item->record.kind,
        .outcome = RESTORE_FAILED,
        .path = title,
        .size = writer->item->record.size,
        .reason = error_kind_name(failure->kind),
        .detail = failure->text,
    };
    return restore_report_add(writer->sink->base.report, &entry, err);
}

static int
on_end(struct restore_writer *writer, const struct error *failure, struct error *err)
{
    if (failure != NULL)
        return report_unread(writer, failure, err);
    struct item_record_texts texts;
    struct source_item item;
    struct to_tenant_report told = { .result = TO_TENANT_FAILED };
    const struct to_tenant_content content = { .ctx = writer->spool,
                                               .len = spool_len(writer->spool),
                                               .read = on_content };
    item_record_back(&writer->item->record, &texts, &item);
    if (to_tenant_item(writer->sink->tenant, &item, &content, &told, err) != 0)
        return -1;
    return report(writer->sink, writer->item, &told, err);
}

static int
on_finish(struct restore_sink *base, struct error *err)
{
    (void)base;
    (void)err;
    return 0;
}

static void
on_close(struct restore_sink *base)
{
    struct tenant_sink *sink = (struct tenant_sink *)base;
    to_tenant_free(sink->tenant);
    free(sink);
}

static const struct restore_sink_vtable vtable = {
    .folder = on_folder,
    .writer_open = on_writer_open,
    .writer_close = on_writer_close,
    .begin = on_begin,
    .data = on_data,
    .end = on_end,
    .finish = on_finish,
    .close = on_close,
};

struct restore_sink *
tenant_sink_open(const struct tenant_sink_options *options, struct error *err)
{
    struct to_tenant *tenant = to_tenant_open(&options->tenant, err);
    if (tenant == NULL)
        return NULL;
    struct tenant_sink *sink = MEMORY_NEW(struct tenant_sink);
    sink->base.vtable = &vtable;
    sink->options = *options;
    sink->tenant = tenant;
    return &sink->base;
}
