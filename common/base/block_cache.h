#ifndef LONGHAUL_COMMON_BASE_BLOCK_CACHE_H
#define LONGHAUL_COMMON_BASE_BLOCK_CACHE_H

/* Memory for large blocks that live shortly and go from one thread to another, as messages do. The heap gives such
 * blocks back to the system and fetches them anew, and the kernel clears every page each time; here a few MiB stay
 * for the next block. Any thread. */

#include <stddef.h>

/* Not zeroed. NULL when memory is out. */
void *block_cache_take(size_t size);
/* A block of the same size at least, with the first `used` bytes of the old one, which is gone. NULL when memory is
 * out: the old one stays. */
void *block_cache_grow(void *block, size_t used, size_t size);
/* NULL is a no-op. Any thread, not only the one that took it. */
void block_cache_give(void *block);
/* Bytes that wait for their next use; never more than BLOCK_CACHE_MOST. */
size_t block_cache_idle(void);

#define BLOCK_CACHE_MOST ((size_t)8 << 20)

#endif
