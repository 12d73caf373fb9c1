#include "common/base/memory.h"

#include "common/base/error.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ARENAS 2
#define LARGE_BLOCK (320 << 10)
#define MOST_IDLE   (2 << 20)

void
memory_prepare_process(void)
{
    mallopt(M_ARENA_MAX, MOST_ARENAS);
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
    mallopt(M_TRIM_THRESHOLD, MOST_IDLE);
}

void *
memory_new(size_t size)
{
    void *p = calloc(1, size != 0 ? size : 1);
    if (p == NULL)
        abort();
    return p;
}

char *
memory_strdup(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        abort();
    return copy;
}

char *
memory_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        abort();
    return text;
}

void *
memory_array(size_t count, size_t size, size_t ceiling, struct error *err)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total) || total > ceiling) {
        FAIL(err, ERROR_LIMIT, 0, "%zu elements of %zu bytes are more than the limit of %zu bytes", count, size,
             ceiling);
        return NULL;
    }
    void *p = calloc(1, total != 0 ? total : 1);
    if (p == NULL)
        FAIL(err, ERROR_LIMIT, 0, "out of memory for %zu bytes", total);
    return p;
}

void *
memory_pages(size_t size, size_t ceiling, struct error *err)
{
    void *p = NULL;
    if (size > ceiling)
        FAIL(err, ERROR_LIMIT, 0, "%zu bytes are more than the limit of %zu bytes", size, ceiling);
    else if ((p = aligned_alloc(MEMORY_PAGE, (size + MEMORY_PAGE - 1) / MEMORY_PAGE * MEMORY_PAGE)) == NULL)
        FAIL(err, ERROR_LIMIT, 0, "out of memory for %zu bytes", size);
    return p;
}

void
memory_free_p(void *pointer_to_pointer)
{
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof(p));
    free(p);
    p = NULL;
    memcpy(pointer_to_pointer, &p, sizeof(p));
}
