#ifndef LONGHAUL_TRANSPORTER_RESTORE_RESTORE_SINK_H
#define LONGHAUL_TRANSPORTER_RESTORE_RESTORE_SINK_H

/* Where restored items go: a folder of this machine, or a tenant. */

#include "common/vault/catalog.h"

#include <stdbool.h>

struct error;
struct restore_report;
struct restore_sink;
struct restore_writer;

/* One item on its way out. All of it is the plan's; pointers are valid until it is finished. */
struct restore_item {
    struct catalog_item record; /* with its metadata in memory, wherever it was kept */
    const char *path;           /* of its folder: safe components joined by '/' */
};

struct restore_sink_vtable {
    /* Takes files: what has no bytes of its own, such as a contact, comes in an open format (open_format.h). Else items
     * come as they are stored, perhaps without any data. */
    bool files;
    /* A folder, its parent first; from one thread, before any item in it. -1 only when nothing more can be restored. */
    int (*folder)(struct restore_sink *sink, const struct restore_item *folder, struct error *err);
    /* A writer for one thread. */
    struct restore_writer *(*writer_open)(struct restore_sink *sink, struct error *err);
    void (*writer_close)(struct restore_writer *writer);
    /* One item after the other: begin, data in order, end. failure: why the content is not complete and good; NULL: it
     * is. The item's fate goes to the report; -1 only when nothing more can be restored. */
    int (*begin)(struct restore_writer *writer, const struct restore_item *item, struct error *err);
    int (*data)(struct restore_writer *writer, const uint8_t *data, size_t len, struct error *err);
    int (*end)(struct restore_writer *writer, const struct error *failure, struct error *err);
    /* All is written: 0 when it is durable. */
    int (*finish)(struct restore_sink *sink, struct error *err);
    void (*close)(struct restore_sink *sink);
};

/* What every sink's own struct starts with. */
struct restore_sink {
    const struct restore_sink_vtable *vtable;
    struct restore_report *report; /* borrowed */
};

#endif
