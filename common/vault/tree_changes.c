#include "common/vault/tree_changes.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/spill_file.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct held {
    UT_hash_handle hh;
    bool remove;
    size_t key_len, value_len;
    uint8_t bytes[]; /* key, value */
};

struct run {
    struct spill_file *file;
    unsigned level; /* how often what is in it was merged */
    struct tree_change head;
    bool more;
};

#define OVERHEAD (sizeof(struct held) + 48)
/* So many runs of one level become one of the next: each costs a block's memory while it is looked into, so there must
 * be few, and no change is written again more often than there are levels. */
#define RUNS_MERGED 8

struct tree_changes {
    const struct clock *clock;
    size_t memory_bytes, used;
    char *temp_dir;
    struct held *held;
    struct run *runs; /* the oldest first */
    size_t run_count, run_capacity;
    struct held *next; /* while giving back */
    uint8_t last_key[TREE_KEY_MAX];
    size_t last_key_len;
    bool started;
};

struct tree_changes *
tree_changes_new(const struct clock *clock, size_t memory_bytes, const char *temp_dir)
{
    struct tree_changes *changes = MEMORY_NEW(struct tree_changes);
    changes->clock = clock;
    changes->memory_bytes = memory_bytes;
    changes->temp_dir = memory_strdup(temp_dir);
    return changes;
}

static void
drop_held(struct tree_changes *changes)
{
    struct held *held, *next;
    HASH_ITER (hh, changes->held, held, next) {
        HASH_DELETE(hh, changes->held, held);
        free(held);
    }
    changes->used = 0;
}

void
tree_changes_free(struct tree_changes *changes)
{
    if (changes == NULL)
        return;
    drop_held(changes);
    for (size_t i = 0; i < changes->run_count; i++)
        spill_file_free(changes->runs[i].file);
    free(changes->runs);
    free(changes->temp_dir);
    free(changes);
}

static int
compare_held(const struct held *a, const struct held *b)
{
    return tree_bytes_compare((struct tree_bytes){ a->bytes, a->key_len }, (struct tree_bytes){ b->bytes, b->key_len });
}

static struct tree_change
change_of(const struct held *held)
{
    return (struct tree_change){
        .key = { held->bytes, held->key_len },
        .value = { held->bytes + held->key_len, held->value_len },
        .remove = held->remove,
    };
}

static void
add_run(struct tree_changes *changes, struct spill_file *file, unsigned level)
{
    if (changes->run_count == changes->run_capacity) {
        changes->run_capacity = changes->run_capacity == 0 ? 16 : changes->run_capacity * 2;
        changes->runs = realloc(changes->runs, changes->run_capacity * sizeof(changes->runs[0]));
        if (changes->runs == NULL)
            abort();
    }
    changes->runs[changes->run_count++] = (struct run){ .file = file, .level = level };
}

static int
advance(struct run *run, struct error *err)
{
    int got = spill_file_next(run->file, &run->head, err);
    run->more = got == 1;
    return got < 0 ? -1 : 0;
}

static int
rewind_runs(struct run *runs, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (spill_file_rewind(runs[i].file, err) != 0 || advance(&runs[i], err) != 0)
            return -1;
    }
    return 0;
}

/* The newest of those with the smallest key, which comes last in runs; NULL: all are at their end. */
static struct run *
smallest(struct run *runs, size_t count)
{
    struct run *least = NULL;
    for (size_t i = count; i > 0; i--) {
        struct run *run = &runs[i - 1];
        if (run->more && (least == NULL || tree_bytes_compare(run->head.key, least->head.key) < 0))
            least = run;
    }
    return least;
}

/* Past the key everywhere; it may be what a run's head borrows, so that run goes last. */
static int
pass(struct run *runs, size_t count, struct run *holder, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct run *run = &runs[i];
        if (run != holder && run->more && tree_bytes_compare(run->head.key, holder->head.key) == 0 &&
            advance(run, err) != 0)
            return -1;
    }
    return advance(holder, err);
}

static int
merge_into(struct spill_file *file, struct run *runs, size_t count, struct error *err)
{
    struct run *run;
    if (rewind_runs(runs, count, err) != 0)
        return -1;
    while ((run = smallest(runs, count)) != NULL) {
        if (spill_file_add(file, &run->head, err) != 0 || pass(runs, count, run, err) != 0)
            return -1;
    }
    return spill_file_finish(file, err);
}

