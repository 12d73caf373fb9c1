#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/crypto/digest.h"
#include "transporter/restore/restore_report.h"
#include "transporter/restore/to_archive_internal.h"

#include <pthread.h>
#include <stdlib.h>

struct to_archive {
    struct restore_sink base;
    struct archive_file *archive;
    const struct clock *clock;
    const char *spool;
    pthread_mutex_t lock; /* one item enters the archive at a time */
};

struct restore_writer {
    struct to_archive *sink;
    struct spool *spool;
    struct digest *digest;
    const struct restore_item *item;
};

static int
on_folder(struct restore_sink *base, const struct restore_item *folder, struct error *err)
{
    struct to_archive *sink = (struct to_archive *)base;
    pthread_mutex_lock(&sink->lock);
    int result = sink->archive->vtable->folder(sink->archive, folder, err);
    pthread_mutex_unlock(&sink->lock);
    return result;
}

static struct restore_writer *
on_writer_open(struct restore_sink *base, struct error *err)
{
    struct to_archive *sink = (struct to_archive *)base;
    struct restore_writer *writer = MEMORY_NEW(struct restore_writer);
    (void)err;
    writer->sink = sink;
    writer->spool = spool_new(sink->clock, sink->spool);
    writer->digest = digest_new();
    return writer;
}

static void
on_writer_close(struct restore_writer *writer)
{
    if (writer == NULL)
        return;
    spool_free(writer->spool);
    digest_free(writer->digest);
    free(writer);
}

static int
on_begin(struct restore_writer *writer, const struct restore_item *item, struct error *err)
{
    uint8_t ignored[DIGEST_LEN];
    (void)err;
    digest_final(writer->digest, ignored);
    spool_reset(writer->spool);
    writer->item = item;
    return 0;
}

static int
on_data(struct restore_writer *writer, const uint8_t *data, size_t len, struct error *err)
{
    if (!writer->sink->archive->vtable->takes(&writer->item->record))
        return 0;
    digest_update(writer->digest, data, len);
    return spool_write(writer->spool, data, len, err);
}

static int
add(struct restore_writer *writer, struct restore_report_entry entry, struct error *err)
{
    struct to_archive *sink = writer->sink;
    uint8_t sha256[DIGEST_LEN];
    char path[ARCHIVE_PATH_MAX];
    digest_final(writer->digest, sha256);
    pthread_mutex_lock(&sink->lock);
    int result = sink->archive->vtable->add(sink->archive, writer->item, writer->spool, path, err);
    pthread_mutex_unlock(&sink->lock);
    entry.path = path;
    entry.sha256 = sha256;
    return result == 0 ? restore_report_add(sink->base.report, &entry, err) : -1;
}

static int
on_end(struct restore_writer *writer, const struct error *failure, struct error *err)
{
    const struct catalog_item *record = &writer->item->record;
    struct restore_report_entry entry = { .key = record->key,
                                          .kind = record->kind,
                                          .outcome = RESTORE_DONE,
                                          .path = writer->item->path,
                                          .size = spool_len(writer->spool) };
    if (failure != NULL) {
        entry.outcome = RESTORE_FAILED;
        entry.reason = error_kind_name(failure->kind);
        entry.detail = failure->text;
    } else if (!writer->sink->archive->vtable->takes(record)) {
        entry.outcome = RESTORE_SKIPPED;
        entry.reason = "not_a_message";
    } else {
        return add(writer, entry, err);
    }
    return restore_report_add(writer->sink->base.report, &entry, err);
}

static int
on_finish(struct restore_sink *base, struct error *err)
{
    struct archive_file *archive = ((struct to_archive *)base)->archive;
    return archive->vtable->finish(archive, err);
}

static void
on_close(struct restore_sink *base)
{
    struct to_archive *sink = (struct to_archive *)base;
    sink->archive->vtable->close(sink->archive);
    pthread_mutex_destroy(&sink->lock);
    free(sink);
}

static const struct restore_sink_vtable vtable = {
    .files = true,
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
to_archive_open(const struct to_archive_options *options, struct error *err)
{
    struct archive_file *archive = options->format == TO_ARCHIVE_ZIP ? archive_zip_open(options->path, err)
                                                                     : archive_mbox_open(options->path, err);
    if (archive == NULL)
        return NULL;
    struct to_archive *sink = MEMORY_NEW(struct to_archive);
    sink->base.vtable = &vtable;
    sink->archive = archive;
    sink->clock = options->clock;
    sink->spool = options->spool;
    pthread_mutex_init(&sink->lock, NULL);
    return &sink->base;
}
