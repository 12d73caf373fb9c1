#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_sweep_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
sweep_names_clear(struct sweep_names *names)
{
    free(names->at);
    *names = (struct sweep_names){ 0 };
}

int
sweep_names_add(struct sweep_names *names, const char *name, struct error *err)
{
    if (names->count == names->room) {
        size_t room = names->room == 0 ? 64 : names->room * 2;
        void *bigger = realloc(names->at, room * sizeof(names->at[0]));
        if (bigger == NULL)
            return FAIL(err, ERROR_LIMIT, 0, "no memory for a list of names");
        names->at = bigger;
        names->room = room;
    }
    snprintf(names->at[names->count++], sizeof(names->at[0]), "%s", name);
    return 0;
}

static int
compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

void
sweep_names_sort(struct sweep_names *names)
{
    if (names->count > 0)
        qsort(names->at, names->count, sizeof(names->at[0]), compare);
}

bool
sweep_names_has(const struct sweep_names *names, const char *name)
{
    return names->count > 0 && bsearch(name, names->at, names->count, sizeof(names->at[0]), compare) != NULL;
}

static int
on_name(void *ctx, const char *name, struct error *err)
{
    return sweep_names_add(ctx, name, err);
}

int
sweep_names_list(struct sweep_names *names, struct vault *vault, enum object_class class, struct error *err)
{
    names->count = 0;
    if (vault->backend.vtable->list_objects(vault->backend.ctx, class, on_name, names, err) != 0)
        return -1;
    sweep_names_sort(names);
    return 0;
}

/* What the host takes for no journal object has no effect there, and is none here. What it acts upon must be ours. */
static int
read_object(struct vault *vault, const char *name, struct retire_state *state, struct error *err)
{
    CLEANUP(memory_free_p) uint8_t *data = NULL;
    size_t len = 0;
    char expected[OBJECT_NAME_LEN];
    struct error why = ERROR_INIT;
    struct retire_object object = { .points = NULL };
    if (vault->backend.vtable->get_object(vault->backend.ctx, OBJECT_RETIRE, name, &data, &len, &why) != 0) {
        if (why.kind == ERROR_NOT_FOUND)
            return 0;
        if (err != NULL)
            *err = why;
        return -1;
    }
    if (retire_object_decode(data, len, &object, &why) != 0) {
        retire_object_clear(&object);
        if (why.kind != ERROR_UNSUPPORTED)
            return 0;
        if (err != NULL)
            *err = why;
        return -1;
    }
    retire_object_name(&object, data, len, expected);
    int failed = 0;
    if (strcmp(expected, name) == 0 && strcmp(object.vault_id, vault->id) == 0) {
        failed = retire_object_check(vault, data, len, err);
        if (failed == 0)
            failed = retire_state_add(state, &object, err);
        else
            error_wrap(err,
                       "somebody has written into the vault's storage; remove this object there, and look who can");
    }
    retire_object_clear(&object);
    return failed;
}

int
vault_sweep_journal_read(struct vault *vault, struct retire_state *state, struct error *err)
{
    CLEANUP(sweep_names_clear) struct sweep_names names = { 0 };
    if (sweep_names_list(&names, vault, OBJECT_RETIRE, err) != 0)
        return -1;
    for (size_t i = 0; i < names.count; i++)
        if (read_object(vault, names.at[i], state, err) != 0)
            return error_wrap(err, "retire journal object %s", names.at[i]);
    return retire_state_settle(state, err);
}

int
vault_sweep_journal_write(struct vault_sweep *sweep, struct retire_object *object, struct error *err)
{
    struct vault *vault = sweep->vault;
    CLEANUP(buffer_clear) struct buffer bytes = BUFFER_INIT(OBJECT_MAX_BYTES);
    if (retire_object_encode(vault, object, &bytes, err) != 0 ||
        vault->backend.vtable->sweep->journal(vault->backend.ctx, sweep->session.id, bytes.data, bytes.len,
                                              &sweep->session.epoch, err) != 0 ||
        retire_state_add(sweep->journal, object, err) != 0)
        return -1;
    return retire_state_settle(sweep->journal, err);
}

int
vault_sweep_open(struct vault_sweep *sweep, struct error *err)
{
    struct vault_backend backend = sweep->vault->backend;
    retire_state_free(sweep->journal);
    sweep->journal = retire_state_new();
    if (backend.vtable->sweep->begin(backend.ctx, &sweep->session, err) != 0)
        return error_wrap(err, "beginning a sweep");
    sweep->progress.chunks_total = sweep->session.chunks;
    sweep->progress.chunks_marked = 0;
    sweep->marks = 0;
    sweep->in_session = true;
    return vault_sweep_journal_read(sweep->vault, sweep->journal, err) != 0
               ? -1
               : sweep_names_list(&sweep->live, sweep->vault, OBJECT_POINT, err);
}
