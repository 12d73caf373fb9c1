#ifndef LONGHAUL_COMMON_NET_NET_POOL_H
#define LONGHAUL_COMMON_NET_NET_POOL_H

/* Memory that the connections of one loop share: one buffer for what is read and one for what that
 * decrypts to (both are digested before the next read), and the chunks that wait to be written. Loop thread only. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_pool;

struct net_chunk {
    struct net_chunk *next;
    size_t len, capacity;
    uint8_t bytes[];
};

struct net_pool *net_pool_new(void);
void net_pool_free(struct net_pool *pool);

uint8_t *net_pool_read_buffer(struct net_pool *pool, size_t *len);
uint8_t *net_pool_plain_buffer(struct net_pool *pool, size_t *len);

/* A large chunk for bulk, a small one for the odd frame. Give it back to the same pool. */
struct net_chunk *net_pool_take(struct net_pool *pool, bool large);
void net_pool_give(struct net_pool *pool, struct net_chunk *chunk);

#endif
