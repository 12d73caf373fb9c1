#ifndef LONGHAUL_TESTS_FAKES_TEST_BYTES_H
#define LONGHAUL_TESTS_FAKES_TEST_BYTES_H

/* Byte strings of tests, written in hex. A mistake in one aborts. */

#include <stddef.h>
#include <stdint.h>

/* Returns how many bytes there are; room says how many fit. */
size_t test_bytes(const char *hex, uint8_t *out, size_t room);
/* 1 when the bytes are exactly these. */
int test_bytes_equal(const void *data, size_t len, const char *hex);

#endif
