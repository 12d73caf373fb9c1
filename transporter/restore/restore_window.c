#include "transporter/restore/restore_window.h"

#include "common/base/error.h"
#include "common/base/memory.h"
#include "common/vault/vault_reader.h"

#include <assert.h>
#include <stdlib.h>

/* A batch is one thread's: at the end of a restore the others wait for it. */
#define BATCH_CONTENT ((uint64_t)128 << 20)

struct restore_window {
    struct vault_reader *reader;
    const struct restore_plan_options *options;
    struct restore_batch *all; /* in the plan's order */
    size_t bytes;
};

static_assert(RESTORE_WINDOW_ITEMS <= VAULT_BATCH_MAX, "a window can be sorted");

static struct restore_batch *
batch_new(size_t room)
{
    struct restore_batch *batch = MEMORY_NEW(struct restore_batch);
    batch->items = memory_new(room * sizeof(batch->items[0]));
    return batch;
}

struct restore_window *
restore_window_new(struct vault_reader *reader, const struct restore_plan_options *options)
{
    struct restore_window *window = MEMORY_NEW(struct restore_window);
    window->reader = reader;
    window->options = options;
    window->all = batch_new(RESTORE_WINDOW_ITEMS);
    return window;
}

void
restore_window_free(struct restore_window *window)
{
    if (window == NULL)
        return;
    restore_plan_batch_free(window->all);
    free(window);
}

struct restore_item *
restore_window_add(struct restore_window *window)
{
    return &window->all->items[window->all->count++];
}

int
restore_window_filled(struct restore_window *window, size_t bytes, struct error *err)
{
    window->bytes += bytes;
    if (window->all->count < RESTORE_WINDOW_ITEMS && window->bytes < RESTORE_WINDOW_BYTES)
        return 0;
    return restore_window_hand_out(window, err);
}

/* Moves items that stand together into a batch of their own; *at becomes the first that is left. */
static struct restore_batch *
cut(const struct vault_read *reads, size_t count, size_t *at)
{
    struct restore_batch *batch = batch_new(RESTORE_PLAN_ITEMS);
    uint64_t content = 0;
    while (*at < count && batch->count < RESTORE_PLAN_ITEMS && content < BATCH_CONTENT) {
        struct restore_item *item = reads[*at].ctx;
        content += item->record.content.len;
        batch->items[batch->count++] = *item;
        *item = (struct restore_item){ .path = NULL };
        ++*at;
    }
    return batch;
}

int
restore_window_hand_out(struct restore_window *window, struct error *err)
{
    size_t count = window->all->count;
    CLEANUP(memory_free_p) struct vault_read *reads = memory_new((count + 1) * sizeof(reads[0]));
    for (size_t i = 0; i < count; i++) {
        struct restore_item *item = &window->all->items[i];
        reads[i] = (struct vault_read){ .ref = item->record.content, .ctx = item };
    }
    int failed = count > 0 ? vault_reader_sort(window->reader, reads, count, err) : 0;
    for (size_t at = 0; failed == 0 && at < count;)
        failed = window->options->batch(window->options->ctx, cut(reads, count, &at), err);
    if (failed == 0)
        window->all->count = window->bytes = 0;
    return failed;
}
