#include "common/net/net_pool.h"

#include "common/base/memory.h"

#include <stdlib.h>

#define READ_BUFFER  ((size_t)256 << 10)
#define PLAIN_BUFFER ((size_t)256 << 10)
#define SMALL_CHUNK  ((size_t)4 << 10)
#define LARGE_CHUNK  ((size_t)256 << 10)
#define KEPT_CHUNKS  8

struct net_pool {
    struct net_chunk *chunks;
    unsigned count;
    uint8_t *read_buffer, *plain_buffer;
};

struct net_pool *
net_pool_new(void)
{
    struct net_pool *pool = MEMORY_NEW(struct net_pool);
    pool->read_buffer = memory_new(READ_BUFFER);
    pool->plain_buffer = memory_new(PLAIN_BUFFER);
    return pool;
}

void
net_pool_free(struct net_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->chunks != NULL) {
        struct net_chunk *next = pool->chunks->next;
        free(pool->chunks);
        pool->chunks = next;
    }
    free(pool->read_buffer);
    free(pool->plain_buffer);
    free(pool);
}

uint8_t *
net_pool_read_buffer(struct net_pool *pool, size_t *len)
{
    *len = READ_BUFFER;
    return pool->read_buffer;
}

uint8_t *
net_pool_plain_buffer(struct net_pool *pool, size_t *len)
{
    *len = PLAIN_BUFFER;
    return pool->plain_buffer;
}

struct net_chunk *
net_pool_take(struct net_pool *pool, bool large)
{
    struct net_chunk *chunk = pool->chunks;
    if (large && chunk != NULL) {
        pool->chunks = chunk->next;
        pool->count--;
    } else {
        size_t capacity = large ? LARGE_CHUNK : SMALL_CHUNK;
        chunk = malloc(sizeof(*chunk) + capacity);
        if (chunk == NULL)
            abort();
        chunk->capacity = capacity;
    }
    chunk->next = NULL;
    chunk->len = 0;
    return chunk;
}

void
net_pool_give(struct net_pool *pool, struct net_chunk *chunk)
{
    if (chunk->capacity != LARGE_CHUNK || pool->count >= KEPT_CHUNKS) {
        free(chunk);
        return;
    }
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    pool->count++;
}
