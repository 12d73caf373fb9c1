#ifndef LONGHAUL_TRANSPORTER_RESTORE_TO_ARCHIVE_INTERNAL_H
#define LONGHAUL_TRANSPORTER_RESTORE_TO_ARCHIVE_INTERNAL_H

#include "transporter/restore/spool.h"
#include "transporter/restore/to_archive.h"

#include <stdbool.h>

#define ARCHIVE_PATH_MAX 8192

struct archive_file;

/* One kind of archive. Calls are serialised by the sink. */
struct archive_vtable {
    /* Whether items of this kind can be kept at all. */
    bool (*takes)(const struct catalog_item *record);
    int (*folder)(struct archive_file *archive, const struct restore_item *folder, struct error *err);
    /* Adds the item's bytes; path is where they lie in the archive, for the report. */
    int (*add)(struct archive_file *archive, const struct restore_item *item, struct spool *content,
               char path[ARCHIVE_PATH_MAX], struct error *err);
    int (*finish)(struct archive_file *archive, struct error *err);
    /* Also after finish; what was not finished vanishes where that is possible. */
    void (*close)(struct archive_file *archive);
};

struct archive_file {
    const struct archive_vtable *vtable;
};

struct archive_file *archive_zip_open(const char *path, struct error *err);
struct archive_file *archive_mbox_open(const char *path, struct error *err);

#endif
