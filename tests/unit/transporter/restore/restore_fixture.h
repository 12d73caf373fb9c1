#ifndef LONGHAUL_TESTS_UNIT_TRANSPORTER_RESTORE_RESTORE_FIXTURE_H
#define LONGHAUL_TESTS_UNIT_TRANSPORTER_RESTORE_RESTORE_FIXTURE_H

/* A small recovery point with awkward names, and a restore of it through any sink. */

#include "common/vault/catalog_edit.h"
#include "common/vault/vault_writer.h"
#include "tests/unit/transporter/vault_fixture.h"
#include "transporter/restore/restore_report.h"
#include "transporter/restore/restore_workers.h"

#include <unistd.h>

static struct vault_fixture fixture;
static struct catalog_root root;

struct row {
    enum catalog_kind kind;
    const char *id, *parent, *name, *content;
    uint32_t flags;
};

static const struct row rows[] = {
    { CATALOG_FOLDER, "in", "", "Inbox", NULL, 0 },
    { CATALOG_FOLDER, "evil", "in", "../../evil", NULL, 0 },
    { CATALOG_FOLDER, "empty", "", "Empty", NULL, 0 },
    { CATALOG_MESSAGE, "m1", "in", "Hello / world", "Subject: Hello\r\n\r\nbody\r\n", 0 },
    { CATALOG_MESSAGE, "m4", "in", "q", "Subject: q\r\n\r\nFrom here\r\n>From there\nFrom\n>>x\nend", 0 },
    { CATALOG_MESSAGE, "m2", "evil", "..", "Subject: x\r\n\r\n", 0 },
    { CATALOG_MESSAGE, "m3", "in", "lost", NULL, CATALOG_FLAG_NO_CONTENT },
    { CATALOG_FILE, "f1", "", "a.txt", "one", 0 },
    { CATALOG_FILE, "f2", "", "a.txt", "two", 0 },
    { CATALOG_FILE, "f3", "", "zero", "", 0 },
    { CATALOG_FILE, "f4", "", "../passwd", "three", 0 },
    { CATALOG_FILE, "f5", "missing", "orphan", "four", 0 },
};

static inline struct catalog_key
key_of(enum catalog_kind kind, const char *id, struct catalog_key_buffer *room)
{
    struct error err = ERROR_INIT;
    room->len = 0;
    if (id[0] != '\0')
        assert_int_equal(catalog_key_make(kind, id, strlen(id), room, &err), 0);
    return catalog_key_of(room);
}

static inline void
put_row(struct catalog_edit *edit, struct vault_writer *writer, const struct row *row)
{
    struct error err = ERROR_INIT;
    struct catalog_key_buffer key, parent;
    struct catalog_item item = { .kind = row->kind,
                                 .key = key_of(row->kind, row->id, &key),
                                 .parent = key_of(CATALOG_FOLDER, row->parent, &parent),
                                 .name = row->kind == CATALOG_MESSAGE ? NULL : row->name,
                                 .subject = row->kind == CATALOG_MESSAGE ? row->name : NULL,
                                 .from = strcmp(row->id, "m4") == 0 ? "Ada <ada@contoso.example>" : NULL,
                                 .modified_ms = 1700000000000,
                                 .received_ms = 1600000000000,
                                 .flags = row->flags };
    if (row->content != NULL)
        assert_int_equal(vault_writer_put(writer, row->kind == CATALOG_MESSAGE ? VAULT_MESSAGE : VAULT_FILE,
                                          row->content, strlen(row->content), &item.content, &err),
                         0);
    if (catalog_edit_put(edit, &item, &err) != 0)
        vault_fixture_fail(&err);
}

static inline int
restore_fixture_set_up(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    vault_fixture_init(&fixture);
    struct vault_writer *writer = vault_writer_open(fixture.vault, NULL, &err);
    struct vault_reader *reader = vault_reader_open(fixture.vault, 0, &err);
    struct catalog_edit *edit = catalog_edit_begin(reader, writer, NULL, NULL, &err);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        put_row(edit, writer, &rows[i]);
    if (catalog_edit_commit(edit, &root, NULL, &err) != 0 || vault_writer_flush(writer, &err) != 0)
        vault_fixture_fail(&err);
    catalog_edit_free(edit);
    vault_reader_close(reader);
    vault_writer_close(writer);
    return 0;
}

static inline int
restore_fixture_tear_down(void **state)
{
    (void)state;
    vault_fixture_clear(&fixture);
    return 0;
}

struct run {
    struct restore_sink *sink;
    struct restore_workers *workers;
};

static inline int
on_folder(void *ctx, const struct restore_item *folder, struct error *err)
{
    struct run *run = ctx;
    return run->sink->vtable->folder(run->sink, folder, err);
}

static inline int
on_batch(void *ctx, struct restore_batch *batch, struct error *err)
{
    struct run *run = ctx;
    return restore_workers_push(run->workers, batch, err);
}

/* Closes the sink. report_folder: a descriptor, or -1. */
static inline void
restore_through(struct restore_sink *sink, int report_folder, const struct selection *selection,
                struct task_result *result)
{
    struct error err = ERROR_INIT;
    struct cancel cancel;
    struct run run = { .sink = sink };
    assert_int_equal(cancel_init(&cancel, &err), 0);
    run.sink->report = restore_report_open(fixture.state_dir, "task-1", report_folder, &err);
    const struct restore_workers_options worker_options = {
        .vault = fixture.vault, .sink = run.sink, .cancel = &cancel, .threads = 2
    };
    run.workers = restore_workers_new(&worker_options, &err);
    const struct restore_plan_options plan = { .vault = fixture.vault,
                                               .root = &root,
                                               .selection = selection,
                                               .ctx = &run,
                                               .folder = on_folder,
                                               .batch = on_batch };
    if (restore_plan_run(&plan, NULL, &err) != 0 || restore_workers_finish(run.workers, &err) != 0 ||
        run.sink->vtable->finish(run.sink, &err) != 0)
        vault_fixture_fail(&err);
    restore_workers_free(run.workers);
    *result = (struct task_result){ .fence = 1 };
    restore_report_totals(run.sink->report, result);
    assert_int_equal(restore_report_close(run.sink->report, &err), 0);
    run.sink->vtable->close(run.sink);
    cancel_clear(&cancel);
}

#endif
