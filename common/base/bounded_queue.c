#include "common/base/bounded_queue.h"

#include "common/base/memory.h"

#include <pthread.h>
#include <stdlib.h>

struct slot {
    void *element;
    size_t weight;
};

struct bounded_queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct slot *ring;
    size_t max_count, max_weight;
    size_t head, count, weight;
    bool closed, aborted;
};

struct bounded_queue *
bounded_queue_new(size_t max_count, size_t max_weight)
{
    struct bounded_queue *q = MEMORY_NEW(struct bounded_queue);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
    q->max_count = max_count;
    q->max_weight = max_weight;
    q->ring = memory_new(max_count * sizeof(q->ring[0]));
    return q;
}

void
bounded_queue_free(struct bounded_queue *q, void (*drop)(void *element))
{
    if (q == NULL)
        return;
    for (; q->count > 0; q->count--, q->head++) {
        if (drop != NULL)
            drop(q->ring[q->head % q->max_count].element);
    }
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->changed);
    free(q->ring);
    free(q);
}

static bool
has_room(const struct bounded_queue *q, size_t weight)
{
    if (q->count == 0)
        return true;
    return q->count < q->max_count && q->weight + weight <= q->max_weight;
}

bool
bounded_queue_push(struct bounded_queue *q, void *element, size_t weight)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && !q->aborted && !has_room(q, weight))
        pthread_cond_wait(&q->changed, &q->lock);
    bool open = !q->closed && !q->aborted;
    if (open) {
        q->ring[(q->head + q->count) % q->max_count] = (struct slot){ element, weight };
        q->count++;
        q->weight += weight;
        pthread_cond_broadcast(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    return open;
}

/* Called locked. */
static void *
take_first(struct bounded_queue *q)
{
    if (q->count == 0 || q->aborted)
        return NULL;
    struct slot *slot = &q->ring[q->head % q->max_count];
    q->weight -= slot->weight;
    q->head = (q->head + 1) % q->max_count;
    q->count--;
    pthread_cond_broadcast(&q->changed);
    return slot->element;
}

void *
bounded_queue_pop(struct bounded_queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (q->count == 0 && !q->closed && !q->aborted)
        pthread_cond_wait(&q->changed, &q->lock);
    void *element = take_first(q);
    pthread_mutex_unlock(&q->lock);
    return element;
}

void *
bounded_queue_try_pop(struct bounded_queue *q)
{
    pthread_mutex_lock(&q->lock);
    void *element = take_first(q);
    pthread_mutex_unlock(&q->lock);
    return element;
}

static void
set_flag(struct bounded_queue *q, bool *flag)
{
    pthread_mutex_lock(&q->lock);
    *flag = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->lock);
}

void
bounded_queue_close(struct bounded_queue *q)
{
    set_flag(q, &q->closed);
}

void
bounded_queue_abort(struct bounded_queue *q)
{
    set_flag(q, &q->aborted);
}
