#include "common/base/buffer.h"
#include "common/base/memory.h"
#include "common/vault/vault_copy_internal.h"
#include "common/vault/vault_damage.h"
#include "common/vault/vault_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define SLOTS_MAX 64

/* The last point of an object that the destination has whole. */
struct base {
    struct point point;
    UT_hash_handle hh;
};

struct verbatim {
    struct vault_copy copy;
    struct vault_copy_source from;
    struct vault_backend to;
    struct vault_format format;
    struct copy_packs *packs;
    uint64_t epoch;      /* of the destination */
    struct base *bases;  /* by object */
    struct error damage; /* without a key: that of any pack */
};

struct slots {
    char name[SLOTS_MAX][OBJECT_NAME_LEN];
    size_t count;
};

static int
on_slot(void *ctx, const char *name, struct error *err)
{
    struct slots *slots = ctx;
    if (slots->count == SLOTS_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "the vault has more than %d key slots", SLOTS_MAX);
    snprintf(slots->name[slots->count++], OBJECT_NAME_LEN, "%s", name);
    return 0;
}

/* A slot made since the last copy comes along; one taken away since then stays in the replica. */
static int
copy_slots(struct verbatim *run, struct error *err)
{
    struct slots slots = { .count = 0 };
    struct vault_backend from = run->from.backend;
    if (from.vtable->list_objects(from.ctx, OBJECT_KEY_SLOT, on_slot, &slots, err) != 0)
        return -1;
    for (size_t i = 0; i < slots.count; i++) {
        CLEANUP(memory_free_p) uint8_t *slot = NULL;
        size_t len;
        if (from.vtable->get_object(from.ctx, OBJECT_KEY_SLOT, slots.name[i], &slot, &len, err) != 0 ||
            run->to.vtable->put_object(run->to.ctx, OBJECT_KEY_SLOT, slots.name[i], slot, len, err) != 0)
            return error_wrap(err, "key slot %s", slots.name[i]);
    }
    return 0;
}

static int
copy_format(struct verbatim *run, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *ours = NULL;
    CLEANUP(memory_free_p) uint8_t *theirs = NULL;
    size_t ours_len, theirs_len;
    struct error missing = ERROR_INIT;
    struct vault_backend from = run->from.backend, to = run->to;
    if (from.vtable->get_object(from.ctx, OBJECT_FORMAT, VAULT_FORMAT_NAME, &ours, &ours_len, err) != 0 ||
        vault_format_decode(ours, ours_len, &run->format, err) != 0)
        return error_wrap(err, "the source's format object");
    if (to.vtable->get_object(to.ctx, OBJECT_FORMAT, VAULT_FORMAT_NAME, &theirs, &theirs_len, &missing) == 0) {
        if (ours_len == theirs_len && memcmp(ours, theirs, ours_len) == 0)
            return copy_slots(run, err);
        /* One that was cut off as it was written is none: the host lets it be replaced. */
        if (vault_format_decode(theirs, theirs_len, &(struct vault_format){ .version = 0 }, &missing) == 0 ||
            missing.kind != ERROR_FORMAT)
            return FAIL(err, ERROR_CONFLICT, 0, "the destination is another vault, not a replica of vault %s",
                        run->format.vault_id);
    } else if (missing.kind != ERROR_NOT_FOUND) {
        *err = missing;
        return -1;
    }
    /* A vault exists when its format object does, so that comes last. */
    if (copy_slots(run, err) != 0)
        return -1;
    return to.vtable->put_object(to.ctx, OBJECT_FORMAT, VAULT_FORMAT_NAME, ours, ours_len, err);
}

/* 1 when the destination has it, 0 when not. */
static int
is_there(const struct verbatim *run, const char *id, const uint8_t *object, size_t len, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *there = NULL;
    size_t there_len;
    struct error missing = ERROR_INIT;
    if (run->to.vtable->get_object(run->to.ctx, OBJECT_POINT, id, &there, &there_len, &missing) != 0) {
        if (missing.kind == ERROR_NOT_FOUND)
            return 0;
        *err = missing;
        return -1;
    }
    if (there_len == len && memcmp(there, object, len) == 0)
        return 1;
    /* The same: what does not fit its own digest is not there. */
    struct point_header header;
    if (point_header_decode(there, there_len, &header, &missing) != 0 &&
        (missing.kind == ERROR_CORRUPT || missing.kind == ERROR_FORMAT))
        return 0;
    return FAIL(err, ERROR_CONFLICT, 0, "the destination has another recovery point %s", id);
}

static int
skip(struct verbatim *run, const struct error *cause, struct error *err)
{
    run->copy.counts->points_failed++;
    return vault_copy_tell(&run->copy, (struct catalog_key){ NULL, 0 },
                           "a recovery point is damaged in the source and is not copied", cause, err);
}

static const struct point *
find_base(const struct verbatim *run, const struct point *point)
{
    struct base *base;
    HASH_FIND(hh, run->bases, point->header.scope, strlen(point->header.scope), base);
    return base == NULL ? NULL : &base->point;
}

static void
keep_base(struct verbatim *run, const struct point *point)
{
    struct base *base;
    HASH_FIND(hh, run->bases, point->header.scope, strlen(point->header.scope), base);
    if (base == NULL) {
        base = MEMORY_NEW(struct base);
        base->point = *point;
        HASH_ADD_KEYPTR(hh, run->bases, base->point.header.scope, strlen(base->point.header.scope), base);
    }
    base->point = *point;
}