/* Removals stay in: they tell of the tree that the changes are for. */
static int
merge_runs(struct tree_changes *changes, struct error *err)
{
    while (changes->run_count >= RUNS_MERGED) {
        struct run *runs = changes->runs + changes->run_count - RUNS_MERGED;
        unsigned level = runs[RUNS_MERGED - 1].level;
        if (runs[0].level != level)
            return 0;
        struct spill_file *file = spill_file_new(changes->clock, changes->temp_dir, err);
        if (file == NULL)
            return -1;
        if (merge_into(file, runs, RUNS_MERGED, err) != 0) {
            spill_file_free(file);
            return -1;
        }
        for (size_t i = 0; i < RUNS_MERGED; i++)
            spill_file_free(runs[i].file);
        changes->run_count -= RUNS_MERGED;
        add_run(changes, file, level + 1);
    }
    return 0;
}

static int
spill(struct tree_changes *changes, struct error *err)
{
    struct spill_file *file = spill_file_new(changes->clock, changes->temp_dir, err);
    if (file == NULL)
        return -1;
    add_run(changes, file, 0);
    HASH_SORT(changes->held, compare_held);
    for (const struct held *held = changes->held; held != NULL; held = held->hh.next) {
        struct tree_change change = change_of(held);
        if (spill_file_add(file, &change, err) != 0)
            return -1;
    }
    drop_held(changes);
    return spill_file_finish(file, err) == 0 ? merge_runs(changes, err) : -1;
}

int
tree_changes_put(struct tree_changes *changes, struct tree_bytes key, const struct tree_bytes *value, struct error *err)
{
    size_t value_len = value == NULL ? 0 : value->len;
    if (key.len == 0 || key.len > TREE_KEY_MAX || value_len > TREE_VALUE_MAX)
        return FAIL(err, ERROR_LIMIT, 0, "a catalog entry is too long");
    struct held *held;
    HASH_FIND(hh, changes->held, key.data, key.len, held);
    if (held != NULL) {
        changes->used -= OVERHEAD + held->key_len + held->value_len;
        HASH_DELETE(hh, changes->held, held);
        free(held);
    }
    held = memory_new(sizeof(*held) + key.len + value_len);
    held->remove = value == NULL;
    held->key_len = key.len;
    held->value_len = value_len;
    memcpy(held->bytes, key.data, key.len);
    if (value_len > 0)
        memcpy(held->bytes + key.len, value->data, value_len);
    HASH_ADD_KEYPTR(hh, changes->held, held->bytes, held->key_len, held);
    changes->used += OVERHEAD + key.len + value_len;
    return changes->used < changes->memory_bytes ? 0 : spill(changes, err);
}

int
tree_changes_get(struct tree_changes *changes, struct tree_bytes key, struct tree_change *change, struct error *err)
{
    struct held *held;
    HASH_FIND(hh, changes->held, key.data, key.len, held);
    if (held != NULL) {
        *change = change_of(held);
        return 1;
    }
    for (size_t i = changes->run_count; i > 0; i--) {
        int got = spill_file_find(changes->runs[i - 1].file, key, change, err);
        if (got != 0)
            return got;
    }
    return 0;
}

int
tree_changes_rewind(struct tree_changes *changes, struct error *err)
{
    HASH_SORT(changes->held, compare_held);
    changes->next = changes->held;
    changes->started = false;
    return rewind_runs(changes->runs, changes->run_count, err);
}

/* Past the key that was given back last, in every source. */
static int
skip_last(struct tree_changes *changes, struct error *err)
{
    struct tree_bytes last = { changes->last_key, changes->last_key_len };
    if (!changes->started)
        return 0;
    for (size_t i = 0; i < changes->run_count; i++) {
        struct run *run = &changes->runs[i];
        if (run->more && tree_bytes_compare(run->head.key, last) == 0 && advance(run, err) != 0)
            return -1;
    }
    if (changes->next != NULL && tree_bytes_compare(change_of(changes->next).key, last) == 0)
        changes->next = changes->next->hh.next;
    return 0;
}

int
tree_changes_next(void *ctx, struct tree_change *change, struct error *err)
{
    struct tree_changes *changes = ctx;
    bool found = false;
    if (skip_last(changes, err) != 0)
        return -1;
    /* The newest source of the smallest key wins: memory, then runs from the last to the first. */
    if (changes->next != NULL) {
        *change = change_of(changes->next);
        found = true;
    }
    const struct run *run = smallest(changes->runs, changes->run_count);
    if (run != NULL && (!found || tree_bytes_compare(run->head.key, change->key) < 0)) {
        *change = run->head;
        found = true;
    }
    if (!found)
        return 0;
    memcpy(changes->last_key, change->key.data, change->key.len);
    changes->last_key_len = change->key.len;
    changes->started = true;
    return 1;
}
