#ifndef LONGHAUL_COMMON_BASE_MEMORY_H
#define LONGHAUL_COMMON_BASE_MEMORY_H

/* Memory by three rules: small fixed sizes abort when memory is out; sizes derived from input are checked
 * and may be refused; local scope frees itself with CLEANUP. */

#include <stddef.h>
#include <stdint.h>

struct error;

#define CLEANUP(fn) __attribute__((cleanup(fn)))
#define MOVE(p)                                                                                                        \
    __extension__({                                                                                                    \
        __auto_type moved_ = (p);                                                                                      \
        (p) = NULL;                                                                                                    \
        moved_;                                                                                                        \
    })
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Abort on failure: for sizes known when the program was written. Zeroed. */
void *memory_new(size_t size) __attribute__((returns_nonnull, malloc));
char *memory_strdup(const char *text) __attribute__((returns_nonnull, malloc));
char *memory_printf(const char *fmt, ...) __attribute__((returns_nonnull, malloc, format(printf, 1, 2)));

/* For sizes that came from outside: NULL and ERROR_LIMIT above ceiling bytes, on overflow, or when memory
 * is out. Zeroed. A count of zero yields a valid pointer. */
void *memory_array(size_t count, size_t size, size_t ceiling, struct error *err);

/* The same for a block that a file may be written from without a copy: it begins at a page. Not zeroed. */
void *memory_pages(size_t size, size_t ceiling, struct error *err);

/* CLEANUP(memory_free_p) on a char* or uint8_t* variable. */
void memory_free_p(void *pointer_to_pointer);

/* Call first in main: makes the heap of a program with many threads give memory back. Large blocks go to the system
 * when they are freed, and threads share two arenas instead of keeping what they freed to themselves. */
void memory_prepare_process(void);

#define MEMORY_PAGE 4096

#define MEMORY_NEW(type) ((type *)memory_new(sizeof(type)))

#endif
