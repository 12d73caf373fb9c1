#ifndef LONGHAUL_COMMON_BASE_SECRET_H
#define LONGHAUL_COMMON_BASE_SECRET_H

/* Bytes that must not be printed, swapped or left behind: passwords, client secrets, unwrapped keys. The
 * bytes lie in pages that are locked and kept out of core dumps, and are zeroed when freed. There is no way
 * to a log or a format string. Any thread may read one that nobody changes. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct secret;

#define SECRET_MAX ((size_t)64 << 10)

/* Copies data; the caller zeroes its own copy (secret_zero). ERROR_LIMIT above SECRET_MAX. */
struct secret *secret_new(const void *data, size_t len, struct error *err);
/* Room for len bytes to be filled through secret_bytes_mutable(). */
struct secret *secret_reserve(size_t len, struct error *err);
/* Same bytes again; free both. */
struct secret *secret_copy(const struct secret *secret);
void secret_free(struct secret *secret);
void secret_free_p(struct secret **secret);

const uint8_t *secret_bytes(const struct secret *secret);
uint8_t *secret_bytes_mutable(struct secret *secret);
size_t secret_len(const struct secret *secret);
/* The bytes followed by a NUL that is not counted: for libraries that want a C string. */
const char *secret_text(const struct secret *secret);
/* Constant time for equal lengths. */
bool secret_equal(const struct secret *a, const struct secret *b);
/* Zeroes memory in a way the compiler keeps. */
void secret_zero(void *data, size_t len);

#endif
