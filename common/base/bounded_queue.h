#ifndef LONGHAUL_COMMON_BASE_BOUNDED_QUEUE_H
#define LONGHAUL_COMMON_BASE_BOUNDED_QUEUE_H

/* A first-in first-out queue of pointers between threads, bounded by a count and by a weight (usually bytes).
 * A full queue makes producers wait: that is the pipeline's back-pressure. */

#include <stdbool.h>
#include <stddef.h>

struct bounded_queue;

/* A single element heavier than max_weight is let in when the queue is empty. */
struct bounded_queue *bounded_queue_new(size_t max_count, size_t max_weight);
/* drop (may be NULL) is called for each element still inside. No thread may be waiting. */
void bounded_queue_free(struct bounded_queue *q, void (*drop)(void *element));

/* Waits for room. false when the queue was aborted or closed: the element stays the caller's. */
bool bounded_queue_push(struct bounded_queue *q, void *element, size_t weight);
/* Waits for an element. NULL when the queue is aborted, or closed and empty. */
void *bounded_queue_pop(struct bounded_queue *q);
/* Does not wait: NULL also when the queue is empty now. */
void *bounded_queue_try_pop(struct bounded_queue *q);

/* No more pushes; what is inside is still popped. */
void bounded_queue_close(struct bounded_queue *q);
/* Wakes everybody with false or NULL; what is inside stays for bounded_queue_free(). */
void bounded_queue_abort(struct bounded_queue *q);

#endif
