#include "common/vault/vault_verify.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/pack_set.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_verify_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES_REMEMBERED ((size_t)64 << 20)
#define POINTS_MAX       ((size_t)1 << 20)

int
verify_check_cancelled(const struct verify *v, struct error *err)
{
    if (v->options->cancelled != NULL && __atomic_load_n(v->options->cancelled, __ATOMIC_RELAXED))
        return FAIL(err, ERROR_CANCELLED, 0, "verification was cancelled");
    return 0;
}

void
verify_progress(const struct verify *v)
{
    if (v->options->progress != NULL)
        v->options->progress(v->options->ctx, v->result->items, v->items_total, v->result->stored_bytes);
}

static int
add_point(void *ctx, const char *id, struct error *err)
{
    struct verify *v = ctx;
    if (v->point_count == v->point_room) {
        size_t room = v->point_room == 0 ? 64 : v->point_room * 2;
        void *bigger = room > POINTS_MAX ? NULL : realloc(v->points, room * sizeof(v->points[0]));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for the list of recovery points");
        v->points = bigger;
        v->point_room = room;
    }
    struct verify_point *point = &v->points[v->point_count++];
    *point = (struct verify_point){ .readable = false };
    snprintf(point->id, sizeof(point->id), "%s", id);
    return 0;
}

static int
walk(struct verify *v, struct error *err)
{
    node_memory_forget(v->nodes);
    v->failures = 0;
    for (size_t i = 0; i < v->point_count; i++) {
        if (verify_check_cancelled(v, err) != 0 || verify_walk_point(v, i, err) != 0)
            return -1;
        verify_progress(v);
    }
    return 0;
}

static int
quarantine(struct verify *v, struct error *err)
{
    struct vault_backend backend = v->vault->backend;
    /* What is missing has no place to be marked; the note alone makes backups look. */
    const struct pack_mark nameless = { .group = PACK_MARK_WHOLE };
    if (v->bad.count == 0 && pack_marks_add(&v->bad, &nameless, err) != 0)
        return -1;
    v->result->marks = v->bad.count;
    if (!v->options->quarantine || v->bad.count == 0 || backend.vtable->quarantine == NULL)
        return 0;
    CLEANUP(memory_free_p) struct vault_mark *marks = memory_new(VAULT_MARKS_MAX * sizeof(*marks));
    for (size_t at = 0; at < v->bad.count;) {
        uint64_t ordinal;
        size_t n = 0;
        for (; n < VAULT_MARKS_MAX && at + n < v->bad.count; n++) {
            marks[n] = (struct vault_mark){ .group = v->bad.at[at + n].group };
            pack_name_text(v->bad.at[at + n].pack, marks[n].pack);
        }
        if (backend.vtable->quarantine(backend.ctx, marks, n, &ordinal, err) != 0)
            return error_wrap(err, "noting what is damaged");
        at += n;
    }
    return 0;
}

static int
run(struct verify *v, const char *const *ids, size_t count, struct error *err)
{
    int failed = ids == NULL ? point_list(v->vault, add_point, v, err) : 0;
    for (size_t i = 0; failed == 0 && ids != NULL && i < count; i++)
        failed = add_point(v, ids[i], err);
    if (failed != 0)
        return -1;
    v->result->points = v->point_count;
    v->reader->found_bad = &v->bad;
    if (walk(v, err) != 0)
        return -1;
    uint64_t failures = v->failures;
    v->failures = 0;
    v->everything = failures > 0 && v->options->data && v->options->sample_ppm == 0;
    if (verify_scan(v, err) != 0)
        return -1;
    if (failures + v->failures == 0)
        return 0;
    v->telling = true;
    v->reader->suspects = &v->bad;
    vault_reader_cache_clear(v->reader);
    return walk(v, err) != 0 || quarantine(v, err) != 0 ? -1 : verify_tell_all(v, err);
}

int
vault_verify(struct vault *vault, const char *const *ids, size_t count, const struct vault_verify_options *options,
             struct vault_verify_result *result, struct error *err)
{
    memset(result, 0, sizeof(*result));
    struct verify v = { .vault = vault, .options = options, .result = result };
    CLEANUP(vault_reader_close_p)
    struct vault_reader *reader = vault_reader_open(vault, options->memory_bytes, err);
    CLEANUP(pack_set_free_p) struct pack_set *stored = reader == NULL ? NULL : pack_set_list(vault, err);
    if (stored == NULL)
        return -1;
    reader->stored = stored;
    v.reader = reader;
    v.nodes = node_memory_new(NODES_REMEMBERED);
    v.told = verify_told_new();
    int failed = run(&v, ids, count, err);
    verify_told_free(v.told);
    node_memory_free(v.nodes);
    pack_marks_clear(&v.bad);
    free(v.points);
    return failed;
}
