#ifndef LONGHAUL_COMMON_BASE_ARENA_H
#define LONGHAUL_COMMON_BASE_ARENA_H

/* Memory that is freed in one call, with a byte budget. One thread at a time. */

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct arena;

/* budget: bytes handed out at the most, over the arena's life between resets. */
struct arena *arena_new(size_t budget);
void arena_free(struct arena *arena);
void arena_free_p(struct arena **arena);
void arena_reset(struct arena *arena);

/* Zeroed, aligned for any type. NULL when the budget is used up. */
void *arena_alloc(struct arena *arena, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* For protobuf unpacking: free() does nothing, the arena owns it all. Valid as long as the arena. */
ProtobufCAllocator *arena_allocator(struct arena *arena);

#endif
