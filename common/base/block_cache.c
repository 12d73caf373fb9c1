#include "common/base/block_cache.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A kind holds powers of two and what is written around them: heads, tags, the fields beside the bytes. */
#define SLACK        ((size_t)4 << 10)
#define SMALLEST     ((size_t)32 << 10)
#define KINDS        6 /* up to 1 MiB; what is smaller or larger is the heap's */
#define NO_KIND      KINDS
#define LARGEST      (PTRDIFF_MAX - sizeof(union head))
#define CAPACITY(at) ((SMALLEST << (at)) + SLACK)

union head {
    struct {
        union head *next;
        size_t kind;
    };
    max_align_t align;
};

#ifndef __has_feature /* clang's; gcc has a macro for each sanitizer instead */
#define __has_feature(x) 0
#endif

/* The sanitizer is to see every use of a block that was given back. */
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define KEEP 0
#else
#define KEEP BLOCK_CACHE_MOST
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static union head *lists[KINDS];
static size_t idle;

static size_t
size_kind(size_t size)
{
    if (size <= SMALLEST / 2)
        return NO_KIND;
    size_t kind = 0;
    while (kind < KINDS && CAPACITY(kind) < size)
        kind++;
    return kind;
}

void *
block_cache_take(size_t size)
{
    size_t kind = size_kind(size);
    union head *head = NULL;
    if (kind != NO_KIND) {
        size = CAPACITY(kind);
        pthread_mutex_lock(&lock);
        head = lists[kind];
        if (head != NULL) {
            lists[kind] = head->next;
            idle -= size;
        }
        pthread_mutex_unlock(&lock);
    }
    if (head == NULL && size <= LARGEST)
        head = malloc(sizeof(*head) + size);
    if (head == NULL)
        return NULL;
    head->kind = kind;
    return head + 1;
}

void *
block_cache_grow(void *block, size_t used, size_t size)
{
    union head *old = (union head *)block - 1;
    if (old->kind == NO_KIND && size_kind(size) == NO_KIND && size <= LARGEST) {
        old = realloc(old, sizeof(*old) + size); /* the kernel moves pages where we would copy bytes */
        return old != NULL ? old + 1 : NULL;
    }
    void *grown = block_cache_take(size);
    if (grown == NULL)
        return NULL;
    if (used > 0)
        memcpy(grown, block, used);
    block_cache_give(block);
    return grown;
}

/* Lock held. What waits may be of a size that nobody asks for any more: it goes before what was used just now. */
static bool
make_room(size_t kind)
{
    for (size_t other = 0; other < KINDS; other++) {
        while (idle + CAPACITY(kind) > KEEP && other != kind && lists[other] != NULL) {
            union head *head = lists[other];
            lists[other] = head->next;
            idle -= CAPACITY(other);
            free(head);
        }
    }
    return idle + CAPACITY(kind) <= KEEP;
}

void
block_cache_give(void *block)
{
    if (block == NULL)
        return;
    union head *head = (union head *)block - 1;
    size_t kind = head->kind;
    if (kind != NO_KIND) {
        pthread_mutex_lock(&lock);
        if (make_room(kind)) {
            head->next = lists[kind];
            lists[kind] = head;
            idle += CAPACITY(kind);
            head = NULL;
        }
        pthread_mutex_unlock(&lock);
    }
    free(head);
}

size_t
block_cache_idle(void)
{
    pthread_mutex_lock(&lock);
    size_t bytes = idle;
    pthread_mutex_unlock(&lock);
    return bytes;
}
