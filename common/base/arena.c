#include "common/base/arena.h"

#include "common/base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE ((size_t)16 << 10)
#define ALIGNMENT  _Alignof(max_align_t)

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(max_align_t) uint8_t bytes[];
};

struct arena {
    struct block *blocks;
    size_t budget, spent;
    ProtobufCAllocator allocator;
};

static void *
allocator_alloc(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void
allocator_free(void *arena, void *pointer)
{
    (void)arena;
    (void)pointer;
}

struct arena *
arena_new(size_t budget)
{
    struct arena *arena = MEMORY_NEW(struct arena);
    arena->budget = budget;
    arena->allocator = (ProtobufCAllocator){ allocator_alloc, allocator_free, arena };
    return arena;
}

void
arena_reset(struct arena *arena)
{
    while (arena->blocks != NULL) {
        struct block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->spent = 0;
}

void
arena_free(struct arena *arena)
{
    if (arena == NULL)
        return;
    arena_reset(arena);
    free(arena);
}

void
arena_free_p(struct arena **arena)
{
    arena_free(*arena);
    *arena = NULL;
}

void *
arena_alloc(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT)
        return NULL;
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (size > arena->budget - arena->spent)
        return NULL;
    struct block *block = arena->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t wanted = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = calloc(1, sizeof(*block) + wanted);
        if (block == NULL)
            return NULL;
        block->size = wanted;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    void *p = block->bytes + block->used;
    block->used += size;
    arena->spent += size;
    return p;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = arena_alloc(arena, size);
    if (copy != NULL)
        memcpy(copy, text, size);
    return copy;
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n < 0 ? NULL : arena_alloc(arena, (size_t)n + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

ProtobufCAllocator *
arena_allocator(struct arena *arena)
{
    return &arena->allocator;
}