/* Fetches the object, checked as far as possible: by its digest, and with a key also by what is sealed in it. */
static int
read_point(const struct verbatim *run, const char *id, uint8_t **object, size_t *len, struct point *point,
           struct error *err)
{
    struct vault_backend from = run->from.backend;
    memset(point, 0, sizeof(*point));
    if (from.vtable->get_object(from.ctx, OBJECT_POINT, id, object, len, err) != 0)
        return error_wrap(err, "recovery point %s", id);
    if (run->from.vault != NULL)
        return point_read(run->from.vault, id, point, err);
    if (point_header_decode(*object, *len, &point->header, err) != 0)
        return error_wrap(err, "recovery point %s", id);
    if (strcmp(point->header.id, id) != 0 || strcmp(point->header.vault_id, run->format.vault_id) != 0)
        return FAIL(err, ERROR_CORRUPT, 0, "recovery point %s is one of another name or vault", id);
    return 0;
}

static int
commit(struct verbatim *run, const char *id, const uint8_t *object, size_t len, struct error *err)
{
    size_t count;
    const char(*names)[PACK_NAME_LEN] = vault_copy_packs_names(run->packs, &count);
    const struct vault_commit point = { id, object, len, names, count, run->epoch };
    if (run->to.vtable->commit_point(run->to.ctx, &point, err) != 0)
        return error_wrap(err, "committing recovery point %s", id);
    return 0;
}

static int
told(struct verbatim *run, const struct point *point, bool there, uint64_t stored, struct error *err)
{
    bool keyed = run->from.vault != NULL;
    if (keyed && (!there || !vault_copy_packs_damaged(run->packs)))
        keep_base(run, point);
    return vault_copy_told(&run->copy, run->copy.point, keyed ? point : NULL, there, stored, err);
}

/* Its packs, then itself. 1: done, 0: something is damaged, -1. */
static int
bring(struct verbatim *run, const struct point *point, const uint8_t *object, size_t len, struct error *why,
      struct error *err)
{
    int ready = error_is_set(&run->damage) ? 0 : 1;
    *why = run->damage;
    if (run->from.vault != NULL)
        ready = vault_copy_packs_for(run->packs, point, find_base(run, point), why, err);
    if (ready <= 0)
        return ready;
    return commit(run, run->copy.point, object, len, err) != 0 ? -1 : 1;
}

/* The source has it no more, or not whole. */
static int
note_unreadable(struct verbatim *run, const struct error *failure, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *object = NULL;
    size_t len;
    struct error missing = ERROR_INIT;
    struct vault_backend to = run->to;
    if (!vault_damage_is(failure)) {
        *err = *failure;
        return -1;
    }
    if (to.vtable->get_object(to.ctx, OBJECT_POINT, run->copy.point, &object, &len, &missing) == 0)
        return vault_copy_told(&run->copy, run->copy.point, NULL, true, 0, err);
    if (missing.kind != ERROR_NOT_FOUND) {
        *err = missing;
        return -1;
    }
    if (failure->kind != ERROR_NOT_FOUND)
        return skip(run, failure, err);
    run->copy.counts->points_gone++;
    return 0;
}

static int
copy_point(struct verbatim *run, const char *id, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *object = NULL;
    size_t len = 0;
    struct error failure = ERROR_INIT;
    struct point point;
    uint64_t stored = run->copy.counts->bytes_stored;
    snprintf(run->copy.point, sizeof(run->copy.point), "%s", id);
    if (vault_copy_check(&run->copy, err) != 0)
        return -1;
    if (read_point(run, id, &object, &len, &point, &failure) != 0)
        return note_unreadable(run, &failure, err);
    int there = is_there(run, id, object, len, err);
    if (there != 0)
        return there < 0 ? -1 : told(run, &point, true, 0, err);
    int done = bring(run, &point, object, len, &failure, err);
    if (done < 0)
        return -1;
    return done == 0 ? skip(run, &failure, err)
                     : told(run, &point, false, run->copy.counts->bytes_stored - stored, err);
}

static int
copy_all(struct verbatim *run, const char *const *ids, size_t count, struct error *err)
{
    if (copy_format(run, err) != 0 || run->to.vtable->begin(run->to.ctx, &run->epoch, err) != 0)
        return -1;
    run->packs = vault_copy_packs_new(&run->copy, &run->from, run->to, err);
    if (run->packs == NULL)
        return -1;
    if (run->from.vault == NULL && vault_copy_packs_all(run->packs, &run->damage, err) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (copy_point(run, ids[i], err) != 0)
            return -1;
    }
    return 0;
}

static void
free_bases(struct verbatim *run)
{
    struct base *base, *next;
    HASH_ITER (hh, run->bases, base, next) {
        HASH_DEL(run->bases, base);
        free(base);
    }
}

int
vault_copy_verbatim(const struct vault_copy_source *from, struct vault_backend to, const char *const *ids, size_t count,
                    const struct vault_copy_options *options, struct vault_copy_counts *counts, struct error *err)
{
    struct error local = ERROR_INIT;
    err = err == NULL ? &local : err;
    memset(counts, 0, sizeof(*counts));
    struct verbatim *run = MEMORY_NEW(struct verbatim);
    run->copy = (struct vault_copy){ .options = options, .counts = counts };
    run->from = *from;
    run->to = to;
    int failed = copy_all(run, ids, count, err);
    vault_copy_packs_free(run->packs);
    free_bases(run);
    free(run);
    return failed;
}
